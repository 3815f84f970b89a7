//! The findings in words, and the proposal as TOML. Decides nothing.

use std::fmt;

use super::proposal::Findings;
use super::shape::Shape;
use crate::change::{Class, Looks};
use crate::cli::records::Format;
use crate::kafka::sample::Extent;

const LISTED_TABLES: usize = 20;
const LISTED_TOPICS: usize = 20;

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "events: {}", self.events)?;
        let mut shapes: Vec<(&Shape, &u64)> = self.shapes.iter().collect();
        shapes.sort_by_key(|(shape, count)| (std::cmp::Reverse(**count), **shape));
        for (shape, count) in shapes {
            writeln!(f, "{count:>8}  {shape}")?;
            let refusal = self.refusals.get(shape).map(String::as_str);
            if let Some(advice) = refusal.or_else(|| advice(*shape, self.format)) {
                writeln!(f, "{:>8}  -> {advice}", "")?;
            }
        }
        for (compression, count) in self.packed() {
            let name = compression.as_str();
            writeln!(f, "{count:>8}  of them compressed with {name} inside the value")?;
        }
        self.extents(f)?;
        if !self.tables.is_empty() {
            writeln!(f, "\ntables: {}", self.tables.len())?;
            for (table, count) in self.tables.iter().take(LISTED_TABLES) {
                writeln!(f, "{count:>8}  {table}")?;
            }
            if self.tables.len() > LISTED_TABLES {
                writeln!(f, "{:>8}  and {} more", "", self.tables.len() - LISTED_TABLES)?;
            }
        }
        self.proposal(f)
    }
}

impl Findings {
    /// How much of each topic was looked at. Those that fell short come first.
    fn extents(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.extents.is_empty() {
            return Ok(());
        }
        writeln!(f, "\ntopics: {}", self.extents.len())?;
        let mut extents: Vec<&Extent> = self.extents.iter().collect();
        extents.sort_by_key(|extent| extent.shortfall.is_none());
        for extent in extents.iter().take(LISTED_TOPICS) {
            write!(f, "{:>8}  {}", extent.records, extent.topic)?;
            match &extent.shortfall {
                Some(why) => writeln!(f, ", not all that was wanted: {why}")?,
                None if extent.offsets == 0 => writeln!(f, ", which is empty")?,
                None if extent.is_whole => writeln!(f)?,
                None => writeln!(f, ", the latest of {} offsets", extent.offsets)?,
            }
        }
        if extents.len() > LISTED_TOPICS {
            writeln!(f, "{:>8}  and {} more", "", extents.len() - LISTED_TOPICS)?;
        }
        Ok(())
    }

    fn proposal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(dialect) = self.dialect() else {
            return writeln!(f, "\nnothing here can be proposed as a pipeline");
        };
        writeln!(f, "\nfor lockgate.toml:\n")?;
        writeln!(f, "[[pipeline]]")?;
        writeln!(f, "name    = \"{}\"", self.name())?;
        writeln!(f, "from    = {}", self.from())?;
        writeln!(f, "dialect = \"{dialect}\"")?;
        let others = self.others();
        if !others.is_empty() {
            let others: Vec<String> = others
                .iter()
                .map(|(topic, dialect)| format!("\"{topic}\" = \"{dialect}\""))
                .collect();
            writeln!(f, "dialects = {{ {} }}", others.join(", "))?;
        }
        if let Some(compression) = self.compression() {
            writeln!(f, "compression = \"{}\"", compression.as_str())?;
        }
        writeln!(f, "to      = \"clean.{{topic}}\"")?;
        writeln!(f, "plugins = \"plugins\"")?;
        let left_out = self.left_out();
        if !left_out.is_empty() {
            let topics = left_out.join("\", \"");
            writeln!(f, "\nleft out, since nothing in them can be read: \"{topics}\"")?;
        }
        match self.refused(dialect) {
            (0, _) => Ok(()),
            (refused, events) => writeln!(
                f,
                "\nunder it {refused} of {events} events would be refused, and dead-lettered"
            ),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Event { looks, class, has_schema } => {
                let around = if *has_schema { ", with the schema around them" } else { "" };
                return write!(f, "{} {}{around}", tool(*looks), plural(*class));
            }
            Self::Unread(looks) => return write!(f, "{} that cannot be read", looks.as_str()),
            Self::Control(class) => return write!(f, "Debezium {}", plural(*class)),
            Self::Tombstone => "tombstones",
            Self::Object => "JSON objects of no known shape, each a row as it is",
            Self::Foreign(looks) => looks.as_str(),
            Self::NoObject => "JSON, but no objects",
            Self::Concatenated => "several JSON values in one",
            Self::BrokenJson => "broken JSON",
            Self::Text => "text that is not JSON",
            Self::Binary => "bytes that are neither text nor known",
        };
        f.write_str(text)
    }
}

fn tool(looks: Looks) -> &'static str {
    match looks {
        Looks::Debezium => "Debezium",
        Looks::DebeziumFlat => "flattened Debezium",
        Looks::TicdcDebezium => "TiCDC's Debezium",
        Looks::Maxwell => "Maxwell",
        Looks::TicdcMaxwell => "TiCDC's Maxwell",
        Looks::Canal => "Canal",
        Looks::Ticdc => "TiCDC's Canal-JSON",
        Looks::GoldenGate => "Oracle GoldenGate",
        Looks::Dms => "AWS DMS",
        looks => looks.as_str(),
    }
}

fn plural(class: Class) -> &'static str {
    match class {
        Class::Row => "rows",
        Class::Tombstone => "tombstones",
        Class::Truncate => "truncates",
        Class::Message => "messages and statements of the database's log",
        Class::Heartbeat => "heartbeats",
        Class::Transaction => "transaction markers",
        Class::Watermark => "watermarks",
        Class::SchemaChange => "schema changes",
        Class::SnapshotMarker => "snapshot markers",
        Class::Encrypted => "rows, encrypted",
        Class::Unknown => "events of an unknown kind",
    }
}

/// What to do about a shape that is read by no dialect, or by every one as it is.
fn advice(shape: Shape, format: Format) -> Option<&'static str> {
    Some(match shape {
        Shape::Foreign(looks) if looks.compression().is_some() => {
            "damaged, or something else that begins so"
        }
        Shape::Foreign(looks) => looks.remedy()?,
        Shape::Event { class: Class::Encrypted, .. } => {
            "no plugin can read them; set encrypt=none in Maxwell, and let a plugin mask what needs it"
        }
        Shape::Event { looks: Looks::DebeziumFlat, .. } => {
            "a guess, from members that begin with two underscores or a schema around a row"
        }
        Shape::Concatenated => "only dialect \"ticdc-maxwell\" takes more than one object a value",
        Shape::NoObject => "nothing in them can be named, so no plugin sees them",
        Shape::BrokenJson if format == Format::Records => "cut off, or damaged",
        Shape::BrokenJson => {
            "one value a line is expected; a value over several lines is not read as one"
        }
        Shape::Text => "an unwrapped or string-converted value?",
        Shape::Binary => "encrypted, or compressed without a frame?",
        _ => return None,
    })
}
