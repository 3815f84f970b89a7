//! What one instance may use, and the limiter that holds it to it.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::config::PluginFile;

/// The most bytes a plugin may hand over in one call: room for answers several times the largest batch.
pub const TRANSFER_BYTES: usize = 16 << 20;

/// The most resource handles of one instance; the contract has none, so this only bounds what a component does by itself.
pub(super) const HANDLES: usize = 1_024;

// What Python's components need, with room to spare; they bring more parts than any other language.
pub(super) const CORE_INSTANCES: u32 = 128;
pub(super) const MEMORIES: u32 = 8;
pub(super) const TABLES: u32 = 16;
pub(super) const TABLE_ELEMENTS: usize = 30_000;

/// The shortest time that starting an instance may take. A plugin's deadline is for one batch; the runtime of a language can
/// take longer than that to come up.
const START: Duration = Duration::from_secs(2);

/// What one instance of a plugin may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest time for one batch.
    pub deadline: Duration,
    /// Bytes of all its memories together.
    pub memory: usize,
    /// Bytes it may hand over in one call.
    pub transfer: usize,
}

impl Limits {
    pub fn of(file: &PluginFile) -> Self {
        Self { deadline: file.deadline, memory: file.memory, transfer: TRANSFER_BYTES }
    }

    /// Longest time for each call that is not a batch: instantiation, `describe`, `configure`, `open-table`.
    pub(super) fn start_deadline(&self) -> Duration {
        self.deadline.max(START)
    }

    /// Memory past which an instance is replaced between two batches, since WebAssembly's memory never shrinks.
    pub(super) fn recycle_at(&self) -> usize {
        self.memory / 4 * 3
    }
}

/// Holds the memories of one store to a common sum; wasmtime's own limiter counts each memory alone.
#[derive(Debug)]
pub(super) struct MemoryLimiter {
    max: usize,
    used: usize,
    /// Granted and not yet known to have been made.
    granted: usize,
    denied: bool,
}

impl MemoryLimiter {
    pub(super) fn new(max: usize) -> Self {
        Self { max, used: 0, granted: 0, denied: false }
    }

    /// Bytes of all memories together.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Whether memory was asked for in vain since the last [`Self::forget_denial`].
    pub(super) fn was_denied(&self) -> bool {
        self.denied
    }

    pub(super) fn forget_denial(&mut self) {
        self.denied = false;
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.granted = 0;
        // The module's own bound, which is no fault of ours.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let more = desired.saturating_sub(current);
        if self.used.saturating_add(more) > self.max {
            self.denied = true;
            return Ok(false);
        }
        self.used += more;
        self.granted = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.used -= self.granted;
        self.granted = 0;
        self.denied = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: usize = 64 << 10;

    #[test]
    fn all_memories_are_counted_together() {
        let mut limiter = MemoryLimiter::new(4 * PAGE);
        assert!(limiter.memory_growing(0, 3 * PAGE, None).unwrap());
        assert!(!limiter.memory_growing(0, 2 * PAGE, None).unwrap());
        assert!(limiter.was_denied());
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        assert_eq!(limiter.used(), 4 * PAGE);
    }

    #[test]
    fn growth_that_failed_after_all_is_not_counted() {
        let mut limiter = MemoryLimiter::new(4 * PAGE);
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        assert!(limiter.memory_growing(PAGE, 3 * PAGE, None).unwrap());
        limiter.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
        assert_eq!(limiter.used(), PAGE);
    }

    #[test]
    fn a_memory_at_its_own_maximum_is_not_out_of_memory() {
        let mut limiter = MemoryLimiter::new(4 * PAGE);
        assert!(!limiter.memory_growing(0, 2 * PAGE, Some(PAGE)).unwrap());
        assert!(!limiter.was_denied());
    }

    proptest! {
        #[test]
        fn the_sum_never_passes_the_maximum(steps in prop::collection::vec((0..4usize, 0..6usize), 0..40)) {
            let mut limiter = MemoryLimiter::new(8 * PAGE);
            let mut sizes = [0; 4];
            for (memory, pages) in steps {
                let desired = sizes[memory] + pages * PAGE;
                if limiter.memory_growing(sizes[memory], desired, None).unwrap() {
                    sizes[memory] = desired;
                }
                prop_assert_eq!(limiter.used(), sizes.iter().sum::<usize>());
                prop_assert!(limiter.used() <= 8 * PAGE);
            }
        }
    }
}
