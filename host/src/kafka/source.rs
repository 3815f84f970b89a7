//! A lane's member of the consumer group: what it is assigned, what it reads, what it commits. Everything happens on the
//! thread that calls; rebalances come as values and wait for an answer. Does not know what becomes of records.

mod batch;
mod rebalance;
mod standing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys::types::RDKafkaRespErr as Known;
use rustc_hash::{FxHashMap, FxHashSet};
use tracing::{debug, warn};

use super::properties::{Role, client_config};
use super::raw::{Client, Code, Place, Polled, Queue};
use super::start::{self, Assigned};
use super::topics::subscription;
use super::{Error, Member, TopicPartition};
use crate::config::{self, Start, TopicPattern};
use crate::tracker::Mark;

pub use batch::{Batch, LostRange, Run, Trouble};
pub use standing::Standing;

/// How long one question to the broker may take, and how long to wait before asking again, where nothing is known of an assignment.
/// The lane stands still meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_secs(1);

/// The same where only some partitions are left and the others are being read: a question that took long is not asked again soon.
const LATER_PATIENCE: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(10);

/// How often every partition is pointed to the lane's queue again. librdkafka forgets that when it stops fetching a
/// partition, and it may finish stopping after the partition was started anew; its records would then never come.
const FORWARD_PERIOD: Duration = Duration::from_secs(1);

/// What librdkafka says where it could not read what it fetched. After a wrong checksum it looks for the next batch in the wrong
/// place, and may find an offset there that never was.
const UNREADABLE: [Code; 3] = [
    Code::of(Known::RD_KAFKA_RESP_ERR__BAD_MSG),
    Code::of(Known::RD_KAFKA_RESP_ERR__BAD_COMPRESSION),
    Code::of(Known::RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED),
];

/// How long one seek may take.
const SEEK_PATIENCE: Duration = Duration::from_secs(5);

/// One member of the consumer group.
#[derive(Debug)]
pub struct Source {
    /// Where the records of all assigned partitions arrive.
    records: Queue,
    events: Queue,
    client: Arc<Client>,
    start: Start,
    names: FxHashSet<Arc<str>>,
    assigned: FxHashMap<TopicPartition, Held>,
    /// An assignment whose beginnings could not be found out yet, and when to ask again.
    unresolved: Option<(Vec<Place>, Instant)>,
    /// Partitions of answered assignments of which that is so, and when to ask again.
    later: (Vec<Place>, Instant),
    /// Partitions whose offsets are gone, with the one wanted, until the broker says which are left.
    lost: Vec<(TopicPartition, i64)>,
    forwarded: Instant,
    /// When ends were last asked for.
    asked: Option<Instant>,
}

/// What is remembered of an assigned partition.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// The offset after the last record read.
    next: i64,
    /// It is not fetched.
    is_halted: bool,
    /// The offset after its last record, where it was asked for.
    end: Option<i64>,
    known_partitions: Option<i32>,
}

/// How far a partition is, for a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    pub at: TopicPartition,
    pub mark: Mark,
    /// What has to be known to read on from there: [`start::REMARK_BYTES`] without a space, at the most.
    pub remark: String,
}

/// What happened to the member. Each is dealt with before the next one is asked for.
#[derive(Debug)]
pub enum Event {
    /// Partitions are to be ours; none where the group has no more for us. Answer with [`Source::complete_assign`].
    Assigned(Vec<Assigned>),
    /// Partitions are to be given back. Settle and commit what is under way, then answer with
    /// [`Source::complete_revoke`]. Where they are `lost`, others have them already, and a commit would be refused.
    Revoked { partitions: Vec<TopicPartition>, lost: bool },
    /// The result of [`Source::commit`]: where partitions stand now, as the broker has it. After an error whoever asked asks
    /// again, of every partition: one that was read again meanwhile has forgotten what it was asked.
    Committed(Result<Vec<(TopicPartition, i64)>, Error>),
    /// Something librdkafka will try again by itself, unless the error is fatal.
    Failed(Error),
}

impl Source {
    /// Makes a member of the group; it joins with [`Self::subscribe`]. Brokers are connected to in the background.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses a property.
    pub fn connect(kafka: &config::Kafka, member: Member<'_>, start: Start) -> Result<Self, Error> {
        let config = client_config(kafka, Role::Source(member));
        let client = Client::consumer(&config).map_err(|cause| {
            Error::new("making a consumer from [kafka] and [kafka.properties]", cause)
        })?;
        Ok(Self {
            records: client.new_queue(),
            events: client.consumer_queue(),
            client,
            start,
            names: FxHashSet::default(),
            assigned: FxHashMap::default(),
            unresolved: None,
            later: (Vec::new(), Instant::now()),
            lost: Vec::new(),
            forwarded: Instant::now(),
            asked: None,
        })
    }

