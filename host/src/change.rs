//! What a record says: its class, and where in its bytes each row's images and columns stand. Finds spans, copies nothing,
//! builds no tree. Must not know plugins, Kafka or how edits are applied.

pub mod json;
mod shape;
mod debezium;
mod mongo;
mod envelope;
mod sheet;
mod canal;
mod ticdc;
mod flat;
mod cloudevents;
mod wrapped;
mod told;
mod maxwell;
mod ticdc_maxwell;
mod ogg;
mod dms;
mod types;
mod known;
mod maxwell_key;
mod topic;
mod recognise;
mod decode;

use std::borrow::Cow;
use std::ops::Range;

use crate::cell;
use crate::contract::Image;
use crate::table;

pub use crate::redact::SqlFlavour;
pub use decode::Decoder;
pub use recognise::{Looks, recognise, recognise_record, unknown};

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
    /// Range of `Events::sides`, in the order of the text, but that a key's values stand right behind its names.
    pub first_side: u32,
    pub last_side: u32,
    /// The `schema` of a value or key in an envelope; empty without one.
    pub value_schema: Span,
    pub key_schema: Span,
    /// The source's transaction block in the value; empty without one.
    pub transaction: Span,
    /// The record holds only a part of its row, and says where the rest is, in clear: in TiDB or in a file (TiCDC's
    /// `onlyHandleKey` and `claimCheckLocation`). What no plugin sees there, none can mask.
    pub elsewhere: bool,
    /// Ends its transaction, as the source says (Maxwell's `commit`).
    pub commits: bool,
}

/// One changed row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Number of the record within the batch.
    pub record: u32,
    pub table: table::Index,
    /// As Debezium spells it: `c`, `u`, `d`, `r`; a tombstone is a `d`.
    pub operation: u8,
    /// The object it is in, where a value holds several; empty elsewhere.
    pub object: Span,
    /// `before` holds only the columns that changed: what it does not have is as in `after`.
    pub delta: bool,
    /// Says more about the row before it, as the `updatedFields` of a MongoDB update do: its cells are edited like any row's,
    /// but whether it passes is decided for the row before it.
    pub companion: bool,
    pub before: RowImage,
    pub after: RowImage,
    /// Of the rows of one record only the first has one.
    pub key: RowImage,
}

impl Row {
    pub fn image(&self, image: Image) -> Option<&RowImage> {
        match image {
            Image::Before => Some(&self.before),
            Image::After => Some(&self.after),
            Image::Key => Some(&self.key),
            Image::Header | Image::Meta => None,
        }
    }
}

/// A place in a value, beside the images of its rows, that speaks of their columns and is kept in step with them.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    pub kind: SideKind,
    /// The whole JSON value.
    pub span: Span,
    /// Number of the row in `Events::rows` whose table it speaks of; none where the record has no row.
    pub row: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideKind {
    /// An object with a member for each column (`mysqlType`, `sqlType`).
    ByColumn,
    /// An array of column names (`pkNames`, `primary_key_columns`).
    Names,
    /// An array of the values that the columns of the array before it have (Maxwell's `primary_key`).
    KeyValues,
    /// An array of names of a document's fields, dotted where they are nested, or of objects with such a name as `field`
    /// (`removedFields`, `truncatedArrays`).
    FieldNames,
    /// A string of SQL, which may hold any value of any row.
    Sql(SqlFlavour),
    /// Debezium's `tableChanges`: defaults and comments of columns may hold anything.
    TableChanges,
    /// Bytes in base64 that may hold anything: what a program wrote into the source's log, or a row's key as TiDB stores it.
    Content,
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
    /// How its members stand in the text.
    pub form: Form,
}

/// How a member stands in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `"name":value`.
    #[default]
    Plain,
    /// `\"name\":value`, in JSON that is itself the text of a string: everything is escaped once more.
    Escaped,
    /// `"pk.name":value`, in Maxwell's keys.
    Prefixed,
    /// `{"name":value}`, an element of an array, in Maxwell's keys.
    Boxed,
}

impl Form {
    /// Bytes between the start of the member and its name.
    pub fn before_name(self) -> usize {
        match self {
            Self::Plain => "\"".len(),
            Self::Escaped => "\\\"".len(),
            Self::Prefixed => "\"pk.".len(),
            Self::Boxed => "{\"".len(),
        }
    }

    /// Bytes between the end of the value and that of the member.
    pub fn after_value(self) -> usize {
        match self {
            Self::Plain | Self::Escaped | Self::Prefixed => 0,
            Self::Boxed => "}".len(),
        }
    }
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
    /// Number of the column in the row's table; [`NO_COLUMN`] for a member that is none.
    pub column: u16,
    pub form: Form,
}

/// The column of a member that belongs to the format, not to the row; no table has so many.
pub const NO_COLUMN: u16 = u16::MAX;

impl Member {
    /// From its first byte to its last, the comma left out.
    pub fn whole(&self) -> Range<usize> {
        let start = (self.name.start as usize).saturating_sub(self.form.before_name());
        start..self.value.end as usize + self.form.after_value()
    }

    /// The JSON text of its value.
    pub fn raw<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let raw = self.value.of(text);
        if self.form != Form::Escaped || !json::is_escaped(raw) {
            return Cow::Borrowed(raw);
        }
        let mut plain = Vec::with_capacity(raw.len());
        match cell::unescape(raw, &mut plain) {
            Ok(()) => Cow::Owned(plain),
            // Half of a surrogate pair: the decoder lets no such document be an image.
            Err(_) => Cow::Borrowed(b"null"),
        }
    }
}

/// A batch of decoded records: flat lists that are cleared, never freed, between batches.
#[derive(Debug, Default)]
pub struct Events {
    pub events: Vec<Event>,
    pub rows: Vec<Row>,
    pub members: Vec<Member>,
    pub sides: Vec<Side>,
}

impl Events {
    pub fn clear(&mut self) {
        self.events.clear();
        self.rows.clear();
        self.members.clear();
        self.sides.clear();
    }

    pub fn sides_of(&self, event: &Event) -> &[Side] {
        self.sides.get(event.first_side as usize..event.last_side as usize).unwrap_or_default()
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
