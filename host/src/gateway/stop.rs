//! When to stop: the first signal begins the drain, the second one ends the process. Knows signals, not what is drained.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Shared by everything that has to come to an end.
pub struct Stop {
    draining: AtomicBool,
    deadline: Mutex<Instant>,
    patience: Duration,
}

impl Stop {
    /// A drain may take `patience`.
    pub fn new(patience: Duration) -> Self {
        let deadline = Mutex::new(Instant::now() + patience);
        Self { draining: AtomicBool::new(false), deadline, patience }
    }

    /// Begins the drain, once.
    pub fn drain(&self) {
        if !self.draining.swap(true, Ordering::SeqCst) {
            let mut deadline =
                self.deadline.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *deadline = Instant::now() + self.patience;
        }
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// When the drain must be over; meaningful once it has begun.
    pub fn deadline(&self) -> Instant {
        *self.deadline.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_call_does_not_move_the_deadline() {
        let stop = Stop::new(Duration::from_secs(5));
        stop.drain();
        let first = stop.deadline();
        stop.drain();
        assert!(stop.is_draining());
        assert_eq!(stop.deadline(), first);
    }
}
