//! From an outcome to the sink: begins each record in the tracker and sends its outputs under one ticket. Knows what an
//! outcome means for Kafka; decides nothing about it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tracing::warn;

use super::complaints::Complaints;
use super::lane::Timed;
use super::partitions::{Partitions, State};
use crate::kafka::{DeliveryError, SendError, Sink, TopicPartition, dead_letter};
use crate::outcome::{Code, Hold, Kept, Outcome, Refusal, Shown};
use crate::pipeline::chain_header;
use crate::record::{Output, Record};
use crate::tracker::{Handle, Mark, Tracker};

/// How long to wait for room in the producer's queue before looking around again.
const ROOM: Duration = Duration::from_millis(10);

/// How long a lane waits for room in all before it turns to other things: rebalances, a stop, the health page.
const FULL_PATIENCE: Duration = Duration::from_secs(5);

/// What sending needs of its lane.
pub(super) struct Outlet<'l> {
    pub(super) sink: &'l mut Sink,
    pub(super) tracker: &'l mut Tracker,
    pub(super) partitions: &'l mut Partitions,
    pub(super) letters: &'l Letters,
    pub(super) complaints: &'l mut Complaints,
    /// What made the producer useless, once something did.
    pub(super) broken: &'l mut Option<String>,
    pub(super) timed: &'l mut FxHashMap<u64, Timed>,
    /// When the batch at hand was read.
    pub(super) read: Instant,
}

/// What every dead letter of the lane shares.
pub(super) struct Letters {
    pub(super) pipeline: Arc<str>,
    pub(super) lane: usize,
    pub(super) topic: crate::config::Template,
    /// Digest of the chain that refuses; none where outputs do not bear it.
    pub(super) chain: Option<String>,
}

/// How a record ended, for the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Forwarded {
        bytes: usize,
    },
    Dropped,
    DeadLettered {
        code: Code,
        bytes: usize,
    },
    Halted(Code),
    /// Its partition stands still, so it is read again later.
    Held,
}

