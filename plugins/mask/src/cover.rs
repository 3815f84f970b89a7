//! Carries out a rule on one value. Must not know columns, batches or settings.

use lockgate_plugin::json::{self, elements, push_cell};
use lockgate_plugin::{Cell, Kind};

use crate::digest::Secrets;
use crate::extended::{self, Scalar};
use crate::rule::{Hmac, Rule, Untreatable};
use crate::{canonical, card, date, decimal::Decimal, phone, redact, text};

/// Arrays in arrays are walked no deeper: that costs stack.
const DEEPEST: usize = 64;

/// Whether there is a value to mask. One that the database did not send is not there to be seen, and to replace it would make it
/// look sent. Of a kind that is not known nobody can say.
pub(crate) fn has_value(cell: Cell<'_>) -> Result<bool, Untreatable> {
    match cell {
        Cell::Absent | Cell::Null | Cell::Unavailable => Ok(false),
        Cell::Unknown(_) => Err(Untreatable),
        _ => Ok(true),
    }
}

impl Rule {
    /// Appends the masked value of a cell that has one, and tells its kind.
    pub(crate) fn cover(
        &self,
        cell: Cell<'_>,
        secrets: &Secrets,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Untreatable> {
        self.cover_at(0, cell, secrets, out)
    }

    fn cover_at(
        &self,
        depth: usize,
        cell: Cell<'_>,
        secrets: &Secrets,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Untreatable> {
        if !has_value(cell)? {
            return Err(Untreatable);
        }
        match (self, cell) {
            (Self::Null, _) => Ok(Kind::Null),
            (Self::Constant { kind, text }, _) => {
                out.extend_from_slice(text.as_bytes());
                Ok(*kind)
            }
            (Self::Redact, _) => redact::cell(cell, out),
            (Self::RedactJsonText, Cell::Json(_)) => redact::cell(cell, out),
            (Self::RedactJsonText, Cell::String(text)) if json::is_well_formed(text) => {
                redact::json(text, out);
                Ok(Kind::String)
            }
            (Self::RedactJsonText, _) => Err(Untreatable),
            (_, Cell::Json(json)) if json.starts_with('[') => {
                self.elements(depth, json, secrets, out)
            }
            (_, Cell::Json(json)) => {
                match (extended::scalar(json, &mut String::new()), self) {
                    (Some(Scalar { cell, date: true }), Self::DateYear(_)) => {
                        date::year(cell, Some(date::Unit::Milliseconds), out)
                    }
                    (Some(Scalar { cell, .. }), _) => self.scalar(cell, secrets, out),
                    // An object has no text to keep a part of, but it can be told from others.
                    (None, Self::Hmac(hmac)) => hmac.write(cell, secrets, out),
                    (None, _) => Err(Untreatable),
                }
            }
            _ => self.scalar(cell, secrets, out),
        }
    }

    /// Masks each element of an array as if it stood alone; what lies between them stays.
    fn elements(
        &self,
        depth: usize,
        array: &str,
        secrets: &Secrets,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Untreatable> {
        if depth >= DEEPEST {
            return Err(Untreatable);
        }
        let mut copied = 0;
        for element in elements(array) {
            let between = array.get(copied..element.value.start).unwrap_or_default();
            out.extend_from_slice(between.as_bytes());
            copied = element.value.end;
            let element = array.get(element.value).unwrap_or_default();
            self.cover_json(depth + 1, element, secrets, out)?;
        }
        out.extend_from_slice(array.get(copied..).unwrap_or_default().as_bytes());
        Ok(Kind::Json)
    }

    /// Appends the JSON of a masked value, given by its JSON. Null stays null.
    pub(crate) fn cover_json(
        &self,
        depth: usize,
        json: &str,
        secrets: &Secrets,
        out: &mut Vec<u8>,
    ) -> Result<(), Untreatable> {
        let mut buffer = String::new();
        let cell = json::cell(json, &mut buffer);
        if cell == Cell::Null {
            out.extend_from_slice(json.as_bytes());
            return Ok(());
        }
        let mut masked = Vec::new();
        let kind = self.cover_at(depth, cell, secrets, &mut masked)?;
        push_masked(kind, &masked, out)
    }

    fn scalar(
        &self,
        cell: Cell<'_>,
        secrets: &Secrets,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Untreatable> {
        match self {
            Self::KeepFirst(kept) => text::keep_first(characters(cell)?, *kept, out),
            Self::KeepLast(kept) => text::keep_last(characters(cell)?, *kept, out),
            Self::Zip3 => text::keep_first(characters(cell)?, 3, out),
            Self::KeepDomain => text::keep_domain(cell.as_str().ok_or(Untreatable)?, out),
            Self::Email => text::email(cell.as_str().ok_or(Untreatable)?, out),
            Self::Phone => phone::cover(characters(cell)?, out),
            Self::Card => card::cover(characters(cell)?, out),
            Self::CardLuhn => {
                let kind = cell.kind().ok_or(Untreatable)?;
                return Ok(card::luhn(characters(cell)?, kind, secrets.key(None), out));
            }
            Self::DateYear(unit) => return date::year(cell, *unit, out),
            Self::NumberBucket(size) => return bucket(cell, *size, out),
            Self::Hmac(hmac) => return hmac.write(cell, secrets, out),
            Self::Debezium(hash) => {
                let text = match cell {
                    Cell::String(text) => text,
                    Cell::Number(text) if !hash.is_of_text_only() => text,
                    _ => return Err(Untreatable),
                };
                hash.write(text, &secrets.salt.as_ref().ok_or(Untreatable)?.0, out);
            }
            Self::Null | Self::Constant { .. } | Self::Redact | Self::RedactJsonText => {
                return Err(Untreatable);
            }
        }
        Ok(Kind::String)
    }
}

impl Hmac {
    fn write(
        &self,
        cell: Cell<'_>,
        secrets: &Secrets,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Untreatable> {
        let key = secrets.key(self.key.as_deref()).ok_or(Untreatable)?;
        if !self.bare {
            out.extend_from_slice(key.id().as_bytes());
            out.push(b':');
        }
        if self.canonical {
            canonical::with(cell, |value| key.write(value, self.encoding, out));
        } else {
            key.write(cell.as_bytes(), self.encoding, out);
        }
        Ok(Kind::String)
    }
}

/// Appends the JSON of a masked value.
pub(crate) fn push_masked(kind: Kind, masked: &[u8], out: &mut Vec<u8>) -> Result<(), Untreatable> {
    let text = std::str::from_utf8(masked).map_err(|_| Untreatable)?;
    let cell = match kind {
        Kind::Null => Cell::Null,
        Kind::Boolean => Cell::Boolean(text == "true"),
        Kind::Number => Cell::Number(text),
        Kind::String => Cell::String(text),
        Kind::Json => Cell::Json(text),
        Kind::Absent | Kind::Bytes => return Err(Untreatable),
    };
    if push_cell(cell, out) { Ok(()) } else { Err(Untreatable) }
}

/// Numbers are masked as their text, which then is a string.
fn characters(cell: Cell<'_>) -> Result<&str, Untreatable> {
    match cell {
        Cell::String(text) | Cell::Number(text) => Ok(text),
        _ => Err(Untreatable),
    }
}

/// Not a number, and without bounds: they tell nothing of anyone.
const NO_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

fn bucket(cell: Cell<'_>, size: u64, out: &mut Vec<u8>) -> Result<Kind, Untreatable> {
    let text = characters(cell)?;
    if NO_NUMBERS.contains(&text) {
        out.extend_from_slice(text.as_bytes());
    } else {
        let floor = Decimal::parse(text).and_then(|decimal| decimal.floor(size));
        out.extend_from_slice(floor.ok_or(Untreatable)?.as_bytes());
    }
    cell.kind().ok_or(Untreatable)
}
