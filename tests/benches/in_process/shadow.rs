//! What a lane pays so that new chains can be tried: its batches offered to the tap while nobody watches, and while somebody
//! on another thread takes all of them, beside the same batches offered to nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lockgate::gateway::Tap;
use lockgate::record::Record;

/// How a lane's batches are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    Idle,
    Watched,
}

/// A tap, and who watches it if anyone does.
pub(crate) struct Offered {
    tap: Arc<Tap>,
    stop: Arc<AtomicBool>,
    watcher: Option<JoinHandle<usize>>,
}

impl Offered {
    pub(crate) fn new(looked: Looked) -> Self {
        let (tap, stop) = (Arc::new(Tap::default()), Arc::new(AtomicBool::new(false)));
        let watcher = (looked == Looked::Watched).then(|| {
            let (watch, stop) = (tap.watch(), Arc::clone(&stop));
            thread::spawn(move || {
                let mut taken = 0;
                while !stop.load(Ordering::Relaxed) {
                    // One that never tires, so that every batch is copied: no trial is so fast.
                    let sample = watch.next(Duration::from_millis(1));
                    taken += sample.map_or(0, |sample| sample.records().len());
                }
                taken
            })
        });
        Self { tap, stop, watcher }
    }

    /// As a lane does it, which has looked at the clock already.
    pub(crate) fn offer(&self, records: &[Record<'_>], read: Instant) {
        self.tap.offer(records, read);
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            let _taken = watcher.join().is_ok();
        }
    }
}
