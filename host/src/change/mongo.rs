//! MongoDB's events as Debezium writes them: documents that are JSON in strings. Their fields are found in the unescaped text;
//! where they stand in the record's own bytes is then told by one walk over both.

use super::debezium::Level;
use super::decode::Turn;
use super::shape::index;
use super::{Class, Event, Form, Member, Presence, Row, RowImage, SideKind, Span, json};
use crate::cell;
use crate::outcome::{Code, Refusal};

/// Room for a document that is kept for the next one.
const KEPT: usize = 1 << 20;

/// A document in a string of the value.
struct Document {
    /// The string.
    span: Span,
    /// Number of its table.
    table: usize,
    /// Of which member of the value.
    part: &'static str,
    pick: Pick,
}

/// Says where in a document, unescaped, the objects start whose members are fields. None where nobody can say.
type Pick = fn(document: &[u8], start: usize) -> Option<Vec<usize>>;

fn whole(_: &[u8], start: usize) -> Option<Vec<usize>> {
    Some(vec![start])
}

impl Turn<'_> {
    /// A changed document, and a companion for each further document that says what changed.
    pub(super) fn document_row(
        &mut self,
        text: &[u8],
        level: &Level,
        operation: u8,
    ) -> Result<Event, Refusal> {
        let table = self.topic.find(text, &level.source, self.tables, self.dialect);
        let known = self.topic.table(table);
        known.holds_documents(true);
        let bare = Event::bare(Class::Row, self.events);
        let mut row = Row::new(self.number, known.index(), operation);
        row.before = self.document_image(text, level.before, (table, "before"))?;
        row.after = self.document_image(text, level.after, (table, "after"))?;
        self.events.rows.push(row);
        self.update(text, level.update, table)?;
        self.patch(text, level, table)?;
        let key = self.key()?;
        if let Some(row) = self.events.rows.get_mut(bare.first_row as usize) {
            row.key = key.image;
        }
        let event = Event {
            last_row: index(self.events.rows.len()),
            value_schema: level.schema,
            key_schema: key.schema,
            transaction: level.transaction,
            ..bare
        };
        Ok(self.debezium_sides(text, level, event))
    }

    /// The image that `image`, as the scanner found it, is of a document.
    fn document_image(
        &mut self,
        text: &[u8],
        image: RowImage,
        (table, part): (usize, &'static str),
    ) -> Result<RowImage, Refusal> {
        match image.presence {
            Presence::Missing | Presence::Null => Ok(image),
            Presence::Present => {
                let members = self.events.members_mut(&image);
                self.topic.table(table).settle(text, members, true, self.tables)?;
                Ok(image)
            }
            Presence::Opaque => {
                let document = Document { span: image.span, table, part, pick: whole };
                self.documents(text, &document)?.pop().ok_or_else(|| no_document(part))
            }
        }
    }

    /// What `updateDescription` says: new values in a document of their own, and names of fields that are gone.
    fn update(&mut self, text: &[u8], update: Span, table: usize) -> Result<(), Refusal> {
        if !matches!(update.of(text).first(), None | Some(b'{' | b'n')) {
            return Err(no_document("updateDescription"));
        }
        for (name, value) in json::members(text, update.start) {
            match &*json::unescape(name.of(text)) {
                "updatedFields" => {
                    let part = "updatedFields";
                    self.companions(text, &Document { span: value, table, part, pick: whole })?;
                }
                "removedFields" => self.field_names(text, value, table, Some)?,
                "truncatedArrays" => {
                    self.field_names(text, value, table, |element| {
                        let mut members = json::members(text, element.start);
                        members.find(|(name, _)| name.of(text) == b"field").map(|(_, value)| value)
                    })?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What old connectors say in place of `updateDescription`: an update as MongoDB's log has it, and the document it is for.
    fn patch(&mut self, text: &[u8], level: &Level, table: usize) -> Result<(), Refusal> {
        for span in level.members(text, "patch") {
            self.companions(text, &Document { span, table, part: "patch", pick: replaced })?;
        }
        for span in level.members(text, "filter") {
            self.companions(text, &Document { span, table, part: "filter", pick: whole })?;
        }
        Ok(())
    }

    /// Adds a companion for each object with new values in the document.
    fn companions(&mut self, text: &[u8], document: &Document) -> Result<(), Refusal> {
        if document.span.of(text) == b"null" {
            return Ok(());
        }
        let Some(row) = self.events.rows.last().copied() else { return Ok(()) };
        for after in self.documents(text, document)? {
            let companion = Row::new(row.record, row.table, row.operation);
            self.events.rows.push(Row { after, companion: true, ..companion });
        }
        Ok(())
    }

    /// The images of the objects that the document's `pick` finds, in the order of the text.
    fn documents(&mut self, text: &[u8], document: &Document) -> Result<Vec<RowImage>, Refusal> {
        let mut plain = std::mem::take(&mut self.topic.document);
        plain.clear();
        let found = self.read(text, document, &mut plain);
        if plain.capacity() <= KEPT {
            self.topic.document = plain;
        }
        found
    }

    fn read(
        &mut self,
        text: &[u8],
        document: &Document,
        plain: &mut Vec<u8>,
    ) -> Result<Vec<RowImage>, Refusal> {
        let Document { span, table, part, pick } = *document;
        let [b'"', raw @ .., b'"'] = span.of(text) else { return Err(no_document(part)) };
        cell::unescape(raw, plain).map_err(|_| no_document(part))?;
        let start = json::document(plain).map_err(|_| no_document(part))?.start as usize;
        if json::byte(plain, start) != b'{' {
            return Err(no_document(part));
        }
        let mut walk = Walk::new(text, span);
        let mut images = Vec::new();
        for at in pick(plain, start).ok_or_else(|| no_document(part))? {
            let known = self.topic.table(table);
            let columns = known.columns();
            let members = &mut self.events.members;
            let read = columns.image(&columns.row, plain, at, members);
            let (mut image, guessed, _) = read.map_err(|_| no_document(part))?;
            let members = self.events.members_mut(&image);
            if !guessed {
                known.settle(plain, members, false, self.tables)?;
                for member in &*members {
                    known.learn_parent(member.name.of(plain), self.tables)?;
                }
            }
            walk.map(&mut image, members).ok_or_else(|| spelt_oddly(part))?;
            images.push(image);
        }
        Ok(images)
    }

    /// Notes a list of fields' names, each found in its element by `name`, and that there are such columns.
    fn field_names(
        &mut self,
        text: &[u8],
        list: Span,
        table: usize,
        name: impl Fn(Span) -> Option<Span>,
    ) -> Result<(), Refusal> {
        for element in json::elements(text, list.start) {
            if let Some([b'"', name @ .., b'"']) = name(element).map(|name| name.of(text)) {
                let known = self.topic.table(table);
                known.column(name, self.tables)?;
                known.learn_parent(name, self.tables)?;
            }
        }
        let row = self.events.rows.iter().rposition(|row| !row.companion).map(index);
        self.side(text, list, SideKind::FieldNames, (b'[', row));
        Ok(())
    }
}

/// Whether a key can only be a document's, as far as the key alone can tell.
pub(super) fn is_document_key(key: &[u8]) -> bool {
    memchr::memmem::find(key, br#""{\"$oid\""#).is_some()
}

/// Where the objects start that hold new values in an update as MongoDB's log has it: a whole new document, or operators. None
/// where an operator is not known, so that nobody can say what its values are of.
fn replaced(document: &[u8], start: usize) -> Option<Vec<usize>> {
    let names = json::members(document, json::span(start, start).start);
    let mut named = names.map(|(name, value)| (json::unescape(name.of(document)), value));
    if !named.clone().any(|(name, _)| name.starts_with('$')) {
        return Some(vec![start]);
    }
    named.try_fold(Vec::new(), |mut starts, (name, value)| {
        match (&*name, value.of(document).first()?) {
            ("$set" | "$unset" | "$setOnInsert", b'{') => starts.push(value.start as usize),
            ("$v", _) => {}
            _ => return None,
        }
        Some(starts)
    })
}

/// Where offsets of an unescaped text stand in the string it comes from. Must be asked in ascending order.
struct Walk<'t> {
    text: &'t [u8],
    /// The index after the string's text.
    end: usize,
    /// How far it went in `text`, and in the unescaped text.
    at: usize,
    plain: usize,
    /// The next escape, or the end.
    escape: usize,
}

impl<'t> Walk<'t> {
    /// For the string at `span`, quotes included.
    fn new(text: &'t [u8], span: Span) -> Self {
        let (at, end) = (span.start as usize + 1, span.end as usize - 1);
        let mut walk = Self { text, end, at, plain: 0, escape: end };
        walk.find_escape();
        walk
    }

    fn find_escape(&mut self) {
        let rest = self.text.get(self.at..self.end).unwrap_or_default();
        self.escape = memchr::memchr(b'\\', rest).map_or(self.end, |length| self.at + length);
    }

    fn to(&mut self, plain: u32) -> u32 {
        let plain = plain as usize;
        loop {
            let (left, run) = (plain.saturating_sub(self.plain), self.escape - self.at);
            if left <= run {
                self.at += left;
                self.plain += left;
                return json::span(self.at, self.at).start;
            }
            let escape = self.text.get(self.escape..self.end).unwrap_or_default();
            let (character, length) =
                cell::escape_at(escape).expect("the whole string was unescaped before");
            self.at = self.escape + length;
            self.plain += run + character.len_utf8();
            self.find_escape();
        }
    }

    /// Moves an image and its members to where they stand in the string. None where a brace or quote that edits build on is
    /// itself spelt as an escape by its number.
    fn map(&mut self, image: &mut RowImage, members: &mut [Member]) -> Option<()> {
        image.form = Form::Escaped;
        image.span.start = self.to(image.span.start);
        self.is_at(image.span.start, b"{").then_some(())?;
        for member in members {
            member.form = Form::Escaped;
            member.name = self.span(member.name);
            member.value = self.span(member.value);
            let quote = member.name.start - 2;
            self.is_at(quote, b"\\\"").then_some(())?;
        }
        image.span.end = self.to(image.span.end);
        Some(())
    }

    fn span(&mut self, span: Span) -> Span {
        Span { start: self.to(span.start), end: self.to(span.end) }
    }

    fn is_at(&self, at: u32, text: &[u8]) -> bool {
        self.text.get(at as usize..).is_some_and(|rest| rest.starts_with(text))
    }
}

#[cold]
fn no_document(part: &str) -> Refusal {
    let reason = format!(
        "the value's \"{part}\" is neither an object nor a string that holds a JSON document with fields that can be found, and \
         what it holds might be anything"
    );
    Refusal::new(Code::Undecodable, reason)
}

#[cold]
fn spelt_oddly(part: &str) -> Refusal {
    let reason = format!(
        "the value's \"{part}\" spells braces or quotes of its document as \\u escapes, where its fields cannot be edited"
    );
    Refusal::new(Code::Undecodable, reason)
}
