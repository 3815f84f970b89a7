//! Values to be found again in a text, however that text escapes them. Pure; must not know records or columns.
//!
//! A text is looked through as it stands, and again with its JSON escapes undone, once for each level of JSON kept in strings: what
//! was written `\u00e9` or `\\\"` is found all the same. A few values are looked for one by one with memmem; many at once by the
//! first four bytes of each, so that a message of a thousand rows costs one walk and not a thousand.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use crate::cell;

/// The shortest value that is looked for: what is shorter turns up by chance.
pub(super) const SHORTEST: usize = 4;

/// From this length on a value counts wherever it stands; shorter ones only where they stand by themselves.
const LONG: usize = 8;

/// So many values are looked for one by one.
const FEW: usize = 8;

/// JSON in strings in strings: how often escapes are undone.
const LEVELS: usize = 3;

/// Distinct values of at least [`SHORTEST`] bytes, each with a number of its owner's.
#[derive(Debug, Default)]
pub(super) struct Needles {
    bytes: Vec<u8>,
    list: Vec<Needle>,
    /// Whether any holds a character that JSON may have to escape.
    escapable: bool,
    /// A bit for each hash that a prefix has; empty while the values are few.
    prefixes: Vec<u64>,
}

#[derive(Clone, Debug)]
struct Needle {
    prefix: u32,
    range: Range<usize>,
    owner: usize,
}

impl Needles {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.list.clear();
        self.prefixes.clear();
        self.escapable = false;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds a value, unless it is too short. [`Self::ready`] has to follow before anything is looked for.
    pub(super) fn add(&mut self, value: &[u8], owner: usize) {
        let Some(prefix) = prefix(value) else { return };
        self.escapable |= value.iter().any(|byte| matches!(byte, b'"' | b'\\' | b'/' | ..b' '));
        let start = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.list.push(Needle { prefix, range: start..self.bytes.len(), owner });
    }

    /// Drops what is there twice: most values are the same before and after.
    pub(super) fn ready(&mut self) {
        let Self { bytes, list, prefixes, .. } = self;
        if list.len() < 2 {
            return;
        }
        let text = |needle: &Needle| bytes.get(needle.range.clone()).unwrap_or_default();
        list.sort_by(|a, b| (a.prefix, text(a)).cmp(&(b.prefix, text(b))));
        list.dedup_by(|a, b| text(a) == text(b));
        if list.len() > FEW {
            prefixes.resize((1 << 16) / 64, 0);
            for needle in list.iter() {
                let (word, bit) = place(needle.prefix);
                if let Some(word) = prefixes.get_mut(word) {
                    *word |= bit;
                }
            }
        }
    }

    /// The owner of a value that `text` holds.
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        if self.list.is_empty() || text.len() < SHORTEST {
            return None;
        }
        if let Some(owner) = self.find_as_it_stands(text) {
            return Some(owner);
        }
        // Other characters stand for themselves, unless somebody took the trouble.
        if !self.escapable && memmem::find(text, b"\\u").is_none() {
            return None;
        }
        let mut undone = Cow::Borrowed(text);
        for _ in 0..LEVELS {
            let first = memchr::memchr(b'\\', &undone)?;
            undone = Cow::Owned(undo(&undone, first));
            if let Some(owner) = self.find_as_it_stands(&undone) {
                return Some(owner);
            }
        }
        None
    }

    fn find_as_it_stands(&self, text: &[u8]) -> Option<usize> {
        if !self.prefixes.is_empty() {
            return self.find_many(text);
        }
        let held = |needle: &&Needle| {
            let value = self.bytes.get(needle.range.clone()).unwrap_or_default();
            if value.len() >= LONG {
                return memmem::find(text, value).is_some();
            }
            memmem::find_iter(text, value).any(|at| stands_alone(text, at..at + value.len()))
        };
        self.list.iter().find(held).map(|needle| needle.owner)
    }

    fn find_many(&self, text: &[u8]) -> Option<usize> {
        for (at, window) in text.windows(SHORTEST).enumerate() {
            let prefix = prefix(window)?;
            let (word, bit) = place(prefix);
            if self.prefixes.get(word).is_some_and(|word| word & bit == 0) {
                continue;
            }
            let first = self.list.partition_point(|needle| needle.prefix < prefix);
            let same = self.list.get(first..).unwrap_or_default().iter();
            for needle in same.take_while(|needle| needle.prefix == prefix) {
                let value = self.bytes.get(needle.range.clone()).unwrap_or_default();
                let here = text.get(at..).is_some_and(|rest| rest.starts_with(value));
                let range = at..at + value.len();
                if here && (value.len() >= LONG || stands_alone(text, range)) {
                    return Some(needle.owner);
                }
            }
        }
        None
    }
}

