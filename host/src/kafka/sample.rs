//! A look at the latest records of some topics, by a client that joins no group, commits nothing and creates nothing. Does not
//! know what the records say.

mod share;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys::types::RDKafkaRespErr as Known;
use rustc_hash::FxHashSet;

use super::properties::{Role, client_config};
use super::raw::{Client, Code, Fault, Place, Polled, Queue};
use super::source::{Batch, intern};
use super::topics::{Topic, Topics, Unreachable};
use super::{Error, TopicPartition};
use crate::config::{self, TopicFilter, TopicPattern};
use crate::record::Record;

/// The longest that one partition is asked for its offsets; one without a leader does not answer.
const QUESTION: Duration = Duration::from_secs(2);

/// Records taken at a time, and how long to wait for the first of them.
const BATCH_RECORDS: usize = 256;
const WAIT: Duration = Duration::from_millis(100);

/// As in a source: librdkafka may forget where a partition was pointed to.
const FORWARD_PERIOD: Duration = Duration::from_secs(1);

/// How much further back each time to look for records where the latest offsets hold none.
const FURTHER: i64 = 8;

/// What to look at.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub kafka: &'a config::Kafka,
    pub topics: &'a [TopicPattern],
    /// What a glob takes; names are taken whatever it says.
    pub filter: &'a TopicFilter,
    /// Records of all topics together, shared out fairly; at least one of each topic is looked at.
    pub limit: u64,
    /// How long all of it may take.
    pub patience: Duration,
}

/// A topic that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    pub topic: String,
    /// From its first to its last; not each need be a record.
    pub offsets: u64,
    /// Records that were looked at.
    pub records: u64,
    /// All that the topic holds was wanted, not only the latest.
    pub is_whole: bool,
    pub shortfall: Option<Shortfall>,
}

/// Why fewer records of a topic were looked at than should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortfall {
    Fault(Fault),
    Time,
}

/// Why nothing could be looked at.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Client(#[from] Error),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error("topic \"{topic}\" does not exist on \"{brokers}\"")]
    NoTopic { topic: String, brokers: String },
    #[error("no topic on \"{brokers}\" matches \"{glob}\"")]
    NoMatch { glob: String, brokers: String },
}

/// Hands the latest records of the topics to `take`, in the order of each partition, and says how much of each topic that was.
/// Blocks.
///
/// # Errors
///
/// When the cluster does not answer, and when a topic is not there. A partition that cannot be read is no error.
pub fn latest(
    wanted: &Wanted<'_>,
    mut take: impl FnMut(&Record<'_>),
) -> Result<Vec<Extent>, Failure> {
    let deadline = Instant::now() + wanted.patience;
    let found = Topics::connect(wanted.kafka)?.list_within(wanted.patience)?;
    let topics = select(wanted, &found)?;
    let reader = Reader::connect(wanted.kafka)?;
    let mut parts = reader.measure(&topics, deadline);
    share_out(&mut parts, wanted.limit);
    reader.read(&mut parts, deadline, &mut take)?;
    Ok(topics.into_iter().map(|topic| extent(topic, &parts)).collect())
}

/// The topics that are wanted, by name.
fn select<'t>(wanted: &Wanted<'_>, found: &'t [Topic]) -> Result<Vec<&'t Topic>, Failure> {
    let brokers = || wanted.kafka.brokers.clone();
    let mut topics: Vec<&Topic> = Vec::new();
    for pattern in wanted.topics {
        let before = topics.len();
        match pattern {
            TopicPattern::Exact(name) => {
                topics.extend(found.iter().filter(|topic| topic.name == *name));
                if topics.len() == before {
                    return Err(Failure::NoTopic { topic: name.clone(), brokers: brokers() });
                }
            }
            TopicPattern::Glob(glob) => {
                let matcher = glob.compile_matcher();
                let takes = |topic: &&Topic| {
                    matcher.is_match(&topic.name) && wanted.filter.takes(&topic.name)
                };
                topics.extend(found.iter().filter(takes));
                if topics.len() == before {
                    let glob = glob.glob().to_owned();
                    return Err(Failure::NoMatch { glob, brokers: brokers() });
                }
            }
        }
    }
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    topics.dedup();
    Ok(topics)
}

/// A partition, and what is to be looked at of it.
#[derive(Debug)]
struct Part {
    at: TopicPartition,
    low: i64,
    high: i64,
    /// Where the look began.
    begin: i64,
    /// Records to look at.
    share: u64,
    records: u64,
    is_done: bool,
    fault: Option<Fault>,
}

impl Part {
    fn offsets(&self) -> u64 {
        u64::try_from(self.high - self.low).unwrap_or(0)
    }

    /// Whether there is more to come of it.
    fn is_open(&self) -> bool {
        self.share > 0 && !self.is_done
    }

    /// Whether the record at `offset` belongs to the sample.
    fn takes(&mut self, offset: i64) -> bool {
        let takes = self.is_open() && offset < self.high;
        if takes {
            self.records += 1;
            self.fault = None;
        }
        if offset + 1 >= self.high || self.records >= self.share {
            self.is_done = true;
        }
        takes
    }

    /// Marks of transactions and aborted records have offsets and are no records: where only such were met, the look begins
    /// anew further back.
    fn look_further(&mut self) -> Option<i64> {
        let met_nothing = self.is_done && self.share > 0 && self.records == 0;
        if !met_nothing || self.fault.is_some() || self.begin <= self.low {
            return None;
        }
        let span = (self.high - self.begin).saturating_mul(FURTHER);
        self.begin = self.high.saturating_sub(span).max(self.low);
        self.is_done = false;
        Some(self.begin)
    }

    fn place(&self) -> Place {
        Place::new(&self.at.topic, self.at.partition, self.begin)
    }
}

/// Says of each partition how many records to look at, and where that begins. Topics share alike, however many partitions they
/// have.
fn share_out(parts: &mut [Part], limit: u64) {
    let mut topics: Vec<&mut [Part]> =
        parts.chunk_by_mut(|a, b| a.at.topic == b.at.topic).collect();
    let sizes: Vec<u64> =
        topics.iter().map(|parts| parts.iter().map(Part::offsets).sum()).collect();
    let each = u64::try_from(sizes.iter().filter(|size| **size > 0).count()).unwrap_or(limit);
    for (parts, share) in topics.iter_mut().zip(share::fair(&sizes, limit.max(each))) {
        let sizes: Vec<u64> = parts.iter().map(Part::offsets).collect();
        for (part, share) in parts.iter_mut().zip(share::fair(&sizes, share)) {
            part.share = share;
            part.begin = part.high - i64::try_from(share).unwrap_or(0);
        }
    }
}

fn extent(topic: &Topic, parts: &[Part]) -> Extent {
    let parts: Vec<&Part> = parts.iter().filter(|part| *part.at.topic == *topic.name).collect();
    let unread = parts.iter().find(|part| part.fault.is_some() || part.is_open());
    let offsets = parts.iter().map(|part| part.offsets()).sum();
    Extent {
        topic: topic.name.clone(),
        offsets,
        is_whole: parts.iter().map(|part| part.share).sum::<u64>() == offsets,
        records: parts.iter().map(|part| part.records).sum(),
        shortfall: unread.map(|part| part.fault.clone().map_or(Shortfall::Time, Shortfall::Fault)),
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Time => f.write_str("time ran out"),
        }
    }
}

