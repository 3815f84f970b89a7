//! A pipeline of real plugins over records in memory: what leaves, or why it does not. Knows no broker.

use std::fs;
use std::sync::{Arc, OnceLock};

use lockgate::config::{self, ColumnPattern};
use lockgate::gateway::Loaded;
use lockgate::outcome::Outcome;
use lockgate::pipeline::Pipeline;
use lockgate::plugin::Runtime;
use lockgate::record::{Header, Output, OutputHeader, Partition, Record};
use lockgate::table::Dialect;
use tempfile::TempDir;

use crate::client;

/// A pipeline that is being put together.
pub struct Offline {
    folder: TempDir,
    pub settings: config::Pipeline,
}

/// A record of one topic.
#[derive(Clone, Debug)]
pub struct Given {
    pub topic: String,
    pub record: client::Record,
}

/// A record that left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub topic: String,
    /// None where the key decides.
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// What became of a record.
#[derive(Clone, Debug)]
pub enum Left {
    Forward {
        record: Sent,
        emissions: Vec<Sent>,
    },
    Dropped(String),
    /// The refusal as it reads in logs, and what the dead letter shows.
    Refused {
        code: String,
        refusal: String,
        kept: Sent,
    },
    Halted(String),
}

impl Offline {
    pub fn new(dialect: Dialect) -> Self {
        let folder = TempDir::new().expect("a folder for plugins");
        let settings = config::Pipeline::offline(folder.path().to_owned(), dialect);
        Self { folder, settings }
    }

    /// Adds an official plugin: the text of its `NAME.toml`.
    pub fn plugin(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name).with_extension("toml");
        fs::write(path, text).expect("the folder is there");
        self
    }

    /// Adds a plugin of WebAssembly text, and its settings file where it has one.
    pub fn guest(self, name: &str, wasm: &[u8], settings: Option<&str>) -> Self {
        let path = self.folder.path().join(name).with_extension("wasm");
        fs::write(&path, wasm).expect("the folder is there");
        match settings {
            Some(text) => self.plugin(name, text),
            None => self,
        }
    }

    /// Every column of that name is masked by `rule`.
    pub fn mask(self, column: &str, rule: &str) -> Self {
        let text = format!("plugin = \"mask\"\n[settings.columns]\n\"{column}\" = \"{rule}\"\n");
        let name = format!("20-mask-{}", self.plugins());
        self.plugin(&name, &text)
    }

    pub fn protect(mut self, patterns: &[&str]) -> Self {
        let patterns = patterns.iter().map(|pattern| ColumnPattern::parse(pattern));
        self.settings.protect = patterns.collect::<Result<_, _>>().expect("patterns of columns");
        // As the configuration has it where nothing else is written.
        self.settings.plugin_messages = config::PluginMessages::Withhold;
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut config::Pipeline)) -> Self {
        change(&mut self.settings);
        self
    }

    fn plugins(&self) -> usize {
        fs::read_dir(self.folder.path()).map_or(0, Iterator::count)
    }

    /// Loads the plugins.
    ///
    /// # Errors
    ///
    /// As `run` would refuse them at start.
    pub fn load(&self) -> anyhow::Result<Pipeline> {
        let loaded = Loaded::load(&kept().0, &self.settings)?;
        Ok(Pipeline::new(Arc::clone(&loaded.settings), loaded.stages()))
    }

    /// Carries the records as one batch through a fresh pipeline.
    pub fn carry(&self, given: &[Given]) -> Vec<Left> {
        carry(&mut self.load().expect("the pipeline loads"), given)
    }

    /// Carries one record of a value alone.
    pub fn value(&self, value: impl AsRef<[u8]>) -> Left {
        self.one(Given::value(value))
    }

    pub fn one(&self, given: Given) -> Left {
        self.carry(&[given]).remove(0)
    }
}

/// The engine of all tests of a process, and the official plugins: what is in use is not compiled again.
fn kept() -> &'static (Arc<Runtime>, Loaded) {
    static KEPT: OnceLock<(Arc<Runtime>, Loaded)> = OnceLock::new();
    KEPT.get_or_init(|| {
        let runtime = Runtime::start().expect("an engine");
        let all = Offline::new(Dialect::Json)
            .plugin("10-filter", "plugin = \"filter\"\n[settings]\nkeep = 'true'\n")
            .plugin("20-mask", "plugin = \"mask\"\n[settings.columns]\na = \"null\"\n")
            .plugin("30-reshape", "plugin = \"reshape\"\n[settings]\nremove = [\"a\"]\n");
        let loaded = Loaded::load(&runtime, &all.settings).expect("the official plugins load");
        (runtime, loaded)
    })
}

