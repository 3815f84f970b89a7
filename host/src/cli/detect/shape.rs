//! What a record is: what it looks like, and what each dialect makes of it. Asks the decoders themselves, so that what is said here
//! is what a pipeline would do. Off the record path.

use crate::change::{self, Class, Decoder, Events, Looks};
use crate::compress::Compression;
use crate::outcome::{Code, Refusal};
use crate::record::Record;
use crate::table::{Dialect, Tables};

/// What a record was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// Written by a tool that a dialect reads.
    Event {
        looks: Looks,
        class: Class,
        has_schema: bool,
    },
    /// Of such a tool, but its own dialect refuses it.
    Unread(Looks),
    /// Debezium's, but no row: alike in all dialects of its family.
    Control(Class),
    Tombstone,
    /// An object of no known shape: a row as such.
    Object,
    /// Of a tool or a format that no dialect reads.
    Foreign(Looks),
    NoObject,
    /// Several objects in one value, none of a known shape.
    Concatenated,
    BrokenJson,
    Text,
    Binary,
}

/// What is known of one record.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) shape: Shape,
    /// The dialect that reads it; none where several do, or none can.
    pub(super) dialect: Option<Dialect>,
    pub(super) compression: Option<Compression>,
    /// Its table, as that dialect reads it.
    pub(super) table: Option<String>,
    /// The topic that Debezium sends such a row to unless told otherwise.
    pub(super) topic: Option<String>,
    /// Those dialects that would refuse it.
    pub(super) refused_by: Vec<Dialect>,
    /// Why its own dialect refuses it.
    pub(super) refusal: Option<Refusal>,
}

/// A decoder for each dialect.
pub(super) struct Sieve(Vec<Lane>);

struct Lane {
    dialect: Dialect,
    decoder: Decoder,
    tables: Tables,
    events: Events,
}

/// What a dialect made of a record.
struct Read {
    class: Class,
    table: Option<String>,
    has_schema: bool,
    refusal: Option<Refusal>,
}

impl Default for Sieve {
    fn default() -> Self {
        let lane = |dialect| Lane {
            dialect,
            decoder: Decoder::new(dialect),
            tables: Tables::default(),
            events: Events::default(),
        };
        Self(Dialect::ALL.map(lane).into())
    }
}

/// Values are unpacked up to this many bytes.
const LARGEST: usize = 64 << 20;

impl Sieve {
    pub(super) fn look(&mut self, record: &Record<'_>) -> Finding {
        let mut unpacked = Vec::new();
        let packed = change::recognise_record(record).and_then(Looks::compression);
        let compression = packed.filter(|compression| {
            let value = record.value.unwrap_or_default();
            compression.unpack(value, LARGEST, &mut unpacked).is_ok() && !unpacked.is_empty()
        });
        let plain = Record {
            value: if compression.is_some() { Some(&unpacked) } else { record.value },
            ..record.clone()
        };
        Finding { compression, ..self.look_at_plain(&plain) }
    }

    fn look_at_plain(&mut self, record: &Record<'_>) -> Finding {
        let looks = change::recognise_record(record);
        let own = looks.and_then(Looks::dialect);
        let mut refused_by = Vec::new();
        let (mut read, mut control) = (None, None);
        for lane in &mut self.0 {
            let it = lane.read(record);
            if it.refusal.is_some() {
                refused_by.push(lane.dialect);
            }
            if own == Some(lane.dialect) {
                read = Some(it);
            } else if lane.dialect == Dialect::Debezium && it.refusal.is_none() {
                control = Some(it.class);
            }
        }
        let mut finding = Finding {
            shape: Shape::Tombstone,
            dialect: own,
            compression: None,
            table: None,
            topic: None,
            refused_by,
            refusal: None,
        };
        match (looks, read) {
            (Some(looks), Some(read)) => {
                let Read { class, table, has_schema, refusal } = read;
                finding.shape = match refusal {
                    Some(_) => Shape::Unread(looks),
                    None => Shape::Event { looks, class, has_schema },
                };
                (finding.table, finding.refusal) = (table, refusal);
                finding.topic = debezium_topic(record);
            }
            (Some(looks), None) => finding.shape = Shape::Foreign(looks),
            (None, _) => finding.shape = plain_shape(record, control),
        }
        finding
    }
}

impl Lane {
    fn read(&mut self, record: &Record<'_>) -> Read {
        self.events.clear();
        let decoded = self.decoder.decode(0, record, &mut self.tables, &mut self.events);
        let event = self.events.events.first();
        let class = event.map_or(Class::Unknown, |event| event.class);
        let rows = event.map(|event| self.events.rows_of(event)).unwrap_or_default();
        let table = rows.first().and_then(|row| self.tables.get(row.table));
        let table = table.filter(|_| class == Class::Row);
        let unknown = || {
            let reason = change::unknown(record, self.dialect);
            (class == Class::Unknown).then(|| Refusal::new(Code::UnknownClass, reason))
        };
        Read {
            class,
            table: table.map(|table| table.qualified_name()).filter(|name| !name.is_empty()),
            has_schema: event.is_some_and(|event| !event.value_schema.is_empty()),
            refusal: decoded.err().or_else(unknown),
        }
    }
}

/// The shape of a record that looks like none of the tools' rows; `control` is what Debezium's dialect makes of it.
fn plain_shape(record: &Record<'_>, control: Option<Class>) -> Shape {
    let Some(value) = record.value else { return Shape::Tombstone };
    match control {
        Some(Class::Tombstone) => return Shape::Tombstone,
        Some(class) if class != Class::Unknown => return Shape::Control(class),
        _ => {}
    }
    let text = std::str::from_utf8(value).ok();
    let text = text.map(|text| text.trim_start_matches('\u{feff}').trim());
    let Some(text) = text else { return Shape::Binary };
    let mut values =
        serde_json::Deserializer::from_str(text).into_iter::<&serde_json::value::RawValue>();
    let is_object = text.starts_with('{');
    match (values.next(), values.next()) {
        (Some(Ok(_)), None) if is_object => Shape::Object,
        (Some(Ok(_)), None) => Shape::NoObject,
        (Some(Ok(_)), Some(Ok(_))) if is_object => Shape::Concatenated,
        _ if is_object => Shape::BrokenJson,
        _ => Shape::Text,
    }
}

/// The topic that Debezium sends such a row to: connector, schema or database, and table, of its source block.
fn debezium_topic(record: &Record<'_>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Value {
        payload: Option<Payload>,
        source: Option<Source>,
    }
    #[derive(serde::Deserialize)]
    struct Payload {
        source: Option<Source>,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Source {
        name: Option<String>,
        db: Option<String>,
        schema: Option<String>,
        table: Option<String>,
        collection: Option<String>,
    }
    let value: Value = serde_json::from_slice(record.value?).ok()?;
    let source = value.source.or(value.payload.and_then(|payload| payload.source))?;
    let part = |part: Option<String>| part.filter(|part| !part.is_empty());
    let group = part(source.schema).or(part(source.db))?;
    let table = part(source.table).or(part(source.collection))?;
    Some(sanitised(&format!("{}.{group}.{table}", part(source.name)?)))
}

/// A topic's name as Debezium makes it of names that Kafka does not take.
fn sanitised(topic: &str) -> String {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    topic.chars().map(|c| if is_legal(c) { c } else { '_' }).collect()
}
