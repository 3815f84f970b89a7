//! Stands between a chain and one of its plugins and hears how each call went. Changes nothing of what is asked or answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::chain::Stage;
use crate::config::FaultPolicy;
use crate::contract::{Answer, Batch, Fault, FaultClass, Plan, Transform};
use crate::outcome::Identity;
use crate::table::Table;

/// The latest calls whose times are kept.
const TIMES: usize = 10_000;

/// What was heard of one plugin.
pub(super) struct Ear {
    pub(super) identity: Arc<Identity>,
    pub(super) on_fault: FaultPolicy,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Clone, Default)]
pub(super) struct Notes {
    pub(super) calls: u64,
    /// Calls of any function that failed through the plugin.
    pub(super) faults: u64,
    /// The latest of them, in the gateway's own words.
    pub(super) fault: Option<(FaultClass, String)>,
    /// Microseconds; the oldest are overwritten once there are [`TIMES`] of them.
    times: Vec<u32>,
}

impl Ear {
    /// Puts itself between the stage and its plugin.
    pub(super) fn on(stage: Stage) -> (Stage, Self) {
        let notes: Arc<Mutex<Notes>> = Arc::default();
        let (identity, on_fault) = (Arc::clone(&stage.identity), stage.on_fault);
        let heard = Heard { inner: stage.transform, notes: Arc::clone(&notes) };
        (Stage { transform: Box::new(heard), ..stage }, Self { identity, on_fault, notes })
    }

    pub(super) fn notes(&self) -> MutexGuard<'_, Notes> {
        lock(&self.notes)
    }
}

impl Notes {
    fn failed(&mut self, fault: &Fault) {
        // What the gateway could not run says nothing of the plugin.
        if fault.class != FaultClass::NotRun {
            self.faults += 1;
            self.fault = Some((fault.class, fault.message.clone()));
        }
    }

    fn took(&mut self, time: Duration) {
        let time = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let at = usize::try_from(self.calls).unwrap_or(usize::MAX) % TIMES;
        match self.times.get_mut(at) {
            Some(oldest) => *oldest = time,
            None => self.times.push(time),
        }
        self.calls += 1;
    }

    /// Goes back to what was noted before; the latest fault stays.
    pub(super) fn forget_since(&mut self, before: Self) {
        let fault = self.fault.take();
        *self = Self { fault: fault.or(before.fault), ..before };
    }

    /// 99 of 100 calls took no longer.
    pub(super) fn p99(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = (times.len() * 99).div_ceil(100).saturating_sub(1);
        Duration::from_micros(times.get(at).copied().unwrap_or(0).into())
    }
}

struct Heard {
    inner: Box<dyn Transform>,
    notes: Arc<Mutex<Notes>>,
}

impl Transform for Heard {
    fn open_table(&mut self, table: &Table) -> Result<Option<Plan>, Fault> {
        let opened = self.inner.open_table(table);
        opened.inspect_err(|fault| lock(&self.notes).failed(fault))
    }

    fn process(&mut self, batch: Batch<'_>) -> Result<Answer, Fault> {
        let begun = Instant::now();
        let answer = self.inner.process(batch);
        let mut notes = lock(&self.notes);
        notes.took(begun.elapsed());
        answer.inspect_err(|fault| notes.failed(fault))
    }

    fn discard(&mut self, fault: &Fault) {
        lock(&self.notes).failed(fault);
        self.inner.discard(fault);
    }
}

/// What it guards is whole between any two statements.
fn lock(notes: &Mutex<Notes>) -> MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_nine_of_a_hundred_calls_took_no_longer() {
        let mut notes = Notes::default();
        assert_eq!(notes.p99(), Duration::ZERO);
        for micros in 1..=100 {
            notes.took(Duration::from_micros(micros));
        }
        assert_eq!(notes.p99(), Duration::from_micros(99));
        for _ in 0..TIMES {
            notes.took(Duration::from_micros(7));
        }
        assert_eq!((notes.p99(), notes.times.len()), (Duration::from_micros(7), TIMES));
        assert_eq!(notes.calls, 100 + TIMES as u64);
    }
}
