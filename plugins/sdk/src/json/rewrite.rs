//! Replaces the places that paths name, by spans: what lies between them is copied as it stands.

use std::ops::Range;

use super::check::is_well_formed;
use super::path::{Path, Segment};
use super::scan::{Entry, elements, members};
use super::text::{push_string, unescape};
use super::trimmed;

/// The caller would not replace a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The path that named the place, by its position among the paths.
    pub path: usize,
}

/// Appends `json`, which must be well-formed, to `out` with the places that `paths` name replaced. Where several name one place
/// the first counts, and a path that ends before one that goes on. Members whose name stands twice are both places, and
/// strings that hold JSON are walked into as if it stood there.
///
/// `replace` gets the number of the path and the value's JSON, and appends the JSON to stand there; false refuses, and then
/// `out` is of no use.
pub fn rewrite(
    json: &str,
    paths: &[Path],
    out: &mut Vec<u8>,
    replace: &mut dyn FnMut(usize, &str, &mut Vec<u8>) -> bool,
) -> Result<(), Refused> {
    let active: Vec<Active<'_>> =
        paths.iter().enumerate().map(|(path, at)| Active { path, rest: &at.segments }).collect();
    let mut walk = Walk { out, replace };
    walk.value(json, &active)
}

/// A path that may name a place in the value at hand, and what is left of it there.
#[derive(Clone, Copy)]
struct Active<'p> {
    path: usize,
    rest: &'p [Segment],
}

struct Walk<'w> {
    out: &'w mut Vec<u8>,
    replace: &'w mut dyn FnMut(usize, &str, &mut Vec<u8>) -> bool,
}

impl Walk<'_> {
    /// Recurses twice a segment at most: what stands in a string is a container, and to enter a container takes a segment.
    fn value(&mut self, json: &str, active: &[Active<'_>]) -> Result<(), Refused> {
        if let Some(Active { path, .. }) = active.iter().find(|active| active.rest.is_empty()) {
            let done = (self.replace)(*path, json, self.out);
            return if done { Ok(()) } else { Err(Refused { path: *path }) };
        }
        match trimmed(json).as_bytes().first() {
            Some(b'{') if !active.is_empty() => self.entries(json, members(json), active),
            Some(b'[') if !active.is_empty() => self.entries(json, elements(json), active),
            Some(b'"') if !active.is_empty() => self.string(json, active),
            _ => {
                self.out.extend_from_slice(json.as_bytes());
                Ok(())
            }
        }
    }

    fn entries(
        &mut self,
        json: &str,
        entries: impl Iterator<Item = Entry>,
        active: &[Active<'_>],
    ) -> Result<(), Refused> {
        let mut copied = 0;
        let mut inside = Vec::new();
        for (position, Entry { name, value }) in entries.enumerate() {
            inside.clear();
            inside.extend(active.iter().filter_map(|Active { path, rest }| {
                let (segment, rest) = rest.split_first()?;
                let named = match &name {
                    Some(name) => segment.is_member(json.get(name.clone())?),
                    None => segment.is_element(position),
                };
                named.then_some(Active { path: *path, rest })
            }));
            if inside.is_empty() {
                continue;
            }
            self.copy(json, copied..value.start);
            copied = value.end;
            self.value(json.get(value).unwrap_or_default(), &inside)?;
        }
        self.copy(json, copied..json.len());
        Ok(())
    }

    /// Text that holds an object or array is walked into; other text has none of the places inside.
    fn string(&mut self, json: &str, active: &[Active<'_>]) -> Result<(), Refused> {
        let Some(text) = unescape(trimmed(json)) else { return Err(refused(active)) };
        let container = matches!(trimmed(&text).as_bytes().first(), Some(b'{' | b'['));
        if !(container && is_well_formed(&text)) {
            self.copy(json, 0..json.len());
            return Ok(());
        }
        let mut inner = Vec::with_capacity(text.len());
        Walk { out: &mut inner, replace: self.replace }.value(&text, active)?;
        let inner = std::str::from_utf8(&inner).map_err(|_| refused(active))?;
        if inner == text {
            self.copy(json, 0..json.len());
        } else {
            push_string(inner, self.out);
        }
        Ok(())
    }

    fn copy(&mut self, json: &str, range: Range<usize>) {
        self.out.extend_from_slice(json.get(range).unwrap_or_default().as_bytes());
    }
}

/// A string that is no text: what it holds cannot be told, so that the first path which may lead into it is refused.
fn refused(active: &[Active<'_>]) -> Refused {
    Refused { path: active.first().map_or(0, |active| active.path) }
}
