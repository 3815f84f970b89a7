//! What a lane tells the metrics and the health page. Gathers plain numbers on the way and adds them up once a batch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tracing::{info, warn};

use super::lane::Timed;
use super::partitions::{Owned, Partitions};
use super::send::Ending;
use crate::breaker::State;
use crate::chain::{Made, Turned};
use crate::change::Class;
use crate::config::OnOpen;
use crate::health::{self, Group, Guard, Halt, Health};
use crate::kafka::{Assigned, Standing, TopicPartition};
use crate::metrics::{self, Metrics, Settled};
use crate::pipeline::Pipeline;
use crate::plugin::{Carried, Generation, Version};
use crate::record::{Position, Record};
use crate::tracker::Tracker;

pub(super) struct Observer {
    pipeline: Arc<str>,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    own: health::Lane,
    lane: metrics::Lane,
    totals: Arc<metrics::Pipeline>,
    tally: metrics::Tally,
    plugins: FxHashMap<Arc<str>, metrics::Plugin>,
    partitions: FxHashMap<TopicPartition, metrics::Partition>,
    /// The group has given its answer, and has not thrown the lane out since.
    is_member: bool,
    shown: FxHashMap<Arc<str>, Shown>,
}

/// What was last shown of a plugin, to add only what is new.
struct Shown {
    digest: String,
    memory: metrics::Memory,
    counts: BTreeMap<String, u64>,
    withheld: BTreeMap<&'static str, u64>,
}

impl Observer {
    pub(super) fn new(
        pipeline: &str,
        lane: usize,
        metrics: &Arc<Metrics>,
        health: &Arc<Health>,
        totals: &Arc<metrics::Pipeline>,
    ) -> Self {
        Self {
            own: health.lane(pipeline, lane, Instant::now()),
            lane: metrics.lane(pipeline, lane),
            tally: totals.tally(),
            totals: Arc::clone(totals),
            metrics: Arc::clone(metrics),
            health: Arc::clone(health),
            pipeline: pipeline.into(),
            plugins: FxHashMap::default(),
            partitions: FxHashMap::default(),
            is_member: false,
            shown: FxHashMap::default(),
        }
    }

    pub(super) fn turned(&self) {
        self.own.turned(Instant::now());
        self.lane.turns.inc();
    }

    /// The broker has taken a commit that says where these partitions stand.
    pub(super) fn committed(&self, stands: &[(TopicPartition, i64)]) {
        self.own.committed(Instant::now());
        for (at, offset) in stands {
            if let Some(series) = self.partitions.get(at) {
                series.committed.set(*offset);
            }
        }
    }

    pub(super) fn broker_failed(&self, reason: &str) {
        warn!(
            pipeline = &*self.pipeline,
            error = reason,
            "trouble with the brokers; librdkafka tries again"
        );
        // A member hears nothing when the brokers are back, where nobody left the group meanwhile.
        if !self.is_member {
            self.own.set_group(Group::Lost { reason: reason.to_owned() });
        }
    }

