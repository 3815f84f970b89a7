//! What one plugin of one pipeline costs and does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
};
use rustc_hash::FxHashMap;

use super::owners::{Declaration, Lease, Owners, Series};
use crate::breaker::State;
use crate::contract::FaultClass;

/// The most names that one plugin may count under: each is a series, and the names are the plugin's own.
pub const MAX_CUSTOM_NAMES: usize = 64;
const MAX_CUSTOM_NAME_BYTES: usize = 64;

/// From the microseconds of a batch of one to the longest deadline.
const CALL_BUCKETS: [f64; 15] = [
    0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005,
    0.01, 0.05, 0.2, 1.0, 60.0,
];

/// The handle of one plugin. Every method is called once a batch at most.
pub struct Plugin {
    calls: IntCounter,
    rows: IntCounter,
    edits: IntCounter,
    /// Rows that went on without it, since its breaker was open.
    pub bypassed: IntCounter,
    seconds: Histogram,
    faults: [IntCounter; FaultClass::ALL.len()],
    memory: IntGauge,
    pub instantiations: IntCounter,
    /// Instances given up because they had grown, before they hit their limit.
    pub recycles: IntCounter,
    breaker: IntGauge,
    /// How often the breaker has opened.
    pub trips: IntCounter,
    /// By the levels of a plugin's log.
    withheld: IntCounterVec,
    custom: Arc<Custom>,
    version: IntGaugeVec,
    owner: [String; 2],
    _lease: Lease,
}

impl Plugin {
    /// One call that was answered, with `rows` rows in it and `edits` cells in the answer.
    pub fn called(&self, rows: usize, edits: usize, took: Duration) {
        self.calls.inc();
        self.rows.inc_by(rows as u64);
        self.edits.inc_by(edits as u64);
        self.seconds.observe(took.as_secs_f64());
    }

    /// One call that gave no usable answer.
    pub fn faulted(&self, class: FaultClass, took: Duration) {
        self.calls.inc();
        self.seconds.observe(took.as_secs_f64());
        if let Some(counter) = self.faults.get(class as usize) {
            counter.inc();
        }
    }

    /// The counter behind `name` of the contract's `count`; none once the plugin has used up its names.
    pub fn custom(&self, name: &str) -> Option<IntCounter> {
        let [pipeline, plugin] = &self.owner;
        self.custom.counter(pipeline, plugin, name)
    }

    /// Log lines of one level that were counted and not shown.
    pub fn withheld(&self, level: &str, lines: u64) {
        let [pipeline, plugin] = &self.owner;
        self.withheld.with_label_values(&[pipeline, plugin, level]).inc_by(lines);
    }

    /// The share of one instance in the plugin's memory.
    pub fn memory(&self) -> Memory {
        Memory { gauge: self.memory.clone(), reported: 0 }
    }

    pub fn breaker(&self, state: State) {
        self.breaker.set(match state {
            State::Closed => 0,
            State::HalfOpen => 1,
            State::Open => 2,
        });
    }

    /// Says which version serves; the one before is not shown any longer.
    pub fn serves(&self, version: &str, digest: &str) {
        let [pipeline, plugin] = &self.owner;
        self.version.remove_all(&[("pipeline", pipeline), ("plugin", plugin)]);
        self.version.with_label_values(&[pipeline, plugin, version, digest]).set(1);
    }
}

/// The memory of one instance, taken off the sum when the instance goes.
pub struct Memory {
    gauge: IntGauge,
    reported: i64,
}

impl Memory {
    pub fn set(&mut self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.gauge.add(bytes - self.reported);
        self.reported = bytes;
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.gauge.sub(self.reported);
    }
}

/// The counters of all plugins' own names, and the names each has used. They are remembered for as long as the gateway runs,
/// so that a plugin that is removed and added again does not get more of them.
struct Custom {
    counters: IntCounterVec,
    names: Mutex<FxHashMap<[String; 2], Vec<String>>>,
}

impl Custom {
    fn register(plugin: &mut Declaration<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            counters: plugin.counter(
                "lockgate_plugin_custom_total",
                "What a plugin counts itself, under names of its own.",
                &["name"],
            )?,
            names: Mutex::default(),
        })
    }

    fn counter(&self, pipeline: &str, plugin: &str, name: &str) -> Option<IntCounter> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let used = names.entry([pipeline.to_owned(), plugin.to_owned()]).or_default();
        if !used.iter().any(|used| used == name) {
            if used.len() >= MAX_CUSTOM_NAMES || name.len() > MAX_CUSTOM_NAME_BYTES {
                return None;
            }
            used.push(name.to_owned());
        }
        Some(self.counters.with_label_values(&[pipeline, plugin, name]))
    }
}

struct Breakers {
    states: IntGaugeVec,
    trips: IntCounterVec,
    bypassed: IntCounterVec,
}

