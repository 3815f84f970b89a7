//! From a record to its event: what each dialect makes of a value, which table it belongs to, and which columns its members
//! are. Keeps what it learnt of each topic, so that the next record costs little.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::debezium::{Level, Scan, Value};
use super::json;
use super::shape::index;
use super::topic::{Key, Topic};
use super::{Class, Event, Events, Looks, Row, RowImage, Span, mongo, recognise, types};
use crate::outcome::{Code, Refusal};
use crate::record::Record;
use crate::table::{self, Dialect, Dialects, Tables};

/// Decodes the records of one lane. Belongs to one [`Tables`]: the same must be given each time.
#[derive(Debug)]
pub struct Decoder {
    dialects: Dialects,
    topics: Vec<Topic>,
    by_name: FxHashMap<Arc<str>, usize>,
    last: usize,
}

impl Decoder {
    pub fn new(dialects: impl Into<Dialects>) -> Self {
        let dialects = dialects.into();
        Self { dialects, topics: Vec::new(), by_name: FxHashMap::default(), last: 0 }
    }

    /// Adds exactly one event, with its rows and members, for the batch's `number`th record; columns and tables that are new
    /// come into `tables`.
    ///
    /// A refused record is there as an event of class unknown, without rows. Codes: `undecodable` for what is not JSON or
    /// contradicts itself, `unknown-class` for events of another dialect, `schema-unknown` for too many columns.
    pub fn decode(
        &mut self,
        number: u32,
        record: &Record<'_>,
        tables: &mut Tables,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let rows = events.rows.len();
        let members = events.members.len();
        let sides = events.sides.len();
        let topic = self.topic(record.topic);
        let mut turn = Turn { number, dialect: topic.dialect(), record, topic, tables, events };
        match turn.event() {
            Ok(event) => {
                events.events.push(event);
                Ok(())
            }
            Err(refusal) => {
                events.rows.truncate(rows);
                events.members.truncate(members);
                events.sides.truncate(sides);
                events.events.push(Event::bare(Class::Unknown, events));
                Err(told_by_headers(refusal, record))
            }
        }
    }

    fn topic(&mut self, name: &Arc<str>) -> &mut Topic {
        let is_last = self.topics.get(self.last).is_some_and(|last| Arc::ptr_eq(last.name(), name));
        if !is_last {
            self.last = self.by_name.get(name).copied().unwrap_or_else(|| {
                self.topics.push(Topic::new(name, self.dialects.of(name)));
                self.by_name.insert(Arc::clone(name), self.topics.len() - 1);
                self.topics.len() - 1
            });
        }
        self.topics.get_mut(self.last).expect("`last` is the number of a topic that was pushed")
    }
}

impl Event {
    /// An event without rows and sides, behind those that `events` has.
    pub(super) fn bare(class: Class, events: &Events) -> Self {
        let (row, side) = (index(events.rows.len()), index(events.sides.len()));
        Self {
            class,
            first_row: row,
            last_row: row,
            first_side: side,
            last_side: side,
            value_schema: Span::default(),
            key_schema: Span::default(),
            transaction: Span::default(),
            elsewhere: false,
            commits: false,
        }
    }
}

/// One record on its way to an event.
pub(super) struct Turn<'a> {
    pub(super) number: u32,
    pub(super) dialect: Dialect,
    pub(super) record: &'a Record<'a>,
    pub(super) topic: &'a mut Topic,
    pub(super) tables: &'a mut Tables,
    pub(super) events: &'a mut Events,
}

