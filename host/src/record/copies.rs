//! Records copied into one buffer, for whoever must keep them longer than their source does. Knows neither where they came from nor
//! how many are too many.

use std::ops::Range;
use std::sync::Arc;

use super::{Header, Record};

/// Records in one buffer.
#[derive(Debug, Default)]
pub struct Copies {
    bytes: Vec<u8>,
    records: Vec<Copied>,
    headers: Vec<CopiedHeader>,
}

/// Ranges are of [`Copies::bytes`], that of the headers of [`Copies::headers`].
#[derive(Debug)]
struct Copied {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
}

#[derive(Debug)]
struct CopiedHeader {
    name: Range<usize>,
    value: Option<Range<usize>>,
}

impl Copies {
    pub fn with_capacity(records: usize, bytes: usize) -> Self {
        let (bytes, records) = (Vec::with_capacity(bytes), Vec::with_capacity(records));
        Self { bytes, records, headers: Vec::new() }
    }

    pub fn add(&mut self, record: &Record<'_>) {
        let Self { bytes, records, headers } = self;
        let mut copy = |part: &[u8]| {
            let start = bytes.len();
            bytes.extend_from_slice(part);
            start..bytes.len()
        };
        let first = headers.len();
        headers.extend(record.headers.iter().map(|header| CopiedHeader {
            name: copy(header.name),
            value: header.value.map(&mut copy),
        }));
        records.push(Copied {
            topic: Arc::clone(record.topic),
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.map(&mut copy),
            value: record.value.map(&mut copy),
            headers: first..headers.len(),
        });
    }

    /// In the order in which they were added.
    pub fn records(&self) -> Vec<Record<'_>> {
        self.records.iter().map(|copied| self.record(copied)).collect()
    }

    fn record<'c>(&'c self, copied: &'c Copied) -> Record<'c> {
        let part = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        let header = |header: &CopiedHeader| Header {
            name: part(&header.name),
            value: header.value.as_ref().map(part),
        };
        let headers = self.headers.get(copied.headers.clone()).unwrap_or_default();
        Record {
            topic: &copied.topic,
            partition: copied.partition,
            offset: copied.offset,
            timestamp: copied.timestamp,
            key: copied.key.as_ref().map(part),
            value: copied.value.as_ref().map(part),
            headers: headers.iter().map(header).collect(),
        }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes of all keys, values and headers.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn last_topic(&self) -> Option<&Arc<str>> {
        self.records.last().map(|copied| &copied.topic)
    }

    /// Forgets the records, and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
        self.headers.clear();
    }
}