/// Whether `finds` says so of `text` as it stands, or of what it is once its escapes are undone.
pub fn at_any_level(text: &[u8], finds: impl Fn(&[u8]) -> bool) -> bool {
    let mut text = Cow::Borrowed(text);
    for _ in 0..LEVELS {
        if finds(&text) {
            return true;
        }
        let Some(first) = memchr::memchr(b'\\', &text) else { return false };
        text = Cow::Owned(undo(&text, first));
    }
    finds(&text)
}

/// The first bytes of a value, as a number.
fn prefix(value: &[u8]) -> Option<u32> {
    value.first_chunk::<SHORTEST>().map(|first| u32::from_le_bytes(*first))
}

/// Word and bit of a prefix among those that are taken.
fn place(prefix: u32) -> (usize, u64) {
    let hash = (prefix.wrapping_mul(0x9e37_79b1) >> 16) as usize;
    (hash / 64, 1 << (hash % 64))
}

/// Whether the value at `range` is no part of a longer number or word.
fn stands_alone(text: &[u8], range: Range<usize>) -> bool {
    let at = |index: usize| text.get(index).copied().map(Sort::of);
    let continued = |one: Option<Sort>, other: Option<Sort>| match (one, other) {
        (Some(one), Some(other)) => one == other && one != Sort::Other,
        _ => false,
    };
    // The letter of an escape is part of no word.
    let is_escape = range.start.checked_sub(2).and_then(|index| text.get(index)) == Some(&b'\\');
    let before = range.start.checked_sub(1).and_then(at).filter(|_| !is_escape);
    let last = range.end.checked_sub(1).and_then(at);
    !continued(before, at(range.start)) && !continued(last, at(range.end))
}

/// What a byte is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Number,
    Word,
    Other,
}

impl Sort {
    fn of(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' => Self::Number,
            // Bytes of characters beyond ASCII are nearly always letters.
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => Self::Word,
            _ => Self::Other,
        }
    }
}

/// `text` with every JSON escape in it undone, wherever it stands; `first` is the first backslash. What is no escape stays.
fn undo(text: &[u8], first: usize) -> Vec<u8> {
    let mut undone = Vec::with_capacity(text.len());
    let (plain, mut rest) = text.split_at(first);
    undone.extend_from_slice(plain);
    while !rest.is_empty() {
        match cell::escape_at(rest) {
            Ok((character, length)) => {
                undone.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = rest.get(length..).unwrap_or_default();
            }
            Err(_) => {
                let (backslash, after) = rest.split_at(1);
                undone.extend_from_slice(backslash);
                rest = after;
            }
        }
        let next = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        let (plain, after) = rest.split_at(next);
        undone.extend_from_slice(plain);
        rest = after;
    }
    undone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needles(values: &[&str]) -> Needles {
        let mut needles = Needles::default();
        for (owner, value) in values.iter().enumerate() {
            needles.add(value.as_bytes(), owner);
        }
        needles.ready();
        needles
    }

    fn finds(value: &str, text: &str) -> bool {
        let alone = needles(&[value]).find(text.as_bytes()).is_some();
        let others: Vec<String> = (0..40).map(|number| format!("~other-{number}~")).collect();
        let mut many: Vec<&str> = others.iter().map(String::as_str).collect();
        many.push(value);
        assert_eq!(needles(&many).find(text.as_bytes()), alone.then_some(40), "{value} in {text}");
        alone
    }

    #[test]
    fn a_long_value_is_found_wherever_it_stands() {
        assert!(finds("123-45-6789", "x123-45-67890"));
        assert!(!finds("123-45-6789", "123-45-678"));
    }

    #[test]
    fn a_short_value_counts_only_where_it_stands_by_itself() {
        assert!(finds("1234", r#"{"n":1234}"#));
        assert!(finds("1234", "a1234b"));
        assert!(!finds("1234", "1700001234000"));
        assert!(finds("anna", "anna@x.io"));
        assert!(!finds("anna", "johanna"));
        assert!(finds("anna", "johanna, anna"));
        assert!(!finds("anna", "annaé"));
        assert!(finds("anna", r#""dear\nanna""#));
    }

    #[test]
    fn what_is_too_short_is_not_looked_for() {
        assert!(needles(&["abc", ""]).is_empty());
    }

    #[test]
    fn a_value_is_found_through_any_escaping() {
        let value = "a\"b\\c é\n/d";
        let mut text = value.to_owned();
        for level in 0..=LEVELS {
            assert!(finds(value, &text), "{level}: {text}");
            text = serde_json::to_string(&text).unwrap();
        }
        assert!(finds(value, r#"{"x":"a\u0022b\u005cc \u00E9\u000a\/d"}"#));
        assert!(finds("😀 smile", r#""\ud83d\ude00 smile""#));
        assert!(finds("clear text", r#"half \ud83d and \q clear te\u0078t"#));
    }

    #[test]
    fn a_value_that_is_there_twice_is_looked_for_once() {
        let needles = needles(&["same value", "same value", "other"]);
        assert_eq!(needles.list.len(), 2);
        assert!(needles.find(b"same value").is_some());
    }
}
