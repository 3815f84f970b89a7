//! What a value is, seen from its shape alone. A few members are looked at and none is kept; off the record path.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::change::Class;
use crate::record::Header;
use crate::table::Dialect;

/// What a value was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// A row of Debezium, with or without the schema around it.
    Debezium {
        has_schema: bool,
    },
    /// Debezium, but no row.
    Control(Class),
    Tombstone,
    /// An object of no known shape: a row as such.
    Object,
    /// Written by something that this version cannot read as rows, though it is JSON.
    Foreign(Foreign),
    /// Not JSON.
    Opaque(Opaque),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Foreign {
    Maxwell,
    MaxwellEncrypted,
    Canal,
    TiCdcCanal,
    GoldenGate,
    Dms,
    CloudEvent,
    /// Several objects in one value, as TiCDC's Maxwell protocol writes them.
    Concatenated,
    NoObject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Opaque {
    Confluent,
    Glue,
    CanalProtobuf,
    Snappy,
    Lz4,
    Zstd,
    Gzip,
    BrokenJson,
    Text,
    Binary,
}

/// A value's shape, and the place its row has in the source where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) shape: Shape,
    pub(super) table: Option<String>,
    /// The topic that Debezium sends such a row to unless told otherwise.
    pub(super) topic: Option<String>,
}

impl Shape {
    /// The dialect that reads it; none where every dialect passes it, or none can read it.
    pub(super) fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Debezium { .. } | Self::Control(_) => Some(Dialect::Debezium),
            Self::Object => Some(Dialect::Json),
            Self::Tombstone | Self::Foreign(_) | Self::Opaque(_) => None,
        }
    }
}

