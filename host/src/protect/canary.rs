//! Watches a record on its way out: a protected cell must not leave as it came, and its value must not turn up elsewhere. It
//! catches mistakes, not malice: a plugin that turns a value round is not found out. Must not know plugins or how records are
//! spliced.

mod place;
mod values;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Guards;
use super::needles::Needles;
use crate::change::{Event, Events, json};
use crate::contract::{Image, kind};
use crate::overlay::{Fate, Layouts, Overlay, Target};
use crate::record::{Output, OutputHeader, Record};
use crate::table::{self, Tables};

/// A decoded record.
#[derive(Clone, Copy)]
pub struct Seen<'a, 'r> {
    pub record: &'a Record<'r>,
    pub event: &'a Event,
    pub events: &'a Events,
    pub tables: &'a Tables,
}

/// What was decided about its rows.
#[derive(Clone, Copy)]
pub struct Decided<'a> {
    pub layouts: Layouts<'a>,
    pub overlay: &'a Overlay,
}

/// The clear values of one record. Keeps its buffers from one record to the next.
#[derive(Debug, Default)]
pub struct Canary {
    /// The values, one after the other.
    bytes: Vec<u8>,
    values: Vec<Value>,
    needles: Needles,
}

/// The value of a protected place in one image.
#[derive(Clone, Copy, Debug)]
struct Value {
    table: table::Index,
    /// Number of the row in its batch; none for a value that only a header has.
    row: Option<u32>,
    image: Image,
    column: u16,
    /// Number among the table's guarded cells; [`NO_CELL`] for a value of a header.
    cell: usize,
    start: usize,
    end: usize,
    /// So plain that a mask may well have put the same there: `***`, `111`.
    plain: bool,
}

const NO_CELL: usize = usize::MAX;

/// A protected value that was about to leave. Names columns and places, never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    column: String,
    image: Image,
    /// Where it turned up; none for its own place.
    place: Option<String>,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, image, place } = self;
        match place {
            None => write!(
                f,
                "protected column \"{column}\" would leave in clear in the {image} image; let a plugin mask or remove it there"
            ),
            Some(place) => write!(
                f,
                "the value that protected column \"{column}\" has in the {image} image would leave in clear in {place}; let a \
                 plugin mask or remove it there too"
            ),
        }
    }
}