impl Outlet<'_> {
    /// Carries out the outcome of one record. `leader_epoch` is that of its run; one that `is_timed` is looked out for when
    /// it is acknowledged.
    pub(super) fn settle(
        &mut self,
        record: &Record<'_>,
        leader_epoch: i32,
        outcome: Outcome<'_>,
        is_timed: bool,
    ) -> Ending {
        let Some(handle) = self.partitions.flowing(record.topic, record.partition) else {
            return Ending::Held;
        };
        let mark = Mark { offset: record.offset, leader_epoch };
        let at = Place { handle, mark, is_timed };
        match outcome {
            Outcome::Forward { record: output, emissions } => {
                let outputs = std::iter::once(&output).chain(&emissions);
                Ending::Forwarded { bytes: self.send_all(at, record, outputs) }
            }
            Outcome::Replace(emissions) => {
                Ending::Forwarded { bytes: self.send_all(at, record, emissions.iter()) }
            }
            Outcome::Drop(_) => {
                self.tracker.begin(at.handle, at.mark, 0, 0);
                Ending::Dropped
            }
            Outcome::DeadLetter { refusal, kept } => {
                let code = refusal.code;
                self.complaints.add(record, &refusal, self.read);
                let letter = self.letters.letter(record, &refusal, kept);
                let bytes = self.send_all(at, record, std::iter::once(&letter));
                Ending::DeadLettered { code, bytes }
            }
            Outcome::Halt(refusal) => {
                let at = TopicPartition::new(record.topic, record.partition);
                self.halt(&at, format!("at offset {}: {refusal}", record.offset), true);
                Ending::Halted(refusal.code)
            }
            Outcome::Hold(hold) => {
                self.wait(record, &hold);
                Ending::Held
            }
        }
    }

    /// Gives how many bytes were sent.
    fn send_all<'o>(
        &mut self,
        at: Place,
        record: &Record<'_>,
        outputs: impl Iterator<Item = &'o Output<'o>> + Clone,
    ) -> usize {
        let bytes = outputs.clone().map(Output::size).sum();
        let count = u32::try_from(outputs.clone().count()).unwrap_or(u32::MAX);
        let Some(ticket) = self.tracker.begin(at.handle, at.mark, count, bytes) else { return 0 };
        if at.is_timed {
            self.timed.insert(ticket, Timed { read: self.read, timestamp: record.timestamp });
        }
        for output in outputs {
            if let Err(error) = self.send(output, ticket) {
                self.unsendable(record, ticket, error);
            }
        }
        bytes
    }

    /// Sends one output, waiting a while for room where there is none.
    fn send(&mut self, output: &Output<'_>, ticket: u64) -> Result<(), SendError> {
        let begun = Instant::now();
        loop {
            match self.sink.send(output, ticket) {
                Err(SendError::QueueFull) if begun.elapsed() < FULL_PATIENCE => self.serve(ROOM),
                sent => return sent,
            }
        }
    }

    /// A record that is larger than Kafka ever takes becomes a dead letter. For everything else the partition is read again
    /// later: topics get partitions, rights are granted, brokers come back.
    fn unsendable(&mut self, record: &Record<'_>, ticket: u64, error: SendError) {
        let mut error = error;
        if let SendError::TooLarge { .. } = &error {
            let refusal = Refusal::new(Code::TooLarge, error.to_string());
            let kept = Kept { payload: Shown::Nothing, ..Kept::default() };
            let letter = self.letters.letter(record, &refusal, kept);
            match self.send(&letter, ticket) {
                Ok(()) => return,
                Err(worse) => error = worse,
            }
        }
        let reason = super::lane::chain(&error);
        if let SendError::Fatal(_) = &error {
            *self.broken = Some(reason.clone());
        }
        self.tracker.fail(ticket);
        let at = TopicPartition::new(record.topic, record.partition);
        let Some(owned) = self.partitions.get_mut(&at) else { return };
        if owned.fail(reason.clone(), Instant::now()) {
            warn!(partition = %at, offset = record.offset, error = reason, "sending failed");
        }
    }

    /// Takes in what the brokers said about earlier outputs, waiting up to `wait` for the first.
    pub(super) fn serve(&mut self, wait: Duration) {
        let Self { sink, tracker, partitions, .. } = self;
        sink.serve(wait, |ticket, fate| report(tracker, partitions, ticket, fate));
    }

    /// Says so once, however often the partition tries again in vain.
    fn wait(&mut self, record: &Record<'_>, hold: &Hold) {
        let at = TopicPartition::new(record.topic, record.partition);
        let Hold { plugin, reason, until } = hold;
        let told = format!("plugin \"{}\": {reason}", plugin.name);
        if self.partitions.get_mut(&at).is_some_and(|owned| owned.wait(told, *until)) {
            let (name, version) = (&*plugin.name, &*plugin.version);
            let pipeline = &*self.letters.pipeline;
            warn!(
                pipeline, partition = %at, offset = record.offset, plugin = name, version, reason,
                "a partition waits for a plugin"
            );
        }
    }

    pub(super) fn halt(&mut self, at: &TopicPartition, reason: String, plugins_may_help: bool) {
        let Some(owned) = self.partitions.get_mut(at) else { return };
        if !matches!(owned.state, State::Halted { .. }) {
            warn!(pipeline = &*self.letters.pipeline, partition = %at, reason, "partition halted");
            owned.state = State::Halted { reason, plugins_may_help };
        }
    }
}

/// Takes in the fate of one output.
pub(super) fn report(
    tracker: &mut Tracker,
    partitions: &mut Partitions,
    ticket: u64,
    fate: Result<(), DeliveryError>,
) {
    let Err(error) = fate else {
        tracker.acknowledge(ticket);
        return;
    };
    let handle = tracker.partition(ticket);
    tracker.fail(ticket);
    let Some((at, owned)) = handle.and_then(|handle| partitions.by_handle(handle)) else { return };
    let reason = super::lane::chain(&error);
    if owned.fail(reason.clone(), Instant::now()) {
        warn!(partition = %at, error = reason, "delivery failed");
    }
}

#[derive(Clone, Copy)]
struct Place {
    handle: Handle,
    mark: Mark,
    is_timed: bool,
}

impl Letters {
    fn letter<'a>(&self, record: &Record<'a>, refusal: &Refusal, kept: Kept<'a>) -> Output<'a> {
        let circumstances = dead_letter::Circumstances {
            topic: self.topic.render(record.topic).into(),
            pipeline: &self.pipeline,
            lane: self.lane,
            first_seen: super::now_ms(),
        };
        let mut letter = dead_letter::dead_letter(record, refusal, &circumstances, kept);
        letter.headers.extend(self.chain.iter().map(|chain| chain_header(chain.as_bytes())));
        letter
    }
}
