//! The configuration in which every name resolves and every limit is usable. What was typed is read and checked under
//! `config/`; nothing after start looks at a raw value or at the environment.

mod columns;
mod document;
mod error;
mod plugin;
mod plugin_file;
mod properties;
mod raw;
mod resolve;
mod secrets;
mod topics;
mod units;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cell::Placeholder;
use crate::change::Class;
pub use crate::compress::Compression;
use crate::table::{Dialect, Dialects};

pub use self::columns::ColumnPattern;
use self::document::Document;
pub use self::error::Error;
pub use self::plugin::{FaultPolicy, Length, OnOpen, PluginFile, Reload, Rollout};
pub use self::properties::refused_property;
use self::secrets::{Process, Surroundings};
pub use self::topics::{Template, TopicFilter, TopicPattern};

#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from; relative paths in it are relative to its folder.
    pub file: PathBuf,
    pub kafka: Kafka,
    pub admin: Admin,
    pub pipelines: Vec<Pipeline>,
    /// How long a SIGTERM may take to drain.
    pub drain: Duration,
    /// Where compiled plugins are kept from one start to the next; none where they are not.
    pub cache: Option<PathBuf>,
    pub trust: Trust,
    /// The files that `${file:...}` named. They are read at start.
    pub secret_files: Vec<PathBuf>,
}

impl Config {
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::parse(&read(path)?, path)
    }

    /// `path` is where `text` stands: errors name it, and relative paths in `text` start from its folder.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        Self::parse_within(text, path, &Process)
    }

    fn parse_within(
        text: &str,
        path: &Path,
        surroundings: &dyn Surroundings,
    ) -> Result<Self, Error> {
        let document = Document::new(path, text);
        let tree = document.parse(surroundings)?;
        let raw = document.read(tree.table)?;
        resolve::config(&document, raw, tree.secret_files, surroundings)
    }
}

/// Where compiled plugins are kept when no configuration says so.
pub fn default_cache() -> Option<PathBuf> {
    resolve::default_cache(&Process)
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|cause| Error::reading(path, cause))
}

#[derive(Clone)]
pub struct Kafka {
    pub brokers: String,
    pub group: String,
    pub membership: Membership,
    /// Extra librdkafka properties for consumers and producers; the unsafe ones are already refused.
    pub properties: BTreeMap<String, String>,
}

impl Kafka {
    /// The `[kafka]` of a configuration whose pipelines need not be there yet.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = read(path)?;
        let document = Document::new(path, &text);
        let tree = document.parse(&Process)?;
        let raw: raw::Config = document.read(tree.table)?;
        resolve::kafka(&document, raw.kafka)
    }

    /// A cluster that wants neither TLS nor credentials.
    pub fn plain(brokers: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
            group: resolve::DEFAULT_GROUP.to_owned(),
            membership: Membership::Dynamic,
            properties: BTreeMap::new(),
        }
    }
}

/// Without the properties' values: passwords are among them.
impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka")
            .field("brokers", &self.brokers)
            .field("group", &self.group)
            .field("membership", &self.membership)
            .field("properties", &self.properties.keys())
            .finish()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// `group.instance.id` is `{instance}-{pipeline}-{lane}`: a restart keeps its partitions.
    Static { instance: String },
    /// Leaves the group at once when it stops.
    Dynamic,
}

#[derive(Clone)]
pub struct Admin {
    /// None switches the admin side off.
    pub listen: Option<SocketAddr>,
    /// What an order has to show; without it orders are taken from this host alone.
    pub token: Option<String>,
}

/// Without the token.
impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Which plugin files may be loaded. The official plugins are part of the program and need neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// SHA-256 of files, lower-case hex; empty for any file.
    pub digests: Vec<String>,
    /// Ed25519 public keys, one of which must have signed a file; empty where none needs a signature.
    pub keys: Vec<[u8; 32]>,
}

#[derive(Clone, Debug)]
pub struct Pipeline {
    pub name: String,
    pub from: Vec<TopicPattern>,
    pub dialects: Dialects,
    /// How values are compressed inside the records; none where Kafka alone does it.
    pub compression: Option<Compression>,
    /// What stands in place of values that the database did not send.
    pub unavailable: Placeholder,
    /// Columns that must never leave in clear.
    pub protect: Vec<ColumnPattern>,
    /// Columns that are known to be harmless: with `unlisted`, what neither these nor a plugin nor `protect` names.
    pub listed: Vec<ColumnPattern>,
    pub unlisted: Unlisted,
    pub dropped_commits: DroppedCommits,
    /// Whether what plugins say themselves may be seen.
    pub plugin_messages: PluginMessages,
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
    /// Whether every output names the chain it went through in a header.
    pub stamp: bool,
    /// What happens to each class that no plugin sees.
    pub classes: BTreeMap<Class, ClassPolicy>,
    pub limits: Limits,
}

impl Pipeline {
    /// The chain in `plugins` with nothing around it, for records that come from a file: topics stay as they are.
    pub fn offline(plugins: PathBuf, dialect: Dialect) -> Self {
        Self {
            name: "apply".to_owned(),
            from: Vec::new(),
            dialects: dialect.into(),
            compression: None,
            unavailable: Placeholder::default(),
            protect: Vec::new(),
            listed: Vec::new(),
            unlisted: Unlisted::default(),
            dropped_commits: DroppedCommits::default(),
            plugin_messages: PluginMessages::Show,
            to: Template::identity(),
            plugins,
            required: Vec::new(),
            dead_letter: Template::identity(),
            dead_letter_payload: Payload::default(),
            start: Start::default(),
            on_lost_offsets: LostOffsets::default(),
            partition: PartitionBy::default(),
            lanes: 1,
            create_topics: false,
            stamp: false,
            classes: ClassPolicy::defaults(),
            limits: Limits::default(),
        }
    }
}

/// Whether log lines, reasons and last words of plugins, which may hold data, are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginMessages {
    Show,
    Withhold,
}

/// What happens to columns that no one has listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unlisted {
    #[default]
    Pass,
    Remove,
    DeadLetter,
    Halt,
}

/// What becomes of a row that ends its transaction and that a plugin drops: a reader who puts transactions together waits for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DroppedCommits {
    #[default]
    Drop,
    /// It stays, and goes through the other plugins as if none had dropped it.
    Keep,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    #[default]
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

impl ClassPolicy {
    /// Every class that no plugin sees, with its policy where none is configured: what is not understood is never passed.
    pub fn defaults() -> BTreeMap<Class, Self> {
        let unseen =
            Class::ALL.into_iter().filter(|class| !matches!(class, Class::Row | Class::Tombstone));
        unseen
            .map(|class| match class {
                Class::Unknown => (class, Self::DeadLetter),
                _ => (class, Self::Pass),
            })
            .collect()
    }
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

#[cfg(test)]
mod tests;
