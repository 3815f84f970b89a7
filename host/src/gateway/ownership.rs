//! Sees that every partition of the pipelines has an owner in the group, says so where one has none for long, and has one of
//! our lanes join anew: that makes the group share out its partitions again. Knows no record, and no broker but what it is told.
//!
//! A cooperative rebalance moves a partition in two rounds. Static members that are killed between the two come back to what
//! the first round gave them, without another one; so does a static member that comes back with more topics than before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tracing::{info, warn};

use super::Loaded;
use crate::config::{self, TopicFilter};
use crate::health::Health;
use crate::kafka::TopicPartition;
use crate::kafka::topics::{Owned, Topic, unowned};
use crate::metrics::{self, Metrics};

/// How long the same partitions must be without an owner, in a group that calls itself settled, before that counts: between
/// two rounds that is so for as long as the old owner settles what is under way (5 s) and the others hear of it (1 s).
const GRACE: Duration = Duration::from_secs(10);

/// How long a new partition may be without an owner: members notice it within 30 s by themselves.
const YOUTH: Duration = Duration::from_secs(45);

/// How long after a lane has joined anew the next one may; twice as long each time.
const PAUSE: Duration = Duration::from_secs(30);

/// How often a lane may join anew until the group is whole for [`CALM`].
const TRIES: u32 = 3;

const CALM: Duration = Duration::from_secs(600);

/// What a lane and this watch tell each other.
#[derive(Debug, Default)]
pub(super) struct Seat {
    partitions: AtomicUsize,
    asked: AtomicBool,
}

impl Seat {
    /// The lane says how many partitions it has.
    pub(super) fn holds(&self, partitions: usize) {
        self.partitions.store(partitions, Ordering::Relaxed);
    }

    /// Whether the lane was asked to join anew since it last looked.
    pub(super) fn take_request(&self) -> bool {
        // Looked at every turn, and hardly ever set.
        self.asked.load(Ordering::Relaxed) && self.asked.swap(false, Ordering::Relaxed)
    }
}

/// The watch over all pipelines of a gateway.
pub(super) struct Ownership {
    pipelines: Vec<Watched>,
    health: Arc<Health>,
    ages: Ages,
    settling: Settling,
}

struct Watched {
    name: String,
    filter: TopicFilter,
    seats: Vec<Arc<Seat>>,
    totals: metrics::Pipeline,
}

impl Ownership {
    pub(super) fn new(pipelines: &[Loaded], metrics: &Metrics, health: &Arc<Health>) -> Self {
        let watched = |pipeline: &Loaded| {
            let settings: &config::Pipeline = &pipeline.settings;
            Watched {
                name: settings.name.clone(),
                filter: TopicFilter::new(settings),
                seats: pipeline.seats.clone(),
                totals: metrics.pipeline(&settings.name),
            }
        };
        Self {
            pipelines: pipelines.iter().map(watched).collect(),
            health: Arc::clone(health),
            ages: Ages::default(),
            settling: Settling::default(),
        }
    }

    /// Looks at the topics there are and at who owns their partitions; None where the group is not settled or nobody could
    /// be asked.
    pub(super) fn look(&mut self, found: &[Topic], owned: Option<&Owned>, now: Instant) {
        self.ages.note(found, now);
        let missing = owned.map(|owned| self.missing(found, owned, now));
        match self.settling.look(missing, now) {
            Step::Wait => {}
            Step::Missing { is_new, rejoin } => {
                self.show();
                if is_new {
                    self.tell();
                }
                if rejoin {
                    self.ask();
                }
            }
            Step::Whole => {
                self.show();
                info!("every partition has an owner again");
            }
        }
    }

    /// Partitions without an owner, with the number of the pipeline that reads them.
    fn missing(&self, found: &[Topic], owned: &Owned, now: Instant) -> Vec<Missing> {
        let mut missing = Vec::new();
        for (number, pipeline) in self.pipelines.iter().enumerate() {
            let of_pipeline = unowned(&pipeline.filter, found, owned);
            let grown = of_pipeline.into_iter().filter(|at| self.ages.is_grown(at, now));
            missing.extend(grown.map(|at| (number, at)));
        }
        missing
    }

