//! From what was found to what is proposed: which dialect for which topic. The words are in `report`.

use std::collections::{BTreeMap, BTreeSet};

use super::shape::{Finding, Shape, Sieve};
use crate::change::Class;
use crate::cli::records::Format;
use crate::compress::Compression;
use crate::kafka::sample::Extent;
use crate::record::Record;
use crate::table::Dialect;

/// More topics than this are proposed as a glob.
const LISTED_TOPICS: usize = 8;

/// What a sample holds.
pub(super) struct Findings {
    pub(super) events: u64,
    pub(super) shapes: BTreeMap<Shape, u64>,
    /// Why the first of a shape was refused by its own dialect.
    pub(super) refusals: BTreeMap<Shape, String>,
    pub(super) tables: BTreeMap<String, u64>,
    /// By the topic that the records say; a file of values has one, which is the file.
    topics: BTreeMap<String, Topic>,
    /// The topics that Debezium would send the values to.
    guessed: BTreeSet<String>,
    /// The topics that were looked at; none for a file.
    pub(super) extents: Vec<Extent>,
    sieve: Sieve,
    pub(super) format: Format,
}

/// What the records of one topic, or of all, look like.
#[derive(Clone, Debug, Default)]
struct Topic {
    events: u64,
    /// Records that look like a dialect's.
    votes: BTreeMap<Dialect, u64>,
    /// Debezium's records that have no row: they are alike in all dialects of its family.
    controls: u64,
    objects: u64,
    /// Rows of a known shape.
    rows: u64,
    /// Lines that begin like an object and do not end like one.
    broken: u64,
    /// How many each dialect would refuse.
    refused: BTreeMap<Dialect, u64>,
    packed: BTreeMap<Compression, u64>,
}

impl Findings {
    pub(super) fn new(format: Format) -> Self {
        Self {
            events: 0,
            shapes: BTreeMap::new(),
            refusals: BTreeMap::new(),
            tables: BTreeMap::new(),
            topics: BTreeMap::new(),
            guessed: BTreeSet::new(),
            extents: Vec::new(),
            sieve: Sieve::default(),
            format,
        }
    }

    pub(super) fn add(&mut self, record: &Record<'_>) {
        let finding = self.sieve.look(record);
        self.events += 1;
        *self.shapes.entry(finding.shape).or_default() += 1;
        if !self.topics.contains_key(&**record.topic) {
            self.topics.insert(record.topic.to_string(), Topic::default());
        }
        if let Some(topic) = self.topics.get_mut(&**record.topic) {
            topic.add(&finding);
        }
        if let Some(refusal) = finding.refusal {
            self.refusals.entry(finding.shape).or_insert(refusal.reason);
        }
        if let Some(table) = finding.table {
            *self.tables.entry(table).or_default() += 1;
        }
        self.guessed.extend(finding.topic);
    }

    pub(super) fn has_proposal(&self) -> bool {
        self.dialect().is_some()
    }

    /// The dialect of most of what can be proposed.
    pub(super) fn dialect(&self) -> Option<Dialect> {
        let mut all = Topic::default();
        self.proposed().for_each(|(_, topic)| all.join(topic));
        all.dialect(None)
    }

