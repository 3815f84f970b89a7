//! Records in files, in the two formats that commands read and write. Byte-exact both ways; must not know what a record says.

mod read;
mod write;

use std::ops::Range;
use std::sync::Arc;

use clap::ValueEnum;

use crate::record::{Header, Record};

pub use self::read::Reader;
pub use self::write::Writer;

/// The most records, and about the most bytes, that are held at a time.
pub const BATCH_RECORDS: usize = 1_024;
const BATCH_BYTES: usize = 8 << 20;
/// A longer line is no record: brokers take 1 MB unless told otherwise, and some are told 100.
const LONGEST_LINE: usize = 256 << 20;

/// How records stand in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One record's value a line
    #[default]
    Lines,
    /// One JSON object a line, with topic, partition, offset, timestamp, key, value and headers
    Records,
}

/// A batch of records in one buffer that is used again.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    records: Vec<Stored>,
    headers: Vec<StoredHeader>,
}

#[derive(Debug)]
struct Stored {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
}

#[derive(Debug)]
struct StoredHeader {
    name: Range<usize>,
    value: Option<Range<usize>>,
}

impl Batch {
    pub fn records(&self) -> Vec<Record<'_>> {
        self.records.iter().map(|stored| self.record(stored)).collect()
    }

    fn record<'b>(&'b self, stored: &'b Stored) -> Record<'b> {
        let headers = self.headers.get(stored.headers.clone()).unwrap_or_default();
        Record {
            topic: &stored.topic,
            partition: stored.partition,
            offset: stored.offset,
            timestamp: stored.timestamp,
            key: stored.key.as_ref().map(|place| self.text(place)),
            value: stored.value.as_ref().map(|place| self.text(place)),
            headers: headers
                .iter()
                .map(|header| Header {
                    name: self.text(&header.name),
                    value: header.value.as_ref().map(|place| self.text(place)),
                })
                .collect(),
        }
    }

    fn text(&self, place: &Range<usize>) -> &[u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
        self.headers.clear();
    }

    fn is_full(&self) -> bool {
        self.records.len() >= BATCH_RECORDS || self.bytes.len() >= BATCH_BYTES
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }
}

#[cfg(test)]
mod tests;
