//! One object that holds a header and the images of its rows side by side, as Maxwell, Canal, GoldenGate and DMS write it: where
//! each member stands, read in one pass. Knows where things are, not what they mean: that is each dialect's own file.

use super::debezium::presence;
use super::json::{self, Error, Step};
use super::shape::{Columns, Memo, Names};
use super::{Member, RowImage, Span};

/// What a member of the object is to us. The names of all dialects: each knows its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Part {
    /// The rows as the change leaves them, or those it deletes: one object, or an array of them.
    Rows,
    /// What the rows were before: likewise.
    Was,
    Database,
    Schema,
    Table,
    /// What kind of change.
    Type,
    /// SQL text.
    Sql,
    /// The SQL text that changed the rows.
    Query,
    /// `mysqlType`: how the source names the columns' types.
    Types,
    /// `sqlType`: the same as JDBC numbers.
    TypeNumbers,
    /// Names of the key's columns.
    KeyNames,
    /// Their values.
    KeyValues,
    /// Whether it is DDL.
    IsDdl,
    /// What the tool adds about itself: `_tidb`, `metadata`.
    Extra,
    /// Whether it is about data or about tables.
    RecordType,
    /// Present where the payload is encrypted.
    Encrypted,
    /// What the source calls the transaction.
    Transaction,
    /// Whether the row ends it.
    Commit,
    Other,
}

impl Part {
    pub(super) const COUNT: usize = Self::Other as usize;

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// What the scanner of a topic remembers of its last value.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    names: Names<Part>,
    /// Of the object inside the object that holds part of the header.
    inner: Names<Part>,
    types: Constant,
    type_numbers: Constant,
    /// The images of the value being read.
    pub(super) rows: Vec<RowImage>,
    pub(super) was: Vec<RowImage>,
}

/// A member that says the same in every value, as most tools write it.
#[derive(Debug, Default)]
struct Constant {
    memo: Memo,
    /// How often in a row it was another than before.
    misses: u32,
}

impl Constant {
    /// After so many misses nobody looks any more: TiCDC writes its types in another order each time.
    const PATIENCE: u32 = 64;

    fn read(&mut self, text: &[u8], at: usize) -> Step {
        if self.misses > Self::PATIENCE {
            return json::value(text, at);
        }
        let last = self.memo.last_number();
        let (number, end) = self.memo.read(text, at)?;
        // What is remembered is numbered in the order it came.
        self.misses = if number != Memo::UNKNOWN && number <= last { 0 } else { self.misses + 1 };
        Ok(end)
    }
}

/// Where the members of one object stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet {
    spans: [Span; Part::COUNT],
    seen: u32,
    twice: u32,
    /// How many members it has.
    pub(super) members: usize,
    /// Whether the images' columns stood as guessed.
    pub(super) guessed: bool,
    /// The index after the object.
    pub(super) end: usize,
}

impl Sheet {
    /// The JSON value of `part`; empty where the object has none.
    pub(super) fn span(&self, part: Part) -> Span {
        self.spans.get(part as usize).copied().unwrap_or_default()
    }

    pub(super) fn has(&self, part: Part) -> bool {
        self.seen & part.bit() != 0
    }

    fn note(&mut self, part: Part, span: Span) {
        self.twice |= self.seen & part.bit();
        self.seen |= part.bit();
        if let Some(known) = self.spans.get_mut(part as usize) {
            *known = span;
        }
    }

    /// Whether `part` stands twice: of two, nobody could say which counts.
    pub(super) fn is_twice(&self, part: Part) -> bool {
        self.twice & part.bit() != 0
    }
}

