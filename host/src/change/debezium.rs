//! Debezium's value: its levels, its images, and which class of record it makes. One pass over the bytes; the table's columns
//! are guessed here and verified by `decode`.

mod sides;
mod source;

use super::json::{self, Error, Step};
use super::shape::{Columns, Memo, Names};
use super::{Class, Member, Presence, RowImage, Span};

pub(super) use source::Source;
use source::SourcePart;

/// What a member of the value, or of its payload, is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Part {
    Schema,
    Payload,
    Before,
    After,
    Source,
    Operation,
    Transaction,
    Message,
    Status,
    Id,
    Ddl,
    DatabaseName,
    Time,
    /// How a MongoDB document was changed.
    Update,
    /// The same, as old connectors write it.
    Patch,
    /// Which document they mean.
    Filter,
    Other,
}

impl Part {
    fn of(name: &str) -> Self {
        match name {
            "schema" => Self::Schema,
            "payload" => Self::Payload,
            "before" => Self::Before,
            "after" => Self::After,
            "source" => Self::Source,
            "op" => Self::Operation,
            "transaction" => Self::Transaction,
            "message" => Self::Message,
            "status" => Self::Status,
            "id" => Self::Id,
            "ddl" | "tableChanges" => Self::Ddl,
            "databaseName" => Self::DatabaseName,
            "ts_ms" | "ts_us" | "ts_ns" => Self::Time,
            "updateDescription" => Self::Update,
            "patch" => Self::Patch,
            "filter" => Self::Filter,
            _ => Self::Other,
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }

    /// Of these a record can only have one; of two, nobody could say which counts.
    const SINGLE: u32 = Self::Schema.bit()
        | Self::Payload.bit()
        | Self::Before.bit()
        | Self::After.bit()
        | Self::Source.bit()
        | Self::Operation.bit()
        | Self::Update.bit()
        | Self::Patch.bit()
        | Self::Filter.bit();
    /// Those that speak of a row.
    const ROW: u32 =
        Self::Before.bit() | Self::After.bit() | Self::Update.bit() | Self::Patch.bit();
}

/// What one level of a value holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    /// Where its object starts.
    start: u32,
    /// A bit for each [`Part`] met.
    seen: u32,
    /// The same, for those met twice.
    twice: u32,
    pub(super) before: RowImage,
    pub(super) after: RowImage,
    /// Whether the images' columns stood as guessed.
    pub(super) guessed: bool,
    pub(super) schema: Span,
    /// Its number in the memo.
    pub(super) schema_number: u32,
    pub(super) transaction: Span,
    /// MongoDB's `updateDescription`.
    pub(super) update: Span,
    payload: Presence,
    operation: Span,
    status: Span,
    pub(super) source: Source,
}

impl Level {
    #[inline(always)]
    fn note(&mut self, part: Part) {
        self.twice |= self.seen & part.bit() & Part::SINGLE;
        self.seen |= part.bit();
    }

    fn has(&self, part: Part) -> bool {
        self.seen & part.bit() != 0
    }

    /// Whether the images are documents in strings, as MongoDB's are, or images of no kind that is known.
    #[inline]
    pub(super) fn holds_documents(&self) -> bool {
        self.source.collection
            || self.before.presence == Presence::Opaque
            || self.after.presence == Presence::Opaque
            || self.seen & (Part::Update.bit() | Part::Patch.bit()) != 0
    }

