//! AWS Database Migration Service's JSON: the row in `data`, what it was in `before-image`, and all names in `metadata`.

use super::decode::{Turn, malformed};
use super::envelope::Part;
use super::{Class, Event, Presence, Row};
use crate::outcome::Refusal;

fn meaning(name: &str) -> Part {
    match name {
        "data" => Part::Rows,
        "before-image" => Part::Was,
        "metadata" => Part::Extra,
        _ => Part::Other,
    }
}

fn meaning_of_metadata(name: &str) -> Part {
    match name {
        "record-type" => Part::RecordType,
        "operation" => Part::Type,
        "schema-name" => Part::Schema,
        "table-name" => Part::Table,
        "transaction-id" => Part::Transaction,
        _ => Part::Other,
    }
}

/// Of these a record can only have one.
const SINGLE: [(Part, &str); 7] = [
    (Part::Rows, "data"),
    (Part::Was, "before-image"),
    (Part::Extra, "metadata"),
    (Part::RecordType, "record-type"),
    (Part::Type, "operation"),
    (Part::Schema, "schema-name"),
    (Part::Table, "table-name"),
];

/// What a control record may tell of a table.
const CONTROL: [&[u8]; 9] = [
    b"\"create-table\"",
    b"\"rename-table\"",
    b"\"drop-table\"",
    b"\"truncate-table\"",
    b"\"change-columns\"",
    b"\"add-column\"",
    b"\"drop-column\"",
    b"\"rename-column\"",
    b"\"column-type-change\"",
];

impl Turn<'_> {
    pub(super) fn dms(&mut self, text: &[u8]) -> Result<Event, Refusal> {
        let Some(mut sheet) = self.sheet(text, meaning)? else {
            return Ok(self.without_rows(Class::Unknown));
        };
        let (envelope, _) = self.topic.guess_envelope();
        envelope
            .inside(text, &mut sheet, Part::Extra, meaning_of_metadata)
            .map_err(|error| malformed(text, error))?;
        self.only_once(&sheet, &SINGLE)?;
        let kind = sheet.span(Part::Type).of(text);
        let operation = match (sheet.span(Part::RecordType).of(text), kind) {
            (b"\"control\"", kind) if CONTROL.contains(&kind) && self.topic.is_bare() => {
                return Ok(self.without_rows(Class::SchemaChange));
            }
            (b"\"data\"", b"\"load\"") => b'r',
            (b"\"data\"", b"\"insert\"") => b'c',
            (b"\"data\"", b"\"update\"") => b'u',
            (b"\"data\"", b"\"delete\"") => b'd',
            _ => return self.strange(text),
        };
        let images = [Part::Rows, Part::Was].map(|part| self.only_image(text, &sheet, part));
        let [Some(data), Some(was)] = images else { return self.strange(text) };
        if data.presence != Presence::Present {
            return self.strange(text);
        }
        let table = self.settle(text, &sheet)?;
        let bare = Event::bare(Class::Row, self.events);
        let row = Row::new(self.number, table, operation);
        if operation == b'd' {
            self.events.rows.push(Row { before: data, ..row });
            // The row that is gone is told twice.
            if was.presence == Presence::Present {
                self.events.rows.push(Row { companion: true, before: was, ..row });
            }
        } else {
            self.events.rows.push(Row { before: was, after: data, ..row });
        }
        let bare = self.with_key(bare)?;
        Ok(Event { transaction: sheet.span(Part::Transaction), ..self.complete(bare) })
    }
}
