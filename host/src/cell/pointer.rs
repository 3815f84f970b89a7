//! Places inside a cell, by JSON pointer (RFC 6901): in an object or array, and in JSON kept in a string, however deep strings
//! are nested. A splice leaves every byte it does not replace as it was, inside an escaped string too.

use std::fmt;
use std::ops::Range;

use super::{Error, decode, escape, escape_at, unescape};
use crate::change::json;
use crate::contract::kind;

/// A parsed pointer; the empty one names the whole cell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pointer {
    tokens: Vec<Box<str>>,
}

/// Why a text is no pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    #[error("pointer \"{0}\" does not start with a slash")]
    NoSlash(String),
    #[error("pointer \"{0}\" has a tilde that is not followed by 0 or 1")]
    LoneTilde(String),
    #[error("the pointer is more than {} names deep", Pointer::DEEPEST)]
    TooDeep,
}

/// What a splice does at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Puts this JSON text there: in place of what is there, or as a new member of an object, or at the end of an array
    /// where the last token is `-` or the array's length.
    Set(&'a [u8]),
    /// Takes the member or element away, with its comma. Nothing happens where there is none.
    Remove,
}

impl Pointer {
    /// A pointer is followed by recursion, and neither plugin nor data may choose how deep that goes.
    const DEEPEST: usize = 256;

    pub fn parse(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Ok(Self { tokens: Vec::new() });
        }
        let Some(path) = text.strip_prefix('/') else {
            return Err(PointerError::NoSlash(text.to_owned()));
        };
        if path.split('/').count() > Self::DEEPEST {
            return Err(PointerError::TooDeep);
        }
        let tokens = path.split('/').map(|token| {
            let lone = token.split('~').skip(1).any(|after| !after.starts_with(['0', '1']));
            if lone {
                return Err(PointerError::LoneTilde(text.to_owned()));
            }
            Ok(token.replace("~1", "/").replace("~0", "~").into_boxed_str())
        });
        Ok(Self { tokens: tokens.collect::<Result<_, _>>()? })
    }

    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whether `other` names the same place or one inside it.
    pub fn holds(&self, other: &Self) -> bool {
        other.tokens.starts_with(&self.tokens)
    }

    /// What is left of it behind `names`, which are names of objects one inside the other; the empty pointer where they reach
    /// its place or one inside it, none where they lead elsewhere.
    pub fn behind<'n>(&self, names: impl Iterator<Item = &'n str>) -> Option<Self> {
        let mut rest = self.tokens.as_slice();
        for name in names {
            match rest.split_first() {
                Some((token, others)) if **token == *name => rest = others,
                Some(_) => return None,
                None => break,
            }
        }
        Some(Self { tokens: rest.to_vec() })
    }

    /// Whether one of its names is `name`.
    pub fn has_token(&self, name: &str) -> bool {
        self.tokens.iter().any(|token| **token == *name)
    }

    /// Appends the cell at this place of the JSON value `raw` to `out`, and returns its [`kind`], as [`decode`] does; absent
    /// where there is nothing. Of members of the same name the last counts, as for most readers of JSON.
    pub fn find(&self, raw: &[u8], out: &mut Vec<u8>) -> Result<u8, Error> {
        find(raw, &self.tokens, out)
    }

    /// Appends `raw` to `out` with the change made at this place, at every occurrence of it where names stand twice. On an
    /// error, `out` is as it was.
    pub fn splice(&self, raw: &[u8], change: Change<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut patches = Vec::new();
        collect(raw, &self.tokens, change, &mut patches)?;
        let mut copied = 0;
        for patch in &patches {
            out.extend_from_slice(raw.get(copied..patch.range.start).unwrap_or_default());
            out.extend_from_slice(&patch.text);
            copied = patch.range.end;
        }
        out.extend_from_slice(raw.get(copied..).unwrap_or_default());
        Ok(())
    }
}

/// As RFC 6901 spells it.
impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tokens = self.tokens.iter();
        tokens.try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

/// A replacement of some bytes.
struct Patch {
    range: Range<usize>,
    text: Vec<u8>,
}

fn find(raw: &[u8], tokens: &[Box<str>], out: &mut Vec<u8>) -> Result<u8, Error> {
    let Some((token, rest)) = tokens.split_first() else {
        return decode(raw, out);
    };
    match raw {
        [b'{', ..] => {
            let named = json::members(raw, 0).filter(|(name, _)| is_named(name.of(raw), token));
            match named.last() {
                Some((_, value)) => find(value.of(raw), rest, out),
                None => Ok(kind::ABSENT),
            }
        }
        [b'[', ..] => {
            match position(token).and_then(|position| json::elements(raw, 0).nth(position)) {
                Some(value) => find(value.of(raw), rest, out),
                None => Ok(kind::ABSENT),
            }
        }
        [b'"', text @ .., b'"'] => {
            let mut inner = Vec::with_capacity(text.len());
            unescape(text, &mut inner)?;
            match json::document(&inner) {
                Ok(value) => find(value.of(&inner), tokens, out),
                Err(_) => Ok(kind::ABSENT),
            }
        }
        _ => Ok(kind::ABSENT),
    }
}