    /// The values of its object's members of that name, with a walk of its own: for what is rare.
    pub(super) fn members<'t>(
        &self,
        text: &'t [u8],
        name: &'static str,
    ) -> impl Iterator<Item = Span> + use<'t> {
        named(text, self.start, name)
    }

    /// The name of a member that stands twice and may not.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let named = [
            (Part::Schema, "schema"),
            (Part::Payload, "payload"),
            (Part::Before, "before"),
            (Part::After, "after"),
            (Part::Source, "source"),
            (Part::Operation, "op"),
            (Part::Update, "updateDescription"),
            (Part::Patch, "patch"),
            (Part::Filter, "filter"),
        ];
        if self.source.twice {
            return Some("source.query");
        }
        named.into_iter().find(|(part, _)| self.twice & part.bit() != 0).map(|(_, name)| name)
    }

    /// The same level with an operation that stands elsewhere.
    pub(super) fn with_operation(self, operation: Span) -> Self {
        Self { operation, seen: self.seen | Part::Operation.bit(), ..self }
    }

    /// The class of the record, and the operation of a row.
    pub(super) fn class(&self, text: &[u8]) -> (Class, u8) {
        if self.has(Part::Operation) {
            return self.class_by_operation(text);
        }
        let class = match self.status.of(text) {
            b"\"BEGIN\"" | b"\"END\"" if self.has(Part::Id) => Class::Transaction,
            _ if self.has(Part::Ddl)
                && (self.has(Part::Source) || self.has(Part::DatabaseName)) =>
            {
                Class::SchemaChange
            }
            _ if self.seen == Part::Time.bit() => Class::Heartbeat,
            _ => Class::Unknown,
        };
        (class, 0)
    }

    fn class_by_operation(&self, text: &[u8]) -> (Class, u8) {
        let row = self.seen & Part::ROW != 0;
        match *self.operation.of(text) {
            [b'"', code @ (b'c' | b'u' | b'd' | b'r'), b'"'] if row => (Class::Row, code),
            [b'"', b't', b'"'] => (Class::Truncate, b't'),
            [b'"', b'm', b'"'] if self.has(Part::Message) => (Class::Message, b'm'),
            [b'"', b'm', b'"'] => (Class::Watermark, b'm'),
            _ => (Class::Unknown, 0),
        }
    }
}

/// What the scanner of a topic remembers of its last value.
#[derive(Debug, Default)]
pub(super) struct Shape {
    outer: Names<Part>,
    payload: Names<Part>,
    source: Names<SourcePart>,
    schemas: Memo,
}

/// One value being read.
pub(super) struct Scan<'a> {
    pub(super) text: &'a [u8],
    pub(super) shape: &'a mut Shape,
    /// Of the table that the value is guessed to belong to.
    pub(super) columns: &'a Columns,
    pub(super) members: &'a mut Vec<Member>,
}

/// What a whole value turned out to be.
pub(super) enum Value {
    /// Its own level, or its payload's with the schema of the envelope.
    Level(Level),
    /// An envelope around null.
    Empty { schema: Span },
    /// JSON, but no object, or an envelope around something else.
    Opaque,
}

