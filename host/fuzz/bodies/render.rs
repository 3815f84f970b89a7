//! What must hold of rendering for any record: untouched is identical, and edits, renames and removals are the same as on
//! serde_json's trees, in the payload and in the schema of an envelope. Run by the fuzzer, and by `host/tests/corpora.rs`.

mod schema;
mod sides;

use std::borrow::Cow;
use std::sync::Arc;

use lockgate::change::{
    Decoder, Events, Form, Member, NO_COLUMN, Presence, Row, RowImage, Span, json,
};
use lockgate::contract::{Image, kind};
use lockgate::overlay::{Fate, Layout, Layouts, Overlay, Target};
use lockgate::record::Record;
use lockgate::render::{Renderer, Subject};
use lockgate::table::{self, Dialect, Table, Tables};
use serde_json::{Map, Value};

pub(crate) fn check(text: &[u8]) {
    for dialect in Dialect::ALL {
        Case::new(dialect, text).run();
    }
}

/// What happens to a column, chosen by its number so that a failure comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Keep,
    SetText,
    SetNull,
    Drop,
    Remove,
    Rename,
    RenameAndSetText,
}

impl Action {
    const ALL: [Self; 7] = [
        Self::SetText,
        Self::Keep,
        Self::Remove,
        Self::Rename,
        Self::SetNull,
        Self::Drop,
        Self::RenameAndSetText,
    ];

    fn of(column: u16, turn: usize) -> Self {
        if column == NO_COLUMN {
            return Self::Keep;
        }
        Self::ALL[(usize::from(column) + turn) % Self::ALL.len()]
    }

    fn edit(self) -> Option<(u8, &'static str)> {
        match self {
            Self::SetText | Self::RenameAndSetText => Some((kind::STRING, TEXT)),
            Self::SetNull => Some((kind::NULL, "null")),
            Self::Drop => Some((kind::ABSENT, "")),
            Self::Keep | Self::Remove | Self::Rename => None,
        }
    }

    fn fate(self, name: &str) -> Fate {
        match self {
            Self::Remove => Fate::Remove,
            Self::Rename | Self::RenameAndSetText => Fate::Rename(renamed(name).into()),
            Self::Keep | Self::SetText | Self::SetNull | Self::Drop => Fate::Keep,
        }
    }
}

/// The fates of all columns, the same in each image.
fn layout(table: &Table, turn: usize) -> Layout {
    let columns = (0u16..).zip(&table.columns);
    let fates: Vec<Fate> =
        columns.map(|(number, column)| Action::of(number, turn).fate(&column.name)).collect();
    Layout { before: fates.clone(), after: fates.clone(), key: fates, ..Layout::default() }
}

const TEXT: &str = r#""new\n""#;

fn renamed(name: &str) -> String {
    format!("{name}\"2")
}

struct Case<'a> {
    dialect: Dialect,
    text: &'a [u8],
    tables: Tables,
    events: Events,
}

impl<'a> Case<'a> {
    fn new(dialect: Dialect, text: &'a [u8]) -> Self {
        Self { dialect, text, tables: Tables::default(), events: Events::default() }
    }

    fn run(mut self) {
        let topic: Arc<str> = "a.b.c".into();
        let (key, value, headers) = (Some(self.text), Some(self.text), Vec::new());
        let (topic, partition, offset, timestamp) = (&topic, 0, 0, None);
        let record = Record { topic, partition, offset, timestamp, key, value, headers };
        let mut decoder = Decoder::new(self.dialect);
        if decoder.decode(0, &record, &mut self.tables, &mut self.events).is_err() {
            return;
        }
        let mut renderer = Renderer::default();
        let mut overlay = Overlay::default();
        overlay.reset(self.events.rows.len());
        let layout = Layout::default();
        let (value, key) = self.leaves(&record, &mut renderer, (&layout).into(), &overlay);
        assert!(
            matches!((&value, &key), (Cow::Borrowed(_), Cow::Borrowed(_))),
            "untouched is borrowed"
        );
        assert!(*value == *self.text && *key == *self.text, "untouched is identical");
        if self.events.rows.is_empty() {
            return;
        }
        for turn in 0..Action::ALL.len() {
            self.turn(&record, &mut renderer, turn);
        }
    }

