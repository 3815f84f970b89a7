//! What a lane does about parked keys: notes them beside what it commits, and lets them go on when an operator says so.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::{Lane, chain};
use crate::gateway::parking::Release;
use crate::gateway::partitions::State;
use crate::kafka::{Advance, Assigned, TopicPartition};
use crate::pipeline::Pipeline;
use crate::tracker::Mark;

/// How long the commit of a release may take, and when to try again: the lane stands still meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_secs(5);

/// Partitions whose committed note still names keys that were released, until when to leave it so.
#[derive(Default)]
pub(super) struct Outdated {
    partitions: Vec<TopicPartition>,
    retry: Option<Instant>,
}

impl Lane {
    /// Begins with what was parked when the offset was committed where the partition goes on.
    pub(super) fn restore_parked(&mut self, one: &Assigned) {
        let TopicPartition { topic, partition } = &one.at;
        self.pipeline.parked_mut().restore(topic, *partition, &one.remark);
    }

    /// Forgets the keys that an operator let go since the last turn.
    pub(super) fn take_up_releases(&mut self) {
        for release in self.parts.bay.take_releases() {
            let plugin = match &release {
                Release::All => None,
                Release::Of(plugin) => Some(&**plugin),
            };
            let released = self.pipeline.parked_mut().release(plugin);
            let (pipeline, lane) = (&*self.parts.settings.name, self.parts.number);
            info!(pipeline, lane, plugin, partitions = released.len(), "parked keys released");
            for (topic, partition) in released {
                let at = TopicPartition { topic, partition };
                self.go_on_after_release(&at);
                if !self.outdated.partitions.contains(&at) {
                    self.outdated.partitions.push(at);
                }
            }
            self.outdated.retry = None;
        }
    }

    /// Reads a partition on that may have stood still because no more keys could be parked.
    fn go_on_after_release(&mut self, at: &TopicPartition) {
        let is_halted = self.partitions.get(at).is_some_and(|owned| {
            matches!(owned.state, State::Halted { plugins_may_help: true, .. })
        });
        if is_halted {
            self.again(at);
        }
    }

    /// Commits again where partitions stand whose keys were released: they may never move, and what was noted would count after
    /// a restart.
    pub(super) fn commit_releases(&mut self) {
        let due = self.outdated.retry.is_none_or(|retry| Instant::now() >= retry);
        if !self.outdated.partitions.is_empty() && due {
            self.commit_releases_by(Instant::now() + PATIENCE);
        }
    }

    pub(super) fn commit_releases_by(&mut self, deadline: Instant) {
        let outdated = self.outdated.partitions.iter();
        let stands: Vec<Advance> = outdated.filter_map(|at| self.stand(at)).collect();
        if stands.is_empty() {
            self.outdated = Outdated::default();
            return;
        }
        match self.source.remark_by(&stands, deadline) {
            Ok(()) => self.outdated = Outdated::default(),
            Err(error) => {
                warn!(error = %chain(&error), "committing a release failed; it is tried again, and does not outlast a restart before");
                self.outdated.retry = Some(Instant::now() + RETRY);
            }
        }
    }

    /// What is committed of a partition where it stands now; none where it is not ours.
    pub(super) fn stand(&self, at: &TopicPartition) -> Option<Advance> {
        let mark = self.tracker.watermark(self.partitions.get(at)?.handle)?;
        Some(advance(&self.pipeline, at, mark))
    }

    pub(super) fn tell_parked(&mut self) {
        self.parts.bay.tell(self.pipeline.parked());
    }
}

/// What is committed of a partition that stands at `mark`.
pub(super) fn advance(pipeline: &Pipeline, at: &TopicPartition, mark: Mark) -> Advance {
    let remark = pipeline.parked().note(&at.topic, at.partition, mark.offset);
    Advance { at: at.clone(), mark, remark }
}