/// Adds the replacements that make the change in `raw`, in the order of the text.
fn collect(
    raw: &[u8],
    tokens: &[Box<str>],
    change: Change<'_>,
    patches: &mut Vec<Patch>,
) -> Result<(), Error> {
    let Some((token, rest)) = tokens.split_first() else {
        if let Change::Set(text) = change {
            patches.push(Patch { range: 0..raw.len(), text: text.to_vec() });
        }
        return Ok(());
    };
    match raw {
        [b'{', ..] => {
            let members: Vec<Place> = json::members(raw, 0)
                .map(|(name, value)| Place {
                    start: name.start as usize - 1,
                    value: value.start as usize..value.end as usize,
                    named: is_named(name.of(raw), token),
                })
                .collect();
            let name = || [b"\"", &*escaped(token.as_bytes()), b"\":"].concat();
            in_container(raw, &members, (rest, change), Some(name), patches)
        }
        [b'[', ..] => {
            let wanted = position(token);
            let elements: Vec<Place> = json::elements(raw, 0)
                .enumerate()
                .map(|(position, value)| Place {
                    start: value.start as usize,
                    value: value.start as usize..value.end as usize,
                    named: Some(position) == wanted,
                })
                .collect();
            let appends = &**token == "-" || wanted == Some(elements.len());
            in_container(raw, &elements, (rest, change), appends.then_some(Vec::new), patches)
        }
        [b'"', text @ .., b'"'] => in_string(text, tokens, change, patches),
        _ => nowhere(change),
    }
}

/// A member of an object, name included, or an element of an array.
struct Place {
    start: usize,
    value: Range<usize>,
    named: bool,
}

/// Makes the change in an object or array; `prefix` is what a new entry starts with, none where it may not have one.
fn in_container(
    raw: &[u8],
    places: &[Place],
    (tokens, change): (&[Box<str>], Change<'_>),
    prefix: Option<impl Fn() -> Vec<u8>>,
    patches: &mut Vec<Patch>,
) -> Result<(), Error> {
    if !places.iter().any(|place| place.named) {
        let (Change::Set(text), Some(prefix), []) = (change, prefix, tokens) else {
            return nowhere(change);
        };
        let (at, comma): (usize, &[u8]) = match places.last() {
            Some(last) => (last.value.end, b","),
            None => (1, b""),
        };
        patches.push(Patch { range: at..at, text: [comma, &prefix(), text].concat() });
        return Ok(());
    }
    if tokens.is_empty() && change == Change::Remove {
        let mut removals = json::Removals::default();
        let mut cuts: Vec<_> = places
            .iter()
            .filter_map(|place| removals.entry(place.start..place.value.end, place.named))
            .collect();
        cuts.extend(removals.end());
        patches.extend(cuts.into_iter().map(|range| Patch { range, text: Vec::new() }));
        return Ok(());
    }
    for place in places.iter().filter(|place| place.named) {
        let first = patches.len();
        let value = raw.get(place.value.clone()).unwrap_or_default();
        collect(value, tokens, change, patches)?;
        for patch in patches.iter_mut().skip(first) {
            patch.range =
                place.value.start + patch.range.start..place.value.start + patch.range.end;
        }
    }
    Ok(())
}

/// Makes the change in JSON kept in a string, whose escaped text is `text`.
fn in_string(
    text: &[u8],
    tokens: &[Box<str>],
    change: Change<'_>,
    patches: &mut Vec<Patch>,
) -> Result<(), Error> {
    let mut inner = Vec::with_capacity(text.len());
    unescape(text, &mut inner)?;
    let Ok(value) = json::document(&inner) else { return nowhere(change) };
    let first = patches.len();
    collect(value.of(&inner), tokens, change, patches)?;
    let offset = value.start as usize;
    let mut outer = Escaped { text, at: 0, unescaped: 0 };
    for patch in patches.iter_mut().skip(first) {
        // One for the opening quote.
        let start = 1 + outer.find(offset + patch.range.start)?;
        let end = 1 + outer.find(offset + patch.range.end)?;
        *patch = Patch { range: start..end, text: escaped(&patch.text) };
    }
    Ok(())
}

/// A position in an escaped text, and where that is in the text it stands for.
struct Escaped<'a> {
    text: &'a [u8],
    at: usize,
    unescaped: usize,
}

impl Escaped<'_> {
    /// Goes on to where byte `target` of the unescaped text stands.
    fn find(&mut self, target: usize) -> Result<usize, Error> {
        while self.unescaped < target {
            let rest = self.text.get(self.at..).unwrap_or_default();
            if rest.first() == Some(&b'\\') {
                let (character, length) = escape_at(rest)?;
                self.at += length;
                self.unescaped += character.len_utf8();
            } else {
                self.at += 1;
                self.unescaped += 1;
            }
        }
        Ok(self.at)
    }
}

fn nowhere(change: Change<'_>) -> Result<(), Error> {
    match change {
        Change::Set(_) => Err(Error::NoPlace),
        Change::Remove => Ok(()),
    }
}

fn is_named(name: &[u8], token: &str) -> bool {
    if json::is_escaped(name) { json::unescape(name) == token } else { name == token.as_bytes() }
}

/// The element that a token names: digits without a leading zero.
fn position(token: &str) -> Option<usize> {
    let plain = token.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (token == "0" || !token.starts_with('0'))).then(|| token.parse().ok()).flatten()
}

fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    escape(text, &mut out);
    out
}

#[cfg(test)]
mod tests;
