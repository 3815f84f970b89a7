//! What a record says: its class, and where in its bytes each row's images and columns stand. Finds spans, copies nothing,
//! builds no tree. Must not know plugins, Kafka or how edits are applied.

pub mod json;
mod shape;
mod debezium;
mod types;
mod topic;
mod recognise;
mod decode;

use crate::table;

pub use decode::Decoder;
pub use recognise::{DEBEZIUM, recognise};

/// A half-open range of bytes in a record's value or key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The bytes of `text` it names; empty where `text` is shorter, which no span found in `text` is.
    pub fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// What kind of thing a record is. Every class but [`Class::Row`] and [`Class::Tombstone`] passes the plugins by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Row,
    Tombstone,
    Truncate,
    Message,
    Heartbeat,
    Transaction,
    Watermark,
    SchemaChange,
    SnapshotMarker,
    Encrypted,
    Unknown,
}

impl Class {
    pub const ALL: [Self; 11] = [
        Self::Row,
        Self::Tombstone,
        Self::Truncate,
        Self::Message,
        Self::Heartbeat,
        Self::Transaction,
        Self::Watermark,
        Self::SchemaChange,
        Self::SnapshotMarker,
        Self::Encrypted,
        Self::Unknown,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Tombstone => "tombstone",
            Self::Truncate => "truncate",
            Self::Message => "message",
            Self::Heartbeat => "heartbeat",
            Self::Transaction => "transaction",
            Self::Watermark => "watermark",
            Self::SchemaChange => "schema-change",
            Self::SnapshotMarker => "snapshot-marker",
            Self::Encrypted => "encrypted",
            Self::Unknown => "unknown",
        }
    }
}

/// One record, decoded. All ranges point into [`Events`].
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub class: Class,
    /// Range of `Events::rows`; empty for most classes. A tombstone has one row with a key and no images.
    pub first_row: u32,
    pub last_row: u32,
    /// The `schema` of a value or key in an envelope; empty without one.
    pub value_schema: Span,
    pub key_schema: Span,
    /// The source's transaction block in the value; empty without one.
    pub transaction: Span,
}

/// One changed row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Number of the record within the batch.
    pub record: u32,
    pub table: table::Index,
    /// As Debezium spells it: `c`, `u`, `d`, `r`; a tombstone is a `d`.
    pub operation: u8,
    pub before: RowImage,
    pub after: RowImage,
    pub key: RowImage,
}

/// One image of a row. Spans of `before` and `after` are in the value, those of `key` in the key.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowImage {
    pub presence: Presence,
    /// The object's text, braces included.
    pub span: Span,
    /// Range of `Events::members`, in the order of the text, duplicates included.
    pub first_member: u32,
    pub last_member: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// Not in the record.
    #[default]
    Missing,
    Null,
    Present,
    /// There, but no object: a key that is plain text or a number, say. Nothing in it can be named.
    Opaque,
}

/// One member of an image's object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name between its quotes, still escaped.
    pub name: Span,
    pub value: Span,
    /// Number of the column in the row's table.
    pub column: u16,
}

/// A batch of decoded records: flat lists that are cleared, never freed, between batches.
#[derive(Debug, Default)]
pub struct Events {
    pub events: Vec<Event>,
    pub rows: Vec<Row>,
    pub members: Vec<Member>,
}

impl Events {
    pub fn clear(&mut self) {
        self.events.clear();
        self.rows.clear();
        self.members.clear();
    }

    pub fn rows_of(&self, event: &Event) -> &[Row] {
        self.rows.get(event.first_row as usize..event.last_row as usize).unwrap_or_default()
    }

    pub fn members_of(&self, image: &RowImage) -> &[Member] {
        self.members
            .get(image.first_member as usize..image.last_member as usize)
            .unwrap_or_default()
    }

    fn members_mut(&mut self, image: &RowImage) -> &mut [Member] {
        self.members
            .get_mut(image.first_member as usize..image.last_member as usize)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
