//! Oracle GoldenGate's JSON: one operation a record, with the row before and after it, each perhaps only in part.

use super::decode::Turn;
use super::envelope::Part;
use super::shape::index;
use super::{Class, Event, Row, SideKind};
use crate::outcome::Refusal;

fn meaning(name: &str) -> Part {
    match name {
        "table" => Part::Table,
        "op_type" => Part::Type,
        "before" => Part::Was,
        "after" => Part::Rows,
        "primary_keys" => Part::KeyNames,
        _ => Part::Other,
    }
}

/// Of these an operation can only have one.
const SINGLE: [(Part, &str); 5] = [
    (Part::Table, "table"),
    (Part::Type, "op_type"),
    (Part::Was, "before"),
    (Part::Rows, "after"),
    (Part::KeyNames, "primary_keys"),
];

/// Database, schema and table of `OWNER.T` or `CATALOG.OWNER.T`.
pub(super) fn names(table: &str) -> [&str; 3] {
    match table.split_once('.') {
        None => ["", "", table],
        Some((first, rest)) => match rest.split_once('.') {
            None => ["", first, rest],
            Some((second, rest)) => [first, second, rest],
        },
    }
}

impl Turn<'_> {
    pub(super) fn ogg(&mut self, text: &[u8]) -> Result<Event, Refusal> {
        let Some(sheet) = self.sheet(text, meaning)? else {
            return Ok(self.without_rows(Class::Unknown));
        };
        self.only_once(&sheet, &SINGLE)?;
        let operation = match sheet.span(Part::Type).of(text) {
            b"\"I\"" => b'c',
            b"\"U\"" => b'u',
            b"\"D\"" => b'd',
            b"\"T\"" if self.topic.is_bare() => {
                return Ok(self.without_rows(Class::Truncate));
            }
            _ => return self.strange(text),
        };
        // Where neither stands, the columns may lie about in the object itself, as the row formatter has them.
        if !sheet.has(Part::Was) && !sheet.has(Part::Rows) {
            return self.strange(text);
        }
        let images = [Part::Was, Part::Rows].map(|part| self.only_image(text, &sheet, part));
        let [Some(before), Some(after)] = images else { return self.strange(text) };
        let table = self.settle(text, &sheet)?;
        let bare = Event::bare(Class::Row, self.events);
        self.events.rows.push(Row { before, after, ..Row::new(self.number, table, operation) });
        let row = Some(index(self.events.rows.len() - 1));
        self.side(text, sheet.span(Part::KeyNames), SideKind::Names, (b'[', row));
        let bare = self.with_key(bare)?;
        Ok(self.complete(bare))
    }
}