impl Breakers {
    fn register(plugin: &mut Declaration<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            states: plugin.gauge(
                "lockgate_plugin_breaker_state",
                "Whether a plugin is called: 0 closed, it is; 1 half-open, it is tried with a few events; 2 open, it is not.",
                &[],
            )?,
            trips: plugin.counter(
                "lockgate_plugin_breaker_trips_total",
                "How often a plugin's breaker has opened because it failed too often.",
                &[],
            )?,
            bypassed: plugin.counter(
                "lockgate_plugin_bypassed_rows_total",
                "Rows that went on without a plugin while it was not called, as on_open = \"bypass\" says.",
                &[],
            )?,
        })
    }
}

/// The age of the last tick of the clock that ends plugins, read when it is asked for: whoever wrote it down now and then might
/// have stopped too.
pub(super) struct Clock {
    gauge: Gauge,
    age: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    pub(super) fn new(
        age: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> prometheus::Result<Self> {
        let gauge = Gauge::new(
            "lockgate_plugin_clock_age_seconds",
            "Time since the clock that ends plugins last ticked; above one second no plugin is entered.",
        )?;
        Ok(Self { gauge, age: Box::new(age) })
    }
}

impl Collector for Clock {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set((self.age)().as_secs_f64());
        self.gauge.collect()
    }
}

pub(super) struct Family {
    calls: IntCounterVec,
    rows: IntCounterVec,
    edits: IntCounterVec,
    seconds: HistogramVec,
    faults: IntCounterVec,
    memory: IntGaugeVec,
    instantiations: IntCounterVec,
    recycles: IntCounterVec,
    breakers: Breakers,
    withheld: IntCounterVec,
    custom: Arc<Custom>,
    version: IntGaugeVec,
    owners: Arc<Owners>,
}

impl Family {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let mut plugin = Declaration::new(registry, &["pipeline", "plugin"]);
        Ok(Self {
            calls: plugin.counter(
                "lockgate_plugin_calls_total",
                "Batches handed to a plugin, whatever came back.",
                &[],
            )?,
            rows: plugin.counter(
                "lockgate_plugin_rows_total",
                "Rows in the batches that a plugin answered.",
                &[],
            )?,
            edits: plugin.counter(
                "lockgate_plugin_edits_total",
                "Cells that a plugin's answers set or removed.",
                &[],
            )?,
            seconds: plugin.histogram(
                "lockgate_plugin_call_seconds",
                "Time of a call, batch in and answer out.",
                &CALL_BUCKETS,
            )?,
            faults: plugin.counter(
                "lockgate_plugin_faults_total",
                "Calls that gave no usable answer, by class of fault.",
                &["class"],
            )?,
            memory: plugin.gauge(
                "lockgate_plugin_memory_bytes",
                "Memory of a plugin's instances on all lanes together.",
                &[],
            )?,
            instantiations: plugin.counter(
                "lockgate_plugin_instantiations_total",
                "Instances made: one a lane at first, one more after each fault and recycle.",
                &[],
            )?,
            recycles: plugin.counter(
                "lockgate_plugin_recycles_total",
                "Instances replaced because their memory had grown near its limit.",
                &[],
            )?,
            breakers: Breakers::register(&mut plugin)?,
            withheld: plugin.counter(
                "lockgate_plugin_messages_withheld_total",
                "Lines of a plugin's log whose text was not shown, by level.",
                &["level"],
            )?,
            custom: Arc::new(Custom::register(&mut plugin)?),
            version: plugin.gauge(
                "lockgate_plugin_info",
                "Always 1; the labels say which version of a plugin serves.",
                &["version", "digest"],
            )?,
            owners: plugin.owners(),
        })
    }

    pub(super) fn plugin(&self, pipeline: &str, name: &str) -> Plugin {
        let owner = [pipeline, name];
        Plugin {
            _lease: self.owners.lease(&owner),
            calls: self.calls.with_label_values(&owner),
            rows: self.rows.with_label_values(&owner),
            edits: self.edits.with_label_values(&owner),
            bypassed: self.breakers.bypassed.with_label_values(&owner),
            seconds: self.seconds.with_label_values(&owner),
            faults: FaultClass::ALL
                .map(|it| self.faults.with_label_values(&[pipeline, name, it.as_str()])),
            memory: self.memory.with_label_values(&owner),
            instantiations: self.instantiations.with_label_values(&owner),
            recycles: self.recycles.with_label_values(&owner),
            breaker: self.breakers.states.with_label_values(&owner),
            trips: self.breakers.trips.with_label_values(&owner),
            withheld: self.withheld.clone(),
            custom: Arc::clone(&self.custom),
            version: self.version.clone(),
            owner: owner.map(str::to_owned),
        }
    }
}
