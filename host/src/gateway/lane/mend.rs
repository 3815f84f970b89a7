//! How a lane gets going again what stands still: after a failed delivery, when a plugin may be called again, with other plugins,
//! with another producer.

use std::time::{Duration, Instant};

use tracing::{debug, info, warn};

use super::{Lane, chain};
use crate::gateway::partitions::State;
use crate::kafka::{Member, Sink, TopicPartition};
use crate::tracker::{Handle, Mark};

/// How long known tables may be opened with new plugins while nothing is carried; the rest are opened as their rows come.
const WARMING: Duration = Duration::from_millis(8);

/// A partition that failed goes on being fetched for as long as this. What comes meanwhile is thrown away.
const SHORT: Duration = Duration::from_secs(1);

impl Lane {
    /// Takes up a newer generation of plugins, between two batches.
    pub(super) fn take_up_plugins(&mut self) {
        let begun = Instant::now();
        if !self.parts.plugins.take_newer() {
            return;
        }
        let (plugins, observer) = (&self.parts.plugins, &mut self.parts.observer);
        let chain = &plugins.taken().chain;
        self.pipeline.replace_stages(plugins.stages(), chain, || begun.elapsed() < WARMING);
        self.letters.chain = self.parts.settings.stamp.then(|| chain.clone());
        let pause = begun.elapsed();
        observer.took_up(plugins.taken(), pause);
        let missing = plugins.missing();
        info!(
            pipeline = self.parts.settings.name,
            lane = self.parts.number,
            generation = plugins.taken().number,
            chain,
            pause_ms = pause.as_secs_f64() * 1e3,
            "plugins taken up"
        );
        if !missing.is_empty() {
            warn!(
                pipeline = self.parts.settings.name,
                missing = missing.join(", "),
                "the pipeline stands still: a required plugin is missing"
            );
        }
        let waiting = |state: &State| matches!(state, State::Halted { plugins_may_help: true, .. });
        let halted: Vec<TopicPartition> = self
            .partitions
            .iter()
            .filter(|(_, owned)| waiting(&owned.state))
            .map(|(at, _)| at.clone())
            .collect();
        for at in halted {
            self.again(&at);
        }
        self.partitions.wake(Instant::now());
    }

    /// Looks after partitions that stand still, and after a producer that cannot go on.
    pub(super) fn mend(&mut self) {
        if let Some(reason) = self.broken.take() {
            self.replace_sink(&reason);
        }
        self.partitions.forget_lost(&mut self.tracker);
        let now = Instant::now();
        self.partitions.wake_if_released(self.pipeline.releases(), now);
        let mut again = Vec::new();
        for (at, owned) in self.partitions.iter_mut() {
            match &owned.state {
                State::Flowing => {}
                State::Failed { retry: due, .. } | State::Waiting { until: due, .. }
                    if now >= *due =>
                {
                    if self.tracker.is_quiet(owned.handle) {
                        again.push(at.clone());
                    }
                }
                // What was fetched of one that is paused is fetched once more, which takes longer than such a wait.
                State::Failed { retry, .. } if retry.saturating_duration_since(now) < SHORT => {}
                State::Failed { .. }
                | State::Waiting { .. }
                | State::Halted { .. }
                | State::Ignored => {
                    if !owned.paused {
                        owned.paused = true;
                        if let Err(error) = self.source.halt(at) {
                            warn!(partition = %at, error = %chain(&error), "pausing a partition failed");
                        }
                    }
                }
            }
        }
        for at in again {
            self.again(&at);
        }
    }

    /// Reads a partition again from its watermark, whatever was under way.
    pub(super) fn again(&mut self, at: &TopicPartition) {
        let Some(owned) = self.partitions.get(at) else { return };
        if let Some((handle, mark)) = self.tracker.rewind(owned.handle) {
            self.go_on(at, handle, mark);
        }
    }

    /// Reads a partition from `mark`, wherever it stood.
    pub(super) fn jump(&mut self, at: &TopicPartition, mark: Mark) {
        let Some(owned) = self.partitions.get(at) else { return };
        self.tracker.release(owned.handle);
        self.pipeline.parked_mut().jump(&at.topic, at.partition, mark.offset);
        let handle = self.tracker.assign(mark);
        if let Some(owned) = self.partitions.get_mut(at) {
            // What is gone is not being fetched: it has to be started like something paused.
            owned.paused = true;
        }
        self.go_on(at, handle, mark);
    }

    fn go_on(&mut self, at: &TopicPartition, handle: Handle, mark: Mark) {
        let Some(owned) = self.partitions.get_mut(at) else { return };
        self.pipeline.parked_mut().rewind(&at.topic, at.partition, mark.offset);
        let restarted = match owned.restart(handle) {
            true => self.source.resume(at, mark),
            false => self.source.rewind(at, mark),
        };
        if owned.is_trying() {
            debug!(partition = %at, offset = mark.offset, "trying whether a partition can go on");
        } else {
            info!(partition = %at, offset = mark.offset, "reading a partition on from here");
        }
        if let Err(error) = restarted {
            self.outlet().halt(at, format!("starting it again: {}", chain(&error)), true);
        }
    }

    /// Makes another producer; what the old one held is sent again from the watermarks.
    fn replace_sink(&mut self, reason: &str) {
        warn!(reason, "the producer cannot go on and is replaced");
        let settings = &self.parts.settings;
        let member = Member { pipeline: &settings.name, lane: self.parts.number };
        match Sink::connect(&self.parts.kafka, member, settings.limits.record_bytes) {
            Ok(sink) => self.sink = sink,
            Err(error) => {
                self.broken = Some(chain(&error));
                return;
            }
        }
        let all: Vec<TopicPartition> = self
            .partitions
            .iter()
            .filter(|(_, owned)| owned.state != State::Ignored)
            .map(|(at, _)| at.clone())
            .collect();
        for at in all {
            self.again(&at);
        }
    }
}
