//! What a pipeline and its lanes count.

use std::sync::Arc;
use std::time::Duration;

use prometheus::local::LocalHistogram;
use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
};

use super::owners::{Declaration, Lease, Owners};
use crate::change::Class;
use crate::outcome::Code;

/// From half a millisecond, which is what a batch takes, to the minutes of a broker that is away.
const LATENCY_BUCKETS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
    300.0,
];

/// From what a chain of small plugins takes to what nobody should have to wait for.
const PAUSE_BUCKETS: [f64; 10] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/// How a record was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Forwarded,
    Dropped,
    DeadLettered,
}

impl Settled {
    const ALL: [Self; 3] = [Self::Forwarded, Self::Dropped, Self::DeadLettered];

    fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Dropped => "dropped",
            Self::DeadLettered => "dead_lettered",
        }
    }
}

/// How an attempt to change a plugin ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// It serves.
    Live,
    /// It never went live; what served before still does.
    Refused,
    /// Its file is gone, and it left the chain.
    Removed,
    /// It served, or was about to, and what served before took its place again.
    RolledBack,
}

impl Reload {
    const ALL: [Self; 4] = [Self::Live, Self::Refused, Self::Removed, Self::RolledBack];

    fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Refused => "refused",
            Self::Removed => "removed",
            Self::RolledBack => "rolled-back",
        }
    }
}

/// The handle of one pipeline. Lanes count into a [`Tally`] of their own and add it up here once a batch.
pub struct Pipeline {
    settled: [IntCounter; Settled::ALL.len()],
    classes: [IntCounter; Class::ALL.len()],
    refusals: [IntCounter; Code::ALL.len()],
    reloads: [IntCounter; Reload::ALL.len()],
    read_bytes: IntCounter,
    written_bytes: IntCounter,
    settle: Histogram,
    end_to_end: Histogram,
    reload_pause: Histogram,
    /// Source partitions that no member of the group owns.
    pub unowned_partitions: IntGauge,
    /// Keys whose records follow a refused one; each lane adds what it has.
    pub parked_keys: IntGauge,
    _lease: Lease,
}

impl Pipeline {
    /// An empty tally, for one lane.
    pub fn tally(&self) -> Tally {
        Tally {
            settled: Default::default(),
            classes: Default::default(),
            refusals: Default::default(),
            read_bytes: 0,
            written_bytes: 0,
            settle: self.settle.local(),
            end_to_end: self.end_to_end.local(),
        }
    }

    /// Adds what `tally` holds and empties it.
    pub fn add(&self, tally: &mut Tally) {
        add_each(&self.settled, &mut tally.settled);
        add_each(&self.classes, &mut tally.classes);
        add_each(&self.refusals, &mut tally.refusals);
        self.read_bytes.inc_by(std::mem::take(&mut tally.read_bytes));
        self.written_bytes.inc_by(std::mem::take(&mut tally.written_bytes));
        tally.settle.flush();
        tally.end_to_end.flush();
    }

    /// A lane stood still for so long to take up other plugins.
    pub fn paused(&self, pause: Duration) {
        self.reload_pause.observe(pause.as_secs_f64());
    }

    pub fn reloaded(&self, result: Reload) {
        if let Some(counter) = self.reloads.get(result as usize) {
            counter.inc();
        }
    }
}

fn add_each(counters: &[IntCounter], tallied: &mut [u64]) {
    for (counter, count) in counters.iter().zip(tallied) {
        // Most are zero in most batches, and adding nothing would still cost an atomic.
        if *count != 0 {
            counter.inc_by(std::mem::take(count));
        }
    }
}

/// What one lane counted since it last added it up: plain numbers, no atomics.
pub struct Tally {
    settled: [u64; Settled::ALL.len()],
    classes: [u64; Class::ALL.len()],
    refusals: [u64; Code::ALL.len()],
    read_bytes: u64,
    written_bytes: u64,
    settle: LocalHistogram,
    end_to_end: LocalHistogram,
}

impl Tally {
    /// A record of `bytes` bytes, key, value and headers together, was read.
    pub fn read(&mut self, class: Class, bytes: usize) {
        increment(&mut self.classes, class as usize);
        self.read_bytes += bytes as u64;
    }

    /// An output of `bytes` bytes was handed to Kafka.
    pub fn wrote(&mut self, bytes: usize) {
        self.written_bytes += bytes as u64;
    }

    pub fn refused(&mut self, code: Code) {
        increment(&mut self.refusals, code as usize);
    }

    pub fn settled(&mut self, how: Settled) {
        increment(&mut self.settled, how as usize);
    }

    /// A record was acknowledged `after` it was read. One record a batch is timed.
    pub fn took(&mut self, after: Duration) {
        self.settle.observe(after.as_secs_f64());
    }

    /// A record was settled when it was `age` old by its Kafka timestamp.
    pub fn aged(&mut self, age: Duration) {
        self.end_to_end.observe(age.as_secs_f64());
    }
}

fn increment(counts: &mut [u64], index: usize) {
    if let Some(count) = counts.get_mut(index) {
        *count += 1;
    }
}

