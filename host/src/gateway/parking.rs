//! What an operator and the lanes of a pipeline tell each other of parked keys: how many there are, and which may go on. Knows
//! neither keys nor records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::kafka;
use crate::metrics;
use crate::pipeline::parked;

const _: () = assert!(parked::NOTE_BYTES <= kafka::REMARK_BYTES, "what is noted has to fit");

/// The parked keys of one pipeline, as far as the lanes of this process have them.
#[derive(Debug, Default)]
pub struct Parking {
    /// How many releases there have been.
    releases: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The number of the latest release of each plugin's keys, and of all keys.
    of: BTreeMap<Box<str>, u64>,
    of_all: u64,
    /// What each lane has, by plugin.
    lanes: BTreeMap<usize, BTreeMap<Arc<str>, u64>>,
}

impl Parking {
    /// Lets the keys go on that `plugin` has parked, or all of them: each lane forgets them at its next turn, commits that, and
    /// reads partitions on that stood still because no more keys could be parked.
    ///
    /// A partition on its way from one lane to another is missed now and then; [`Self::keys`] shows it.
    pub fn release(&self, plugin: Option<&str>) {
        let mut inner = self.lock();
        let number = self.releases.load(Ordering::Relaxed) + 1;
        match plugin {
            Some(plugin) => drop(inner.of.insert(plugin.into(), number)),
            None => inner.of_all = number,
        }
        self.releases.store(number, Ordering::Relaxed);
    }

    /// How many keys are parked. A partition of which that cannot be known counts as one; it takes any release.
    pub fn keys(&self) -> u64 {
        self.lock().lanes.values().flat_map(BTreeMap::values).sum()
    }

    /// How many of them `plugin` has parked, which need not be in the chain any more.
    pub fn keys_of(&self, plugin: &str) -> u64 {
        self.lock().lanes.values().filter_map(|lane| lane.get(plugin)).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be let go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Release {
    All,
    Of(Box<str>),
}

/// One lane's end of it.
pub(super) struct Bay {
    parking: Arc<Parking>,
    lane: usize,
    totals: Arc<metrics::Pipeline>,
    /// The latest release that was taken up.
    taken: u64,
    /// The version of the parked keys that was told last, and their number.
    told: (u64, u64),
}

impl Bay {
    pub(super) fn new(
        parking: &Arc<Parking>,
        lane: usize,
        totals: &Arc<metrics::Pipeline>,
    ) -> Self {
        Self {
            taken: parking.releases.load(Ordering::Relaxed),
            parking: Arc::clone(parking),
            lane,
            totals: Arc::clone(totals),
            told: (0, 0),
        }
    }

    /// What an operator has released since this was last asked.
    pub(super) fn take_releases(&mut self) -> Vec<Release> {
        // Looked at every turn, and hardly ever anything new.
        if self.parking.releases.load(Ordering::Relaxed) == self.taken {
            return Vec::new();
        }
        let inner = self.parking.lock();
        // Counted under the lock, so that none is taken up twice.
        let latest = self.parking.releases.load(Ordering::Relaxed);
        let before = std::mem::replace(&mut self.taken, latest);
        if inner.of_all > before {
            return vec![Release::All];
        }
        let new = inner.of.iter().filter(|(_, number)| **number > before);
        new.map(|(plugin, _)| Release::Of(plugin.clone())).collect()
    }

    /// Says what the lane has, where that is not what it said last.
    pub(super) fn tell(&mut self, parked: &parked::Parked) {
        let version = parked.version();
        if version == self.told.0 {
            return;
        }
        let counts = parked.counts();
        let (before, now) = (self.told.1, counts.values().sum());
        self.told = (version, now);
        self.parking.lock().lanes.insert(self.lane, counts);
        let number = |keys: u64| i64::try_from(keys).unwrap_or(i64::MAX);
        self.totals.parked_keys.add(number(now) - number(before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn bays(parking: &Arc<Parking>) -> (Metrics, [Bay; 2]) {
        let metrics = Metrics::register().unwrap();
        let totals = Arc::new(metrics.pipeline("shop"));
        (metrics, [0, 1].map(|lane| Bay::new(parking, lane, &totals)))
    }

    fn of(plugin: &str) -> Release {
        Release::Of(plugin.into())
    }

    #[test]
    fn every_lane_takes_a_release_up_once() {
        let parking = Arc::new(Parking::default());
        parking.release(Some("before"));
        let (_metrics, [mut one, mut other]) = bays(&parking);
        assert_eq!(one.take_releases(), []);
        parking.release(Some("mask"));
        assert_eq!(one.take_releases(), [of("mask")]);
        parking.release(Some("geo"));
        assert_eq!(one.take_releases(), [of("geo")]);
        assert_eq!(other.take_releases(), [of("geo"), of("mask")]);
        parking.release(None);
        for bay in [&mut one, &mut other] {
            assert_eq!(bay.take_releases(), [Release::All]);
            assert_eq!(bay.take_releases(), []);
        }
    }

    #[test]
    fn the_keys_of_all_lanes_are_counted_by_plugin() {
        let parking = Arc::new(Parking::default());
        let (metrics, [mut one, mut other]) = bays(&parking);
        let gauge = || {
            let text = metrics.render().unwrap();
            text.lines().find(|line| line.starts_with("lockgate_parked_keys{")).unwrap().to_owned()
        };
        let with = |partitions: i32| {
            let mut parked = parked::Parked::default();
            for partition in 0..partitions {
                parked.restore(&"t".into(), partition, "unreadable");
            }
            parked
        };
        let mut parked = with(2);
        one.tell(&parked);
        other.tell(&with(3));
        assert_eq!((parking.keys(), parking.keys_of(""), parking.keys_of("mask")), (5, 5, 0));
        assert_eq!(gauge(), "lockgate_parked_keys{pipeline=\"shop\"} 5");
        parked.release(None);
        one.tell(&parked);
        assert_eq!(parking.keys(), 3);
        assert_eq!(gauge(), "lockgate_parked_keys{pipeline=\"shop\"} 3");
    }
}