    /// Joins the group for these topics, and for those to come that match a pattern.
    pub fn subscribe(&mut self, from: &[TopicPattern]) -> Result<(), Error> {
        let topics: Vec<Arc<str>> =
            from.iter().map(|pattern| subscription(pattern).into()).collect();
        self.client
            .subscribe(&topics)
            .map_err(|cause| Error::new(format!("subscribing to {}", topics.join(", ")), cause))
    }

    /// The next event, without waiting for one. Call it each turn: it also tells the group that the lane is alive.
    pub fn next_event(&mut self) -> Option<Event> {
        if let Some((_, retry)) = &self.unresolved {
            if Instant::now() < *retry {
                return None;
            }
            let (places, _) = self.unresolved.take()?;
            return self.resolve(places);
        }
        loop {
            let Some(polled) = self.events.poll(Duration::ZERO) else {
                return self.resolve_later();
            };
            match polled {
                Polled::Assign(places) => return self.resolve(places),
                Polled::Revoke(places) => {
                    let lost = self.client.assignment_lost();
                    let partitions = self.begun(&places);
                    return Some(Event::Revoked { partitions, lost });
                }
                Polled::Committed(result) => match result {
                    // All of it was committed already.
                    Err(fault) if fault.code == Code::of(Known::RD_KAFKA_RESP_ERR__NO_OFFSET) => {
                        return Some(Event::Committed(Ok(Vec::new())));
                    }
                    Ok(places) => return Some(Event::Committed(Ok(self.stands(&places)))),
                    Err(cause) => {
                        return Some(Event::Committed(Err(Error::new(
                            "committing offsets",
                            cause,
                        ))));
                    }
                },
                Polled::Error(cause) => {
                    return Some(Event::Failed(Error::new("working with the brokers", cause)));
                }
                Polled::Deliveries(_) | Polled::Other => {}
            }
        }
    }

    /// Up to `max` records: what is there at once, else what comes first within `wait`.
    ///
    /// Not reading is all the backpressure there is: librdkafka fetches no further than its own limits.
    pub fn read(&mut self, max: usize, wait: Duration) -> Batch {
        if self.forwarded.elapsed() >= FORWARD_PERIOD {
            self.forward();
        }
        let mut batch =
            Batch::new(self.records.consume(max, wait), |name| intern(&mut self.names, name));
        for run in batch.runs() {
            let at = TopicPartition::new(&run.topic, run.partition);
            if let Some(held) = self.assigned.get_mut(&at) {
                held.next = run.next;
            }
        }
        batch.troubles = self.troubles(&batch);
        batch
    }

    fn forward(&mut self) {
        self.forwarded = Instant::now();
        for at in self.assigned.keys() {
            self.client.forward(&at.topic, at.partition, &self.records);
        }
    }

