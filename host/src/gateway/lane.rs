//! One lane: a thread that reads, transforms, sends and commits its share of a pipeline. Everything here happens on that thread;
//! nothing on the way of a record is shared with another lane.

mod mend;
mod park;
mod rebalance;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustc_hash::FxHashMap;
use tracing::{error, info, warn};

use super::complaints::Complaints;
use super::observe::Observer;
use super::ownership::Seat;
use super::parking::Bay;
use super::partitions::Partitions;
use super::plugins::Plugins;
use super::send::{Letters, Outlet, report};
use super::stop::Stop;
use super::tap::Tap;
use crate::config::{self, TopicFilter};
use crate::kafka::{Advance, Batch, Event, LostRange, Member, Sink, Source, Trouble};
use crate::pipeline::Pipeline;
use crate::record::Record;
use crate::tracker::{Mark, Tracker};

/// How long a read waits for the first record. It bounds how late the lane notices anything else.
const READ_PATIENCE: Duration = Duration::from_millis(10);

/// How often settled offsets are committed.
const COMMIT_PERIOD: Duration = Duration::from_millis(200);

/// How often figures that nobody needs at once are shown.
const SHOW_PERIOD: Duration = Duration::from_secs(1);

/// Records that may be timed at once.
const MOST_TIMED: usize = 4_096;

/// What a lane is made of.
pub(super) struct Parts {
    pub(super) kafka: Arc<config::Kafka>,
    pub(super) settings: Arc<config::Pipeline>,
    pub(super) number: usize,
    pub(super) plugins: Plugins,
    pub(super) observer: Observer,
    pub(super) seat: Arc<Seat>,
    pub(super) bay: Bay,
    pub(super) tap: Arc<Tap>,
    pub(super) stop: Arc<Stop>,
}

pub(super) struct Lane {
    parts: Parts,
    source: Source,
    sink: Sink,
    tracker: Tracker,
    partitions: Partitions,
    pipeline: Pipeline,
    filter: TopicFilter,
    letters: Letters,
    complaints: Complaints,
    /// What made the producer useless, once something did.
    broken: Option<String>,
    committed: Instant,
    /// Whether the latest commit failed.
    uncommitted: bool,
    shown: Instant,
    tables_version: u32,
    /// When the records were read whose acknowledgement is timed, by ticket.
    timed: FxHashMap<u64, Timed>,
    outdated: park::Outdated,
}

/// One record a batch, whose way is timed.
#[derive(Clone, Copy)]
pub(super) struct Timed {
    pub(super) read: Instant,
    pub(super) timestamp: Option<i64>,
}

impl Lane {
    /// Joins the group. Brokers that are not there yet are waited for by the turns.
    pub(super) fn start(parts: Parts) -> anyhow::Result<Self> {
        let settings = Arc::clone(&parts.settings);
        let member = Member { pipeline: &settings.name, lane: parts.number };
        let mut source = Source::connect(&parts.kafka, member, settings.start)?;
        let sink = Sink::connect(&parts.kafka, member, settings.limits.record_bytes)?;
        source.subscribe(&settings.from)?;
        let chain = &parts.plugins.taken().chain;
        let pipeline = Pipeline::new(Arc::clone(&settings), parts.plugins.stages());
        let letters = Letters {
            pipeline: settings.name.as_str().into(),
            lane: parts.number,
            topic: settings.dead_letter.clone(),
            chain: settings.stamp.then(|| chain.clone()),
        };
        Ok(Self {
            source,
            sink,
            tracker: Tracker::default(),
            partitions: Partitions::default(),
            pipeline: pipeline.stamped(chain),
            filter: TopicFilter::new(&settings),
            letters,
            complaints: Complaints::default(),
            broken: None,
            committed: Instant::now(),
            uncommitted: false,
            shown: Instant::now(),
            tables_version: 0,
            timed: FxHashMap::default(),
            outdated: park::Outdated::default(),
            parts,
        })
    }

