//! Maxwell's JSON: one row an object, with what it was where that differs, and the places beside it that speak of its columns.

use super::decode::Turn;
use super::envelope::{Part, Sheet};
use super::shape::index;
use super::{Class, Event, Presence, Row, RowImage, Side, SideKind, Span, SqlFlavour};
use crate::outcome::{Code, Refusal};

/// In `snake_case`, and as `output_naming_strategy = underscore_to_camelcase` has it.
pub(super) fn meaning(name: &str) -> Part {
    match name {
        "data" => Part::Rows,
        "old" => Part::Was,
        "database" => Part::Database,
        "table" => Part::Table,
        "type" => Part::Type,
        "query" => Part::Query,
        "sql" => Part::Sql,
        "primary_key" | "primaryKey" => Part::KeyValues,
        "primary_key_columns" | "primaryKeyColumns" => Part::KeyNames,
        "encrypted" => Part::Encrypted,
        "xid" => Part::Transaction,
        "commit" => Part::Commit,
        _ => Part::Other,
    }
}

/// Of these an object can only have one.
const SINGLE: [(Part, &str); 10] = [
    (Part::Rows, "data"),
    (Part::Was, "old"),
    (Part::Database, "database"),
    (Part::Table, "table"),
    (Part::Type, "type"),
    (Part::Query, "query"),
    (Part::Sql, "sql"),
    (Part::KeyValues, "primary_key"),
    (Part::KeyNames, "primary_key_columns"),
    (Part::Encrypted, "encrypted"),
];

impl Turn<'_> {
    pub(super) fn maxwell(&mut self, text: &[u8]) -> Result<Event, Refusal> {
        let Some(sheet) = self.sheet(text, meaning)? else {
            return Ok(self.without_rows(Class::Unknown));
        };
        let bare = Event::bare(Class::Row, self.events);
        let class = self.maxwell_object(text, &sheet, Span::default())?;
        let bare = match class {
            Class::Unknown => return self.strange(text),
            Class::Row => self.with_key(bare)?,
            class => Event { class, ..bare },
        };
        let commits = sheet.span(Part::Commit).of(text) == b"true";
        let transaction = sheet.span(Part::Transaction);
        Ok(Event { transaction, commits, ..self.complete(bare) })
    }

    /// Adds the row that one object holds, and the places beside it. `object` is what leaves with the row, where the value holds
    /// more than this one. Every class but [`Class::Row`] has no row.
    pub(super) fn maxwell_object(
        &mut self,
        text: &[u8],
        sheet: &Sheet,
        object: Span,
    ) -> Result<Class, Refusal> {
        self.only_once(sheet, &SINGLE)?;
        let operation = operation(sheet.span(Part::Type).of(text));
        let images = [Part::Rows, Part::Was].map(|part| self.only_image(text, sheet, part));
        let (Some(operation), [Some(data), Some(old)]) = (operation, images) else {
            let class = self.maxwell_without_row(text, sheet);
            self.maxwell_sides(text, sheet, None);
            return Ok(class);
        };
        let Some((before, after)) = placed(operation, data, old)? else {
            let class = self.maxwell_without_row(text, sheet);
            self.maxwell_sides(text, sheet, None);
            return Ok(class);
        };
        let table = self.settle(text, sheet)?;
        let delta = operation == b'u' && before.presence == Presence::Present;
        let row = Row { object, delta, before, after, ..Row::new(self.number, table, operation) };
        self.events.rows.push(row);
        let row = index(self.events.rows.len() - 1);
        self.maxwell_sides(text, sheet, Some(row));
        Ok(Class::Row)
    }

    fn maxwell_without_row(&self, text: &[u8], sheet: &Sheet) -> Class {
        let kind = sheet.span(Part::Type).of(text);
        let has_data = sheet.span(Part::Rows).of(text).first().is_some_and(|first| *first != b'n');
        match kind {
            b"\"bootstrap-start\"" | b"\"bootstrap-complete\"" if self.topic.is_bare() => {
                Class::SnapshotMarker
            }
            b"\"table-create\""
            | b"\"table-alter\""
            | b"\"table-drop\""
            | b"\"database-create\""
            | b"\"database-alter\""
            | b"\"database-drop\""
                if !has_data =>
            {
                Class::SchemaChange
            }
            // In place of the images, or of the whole object.
            _ if sheet.span(Part::Encrypted).of(text).first() == Some(&b'{')
                && !sheet.has(Part::Rows)
                && !sheet.has(Part::Was)
                && (operation(kind).is_some() || sheet.members == 1) =>
            {
                Class::Encrypted
            }
            _ => Class::Unknown,
        }
    }

    /// Notes the places that speak of columns: the key's values right behind its names, wherever they stand.
    fn maxwell_sides(&mut self, text: &[u8], sheet: &Sheet, row: Option<u32>) {
        let first = self.events.sides.len();
        let sql = SideKind::Sql(SqlFlavour::MySql);
        let sides = [
            (Part::Query, sql, b'"'),
            (Part::Sql, sql, b'"'),
            (Part::KeyNames, SideKind::Names, b'['),
            (Part::KeyValues, SideKind::KeyValues, b'['),
        ];
        for (part, kind, opens) in sides {
            self.side(text, sheet.span(part), kind, (opens, row));
        }
        let names = sheet.span(Part::KeyNames).start;
        let place = |side: &Side| match side.kind {
            SideKind::KeyValues if names != 0 => names,
            _ => side.span.start,
        };
        if let Some(sides) = self.events.sides.get_mut(first..) {
            sides.sort_by_key(place);
        }
    }
}

fn operation(kind: &[u8]) -> Option<u8> {
    Some(match kind {
        b"\"insert\"" => b'c',
        b"\"update\"" => b'u',
        b"\"delete\"" => b'd',
        b"\"bootstrap-insert\"" => b'r',
        _ => return None,
    })
}

/// The row before and after the change; none where there is no row. A deleted row stands in `data`, and in `old` where TiCDC
/// wrote it.
fn placed(
    operation: u8,
    data: RowImage,
    old: RowImage,
) -> Result<Option<(RowImage, RowImage)>, Refusal> {
    let there = |image: &RowImage| image.presence == Presence::Present;
    let nothing = RowImage::default();
    Ok(match (operation, there(&data), there(&old)) {
        (b'd', true, true) => {
            let reason = "the value has both \"data\" and \"old\", of which a delete has one";
            return Err(Refusal::new(Code::Undecodable, reason));
        }
        (b'd', true, false) => Some((data, nothing)),
        (b'd', false, true) => Some((old, nothing)),
        (_, true, _) => Some((old, data)),
        (_, false, _) => None,
    })
}