    /// What is wrong with single partitions, once it is known in full.
    fn troubles(&mut self, batch: &Batch) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        for (at, offset, fault) in &batch.faults {
            if fault.code == Code::of(Known::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
                let next = self.assigned.get(at).map_or(-1, |held| held.next);
                self.lost.push((at.clone(), if *offset >= 0 { *offset } else { next }));
            } else {
                let error = Error::new(format!("reading {at}"), fault.clone());
                let at = at.clone();
                troubles.push(match UNREADABLE.contains(&fault.code) {
                    true => Trouble::Damaged { at, error },
                    false => Trouble::Failed { at, error },
                });
            }
        }
        for (at, wanted) in std::mem::take(&mut self.lost) {
            match self.client.watermarks(&at.topic, at.partition, RETRY) {
                Ok((low, high)) => {
                    troubles.push(Trouble::LostOffsets(LostRange { at, wanted, low, high }));
                }
                Err(fault) => {
                    warn!(partition = %at, error = %fault, "asking which offsets are left failed; trying again");
                    self.lost.push((at, wanted));
                }
            }
        }
        troubles
    }

    /// Commits that these partitions go on at these marks. The result comes as [`Event::Committed`]. Partitions that are no
    /// longer ours are left out, and so are those that are committed there already, whatever is remarked.
    pub fn commit(&mut self, advances: &[Advance]) -> Result<(), Error> {
        self.store(advances);
        self.client.commit(&self.events).map_err(|cause| Error::new("committing offsets", cause))
    }

    /// As [`Self::commit`], but waits for the result until `deadline`.
    pub fn commit_by(&mut self, advances: &[Advance], deadline: Instant) -> Result<(), Error> {
        self.store(advances);
        self.commit_these_by(None, deadline)
    }

    /// As [`Self::commit_by`], of partitions of which something else is remarked than before: also where they have not moved.
    pub fn remark_by(&mut self, advances: &[Advance], deadline: Instant) -> Result<(), Error> {
        let stored = self.store(advances);
        // The broker takes the offsets of partitions that are another member's: only a list that is ours may go out.
        let ours: Vec<Place> = stored.into_iter().filter(|place| place.fault.is_none()).collect();
        if ours.is_empty() || self.client.assignment_lost() {
            return Ok(());
        }
        self.commit_these_by(Some(&ours), deadline)
    }

    fn commit_these_by(&self, places: Option<&[Place]>, deadline: Instant) -> Result<(), Error> {
        match self.client.commit_by(places, deadline) {
            Err(fault) if fault.code != Code::of(Known::RD_KAFKA_RESP_ERR__NO_OFFSET) => {
                Err(Error::new("committing offsets", fault))
            }
            _ => Ok(()),
        }
    }

    /// Gives the places with what is wrong with those that were left out.
    fn store(&self, advances: &[Advance]) -> Vec<Place> {
        let places = advances.iter().map(|Advance { at, mark, remark }| {
            let known = self.assigned.get(at).and_then(|held| held.known_partitions);
            Place { metadata: start::note(known, remark), ..place(at, *mark) }
        });
        let stored = self.client.store(&places.collect::<Vec<_>>());
        for place in &stored {
            if let Some(fault) = &place.fault {
                let (topic, partition) = (&*place.topic, place.partition);
                debug!(topic, partition, error = %fault, "offset of a partition that is not ours left out");
            }
        }
        stored
    }

    /// Reads a partition again from `mark`. What was read and not yet handed out is forgotten; what was handed out is the
    /// caller's to forget.
    pub fn rewind(&mut self, at: &TopicPartition, mark: Mark) -> Result<(), Error> {
        self.goes_on(at, mark);
        match self.client.seek(&[place(at, mark)], SEEK_PATIENCE) {
            Ok(()) => Ok(()),
            // A partition that is not being fetched cannot be moved, only started.
            Err(_) => self.restart(at, mark),
        }
    }

    /// Stops fetching a partition, which stays ours. What was fetched of it and not yet handed out is forgotten.
    pub fn halt(&mut self, at: &TopicPartition) -> Result<(), Error> {
        if let Some(held) = self.assigned.get_mut(at) {
            held.is_halted = true;
        }
        self.client.pause(&[whole(at)]).map_err(|cause| Error::new(format!("halting {at}"), cause))
    }

    /// Fetches a partition again that was halted or whose offsets were lost, from `mark`.
    pub fn resume(&mut self, at: &TopicPartition, mark: Mark) -> Result<(), Error> {
        self.client
            .resume(&[whole(at)])
            .map_err(|cause| Error::new(format!("resuming {at}"), cause))?;
        if let Some(held) = self.assigned.get_mut(at) {
            (held.is_halted, held.end) = (false, None);
        }
        self.restart(at, mark)
    }

    fn restart(&mut self, at: &TopicPartition, mark: Mark) -> Result<(), Error> {
        self.goes_on(at, mark);
        let from = [place(at, mark)];
        self.client
            .unassign(&from)
            .and_then(|()| self.client.assign(&from))
            .map_err(|cause| Error::new(format!("starting {at} at offset {}", mark.offset), cause))
    }

    /// What was lost from where it stood before says nothing any more.
    fn goes_on(&mut self, at: &TopicPartition, mark: Mark) {
        self.lost.retain(|(lost, _)| lost != at);
        if let Some(held) = self.assigned.get_mut(at) {
            held.next = mark.offset;
        }
    }

    /// What made the member useless, where something did: another process with its instance id, for example.
    pub fn fatal(&self) -> Option<Error> {
        self.client.fatal().map(|cause| Error::new("taking part in the consumer group", cause))
    }

    /// Where a commit says that partitions stand. It lists those too of which it says nothing, with no offset.
    fn stands(&mut self, committed: &[Place]) -> Vec<(TopicPartition, i64)> {
        let told = committed.iter().filter(|place| place.offset >= 0);
        told.map(|place| (self.partition(place), place.offset)).collect()
    }

    fn partition(&mut self, place: &Place) -> TopicPartition {
        TopicPartition::new(&self.intern(&place.topic), place.partition)
    }

    fn intern(&mut self, name: &str) -> Arc<str> {
        intern(&mut self.names, name)
    }
}

/// One `Arc` for each topic, so that whoever remembers it clones a pointer.
pub(super) fn intern(names: &mut FxHashSet<Arc<str>>, name: &str) -> Arc<str> {
    if let Some(known) = names.get(name) {
        return Arc::clone(known);
    }
    let new: Arc<str> = name.into();
    names.insert(Arc::clone(&new));
    new
}

fn place(at: &TopicPartition, mark: Mark) -> Place {
    Place { leader_epoch: mark.leader_epoch, ..Place::new(&at.topic, at.partition, mark.offset) }
}

fn whole(at: &TopicPartition) -> Place {
    Place::new(&at.topic, at.partition, -1)
}
