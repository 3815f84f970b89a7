//! Figures of one plugin version, gathered over all its instances. Must not know what shows them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::contract::FaultClass;

/// What instances add to once a call, and lanes once a batch.
#[derive(Debug, Default)]
pub struct Stats {
    calls: AtomicU64,
    faults: [AtomicU64; FaultClass::ALL.len()],
    unopened: AtomicU64,
    instantiations: AtomicU64,
    recycles: AtomicU64,
    memory: AtomicUsize,
    batches: AtomicU64,
    faulty: AtomicU64,
    rows: AtomicU64,
    timed: AtomicU64,
    slow: AtomicU64,
    told: Told,
}

/// How much was handed to the metrics already.
#[derive(Debug, Default)]
struct Told {
    instantiations: AtomicU64,
    recycles: AtomicU64,
}

/// What one lane's batch was to a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    pub rows: u64,
    /// Calls, and those of them that took longer than they should.
    pub calls: u64,
    pub slow: u64,
    /// Some call failed, whatever became of the rows.
    pub faulty: bool,
}

/// The figures at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Calls of `process`, failed ones included.
    pub calls: u64,
    /// Calls of any function that failed, by class; in the order of `FaultClass::ALL`.
    pub faults: Vec<(FaultClass, u64)>,
    /// Tables that could not be opened, counted once a try.
    pub unopened: u64,
    /// Instances made, the first one of each lane included.
    pub instantiations: u64,
    /// Instances replaced because they had used most of their memory.
    pub recycles: u64,
    /// Bytes of linear memory that live instances hold together.
    pub memory: usize,
    /// Batches of lanes, and those of them in which a call failed. What is only tried out is not among them.
    pub batches: u64,
    pub faulty: u64,
    /// Rows of these batches.
    pub rows: u64,
    /// Their calls, and those of them that took longer than the version's `p99`.
    pub timed: u64,
    pub slow: u64,
}

impl Stats {
    pub fn figures(&self) -> Figures {
        let faults = FaultClass::ALL.into_iter().zip(&self.faults);
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Figures {
            calls: read(&self.calls),
            faults: faults.map(|(class, count)| (class, read(count))).collect(),
            unopened: read(&self.unopened),
            instantiations: read(&self.instantiations),
            recycles: read(&self.recycles),
            memory: self.memory.load(Ordering::Relaxed),
            batches: read(&self.batches),
            faulty: read(&self.faulty),
            rows: read(&self.rows),
            timed: read(&self.timed),
            slow: read(&self.slow),
        }
    }

    /// Takes in a batch that a lane has carried.
    pub fn carried(&self, batch: Carried) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.faulty.fetch_add(u64::from(batch.faulty), Ordering::Relaxed);
        self.rows.fetch_add(batch.rows, Ordering::Relaxed);
        self.timed.fetch_add(batch.calls, Ordering::Relaxed);
        self.slow.fetch_add(batch.slow, Ordering::Relaxed);
    }

    /// Instantiations and recycles since this was last asked. A version that comes to serve again goes on where it was.
    pub fn take_news(&self) -> (u64, u64) {
        let news = |now: &AtomicU64, told: &AtomicU64| {
            let now = now.load(Ordering::Relaxed);
            now.saturating_sub(told.swap(now, Ordering::Relaxed))
        };
        let Told { instantiations, recycles } = &self.told;
        (news(&self.instantiations, instantiations), news(&self.recycles, recycles))
    }

    pub(super) fn not_opened(&self) {
        self.unopened.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn instantiated(&self) {
        self.instantiations.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn recycled(&self) {
        self.recycles.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn faulted(&self, class: FaultClass) {
        let at = FaultClass::ALL.iter().position(|other| *other == class);
        if let Some(count) = at.and_then(|at| self.faults.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An instance that held `before` bytes now holds `now`.
    pub(super) fn memory_changed(&self, before: usize, now: usize) {
        if now >= before {
            self.memory.fetch_add(now - before, Ordering::Relaxed);
        } else {
            self.memory.fetch_sub(before - now, Ordering::Relaxed);
        }
    }
}
