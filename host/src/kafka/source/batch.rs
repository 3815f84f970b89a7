//! What one read gave: records in librdkafka's memory, and what went wrong with single partitions.

use std::ops::Range;
use std::sync::Arc;

use crate::config::LostOffsets;
use crate::kafka::raw::{Fault, Message, Messages};
use crate::kafka::{Error, TopicPartition};
use crate::record::Record;

/// Records in the order of each partition. They stay in librdkafka's memory until the batch is dropped.
#[derive(Debug)]
pub struct Batch {
    messages: Messages,
    runs: Vec<Run>,
    pub(in crate::kafka) faults: Vec<(TopicPartition, i64, Fault)>,
    pub(super) troubles: Vec<Trouble>,
}

/// Neighbours in a batch that share partition and leader epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub topic: Arc<str>,
    pub partition: i32,
    pub leader_epoch: i32,
    /// Their numbers within the batch.
    pub records: Range<usize>,
    /// The offset after the last of them.
    pub next: i64,
}

/// What is wrong with a partition; the others go on.
#[derive(Debug)]
pub enum Trouble {
    /// What should be read next is gone. The partition is not fetched until [`super::Source::resume`].
    LostOffsets(LostRange),
    /// What came cannot be read. librdkafka may go on behind it, or anywhere, so nothing that follows counts until
    /// [`super::Source::rewind`].
    Damaged { at: TopicPartition, error: Error },
    /// librdkafka tries again by itself.
    Failed { at: TopicPartition, error: Error },
}

/// A partition was to go on at `wanted`, but has only the offsets from `low` on and below `high`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRange {
    pub at: TopicPartition,
    pub wanted: i64,
    pub low: i64,
    pub high: i64,
}

impl LostRange {
    /// The offsets that can no longer be read: they were deleted before they were read, or, where the log is shorter than
    /// it was, were written anew since.
    pub fn lost(&self) -> Range<i64> {
        match self.wanted < self.low {
            true => self.wanted..self.low,
            false => self.high..self.wanted,
        }
    }

    /// Where the policy goes on; none where it halts.
    pub fn resume_at(&self, policy: LostOffsets) -> Option<i64> {
        match policy {
            LostOffsets::Halt => None,
            LostOffsets::Earliest => Some(self.low),
            LostOffsets::Latest => Some(self.high),
        }
    }
}

impl Batch {
    pub(in crate::kafka) fn new(
        mut messages: Messages,
        mut intern: impl FnMut(&str) -> Arc<str>,
    ) -> Self {
        let faults = messages.take_faults(|message, fault| {
            let at =
                TopicPartition { topic: intern(message.topic()), partition: message.partition() };
            (at, message.offset(), fault)
        });
        let mut runs: Vec<Run> = Vec::new();
        let mut topic_id = 0;
        for (number, message) in messages.iter().enumerate() {
            let (partition, leader_epoch) = (message.partition(), message.leader_epoch());
            let next = message.offset() + 1;
            match runs.last_mut() {
                Some(run)
                    if message.topic_id() == topic_id
                        && run.partition == partition
                        && run.leader_epoch == leader_epoch =>
                {
                    run.records.end = number + 1;
                    run.next = next;
                }
                _ => {
                    topic_id = message.topic_id();
                    let topic = intern(message.topic());
                    let records = number..number + 1;
                    runs.push(Run { topic, partition, leader_epoch, records, next });
                }
            }
        }
        Self { messages, runs, faults, troubles: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records' partitions, in the order of the records.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// All records, in the order of [`Self::runs`].
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.runs.iter().flat_map(|run| self.records_of(run))
    }

    /// The records of one of this batch's runs.
    pub fn records_of<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = Record<'a>> {
        let messages = run.records.clone().filter_map(|number| self.messages.get(number));
        messages.map(|message| record(message, &run.topic))
    }

    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }
}

fn record<'a>(message: Message<'a>, topic: &'a Arc<str>) -> Record<'a> {
    Record {
        topic,
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp(),
        key: message.key(),
        value: message.value(),
        headers: message.headers(),
    }
}
