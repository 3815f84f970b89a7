//! Places beside the images that speak of columns: lists of names and types, and a key's values. They lose and rename what the
//! images lose and rename.

use super::writer::Writer;
use super::{RowEdits, Subject, nested};
use crate::cell;
use crate::change::json::{self, Removals};
use crate::change::{Row, Side, SideKind, Span};
use crate::contract::{Image, kind};
use crate::overlay::{Fate, Layout, Target};
use crate::table::Table;

/// Writes the event's side of that number, in step with the rows' layout and edits.
pub(super) fn write(
    subject: Subject<'_, '_>,
    number: usize,
    edits: &mut RowEdits,
    writer: &mut Writer<'_>,
) {
    let sides = subject.events.sides_of(subject.event);
    let Some(side) = sides.get(number) else { return };
    let Some((row_number, row)) = row_of(subject, side) else { return };
    let Some(table) = subject.tables.get(row.table) else { return };
    let layout = subject.layouts.of(row.table);
    let text = writer.text();
    match side.kind {
        SideKind::ByColumn if !layout.is_identity() => {
            let members = json::members(text, side.span.start).map(|(name, value)| Entry {
                whole: name.start as usize - 1..value.end as usize,
                name: Some(name),
                column: column(table, name.of(text)),
                value: None,
            });
            list(members, layout, writer);
        }
        SideKind::Names if !layout.is_identity() => {
            let names = names(text, side, table);
            list(names, layout, writer);
        }
        SideKind::KeyValues => {
            let named = number.checked_sub(1).and_then(|before| sides.get(before));
            let columns: Vec<Option<u16>> = match named {
                Some(named) => names(text, named, table).map(|entry| entry.column).collect(),
                None => Vec::new(),
            };
            edits.load(subject.overlay, row_number);
            let values = json::elements(text, side.span.start).zip(columns);
            let values = values.map(|(value, column)| Entry {
                whole: value.start as usize..value.end as usize,
                name: None,
                column,
                value: column.and_then(|column| {
                    let number = edits.of_column(row, column)?;
                    let edit = subject.overlay.edit(number)?;
                    (edit.kind != kind::ABSENT).then_some(edit.text)
                }),
            });
            list(values, layout, writer);
        }
        SideKind::FieldNames if !layout.is_identity() => {
            nested::names(side.span, table, layout, writer);
        }
        SideKind::ByColumn
        | SideKind::Names
        | SideKind::FieldNames
        | SideKind::Sql(_)
        | SideKind::TableChanges
        | SideKind::Content => {}
    }
}

/// The row whose table a side speaks of; none where it leaves.
fn row_of<'a>(subject: Subject<'a, '_>, side: &Side) -> Option<(u32, &'a Row)> {
    let number = side.row?;
    let row = subject.events.rows.get(number as usize)?;
    let leaves = !row.object.is_empty() && subject.overlay.is_removed(number);
    (!leaves).then_some((number, row))
}

/// One entry of a list about columns.
struct Entry<'a> {
    whole: std::ops::Range<usize>,
    /// Where the column's name stands, still escaped.
    name: Option<Span>,
    column: Option<u16>,
    /// New text for the whole entry.
    value: Option<&'a [u8]>,
}

fn list<'a>(entries: impl Iterator<Item = Entry<'a>>, layout: &Layout, writer: &mut Writer<'_>) {
    let mut removals = Removals::default();
    for entry in entries {
        let fate = entry.column.map_or(&Fate::Keep, |column| layout.fate_of_name(column));
        let goes = *fate == Fate::Remove;
        if let Some(cut) = removals.entry(entry.whole.clone(), goes) {
            writer.replace(cut, |_| {});
        }
        match (fate, entry.name, entry.value) {
            (Fate::Rename(to), Some(name), _) => {
                let range = name.start as usize..name.end as usize;
                writer.replace(range, |out| cell::escape(to.as_bytes(), out));
            }
            (Fate::Keep | Fate::Rename(_), None, Some(value)) => {
                writer.replace(entry.whole, |out| out.extend_from_slice(value));
            }
            _ => {}
        }
    }
    if let Some(cut) = removals.end() {
        writer.replace(cut, |_| {});
    }
}

fn names<'t>(
    text: &'t [u8],
    side: &Side,
    table: &'t Table,
) -> impl Iterator<Item = Entry<'static>> + use<'t> {
    json::elements(text, side.span.start).map(move |value| {
        let name = (value.end - value.start >= 2)
            .then_some(Span { start: value.start + 1, end: value.end - 1 });
        Entry {
            whole: value.start as usize..value.end as usize,
            name,
            column: name.and_then(|name| column(table, name.of(text))),
            value: None,
        }
    })
}

/// The column whose name, as it stands in a text, is `escaped`; in another case where only that fits.
fn column(table: &Table, escaped: &[u8]) -> Option<u16> {
    let name = json::unescape(escaped);
    table.column(&name).or_else(|| table.column_ignoring_case(&name))
}

impl RowEdits {
    /// The number of the edit that `column` has in the image the row's key is taken from.
    fn of_column(&self, row: &Row, column: u16) -> Option<u32> {
        let image = if row.operation == b'd' { Image::Before } else { Image::After };
        let target = Target::Column { image, column };
        let position = self.list.binary_search_by_key(&target, |(target, _)| *target).ok()?;
        self.list.get(position).map(|(_, number)| *number)
    }
}
