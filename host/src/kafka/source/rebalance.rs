//! How a member takes partitions, gives them back, and leaves.

use std::time::{Duration, Instant};

use tracing::{debug, info, warn};

use super::{Advance, Event, Held, LATER, LATER_PATIENCE, PATIENCE, RETRY, Source, place, whole};
use crate::config::TopicPattern;
use crate::kafka::raw::{Place, Polled};
use crate::kafka::start::{self, Assigned, Resolved};
use crate::kafka::{Error, TopicPartition};

impl Source {
    pub(super) fn resolve(&mut self, places: Vec<Place>) -> Option<Event> {
        let asked = Instant::now();
        match start::resolve(&self.client, &places, self.start, PATIENCE) {
            Ok(resolved) => Some(Event::Assigned(self.take(resolved, asked))),
            Err(fault) => {
                warn!(error = %fault, "asking where assigned partitions begin failed; trying again");
                self.unresolved = Some((places, Instant::now() + RETRY));
                None
            }
        }
    }

    /// Asks once more for partitions that held up their assignment no longer.
    pub(super) fn resolve_later(&mut self) -> Option<Event> {
        let (places, due) = &mut self.later;
        if places.is_empty() || Instant::now() < *due {
            return None;
        }
        let places = std::mem::take(places);
        let asked = Instant::now();
        match start::resolve(&self.client, &places, self.start, LATER_PATIENCE) {
            Ok(resolved) => {
                let assigned = self.take(resolved, asked);
                (!assigned.is_empty()).then_some(Event::Assigned(assigned))
            }
            Err(fault) => {
                warn!(error = %fault, "asking where assigned partitions begin failed; trying again");
                self.later = (places, Instant::now() + LATER);
                None
            }
        }
    }

    /// What begins now; the rest is left for later.
    fn take(&mut self, resolved: Resolved, asked: Instant) -> Vec<Assigned> {
        let Resolved { assigned, later, reason } = resolved;
        if let (Some(reason), Some(place)) = (reason, later.last()) {
            let (topic, partition) = (&*place.topic, place.partition);
            warn!(topic, partition, error = %reason, "asking where a partition begins failed; it is not read before that is known");
        }
        self.later.0.extend(later);
        self.later.1 = Instant::now() + (asked.elapsed() * 9).clamp(RETRY, LATER);
        let interned = |one: Assigned| {
            let topic = self.intern(&one.at.topic);
            Assigned { at: TopicPartition::new(&topic, one.at.partition), ..one }
        };
        assigned.into_iter().map(interned).collect()
    }

    /// Those of revoked partitions that were begun with. The others are waited for no longer.
    pub(super) fn begun(&mut self, revoked: &[Place]) -> Vec<TopicPartition> {
        let is_same = |a: &Place, b: &Place| a.partition == b.partition && a.topic == b.topic;
        self.later.0.retain(|place| !revoked.iter().any(|gone| is_same(gone, place)));
        let partitions = revoked.iter().map(|place| self.partition(place));
        let mut partitions: Vec<TopicPartition> = partitions.collect();
        partitions.retain(|at| self.assigned.contains_key(at));
        partitions
    }

    /// Begins to read the partitions of an [`Event::Assigned`].
    pub fn complete_assign(&mut self, assigned: &[Assigned]) -> Result<(), Error> {
        let doing = "taking assigned partitions";
        let places: Vec<Place> = assigned.iter().map(|one| place(&one.at, one.begin)).collect();
        for Assigned { at, begin, origin, known_partitions, .. } in assigned {
            let (topic, partition, offset) = (&*at.topic, at.partition, begin.offset);
            info!(topic, partition, offset, %origin, "partition assigned");
            // Before it is fetched, so that no record takes another way.
            self.client.forward(topic, partition, &self.records);
            let known_partitions = *known_partitions;
            let held = Held { next: offset, is_halted: false, end: None, known_partitions };
            self.assigned.insert(at.clone(), held);
        }
        // librdkafka remembers a pause beyond the assignment that it was made in. A partition that it does not know has none.
        drop(self.client.resume(&places));
        self.client.assign(&places).map_err(|cause| Error::new(doing, cause))?;
        self.keep_beginnings(assigned)
    }

    /// Commits where partitions begin that had no commit. Without this, a lane that starts at the end and stops before
    /// the first record would start at another end the next time.
    fn keep_beginnings(&mut self, assigned: &[Assigned]) -> Result<(), Error> {
        let fresh = assigned.iter().filter(|one| one.origin != start::Origin::Committed);
        let fresh = fresh.map(|one| Advance {
            at: one.at.clone(),
            mark: one.begin,
            remark: one.remark.clone(),
        });
        let fresh: Vec<Advance> = fresh.collect();
        if fresh.is_empty() { Ok(()) } else { self.commit(&fresh) }
    }

    /// Gives back the partitions of an [`Event::Revoked`].
    pub fn complete_revoke(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        for at in partitions {
            info!(topic = &*at.topic, partition = at.partition, "partition revoked");
            self.assigned.remove(at);
        }
        self.lost.retain(|(at, _)| !partitions.contains(at));
        let places: Vec<Place> = partitions.iter().map(whole).collect();
        self.client
            .unassign(&places)
            .map_err(|cause| Error::new("giving revoked partitions back", cause))
    }

    /// Gives everything back and joins the group once more, which makes the whole group share out its partitions anew. What
    /// is ours comes as [`Event::Revoked`] first.
    ///
    /// A member that asks again with the same subscription changes nothing, and a static one that is made anew takes its old
    /// place without anybody noticing: only one that has left, or that comes with another past, sets off a rebalance.
    pub fn rejoin(&mut self, from: &[TopicPattern]) -> Result<(), Error> {
        let left = self.client.unsubscribe();
        left.map_err(|cause| Error::new("leaving the group to join it again", cause))?;
        self.subscribe(from)
    }

    /// Ends the membership: a dynamic member leaves the group, a static one keeps its place for the session timeout. Commits
    /// nothing; gives up at `deadline`.
    pub fn close(mut self, deadline: Instant) {
        if let Err(fault) = self.client.close(&self.events) {
            debug!(error = %fault, "the consumer was closed already");
            return;
        }
        while !self.client.is_closed() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                warn!("the consumer did not close in time; its group will notice by itself");
                return;
            }
            let answered = match self.events.poll(left.min(Duration::from_millis(100))) {
                Some(Polled::Revoke(places)) => {
                    let begun: Vec<Place> = self.begun(&places).iter().map(whole).collect();
                    self.client.unassign(&begun)
                }
                Some(Polled::Assign(_)) => self.client.assign(&[]),
                _ => Ok(()),
            };
            if let Err(fault) = answered {
                debug!(error = %fault, "a rebalance while closing was not answered");
            }
        }
    }
}
