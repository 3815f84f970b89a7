//! Fills the columns of cells that a stage asked for, from the overlay where an earlier stage edited and from the record's
//! own bytes otherwise.

use std::borrow::Cow;

use crate::cell;
use crate::contract::{Cells, Image, kind};
use crate::overlay::Overlay;
use crate::overlay::Target;
use crate::record::Record;

use super::{Access, Batch, Meta, Place, StagePlan, original};

/// What one call hands over; kept between calls so that nothing is allocated in the steady state.
#[derive(Default)]
pub(super) struct Buffers {
    /// Rows of the table that the stage is to see.
    pub(super) live: Vec<u32>,
    /// Rows of the call at hand: row i of the plugin's batch is `rows[i]` of ours.
    pub(super) rows: Vec<u32>,
    pub(super) operations: Vec<u8>,
    pub(super) reads: Vec<Cells>,
}

#[derive(Clone, Copy)]
pub(super) struct Source<'b, 'r> {
    pub(super) batch: Batch<'b, 'r>,
    pub(super) overlay: &'b Overlay,
}

/// A cell could not be read as what the contract calls text.
struct Unreadable;

impl Buffers {
    /// Gathers the plan's reads over `rows`. Rows that hold an unreadable cell are left out and named.
    pub(super) fn fill(
        &mut self,
        plan: &StagePlan,
        rows: &[u32],
        source: Source<'_, '_>,
    ) -> Vec<(u32, String)> {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        let mut unreadable = Vec::new();
        while let Err((row, place)) = self.try_fill(plan, source) {
            self.rows.retain(|number| *number != row);
            unreadable.push((row, place));
        }
        unreadable
    }

    fn try_fill(&mut self, plan: &StagePlan, source: Source<'_, '_>) -> Result<(), (u32, String)> {
        let events = source.batch.events;
        let operation = |row: &u32| events.rows.get(*row as usize).map_or(0, |row| row.operation);
        self.operations.clear();
        self.operations.extend(self.rows.iter().map(operation));
        self.reads.resize_with(plan.reads.len(), Cells::default);
        let fields = plan.plan.reads.iter().zip(&plan.reads);
        for ((field, access), cells) in fields.zip(&mut self.reads) {
            cells.kinds.clear();
            cells.ends.clear();
            cells.data.clear();
            for row in &self.rows {
                let kind = source
                    .read(access, &field.name, *row, &mut cells.data)
                    .map_err(|Unreadable| (*row, field.to_string()))?;
                cells.kinds.push(kind);
                cells.ends.push(u32::try_from(cells.data.len()).unwrap_or(u32::MAX));
            }
        }
        Ok(())
    }
}

impl Source<'_, '_> {
    /// Appends the cell's bytes to `out` and gives its kind.
    fn read(
        self,
        access: &Access,
        name: &str,
        row: u32,
        out: &mut Vec<u8>,
    ) -> Result<u8, Unreadable> {
        match access.place {
            Place::Nowhere => Ok(kind::ABSENT),
            Place::Meta(meta) => self.meta(meta, row, out),
            Place::Target(target @ (Target::Header(_) | Target::Topic)) => {
                Ok(self.plain(target, name, row, out))
            }
            Place::Target(target) => match self.current(target, row) {
                None => Ok(kind::ABSENT),
                Some(raw) if self.batch.unavailable.is(&raw) => Ok(kind::UNAVAILABLE),
                Some(raw) => {
                    let read = match &access.pointer {
                        None => cell::decode(&raw, out),
                        Some(pointer) => pointer.find(&raw, out),
                    };
                    read.map_err(|_| Unreadable)
                }
            },
        }
    }

    /// The JSON text of a cell as the stages before left it.
    fn current(&self, target: Target, row: u32) -> Option<Cow<'_, [u8]>> {
        match self.overlay.get(row, target) {
            Some(edit) if edit.kind == kind::ABSENT => None,
            Some(edit) => Some(Cow::Borrowed(edit.text)),
            None => original(target, row, self.batch).or_else(|| self.unchanged(target, row)),
        }
    }

    /// What a column was before a change that says only what it changed: the same as after it.
    #[cold]
    fn unchanged(&self, target: Target, row: u32) -> Option<Cow<'_, [u8]>> {
        let Target::Column { image: Image::Before, column } = target else { return None };
        let known = self.batch.events.rows.get(row as usize)?;
        if !known.delta {
            return None;
        }
        self.current(Target::Column { image: Image::After, column }, row)
    }

    /// A header or the topic: bytes, not JSON text. Of headers with one name the last counts, as Kafka's clients have it.
    fn plain(self, target: Target, name: &str, row: u32, out: &mut Vec<u8>) -> u8 {
        if let Some(edit) = self.overlay.get(row, target) {
            out.extend_from_slice(edit.text);
            return edit.kind;
        }
        let Some(record) = self.record(row) else { return kind::ABSENT };
        if target == Target::Topic {
            out.extend_from_slice(record.topic.as_bytes());
            return kind::STRING;
        }
        let header = record.headers.iter().rfind(|header| header.name == name.as_bytes());
        match header.map(|header| header.value) {
            None => kind::ABSENT,
            Some(None) => kind::NULL,
            Some(Some(value)) => {
                out.extend_from_slice(value);
                if std::str::from_utf8(value).is_ok() { kind::STRING } else { kind::BYTES }
            }
        }
    }

    fn meta(self, meta: Meta, row: u32, out: &mut Vec<u8>) -> Result<u8, Unreadable> {
        let Some(record) = self.record(row) else { return Ok(kind::ABSENT) };
        let Some(line) = self.batch.events.rows.get(row as usize) else { return Ok(kind::ABSENT) };
        let table = self.batch.tables.get(line.table);
        let mut text = |text: &str| {
            out.extend_from_slice(text.as_bytes());
            Ok(if text.is_empty() { kind::ABSENT } else { kind::STRING })
        };
        match meta {
            Meta::Topic => text(record.topic),
            Meta::Operation => text(std::str::from_utf8(&[line.operation]).unwrap_or_default()),
            Meta::Database => text(table.map_or("", |table| &table.database)),
            Meta::Schema => text(table.map_or("", |table| &table.schema)),
            Meta::Table => text(table.map_or("", |table| &table.name)),
            Meta::Partition => Ok(number(i64::from(record.partition), out)),
            Meta::Offset => Ok(number(record.offset, out)),
            Meta::Timestamp => {
                Ok(record.timestamp.map_or(kind::ABSENT, |timestamp| number(timestamp, out)))
            }
            Meta::Transaction => {
                let event = self.batch.events.events.get(line.record as usize);
                let span = event.map(|event| event.transaction).unwrap_or_default();
                match record.value {
                    Some(value) if !span.is_empty() => {
                        cell::decode(span.of(value), out).map_err(|_| Unreadable)
                    }
                    _ => Ok(kind::ABSENT),
                }
            }
            Meta::Value => {
                let Some(value) = record.value else { return Ok(kind::NULL) };
                out.extend_from_slice(value);
                // A row's value is an object; one behind a byte order mark is no text that starts with it.
                Ok(if value.first() == Some(&b'{') { kind::JSON } else { kind::BYTES })
            }
        }
    }

    fn record(&self, row: u32) -> Option<&Record<'_>> {
        let row = self.batch.events.rows.get(row as usize)?;
        self.batch.records.get(row.record as usize)
    }
}

fn number(value: i64, out: &mut Vec<u8>) -> u8 {
    out.extend_from_slice(value.to_string().as_bytes());
    kind::NUMBER
}