impl Canary {
    /// Looks whether anything of a record whose clear values [`Self::learn`] has taken in leaves in clear.
    ///
    /// `named` says whether a plugin chose the topic; otherwise it is as the configuration has it.
    pub fn watch(
        &self,
        seen: Seen<'_, '_>,
        decided: Decided<'_>,
        guards: &Guards,
        (output, named): (&Output<'_>, bool),
    ) -> Option<Leak> {
        let unchanged =
            self.values.iter().position(|value| self.is_unchanged(value, decided, guards));
        if let Some(value) = unchanged {
            return Some(self.leak(seen, value, None));
        }
        if self.needles.is_empty() {
            return None;
        }
        let topic = if named { &*output.topic } else { "" };
        let key = output.key.as_deref().unwrap_or_default();
        let hit = self
            .in_value(seen, output.value.as_deref().unwrap_or_default())
            .or_else(|| {
                self.needles.find(key).and_then(|_| place::in_key(seen, key, &self.needles))
            })
            .or_else(|| self.in_headers(&output.headers, false))
            .or_else(|| Some((self.needles.find(topic.as_bytes())?, "the topic".to_owned())))
            .or_else(|| self.in_bytes(seen, decided));
        hit.map(|(value, place)| self.leak(seen, value, Some(place)))
    }

    /// The same for a record that a plugin made itself: nothing of it belongs to a format.
    pub fn watch_emission(&self, seen: Seen<'_, '_>, output: &Output<'_>) -> Option<Leak> {
        let find = |bytes: Option<&[u8]>| self.needles.find(bytes.unwrap_or_default());
        let value = find(output.value.as_deref())
            .or_else(|| find(output.key.as_deref()))
            .or_else(|| find(Some(output.topic.as_bytes())))
            .or_else(|| Some(self.in_headers(&output.headers, true)?.0))?;
        Some(self.leak(seen, value, Some("a record that a plugin made beside it".to_owned())))
    }

    /// Whether a text that is to be kept, of whatever kind, holds one of the values.
    pub fn finds_in(&self, text: &[u8]) -> bool {
        self.needles.find(text).is_some()
    }

    fn of(&self, value: &Value) -> &[u8] {
        self.bytes.get(value.start..value.end).unwrap_or_default()
    }

    /// Whether a protected place still has the value that it came with.
    fn is_unchanged(&self, value: &Value, decided: Decided<'_>, guards: &Guards) -> bool {
        let Some(row) = value.row else { return false };
        if decided.overlay.is_removed(row) {
            return false;
        }
        if *decided.layouts.of(value.table).fate(value.image, value.column) == Fate::Remove {
            return false;
        }
        let target = Target::Column { image: value.image, column: value.column };
        let Some(edit) = decided.overlay.get(row, target) else { return true };
        if edit.kind == kind::ABSENT || value.plain {
            return false;
        }
        let Some(cell) = guards.cells(value.table).get(value.cell) else { return true };
        let mut now = Vec::new();
        values::read(cell, edit.text, &mut now);
        let is_same = |now: &[u8]| now == self.of(value);
        is_same(&now)
            || (edit.kind == kind::BYTES && decoded(edit.text).is_some_and(|b| is_same(&b)))
    }

    /// A value that stands in the record's own value where the format does not put it.
    fn in_value(&self, seen: Seen<'_, '_>, value: &[u8]) -> Option<(usize, String)> {
        let schema = self.schema_end(seen, value);
        let searched = value.get(schema..).unwrap_or_default();
        self.needles.find(searched)?;
        place::in_value(seen, value, &self.needles)
    }

    /// Where the schema of the envelope ends, if the value begins with it: it is the same for every row of a table.
    fn schema_end(&self, seen: Seen<'_, '_>, value: &[u8]) -> usize {
        let schema = seen.event.value_schema;
        let came = seen.record.value.unwrap_or_default();
        let stands_first = seen.events.rows_of(seen.event).iter().all(|row| {
            [&row.before, &row.after]
                .iter()
                .all(|image| image.span.is_empty() || image.span.start > schema.start)
        });
        if schema.is_empty() || !stands_first {
            return 0;
        }
        // What stands before the schema was not touched, so that it begins where it did.
        let start = schema.start as usize;
        if value.get(start..).is_some_and(|rest| rest.starts_with(schema.of(came))) {
            return schema.end as usize;
        }
        json::end_of(value, start).unwrap_or(0)
    }

    fn in_headers(&self, headers: &[OutputHeader<'_>], names: bool) -> Option<(usize, String)> {
        headers.iter().find_map(|header| {
            let value = self.needles.find(header.value.as_deref().unwrap_or_default());
            let name = || self.needles.find(&header.name).filter(|_| names);
            let value = value.or_else(name)?;
            Some((
                value,
                format!("header \"{}\"", String::from_utf8_lossy(&header.name).escape_debug()),
            ))
        })
    }

    /// Bytes that a plugin wrote stand in the output as base64, where no text is found.
    fn in_bytes(&self, seen: Seen<'_, '_>, decided: Decided<'_>) -> Option<(usize, String)> {
        let rows = (seen.event.first_row..seen.event.last_row)
            .filter(|row| decided.overlay.is_edited(*row) && !decided.overlay.is_removed(*row));
        let mut edits = rows.flat_map(|row| decided.overlay.edits(row));
        edits.find_map(|edit| {
            if edit.kind != kind::BYTES || matches!(edit.target, Target::Header(_) | Target::Topic)
            {
                return None;
            }
            let value = self.needles.find(&decoded(edit.text)?)?;
            Some((value, "bytes that a plugin wrote".to_owned()))
        })
    }

    fn leak(&self, seen: Seen<'_, '_>, value: usize, place: Option<String>) -> Leak {
        let value = self.values.get(value);
        let column = value.and_then(|value| {
            let table = seen.tables.get(value.table)?;
            Some(table.columns.get(usize::from(value.column))?.name.to_string())
        });
        let image = value.map_or(Image::Header, |value| value.image);
        Leak { column: column.unwrap_or_default(), image, place }
    }
}

/// The bytes behind a JSON string of base64.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(text.strip_prefix(b"\"")?.strip_suffix(b"\"")?).ok()
}