impl Envelope {
    /// Adds to `sheet` what the object at `part` says whose names mean what `meaning` says.
    pub(super) fn inside(
        &mut self,
        text: &[u8],
        sheet: &mut Sheet,
        part: Part,
        meaning: fn(&str) -> Part,
    ) -> Result<(), Error> {
        let start = sheet.span(part).start as usize;
        let mut at = json::blanks(text, start + 1);
        if json::byte(text, start) != b'{' || json::byte(text, at) == b'}' {
            return Ok(());
        }
        let mut position = 0;
        loop {
            let inner;
            (inner, at) = self.inner.read(text, at, position, meaning)?;
            let value = json::blanks(text, at);
            let end = json::value(text, value)?;
            if inner != Part::Other {
                sheet.note(inner, json::span(value, end));
            }
            position += 1;
            let more;
            (more, at) = json::after_member(text, end)?;
            if !more {
                return Ok(());
            }
        }
    }
}

/// One object being read.
pub(super) struct Scan<'a> {
    pub(super) text: &'a [u8],
    pub(super) envelope: &'a mut Envelope,
    /// Of the table that the value is guessed to belong to.
    pub(super) columns: &'a Columns,
    pub(super) members: &'a mut Vec<Member>,
    /// What a name means in the dialect.
    pub(super) meaning: fn(&str) -> Part,
}

impl Scan<'_> {
    /// Reads the object at `start`, which must be one.
    pub(super) fn object(&mut self, start: usize) -> Result<Sheet, Error> {
        self.envelope.rows.clear();
        self.envelope.was.clear();
        let mut sheet = Sheet {
            spans: [Span::default(); Part::COUNT],
            seen: 0,
            twice: 0,
            members: 0,
            guessed: true,
            end: 0,
        };
        let mut at = json::blanks(self.text, start + 1);
        if json::byte(self.text, at) == b'}' {
            sheet.end = at + 1;
            return Ok(sheet);
        }
        let mut position = 0;
        loop {
            let part;
            (part, at) = self.envelope.names.read(self.text, at, position, self.meaning)?;
            at = self.part(part, json::blanks(self.text, at), &mut sheet)?;
            position += 1;
            let more;
            (more, at) = json::after_member(self.text, at)?;
            if !more {
                (sheet.members, sheet.end) = (position, at);
                return Ok(sheet);
            }
        }
    }

    #[inline(always)]
    fn part(&mut self, part: Part, at: usize, sheet: &mut Sheet) -> Step {
        if part == Part::Other {
            return json::value(self.text, at);
        }
        let end = match part {
            Part::Rows | Part::Was => self.images(part, at, sheet)?,
            Part::Types => self.envelope.types.read(self.text, at)?,
            Part::TypeNumbers => self.envelope.type_numbers.read(self.text, at)?,
            _ => json::value(self.text, at)?,
        };
        sheet.note(part, json::span(at, end));
        Ok(end)
    }

    /// Reads one image, or an array of them.
    fn images(&mut self, part: Part, start: usize, sheet: &mut Sheet) -> Step {
        match json::byte(self.text, start) {
            b'[' => {}
            // Written where there is none.
            b'n' => return json::value(self.text, start),
            _ => return self.image(part, start, sheet),
        }
        let mut at = json::blanks(self.text, start + 1);
        if json::byte(self.text, at) == b']' {
            return Ok(at + 1);
        }
        loop {
            at = json::blanks(self.text, self.image(part, at, sheet)?);
            match json::byte(self.text, at) {
                b',' => at = json::blanks(self.text, at + 1),
                b']' => return Ok(at + 1),
                _ => return Err(json::Expected::ElementEnd.error(at)),
            }
        }
    }

    fn image(&mut self, part: Part, at: usize, sheet: &mut Sheet) -> Step {
        let first = json::byte(self.text, at);
        let (image, end) = if first == b'{' {
            let order = &self.columns.row;
            let (image, guessed, end) = self.columns.image(order, self.text, at, self.members)?;
            sheet.guessed &= guessed;
            (image, end)
        } else {
            let end = json::value(self.text, at)?;
            let (presence, span) = (presence(first), json::span(at, end));
            (RowImage { presence, span, ..RowImage::default() }, end)
        };
        match part {
            Part::Was => self.envelope.was.push(image),
            _ => self.envelope.rows.push(image),
        }
        Ok(end)
    }
}
