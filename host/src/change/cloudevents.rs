//! Debezium's events as CloudEvents in JSON: the event's own members under `data`, and what was in its source block beside it, as
//! attributes whose names begin with `iodebezium`.

use super::debezium::{self, Source, Value};
use super::decode::{Turn, foreign, malformed, twice};
use super::json::{self, Error};
use super::shape::{Names, index};
use super::{Class, Event, Looks, SideKind, Span, SqlFlavour};
use crate::outcome::{Code, Refusal};

/// What a member of a CloudEvent is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Attribute {
    Version,
    Data,
    /// Data that is no JSON.
    Encoded,
    Operation,
    Database,
    Schema,
    Table,
    /// A table of documents.
    Collection,
    Query,
    RedoSql,
    Other,
}

impl Attribute {
    const COUNT: usize = Self::Other as usize;

    fn of(name: &str) -> Self {
        match name {
            "specversion" => Self::Version,
            "data" => Self::Data,
            "data_base64" => Self::Encoded,
            "iodebeziumop" => Self::Operation,
            "iodebeziumdb" => Self::Database,
            "iodebeziumschema" => Self::Schema,
            "iodebeziumtable" => Self::Table,
            "iodebeziumcollection" => Self::Collection,
            "iodebeziumquery" => Self::Query,
            "iodebeziumredosql" => Self::RedoSql,
            _ => Self::Other,
        }
    }

    /// The names of those of which an event can only have one.
    fn single(self) -> Option<&'static str> {
        Some(match self {
            Self::Data => "data",
            Self::Operation => "iodebeziumop",
            Self::Database => "iodebeziumdb",
            Self::Schema => "iodebeziumschema",
            Self::Table => "iodebeziumtable",
            Self::Collection => "iodebeziumcollection",
            Self::Query => "iodebeziumquery",
            Self::RedoSql => "iodebeziumredosql",
            Self::Version | Self::Encoded | Self::Other => return None,
        })
    }
}

/// What the scanner of a topic remembers of its last value.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    names: Names<Attribute>,
}

/// Where the members of one event stand.
struct Sheet {
    /// Each a JSON value; empty where the event has none.
    spans: [Span; Attribute::COUNT],
    /// A member that stands twice and may not.
    twice: Option<&'static str>,
    /// The data, where it is an object.
    data: Option<Value>,
    /// The index after the object.
    end: usize,
}

impl Sheet {
    fn span(&self, attribute: Attribute) -> Span {
        self.spans.get(attribute as usize).copied().unwrap_or_default()
    }
}

impl Turn<'_> {
    /// An event of Debezium's inside a CloudEvent. The converter writes one around changes alone: heartbeats, transactions and
    /// schema changes come as they are.
    pub(super) fn cloudevents(&mut self, text: &[u8]) -> Result<Event, Refusal> {
        let error = |error| malformed(text, error);
        let first_member = self.events.members.len();
        let start = json::begin(text).map_err(error)?;
        if json::byte(text, start) != b'{' {
            let end = json::value(text, start).map_err(error)?;
            json::finish(text, end).map_err(error)?;
            return Ok(self.without_rows(Class::Unknown));
        }
        let sheet = self.attributes(text, start).map_err(error)?;
        json::finish(text, sheet.end).map_err(error)?;
        if sheet.span(Attribute::Version).is_empty() {
            self.events.members.truncate(first_member);
            let event = self.debezium(text)?;
            return match event.class {
                Class::Row => Err(foreign(Looks::Debezium, self.dialect)),
                _ => Ok(event),
            };
        }
        if let Some(name) = sheet.twice {
            return Err(twice(name));
        }
        let data = sheet.span(Attribute::Data).of(text);
        if data.starts_with(b"\"") || !sheet.span(Attribute::Encoded).is_empty() {
            return Err(encoded());
        }
        match sheet.data {
            Some(Value::Level(level)) => self.cloud_event(text, &sheet, level),
            Some(Value::Empty { .. } | Value::Opaque) | None => {
                Ok(self.without_rows(Class::Unknown))
            }
        }
    }

    fn cloud_event(
        &mut self,
        text: &[u8],
        sheet: &Sheet,
        level: debezium::Level,
    ) -> Result<Event, Refusal> {
        if let Some(name) = level.contradiction() {
            return Err(twice(name));
        }
        let own = |attribute, other: Span| {
            let span = sheet.span(attribute);
            if span.of(text).starts_with(b"\"") { span } else { other }
        };
        let collection = sheet.span(Attribute::Collection).of(text).starts_with(b"\"");
        let source = Source {
            database: own(Attribute::Database, level.source.database),
            schema: own(Attribute::Schema, level.source.schema),
            table: own(Attribute::Table, own(Attribute::Collection, level.source.table)),
            collection: collection || level.source.collection,
            ..level.source
        };
        let operation = sheet.span(Attribute::Operation);
        let mut level = if operation.is_empty() { level } else { level.with_operation(operation) };
        level.source = source;
        let event = match level.class(text) {
            (Class::Row, operation) if level.holds_documents() => {
                self.document_row(text, &level, operation)?
            }
            (Class::Row, operation) => self.row(text, &level, operation)?,
            (class, _) => {
                let bare = self.without_rows(class);
                let bare = self.debezium_sides(text, &level, bare);
                Event { value_schema: level.schema, transaction: level.transaction, ..bare }
            }
        };
        let row = (event.first_row != event.last_row).then_some(event.first_row);
        let sql = [(Attribute::Query, SqlFlavour::MySql), (Attribute::RedoSql, SqlFlavour::Oracle)];
        for (attribute, flavour) in sql {
            self.side(text, sheet.span(attribute), SideKind::Sql(flavour), (b'"', row));
        }
        if let Some(sides) = self.events.sides.get_mut(event.first_side as usize..) {
            sides.sort_unstable_by_key(|side| side.span.start);
        }
        Ok(Event { last_side: index(self.events.sides.len()), ..event })
    }

    /// Reads the object at `start`.
    fn attributes(&mut self, text: &[u8], start: usize) -> Result<Sheet, Error> {
        let (attributes, shape, columns) = self.topic.guess_cloud();
        let members = &mut self.events.members;
        let mut data = debezium::Scan { text, shape, columns, members };
        let mut sheet =
            Sheet { spans: [Span::default(); Attribute::COUNT], twice: None, data: None, end: 0 };
        let mut at = json::blanks(text, start + 1);
        if json::byte(text, at) == b'}' {
            sheet.end = at + 1;
            return Ok(sheet);
        }
        let mut position = 0;
        loop {
            let attribute;
            (attribute, at) = attributes.names.read(text, at, position, Attribute::of)?;
            let value = json::blanks(text, at);
            if attribute == Attribute::Data && json::byte(text, value) == b'{' {
                let read;
                (read, at) = data.object(value)?;
                sheet.data = Some(read);
            } else {
                at = json::value(text, value)?;
            }
            if let Some(span) = sheet.spans.get_mut(attribute as usize) {
                if !span.is_empty() {
                    sheet.twice = sheet.twice.or(attribute.single());
                }
                *span = json::span(value, at);
            }
            position += 1;
            let more;
            (more, at) = json::after_member(text, at)?;
            if !more {
                sheet.end = at;
                return Ok(sheet);
            }
        }
    }
}

#[cold]
fn encoded() -> Refusal {
    Refusal::new(
        Code::Undecodable,
        "the CloudEvent's data is no JSON object but encoded text (Avro in base64, mostly); set value.converter.data.serializer.type = \
         json in the connector",
    )
}