    fn leaves<'r>(
        &'r self,
        record: &'r Record<'r>,
        renderer: &mut Renderer,
        layouts: Layouts<'r>,
        overlay: &'r Overlay,
    ) -> (Cow<'r, [u8]>, Cow<'r, [u8]>) {
        let (events, tables) = (&self.events, &self.tables);
        let event = &events.events[0];
        let subject = Subject { record, event, events, tables, layouts, overlay, redactions: &[] };
        let value =
            renderer.value(subject).expect("no edit here needs a schema that Connect lacks");
        let key = renderer.key(subject).expect("no edit here needs a schema that Connect lacks");
        (value.expect("there was a value"), key.expect("there was a key"))
    }

    fn turn(&self, record: &Record<'_>, renderer: &mut Renderer, turn: usize) {
        let row = &self.events.rows[0];
        let table = self.tables.get(row.table).expect("the row's table");
        let fates: Vec<(table::Index, Layout)> =
            self.tables.iter().map(|(index, table)| (index, layout(table, turn))).collect();
        let others: Vec<(table::Index, &Layout)> =
            fates.iter().map(|(index, layout)| (*index, layout)).collect();
        let none = Layout::default();
        let layouts = Layouts::new(&none, &others);
        let mut overlay = Overlay::default();
        overlay.reset(self.events.rows.len());
        for (number, row) in (0u32..).zip(&self.events.rows) {
            for (image, at) in
                [(Image::Before, &row.before), (Image::After, &row.after), (Image::Key, &row.key)]
            {
                for member in self.events.members_of(at) {
                    if let Some((kind, text)) = Action::of(member.column, turn).edit() {
                        let target = Target::Column { image, column: member.column };
                        overlay.set(number, target, kind, |out| {
                            out.extend_from_slice(text.as_bytes());
                        });
                    }
                }
            }
        }
        let (value, key) = self.leaves(record, renderer, layouts, &overlay);
        assert!(self.is_readable(&value) && self.is_readable(&key), "what leaves is JSON");
        let mut images = self.events.rows.iter().flat_map(|row| [row.before, row.after]);
        // Fields of documents follow the columns they are inside of: that has tests of its own.
        if images.any(|image| image.form == Form::Escaped) {
            return;
        }
        self.bytes_stay(record, &value, turn);
        // The tree cannot hold what serde_json refuses to read: lone surrogates, say, or several objects.
        let Ok(came) = serde_json::from_slice::<Value>(self.unmarked()) else { return };
        // What other dialects leave has been compared part by part.
        if matches!(self.dialect, Dialect::Debezium | Dialect::Json) {
            let mut expected = self.expected(row, table, turn, &came);
            let left = parsed(&value);
            if !self.events.events[0].value_schema.is_empty()
                && !schema::is_consistent(&came["schema"])
            {
                expected["schema"] = left["schema"].clone();
            }
            assert_eq!(left, expected, "value, turn {turn}");
        }
        if row.key.presence == Presence::Present {
            let schema = !self.events.events[0].key_schema.is_empty();
            let mut expected = came;
            let at = if schema { &mut expected["payload"] } else { &mut expected };
            *at = self.image(table, self.events.members_of(&row.key), turn);
            if schema {
                expected["schema"] = parsed(&key)["schema"].clone();
            }
            assert_eq!(parsed(&key), expected, "key, turn {turn}");
        }
    }

    /// A flattened row says in its own members whether it is before or after: an edit of those makes the one of the other.
    fn images(&self, row: &Row) -> [RowImage; 2] {
        match (self.dialect, row.before.presence) {
            (Dialect::DebeziumFlat, Presence::Missing) => [row.after, row.before],
            _ => [row.before, row.after],
        }
    }

    /// Reads what left again: outside images and schema every byte is as it came, inside them every cell that was kept.
    fn bytes_stay(&self, record: &Record<'_>, left: &[u8], turn: usize) {
        let again = Record { value: Some(left), key: None, ..record.clone() };
        let mut read = Case::new(self.dialect, left);
        let mut decoder = Decoder::new(self.dialect);
        let decoded = decoder.decode(0, &again, &mut read.tables, &mut read.events);
        decoded.expect("what leaves can be read again");
        assert_eq!(read.surroundings(), self.surroundings(), "turn {turn}");
        assert_eq!(read.events.rows.len(), self.events.rows.len(), "turn {turn}");
        for (row, row_again) in self.events.rows.iter().zip(&read.events.rows) {
            let table = self.tables.get(row.table).expect("the row's table");
            let (images, again) = (self.images(row), self.images(row_again));
            for (image, image_again) in images.iter().zip(&again) {
                let members = self.events.members_of(image).iter();
                let expected = members.filter_map(|member| self.becomes(table, member, turn));
                let found = read.events.members_of(image_again).iter();
                let found = found.map(|member| {
                    (json::unescape(member.name.of(left)), Cow::Borrowed(member.value.of(left)))
                });
                assert!(found.eq(expected), "cells, turn {turn}");
            }
        }
        self.sides_follow(&read, turn);
    }

    /// Name and text of a member as it should leave; none where it goes.
    fn becomes<'s>(
        &'s self,
        table: &Table,
        member: &Member,
        turn: usize,
    ) -> Option<(Cow<'s, str>, Cow<'s, [u8]>)> {
        let action = Action::of(member.column, turn);
        let name = match action.fate(&table.columns.get(usize::from(member.column))?.name) {
            Fate::Rename(name) => Cow::Owned(name.to_string()),
            Fate::Keep | Fate::Remove => json::unescape(member.name.of(self.text)),
        };
        let value = match action {
            Action::Remove | Action::Drop => return None,
            Action::Keep | Action::Rename => member.value.of(self.text),
            Action::SetText | Action::RenameAndSetText => TEXT.as_bytes(),
            Action::SetNull => b"null",
        };
        Some((name, Cow::Borrowed(value)))
    }

    /// The text without its images, the lists about their columns, and its schema.
    fn surroundings(&self) -> Vec<u8> {
        let images = self.events.rows.iter().flat_map(|row| [row.before.span, row.after.span]);
        let lists = self.lists().map(|side| side.span);
        let schema = self.events.events[0].value_schema;
        let mut spans: Vec<Span> = images.chain(lists).chain([schema]).collect();
        spans.sort_unstable_by_key(|span| span.start);
        let mut rest = Vec::new();
        let mut at = 0;
        for span in spans.into_iter().filter(|span| !span.is_empty()) {
            rest.extend_from_slice(&self.text[at..span.start as usize]);
            at = span.end as usize;
        }
        rest.extend_from_slice(&self.text[at..]);
        rest
    }

    fn is_readable(&self, text: &[u8]) -> bool {
        json::document(text).is_ok() || self.dialect == Dialect::TicdcMaxwell
    }

    fn unmarked(&self) -> &'a [u8] {
        self.text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.text)
    }

    /// The value with the same changes made on trees.
    fn expected(&self, row: &Row, table: &Table, turn: usize, came: &Value) -> Value {
        if self.dialect == Dialect::Json {
            return self.image(table, self.events.members_of(&row.after), turn);
        }
        let mut value = came.clone();
        let enveloped = !self.events.events[0].value_schema.is_empty();
        let has_payload = value.get("payload").is_some() && value.get("op").is_none();
        let level = if has_payload { &mut value["payload"] } else { &mut value };
        for (name, image) in [("before", &row.before), ("after", &row.after)] {
            if image.presence == Presence::Present {
                level[name] = self.image(table, self.events.members_of(image), turn);
            }
        }
        if enveloped && value["schema"].is_object() {
            self.schema(row, table, turn, &mut value["schema"]);
        }
        value
    }

    /// An image as a tree; as there, the last of two members of a name counts.
    fn image(&self, table: &Table, members: &[Member], turn: usize) -> Value {
        let mut object = Map::new();
        for member in members {
            let action = Action::of(member.column, turn);
            if matches!(action, Action::Remove | Action::Drop) {
                continue;
            }
            let prefix = if member.form == Form::Prefixed { "pk." } else { "" };
            let column = table.columns.get(usize::from(member.column));
            let name = match column.map(|column| action.fate(&column.name)) {
                Some(Fate::Rename(name)) => format!("{prefix}{name}"),
                _ => format!("{prefix}{}", json::unescape(member.name.of(self.text))),
            };
            let value = match action.edit() {
                Some((_, text)) => parsed(text.as_bytes()),
                None => parsed(member.value.of(self.text)),
            };
            object.insert(name, value);
        }
        Value::Object(object)
    }
}

fn parsed(text: &[u8]) -> Value {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    serde_json::from_slice(text).expect("parsed before")
}
