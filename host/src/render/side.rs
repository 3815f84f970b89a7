//! Places beside the images that speak of columns: lists of names and types, and a key's values. They lose and rename what the
//! images lose and rename.

use std::iter;

use super::writer::Writer;
use super::{RowEdits, Subject, nested};
use crate::cell;
use crate::change::json::{self, Removals};
use crate::change::{NO_COLUMN, Row, Side, SideKind, Span};
use crate::contract::{Image, kind};
use crate::overlay::{Fate, Layout, Target};
use crate::table::{Dialect, Table};

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
                Some(named) if named.kind == SideKind::Names && named.row == side.row => {
                    names(text, named, table).map(|entry| entry.column).collect()
                }
                _ => key_columns(subject, json::elements(text, side.span.start).count()),
            };
            edits.load(subject.overlay, row_number);
            let image = image_of_key(row);
            let columns = columns.into_iter().chain(iter::repeat(None));
            let values = json::elements(text, side.span.start).zip(columns);
            let values = values.map(|(value, column)| Entry {
                whole: value.start as usize..value.end as usize,
                name: None,
                column,
                value: column.and_then(|column| {
                    // Its place stays as long as its name does.
                    if *layout.fate(image, column) == Fate::Remove {
                        return Some(NULL);
                    }
                    let edit = subject.overlay.edit(edits.of_column(image, column)?)?;
                    Some(if edit.kind == kind::ABSENT { NULL } else { edit.text })
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
    match table.dialect {
        // In `primary_key_columns` names are the database's, whatever became of them in the row.
        Dialect::Maxwell => table.column_like(&name),
        _ => table.column(&name).or_else(|| table.column_ignoring_case(&name)),
    }
}

/// The columns of `count` values of a key without names: those of the record's key, if it has as many.
fn key_columns(subject: Subject<'_, '_>, count: usize) -> Vec<Option<u16>> {
    let first = subject.rows().next();
    let members = first.map(|(_, row)| subject.events.members_of(&row.key)).unwrap_or_default();
    let columns = members.iter().filter(|member| member.column != NO_COLUMN);
    let columns: Vec<_> = columns.map(|member| Some(member.column)).collect();
    if columns.len() == count { columns } else { Vec::new() }
}

/// The image the row's key is taken from.
fn image_of_key(row: &Row) -> Image {
    if row.operation == b'd' { Image::Before } else { Image::After }
}

const NULL: &[u8] = b"null";

impl RowEdits {
    /// The number of the edit that `column` has in `image`.
    fn of_column(&self, image: Image, column: u16) -> Option<u32> {
        let target = Target::Column { image, column };
        let position = self.list.binary_search_by_key(&target, |(target, _)| *target).ok()?;
        self.list.get(position).map(|(_, number)| *number)
    }
}