    /// The group has given its answer, even if that is no partition; else which ones, and where they begin.
    pub(super) fn assigned<'a>(&mut self, new: impl Iterator<Item = &'a Assigned>) {
        for Assigned { at, begin, .. } in new {
            let series = self.metrics.partition(&self.pipeline, &at.topic, at.partition);
            series.watermark.set(begin.offset);
            series.committed.set(begin.offset);
            self.partitions.insert(at.clone(), series);
        }
        self.is_member = true;
        self.own.set_group(Group::Member { partitions: self.partitions.len() });
    }

    pub(super) fn revoked(&mut self, at: &TopicPartition) {
        self.partitions.remove(at);
        self.health.clear_halt(&self.pipeline, &at.topic, at.partition);
        self.own.set_group(Group::Member { partitions: self.partitions.len() });
    }

    /// The group goes on without the lane, which joins it anew.
    pub(super) fn thrown_out(&mut self) {
        self.is_member = false;
        self.own.set_group(Group::Joining);
    }

    /// Each record of a batch, with what became of it.
    pub(super) fn ended(&mut self, record: &Record<'_>, class: Class, ending: &Ending) {
        let header = |header: &crate::record::Header<'_>| {
            header.name.len() + header.value.map_or(0, <[u8]>::len)
        };
        let bytes = record.key.map_or(0, <[u8]>::len)
            + record.value.map_or(0, <[u8]>::len)
            + record.headers.iter().map(header).sum::<usize>();
        match ending {
            Ending::Forwarded { bytes } => {
                self.tally.wrote(*bytes);
                self.tally.settled(Settled::Forwarded);
            }
            Ending::Dropped => self.tally.settled(Settled::Dropped),
            Ending::DeadLettered { code, bytes } => {
                self.tally.wrote(*bytes);
                self.tally.refused(*code);
                self.tally.settled(Settled::DeadLettered);
            }
            // Read again later, and counted then.
            Ending::Halted(code) => {
                self.tally.refused(*code);
                return;
            }
            Ending::Held => return,
        }
        self.tally.read(class, bytes);
    }

    pub(super) fn acknowledged(&mut self, timed: Timed) {
        self.tally.took(timed.read.elapsed());
        if let Some(age) = timed.timestamp.and_then(|then| super::now_ms().checked_sub(then)) {
            self.tally.aged(Duration::from_millis(u64::try_from(age).unwrap_or(0)));
        }
    }

    /// Adds up a batch that `chain` has carried.
    pub(super) fn batch_done(&mut self, pipeline: &mut Pipeline, chain: &Generation) {
        self.totals.add(&mut self.tally);
        for turned in pipeline.take_turned() {
            self.tell(&turned);
        }
        let Self { plugins, metrics, pipeline: name, .. } = self;
        pipeline.take_calls(|identity, calls, bypassed| {
            let is_it = |version: &&Arc<Version>| std::ptr::eq(&*version.identity, identity);
            if let Some(version) = chain.plugins.iter().find(is_it).filter(|_| !calls.is_empty()) {
                version.stats().carried(carried(calls, version.setup.rollout.p99));
            }
            let series = plugins
                .entry(Arc::clone(&identity.name))
                .or_insert_with(|| metrics.plugin(name, &identity.name));
            series.bypassed.inc_by(bypassed);
            for call in calls {
                match call.fault {
                    None => series.called(call.rows, call.edits, call.took),
                    Some(class) => series.faulted(class, call.took),
                }
            }
        });
    }

    fn tell(&self, turned: &Turned) {
        let Turned { plugin, on_open, state, view } = turned;
        let (pipeline, version, name) = (&*self.pipeline, &*plugin.version, &*plugin.name);
        match state {
            State::Open => {
                let cause = view.cause.as_deref().unwrap_or_default();
                let next_probe = view.next_probe.unwrap_or_default();
                let meanwhile = match on_open {
                    OnOpen::Halt => "its partitions wait",
                    OnOpen::Bypass => "records go by without it",
                };
                warn!(
                    pipeline,
                    plugin = name,
                    version,
                    cause,
                    ?next_probe,
                    meanwhile,
                    "a plugin is not called any more: its breaker is open"
                );
            }
            State::HalfOpen => {
                info!(
                    pipeline,
                    plugin = name,
                    version,
                    "a plugin is tried again with a few events"
                );
            }
            State::Closed => {
                info!(
                    pipeline,
                    plugin = name,
                    version,
                    "a plugin is called again: its breaker is closed"
                );
            }
        }
    }

    /// The lane stood still for `pause` to take up `chain`. Forgets the series of plugins that are not in it any more.
    pub(super) fn took_up(&mut self, chain: &Generation, pause: Duration) {
        self.totals.paused(pause);
        let is_there = |name: &Arc<str>| chain.plugins.iter().any(|v| v.identity.name == *name);
        self.plugins.retain(|name, _| is_there(name));
        self.shown.retain(|name, _| is_there(name));
    }

    /// Shows what the versions in the chain gathered over all lanes. One lane of a pipeline does this for all.
    pub(super) fn show_plugins(&mut self, versions: &[Arc<Version>]) {
        let guards = versions.iter().map(|version| Guard {
            plugin: Arc::clone(&version.identity.name),
            on_open: version.setup.on_open,
            breaker: Arc::clone(version.breaker()),
        });
        self.health.set_breakers(&self.pipeline, guards.collect());
        for version in versions {
            let name = &version.identity.name;
            let series = self
                .plugins
                .entry(Arc::clone(name))
                .or_insert_with(|| self.metrics.plugin(&self.pipeline, name));
            let shown = self.shown.entry(Arc::clone(name)).or_insert_with(|| Shown {
                digest: String::new(),
                memory: series.memory(),
                counts: BTreeMap::new(),
                withheld: BTreeMap::new(),
            });
            if shown.digest != version.identity.digest {
                series.serves(&version.identity.version, &version.identity.digest);
                shown.digest.clone_from(&version.identity.digest);
            }
            let grown = |now: u64, before: u64| now.saturating_sub(before);
            series.breaker(version.breaker().view(Instant::now()).state);
            series.trips.inc_by(version.breaker().take_new_trips());
            let (instantiations, recycles) = version.stats().take_news();
            series.instantiations.inc_by(instantiations);
            series.recycles.inc_by(recycles);
            shown.memory.set(version.stats().figures().memory);
            for (level, total) in version.voice().withheld().into_iter().filter(|(_, n)| *n > 0) {
                let before = shown.withheld.insert(level, total).unwrap_or(0);
                series.withheld(level, grown(total, before));
            }
            for (count, total) in version.voice().counts() {
                let before = shown.counts.insert(count.clone(), total).unwrap_or(0);
                if let Some(counter) = series.custom(&count) {
                    counter.inc_by(grown(total, before));
                }
            }
        }
    }

    /// A watermark moved and is about to be committed.
    pub(super) fn settled(&self, at: &TopicPartition, offset: i64) {
        if let Some(series) = self.partitions.get(at) {
            series.watermark.set(offset);
        }
    }

    /// Shows how far each partition is, and which of them stand still.
    pub(super) fn show(
        &mut self,
        standings: impl Iterator<Item = Standing>,
        partitions: &Partitions,
        tracker: &Tracker,
    ) {
        // What was acknowledged since the last batch; the next may be long in coming.
        self.totals.add(&mut self.tally);
        for Standing { at, watermarks, .. } in standings {
            let (Some(series), Some(owned)) = (self.partitions.get(&at), partitions.get(&at))
            else {
                continue;
            };
            let watermark = tracker.watermark(owned.handle).map_or(0, |mark| mark.offset);
            if let Some((_, high)) = watermarks {
                series.lag.set((high - watermark).max(0));
            }
            let in_flight = tracker.in_flight(owned.handle);
            series.in_flight.set(i64::try_from(in_flight).unwrap_or(i64::MAX));
            series.halted.set(i64::from(self.show_halt(&at, owned, watermark)));
        }
    }

    /// Whether the partition stands still.
    fn show_halt(&self, at: &TopicPartition, owned: &Owned, offset: i64) -> bool {
        let Some((reason, waits)) = owned.standstill() else {
            self.health.clear_halt(&self.pipeline, &at.topic, at.partition);
            return false;
        };
        let position = Position { topic: Arc::clone(&at.topic), partition: at.partition, offset };
        let halt = Halt { reason: reason.to_owned(), waits };
        self.health.halt_partition(&self.pipeline, &position, halt);
        true
    }
}

/// One batch's calls of a plugin of which each should take `p99` at the most.
fn carried(calls: &[Made], p99: Duration) -> Carried {
    let answered = calls.iter().filter(|call| call.fault.is_none());
    Carried {
        rows: answered.map(|call| call.rows as u64).sum(),
        calls: calls.len() as u64,
        slow: calls.iter().filter(|call| call.took > p99).count() as u64,
        faulty: calls.iter().any(|call| call.fault.is_some()),
    }
}

#[cfg(test)]
mod tests;
