//! What a decoder knows of one topic: the tables seen in it, the columns of each, and how its keys look.

use std::collections::HashMap;
use std::sync::Arc;

use super::cloudevents::Attributes;
use super::debezium::{Shape, Source};
use super::envelope::{Envelope, Part};
use super::json;
use super::known::Known;
use super::shape::{Columns, Memo};
use super::sheet::Images;
use super::wrapped::{self, Wrapped};
use super::{Member, Presence, RowImage, Span, maxwell_key, ogg, types};
use crate::outcome::Refusal;
use crate::table::{Dialect, Index, Name, Tables};

#[derive(Debug)]
pub(super) struct Topic {
    name: Arc<str>,
    dialect: Dialect,
    shape: Shape,
    envelope: Envelope,
    attributes: Attributes,
    tables: Vec<Known>,
    /// By the source block's names as they stand in the text, one after the other; the empty one is named by the topic.
    by_source: HashMap<Box<[u8]>, usize>,
    /// Room to write such names.
    spelling: Vec<u8>,
    last: Option<usize>,
    /// Room to unescape documents in.
    pub(super) document: Vec<u8>,
    schemas: Memo,
    no_columns: Columns,
}

/// A record's key as an image.
#[derive(Default)]
pub(super) struct Key {
    pub(super) image: RowImage,
    /// Empty without an envelope.
    pub(super) schema: Span,
}

