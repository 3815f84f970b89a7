//! What was typed: one field for each key of a file, nothing checked but its type. Must not give any of it a meaning.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::units::{Size, Span};

/// Text that can be pointed at.
pub(super) type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) kafka: Kafka,
    #[serde(default)]
    pub(super) admin: Admin,
    #[serde(default)]
    pub(super) trust: Trust,
    #[serde(default)]
    pub(super) pipeline: Vec<Spanned<Pipeline>>,
    pub(super) drain: Option<Span>,
    pub(super) cache: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kafka {
    pub(super) brokers: Text,
    pub(super) group: Option<Text>,
    pub(super) membership: Option<Text>,
    pub(super) instance: Option<Text>,
    #[serde(default)]
    pub(super) properties: BTreeMap<Text, Spanned<Property>>,
}

/// The value of a librdkafka property, as TOML likes to write it.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected text, a whole number or a boolean; a name with dots stands in quotes"
)]
pub(super) enum Property {
    Text(String),
    Number(i64),
    Boolean(bool),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub(super) listen: Option<Text>,
    pub(super) token: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trust {
    #[serde(default)]
    pub(super) digests: Vec<Text>,
    #[serde(default)]
    pub(super) keys: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pipeline {
    pub(super) name: Text,
    pub(super) from: Spanned<Vec<Text>>,
    pub(super) dialect: Text,
    /// By glob over topics.
    #[serde(default)]
    pub(super) dialects: BTreeMap<Text, Text>,
    pub(super) compression: Option<Text>,
    pub(super) unavailable: Option<Text>,
    pub(super) to: Text,
    pub(super) plugins: Option<Text>,
    #[serde(default)]
    pub(super) required: Vec<Text>,
    #[serde(default)]
    pub(super) protect: Vec<Text>,
    #[serde(default)]
    pub(super) listed: Vec<Text>,
    pub(super) unlisted: Option<Text>,
    pub(super) dropped_commits: Option<Text>,
    pub(super) plugin_messages: Option<Text>,
    pub(super) dead_letter: Option<Text>,
    pub(super) dead_letter_payload: Option<Text>,
    pub(super) start: Option<Text>,
    pub(super) on_lost_offsets: Option<Text>,
    pub(super) partition: Option<Text>,
    pub(super) lanes: Option<Spanned<i64>>,
    pub(super) create_topics: Option<bool>,
    pub(super) stamp: Option<bool>,
    #[serde(default)]
    pub(super) classes: BTreeMap<Text, Text>,
    #[serde(default)]
    pub(super) limits: Limits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) batch_records: Option<Spanned<i64>>,
    pub(super) in_flight_records: Option<Spanned<i64>>,
    pub(super) in_flight_bytes: Option<Spanned<Size>>,
    pub(super) record_bytes: Option<Spanned<Size>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PluginFile {
    pub(super) plugin: Option<Text>,
    #[serde(default)]
    pub(super) tables: Vec<Text>,
    pub(super) deadline: Option<Spanned<Span>>,
    pub(super) memory: Option<Spanned<Size>>,
    pub(super) on_fault: Option<Text>,
    pub(super) on_open: Option<Text>,
    pub(super) reload: Option<Text>,
    pub(super) shadow: Option<Spanned<Span>>,
    pub(super) shadow_events: Option<Spanned<i64>>,
    pub(super) probation: Option<Spanned<Span>>,
    pub(super) probation_events: Option<Spanned<i64>>,
    pub(super) p99: Option<Spanned<Span>>,
    /// Turned into JSON from the document itself, which still has every digit of its numbers.
    #[serde(rename = "settings")]
    pub(super) _settings: Option<IgnoredAny>,
}
