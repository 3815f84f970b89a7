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

/// Tombstones remembered of one partition that went the way of their delete. Only one that stands just behind what is settled is
/// read again without its delete, or a few where keys are interleaved.
const ANSWERED: usize = 16;

#[derive(Default)]
pub(super) struct Deletes {
    partitions: FxHashMap<(Arc<str>, i32), Remembered>,
}

#[derive(Default)]
struct Remembered {
    /// Until their tombstones come.
    open: VecDeque<Delete>,
    /// With the offset of the tombstone.
    answered: VecDeque<(i64, Delete)>,
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
        let Remembered { open, answered } = self.partitions.entry(partition).or_default();
        // One that is read again may end otherwise than before.
        open.retain(|(known, _)| **known != *key);
        answered.retain(|(_, (known, _))| **known != *key);
        if !passed {
            push(open, REMEMBERED, (key.into(), verdict.clone()));
        }
    }

    /// What became of the delete that this tombstone follows, once for each tombstone: one that is read again after a failure is
    /// the same one.
    pub(super) fn take(&mut self, tombstone: &Record<'_>) -> Option<Verdict> {
        if self.partitions.is_empty() {
            return None;
        }
        let key = tombstone.key?;
        let partition = (Arc::clone(tombstone.topic), tombstone.partition);
        let Remembered { open, answered } = self.partitions.get_mut(&partition)?;
        let Some(at) = open.iter().rposition(|(known, _)| **known == *key) else {
            let is_it = |(offset, (known, _)): &&(i64, Delete)| {
                *offset == tombstone.offset && **known == *key
            };
            return answered.iter().find(is_it).map(|(_, (_, verdict))| verdict.clone());
        };
        let delete = open.remove(at)?;
        let verdict = delete.1.clone();
        push(answered, ANSWERED, (tombstone.offset, delete));
        Some(verdict)
    }

    pub(super) fn forget(&mut self, topic: &Arc<str>, partition: i32) {
        self.partitions.remove(&(Arc::clone(topic), partition));
    }
}

fn push<T>(list: &mut VecDeque<T>, most: usize, one: T) {
    if list.len() >= most {
        list.pop_front();
    }
    list.push_back(one);
}