impl Turn<'_> {
    fn event(&mut self) -> Result<Event, Refusal> {
        let Some(text) = self.record.value else {
            return self.tombstone(Span::default());
        };
        match self.dialect {
            Dialect::Debezium | Dialect::TicdcDebezium => self.debezium(text),
            Dialect::DebeziumFlat => self.flat(text),
            Dialect::Maxwell => self.maxwell(text),
            Dialect::TicdcMaxwell => self.ticdc_maxwell(text),
            Dialect::Ogg => self.ogg(text),
            Dialect::Dms => self.dms(text),
            Dialect::Canal | Dialect::Ticdc => self.canal(text),
            Dialect::CloudEvents => self.cloudevents(text),
            Dialect::Json => self.json(text),
        }
    }

    pub(super) fn debezium(&mut self, text: &[u8]) -> Result<Event, Refusal> {
        let (shape, columns) = self.topic.guess();
        let members = &mut self.events.members;
        let value = Scan { text, shape, columns, members }.value();
        let level = match value.map_err(|error| malformed(text, error))? {
            Value::Level(level) => level,
            Value::Empty { schema } => return self.tombstone(schema),
            Value::Opaque => return Ok(self.without_rows(Class::Unknown)),
        };
        if let Some(name) = level.contradiction() {
            return Err(twice(name));
        }
        let event = match level.class(text) {
            (Class::Row, operation) if level.holds_documents() => {
                return self.document_row(text, &level, operation);
            }
            (Class::Row, operation) => return self.row(text, &level, operation),
            (Class::Unknown, _) if self.topic.is_heartbeat() => self.without_rows(Class::Heartbeat),
            (Class::Unknown, _) => {
                if let Some(family) = recognise::foreign(text, self.dialect) {
                    return Err(foreign(family, self.dialect));
                }
                self.without_rows(Class::Unknown)
            }
            (class, _) => self.without_rows(class),
        };
        let event = self.debezium_sides(text, &level, event);
        Ok(Event { value_schema: level.schema, transaction: level.transaction, ..event })
    }

    pub(super) fn row(
        &mut self,
        text: &[u8],
        level: &Level,
        operation: u8,
    ) -> Result<Event, Refusal> {
        let guess = self.topic.last();
        let table = self.topic.find(text, &level.source, self.tables, self.dialect);
        let same = guess == Some(table);
        let known = self.topic.table(table);
        known.holds_documents(false);
        if !level.schema.is_empty() {
            let told = level.schema.of(text);
            known.note_types(told, level.schema_number, types::of_envelope, self.tables);
        }
        if !(same && level.guessed) {
            for image in [&level.before, &level.after] {
                known.settle(text, self.events.members_mut(image), !same, self.tables)?;
            }
        }
        let row = Row {
            before: level.before,
            after: level.after,
            ..Row::new(self.number, known.index(), operation)
        };
        let mut event = self.with_row(row, level.schema)?;
        if level.source.has_statement() {
            event = self.debezium_sides(text, level, event);
        }
        Ok(Event { transaction: level.transaction, ..event })
    }

    fn json(&mut self, text: &[u8]) -> Result<Event, Refusal> {
        let malformed = |error| malformed(text, error);
        let start = json::begin(text).map_err(malformed)?;
        if json::byte(text, start) != b'{' {
            let end = json::value(text, start).map_err(malformed)?;
            json::finish(text, end).map_err(malformed)?;
            return Ok(self.without_rows(Class::Unknown));
        }
        let table = self.topic.find_by_topic(self.tables, Dialect::Json);
        let known = self.topic.table(table);
        let columns = known.columns();
        let (after, guessed, end) = columns
            .image(&columns.row, text, start, &mut self.events.members)
            .map_err(malformed)?;
        json::finish(text, end).map_err(malformed)?;
        if !guessed {
            known.settle(text, self.events.members_mut(&after), false, self.tables)?;
        }
        let row = Row { after, ..Row::new(self.number, known.index(), b'c') };
        self.with_row(row, Span::default())
    }

    /// A tombstone has no value to say which table it is of: it follows the last row of its topic.
    pub(super) fn tombstone(&mut self, value_schema: Span) -> Result<Event, Refusal> {
        let table = match self.topic.last() {
            Some(table) => table,
            None => {
                let table = self.topic.find_by_topic(self.tables, self.dialect);
                if self.record.key.is_some_and(mongo::is_document_key) {
                    self.topic.table(table).holds_documents(true);
                }
                table
            }
        };
        let row = Row::new(self.number, self.topic.table(table).index(), b'd');
        let event = self.with_row(row, value_schema)?;
        Ok(Event { class: Class::Tombstone, ..event })
    }

    /// Adds `row` with the record's key, for the table that `topic` used last.
    pub(super) fn with_row(&mut self, mut row: Row, value_schema: Span) -> Result<Event, Refusal> {
        let key = self.key()?;
        row.key = key.image;
        let bare = Event::bare(Class::Row, self.events);
        self.events.rows.push(row);
        Ok(Event { last_row: bare.first_row + 1, value_schema, key_schema: key.schema, ..bare })
    }

    /// The record's key, for the table that `topic` used last.
    pub(super) fn key(&mut self) -> Result<Key, Refusal> {
        match self.record.key {
            Some(key) => self.topic.key(key, self.dialect, &mut self.events.members, self.tables),
            None => Ok(Key::default()),
        }
    }

    pub(super) fn without_rows(&self, class: Class) -> Event {
        Event::bare(class, self.events)
    }
}

impl Row {
    /// A row without images.
    pub(super) fn new(record: u32, table: table::Index, operation: u8) -> Self {
        Self {
            record,
            table,
            operation,
            object: Span::default(),
            delta: false,
            companion: false,
            before: RowImage::default(),
            after: RowImage::default(),
            key: RowImage::default(),
        }
    }
}

#[cold]
pub(super) fn twice(name: &str) -> Refusal {
    let reason =
        format!("the value has the member \"{name}\" twice, and nobody can say which counts");
    Refusal::new(Code::Undecodable, reason)
}

#[cold]
pub(super) fn malformed(text: &[u8], error: json::Error) -> Refusal {
    let reason = match recognise::not_json(text) {
        Some(looks) => format!("the value is not JSON: {looks}"),
        None => format!("the value is not JSON: {error}"),
    };
    Refusal::new(Code::Undecodable, reason)
}

/// Adds what the headers say a value is, where that is not JSON.
#[cold]
fn told_by_headers(refusal: Refusal, record: &Record<'_>) -> Refusal {
    match recognise::by_header(record).filter(|_| refusal.code == Code::Undecodable) {
        Some(looks) => {
            let reason =
                format!("{}; its headers say it is one of {}", refusal.reason, looks.as_str());
            Refusal { reason, ..refusal }
        }
        None => refusal,
    }
}

#[cold]
pub(super) fn foreign(looks: Looks, dialect: Dialect) -> Refusal {
    let help = looks.dialect().map_or_else(
        || looks.remedy().unwrap_or_default().to_owned(),
        |own| format!("give their topics `dialects = {{ \"TOPIC\" = \"{own}\" }}`, or a pipeline of their own"),
    );
    let reason = format!(
        "these look like {}, which dialect \"{dialect}\" cannot read: {help}",
        looks.as_str()
    );
    Refusal::new(Code::UnknownClass, reason)
}