impl Scan<'_> {
    pub(super) fn value(&mut self) -> Result<Value, Error> {
        let start = json::begin(self.text)?;
        if json::byte(self.text, start) != b'{' {
            let end = json::value(self.text, start)?;
            json::finish(self.text, end)?;
            return Ok(Value::Opaque);
        }
        let (value, end) = self.object(start)?;
        json::finish(self.text, end)?;
        Ok(value)
    }

    /// Reads the object at `start`; something may follow it.
    pub(super) fn object(&mut self, start: usize) -> Result<(Value, usize), Error> {
        let mut outer = Level { guessed: true, ..Level::default() };
        let mut payload = outer;
        let end = self.outer(start, &mut outer, &mut payload)?;
        if !outer.has(Part::Payload) || outer.has(Part::Operation) {
            return Ok((Value::Level(Level { schema: Span::default(), ..outer }), end));
        }
        let value = match outer.payload {
            Presence::Null => Value::Empty { schema: outer.schema },
            Presence::Present => Value::Level(Level {
                schema: outer.schema,
                schema_number: outer.schema_number,
                twice: payload.twice | outer.twice,
                ..payload
            }),
            Presence::Missing | Presence::Opaque => Value::Opaque,
        };
        Ok((value, end))
    }

    /// Reads the value's object, and into `payload` that of its payload.
    fn outer(&mut self, start: usize, level: &mut Level, payload: &mut Level) -> Step {
        level.start = json::span(start, start).start;
        let mut at = json::blanks(self.text, start + 1);
        if json::byte(self.text, at) == b'}' {
            return Ok(at + 1);
        }
        let mut position = 0;
        loop {
            let part;
            (part, at) = self.shape.outer.read(self.text, at, position, Part::of)?;
            at = json::blanks(self.text, at);
            at = if part == Part::Payload {
                level.note(part);
                let first = json::byte(self.text, at);
                level.payload = presence(first);
                if first == b'{' { self.payload(at, payload)? } else { json::value(self.text, at)? }
            } else {
                self.part(part, at, level)?
            };
            position += 1;
            let more;
            (more, at) = json::after_member(self.text, at)?;
            if !more {
                return Ok(at);
            }
        }
    }

    fn payload(&mut self, start: usize, level: &mut Level) -> Step {
        level.start = json::span(start, start).start;
        let mut at = json::blanks(self.text, start + 1);
        if json::byte(self.text, at) == b'}' {
            return Ok(at + 1);
        }
        let mut position = 0;
        loop {
            let part;
            (part, at) = self.shape.payload.read(self.text, at, position, Part::of)?;
            at = json::blanks(self.text, at);
            at = self.part(part, at, level)?;
            position += 1;
            let more;
            (more, at) = json::after_member(self.text, at)?;
            if !more {
                return Ok(at);
            }
        }
    }

    #[inline(always)]
    fn part(&mut self, part: Part, at: usize, level: &mut Level) -> Step {
        level.note(part);
        match part {
            Part::Before => self.image(at, |level| &mut level.before, level),
            Part::After => self.image(at, |level| &mut level.after, level),
            Part::Source if json::byte(self.text, at) == b'{' => self.source(at, &mut level.source),
            Part::Schema => {
                let end;
                (level.schema_number, end) = self.shape.schemas.read(self.text, at)?;
                level.schema = json::span(at, end);
                Ok(end)
            }
            Part::Operation => self.keep(at, &mut level.operation),
            Part::Transaction => self.keep(at, &mut level.transaction),
            Part::Status => self.keep(at, &mut level.status),
            Part::Update => self.keep(at, &mut level.update),
            _ => json::value(self.text, at),
        }
    }

    #[inline(always)]
    fn keep(&self, at: usize, span: &mut Span) -> Step {
        let end = json::value(self.text, at)?;
        *span = json::span(at, end);
        Ok(end)
    }

    #[inline(always)]
    fn image(
        &mut self,
        at: usize,
        place: impl Fn(&mut Level) -> &mut RowImage,
        level: &mut Level,
    ) -> Step {
        let first = json::byte(self.text, at);
        if first == b'{' {
            let order = &self.columns.row;
            let (image, guessed, end) = self.columns.image(order, self.text, at, self.members)?;
            *place(level) = image;
            level.guessed &= guessed;
            return Ok(end);
        }
        let end = json::value(self.text, at)?;
        *place(level) = RowImage {
            presence: presence(first),
            span: json::span(at, end),
            ..RowImage::default()
        };
        Ok(end)
    }
}

/// What a value that starts with `first` is as an image or payload.
pub(super) fn presence(first: u8) -> Presence {
    match first {
        b'{' => Presence::Present,
        b'n' => Presence::Null,
        _ => Presence::Opaque,
    }
}

/// The values of the members called `name` of the object at `object`.
fn named<'t>(
    text: &'t [u8],
    object: u32,
    name: &'static str,
) -> impl Iterator<Item = Span> + use<'t> {
    let members = json::members(text, object);
    members.filter(move |(found, _)| json::unescape(found.of(text)) == name).map(|(_, value)| value)
}
