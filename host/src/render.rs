//! From a record and the edits of its rows to the bytes that leave: splices them into the original text, so that whatever
//! nobody touched stays byte for byte. Must not know plugins or Kafka.

mod headers;
mod image;
mod side;
mod nested;
mod rows;
mod schema;
mod infer;
mod writer;

use std::borrow::Cow;

use crate::change::{Event, Events, Presence, Row, RowImage, Span};
use crate::contract::Image;
use crate::outcome::Refusal;
use crate::overlay::{Layout, Layouts, Overlay, Target};
use crate::record::Record;
use crate::table::Tables;

use schema::{Schemas, Side};
use writer::Writer;

pub use headers::{headers, topic};

/// What stands in place of a part of a value that no column names, in the order of the text: SQL without its literals, say.
pub type Redactions = Vec<(Span, Vec<u8>)>;

/// A decoded record and all that was decided about it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a, 'r> {
    pub record: &'a Record<'r>,
    pub event: &'a Event,
    pub events: &'a Events,
    pub tables: &'a Tables,
    pub layouts: Layouts<'a>,
    pub overlay: &'a Overlay,
    pub redactions: &'a [(Span, Vec<u8>)],
}

impl<'a> Subject<'a, '_> {
    /// The record's rows with their numbers in the overlay.
    fn rows(&self) -> impl Iterator<Item = (u32, &'a Row)> + use<'a> {
        (self.event.first_row..).zip(self.events.rows_of(self.event))
    }

    /// Those of its rows that stay in it.
    fn leaving(&self) -> impl Iterator<Item = (u32, &'a Row)> + use<'a> {
        let overlay = self.overlay;
        self.rows().filter(move |(row, _)| !overlay.is_removed(*row))
    }

    /// `schema` is that of the envelope: created columns have a field there, whether the row has them or not.
    fn is_untouched(&self, schema: Span) -> bool {
        let kept = |layout: &Layout| {
            layout.is_identity() && (schema.is_empty() || layout.created.is_empty())
        };
        self.layouts.all().all(kept)
            && self.rows().all(|(row, _)| !self.overlay.is_edited(row))
            && !self.removes_rows()
    }

    fn removes_rows(&self) -> bool {
        self.overlay.removes_rows() && self.rows().any(|(row, _)| self.overlay.is_removed(row))
    }
}

/// Renders the records of one lane. Keeps buffers, and the schemas of envelopes as they were rewritten before.
#[derive(Debug, Default)]
pub struct Renderer {
    edits: RowEdits,
    /// Where images and schema stand in a value, in the order of the text.
    sections: Vec<(u32, Section)>,
    schemas: Schemas,
}

#[derive(Clone, Copy, Debug)]
enum Section {
    Schema,
    Image {
        row: u32,
        image: Image,
    },
    /// A row that leaves, or a part of it, up to this offset.
    Cut {
        end: u32,
    },
    /// Number among the event's sides.
    Side(usize),
    /// Number among the subject's redactions.
    Redaction(usize),
}

impl Renderer {
    /// The value that leaves; borrowed where nothing of it changes, none for a tombstone.
    ///
    /// Refused as `schema-unknown` is an edit whose JSON no schema of the record's envelope could describe.
    pub fn value<'r>(
        &mut self,
        subject: Subject<'_, 'r>,
    ) -> Result<Option<Cow<'r, [u8]>>, Refusal> {
        let Some(text) = subject.record.value else { return Ok(None) };
        let schema = subject.event.value_schema;
        let untouched = subject.is_untouched(schema);
        if untouched && subject.redactions.is_empty() {
            return Ok(Some(Cow::Borrowed(text)));
        }
        self.edits.forget();
        self.plan(subject, untouched);
        let mut writer = Writer::new(text);
        for position in 0..self.sections.len() {
            let Some((start, section)) = self.sections.get(position).copied() else { break };
            match section {
                Section::Schema => self.schema(subject, Side::Value, schema, &mut writer)?,
                Section::Image { row, image } => self.image(subject, row, image, &mut writer),
                Section::Cut { end } => writer.replace(start as usize..end as usize, |_| {}),
                Section::Side(side) => {
                    side::write(subject, side, &mut self.edits, &mut writer);
                }
                Section::Redaction(number) => {
                    if let Some((span, text)) = subject.redactions.get(number) {
                        let range = span.start as usize..span.end as usize;
                        writer.replace(range, |out| out.extend_from_slice(text));
                    }
                }
            }
        }
        Ok(Some(writer.finish()))
    }

    /// Lists what may change in a value, in the order of the text.
    fn plan(&mut self, subject: Subject<'_, '_>, untouched: bool) {
        let sections = &mut self.sections;
        sections.clear();
        let redactions = subject.redactions.iter().enumerate();
        sections.extend(redactions.map(|(at, (span, _))| (span.start, Section::Redaction(at))));
        if !untouched {
            let schema = subject.event.value_schema;
            if !schema.is_empty() {
                sections.push((schema.start, Section::Schema));
            }
            for (number, row) in subject.rows() {
                if subject.overlay.is_removed(number) {
                    continue;
                }
                for (image, at) in [(Image::Before, &row.before), (Image::After, &row.after)] {
                    if at.presence == Presence::Present {
                        sections.push((at.span.start, Section::Image { row: number, image }));
                    }
                }
            }
            let sides = subject.events.sides_of(subject.event).iter().enumerate();
            sections.extend(sides.map(|(at, side)| (side.span.start, Section::Side(at))));
            if subject.removes_rows() {
                rows::cuts(subject, |start, end| sections.push((start, Section::Cut { end })));
            }
        }
        sections.sort_by_key(|(start, _)| *start);
    }

    /// The key that leaves; borrowed where nothing of it changes, none where the record has none.
    ///
    /// Refused as in [`Self::value`].
    pub fn key<'r>(&mut self, subject: Subject<'_, 'r>) -> Result<Option<Cow<'r, [u8]>>, Refusal> {
        let Some(text) = subject.record.key else { return Ok(None) };
        let present = |row: &Row| row.key.presence == Presence::Present;
        let Some((number, row)) = subject.rows().find(|(_, row)| present(row)) else {
            return Ok(Some(Cow::Borrowed(text)));
        };
        let schema = subject.event.key_schema;
        if subject.is_untouched(schema) {
            return Ok(Some(Cow::Borrowed(text)));
        }
        self.edits.forget();
        let mut writer = Writer::new(text);
        let schema_first = schema.start < row.key.span.start;
        if !schema.is_empty() && schema_first {
            self.schema(subject, Side::Key, schema, &mut writer)?;
        }
        self.image(subject, number, Image::Key, &mut writer);
        if !schema.is_empty() && !schema_first {
            self.schema(subject, Side::Key, schema, &mut writer)?;
        }
        Ok(Some(writer.finish()))
    }

    /// Writes the schema of an envelope at `span`, in step with what its images become.
    fn schema<'r>(
        &mut self,
        subject: Subject<'_, 'r>,
        side: Side,
        span: Span,
        writer: &mut Writer<'r>,
    ) -> Result<(), Refusal> {
        // Dialects with schemas have one row a record.
        let Some((number, row)) = subject.rows().next() else { return Ok(()) };
        self.edits.load(subject.overlay, number);
        let came = (side, span.of(writer.text()));
        if let Some(text) = self.schemas.rewritten(subject, came, row, &self.edits)? {
            let range = span.start as usize..span.end as usize;
            writer.replace(range, |out| out.extend_from_slice(text));
        }
        Ok(())
    }

    fn image(
        &mut self,
        subject: Subject<'_, '_>,
        number: u32,
        image: Image,
        writer: &mut Writer<'_>,
    ) {
        let Some((_, row)) = subject.rows().find(|(other, _)| *other == number) else { return };
        self.edits.load(subject.overlay, number);
        image::write(subject, row, image, &mut self.edits, writer);
    }
}

fn row_image(row: &Row, image: Image) -> &RowImage {
    match image {
        Image::Key => &row.key,
        Image::Before => &row.before,
        Image::After | Image::Header | Image::Meta => &row.after,
    }
}

/// Those edits of one row that count, by target: before, after and key columns, then created columns, headers and topic.
#[derive(Debug, Default)]
struct RowEdits {
    row: Option<u32>,
    /// With the edit's number in the overlay.
    list: Vec<(Target, u32)>,
    /// Whether each edit of the image being written has met a member of its column.
    met: Vec<bool>,
}

impl RowEdits {
    /// Forgets whose edits these are: row numbers come again in every batch.
    fn forget(&mut self) {
        self.row = None;
    }

    fn load(&mut self, overlay: &Overlay, row: u32) {
        if self.row == Some(row) {
            return;
        }
        self.row = Some(row);
        self.list.clear();
        self.list.extend(overlay.numbers(row));
        // The highest number is the latest.
        self.list.sort_unstable_by_key(|(target, number)| (*target, std::cmp::Reverse(*number)));
        self.list.dedup_by_key(|(target, _)| *target);
    }
}

#[cfg(test)]
mod tests;
