//! How parked keys are noted beside a committed offset: as base64 of a version, then for each plugin its name and its keys by
//! offset. Later versions of the gateway have to read what earlier ones wrote.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustc_hash::FxHashMap;

use super::{KEYS, Key, named};

const VERSION: u8 = 1;

/// The keys that were parked before the offset `below`; empty where none were. Fewer keys never make a longer note.
pub(super) fn write(keys: &FxHashMap<u64, Key>, below: i64) -> String {
    let mut plugins: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for (hash, key) in keys.iter().filter(|(_, key)| key.offset < below) {
        let offset = u64::try_from(key.offset).unwrap_or(0);
        plugins.entry(&key.by.name).or_default().push((offset, *hash));
    }
    if plugins.is_empty() {
        return String::new();
    }
    let mut bytes = vec![VERSION];
    for (name, mut keys) in plugins {
        keys.sort_unstable();
        number(name.len() as u64, &mut bytes);
        bytes.extend_from_slice(name.as_bytes());
        number(keys.len() as u64, &mut bytes);
        let mut before = 0;
        for (offset, hash) in keys {
            number(offset - before, &mut bytes);
            bytes.extend_from_slice(&hash.to_be_bytes());
            before = offset;
        }
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// None where it is none of ours, in any part of it.
pub(super) fn read(note: &str) -> Option<FxHashMap<u64, Key>> {
    let bytes = URL_SAFE_NO_PAD.decode(note).ok()?;
    let mut rest = Rest(bytes.strip_prefix(&[VERSION])?);
    let mut keys = FxHashMap::default();
    while !rest.0.is_empty() {
        let length = usize::try_from(rest.number()?).ok()?;
        let by = named(std::str::from_utf8(rest.take(length)?).ok()?);
        let mut offset = 0_i64;
        for _ in 0..rest.number()? {
            offset = offset.checked_add(i64::try_from(rest.number()?).ok()?)?;
            let hash = u64::from_be_bytes(*rest.take(8)?.first_chunk()?);
            keys.insert(hash, Key { offset, by: Arc::clone(&by) });
            if keys.len() > KEYS {
                return None;
            }
        }
    }
    (!keys.is_empty()).then_some(keys)
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn number(mut number: u64, bytes: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// What is still to be read.
struct Rest<'n>(&'n [u8]);

impl<'n> Rest<'n> {
    fn take(&mut self, length: usize) -> Option<&'n [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for at in 0..9 {
            let [byte, rest @ ..] = self.0 else { return None };
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}
