//! What a plugin's `NAME.toml` means: its limits, what happens when it fails, how its versions come to serve. Must not know how the
//! file is read, or what any plugin's settings mean.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::Document;
use super::error::Error;
use super::secrets::{Process, Surroundings};
use super::{plugin_file, read};

/// What stands in `NAME.toml` beside a plugin.
#[derive(Clone, PartialEq)]
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
    pub on_open: OnOpen,
    pub rollout: Rollout,
    /// An object, handed to `configure` as JSON.
    pub settings: serde_json::Value,
    /// As `Config::secret_files`.
    pub secret_files: Vec<PathBuf>,
}

impl PluginFile {
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::parse(&read(path)?, path)
    }

    /// As [`super::Config::parse`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        Self::parse_within(text, path, &Process)
    }

    pub(super) fn parse_within(
        text: &str,
        path: &Path,
        surroundings: &dyn Surroundings,
    ) -> Result<Self, Error> {
        let document = Document::new(path, text);
        plugin_file::read(&document, document.parse(surroundings)?)
    }
}

/// Without the settings: keys of HMACs are among them.
impl fmt::Debug for PluginFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginFile")
            .field("official", &self.official)
            .field("tables", &self.tables)
            .field("deadline", &self.deadline)
            .field("memory", &self.memory)
            .field("on_fault", &self.on_fault)
            .field("on_open", &self.on_open)
            .field("rollout", &self.rollout)
            .finish_non_exhaustive()
    }
}

/// What happens to a record whose plugin failed on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultPolicy {
    #[default]
    DeadLetter,
    /// As `DeadLetter`, and later records with the same key of the partition follow it there until they are released.
    DeadLetterKey,
    Drop,
    Pass,
    Halt,
}

/// What happens to records while a plugin is not called, since it failed too often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnOpen {
    /// Their partitions wait.
    #[default]
    Halt,
    /// They go on without it.
    Bypass,
}

/// How a new version takes the place of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollout {
    pub reload: Reload,
    /// How long it runs beside the old one at most.
    pub shadow: Length,
    /// How long it is watched once it serves.
    pub probation: Length,
    /// Above this a new version is rolled back: 99 of 100 of its calls take less.
    pub p99: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reload {
    /// Once it has passed every check.
    Immediate,
    /// Once it has run beside the old version too.
    #[default]
    Shadow,
}

/// Whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    pub time: Duration,
    pub events: u64,
}

impl Rollout {
    /// The defaults for a plugin with this deadline.
    pub fn with_deadline(deadline: Duration) -> Self {
        Self {
            reload: Reload::default(),
            shadow: Length { time: Duration::from_secs(2), events: 1_000 },
            probation: Length { time: Duration::from_secs(60), events: 10_000 },
            p99: deadline / 2,
        }
    }
}

impl Default for PluginFile {
    fn default() -> Self {
        let deadline = Duration::from_millis(200);
        Self {
            official: None,
            tables: Vec::new(),
            deadline,
            memory: 64 << 20,
            on_fault: FaultPolicy::DeadLetter,
            on_open: OnOpen::Halt,
            rollout: Rollout::with_deadline(deadline),
            settings: serde_json::Value::Object(serde_json::Map::new()),
            secret_files: Vec::new(),
        }
    }
}
