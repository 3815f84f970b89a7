//! From what was found to what is proposed, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::shape::{Foreign, Opaque, Shape, recognise};
use crate::change::Class;
use crate::cli::records::Format;
use crate::record::Record;
use crate::table::Dialect;

/// More topics than this are proposed as a glob.
const LISTED_TOPICS: usize = 8;
const LISTED_TABLES: usize = 20;

/// What a sample holds.
pub(super) struct Findings {
    events: u64,
    shapes: BTreeMap<Shape, u64>,
    tables: BTreeMap<String, u64>,
    /// As the records say, or as Debezium would name them.
    topics: BTreeSet<String>,
    format: Format,
}

impl Findings {
    pub(super) fn new(format: Format) -> Self {
        Self {
            events: 0,
            shapes: BTreeMap::new(),
            tables: BTreeMap::new(),
            topics: BTreeSet::new(),
            format,
        }
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn add(&mut self, record: &Record<'_>) {
        let finding = recognise(record.value, &record.headers);
        self.events += 1;
        *self.shapes.entry(finding.shape).or_default() += 1;
        if let Some(table) = finding.table {
            *self.tables.entry(table).or_default() += 1;
        }
        let topic = match self.format {
            Format::Records => Some(record.topic.to_string()),
            Format::Lines => finding.topic,
        };
        // Topics that begin with two underscores are Kafka's and Debezium's own.
        let is_proposed =
            |topic: &String| finding.shape.dialect().is_some() && !topic.starts_with("__");
        self.topics.extend(topic.filter(is_proposed));
    }

    pub(super) fn has_proposal(&self) -> bool {
        self.dialect().is_some()
    }

    /// The dialect that reads most; of two that read as much, the more particular.
    fn dialect(&self) -> Option<Dialect> {
        let read_by = |dialect| self.sum(|shape| shape.dialect() == Some(dialect));
        let (debezium, json) = (read_by(Dialect::Debezium), read_by(Dialect::Json));
        match (debezium, json) {
            (0, 0) => None,
            _ if debezium >= json => Some(Dialect::Debezium),
            _ => Some(Dialect::Json),
        }
    }

    fn sum(&self, is_meant: impl Fn(Shape) -> bool) -> u64 {
        let meant = self.shapes.iter().filter(|(shape, _)| is_meant(**shape));
        meant.map(|(_, count)| count).sum()
    }

    /// What of the sample would be refused under `dialect`.
    fn refused(&self, dialect: Dialect) -> u64 {
        self.sum(|shape| match shape {
            Shape::Opaque(_) | Shape::Foreign(Foreign::Concatenated | Foreign::NoObject) => true,
            Shape::Object | Shape::Foreign(_) => dialect != Dialect::Json,
            Shape::Debezium { .. } | Shape::Control(_) | Shape::Tombstone => false,
        })
    }

    fn from(&self) -> String {
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        let prefix = common_prefix(&topics);
        if topics.is_empty() {
            "[\"CHANGE-ME\"]".to_owned()
        } else if topics.len() > LISTED_TOPICS && !prefix.is_empty() {
            format!("[\"{prefix}*\"]")
        } else {
            format!("[\"{}\"]", topics.join("\", \""))
        }
    }

    /// The first part of the topics, which is the name that Debezium's connector was given.
    fn name(&self) -> &str {
        let first = self.topics.iter().next().and_then(|topic| topic.split('.').next());
        first.filter(|name| !name.is_empty()).unwrap_or("events")
    }
}

/// What all of `topics` begin with, up to the end of a part where that says anything.
fn common_prefix<'t>(topics: &[&'t str]) -> &'t str {
    let Some((first, rest)) = topics.split_first() else { return "" };
    let is_common = |prefix: &&str| rest.iter().all(|topic| topic.starts_with(prefix));
    let ends = (0..=first.len()).rev().filter_map(|end| first.get(..end));
    let prefix = ends.into_iter().find(is_common).unwrap_or_default();
    match prefix.rfind('.') {
        Some(dot) => prefix.get(..=dot).unwrap_or(prefix),
        None => prefix,
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "events: {}", self.events)?;
        let mut shapes: Vec<(&Shape, &u64)> = self.shapes.iter().collect();
        shapes.sort_by_key(|(shape, count)| (std::cmp::Reverse(**count), **shape));
        for (shape, count) in shapes {
            writeln!(f, "{count:>8}  {shape}")?;
            if let Some(advice) = advice(*shape) {
                writeln!(f, "{:>8}  -> {advice}", "")?;
            }
        }
        if !self.tables.is_empty() {
            writeln!(f, "\ntables: {}", self.tables.len())?;
            for (table, count) in self.tables.iter().take(LISTED_TABLES) {
                writeln!(f, "{count:>8}  {table}")?;
            }
            if self.tables.len() > LISTED_TABLES {
                writeln!(f, "{:>8}  and {} more", "", self.tables.len() - LISTED_TABLES)?;
            }
        }
        let Some(dialect) = self.dialect() else {
            return writeln!(f, "\nnothing here can be proposed as a pipeline of this version");
        };
        writeln!(f, "\nfor lockgate.toml:\n")?;
        writeln!(f, "[[pipeline]]")?;
        writeln!(f, "name    = \"{}\"", self.name())?;
        writeln!(f, "from    = {}", self.from())?;
        writeln!(f, "dialect = \"{dialect}\"")?;
        writeln!(f, "to      = \"clean.{{topic}}\"")?;
        writeln!(f, "plugins = \"plugins\"")?;
        match self.refused(dialect) {
            0 => Ok(()),
            refused => writeln!(
                f,
                "\nunder it {refused} of the {} events would be refused, and dead-lettered",
                self.events
            ),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Debezium { has_schema: true } => "Debezium rows, with the schema around them",
            Self::Debezium { has_schema: false } => "Debezium rows",
            Self::Control(class) => return write!(f, "Debezium {}", control(*class)),
            Self::Tombstone => "tombstones",
            Self::Object => "JSON objects of no known shape, each a row as it is",
            Self::Foreign(foreign) => match foreign {
                Foreign::Maxwell => "Maxwell events",
                Foreign::MaxwellEncrypted => "Maxwell events, encrypted",
                Foreign::Canal => "Canal messages",
                Foreign::TiCdcCanal => "TiCDC messages in Canal's JSON",
                Foreign::GoldenGate => "GoldenGate events",
                Foreign::Dms => "AWS DMS events",
                Foreign::CloudEvent => "CloudEvents",
                Foreign::Concatenated => "several JSON values in one",
                Foreign::NoObject => "JSON, but no objects",
            },
            Self::Opaque(opaque) => match opaque {
                Opaque::Confluent => "schema registry framing (Avro, Protobuf or JSON Schema)",
                Opaque::Glue => "AWS Glue schema registry framing",
                Opaque::CanalProtobuf => "Canal messages in Protobuf",
                Opaque::Snappy => "compressed with snappy inside the value",
                Opaque::Lz4 => "compressed with lz4 inside the value",
                Opaque::Zstd => "compressed with zstd inside the value",
                Opaque::Gzip => "compressed with gzip inside the value",
                Opaque::BrokenJson => "broken JSON",
                Opaque::Text => "text that is not JSON",
                Opaque::Binary => "bytes that are neither text nor known",
            },
        };
        f.write_str(text)
    }
}

