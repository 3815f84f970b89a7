//! The partitions a lane owns, and which of them are standing still and why. Pure: knows neither client nor clock but the
//! instants it is given.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::kafka::TopicPartition;
use crate::tracker::Handle;

/// After a failed delivery the partition is tried again after this long, then after twice as long, up to the second.
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// A partition from assign to revoke.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) handle: Handle,
    pub(super) state: State,
    /// Whether the client was told to stop fetching it.
    pub(super) paused: bool,
    /// Deliveries that failed in a row.
    failures: u32,
}

/// Whether records of a partition go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Flowing,
    /// A delivery failed: what is under way is waited for, then the partition is read again from its watermark.
    Failed {
        reason: String,
        retry: Instant,
    },
    /// Until other plugins come, or for ever where `plugins_may_help` is false.
    Halted {
        reason: String,
        plugins_may_help: bool,
    },
    /// Of a topic that the pipeline writes itself.
    Ignored,
}

#[derive(Debug, Default)]
pub(super) struct Partitions {
    owned: FxHashMap<TopicPartition, Owned>,
}

impl Partitions {
    pub(super) fn assign(&mut self, at: TopicPartition, handle: Handle) -> &mut Owned {
        let owned = Owned { handle, state: State::Flowing, paused: false, failures: 0 };
        let entry = self.owned.entry(at).insert_entry(owned);
        entry.into_mut()
    }

    pub(super) fn revoke(&mut self, at: &TopicPartition) -> Option<Owned> {
        self.owned.remove(at)
    }

    pub(super) fn len(&self) -> usize {
        self.owned.len()
    }

    pub(super) fn get(&self, at: &TopicPartition) -> Option<&Owned> {
        self.owned.get(at)
    }

    pub(super) fn get_mut(&mut self, at: &TopicPartition) -> Option<&mut Owned> {
        self.owned.get_mut(at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &Owned)> {
        self.owned.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&TopicPartition, &mut Owned)> {
        self.owned.iter_mut()
    }

    pub(super) fn by_handle(&mut self, handle: Handle) -> Option<(&TopicPartition, &mut Owned)> {
        self.owned.iter_mut().find(|(_, owned)| owned.handle == handle)
    }

    /// The partition's handle where its records go on.
    pub(super) fn flowing(&self, topic: &Arc<str>, partition: i32) -> Option<Handle> {
        let owned = self.owned.get(&TopicPartition::new(topic, partition))?;
        (owned.state == State::Flowing).then_some(owned.handle)
    }
}

impl Owned {
    /// Notes a failed delivery; a halt stays a halt.
    pub(super) fn fail(&mut self, reason: String, now: Instant) {
        if self.state != State::Flowing {
            return;
        }
        let wait = FIRST_RETRY.saturating_mul(1 << self.failures.min(16)).min(LONGEST_RETRY);
        self.failures += 1;
        self.state = State::Failed { reason, retry: now + wait };
    }

    /// Waits until a plugin may be called again; a halt stays a halt.
    pub(super) fn hold(&mut self, reason: String, until: Instant) {
        if self.state == State::Flowing {
            self.state = State::Failed { reason, retry: until };
        }
    }

    /// Leaves the partition alone for ever.
    pub(super) fn ignore(&mut self) {
        self.state = State::Ignored;
    }

    /// Lets records go on under a new handle, and says whether fetching had been paused.
    pub(super) fn restart(&mut self, handle: Handle) -> bool {
        self.handle = handle;
        self.state = State::Flowing;
        std::mem::take(&mut self.paused)
    }

    /// A record arrived: the next failure is a first one again.
    pub(super) fn delivered(&mut self) {
        self.failures = 0;
    }
}
