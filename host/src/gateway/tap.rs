//! What new chains are tried on: copies of some of the records that a pipeline's lanes read. Bounded in batches, records and bytes,
//! and off the lanes' way: an offer never waits. What is kept here is data; it stays in memory and is named in no log line. Must
//! not know chains or what a trial is.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::record::{Copies, Header, Record};

/// Batches kept from before, one in each period at most.
const BATCHES: usize = 8;
const PERIOD: Duration = Duration::from_millis(250);

/// What is taken of one batch.
const RECORDS: usize = 256;
const BYTES: usize = 1 << 20;

/// Batches that may wait for who watches.
const ROOM: usize = 4;

/// What a header costs beside its bytes.
const HEADER_BYTES: usize = 32;

/// One for a pipeline, shared by its lanes.
pub struct Tap {
    since: Instant,
    /// Milliseconds after `since` from which on a batch is wanted; [`ALWAYS`] while someone watches.
    due: AtomicU64,
    /// How many batches more may wait for who watches.
    room: AtomicUsize,
    inner: Mutex<Inner>,
    arrived: Condvar,
}

/// Times begin at 1, so that 0 is before all of them.
const ALWAYS: u64 = 0;
const FIRST: u64 = 1;

#[derive(Default)]
struct Inner {
    kept: VecDeque<Arc<Copies>>,
    /// When the latest of them was taken.
    kept_at: u64,
    /// Those that wait for who watches; none while nobody does.
    live: Option<VecDeque<Arc<Copies>>>,
}

impl Default for Tap {
    fn default() -> Self {
        Self::since(Instant::now())
    }
}

impl Tap {
    /// One that knows of no time before.
    pub(super) fn since(since: Instant) -> Self {
        Self {
            since,
            due: AtomicU64::new(FIRST),
            room: AtomicUsize::new(0),
            inner: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    /// Shows a lane's batch. Nearly always it is not wanted, and the look at a number is all it costs.
    #[inline]
    pub fn offer(&self, records: &[Record<'_>], now: Instant) {
        let now = self.time(now);
        let due = self.due.load(Ordering::Relaxed);
        if now >= due {
            self.take(records, now, due);
        }
    }

    fn time(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.since);
        since.as_secs() * 1_000 + u64::from(since.subsec_millis()) + FIRST
    }

    /// `due` is as it was found: of lanes that find the same, one takes its batch.
    #[cold]
    fn take(&self, records: &[Record<'_>], now: u64, due: u64) {
        if records.is_empty() {
            return;
        }
        let watched = due == ALWAYS;
        let has_claimed = if watched {
            let one_less = |room: usize| room.checked_sub(1);
            self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
        } else {
            let next = now + period();
            self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        if !has_claimed {
            return;
        }
        let kept = sample(records).is_some_and(|sample| self.keep(sample, now, watched));
        if watched && !kept {
            self.room.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the sample waits for who watches now.
    fn keep(&self, sample: Copies, now: u64, watched: bool) -> bool {
        // Held by others for a moment only; but a lane does not wait even so long.
        let mut inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let sample = Arc::new(sample);
        if !watched || inner.kept.is_empty() || now >= inner.kept_at + period() {
            inner.kept_at = now;
            inner.kept.push_back(Arc::clone(&sample));
            if inner.kept.len() > BATCHES {
                inner.kept.pop_front();
            }
        }
        match &mut inner.live {
            Some(live) if live.len() < ROOM => live.push_back(sample),
            Some(_) | None => return false,
        }
        drop(inner);
        self.arrived.notify_one();
        true
    }

    /// Gives what was kept from before, and everything from now on that the watcher keeps up with. One watches at a time; the
    /// next takes the place of the one before.
    pub fn watch(self: &Arc<Self>) -> Watch {
        let mut inner = self.lock();
        let age = self.time(Instant::now()).saturating_sub(inner.kept_at);
        inner.live = Some(VecDeque::new());
        self.room.store(ROOM, Ordering::Relaxed);
        self.due.store(ALWAYS, Ordering::Relaxed);
        Watch {
            tap: Arc::clone(self),
            kept: inner.kept.iter().map(Arc::clone).collect(),
            age: Duration::from_millis(age),
        }
    }

    /// What it guards is whole between any two statements.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn period() -> u64 {
    u64::try_from(PERIOD.as_millis()).unwrap_or(u64::MAX)
}

/// Somebody who wants every batch; until it is dropped.
pub struct Watch {
    tap: Arc<Tap>,
    kept: Vec<Arc<Copies>>,
    age: Duration,
}

impl Watch {
    /// What was kept from before, oldest first.
    pub fn kept(&self) -> &[Arc<Copies>] {
        &self.kept
    }

    /// How long before the watch began the latest of [`Self::kept`] came.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// The next live batch, waited for.
    pub fn next(&self, patience: Duration) -> Option<Arc<Copies>> {
        let is_empty = |inner: &mut Inner| inner.live.as_ref().is_some_and(VecDeque::is_empty);
        let waited = self.tap.arrived.wait_timeout_while(self.tap.lock(), patience, is_empty);
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let sample = inner.live.as_mut()?.pop_front()?;
        drop(inner);
        self.tap.room.fetch_add(1, Ordering::Relaxed);
        Some(sample)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut inner = self.tap.lock();
        inner.live = None;
        self.tap.due.store(inner.kept_at + period(), Ordering::Relaxed);
    }
}

/// Neighbours of one batch. None where no record is small enough.
pub(super) fn sample(records: &[Record<'_>]) -> Option<Copies> {
    let records = fitting(records).filter(|records| !records.is_empty())?;
    let mut sample = Copies::with_capacity(records.len(), records.iter().map(size).sum());
    records.iter().for_each(|record| sample.add(record));
    Some(sample)
}

/// The first records in a row that may be taken. The last is no delete whose tombstone would be left behind.
fn fitting<'r, 'b>(records: &'b [Record<'r>]) -> Option<&'b [Record<'r>]> {
    let first = records.iter().position(|record| size(record) <= BYTES)?;
    let rest = records.get(first..)?;
    let mut bytes = 0;
    let fits = rest.iter().take(RECORDS).take_while(|record| {
        bytes += size(record);
        bytes <= BYTES
    });
    let mut count = fits.count();
    if let (Some(last), Some(next)) = (rest.get(count.saturating_sub(1)), rest.get(count))
        && next.value.is_none()
        && next.partition == last.partition
        && next.key == last.key
    {
        count -= 1;
    }
    rest.get(..count)
}

fn size(record: &Record<'_>) -> usize {
    let length = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
    let header = |header: &Header<'_>| HEADER_BYTES + header.name.len() + length(header.value);
    length(record.key) + length(record.value) + record.headers.iter().map(header).sum::<usize>()
}

#[cfg(test)]
mod tests;
