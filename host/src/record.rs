//! A record as Kafka holds it, and a record as it leaves. Knows no client and no format.

mod copies;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use copies::Copies;

/// One record of a source topic, borrowed for one turn of a lane.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// Interned by the source, so that whoever must remember it clones a pointer.
    pub topic: &'a Arc<str>,
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since 1970; none where the broker kept none.
    pub timestamp: Option<i64>,
    pub key: Option<&'a [u8]>,
    /// None is a tombstone.
    pub value: Option<&'a [u8]>,
    pub headers: Vec<Header<'a>>,
}

/// A Kafka header. Names are bytes: producers exist that write names which are not UTF-8, and they leave as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    pub name: &'a [u8],
    pub value: Option<&'a [u8]>,
}

/// Where a record stands; the one identity that no source format can get wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}@{}", self.topic, self.partition, self.offset)
    }
}

impl Record<'_> {
    pub fn position(&self) -> Position {
        Position { topic: Arc::clone(self.topic), partition: self.partition, offset: self.offset }
    }
}

/// A record on its way out. Whatever no plugin touched still borrows the source record's bytes.
#[derive(Clone, Debug)]
pub struct Output<'a> {
    pub topic: Arc<str>,
    pub partition: Partition,
    pub timestamp: Option<i64>,
    pub key: Option<Cow<'a, [u8]>>,
    pub value: Option<Cow<'a, [u8]>>,
    pub headers: Vec<OutputHeader<'a>>,
}

impl Output<'_> {
    /// Bytes of key, value and headers together.
    pub fn size(&self) -> usize {
        size(self.key.as_deref(), self.value.as_deref(), &self.headers)
    }
}

/// Bytes of key, value and headers together.
pub fn size(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[OutputHeader<'_>]) -> usize {
    let length = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
    let header = |header: &OutputHeader<'_>| header.name.len() + length(header.value.as_deref());
    length(key) + length(value) + headers.iter().map(header).sum::<usize>()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputHeader<'a> {
    pub name: Cow<'a, [u8]>,
    pub value: Option<Cow<'a, [u8]>>,
}

impl<'a> From<&Header<'a>> for OutputHeader<'a> {
    fn from(header: &Header<'a>) -> Self {
        Self { name: Cow::Borrowed(header.name), value: header.value.map(Cow::Borrowed) }
    }
}

/// How an output finds its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// The number it had in the source topic.
    Same(i32),
    /// Hashed from the key as Java's clients do (murmur2); without a key, any.
    ByKey,
}
