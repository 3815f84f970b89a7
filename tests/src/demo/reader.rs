//! Reads every topic of the demo from its beginning to its end, into the ledger. Independent of the gateway: another client,
//! no group, no commit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow, bail};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::ledger::Ledger;
use super::stage::{PARTITIONS, Topics};
use crate::client;

/// The longest that reading to the end may take, and any question to the brokers.
const PATIENCE: Duration = Duration::from_secs(30);

/// A ledger that a thread writes.
pub(super) struct Reader {
    ledger: Arc<Mutex<Ledger>>,
    finishing: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Reader {
    pub(super) fn start(brokers: &str, topics: &Topics) -> anyhow::Result<Self> {
        let consumer = connect(brokers, topics)?;
        let ledger = Arc::<Mutex<Ledger>>::default();
        let finishing = Arc::new(AtomicBool::new(false));
        let work = Work {
            consumer,
            topics: topics.clone(),
            ledger: Arc::clone(&ledger),
            finishing: Arc::clone(&finishing),
        };
        let thread = thread::Builder::new().name("reader".to_owned()).spawn(move || work.run());
        Ok(Self { ledger, finishing, thread: thread.context("starting the reader's thread")? })
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it gave up by itself.
    pub(super) fn has_failed(&self) -> bool {
        self.thread.is_finished()
    }

    /// Reads to the ends that the topics have now, and gives back what was seen.
    pub(super) fn finish(self) -> anyhow::Result<Ledger> {
        self.finishing.store(true, Ordering::SeqCst);
        self.thread.join().unwrap_or_else(|_| Err(anyhow!("the reader's thread panicked")))?;
        let ledger = Arc::into_inner(self.ledger).context("the reader still holds the ledger")?;
        Ok(ledger.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

#[expect(clippy::disallowed_methods, reason = "the reader shares no setting with the gateway")]
fn connect(brokers: &str, topics: &Topics) -> anyhow::Result<BaseConsumer> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "lockgate-demo-reader")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("fetch.wait.max.ms", "20")
        .create()
        .context("making the independent reader")?;
    let mut all = TopicPartitionList::new();
    for topic in topics.all() {
        for partition in 0..PARTITIONS {
            all.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
    }
    consumer.assign(&all).context("reading the demo's topics")?;
    Ok(consumer)
}

struct Work {
    consumer: BaseConsumer,
    topics: Topics,
    ledger: Arc<Mutex<Ledger>>,
    finishing: Arc<AtomicBool>,
}

/// Offset to be reached, by topic and partition.
type Ends = BTreeMap<(String, i32), i64>;

impl Work {
    fn run(self) -> anyhow::Result<()> {
        let mut read = Ends::new();
        while !self.finishing.load(Ordering::SeqCst) {
            self.read(&mut read)?;
        }
        let ends = self.ends()?;
        let deadline = Instant::now() + PATIENCE;
        while ends.iter().any(|(at, end)| read.get(at).copied().unwrap_or(0) < *end) {
            if Instant::now() > deadline {
                bail!("the reader did not come to the end of the topics within {PATIENCE:?}");
            }
            self.read(&mut read)?;
        }
        Ok(())
    }

    /// Reads one record if there is one; `read` holds the offsets after what was read.
    fn read(&self, read: &mut Ends) -> anyhow::Result<()> {
        let Some(message) = self.consumer.poll(Duration::from_millis(20)) else { return Ok(()) };
        let message = match message {
            Ok(message) => message,
            // Brokers that cannot be reached are tried again by the client.
            Err(error) if error.rdkafka_error_code().is_some_and(is_passing) => return Ok(()),
            Err(error) => return Err(error).context("reading the demo's topics"),
        };
        let (topic, record) = (message.topic().to_owned(), client::read(&message));
        read.insert((topic.clone(), record.partition), record.offset + 1);
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if topic == self.topics.source {
            return ledger.wrote(record, now_ms());
        }
        match self.topics.outputs.iter().position(|output| *output == topic) {
            Some(output) => ledger.came_out(output, record, now_ms()),
            None => ledger.died(record),
        }
        Ok(())
    }

    fn ends(&self) -> anyhow::Result<Ends> {
        let mut ends = Ends::new();
        for topic in self.topics.all() {
            for partition in 0..PARTITIONS {
                let (_, end) = self.consumer.fetch_watermarks(topic, partition, PATIENCE)?;
                ends.insert((topic.to_owned(), partition), end);
            }
        }
        Ok(ends)
    }
}

fn is_passing(code: rdkafka::types::RDKafkaErrorCode) -> bool {
    use rdkafka::types::RDKafkaErrorCode as Code;
    matches!(code, Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut)
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
