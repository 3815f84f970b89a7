//! Walking over text that is known to be JSON, for the paths that aren't hot: member by member, element by element.

use std::borrow::Cow;
use std::ops::Range;

use super::{Error, after_member, blanks, byte, name, span, value};
use crate::change::Span;

/// The members of the object that starts at `at` in a text already found to be JSON; none if it is no object.
pub fn members(text: &[u8], at: u32) -> Members<'_> {
    let at = at as usize;
    let more = byte(text, at) == b'{';
    let at = if more { blanks(text, at + 1) } else { at };
    Members { text, at, more: more && byte(text, at) != b'}' }
}

/// Name, without its quotes but still escaped, and value of each member. Ends early where the text is not JSON after all.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    text: &'a [u8],
    at: usize,
    more: bool,
}

impl Members<'_> {
    fn read(&mut self) -> Result<(Span, Span), Error> {
        let (name, at) = name(self.text, self.at)?;
        let start = blanks(self.text, at);
        let end = value(self.text, start)?;
        (self.more, self.at) = after_member(self.text, end)?;
        Ok((name, span(start, end)))
    }
}

impl Iterator for Members<'_> {
    type Item = (Span, Span);

    fn next(&mut self) -> Option<Self::Item> {
        if !self.more {
            return None;
        }
        self.more = false;
        self.read().ok()
    }
}

/// The elements of the array that starts at `at` in a text already found to be JSON; none if it is no array.
pub fn elements(text: &[u8], at: u32) -> Elements<'_> {
    let at = at as usize;
    let more = byte(text, at) == b'[';
    let at = if more { blanks(text, at + 1) } else { at };
    Elements { text, at, more: more && byte(text, at) != b']' }
}

/// The value of each element. Ends early where the text is not JSON after all.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    text: &'a [u8],
    at: usize,
    more: bool,
}

impl Iterator for Elements<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        if !self.more {
            return None;
        }
        self.more = false;
        let start = self.at;
        let end = value(self.text, start).ok()?;
        let at = blanks(self.text, end);
        self.more = byte(self.text, at) == b',';
        self.at = blanks(self.text, at + 1);
        Some(span(start, end))
    }
}

pub fn is_escaped(text: &[u8]) -> bool {
    memchr::memchr(b'\\', text).is_some()
}

/// A member name as it reads: a lone surrogate, which no UTF-8 can say, becomes a replacement character.
pub fn unescape(name: &[u8]) -> Cow<'_, str> {
    if !is_escaped(name) {
        return String::from_utf8_lossy(name);
    }
    let mut units: Vec<u16> = Vec::with_capacity(name.len());
    let text = String::from_utf8_lossy(name);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
            continue;
        }
        units.push(match characters.next() {
            Some('b') => 0x08,
            Some('f') => 0x0c,
            Some('n') => 0x0a,
            Some('r') => 0x0d,
            Some('t') => 0x09,
            Some('u') => {
                let digits = characters.by_ref().take(4).filter_map(|digit| digit.to_digit(16));
                digits.fold(0, |unit, digit| unit << 4 | u16::try_from(digit).unwrap_or(0))
            }
            Some(plain) => u16::try_from(u32::from(plain)).unwrap_or(0xfffd),
            None => break,
        });
    }
    Cow::Owned(String::from_utf16_lossy(&units))
}

/// Which bytes to cut so that some entries of an object or array are gone, each with one comma.
#[derive(Clone, Debug, Default)]
pub struct Removals {
    /// The end of the entry before, once one was kept.
    previous: Option<usize>,
    /// The entries that go before any was kept.
    leading: Option<Range<usize>>,
}

impl Removals {
    /// Takes the next entry, in the order of the text, and whether it goes; what is to be cut lies before the entry's end.
    pub fn entry(&mut self, entry: Range<usize>, goes: bool) -> Option<Range<usize>> {
        match (goes, self.previous) {
            (true, Some(previous)) => {
                self.previous = Some(entry.end);
                Some(previous..entry.end)
            }
            (true, None) => {
                let start = self.leading.as_ref().map_or(entry.start, |leading| leading.start);
                self.leading = Some(start..entry.end);
                None
            }
            (false, _) => {
                self.previous = Some(entry.end);
                self.leading.take().map(|leading| leading.start..entry.start)
            }
        }
    }

    /// Whether an entry was kept so far.
    pub fn any_kept(&self) -> bool {
        self.previous.is_some()
    }

    /// What is to be cut where no entry was kept.
    pub fn end(self) -> Option<Range<usize>> {
        self.leading
    }
}
