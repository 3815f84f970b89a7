//! Keys whose records follow a refused one to the dead-letter topic, so that readers of the output never see a later state of a
//! row whose earlier change was refused. Pure; where the notes are kept is the lane's business.
//!
//! Invariant: a key is forgotten by a release alone, or together with its partition.

mod note;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};

use super::Pipeline;
use crate::chain::Verdict;
use crate::change::{Class, Event};
use crate::outcome::{Code, Identity, Outcome, Refusal};
use crate::record::Record;

/// Keys of one partition that may be parked at once, as far as their note has room for them.
pub const KEYS: usize = 256;

/// The longest note of a partition.
pub const NOTE_BYTES: usize = 4_000;

/// The parked keys of the partitions that a lane owns.
#[derive(Default)]
pub struct Parked {
    /// None of them is empty.
    partitions: FxHashMap<(Arc<str>, i32), Partition>,
    version: u64,
}

#[derive(Default)]
struct Partition {
    /// By [`hash`]: where two keys have the same one, both follow.
    keys: FxHashMap<u64, Key>,
    /// The note it began with cannot be read, so nobody knows which keys are parked.
    is_sealed: bool,
}

/// What is known of a parked key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    /// Of the record that was refused.
    offset: i64,
    /// Who refused it; after a restart only its name is known.
    by: Arc<Identity>,
}

/// How a record stands to the parked keys.
enum Standing {
    Free,
    Follows(Refusal),
    /// It cannot be known.
    Sealed(Refusal),
}

impl Parked {
    /// A number that grows whenever something else is parked than before.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many keys each plugin has parked. A partition whose note cannot be read counts as one key of nobody.
    pub fn counts(&self) -> BTreeMap<Arc<str>, u64> {
        let mut counts = BTreeMap::new();
        for partition in self.partitions.values() {
            for key in partition.keys.values() {
                *counts.entry(Arc::clone(&key.by.name)).or_default() += 1;
            }
            if partition.is_sealed {
                *counts.entry(Arc::from("")).or_default() += 1;
            }
        }
        counts
    }

    /// What has to be known of a partition to read it on from the offset `below`: its keys that were parked before. Empty where
    /// there are none.
    pub fn note(&self, topic: &Arc<str>, partition: i32, below: i64) -> String {
        if self.partitions.is_empty() {
            return String::new();
        }
        let known = self.partitions.get(&(Arc::clone(topic), partition));
        known.map_or_else(String::new, |partition| note::write(&partition.keys, below))
    }

    /// Begins with a partition for which this was noted.
    pub fn restore(&mut self, topic: &Arc<str>, partition: i32, note: &str) {
        self.forget(topic, partition);
        if note.is_empty() {
            return;
        }
        let known = match note::read(note) {
            Some(keys) => Partition { keys, is_sealed: false },
            None => Partition { is_sealed: true, ..Partition::default() },
        };
        self.version += 1;
        self.partitions.insert((Arc::clone(topic), partition), known);
    }

    /// The partition is read again from `offset`: what was parked by records that come again is forgotten.
    pub fn rewind(&mut self, topic: &Arc<str>, partition: i32, offset: i64) {
        self.retain(topic, partition, |key| key.offset < offset);
    }

    /// The partition goes on at another `offset`, after records were lost: all that is parked stays so.
    pub fn jump(&mut self, topic: &Arc<str>, partition: i32, offset: i64) {
        let Some(known) = self.partitions.get_mut(&(Arc::clone(topic), partition)) else { return };
        for key in known.keys.values_mut() {
            // In a topic that was made anew, so that the next note names it.
            key.offset = key.offset.min(offset.saturating_sub(1));
        }
    }

    /// Forgets a partition that another lane may own now.
    pub fn forget(&mut self, topic: &Arc<str>, partition: i32) {
        if self.partitions.is_empty() {
            return;
        }
        if self.partitions.remove(&(Arc::clone(topic), partition)).is_some() {
            self.version += 1;
        }
    }

    /// Lets the keys go on that `plugin` has parked, or all of them, and gives the partitions where something was. A partition
    /// whose note cannot be read is let go by any release.
    pub fn release(&mut self, plugin: Option<&str>) -> Vec<(Arc<str>, i32)> {
        let mut released = Vec::new();
        self.partitions.retain(|at, partition| {
            let before = partition.keys.len();
            partition.keys.retain(|_, key| plugin.is_some_and(|plugin| *key.by.name != *plugin));
            if std::mem::take(&mut partition.is_sealed) || partition.keys.len() < before {
                released.push(at.clone());
            }
            !partition.keys.is_empty()
        });
        self.version += u64::from(!released.is_empty());
        released
    }

