//! The partitions a lane owns, and which of them are standing still and why. Pure: knows neither client nor clock but the
//! instants it is given.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::kafka::TopicPartition;
use crate::tracker::{Handle, Tracker};

/// After a failure the partition is tried again after this long, then after twice as long, up to the second.
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// A partition from assign to revoke.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) handle: Handle,
    pub(super) state: State,
    /// Whether the client was told to stop fetching it.
    pub(super) paused: bool,
    /// Deliveries and fetches that failed in a row.
    failures: u32,
    /// What it last waited for; none once it has gone on since.
    waited: Option<String>,
}

/// Whether records of a partition go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Flowing,
    /// A delivery failed, or a fetch brought what cannot be read: what is under way is waited for, then the partition is read again
    /// from its watermark.
    Failed {
        reason: String,
        retry: Instant,
    },
    /// A plugin may not be called: what is under way is waited for, then the partition is read again from its watermark.
    Waiting {
        reason: String,
        until: Instant,
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
    /// As the pipeline last gave it.
    releases: u64,
}

impl Partitions {
    pub(super) fn assign(&mut self, at: TopicPartition, handle: Handle) -> &mut Owned {
        let state = State::Flowing;
        let owned = Owned { handle, state, paused: false, failures: 0, waited: None };
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

    /// Forgets what was under way of partitions of which an output was lost: it comes again, however much later, and must not take
    /// up the room of the others until then.
    pub(super) fn forget_lost(&mut self, tracker: &mut Tracker) {
        for owned in self.owned.values_mut() {
            let is_over = tracker.is_failed(owned.handle) && tracker.is_quiet(owned.handle);
            if let Some((handle, _)) = is_over.then(|| tracker.rewind(owned.handle)).flatten() {
                owned.handle = handle;
            }
        }
    }

    /// Lets the partitions that wait for a plugin try it again, whenever that was to be.
    pub(super) fn wake(&mut self, now: Instant) {
        for owned in self.owned.values_mut() {
            if let State::Waiting { until, .. } = &mut owned.state {
                *until = now;
            }
        }
    }

    /// As [`Self::wake`], where `releases` is another number than it was.
    pub(super) fn wake_if_released(&mut self, releases: u64, now: Instant) {
        if self.releases != releases {
            self.releases = releases;
            self.wake(now);
        }
    }

    /// The partition's handle where its records go on.
    pub(super) fn flowing(&self, topic: &Arc<str>, partition: i32) -> Option<Handle> {
        let owned = self.owned.get(&TopicPartition::new(topic, partition))?;
        (owned.state == State::Flowing).then_some(owned.handle)
    }
}

impl Owned {
    /// Notes that something of it failed; a halt stays a halt. Says whether that is news: much may be under way that fails with it.
    pub(super) fn fail(&mut self, reason: String, now: Instant) -> bool {
        if self.state != State::Flowing {
            return false;
        }
        let wait = FIRST_RETRY.saturating_mul(1 << self.failures.min(16)).min(LONGEST_RETRY);
        self.failures += 1;
        self.state = State::Failed { reason, retry: now + wait };
        true
    }

    /// Waits until a plugin may be called again; a halt stays a halt. Says whether that is news: a partition that tries again in
    /// vain goes on waiting.
    pub(super) fn wait(&mut self, reason: String, until: Instant) -> bool {
        if self.state != State::Flowing {
            return false;
        }
        let is_news = self.waited.replace(reason.clone()).is_none();
        self.state = State::Waiting { reason, until };
        is_news
    }

