//! What the dialects of one object share: reading it, finding its table, and noting the places beside its images.

use super::debezium::Source;
use super::decode::{Turn, foreign, malformed, twice};
use super::envelope::{Part, Scan, Sheet};
use super::shape::index;
use super::{Class, Event, RowImage, Side, SideKind, Span, json, recognise};
use crate::outcome::Refusal;
use crate::table;

impl Turn<'_> {
    /// Reads the whole value as one object whose names mean what `meaning` says; none where it is no object. The images
    /// wait in `topic` until [`Self::settle`] has found their table.
    pub(super) fn sheet(
        &mut self,
        text: &[u8],
        meaning: fn(&str) -> Part,
    ) -> Result<Option<Sheet>, Refusal> {
        let malformed = |error| malformed(text, error);
        let start = json::begin(text).map_err(malformed)?;
        if json::byte(text, start) != b'{' {
            let end = json::value(text, start).map_err(malformed)?;
            json::finish(text, end).map_err(malformed)?;
            return Ok(None);
        }
        let sheet = self.object(text, start, meaning)?;
        json::finish(text, sheet.end).map_err(malformed)?;
        Ok(Some(sheet))
    }

    /// Reads the object at `start`; something may follow it.
    pub(super) fn object(
        &mut self,
        text: &[u8],
        start: usize,
        meaning: fn(&str) -> Part,
    ) -> Result<Sheet, Refusal> {
        let (envelope, columns) = self.topic.guess_envelope();
        let members = &mut self.events.members;
        let mut scan = Scan { text, envelope, columns, members, meaning };
        scan.object(start).map_err(|error| malformed(text, error))
    }

    /// Refuses an object in which one of `parts` stands twice.
    pub(super) fn only_once(&self, sheet: &Sheet, parts: &[(Part, &str)]) -> Result<(), Refusal> {
        match parts.iter().find(|(part, _)| sheet.is_twice(*part)) {
            Some((_, name)) => Err(twice(name)),
            None => Ok(()),
        }
    }

    /// What is no event of the dialect, and refused where it is one of another.
    pub(super) fn strange(&self, text: &[u8]) -> Result<Event, Refusal> {
        match recognise::foreign(text, self.dialect) {
            Some(family) => Err(foreign(family, self.dialect)),
            None => Ok(self.without_rows(Class::Unknown)),
        }
    }

    /// The one image that stands as `part`, missing where there is none or null; none where anything else does.
    pub(super) fn only_image(&self, text: &[u8], sheet: &Sheet, part: Part) -> Option<RowImage> {
        match sheet.span(part).of(text).first() {
            Some(b'{') => self.topic.image(part).copied(),
            Some(b'n') | None => Some(RowImage::default()),
            Some(_) => None,
        }
    }

    /// Finds the table that `sheet` names, or else the topic does, and gives the images' members their columns.
    pub(super) fn settle(&mut self, text: &[u8], sheet: &Sheet) -> Result<table::Index, Refusal> {
        let source = Source {
            database: sheet.span(Part::Database),
            schema: sheet.span(Part::Schema),
            table: sheet.span(Part::Table),
            ..Source::default()
        };
        let guess = self.topic.last();
        let table = self.topic.find(text, &source, self.tables, self.dialect);
        let same = guess == Some(table);
        let types = sheet.span(Part::Types);
        if text.get(types.start as usize) == Some(&b'{') {
            self.topic.table(table).note_types_by_column(types.of(text), self.tables);
        }
        if !(same && sheet.guessed) {
            let (rows, was) = self.topic.take_images();
            let known = self.topic.table(table);
            for image in &rows {
                known.settle(text, self.events.members_mut(image), !same, self.tables)?;
            }
            for image in &was {
                known.number(text, self.events.members_mut(image), !same, self.tables)?;
            }
            self.topic.return_images((rows, was));
        }
        Ok(self.topic.table(table).index())
    }

    /// Gives the event's first row the record's key, whose columns are those of the table used last.
    pub(super) fn with_key(&mut self, bare: Event) -> Result<Event, Refusal> {
        let key = self.key()?;
        if let Some(row) = self.events.rows.get_mut(bare.first_row as usize) {
            row.key = key.image;
        }
        Ok(Event { key_schema: key.schema, ..bare })
    }

    /// The event with all rows and sides that were added since it was made.
    pub(super) fn complete(&self, bare: Event) -> Event {
        let (last_row, last_side) = (index(self.events.rows.len()), index(self.events.sides.len()));
        Event { last_row, last_side, ..bare }
    }

    /// Notes a place beside the images, if a value that starts with `opens` stands there.
    pub(super) fn side(
        &mut self,
        text: &[u8],
        span: Span,
        kind: SideKind,
        (opens, row): (u8, Option<u32>),
    ) {
        if span.of(text).first() == Some(&opens) {
            self.events.sides.push(Side { kind, span, row });
        }
    }
}

/// The images of one value: the rows, and what they were.
pub(super) type Images = (Vec<RowImage>, Vec<RowImage>);