    fn retain(&mut self, topic: &Arc<str>, partition: i32, stays: impl Fn(&Key) -> bool) {
        let at = (Arc::clone(topic), partition);
        let Some(known) = self.partitions.get_mut(&at) else { return };
        let before = known.keys.len();
        known.keys.retain(|_, key| stays(key));
        self.version += u64::from(known.keys.len() < before);
        if known.keys.is_empty() && !known.is_sealed {
            self.partitions.remove(&at);
        }
    }

    fn standing(&self, record: &Record<'_>) -> Standing {
        let at = (Arc::clone(record.topic), record.partition);
        let Some(partition) = self.partitions.get(&at) else { return Standing::Free };
        if partition.is_sealed {
            return Standing::Sealed(sealed());
        }
        let key = record.key.and_then(|key| partition.keys.get(&hash(key)));
        key.map_or(Standing::Free, |key| Standing::Follows(key.refusal()))
    }

    /// Parks the key of a refused record. An error, which says why, where no more keys can be.
    fn park(&mut self, record: &Record<'_>, refusal: &Refusal) -> Result<(), String> {
        // Without a key nothing tells which rows it is about.
        let Some(key) = record.key else { return Ok(()) };
        let by = refusal.plugin.clone().unwrap_or_else(|| named(""));
        let at = (Arc::clone(record.topic), record.partition);
        let partition = self.partitions.entry(at).or_default();
        let release = how_to_release(&by.name);
        partition.keys.insert(hash(key), Key { offset: record.offset, by });
        let count = partition.keys.len();
        if count > KEYS || note::write(&partition.keys, i64::MAX).len() > NOTE_BYTES {
            partition.keys.remove(&hash(key));
            return Err(format!(
                "its key cannot be parked, since {} of the partition are, as many as its commit can name; mend the plugin, and \
                 let them go on with {release}",
                count - 1
            ));
        }
        self.version += 1;
        Ok(())
    }
}

impl Key {
    /// Why a later record with the key does not go on.
    #[cold]
    fn refusal(&self) -> Refusal {
        let Self { offset, by } = self;
        let release = how_to_release(&by.name);
        let reason = format!(
            "its key follows the record at offset {offset}, which was refused; let it go on with {release}"
        );
        // What the first one was refused for is not known after a restart, and no later one was tried.
        let refusal = Refusal::by(Code::PluginRejected, by, reason);
        Refusal { follows: Some(*offset), ..refusal }
    }
}

#[cold]
fn sealed() -> Refusal {
    let reason = format!(
        "what is noted beside the committed offset does not tell this version which keys are parked; go back to the version that \
         noted it, or let all of them go on with {}",
        how_to_release("")
    );
    Refusal::new(Code::PluginRejected, reason)
}

fn how_to_release(plugin: &str) -> String {
    let plugin = if plugin.is_empty() { "NAME" } else { plugin };
    format!("`lockgate plugin release {plugin}`")
}

/// A plugin of which nothing but its name is known.
fn named(name: &str) -> Arc<Identity> {
    let (version, digest) = Default::default();
    Arc::new(Identity { name: name.into(), version, digest })
}

fn hash(key: &[u8]) -> u64 {
    let digest = Sha256::digest(key);
    let first = digest.first_chunk().expect("the digest has 32 bytes");
    u64::from_be_bytes(*first)
}

impl Pipeline {
    /// What becomes of a record, whose key may be parked, whatever the plugins say of it; or may be parked with it.
    pub(super) fn outcome_in_order<'a>(
        &mut self,
        number: usize,
        record: &Record<'a>,
        event: &Event,
    ) -> Outcome<'a> {
        if !self.parked.partitions.is_empty() {
            match self.parked.standing(record) {
                Standing::Free => {}
                Standing::Follows(refusal) => return self.follow(record, event, refusal),
                Standing::Sealed(refusal) => return Outcome::Halt(refusal),
            }
        }
        let outcome = self.outcome(number, record, event);
        if let Outcome::DeadLetter { refusal, .. } = &outcome
            && refusal.parks_key
            && let Err(why) = self.parked.park(record, refusal)
        {
            let reason = format!("{}; {why}", refusal.reason);
            return Outcome::Halt(Refusal { reason, ..refusal.clone() });
        }
        outcome
    }

    fn follow<'a>(&mut self, record: &Record<'a>, event: &Event, refusal: Refusal) -> Outcome<'a> {
        // A tombstone goes the way of its delete, even if the key is released between them.
        match event.class {
            Class::Tombstone => drop(self.deletes.take(record)),
            _ if self.events.rows_of(event).iter().any(|row| row.operation == b'd') => {
                self.deletes.note(record, &Verdict::Refuse(Box::new(refusal.clone())));
            }
            _ => {}
        }
        self.refused(record, event, refusal)
    }
}