fn control(class: Class) -> &'static str {
    match class {
        Class::Truncate => "truncates",
        Class::Message => "messages of the database's log",
        Class::Heartbeat => "heartbeats",
        Class::Transaction => "transaction markers",
        Class::Watermark => "watermarks, as TiCDC writes them",
        Class::SchemaChange => "schema changes",
        Class::Row
        | Class::Tombstone
        | Class::SnapshotMarker
        | Class::Encrypted
        | Class::Unknown => class.as_str(),
    }
}

/// What to do about a shape that no dialect of this version reads.
fn advice(shape: Shape) -> Option<&'static str> {
    Some(match shape {
        Shape::Foreign(Foreign::MaxwellEncrypted) => {
            "set encrypt=none in Maxwell, and let a plugin mask what needs it"
        }
        Shape::Foreign(Foreign::Concatenated) => "let TiCDC write the protocol debezium",
        Shape::Foreign(Foreign::NoObject) => "nothing in them can be named, so no plugin sees them",
        Shape::Foreign(Foreign::TiCdcCanal) => {
            "not a dialect of this version; TiCDC also writes the protocol debezium"
        }
        Shape::Foreign(Foreign::CloudEvent) => {
            "not a dialect of this version; set value.converter to JsonConverter"
        }
        Shape::Foreign(Foreign::Maxwell | Foreign::Canal | Foreign::GoldenGate | Foreign::Dms) => {
            "not a dialect of this version; \"json\" carries them, each value as one row"
        }
        Shape::Opaque(Opaque::Confluent | Opaque::Glue) => {
            "not available in this version; set value.converter to JsonConverter"
        }
        Shape::Opaque(Opaque::CanalProtobuf) => "set canal.mq.flatMessage=true in Canal",
        Shape::Opaque(Opaque::Snappy | Opaque::Lz4 | Opaque::Zstd | Opaque::Gzip) => {
            "compress in the producer (compression.type) and not in the value"
        }
        Shape::Opaque(Opaque::BrokenJson) => {
            "one value a line is expected; a value over several lines is not read as one"
        }
        Shape::Opaque(Opaque::Text) => "an unwrapped or string-converted value?",
        Shape::Opaque(Opaque::Binary) => "encrypted, or compressed without a frame?",
        Shape::Debezium { .. } | Shape::Control(_) | Shape::Tombstone | Shape::Object => {
            return None;
        }
    })
}