    /// Turns until it is told to stop, then drains.
    ///
    /// # Errors
    ///
    /// When the member is of no use any more: another process with its instance id has taken its place, for example.
    pub(super) fn run(mut self) -> anyhow::Result<()> {
        while !self.parts.stop.is_draining() {
            self.turn()?;
        }
        self.drain();
        Ok(())
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        self.parts.observer.turned();
        self.take_events()?;
        self.rejoin_if_asked();
        self.take_up_releases();
        self.take_up_plugins();
        self.mend();
        if self.may_read() {
            self.serve(Duration::ZERO);
            self.carry();
        } else {
            self.serve(READ_PATIENCE);
        }
        self.commit_if_due();
        self.tell_parked();
        self.show_if_due();
        Ok(())
    }

    fn take_events(&mut self) -> anyhow::Result<()> {
        while let Some(event) = self.source.next_event() {
            match event {
                Event::Assigned(assigned) => self.assigned(&assigned),
                Event::Revoked { partitions, lost } => self.revoked(&partitions, lost),
                Event::Committed(Ok(stands)) => {
                    self.uncommitted = false;
                    self.parts.observer.committed(&stands);
                }
                Event::Committed(Err(error)) => self.commit_failed(&error),
                Event::Failed(error) => {
                    self.parts.observer.broker_failed(&chain(&error));
                    // Not all that is fatal is so for librdkafka: a record beside its queue would be passed over.
                    let fatal = self.source.fatal().or_else(|| error.is_fatal().then_some(error));
                    if let Some(fatal) = fatal {
                        return Err(fatal).context("the lane cannot go on");
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether there is room for more records, and whether the plugins that must be there are.
    fn may_read(&self) -> bool {
        let limits = self.parts.settings.limits;
        let load = self.tracker.load();
        load.records < limits.in_flight_records
            && load.bytes < limits.in_flight_bytes
            && self.parts.plugins.missing().is_empty()
    }

    /// Reads a batch and carries it to the sink.
    fn carry(&mut self) {
        let batch = self.source.read(self.parts.settings.limits.batch_records, READ_PATIENCE);
        for trouble in batch.troubles() {
            self.trouble(trouble);
        }
        if batch.is_empty() {
            return;
        }
        let read = Instant::now();
        let (records, epochs) = self.flowing(&batch);
        self.parts.tap.offer(&records, read);
        let Self { sink, tracker, partitions, letters, complaints, broken, timed, .. } = self;
        let observer = &mut self.parts.observer;
        let mut outlet =
            Outlet { sink, tracker, partitions, letters, complaints, broken, timed, read };
        self.pipeline.process(&records, |number, about, outcome| {
            let (Some(record), Some(epoch)) = (records.get(number), epochs.get(number)) else {
                return false;
            };
            let sample = number + 1 == records.len();
            let ending = outlet.settle(record, *epoch, outcome, sample);
            observer.ended(record, about.class, &ending);
            true
        });
        observer.batch_done(&mut self.pipeline, self.parts.plugins.taken());
        // A rewound partition's tickets are never acknowledged.
        if self.timed.len() > MOST_TIMED {
            self.timed.clear();
        }
        if self.pipeline.tables_version() != self.tables_version {
            self.tables_version = self.pipeline.tables_version();
            self.parts.plugins.tables_seen(self.pipeline.tables());
        }
    }

    /// The batch's records of partitions that go on, with the leader epoch of each.
    fn flowing<'b>(&self, batch: &'b Batch) -> (Vec<Record<'b>>, Vec<i32>) {
        let mut records = Vec::with_capacity(batch.len());
        let mut epochs = Vec::with_capacity(batch.len());
        for run in batch.runs() {
            if self.partitions.flowing(&run.topic, run.partition).is_some() {
                records.extend(batch.records_of(run));
                epochs.resize(records.len(), run.leader_epoch);
            }
        }
        (records, epochs)
    }

    fn trouble(&mut self, trouble: &Trouble) {
        match trouble {
            Trouble::Failed { at, error } => {
                warn!(partition = %at, error = %chain(error), "reading a partition failed; it is tried again");
            }
            Trouble::Damaged { at, error } => {
                let reason = chain(error);
                let Some(owned) = self.partitions.get_mut(at) else { return };
                if owned.fail(reason.clone(), Instant::now()) {
                    warn!(partition = %at, error = reason, "what was fetched cannot be read; it is fetched again");
                }
            }
            Trouble::LostOffsets(range) => self.lost_offsets(range),
        }
    }

    fn lost_offsets(&mut self, range: &LostRange) {
        // One that is to be read again says so once more then, if it is true: behind damage offsets are lost that never were.
        if self.partitions.flowing(&range.at.topic, range.at.partition).is_none() {
            return;
        }
        let lost = range.lost();
        let policy = self.parts.settings.on_lost_offsets;
        let Some(offset) = range.resume_at(policy) else {
            let reason = format!(
                "offsets {} to {} are no longer in the topic, which holds {} to {}; set on_lost_offsets = \"earliest\" \
                 or \"latest\" to go on without them",
                lost.start,
                lost.end.saturating_sub(1),
                range.low,
                range.high.saturating_sub(1),
            );
            self.outlet().halt(&range.at, reason, false);
            return;
        };
        error!(
            partition = %range.at,
            first = lost.start,
            last = lost.end.saturating_sub(1),
            resumed_at = offset,
            "offsets were lost; going on as on_lost_offsets says"
        );
        self.jump(&range.at, Mark { offset, leader_epoch: -1 });
    }

    /// Takes in what the brokers said about outputs.
    fn serve(&mut self, wait: Duration) {
        let Self { sink, tracker, partitions, timed, .. } = self;
        let observer = &mut self.parts.observer;
        sink.serve(wait, |ticket, fate| {
            if let Some(timed) = timed.remove(&ticket) {
                observer.acknowledged(timed);
            }
            report(tracker, partitions, ticket, fate);
        });
    }

    fn outlet(&mut self) -> Outlet<'_> {
        let Self { sink, tracker, partitions, letters, complaints, broken, timed, .. } = self;
        let read = Instant::now();
        Outlet { sink, tracker, partitions, letters, complaints, broken, timed, read }
    }

    fn commit_if_due(&mut self) {
        if self.committed.elapsed() >= COMMIT_PERIOD {
            self.committed = Instant::now();
            let mut advances = self.settled();
            if self.uncommitted {
                // Also those that rest now: they would else keep what failed until they move on.
                advances = self.stands();
            }
            if !advances.is_empty()
                && let Err(error) = self.source.commit(&advances)
            {
                self.commit_failed(&error);
            }
            self.commit_releases();
        }
    }

    /// Told once for as long as it lasts: it is tried again several times a second.
    fn commit_failed(&mut self, error: &crate::kafka::Error) {
        if !std::mem::replace(&mut self.uncommitted, true) {
            warn!(error = %chain(error), "committing offsets failed; trying again until it works");
        }
    }

    /// Partitions whose watermark has moved since this was last asked.
    fn settled(&mut self) -> Vec<Advance> {
        let mut advances = Vec::new();
        for (at, owned) in self.partitions.iter_mut() {
            if let Some(mark) = self.tracker.take_advance(owned.handle) {
                if owned.delivered() {
                    info!(partition = %at, offset = mark.offset, "a partition goes on after its wait");
                }
                self.parts.observer.settled(at, mark.offset);
                advances.push(park::advance(&self.pipeline, at, mark));
            }
        }
        advances
    }

    /// Where every partition stands.
    fn stands(&self) -> Vec<Advance> {
        self.partitions.iter().filter_map(|(at, _)| self.stand(at)).collect()
    }

    fn show_if_due(&mut self) {
        if self.shown.elapsed() >= SHOW_PERIOD {
            self.shown = Instant::now();
            self.complaints.tell_due(self.shown);
            self.source.ask_ends();
            let Self { source, partitions, tracker, parts, .. } = self;
            parts.observer.show(source.standings(), partitions, tracker);
            if parts.number == 0 {
                parts.observer.show_plugins(&parts.plugins.taken().plugins);
            }
        }
    }

    /// Waits for what is under way, commits it and leaves, within the time that is left.
    fn drain(mut self) {
        self.complaints.tell_rest();
        let deadline = self.parts.stop.deadline();
        self.wait_for_outputs(deadline);
        if let Err(error) = self.commit_by(deadline) {
            warn!(error = %chain(&error), "the last commit failed; what it held is read again after the restart");
        }
        let open = self.sink.in_flight();
        info!(pipeline = self.parts.settings.name, lane = self.parts.number, open, "lane drained");
        // Before the producer, which may take its time to end where something never arrived.
        self.source.close(deadline);
    }
}

/// An error with its causes, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