    /// Why nothing of it goes on, and whether that is for a plugin to be called again; none while it flows.
    pub(super) fn standstill(&self) -> Option<(&str, bool)> {
        match &self.state {
            State::Waiting { reason, .. } => Some((reason, true)),
            State::Halted { reason, .. } | State::Failed { reason, .. } => Some((reason, false)),
            // It tries whether it can go on.
            State::Flowing => self.waited.as_deref().map(|reason| (reason, true)),
            State::Ignored => None,
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

    /// A record arrived: the next failure is a first one again, and so is the next wait. Says whether a wait is over.
    pub(super) fn delivered(&mut self) -> bool {
        self.failures = 0;
        // What arrives while it waits stood before what it waits with.
        self.state == State::Flowing && self.waited.take().is_some()
    }

    /// Whether it stands where it stood when it began to wait.
    pub(super) fn is_trying(&self) -> bool {
        self.waited.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::{Load, Mark};

    const REASON: &str = "plugin \"mask\": it failed";

    fn owned(partitions: &mut Partitions) -> &mut Owned {
        let at = TopicPartition::new(&"t".into(), 0);
        let handle = Tracker::default().assign(Mark { offset: 0, leader_epoch: -1 });
        partitions.assign(at, handle)
    }

    fn until(owned: &Owned) -> Option<Instant> {
        match owned.state {
            State::Waiting { until, .. } => Some(until),
            _ => None,
        }
    }

    #[test]
    fn a_partition_begins_to_wait_once_however_often_it_tries_in_vain() {
        let (mut partitions, now) = (Partitions::default(), Instant::now());
        let owned = owned(&mut partitions);
        let handle = owned.handle;
        assert!(owned.wait(REASON.to_owned(), now));
        for _ in 0..3 {
            // What stood before arrives meanwhile.
            assert!(!owned.delivered());
            owned.restart(handle);
            assert_eq!(owned.standstill(), Some((REASON, true)), "it only tries");
            assert!(!owned.wait(REASON.to_owned(), now));
        }
        owned.restart(handle);
        assert!(owned.delivered(), "the wait is over");
        assert!(!owned.delivered());
        assert_eq!(owned.standstill(), None);
        assert!(owned.wait(REASON.to_owned(), now), "this is another wait");
    }

    #[test]
    fn what_is_to_come_again_takes_up_no_room_until_then() {
        let (mut partitions, mut tracker) = (Partitions::default(), Tracker::default());
        let at = TopicPartition::new(&"t".into(), 0);
        let mark = |offset| Mark { offset, leader_epoch: -1 };
        let handle = tracker.assign(mark(0));
        partitions.assign(at.clone(), handle);
        let tickets = [0, 1, 2, 3].map(|offset| tracker.begin(handle, mark(offset), 1, 100));
        let tickets = tickets.map(Option::unwrap);
        tracker.acknowledge(tickets[0]);
        tracker.fail(tickets[1]);
        assert!(partitions.get_mut(&at).unwrap().fail(REASON.to_owned(), Instant::now()));
        tracker.acknowledge(tickets[2]);
        partitions.forget_lost(&mut tracker);
        assert_eq!(tracker.load().records, 3, "one is still under way");
        tracker.acknowledge(tickets[3]);
        partitions.forget_lost(&mut tracker);
        assert_eq!(tracker.load(), Load::default());
        let owned = partitions.get(&at).unwrap();
        assert_eq!(tracker.watermark(owned.handle), Some(mark(1)));
        assert!(matches!(owned.state, State::Failed { .. }), "and waits on");
    }

    #[test]
    fn a_halt_is_stronger_than_a_wait() {
        let (mut partitions, now) = (Partitions::default(), Instant::now());
        let owned = owned(&mut partitions);
        owned.state = State::Halted { reason: "gone".to_owned(), plugins_may_help: false };
        assert!(!owned.wait(REASON.to_owned(), now));
        assert_eq!(owned.standstill(), Some(("gone", false)));
    }

    #[test]
    fn an_order_ends_the_waiting_before_its_time() {
        let (mut partitions, now) = (Partitions::default(), Instant::now());
        let later = now + Duration::from_secs(30);
        owned(&mut partitions).wait(REASON.to_owned(), later);
        let at = TopicPartition::new(&"t".into(), 0);
        partitions.wake_if_released(0, now);
        assert_eq!(partitions.get(&at).and_then(until), Some(later));
        partitions.wake_if_released(1, now);
        assert_eq!(partitions.get(&at).and_then(until), Some(now));
    }
}
