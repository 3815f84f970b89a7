//! The same updates as every dialect writes them, through an empty chain, a filter and a mask.

use std::path::Path;
use std::sync::Arc;

use lockgate::config;
use lockgate::gateway::Loaded;
use lockgate::pipeline::Pipeline;
use lockgate::plugin::Runtime;
use lockgate::record::Record;
use lockgate::table::Dialect;
use lockgate_tests::changes::Change;
use lockgate_tests::shop::Shop;

use crate::chains::process;

const FILTER: &str = "plugin = \"filter\"\n[settings]\nkeep = 'after.country != \"NO\"'\n";
const MASK: &str =
    "plugin = \"mask\"\n[settings.columns]\nemail = \"keep-domain\"\ncard = \"keep-last:4\"\n";

/// What is done to every event; the plugin's file where there is one.
pub(crate) const WORKS: [(&str, Option<&str>); 3] =
    [("identity", None), ("filter", Some(FILTER)), ("mask", Some(MASK))];

/// One dialect under one kind of work.
pub(crate) struct Tongue {
    pipeline: Pipeline,
    topic: Arc<str>,
    values: Vec<String>,
    out: Vec<u8>,
    _folder: tempfile::TempDir,
}

impl Tongue {
    pub(crate) fn new(dialect: Dialect, plugin: Option<&str>, batch: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut shop = Shop::new(11, 1_000);
        let values = (0..batch).map(|number| {
            let update = shop.update(number % 1_000 + 1).value.expect("an update has a value");
            if dialect == Dialect::Debezium {
                return update;
            }
            let mut event = serde_json::from_str(&update).expect("an update is JSON");
            Change::of_debezium(&mut event).written(dialect).to_string()
        });
        Self {
            values: values.collect(),
            pipeline: pipeline(dialect, plugin, folder.path()),
            topic: "shop.public.customers".into(),
            out: Vec::new(),
            _folder: folder,
        }
    }

    /// Bytes of a value, on average.
    pub(crate) fn size(&self) -> usize {
        self.values.iter().map(String::len).sum::<usize>() / self.values.len().max(1)
    }

    /// Carries one batch; gives how many events.
    pub(crate) fn carry(&mut self) -> usize {
        let topic = &self.topic;
        let records: Vec<Record<'_>> = (0i64..)
            .zip(&self.values)
            .map(|(offset, value)| Record {
                topic,
                partition: 0,
                offset,
                timestamp: Some(0),
                key: None,
                value: Some(value.as_bytes()),
                headers: Vec::new(),
            })
            .collect();
        process(&mut self.pipeline, &records, &mut self.out);
        records.len()
    }
}

fn pipeline(dialect: Dialect, plugin: Option<&str>, folder: &Path) -> Pipeline {
    if let Some(text) = plugin {
        std::fs::write(folder.join("10-work.toml"), text).expect("the folder takes files");
    }
    let settings = config::Pipeline::offline(folder.to_owned(), dialect);
    let runtime = Runtime::start().expect("the plugin runtime starts");
    let loaded = Loaded::load(&runtime, &settings).expect("the official plugins load");
    Pipeline::new(Arc::clone(&loaded.settings), loaded.stages())
}
