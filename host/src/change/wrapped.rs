//! A row by itself, or in the envelope of Connect's JSON converter: an object of `schema` and `payload` and nothing else. So stand
//! keys, and the values that Debezium flattened.

use super::debezium::presence;
use super::json::{self, Error};
use super::shape::{Columns, Memo, Order};
use super::{Member, RowImage, Span};

/// One text being read.
pub(super) struct Scan<'a> {
    pub(super) text: &'a [u8],
    pub(super) columns: &'a Columns,
    /// In which the columns probably stand.
    pub(super) order: &'a Order,
    pub(super) schemas: &'a mut Memo,
    pub(super) members: &'a mut Vec<Member>,
}

/// The row of a text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wrapped {
    pub(super) image: RowImage,
    /// Empty without an envelope.
    pub(super) schema: Span,
    /// The schema's number in the memo.
    pub(super) schema_number: u32,
    /// Whether its columns stood as guessed.
    pub(super) guessed: bool,
}

impl Scan<'_> {
    /// Reads the whole text. `enveloped` says whether an envelope may be around the row.
    pub(super) fn read(&mut self, enveloped: bool) -> Result<Wrapped, Error> {
        let start = json::begin(self.text)?;
        if enveloped && let Some(wrapped) = self.envelope(start)? {
            return Ok(wrapped);
        }
        let (image, guessed, end) = self.image(start)?;
        json::finish(self.text, end)?;
        Ok(Wrapped { image, guessed, ..Wrapped::default() })
    }

    /// Reads an object of `schema` and `payload` and nothing else; none where it is anything else.
    fn envelope(&mut self, start: usize) -> Result<Option<Wrapped>, Error> {
        if json::byte(self.text, start) != b'{' {
            return Ok(None);
        }
        let first_member = self.members.len();
        let (mut schema, mut payload) = (None, None);
        let mut at = json::blanks(self.text, start + 1);
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            let is_schema = rest.starts_with(b"\"schema\"") && schema.is_none();
            if !is_schema && (payload.is_some() || !rest.starts_with(b"\"payload\"")) {
                self.members.truncate(first_member);
                return Ok(None);
            }
            at = json::blanks(self.text, json::name(self.text, at)?.1);
            let value = at;
            if is_schema {
                let number;
                (number, at) = self.schemas.read(self.text, at)?;
                schema = Some((json::span(value, at), number));
            } else {
                let (image, guessed, end) = self.image(at)?;
                (payload, at) = (Some((image, guessed)), end);
            }
            let more;
            (more, at) = json::after_member(self.text, at)?;
            if !more {
                break;
            }
        }
        json::finish(self.text, at)?;
        Ok(match (schema, payload) {
            (Some((schema, schema_number)), Some((image, guessed))) => {
                Some(Wrapped { image, schema, schema_number, guessed })
            }
            _ => {
                self.members.truncate(first_member);
                None
            }
        })
    }

    fn image(&mut self, at: usize) -> Result<(RowImage, bool, usize), Error> {
        let first = json::byte(self.text, at);
        if first == b'{' {
            return self.columns.image(self.order, self.text, at, self.members);
        }
        let end = json::value(self.text, at)?;
        let span = json::span(at, end);
        Ok((RowImage { presence: presence(first), span, ..RowImage::default() }, true, end))
    }
}
