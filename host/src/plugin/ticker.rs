//! The clock that ends plugins: advances the engine's epoch, and says how long ago it last did. Must not know plugins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use wasmtime::Engine;

/// How often the epoch advances; a deadline is rounded up to a multiple of it.
pub const TICK: Duration = Duration::from_millis(5);

/// Without a tick for this long, no plugin is entered: nothing could end it.
const STALE: Duration = Duration::from_secs(1);

/// Advances the engine's epoch until dropped.
///
/// Without it a plugin that never returns would hold its lane forever.
#[derive(Debug)]
pub(super) struct EpochTicker {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EpochTicker {
    pub(super) fn start(engine: &Engine, pulse: Arc<Pulse>) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let engine = engine.weak();
        let tick = move || {
            // A timeout is a tick; a disconnect means the ticker was dropped.
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
                pulse.beat();
            }
        };
        let thread = thread::Builder::new().name("epoch".to_owned()).spawn(tick)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for EpochTicker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It holds nothing that a panic could have left half done.
            drop(thread.join());
        }
    }
}

/// When the epoch last advanced.
#[derive(Debug)]
pub(super) struct Pulse {
    started: Instant,
    /// Microseconds after `started`.
    last: AtomicU64,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), last: AtomicU64::new(0) }
    }

    fn beat(&self) {
        let now = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Time since the last tick.
    pub(super) fn age(&self) -> Duration {
        let last = Duration::from_micros(self.last.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(last)
    }

    pub(super) fn is_beating(&self) -> bool {
        self.age() <= STALE
    }

    /// Whether deadlines work. Gives a late clock a moment first: a process that was suspended wakes its threads in any order.
    pub(super) fn wait(&self) -> bool {
        let asked = Instant::now();
        while !self.is_beating() {
            if asked.elapsed() > STALE {
                return false;
            }
            thread::sleep(TICK);
        }
        true
    }
}

/// The number of ticks that end a call after `deadline`. One more than fit, since the current tick has partly passed.
pub(super) fn ticks(deadline: Duration) -> u64 {
    u64::try_from(deadline.as_micros().div_ceil(TICK.as_micros())).unwrap_or(u64::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_never_ends_early() {
        assert_eq!(ticks(Duration::from_millis(5)), 2);
        assert_eq!(ticks(Duration::from_millis(6)), 3);
        assert_eq!(ticks(Duration::from_micros(1)), 2);
        assert_eq!(ticks(Duration::MAX), u64::MAX);
    }

    #[test]
    fn the_clock_beats_until_it_is_dropped() {
        let engine = Engine::default();
        let pulse = Arc::new(Pulse::new());
        let ticker = EpochTicker::start(&engine, Arc::clone(&pulse)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while pulse.last.load(Ordering::Relaxed) == 0 {
            assert!(Instant::now() < deadline, "the clock never ticked");
            thread::yield_now();
        }
        drop(ticker);
        let last = pulse.last.load(Ordering::Relaxed);
        thread::sleep(3 * TICK);
        assert_eq!(pulse.last.load(Ordering::Relaxed), last);
    }
}