/// The handle of one lane.
pub struct Lane {
    /// One a turn: a lane whose count stands still is stuck.
    pub turns: IntCounter,
    _lease: Lease,
}

pub(super) struct Family {
    settled: IntCounterVec,
    classes: IntCounterVec,
    refusals: IntCounterVec,
    reloads: IntCounterVec,
    read_bytes: IntCounterVec,
    written_bytes: IntCounterVec,
    settle: HistogramVec,
    end_to_end: HistogramVec,
    reload_pause: HistogramVec,
    unowned_partitions: IntGaugeVec,
    parked_keys: IntGaugeVec,
    pipelines: Arc<Owners>,
    turns: IntCounterVec,
    lanes: Arc<Owners>,
}

impl Family {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let mut pipeline = Declaration::new(registry, &["pipeline"]);
        let (turns, lanes) = lane_turns(registry)?;
        Ok(Self {
            settled: pipeline.counter(
                "lockgate_records_total",
                "Records settled, by outcome: forwarded, dropped by a plugin or a policy, or dead_lettered.",
                &["outcome"],
            )?,
            classes: pipeline.counter(
                "lockgate_records_read_total",
                "Records read, by the class of what they say; only rows and tombstones go through plugins.",
                &["class"],
            )?,
            refusals: pipeline.counter(
                "lockgate_refusals_total",
                "Records that could not be transformed, by the code of the reason.",
                &["code"],
            )?,
            reloads: pipeline.counter(
                "lockgate_reloads_total",
                "Changes of the plugin folder, by result: live, refused (what served before still does), removed, rolled-back.",
                &["result"],
            )?,
            read_bytes: pipeline.counter(
                "lockgate_read_bytes_total",
                "Bytes of keys, values and headers read.",
                &[],
            )?,
            written_bytes: pipeline.counter(
                "lockgate_written_bytes_total",
                "Bytes of keys, values and headers handed to Kafka, dead letters included.",
                &[],
            )?,
            settle: pipeline.histogram(
                "lockgate_settle_seconds",
                "Time from reading a record to its acknowledgement; one record a batch is timed.",
                &LATENCY_BUCKETS,
            )?,
            end_to_end: pipeline.histogram(
                "lockgate_end_to_end_seconds",
                "Age of a record, by its Kafka timestamp, when it was settled; includes lag and the producer's clock error.",
                &LATENCY_BUCKETS,
            )?,
            reload_pause: pipeline.histogram(
                "lockgate_reload_pause_seconds",
                "Time in which a lane carried nothing, since it took up other plugins.",
                &PAUSE_BUCKETS,
            )?,
            unowned_partitions: unowned_partitions(&mut pipeline)?,
            parked_keys: parked_keys(&mut pipeline)?,
            pipelines: pipeline.owners(),
            turns,
            lanes,
        })
    }

    pub(super) fn pipeline(&self, name: &str) -> Pipeline {
        Pipeline {
            _lease: self.pipelines.lease(&[name]),
            settled: Settled::ALL.map(|it| self.settled.with_label_values(&[name, it.as_str()])),
            classes: Class::ALL.map(|it| self.classes.with_label_values(&[name, it.as_str()])),
            refusals: Code::ALL.map(|it| self.refusals.with_label_values(&[name, it.as_str()])),
            reloads: Reload::ALL.map(|it| self.reloads.with_label_values(&[name, it.as_str()])),
            read_bytes: self.read_bytes.with_label_values(&[name]),
            written_bytes: self.written_bytes.with_label_values(&[name]),
            settle: self.settle.with_label_values(&[name]),
            end_to_end: self.end_to_end.with_label_values(&[name]),
            reload_pause: self.reload_pause.with_label_values(&[name]),
            unowned_partitions: self.unowned_partitions.with_label_values(&[name]),
            parked_keys: self.parked_keys.with_label_values(&[name]),
        }
    }

    pub(super) fn lane(&self, pipeline: &str, number: usize) -> Lane {
        let labels = [pipeline, &number.to_string()];
        Lane { _lease: self.lanes.lease(&labels), turns: self.turns.with_label_values(&labels) }
    }
}

fn unowned_partitions(pipeline: &mut Declaration<'_>) -> prometheus::Result<IntGaugeVec> {
    pipeline.gauge(
        "lockgate_unowned_partitions",
        "Partitions that should be read and that nobody in the group owns; every gateway of it shows the same.",
        &[],
    )
}

fn parked_keys(pipeline: &mut Declaration<'_>) -> prometheus::Result<IntGaugeVec> {
    pipeline.gauge(
        "lockgate_parked_keys",
        "Keys whose records follow a refused one to the dead-letter topic until they are released, in the partitions of this gateway.",
        &[],
    )
}

fn lane_turns(registry: &Registry) -> prometheus::Result<(IntCounterVec, Arc<Owners>)> {
    let mut lane = Declaration::new(registry, &["pipeline", "lane"]);
    let turns = lane.counter(
        "lockgate_lane_turns_total",
        "Turns of a lane's loop; a lane whose count stands still is stuck.",
        &[],
    )?;
    Ok((turns, lane.owners()))
}
