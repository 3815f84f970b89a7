//! What Debezium's `ExtractNewRecordState` leaves of an event: the row alone. Its operation and table stand in members or headers
//! that begin with two underscores, if the source was told to add them; else the topic names the table.
//!
//! Those members are columns like any other, which plugins may read and remove.

use super::decode::{Turn, foreign, malformed, twice};
use super::{Class, Event, Looks, Presence, Row, RowImage, Span, json, types};
use crate::outcome::Refusal;
use crate::record::Record;

/// What the members of a row say about it.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    operation: Span,
    deleted: Span,
    database: Span,
    schema: Span,
    table: Span,
    /// Members of what is no row: the source block of an event that was not flattened, and those of a transaction marker.
    source: Span,
    status: Span,
    /// How many of the members are those of a transaction marker.
    of_transaction: usize,
}

impl Turn<'_> {
    /// A flattened row, or one of Debezium's records that have none and stay as they are.
    pub(super) fn flat(&mut self, text: &[u8]) -> Result<Event, Refusal> {
        let first_member = self.events.members.len();
        let error = |error| malformed(text, error);
        let mut wrapped =
            self.topic.wrapped(text, true, &mut self.events.members).map_err(error)?;
        if !is_schema(wrapped.schema.of(text)) {
            // A row whose columns are called so, and no envelope.
            self.events.members.truncate(first_member);
            wrapped = self.topic.wrapped(text, false, &mut self.events.members).map_err(error)?;
        }
        match wrapped.image.presence {
            Presence::Present => {}
            Presence::Null if !wrapped.schema.is_empty() => return self.tombstone(wrapped.schema),
            _ => return Ok(self.without_rows(Class::Unknown)),
        }
        let marks = self.marks(text, &wrapped.image)?;
        if self.topic.is_heartbeat() || self.is_control(text, &wrapped.image, &marks) {
            self.events.members.truncate(first_member);
            let event = self.debezium(text)?;
            return match event.class {
                Class::Row => Err(foreign(Looks::Debezium, self.dialect)),
                _ => Ok(event),
            };
        }
        let guess = self.topic.last();
        let table = self.flat_table(text, &marks);
        let same = guess == Some(table);
        let known = self.topic.table(table);
        if !wrapped.schema.is_empty() {
            let told = wrapped.schema.of(text);
            known.note_types(told, wrapped.schema_number, types::of_row, self.tables);
        }
        if !(same && wrapped.guessed) {
            let members = self.events.members_mut(&wrapped.image);
            known.settle(text, members, !same, self.tables)?;
        }
        let index = known.index();
        let operation = self.flat_operation(text, &marks);
        let mut row = Row::new(self.number, index, operation);
        match operation {
            b'd' => row.before = wrapped.image,
            _ => row.after = wrapped.image,
        }
        self.with_row(row, wrapped.schema)
    }

    fn marks(&self, text: &[u8], image: &RowImage) -> Result<Marks, Refusal> {
        let mut marks = Marks::default();
        for member in self.events.members_of(image) {
            let name = member.name.of(text);
            let place = match name {
                b"__op" => &mut marks.operation,
                b"__deleted" => &mut marks.deleted,
                b"__db" | b"__source_db" => &mut marks.database,
                b"__schema" | b"__source_schema" => &mut marks.schema,
                b"__table" | b"__source_table" | b"__collection" | b"__source_collection" => {
                    &mut marks.table
                }
                b"source" => &mut marks.source,
                b"status" => {
                    marks.of_transaction += 1;
                    &mut marks.status
                }
                b"id" | b"event_count" | b"data_collections" | b"ts_ms" => {
                    marks.of_transaction += 1;
                    continue;
                }
                _ => continue,
            };
            if !place.is_empty() && matches!(name, b"__op" | b"__deleted") {
                return Err(twice(&json::unescape(name)));
            }
            *place = member.value;
        }
        Ok(marks)
    }

    /// Whether it is one of the records that are not flattened: a message, a schema change, a transaction marker. A table would need
    /// a column `source` that is an object with a `connector`, or all the columns of a marker and no other.
    fn is_control(&self, text: &[u8], image: &RowImage, marks: &Marks) -> bool {
        let source = marks.source.of(text);
        let mut connector = json::members(source, 0).map(|(name, _)| name.of(source));
        let members = self.events.members_of(image).len();
        let is_marker = || {
            matches!(marks.status.of(text), b"\"BEGIN\"" | b"\"END\"")
                && marks.of_transaction == 5
                && members == 5
        };
        (source.starts_with(b"{") && connector.any(|name| name == b"connector")) || is_marker()
    }

    fn flat_operation(&self, text: &[u8], marks: &Marks) -> u8 {
        let code = |value: &[u8]| match value {
            [code @ (b'c' | b'u' | b'd' | b'r')]
            | [b'"', code @ (b'c' | b'u' | b'd' | b'r'), b'"'] => Some(*code),
            _ => None,
        };
        let told = code(marks.operation.of(text));
        let deleted = || matches!(marks.deleted.of(text), b"\"true\"" | b"true").then_some(b'd');
        let header = || header(self.record, &[b"__op"]).and_then(code);
        told.or_else(deleted).or_else(header).unwrap_or(b'c')
    }

    /// The number of the row's table in the topic.
    fn flat_table(&mut self, text: &[u8], marks: &Marks) -> usize {
        let member = |span: Span| Some(span.of(text)).filter(|value| value.starts_with(b"\""));
        let header = |names| header(self.record, names);
        let database = member(marks.database).or_else(|| header(&[b"__db", b"__source_db"]));
        let schema = member(marks.schema).or_else(|| header(&[b"__schema", b"__source_schema"]));
        let table = member(marks.table).or_else(|| {
            header(&[b"__table", b"__source_table", b"__collection", b"__source_collection"])
        });
        let name = [database, schema, table].map(Option::unwrap_or_default);
        self.topic.find_named(name, self.tables, self.dialect)
    }
}

/// Whether the `schema` of an envelope is one: null, or says its type. There is none without an envelope.
fn is_schema(schema: &[u8]) -> bool {
    let is_type = |(name, _): (Span, Span)| name.of(schema) == b"type";
    matches!(schema, b"" | b"null") || json::members(schema, 0).any(is_type)
}

/// The value of the first header that has one of `names`.
fn header<'r>(record: &Record<'r>, names: &[&[u8]]) -> Option<&'r [u8]> {
    let named = record.headers.iter().find(|header| names.contains(&header.name));
    named.and_then(|header| header.value)
}