    fn show(&self) {
        for (number, pipeline) in self.pipelines.iter().enumerate() {
            let missing = self.settling.missing_of(number);
            let count = i64::try_from(missing.len()).unwrap_or(i64::MAX);
            pipeline.totals.unowned_partitions.set(count);
            self.health.set_unowned(&pipeline.name, missing);
        }
    }

    fn tell(&self) {
        for (number, pipeline) in self.pipelines.iter().enumerate() {
            let missing = self.settling.missing_of(number);
            if !missing.is_empty() {
                let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
                warn!(
                    pipeline = pipeline.name,
                    partitions = names.join(", "),
                    "nobody in the group owns these partitions"
                );
            }
        }
    }

    /// Asks a lane of a pipeline that misses something: its subscription surely has the topic.
    fn ask(&self) {
        let is_concerned = |number: usize| !self.settling.missing_of(number).is_empty();
        let pipelines = self.pipelines.iter().enumerate();
        let concerned = pipelines.filter(|(number, _)| is_concerned(*number));
        ask_one(concerned.flat_map(|(_, pipeline)| &pipeline.seats));
    }
}

/// Asks the lane that has the least to give up.
fn ask_one<'a>(seats: impl Iterator<Item = &'a Arc<Seat>>) {
    if let Some(seat) = seats.min_by_key(|seat| seat.partitions.load(Ordering::Relaxed)) {
        seat.asked.store(true, Ordering::Relaxed);
    }
}

type Missing = (usize, TopicPartition);

/// Since when each partition is known; those there were at the first look have always been.
#[derive(Debug, Default)]
struct Ages {
    looked: bool,
    since: FxHashMap<TopicPartition, Option<Instant>>,
}

impl Ages {
    fn note(&mut self, found: &[Topic], now: Instant) {
        let first = self.looked.then_some(now);
        self.looked = true;
        for topic in found {
            let name: Arc<str> = topic.name.as_str().into();
            for partition in 0..topic.partitions {
                self.since.entry(TopicPartition::new(&name, partition)).or_insert(first);
            }
        }
    }

    fn is_grown(&self, at: &TopicPartition, now: Instant) -> bool {
        let since = self.since.get(at).copied().flatten();
        since.is_none_or(|since| now.saturating_duration_since(since) >= YOUTH)
    }
}

/// When partitions without an owner count, and when to do something about it. Pure: time is handed in.
#[derive(Debug, Default)]
struct Settling {
    /// What the latest look at a settled group missed, and since when exactly that is missing.
    seen: Vec<Missing>,
    since: Option<Instant>,
    /// What counts as missing.
    missing: Vec<Missing>,
    tries: u32,
    /// Not before then does a lane join anew.
    again: Option<Instant>,
    whole: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Wait,
    /// Partitions have no owner; `is_new` where that was not so before.
    Missing {
        is_new: bool,
        rejoin: bool,
    },
    /// Nothing is missing any more.
    Whole,
}

impl Settling {
    fn look(&mut self, missing: Option<Vec<Missing>>, now: Instant) -> Step {
        let Some(missing) = missing else {
            // In a rebalance much has no owner, and what was seen before it says nothing any more.
            (self.since, self.whole) = (None, None);
            return Step::Wait;
        };
        if missing.is_empty() {
            return self.whole(now);
        }
        self.whole = None;
        if self.since.is_none() || self.seen != missing {
            (self.seen, self.since) = (missing, Some(now));
        }
        if self.since.is_none_or(|since| now.saturating_duration_since(since) < GRACE) {
            return Step::Wait;
        }
        let is_new = self.missing.is_empty();
        self.missing.clone_from(&self.seen);
        let rejoin = self.tries < TRIES && self.again.is_none_or(|again| now >= again);
        if rejoin {
            self.again = Some(now + PAUSE * 2_u32.pow(self.tries));
            self.tries += 1;
        }
        Step::Missing { is_new, rejoin }
    }

    fn whole(&mut self, now: Instant) -> Step {
        self.since = None;
        let whole = *self.whole.get_or_insert(now);
        if now.saturating_duration_since(whole) >= CALM {
            (self.tries, self.again) = (0, None);
        }
        match std::mem::take(&mut self.missing).is_empty() {
            true => Step::Wait,
            false => Step::Whole,
        }
    }

    fn missing_of(&self, pipeline: usize) -> Vec<TopicPartition> {
        let of_pipeline = self.missing.iter().filter(|(number, _)| *number == pipeline);
        of_pipeline.map(|(_, at)| at.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
