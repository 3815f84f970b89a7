//! The fields in which two outputs of one record differ, side by side with the source, as far as the veil lets them be seen.
//! Knows neither chains nor how the fields were found in the records.

use super::end::Sent;
use super::fields::{ReadRow, Rows};
use super::veil::{Side, Veil};
use crate::contract::Image;
use crate::control::FieldDiff;
use crate::protect::Protection;
use crate::record::{Header, OutputHeader, Partition, Record};

/// So many are shown of one record.
const FIELDS: usize = 40;

/// The fields of one record, as they are found.
pub(super) struct Fields<'v> {
    veil: &'v Veil,
    protection: &'v Protection,
    list: Vec<FieldDiff>,
    more: usize,
}

impl<'v> Fields<'v> {
    pub(super) fn new(veil: &'v Veil, protection: &'v Protection) -> Self {
        Self { veil, protection, list: Vec::new(), more: 0 }
    }

    pub(super) fn list(mut self) -> Vec<FieldDiff> {
        if self.more > 0 {
            let field = format!("and {} more", self.more);
            self.list.push(FieldDiff { field, ..FieldDiff::default() });
        }
        self.list
    }

    /// Compares two outputs of `record`; `rows` are those of the source, the old output and the new one.
    pub(super) fn of_outputs(
        &mut self,
        record: &Record<'_>,
        [old, new]: [&Sent; 2],
        rows: [&Rows; 3],
    ) {
        if old.topic != new.topic {
            let topics = [old, new].map(|sent| Some(self.veil.text(&sent.topic)));
            self.add("topic", Some(format!("\"{}\"", record.topic)), topics);
        }
        if old.partition != new.partition {
            let partitions = [old, new].map(|sent| Some(partition(sent.partition)));
            self.add("partition", Some(record.partition.to_string()), partitions);
        }
        let images = self.of_rows(rows);
        // What differs where no column does, and what nobody can read, is told by its length.
        if old.key != new.key && !images.contains(&Image::Key) {
            self.lengths("key", [record.key, old.key.as_deref(), new.key.as_deref()]);
        }
        if old.value != new.value && !images.iter().any(|image| *image != Image::Key) {
            self.lengths("value", [record.value, old.value.as_deref(), new.value.as_deref()]);
        }
        self.of_headers(record, [&old.headers, &new.headers]);
    }

    /// Compares what plugins made beside the record, or in its place.
    pub(super) fn beside(&mut self, made: [&[Sent]; 2]) {
        let [old, new] = made;
        if old != new {
            let told = made.map(|made| {
                let bytes: usize = made.iter().map(Sent::size).sum();
                Some(format!("{} of {bytes} bytes", made.len()))
            });
            self.add("emissions", None, told);
        }
    }

    /// Cells that differ. Gives the images in which any was found.
    fn of_rows(&mut self, rows: [&Rows; 3]) -> Vec<Image> {
        let [source, old, new] = rows;
        let mut images = Vec::new();
        if old.len() != source.len() || new.len() != source.len() {
            let [source, old, new] = rows.map(|rows| Some(rows.len().to_string()));
            self.add("rows", source, [old, new]);
            return images;
        }
        for (number, ((source, old), new)) in (1..).zip(source.iter().zip(old).zip(new)) {
            let prefix = if rows[0].len() == 1 { String::new() } else { format!("row {number} ") };
            let mut met: Vec<(Image, &str)> = Vec::new();
            for cell in old.cells.iter().chain(&new.cells) {
                let place = (cell.image, &*cell.column);
                if met.contains(&place) {
                    continue;
                }
                met.push(place);
                if old.cell(place.0, place.1) != new.cell(place.0, place.1) {
                    images.push(place.0);
                    self.cell(&prefix, place, [source, old, new]);
                }
            }
        }
        images
    }

    fn cell(&mut self, prefix: &str, (image, name): (Image, &str), rows: [&ReadRow; 3]) {
        if self.is_full() {
            return;
        }
        let [source, old, new] = rows;
        let (veil, protection, table) = (self.veil, self.protection, &source.table);
        let shown = |side: Side, row: &ReadRow| {
            row.cell(image, name).map(|cell| veil.cell(side, (table, protection), cell))
        };
        let came = (source.cell(image, name), shown(Side::Source, source));
        // What is hidden in the source and left as it came is hidden there too, be it as little as a null.
        let output = |row: &ReadRow| match row.cell(image, name) {
            same if same == came.0 && same.is_some() => came.1.clone(),
            _ => shown(Side::Output, row),
        };
        let field = format!("{prefix}{image}.{}", veil.name(name));
        let outputs = [output(old), output(new)];
        self.add(&field, came.1, outputs);
    }

    fn of_headers(&mut self, record: &Record<'_>, [old, new]: [&[OutputHeader<'_>]; 2]) {
        let mut met: Vec<&[u8]> = Vec::new();
        for header in old.iter().chain(new) {
            if met.contains(&&*header.name) {
                continue;
            }
            met.push(&header.name);
            let [olds, news] = [old, new].map(|headers| values(headers, &header.name));
            if olds == news || self.is_full() {
                continue;
            }
            let came = record.headers.iter().filter(|came| *came.name == *header.name);
            let came: Vec<Option<&[u8]>> = came.map(|Header { value, .. }| *value).collect();
            let veil = self.veil;
            let shown = |side: Side, values: &[Option<&[u8]>]| {
                let shown = values.iter().map(|value| veil.header(side, &header.name, *value));
                (!values.is_empty()).then(|| shown.collect::<Vec<_>>().join(", "))
            };
            let field = format!("header:{}", veil.name(&String::from_utf8_lossy(&header.name)));
            let outputs = [shown(Side::Output, &olds), shown(Side::Output, &news)];
            self.add(&field, shown(Side::Source, &came), outputs);
        }
    }

    fn lengths(&mut self, field: &str, parts: [Option<&[u8]>; 3]) {
        let told = |part: Option<&[u8]>| part.map(|bytes| format!("{} bytes", bytes.len()));
        let [source, old, new] = parts.map(told);
        self.add(field, source, [old, new]);
    }

    /// Whether one field more would not be shown; then it is counted.
    fn is_full(&mut self) -> bool {
        let is_full = self.list.len() >= FIELDS;
        self.more += usize::from(is_full);
        is_full
    }

    fn add(&mut self, field: &str, source: Option<String>, [old, new]: [Option<String>; 2]) {
        self.list.push(FieldDiff { field: field.to_owned(), source, old, new });
    }
}

fn values<'h>(headers: &'h [OutputHeader<'_>], name: &[u8]) -> Vec<Option<&'h [u8]>> {
    let named = headers.iter().filter(|header| *header.name == *name);
    named.map(|header| header.value.as_deref()).collect()
}

fn partition(partition: Partition) -> String {
    match partition {
        Partition::Same(partition) => partition.to_string(),
        Partition::ByKey => "by key".to_owned(),
    }
}
