//! A record or an output as named fields, read as the pipeline reads records: whatever the dialect, the decoder says where the
//! images and their columns stand. Must not know what may be shown.

use std::borrow::Cow;
use std::sync::Arc;

use crate::change::{Decoder, Event, Events, NO_COLUMN, Row, json};
use crate::compress::Compression;
use crate::config;
use crate::contract::Image;
use crate::record::Record;
use crate::table::{Table, Tables};

/// Reads the records of one kind: those of the source, or what one chain makes of them. Learns from each, as a lane does.
pub(super) struct Reader {
    decoder: Decoder,
    tables: Tables,
    events: Events,
    compression: Option<Compression>,
    most: usize,
}

/// The rows of one record, in their order; none where it has none, or where nobody can read it.
pub(super) type Rows = Vec<ReadRow>;

pub(super) struct ReadRow {
    pub(super) table: Table,
    pub(super) cells: Vec<Cell>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) image: Image,
    pub(super) column: Arc<str>,
    /// JSON text; an array where the name stands more than once.
    pub(super) text: Vec<u8>,
    count: usize,
}

impl Reader {
    pub(super) fn new(settings: &config::Pipeline) -> Self {
        Self {
            decoder: Decoder::new(settings.dialects.clone()),
            tables: Tables::default(),
            events: Events::default(),
            compression: settings.compression,
            most: settings.limits.in_flight_bytes,
        }
    }

    pub(super) fn read(&mut self, record: &Record<'_>) -> Rows {
        let plain = self.unpacked(record.value);
        let record = &Record { value: plain.as_deref(), ..record.clone() };
        let Self { decoder, tables, events, .. } = self;
        events.clear();
        if decoder.decode(0, record, tables, events).is_err() {
            return Rows::new();
        }
        let Some(event) = self.events.events.first().copied() else { return Rows::new() };
        self.rows(&event, record).unwrap_or_default()
    }

    fn rows(&self, event: &Event, record: &Record<'_>) -> Option<Rows> {
        let row = |row: &Row| {
            let table = self.tables.get(row.table)?.clone();
            let cells = self.cells(row, &table, record);
            Some(ReadRow { table, cells })
        };
        self.events.rows_of(event).iter().map(row).collect()
    }

    fn cells(&self, row: &Row, table: &Table, record: &Record<'_>) -> Vec<Cell> {
        let mut cells: Vec<Cell> = Vec::new();
        for image in [Image::Before, Image::After, Image::Key] {
            let text = if image == Image::Key { record.key } else { record.value };
            let (Some(text), Some(at)) = (text, row.image(image)) else { continue };
            let first = cells.len();
            for member in self.events.members_of(at) {
                if member.column == NO_COLUMN {
                    continue;
                }
                let Some(column) = table.columns.get(usize::from(member.column)) else { continue };
                let cell = Cell {
                    image,
                    column: Arc::clone(&column.name),
                    text: member.raw(text).into_owned(),
                    count: 1,
                };
                // Where a name stands twice both leave, and both may differ.
                let same = cells.iter_mut().skip(first).find(|c| c.column == cell.column);
                match same {
                    Some(twin) => twin.add(&cell.text),
                    None => cells.push(cell),
                }
            }
        }
        cells
    }

    /// A value as plugins see it; what cannot be unpacked as it is.
    fn unpacked<'v>(&self, value: Option<&'v [u8]>) -> Option<Cow<'v, [u8]>> {
        let value = value?;
        let is_plain = |value: &[u8]| {
            json::document(value).is_ok_and(|whole| whole.of(value).starts_with(b"{"))
        };
        let Some(compression) = self.compression.filter(|_| !is_plain(value)) else {
            return Some(Cow::Borrowed(value));
        };
        let mut plain = Vec::new();
        match compression.unpack(value, self.most, &mut plain) {
            Ok(()) => Some(Cow::Owned(plain)),
            Err(_) => Some(Cow::Borrowed(value)),
        }
    }
}

impl Cell {
    fn add(&mut self, text: &[u8]) {
        if self.count == 1 {
            self.text.insert(0, b'[');
        } else {
            self.text.pop();
        }
        self.text.push(b',');
        self.text.extend_from_slice(text);
        self.text.push(b']');
        self.count += 1;
    }
}

impl ReadRow {
    pub(super) fn cell(&self, image: Image, column: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.image == image && *cell.column == *column)
    }
}