impl Topic {
    pub(super) fn new(name: &Arc<str>, dialect: Dialect) -> Self {
        Self {
            name: Arc::clone(name),
            dialect,
            shape: Shape::default(),
            envelope: Envelope::default(),
            attributes: Attributes::default(),
            tables: Vec::new(),
            by_source: HashMap::new(),
            spelling: Vec::new(),
            last: None,
            document: Vec::new(),
            schemas: Memo::default(),
            no_columns: Columns::default(),
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) fn is_heartbeat(&self) -> bool {
        self.name.starts_with("__debezium-heartbeat")
    }

    /// What the next value probably looks like.
    pub(super) fn guess(&mut self) -> (&mut Shape, &Columns) {
        let table = self.last.and_then(|last| self.tables.get(last));
        (&mut self.shape, table.map_or(&self.no_columns, Known::columns))
    }

    /// As [`Self::guess`], for events inside others.
    pub(super) fn guess_cloud(&mut self) -> (&mut Attributes, &mut Shape, &Columns) {
        let table = self.last.and_then(|last| self.tables.get(last));
        let columns = table.map_or(&self.no_columns, Known::columns);
        (&mut self.attributes, &mut self.shape, columns)
    }

    /// As [`Self::guess`], for dialects whose values are one object of header and images.
    pub(super) fn guess_envelope(&mut self) -> (&mut Envelope, &Columns) {
        let table = self.last.and_then(|last| self.tables.get(last));
        (&mut self.envelope, table.map_or(&self.no_columns, Known::columns))
    }

    /// The images of the rows read last, whose table is not known yet.
    pub(super) fn images(&self) -> &[RowImage] {
        &self.envelope.rows
    }

    /// The first image read last as `part`.
    pub(super) fn image(&self, part: Part) -> Option<&RowImage> {
        match part {
            Part::Was => self.envelope.was.first(),
            _ => self.envelope.rows.first(),
        }
    }

    /// Whether no image read last holds anything.
    pub(super) fn is_bare(&self) -> bool {
        let mut images = self.envelope.rows.iter().chain(&self.envelope.was);
        images.all(|image| {
            image.presence != Presence::Opaque && image.first_member == image.last_member
        })
    }

    /// Lends those images, and those of what the rows were before; [`Self::return_images`] keeps the room they take.
    pub(super) fn take_images(&mut self) -> Images {
        (std::mem::take(&mut self.envelope.rows), std::mem::take(&mut self.envelope.was))
    }

    pub(super) fn return_images(&mut self, (rows, was): Images) {
        self.envelope.rows = rows;
        self.envelope.was = was;
    }

    /// The number of the table used last.
    pub(super) fn last(&self) -> Option<usize> {
        self.last
    }

    pub(super) fn table(&mut self, number: usize) -> &mut Known {
        self.tables.get_mut(number).expect("numbers come from `find`, and tables are never removed")
    }

    /// Reads a value that is its row, or if `enveloped` may be the envelope of one.
    pub(super) fn wrapped(
        &mut self,
        text: &[u8],
        enveloped: bool,
        members: &mut Vec<Member>,
    ) -> Result<Wrapped, json::Error> {
        let table = self.last.and_then(|last| self.tables.get(last));
        let columns = table.map_or(&self.no_columns, Known::columns);
        let (order, schemas) = (&columns.row, &mut self.schemas);
        wrapped::Scan { text, columns, order, schemas, members }.read(enveloped)
    }

    /// The table that the source block names; without one, the table that the topic names.
    pub(super) fn find(
        &mut self,
        text: &[u8],
        source: &Source,
        tables: &mut Tables,
        dialect: Dialect,
    ) -> usize {
        let name = [source.database, source.schema, source.table].map(|part| part.of(text));
        self.find_named(name, tables, dialect)
    }

    /// The table of that database, schema and name, each a JSON string or the plain text of a header; without a name, the table
    /// that the topic names.
    pub(super) fn find_named(
        &mut self,
        name: [&[u8]; 3],
        tables: &mut Tables,
        dialect: Dialect,
    ) -> usize {
        self.spelling.clear();
        for part in name {
            self.spelling.extend_from_slice(part);
            // No JSON value holds one, so that no two triples are written alike.
            self.spelling.push(0);
        }
        if let Some(last) = self.last
            && self.tables.get(last).is_some_and(|known| *known.source() == *self.spelling)
        {
            return last;
        }
        if name.last().is_none_or(|table| table.is_empty()) {
            return self.find_by_topic(tables, dialect);
        }
        self.find_or_open(|topic| {
            let [database, schema, table] = name.map(types::name);
            let [database, schema, table] = match dialect {
                Dialect::Ogg => ogg::names(&table),
                Dialect::DebeziumFlat if database.is_empty() && schema.is_empty() => {
                    ["", schema_by_topic(topic, &table), &*table]
                }
                _ => [&*database, &*schema, &*table],
            };
            tables.open(dialect, Name { topic, database, schema, table })
        })
    }

    /// The table that the topic names: `prefix.schema.table`, of which the prefix or all but the table may be left out.
    pub(super) fn find_by_topic(&mut self, tables: &mut Tables, dialect: Dialect) -> usize {
        self.spelling.clear();
        if let Some(last) = self.last
            && self.tables.get(last).is_some_and(|known| known.source().is_empty())
        {
            return last;
        }
        self.find_or_open(|topic| {
            let (schema, table) = by_topic(topic);
            tables.open(dialect, Name { topic, database: "", schema, table })
        })
    }

    /// The table of the name in `spelling`, and notes it as the last.
    fn find_or_open(&mut self, open: impl FnOnce(&Arc<str>) -> Index) -> usize {
        let number = match self.by_source.get(&*self.spelling) {
            Some(number) => *number,
            None => {
                let source: Box<[u8]> = (&*self.spelling).into();
                let number = self.tables.len();
                self.tables.push(Known::new(open(&self.name), source.clone()));
                self.by_source.insert(source, number);
                number
            }
        };
        self.last = Some(number);
        number
    }

    /// Reads a record's key for the table used last. What is no object is opaque, never an error.
    pub(super) fn key(
        &mut self,
        text: &[u8],
        dialect: Dialect,
        members: &mut Vec<Member>,
        tables: &mut Tables,
    ) -> Result<Key, Refusal> {
        let Some(known) = self.last.and_then(|last| self.tables.get_mut(last)) else {
            return Ok(Key::opaque(text));
        };
        if dialect == Dialect::TicdcMaxwell && maxwell_key::is_version(text) {
            return Ok(Key::default());
        }
        let first_member = members.len();
        if matches!(dialect, Dialect::Maxwell | Dialect::TicdcMaxwell)
            && let Some(image) = maxwell_key::read(text, known, members, tables)?
        {
            return Ok(Key { image, schema: Span::default() });
        }
        let (columns, schemas) = (known.columns(), &mut self.schemas);
        let mut scan = wrapped::Scan { text, columns, order: &columns.key, schemas, members };
        let Ok(Wrapped { image, schema, guessed, .. }) = scan.read(dialect.is_of_connect()) else {
            members.truncate(first_member);
            return Ok(Key::opaque(text));
        };
        if !guessed {
            let members = members.get_mut(first_member..).unwrap_or_default();
            known.settle_key(text, members, tables)?;
        }
        Ok(Key { image, schema })
    }
}

/// The schema and the table that a topic names.
fn by_topic(topic: &str) -> (&str, &str) {
    let mut parts = topic.rsplit('.');
    let table = parts.next().unwrap_or(topic);
    (parts.next().unwrap_or_default(), table)
}

/// The schema that a topic names, if it is the topic of `table`: Kafka does not take every character of its name.
fn schema_by_topic<'t>(topic: &'t str, table: &str) -> &'t str {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let sanitised = table.chars().map(|c| if is_legal(c) { c } else { '_' });
    let (schema, name) = by_topic(topic);
    if sanitised.eq(name.chars()) { schema } else { "" }
}

impl Key {
    fn opaque(text: &[u8]) -> Self {
        let span = json::span(0, text.len());
        let image = RowImage { presence: Presence::Opaque, span, ..RowImage::default() };
        Self { image, schema: Span::default() }
    }
}
