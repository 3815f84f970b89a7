//! What an operator can see of a running gateway's plugins and order about them: plain values, as the admin side serves them and
//! the command line prints them. Must not know HTTP, or how an order is carried out.

use serde::{Deserialize, Serialize};

/// A running gateway, as its operator meets it.
pub trait Operator: Send + Sync {
    /// Every plugin of every pipeline, in chain order.
    fn plugins(&self) -> Vec<PluginView>;

    /// The latest comparison of a new version of `plugin` with the old one. Without a `pipeline` the name has to be of one
    /// pipeline alone.
    fn diff(&self, pipeline: Option<&str>, plugin: &str) -> Result<Diff, Refused>;

    /// Carries `order` out, or sees to it that it is; the text says what was done.
    fn order(&self, pipeline: Option<&str>, plugin: &str, order: Order) -> Result<String, Refused>;
}

/// Why nothing was done; the text is for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such plugin or pipeline, or nothing to show of it.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Conflict(String),
}

/// What can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Hold the breaker open: nothing enters the plugin, its partitions wait.
    Open,
    /// Hold the breaker closed: each event takes the plugin's fault policy, however many there are.
    Close,
    /// Let the breaker go by itself again, with a clean slate.
    Reset,
    /// Go back to the version before, or give a new version up that does not serve yet.
    Rollback,
    /// Let a new version serve at once, or take it as settled.
    Promote,
    /// Let keys go on that follow a refused event to the dead-letter topic.
    Release,
}

impl Order {
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Close, Self::Reset, Self::Rollback, Self::Promote, Self::Release];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Reset => "reset",
            Self::Rollback => "rollback",
            Self::Promote => "promote",
            Self::Release => "release",
        }
    }
}

/// One plugin of one pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginView {
    pub pipeline: String,
    pub plugin: String,
    /// File name within the folder.
    pub file: String,
    /// What serves; none where nothing does.
    pub serving: Option<VersionView>,
    /// Where `serving` is on its way; or what is the matter where nothing serves.
    pub stage: Stage,
    /// A new version on its way, or one that did not make it.
    pub candidate: Option<CandidateView>,
    /// What a rollback would bring back.
    pub previous: Option<VersionView>,
    pub breaker: BreakerView,
    /// Digest of the chain it is part of, as stamped on outputs.
    pub chain: String,
    /// Keys whose events follow a refused one to the dead-letter topic.
    pub parked_keys: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// As the plugin's `describe` gives it.
    pub version: String,
    /// SHA-256 of the file, lower-case hex.
    pub digest: String,
}

/// Where a version stands on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It serves for good.
    #[default]
    Settled,
    /// It serves, and is watched.
    Probation,
    /// It runs beside the version that serves; nothing of it leaves.
    Shadow,
    /// It failed on the way and was taken back.
    RolledBack,
    /// It never served: not loaded, or not fit for the chain.
    Refused,
    /// Its file is being written.
    Pending,
}

impl Stage {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Probation => "probation",
            Self::Shadow => "shadow",
            Self::RolledBack => "rolled-back",
            Self::Refused => "refused",
            Self::Pending => "pending",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateView {
    /// Its file within the folder.
    #[serde(default)]
    pub file: String,
    /// None where it could not even be loaded.
    pub version: Option<VersionView>,
    pub stage: Stage,
    /// Why it does not serve, or how far it is.
    pub reason: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BreakerView {
    /// `closed`, `half-open` or `open`.
    pub state: String,
    pub by_hand: bool,
    pub cause: Option<String>,
    pub next_probe_seconds: Option<f64>,
    pub trips: u64,
}

/// Two versions of a plugin over the same records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    pub pipeline: String,
    pub plugin: String,
    pub old: VersionView,
    pub new: VersionView,
    /// Records that went through both chains.
    pub compared: u64,
    /// Of those, how many ended differently or with other bytes.
    pub differing: u64,
    /// Of those kept from before, how many came out differently in the new chain once it had seen other records first.
    pub unsteady: u64,
    pub old_faults: u64,
    pub new_faults: u64,
    /// 99 of 100 calls of the plugin took less, in microseconds.
    pub old_p99_us: u64,
    pub new_p99_us: u64,
    /// Some of those that differ.
    pub examples: Vec<Example>,
}

/// One record that came out differently.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Example {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// `database.schema.table`; empty where it has none.
    pub table: String,
    /// How it ended: `forward to TOPIC`, `drop`, `dead letter: CODE`, `halt: CODE`.
    pub old_end: String,
    pub new_end: String,
    pub fields: Vec<FieldDiff>,
}

/// One field that differs between the versions. Values are JSON text; [`HIDDEN`] where a value must not be shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldDiff {
    /// `after.email`, `key.id`, `header:tenant`, `topic`.
    pub field: String,
    /// In the source; none where it has none.
    pub source: Option<String>,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// Stands for a value of a protected column, or one that a plugin hides.
pub const HIDDEN: &str = "(hidden)";