struct Reader {
    records: Queue,
    events: Queue,
    client: Arc<Client>,
}

impl Reader {
    fn connect(kafka: &config::Kafka) -> Result<Self, Error> {
        let client = Client::consumer(&client_config(kafka, Role::Sample)).map_err(|cause| {
            Error::new("making a consumer from [kafka] and [kafka.properties]", cause)
        })?;
        Ok(Self { records: client.new_queue(), events: client.consumer_queue(), client })
    }

    /// Every partition of the topics, with the offsets it holds.
    fn measure(&self, topics: &[&Topic], deadline: Instant) -> Vec<Part> {
        let mut parts = Vec::new();
        for topic in topics {
            let name: Arc<str> = topic.name.as_str().into();
            for partition in 0..topic.partitions {
                let patience = deadline.saturating_duration_since(Instant::now()).min(QUESTION);
                let offsets = self.client.watermarks(&name, partition, patience);
                let (low, high) = *offsets.as_ref().unwrap_or(&(0, 0));
                parts.push(Part {
                    at: TopicPartition::new(&name, partition),
                    low,
                    high,
                    begin: high,
                    share: 0,
                    records: 0,
                    is_done: false,
                    fault: offsets.err(),
                });
            }
        }
        parts
    }

    fn read(
        &self,
        parts: &mut [Part],
        deadline: Instant,
        take: &mut impl FnMut(&Record<'_>),
    ) -> Result<(), Error> {
        self.forward(parts);
        let open = parts.iter().filter(|part| part.is_open());
        let places: Vec<Place> = open.map(Part::place).collect();
        self.client
            .assign(&places)
            .map_err(|cause| Error::new("beginning to read the sample", cause))?;
        let mut names = FxHashSet::default();
        let mut forwarded = Instant::now();
        while parts.iter().any(Part::is_open) && Instant::now() < deadline {
            if forwarded.elapsed() >= FORWARD_PERIOD {
                forwarded = Instant::now();
                self.forward(parts);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let messages = self.records.consume(BATCH_RECORDS, left.min(WAIT));
            let batch = Batch::new(messages, |name| intern(&mut names, name));
            settle(&batch, parts, take);
            for part in parts.iter_mut() {
                if part.look_further().is_some() {
                    part.fault = self.client.seek(&[part.place()], QUESTION).err();
                }
            }
            while let Some(polled) = self.events.poll(Duration::ZERO) {
                if let Polled::Error(fault) = polled {
                    tracing::debug!(error = %fault, "working with the brokers");
                }
            }
        }
        Ok(())
    }

    fn forward(&self, parts: &[Part]) {
        for part in parts.iter().filter(|part| part.is_open()) {
            self.client.forward(&part.at.topic, part.at.partition, &self.records);
        }
    }
}

/// Hands out the records of the sample, and remembers what went wrong.
fn settle(batch: &Batch, parts: &mut [Part], take: &mut impl FnMut(&Record<'_>)) {
    for run in batch.runs() {
        let is_it =
            |part: &&mut Part| part.at.partition == run.partition && part.at.topic == run.topic;
        let Some(part) = parts.iter_mut().find(is_it) else { continue };
        for record in batch.records_of(run) {
            if part.takes(record.offset) {
                take(&record);
            }
        }
    }
    for (at, _, fault) in &batch.faults {
        let Some(part) = parts.iter_mut().find(|part| part.at == *at) else { continue };
        if fault.code == Code::of(Known::RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            (part.is_done, part.fault) = (true, None);
        } else {
            part.fault = Some(fault.clone());
            // librdkafka would try again for ever what only an operator can mend.
            part.is_done |=
                fault.code == Code::of(Known::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
        }
    }
}

#[cfg(test)]
mod tests;
