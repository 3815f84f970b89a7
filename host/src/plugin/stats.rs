//! Figures of one plugin version, gathered over all its instances. Must not know what shows them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::contract::FaultClass;

/// What instances add to, once a call.
#[derive(Debug, Default)]
pub struct Stats {
    calls: AtomicU64,
    faults: [AtomicU64; FaultClass::ALL.len()],
    instantiations: AtomicU64,
    recycles: AtomicU64,
    memory: AtomicUsize,
}

/// The figures at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Calls of `process`, failed ones included.
    pub calls: u64,
    /// Calls of any function that failed, by class; in the order of `FaultClass::ALL`.
    pub faults: Vec<(FaultClass, u64)>,
    /// Instances made, the first one of each lane included.
    pub instantiations: u64,
    /// Instances replaced because they had used most of their memory.
    pub recycles: u64,
    /// Bytes of linear memory that live instances hold together.
    pub memory: usize,
}

impl Stats {
    pub fn figures(&self) -> Figures {
        let faults = FaultClass::ALL.into_iter().zip(&self.faults);
        Figures {
            calls: self.calls.load(Ordering::Relaxed),
            faults: faults.map(|(class, count)| (class, count.load(Ordering::Relaxed))).collect(),
            instantiations: self.instantiations.load(Ordering::Relaxed),
            recycles: self.recycles.load(Ordering::Relaxed),
            memory: self.memory.load(Ordering::Relaxed),
        }
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
