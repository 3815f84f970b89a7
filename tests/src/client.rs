//! Writes records for a test and reads what came of them, with rdkafka's own client: nothing of the gateway takes part, so
//! that its mistakes cannot hide here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

/// The longest any call here waits for the broker.
const PATIENCE: Duration = Duration::from_secs(20);

/// A record to write, or one that was read; offsets are given by the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since 1970; none for now.
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    /// Names are text here: rdkafka cannot read or write others.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Record {
    /// A record of text without headers.
    pub fn text(partition: i32, key: &str, value: &str) -> Self {
        let bytes = |text: &str| Some(text.as_bytes().to_vec());
        Self { partition, key: bytes(key), value: bytes(value), ..Self::default() }
    }

    /// The value as text, for comparing; empty where there is none or it is not UTF-8.
    pub fn value_text(&self) -> &str {
        std::str::from_utf8(self.value.as_deref().unwrap_or_default()).unwrap_or_default()
    }
}

/// A connection to a test broker.
pub struct Client {
    brokers: String,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Client {
    pub fn new(brokers: &str) -> anyhow::Result<Self> {
        let producer = config(brokers)
            .set("enable.idempotence", "true")
            .set("linger.ms", "2")
            .create()
            .context("making the test's producer")?;
        Ok(Self { brokers: brokers.to_owned(), producer })
    }

    /// Writes records in order and waits until all of them are acknowledged.
    pub fn produce(&self, topic: &str, records: &[Record]) -> anyhow::Result<()> {
        for record in records {
            self.send(topic, record)?;
        }
        self.producer.flush(PATIENCE).with_context(|| format!("writing to topic \"{topic}\""))
    }

    fn send(&self, topic: &str, record: &Record) -> anyhow::Result<()> {
        let headers = record.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(Header { key, value: value.as_ref() })
        });
        let mut message = BaseRecord::<[u8], [u8]>::to(topic).partition(record.partition);
        message.key = record.key.as_deref();
        message.payload = record.value.as_deref();
        message.timestamp = record.timestamp;
        message.headers = (!record.headers.is_empty()).then_some(headers);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if Instant::now() < deadline =>
                {
                    message = back;
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err((err, _)) => {
                    return Err(err).with_context(|| format!("writing to topic \"{topic}\""));
                }
            }
        }
    }

    /// How many records a topic holds, from the first to the last offset of each partition.
    pub fn count(&self, topic: &str) -> anyhow::Result<usize> {
        let consumer: BaseConsumer = config(&self.brokers).create()?;
        let mut records = 0;
        for partition in self.partitions_with(&consumer, topic)? {
            let (low, high) = consumer.fetch_watermarks(topic, partition, PATIENCE)?;
            records += usize::try_from(high - low).unwrap_or(0);
        }
        Ok(records)
    }

    /// Every record of a topic as it stands now, by partition and in order.
    pub fn read_all(&self, topic: &str) -> anyhow::Result<Vec<Record>> {
        let consumer: BaseConsumer = config(&self.brokers)
            .set("group.id", "lockgate-tests-reader")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .create()
            .context("making the test's reader")?;
        let mut ends = BTreeMap::new();
        let mut assignment = TopicPartitionList::new();
        for partition in self.partitions_with(&consumer, topic)? {
            let (low, high) = consumer.fetch_watermarks(topic, partition, PATIENCE)?;
            if low < high {
                ends.insert(partition, high);
                assignment.add_partition_offset(topic, partition, Offset::Offset(low))?;
            }
        }
        consumer.assign(&assignment)?;
        let mut all: BTreeMap<i32, Vec<Record>> = BTreeMap::new();
        let deadline = Instant::now() + PATIENCE;
        while !ends.is_empty() {
            if Instant::now() > deadline {
                bail!("reading topic \"{topic}\": its end did not come within {PATIENCE:?}");
            }
            let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
            let record = read(&message?);
            if ends.get(&record.partition).is_some_and(|end| record.offset + 1 >= *end) {
                ends.remove(&record.partition);
            }
            all.entry(record.partition).or_default().push(record);
        }
        Ok(all.into_values().flatten().collect())
    }

    /// Whether a broker answers within a second.
    pub fn is_answered(&self) -> bool {
        self.producer.client().fetch_metadata(None, Duration::from_secs(1)).is_ok()
    }

    /// The offset after the last record of each partition.
    pub fn ends(&self, topic: &str) -> anyhow::Result<Vec<i64>> {
        let client = self.producer.client();
        let metadata = client.fetch_metadata(Some(topic), PATIENCE)?;
        let count = metadata.topics().first().map_or(0, |found| found.partitions().len());
        (0..i32::try_from(count)?)
            .map(|partition| Ok(client.fetch_watermarks(topic, partition, PATIENCE)?.1))
            .collect()
    }

    /// The numbers of a topic's partitions; none where it does not exist.
    pub fn partitions(&self, topic: &str) -> anyhow::Result<Vec<i32>> {
        let consumer: BaseConsumer = config(&self.brokers).create()?;
        self.partitions_with(&consumer, topic)
    }

    fn partitions_with(&self, consumer: &BaseConsumer, topic: &str) -> anyhow::Result<Vec<i32>> {
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let found = found.filter(|found| found.error().is_none());
        Ok(found.map_or_else(Vec::new, |found| found.partitions().iter().map(|p| p.id()).collect()))
    }

    pub fn create_topic(&self, topic: &str, partitions: i32) -> anyhow::Result<()> {
        self.create_topic_with(topic, partitions, &[])
    }

    /// Creates a topic with settings such as `("retention.ms", "1000")`, and waits until it can be seen.
    pub fn create_topic_with(
        &self,
        topic: &str,
        partitions: i32,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let new = settings.iter().fold(new, |new, (key, value)| new.set(key, value));
        let admin = self.admin()?;
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let results = wait(admin.create_topics([&new], &options))??;
        for result in results {
            result.map_err(|(_, code)| anyhow::anyhow!("creating topic \"{topic}\": {code}"))?;
        }
        self.await_partitions(topic, partitions)
    }

    /// Grows a topic to `total` partitions and waits until they can be seen.
    pub fn add_partitions(&self, topic: &str, total: i32) -> anyhow::Result<()> {
        let new = NewPartitions::new(topic, usize::try_from(total)?);
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        for result in wait(self.admin()?.create_partitions([&new], &options))?? {
            result.map_err(|(_, code)| anyhow::anyhow!("growing topic \"{topic}\": {code}"))?;
        }
        self.await_partitions(topic, total)
    }

    fn await_partitions(&self, topic: &str, total: i32) -> anyhow::Result<()> {
        let wanted = usize::try_from(total)?;
        eventually(&format!("topic \"{topic}\" has {total} partitions"), PATIENCE, || {
            Ok(self.partitions(topic)?.len() == wanted)
        })
    }

    /// Deletes a partition's records below `offset`, as retention does.
    pub fn delete_before(&self, topic: &str, partition: i32, offset: i64) -> anyhow::Result<()> {
        let mut below = TopicPartitionList::new();
        below.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        wait(self.admin()?.delete_records(&below, &options))??;
        Ok(())
    }

    /// What a group has committed, by partition.
    pub fn committed(&self, group: &str, topic: &str) -> anyhow::Result<BTreeMap<i32, i64>> {
        let consumer: BaseConsumer = config(&self.brokers).set("group.id", group).create()?;
        let mut asked = TopicPartitionList::new();
        for partition in self.partitions_with(&consumer, topic)? {
            asked.add_partition(topic, partition);
        }
        let mut committed = Err(KafkaError::Canceled);
        // A new cluster's coordinator moves into place while it is asked.
        eventually("the group's coordinator answers", PATIENCE, || {
            committed = consumer.committed_offsets(asked.clone(), PATIENCE);
            Ok(committed.is_ok())
        })?;
        let committed = committed?;
        let numbers = committed.elements().into_iter().filter_map(|found| match found.offset() {
            Offset::Offset(offset) => Some((found.partition(), offset)),
            _ => None,
        });
        Ok(numbers.collect())
    }

    /// Joins a group as the static member `instance`, and waits until it owns all of a topic.
    pub fn own(&self, topic: &str, group: &str, instance: &str) -> anyhow::Result<Owner> {
        let consumer: BaseConsumer = config(&self.brokers)
            .set("group.id", group)
            .set("group.instance.id", instance)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "15000")
            .set("heartbeat.interval.ms", "200")
            .set("enable.auto.commit", "false")
            .create()
            .context("making the test's group member")?;
        consumer.subscribe(&[topic])?;
        let all = self.partitions(topic)?.len();
        eventually(&format!("\"{instance}\" owns topic \"{topic}\""), PATIENCE, || {
            consumer.poll(Duration::from_millis(10));
            Ok(consumer.assignment()?.count() == all)
        })?;
        Ok(Owner { consumer: Some(consumer) })
    }

    fn admin(&self) -> anyhow::Result<AdminClient<DefaultClientContext>> {
        config(&self.brokers).create().context("making the test's admin client")
    }
}

/// A member of a group that keeps its place and does nothing with it: it hears of rebalances and answers none, as a process
/// that is busy with what it must settle first. Dropping it says nothing to the group.
pub struct Owner {
    consumer: Option<BaseConsumer>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        let consumer = self.consumer.take();
        let (ended, waited) = std::sync::mpsc::channel();
        // Now and then its end asks a part of librdkafka that has ended already, and waits for ever: it is left behind then.
        std::thread::spawn(move || {
            drop(consumer);
            ended.send(()).ok();
        });
        waited.recv_timeout(Duration::from_secs(5)).ok();
    }
}

/// Waits until `condition` holds; an error that names it where it does not within `patience`.
pub fn eventually(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + patience;
    while !condition()? {
        if Instant::now() > deadline {
            bail!("waited {patience:?} in vain: {what}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

pub(crate) fn read(message: &impl Message) -> Record {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
            .collect()
    });
    Record {
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}

fn wait<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(future))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's client shares no setting with the gateway's"
)]
fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("topic.metadata.refresh.interval.ms", "1000");
    config
}
