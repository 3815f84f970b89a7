//! Remembers deletes that did not pass until their tombstones come, so that a tombstone goes the way of its delete. Pure.
//!
//! The memory ends with the lane: a tombstone whose delete was settled before a restart is decided by its key alone.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::chain::Verdict;
use crate::record::Record;

/// Deletes remembered for one partition. A tombstone follows its delete at once, so only interleaved keys need the room.
const REMEMBERED: usize = 4_096;

#[derive(Default)]
pub(super) struct Deletes {
    partitions: FxHashMap<(Arc<str>, i32), VecDeque<Delete>>,
}

/// Key and fate of a delete that did not pass.
type Delete = (Box<[u8]>, Verdict);

impl Deletes {
    /// Notes what became of a delete. One that passed needs no memory: its tombstone passes too.
    pub(super) fn note(&mut self, delete: &Record<'_>, verdict: &Verdict) {
        let Some(key) = delete.key else { return };
        let passed = matches!(verdict, Verdict::Keep);
        if passed && self.partitions.is_empty() {
            return;
        }
        let partition = (Arc::clone(delete.topic), delete.partition);
        let remembered = self.partitions.entry(partition).or_default();
        // One that is read again may end otherwise than before.
        remembered.retain(|(known, _)| **known != *key);
        if passed {
            return;
        }
        if remembered.len() >= REMEMBERED {
            remembered.pop_front();
        }
        remembered.push_back((key.into(), verdict.clone()));
    }

    /// What became of the delete that this tombstone follows, once.
    pub(super) fn take(&mut self, tombstone: &Record<'_>) -> Option<Verdict> {
        if self.partitions.is_empty() {
            return None;
        }
        let key = tombstone.key?;
        let partition = (Arc::clone(tombstone.topic), tombstone.partition);
        let remembered = self.partitions.get_mut(&partition)?;
        let at = remembered.iter().rposition(|(known, _)| **known == *key)?;
        remembered.remove(at).map(|(_, verdict)| verdict)
    }

    pub(super) fn forget(&mut self, topic: &Arc<str>, partition: i32) {
        self.partitions.remove(&(Arc::clone(topic), partition));
    }
}