/// Carries the records as one batch.
pub fn carry(pipeline: &mut Pipeline, given: &[Given]) -> Vec<Left> {
    let topics: Vec<Arc<str>> = given.iter().map(|given| given.topic.as_str().into()).collect();
    let records: Vec<Record<'_>> = given
        .iter()
        .zip(&topics)
        .map(|(given, own)| {
            let topic = topics.iter().find(|topic| *topic == own).unwrap_or(own);
            let Given { record, .. } = given;
            Record {
                // One name for each topic, as a source interns them.
                topic,
                partition: record.partition,
                offset: record.offset,
                timestamp: record.timestamp,
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                headers: headers(record),
            }
        })
        .collect();
    let mut left = Vec::new();
    pipeline.process(&records, |_, _, outcome| {
        left.push(Left::of(outcome));
        true
    });
    left
}

fn headers(record: &client::Record) -> Vec<Header<'_>> {
    let headers = record.headers.iter();
    headers.map(|(name, value)| Header { name: name.as_bytes(), value: value.as_deref() }).collect()
}

impl Given {
    pub fn value(value: impl AsRef<[u8]>) -> Self {
        let value = Some(value.as_ref().to_vec());
        let record = client::Record { timestamp: Some(1), value, ..client::Record::default() };
        Self { topic: "shop.public.customers".to_owned(), record }
    }

    pub fn tombstone() -> Self {
        let mut given = Self::value("");
        given.record.value = None;
        given
    }

    pub fn topic(mut self, topic: &str) -> Self {
        topic.clone_into(&mut self.topic);
        self
    }

    pub fn key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.record.key = Some(key.as_ref().to_vec());
        self
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.record.headers.push((name.to_owned(), Some(value.as_ref().to_vec())));
        self
    }

    pub fn partition(mut self, partition: i32) -> Self {
        self.record.partition = partition;
        self
    }
}

impl Left {
    fn of(outcome: Outcome<'_>) -> Self {
        match outcome {
            Outcome::Forward { record, emissions } => Self::Forward {
                record: Sent::of(record),
                emissions: emissions.into_iter().map(Sent::of).collect(),
            },
            Outcome::Replace(emissions) => {
                Self::Dropped(format!("replaced by {}", emissions.len()))
            }
            Outcome::Drop(cause) => Self::Dropped(format!("{cause:?}")),
            Outcome::Hold(hold) => Self::Halted(format!("held: {}", hold.reason)),
            Outcome::DeadLetter { refusal, kept } => Self::Refused {
                code: refusal.code.to_string(),
                refusal: refusal.to_string(),
                kept: Sent {
                    topic: String::new(),
                    partition: None,
                    timestamp: None,
                    key: kept.key.map(|key| key.into_owned()),
                    value: kept.value.map(|value| value.into_owned()),
                    headers: kept.headers.into_iter().map(header).collect(),
                },
            },
            Outcome::Halt(refusal) => Self::Halted(refusal.to_string()),
        }
    }

    /// The record that left.
    ///
    /// # Panics
    ///
    /// Where none did.
    #[expect(clippy::panic, reason = "what a test found instead")]
    pub fn sent(self) -> Sent {
        match self {
            Self::Forward { record, .. } => record,
            other => panic!("no record left: {other:?}"),
        }
    }

    /// The text of the value that left.
    pub fn text(self) -> String {
        self.sent().text()
    }

    /// Code and words of the refusal.
    ///
    /// # Panics
    ///
    /// Where the record was not refused.
    #[expect(clippy::panic, reason = "what a test found instead")]
    pub fn refusal(self) -> String {
        match self {
            Self::Refused { refusal, .. } => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }
}

impl Sent {
    fn of(output: Output<'_>) -> Self {
        let partition = match output.partition {
            Partition::Same(partition) => Some(partition),
            Partition::ByKey => None,
        };
        Self {
            topic: output.topic.to_string(),
            partition,
            timestamp: output.timestamp,
            key: output.key.map(|key| key.into_owned()),
            value: output.value.map(|value| value.into_owned()),
            headers: output.headers.into_iter().map(header).collect(),
        }
    }

    pub fn text(&self) -> String {
        lossy(self.value.as_deref())
    }

    pub fn key_text(&self) -> String {
        lossy(self.key.as_deref())
    }

    /// The value of the last header of that name.
    pub fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().rfind(|(known, _)| known == name.as_bytes())?;
        found.1.as_deref().map(|value| lossy(Some(value)))
    }
}

fn header(header: OutputHeader<'_>) -> (Vec<u8>, Option<Vec<u8>>) {
    (header.name.into_owned(), header.value.map(|value| value.into_owned()))
}

fn lossy(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(|| "(none)".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}
