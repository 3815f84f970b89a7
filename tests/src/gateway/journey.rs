//! One pipeline between topics of its own, on any cluster: what a test writes, what it waits for, what it finds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;

use super::{Cluster, Folder, Gateway, PATIENCE};
use crate::checker::{self, Fate, Tally, Topics};
use crate::client::{Client, Record, eventually};

pub struct Journey {
    pub client: Client,
    pub folder: Folder,
    pub topics: Topics,
    pub group: String,
    /// More lines under `[kafka]`, `[kafka.properties]` and the pipeline.
    pub kafka: String,
    pub properties: String,
    pub pipeline: String,
    brokers: String,
    written: AtomicU64,
}

impl Journey {
    /// Makes the topics, with this many partitions each. `program` is the gateway's.
    pub fn new(cluster: &Cluster, program: &str, partitions: i32) -> anyhow::Result<Self> {
        let journey = Self::without_topics(cluster, program)?;
        let Topics { source, output, letters } = &journey.topics;
        for topic in [source, output, letters] {
            journey.client.create_topic(topic, partitions)?;
        }
        Ok(journey)
    }

    pub fn without_topics(cluster: &Cluster, program: &str) -> anyhow::Result<Self> {
        let source = cluster.unique("shop");
        Ok(Self {
            client: Client::new(&cluster.brokers)?,
            folder: Folder::new(program)?,
            topics: Topics {
                output: format!("clean.{source}"),
                letters: format!("{source}.dlq"),
                source,
            },
            group: cluster.unique("group"),
            kafka: "membership = \"dynamic\"\n".to_owned(),
            // Members hear of rebalances with their heartbeats, and tests have no seconds to wait for one.
            properties: "\"heartbeat.interval.ms\" = 200\n".to_owned(),
            pipeline: String::new(),
            brokers: cluster.brokers.clone(),
            written: AtomicU64::new(0),
        })
    }

    /// The whole configuration. `pipeline` stands last, so that tables may follow it.
    pub fn config(&self) -> String {
        let Self { brokers, group, kafka, properties, pipeline, .. } = self;
        let source = &self.topics.source;
        format!(
            "drain = \"10s\"\n[kafka]\nbrokers = \"{brokers}\"\ngroup = \"{group}\"\n{kafka}\
             [kafka.properties]\n{properties}[admin]\nlisten = \"127.0.0.1:0\"\n\
             [[pipeline]]\nname = \"shop\"\nfrom = [\"{source}\"]\nto = \"clean.{{topic}}\"\n\
             dialect = \"debezium\"\n{pipeline}"
        )
    }

    /// Starts a gateway and waits until it carries records.
    pub fn start(&self) -> anyhow::Result<Gateway> {
        let mut gateway = self.folder.run(&self.config())?;
        gateway.ready()?;
        Ok(gateway)
    }

    /// Writes records, each with a mark of its own.
    pub fn write(&self, records: impl IntoIterator<Item = Record>) -> anyhow::Result<()> {
        let mark = |record: Record| record.marked(self.written.fetch_add(1, Ordering::Relaxed));
        let records: Vec<Record> = records.into_iter().map(mark).collect();
        self.client.produce(&self.topics.source, &records)
    }

    /// Writes `record(0)`, `record(1)` and so on, some hundreds a second, for as long as `act` takes.
    pub fn while_flowing(
        &self,
        record: impl Fn(usize) -> Record + Sync,
        act: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| -> anyhow::Result<()> {
                let mut number = 0;
                while !over.load(Ordering::Relaxed) {
                    self.write((number..number + 8).map(&record))?;
                    number += 8;
                    std::thread::sleep(Duration::from_millis(8));
                }
                Ok(())
            });
            let acted = act();
            over.store(true, Ordering::Relaxed);
            let written = writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))?;
            acted.and(written)
        })
    }

    /// Waits until the output topic holds a record of which `is_it` is true.
    pub fn until_output(&self, what: &str, is_it: impl Fn(&Record) -> bool) -> anyhow::Result<()> {
        eventually(what, PATIENCE, || Ok(self.outputs()?.iter().any(&is_it)))
    }

    /// Waits until the group has committed everything that stands in the source topic now.
    pub fn settled(&self) -> anyhow::Result<()> {
        let mut ends = BTreeMap::new();
        for record in self.client.read_all(&self.topics.source)? {
            ends.insert(record.partition, record.offset + 1);
        }
        let mut committed = BTreeMap::new();
        eventually("everything is committed", PATIENCE, || {
            committed = self.client.committed(&self.group, &self.topics.source)?;
            Ok(ends.iter().all(|(partition, end)| committed.get(partition) >= Some(end)))
        })
        .with_context(|| format!("committed {committed:?} of {ends:?}"))
    }

    /// Waits until everything is committed, and proves that each record had its fate.
    pub fn check(&self, fate: impl Fn(&Record) -> Fate) -> anyhow::Result<Tally> {
        self.settled()?;
        checker::check(&self.client, &self.topics, fate)
    }

    pub fn outputs(&self) -> anyhow::Result<Vec<Record>> {
        self.client.read_all(&self.topics.output)
    }

    pub fn letters(&self) -> anyhow::Result<Vec<Record>> {
        self.client.read_all(&self.topics.letters)
    }
}