pub(super) fn recognise(value: Option<&[u8]>, headers: &[Header<'_>]) -> Finding {
    let bare = |shape| Finding { shape, table: None, topic: None };
    let Some(value) = value else { return bare(Shape::Tombstone) };
    if headers.iter().any(|header| header.name == b"__value_schema_id") {
        return bare(Shape::Opaque(Opaque::Confluent));
    }
    let text = std::str::from_utf8(value).ok();
    let text = text.map(|text| text.trim_start_matches('\u{feff}').trim());
    match text {
        Some(text) if text.starts_with('{') => of_object(text),
        Some(text) if serde_json::from_str::<&RawValue>(text).is_ok() => {
            bare(Shape::Foreign(Foreign::NoObject))
        }
        _ => bare(Shape::Opaque(framing(value, text.is_some()))),
    }
}

/// How the bytes are framed, by the marks at their beginning.
fn framing(value: &[u8], is_text: bool) -> Opaque {
    // A type of 7 (messages) in field 3 and then the body, as Canal's server writes its packets.
    const CANAL_PACKET: [u8; 3] = [0x18, 0x07, 0x2a];
    match value {
        [0x00, _, _, _, _, ..] => Opaque::Confluent,
        [0x03, 0x00 | 0x05, ..] if value.len() > 18 => Opaque::Glue,
        [0xff, 0x06, 0x00, 0x00, b's', b'N', b'a', b'P', b'p', b'Y', ..]
        | [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', ..] => Opaque::Snappy,
        [0x04, 0x22, 0x4d, 0x18, ..] => Opaque::Lz4,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Opaque::Zstd,
        [0x1f, 0x8b, ..] => Opaque::Gzip,
        _ if value.starts_with(&CANAL_PACKET) => Opaque::CanalProtobuf,
        _ if is_text => Opaque::Text,
        _ => Opaque::Binary,
    }
}

/// The members of the object that `text` is, each unread; of two with one name the last. None where it is no object.
pub(super) fn members(text: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(text).ok()
}

type Members<'t> = BTreeMap<String, &'t RawValue>;

fn of_object(text: &str) -> Finding {
    let bare = |shape| Finding { shape, table: None, topic: None };
    let Some(members) = members(text) else {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        let is_first_whole = values.next().is_some_and(|value| value.is_ok());
        return bare(if is_first_whole {
            Shape::Foreign(Foreign::Concatenated)
        } else {
            Shape::Opaque(Opaque::BrokenJson)
        });
    };
    let is_enveloped = members.contains_key("schema") && members.contains_key("payload");
    match members.get("payload").filter(|_| is_enveloped) {
        Some(payload) if payload.get() == "null" => bare(Shape::Tombstone),
        Some(payload) => match self::members(payload.get()) {
            Some(inner) => of_members(&inner, true),
            None => bare(Shape::Object),
        },
        None => of_members(&members, false),
    }
}

fn of_members(members: &Members<'_>, has_schema: bool) -> Finding {
    let has = |name: &str| members.contains_key(name);
    let bare = |shape| Finding { shape, table: None, topic: None };
    if has("op") && (has("source") || has("before") || has("after")) {
        return debezium(members, has_schema);
    }
    if matches!(text(members, "status").as_deref(), Some("BEGIN" | "END")) && has("id") {
        return bare(Shape::Control(Class::Transaction));
    }
    if has("ddl") && (has("tableChanges") || has("databaseName")) {
        return bare(Shape::Control(Class::SchemaChange));
    }
    if has("ts_ms") && members.len() == 1 {
        return bare(Shape::Control(Class::Heartbeat));
    }
    if let Some(foreign) = foreign(members) {
        let table = [text(members, "database"), text(members, "table")];
        let table = table.into_iter().flatten().filter(|part| !part.is_empty());
        let table: Vec<String> = table.collect();
        let table = (!table.is_empty()).then(|| table.join("."));
        return Finding { shape: Shape::Foreign(foreign), table, topic: None };
    }
    bare(Shape::Object)
}

fn debezium(members: &Members<'_>, has_schema: bool) -> Finding {
    let source = members.get("source").and_then(|source| self::members(source.get()));
    let source = source.unwrap_or_default();
    let part = |name| text(&source, name).filter(|part| !part.is_empty());
    let table = part("table").or_else(|| part("collection"));
    let group = part("schema").or_else(|| part("db"));
    let path = |parts: &[&Option<String>]| {
        let parts: Option<Vec<&str>> = parts.iter().map(|part| part.as_deref()).collect();
        parts.map(|parts| parts.join("."))
    };
    Finding {
        shape: match text(members, "op").as_deref() {
            Some("t") => Shape::Control(Class::Truncate),
            Some("m") if members.contains_key("message") => Shape::Control(Class::Message),
            Some("m") => Shape::Control(Class::Watermark),
            _ => Shape::Debezium { has_schema },
        },
        topic: path(&[&part("name"), &group, &table]).map(|topic| sanitised(&topic)),
        table: path(&[&group, &table]).or(table),
    }
}

/// A topic's name as Debezium makes it of names that Kafka does not take.
fn sanitised(topic: &str) -> String {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    topic.chars().map(|c| if is_legal(c) { c } else { '_' }).collect()
}

fn foreign(members: &Members<'_>) -> Option<Foreign> {
    let has = |name: &str| members.contains_key(name);
    let is_list = |name: &str| members.get(name).is_some_and(|it| it.get().starts_with('['));
    if has("database") && has("type") {
        if has("_tidb") {
            return Some(Foreign::TiCdcCanal);
        }
        if has("isDdl") || has("mysqlType") || has("pkNames") || is_list("data") {
            return Some(Foreign::Canal);
        }
        if has("encrypted") {
            return Some(Foreign::MaxwellEncrypted);
        }
        if has("data") || has("old") || has("def") || has("ts") {
            return Some(Foreign::Maxwell);
        }
    }
    if has("encrypted") && members.len() == 1 {
        return Some(Foreign::MaxwellEncrypted);
    }
    if has("op_type") && has("table") {
        return Some(Foreign::GoldenGate);
    }
    let metadata = members.get("metadata").and_then(|metadata| self::members(metadata.get()));
    if metadata.is_some_and(|metadata| metadata.contains_key("operation")) {
        return Some(Foreign::Dms);
    }
    has("specversion").then_some(Foreign::CloudEvent)
}

/// The member `name` where it is text.
fn text(members: &Members<'_>, name: &str) -> Option<String> {
    serde_json::from_str(members.get(name)?.get()).ok()
}