    /// How most of the values that are compressed are.
    pub(super) fn compression(&self) -> Option<Compression> {
        let mut all = Topic::default();
        self.proposed().for_each(|(_, topic)| all.join(topic));
        let most = all.packed.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(compression, _)| compression)
    }

    /// How many values are compressed, each way.
    pub(super) fn packed(&self) -> BTreeMap<Compression, u64> {
        let mut all = Topic::default();
        self.topics.values().for_each(|topic| all.join(topic));
        all.packed
    }

    /// The topics that a pipeline would be given, and what it would be told of those that differ.
    pub(super) fn others(&self) -> Vec<(&str, Dialect)> {
        let Some(default) = self.dialect().filter(|_| self.format == Format::Records) else {
            return Vec::new();
        };
        let others = self.proposed().filter_map(|(name, topic)| {
            let dialect = topic.dialect(Some(default)).filter(|dialect| *dialect != default)?;
            Some((name, dialect))
        });
        others.collect()
    }

    /// Topics of which nothing can be read.
    pub(super) fn left_out(&self) -> Vec<&str> {
        let unreadable = self.topics.iter().filter(|(_, topic)| topic.dialect(None).is_none());
        unreadable.map(|(name, _)| name.as_str()).collect()
    }

    /// What of the proposed topics would be refused under the proposal, and of how many.
    pub(super) fn refused(&self, default: Dialect) -> (u64, u64) {
        let compression = self.compression();
        self.proposed().fold((0, 0), |(refused, events), (_, topic)| {
            let dialect = match self.format {
                Format::Records => topic.dialect(Some(default)).unwrap_or(default),
                Format::Lines => default,
            };
            let packed = topic.packed.iter().filter(|(one, _)| Some(**one) != compression);
            let packed: u64 = packed.map(|(_, count)| count).sum();
            let own = topic.refused.get(&dialect).copied().unwrap_or_default();
            (refused + own + packed, events + topic.events)
        })
    }

    /// Topics that begin with two underscores are Kafka's and Debezium's own.
    fn proposed(&self) -> impl Iterator<Item = (&str, &Topic)> {
        let readable = self.topics.iter().filter(|(name, topic)| {
            let is_internal = self.format == Format::Records && name.starts_with("__");
            !is_internal && topic.dialect(None).is_some()
        });
        readable.map(|(name, topic)| (name.as_str(), topic))
    }

    fn names(&self) -> Vec<&str> {
        match self.format {
            Format::Records => self.proposed().map(|(name, _)| name).collect(),
            Format::Lines => self.guessed.iter().map(String::as_str).collect(),
        }
    }

    pub(super) fn from(&self) -> String {
        let topics = self.names();
        let prefix = common_prefix(&topics);
        if topics.is_empty() {
            "[\"CHANGE-ME\"]".to_owned()
        } else if topics.len() > LISTED_TOPICS && !prefix.is_empty() && !self.is_left_out(prefix) {
            format!("[\"{prefix}*\"]")
        } else {
            format!("[\"{}\"]", topics.join("\", \""))
        }
    }

    /// Whether a glob of this prefix would take a topic that nothing can be read of.
    fn is_left_out(&self, prefix: &str) -> bool {
        self.left_out().iter().any(|topic| topic.starts_with(prefix))
    }

    /// The first part of the topics, which is the name that Debezium's connector was given.
    pub(super) fn name(&self) -> &str {
        let first = self.names().into_iter().next().and_then(|topic| topic.split('.').next());
        first.filter(|name| !name.is_empty()).unwrap_or("events")
    }
}

impl Topic {
    fn add(&mut self, finding: &Finding) {
        self.events += 1;
        if let Some(dialect) = finding.dialect {
            *self.votes.entry(dialect).or_default() += 1;
        }
        match finding.shape {
            Shape::Control(_) => self.controls += 1,
            Shape::Object => self.objects += 1,
            Shape::Event { class: Class::Row, .. } => self.rows += 1,
            Shape::BrokenJson => self.broken += 1,
            _ => {}
        }
        for dialect in &finding.refused_by {
            *self.refused.entry(*dialect).or_default() += 1;
        }
        if let Some(compression) = finding.compression {
            *self.packed.entry(compression).or_default() += 1;
        }
    }

    fn join(&mut self, other: &Self) {
        self.events += other.events;
        self.controls += other.controls;
        self.objects += other.objects;
        self.rows += other.rows;
        self.broken += other.broken;
        for (dialect, count) in &other.votes {
            *self.votes.entry(*dialect).or_default() += count;
        }
        for (compression, count) in &other.packed {
            *self.packed.entry(*compression).or_default() += count;
        }
    }

    /// The dialect for it; none where none reads anything. What says nothing of itself is taken for what `default` reads.
    fn dialect(&self, default: Option<Dialect>) -> Option<Dialect> {
        let best = self.votes.iter().max_by_key(|(_, count)| **count);
        let (voted, votes) = best.map_or((None, 0), |(dialect, count)| (Some(*dialect), *count));
        let is_read = |dialect: &Dialect| !self.refused.contains_key(dialect);
        if self.broken > votes + self.controls + self.objects {
            return None;
        }
        if let Some(default) = default.filter(|_| self.rows + self.objects == 0).filter(is_read) {
            return Some(default);
        }
        if votes + self.controls < self.objects {
            // A connector that flattens one topic flattens all, and few rows say so.
            let flat = default.filter(|default| *default == Dialect::DebeziumFlat);
            return flat.filter(is_read).or(Some(Dialect::Json));
        }
        voted.or((self.controls > 0).then_some(Dialect::Debezium))
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
