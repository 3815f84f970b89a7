//! The configuration in which every name resolves and every limit is usable. What was typed is read and checked under
//! `config/`; nothing after start looks at a raw value or at the environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::change::Class;
use crate::table::Dialect;

#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from; relative paths in it are relative to its folder.
    pub file: PathBuf,
    pub kafka: Kafka,
    pub admin: Admin,
    pub pipelines: Vec<Pipeline>,
    /// How long a SIGTERM may take to drain.
    pub drain: Duration,
}

#[derive(Clone, Debug)]
pub struct Kafka {
    pub brokers: String,
    pub group: String,
    pub membership: Membership,
    /// Extra librdkafka properties for consumers and producers; the unsafe ones are already refused.
    pub properties: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// `group.instance.id` is `{instance}-{pipeline}-{lane}`: a restart keeps its partitions.
    Static { instance: String },
    /// Leaves the group at once when it stops.
    Dynamic,
}

#[derive(Clone, Debug)]
pub struct Admin {
    /// None switches the admin side off.
    pub listen: Option<SocketAddr>,
}

#[derive(Clone, Debug)]
pub struct Pipeline {
    pub name: String,
    pub from: Vec<TopicPattern>,
    pub dialect: Dialect,
    /// Output topic; `{topic}` stands for the source topic.
    pub to: Template,
    /// The folder whose files are the chain.
    pub plugins: PathBuf,
    /// Names of plugins without which the pipeline stops.
    pub required: Vec<String>,
    pub dead_letter: Template,
    pub dead_letter_payload: Payload,
    pub start: Start,
    pub on_lost_offsets: LostOffsets,
    pub partition: PartitionBy,
    /// Number of threads, each a member of the consumer group.
    pub lanes: usize,
    pub create_topics: bool,
    /// What happens to each class that no plugin sees.
    pub classes: BTreeMap<Class, ClassPolicy>,
    pub limits: Limits,
}

/// A topic name, or a glob over topic names.
#[derive(Clone, Debug)]
pub enum TopicPattern {
    Exact(String),
    Glob(globset::Glob),
}

/// Text with `{name}` places, checked when the configuration was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// `{topic}`: the source topic.
    Topic,
}

impl Template {
    pub fn render(&self, topic: &str) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Topic => topic,
            })
            .collect()
    }
}

/// What a dead letter holds of the record it stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// Cells that any plugin of the chain writes are replaced; where that cannot be done, the payload is left out.
    #[default]
    Masked,
    Raw,
    Omit,
}

/// Where a partition without a committed offset begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Earliest,
    Latest,
    /// Milliseconds since 1970.
    Timestamp(i64),
}

/// What happens when the committed offset is no longer in the topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LostOffsets {
    #[default]
    Halt,
    Earliest,
    Latest,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartitionBy {
    #[default]
    Same,
    Key,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassPolicy {
    Pass,
    Drop,
    DeadLetter,
    Halt,
}

/// What one lane may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records read at a time.
    pub batch_records: usize,
    /// Records and bytes sent and not yet acknowledged; past either, reading stops.
    pub in_flight_records: usize,
    pub in_flight_bytes: usize,
    /// Largest output record, key, value and headers together.
    pub record_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_records: 1_024,
            in_flight_records: 10_000,
            in_flight_bytes: 32 << 20,
            record_bytes: 1_000_000,
        }
    }
}

/// What stands in `NAME.toml` beside a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginFile {
    /// The official plugin to use where there is no `NAME.wasm`.
    pub official: Option<String>,
    /// Tables it is asked about: globs over `database.schema.table`, `schema.table` or `table`; empty for all.
    pub tables: Vec<globset::Glob>,
    /// Longest time for one batch.
    pub deadline: Duration,
    /// Bytes of all its memories together.
    pub memory: usize,
    pub on_fault: FaultPolicy,
    /// Handed to `configure` as JSON.
    pub settings: serde_json::Value,
}

/// What happens to a record whose plugin failed on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultPolicy {
    #[default]
    DeadLetter,
    Drop,
    Pass,
    Halt,
}

impl Default for PluginFile {
    fn default() -> Self {
        Self {
            official: None,
            tables: Vec::new(),
            deadline: Duration::from_millis(200),
            memory: 64 << 20,
            on_fault: FaultPolicy::DeadLetter,
            settings: serde_json::Value::Object(serde_json::Map::new()),
        }
    }
}
