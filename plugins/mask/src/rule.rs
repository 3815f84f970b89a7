//! How one cell is masked. Must not know tables, settings files or batches.

use std::fmt;

use lockgate_plugin::{Cell, Edit, Kind};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::digest::{Digest, Encoding};
use crate::redact;

/// How the cells of a column are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Null,
    Constant {
        kind: Kind,
        text: String,
    },
    Redact,
    /// For strings that hold JSON.
    RedactJsonText,
    KeepFirst(usize),
    KeepLast(usize),
    KeepDomain,
    Hmac(Encoding),
}

/// Types whose strings hold JSON, in lower case.
const JSON_TEXT: [&str; 3] = ["io.debezium.data.json", "json", "jsonb"];

/// Types whose strings are base64, or hold some, in lower case: text put in their place would decode to something else.
const ENCODED: [&str; 5] = [
    "bytes",
    "org.apache.kafka.connect.data.decimal",
    "io.debezium.data.bits",
    "io.debezium.data.variablescaledecimal",
    "io.debezium.data.geometry.",
];

/// The rule cannot treat the cell: its row must not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Untreatable;

impl Rule {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        match (name, argument) {
            ("null", None) => Ok(Self::Null),
            ("constant", Some(text)) => {
                Ok(Self::Constant { kind: Kind::String, text: text.into() })
            }
            ("redact", None) => Ok(Self::Redact),
            ("keep-first", Some(count)) => kept(count).map(Self::KeepFirst),
            ("keep-last", Some(count)) => kept(count).map(Self::KeepLast),
            ("keep-domain", None) => Ok(Self::KeepDomain),
            ("hmac", None | Some("hex")) => Ok(Self::Hmac(Encoding::Hex)),
            ("hmac", Some("base64url")) => Ok(Self::Hmac(Encoding::Base64Url)),
            _ => Err(format!(
                "{text:?} is no rule: they are \"null\", \"constant:TEXT\", \"redact\", \"keep-first:N\", \"keep-last:N\", \
                 \"keep-domain\", \"hmac\" and \"hmac:base64url\""
            )),
        }
    }

    pub(crate) fn constant(value: &Value) -> Result<Self, String> {
        let (kind, text) = match value {
            Value::Bool(value) => (Kind::Boolean, value.to_string()),
            Value::Number(number) => (Kind::Number, number.to_string()),
            Value::String(text) => (Kind::String, text.clone()),
            Value::Null => return Err("a constant null is the rule \"null\"".into()),
            Value::Array(_) | Value::Object(_) => (Kind::Json, value.to_string()),
        };
        Ok(Self::Constant { kind, text })
    }

    /// The rule for a column of a type, as the source names it; none where masked values would break the type's encoding.
    pub(crate) fn for_type(&self, source_type: &str) -> Option<Self> {
        let source_type = source_type.to_ascii_lowercase();
        let holds_json = JSON_TEXT.contains(&&*source_type);
        let encoded = ENCODED.iter().any(|prefix| source_type.starts_with(prefix));
        match self {
            Self::Null | Self::Constant { .. } => Some(self.clone()),
            Self::Redact if holds_json => Some(Self::RedactJsonText),
            _ if holds_json || encoded => None,
            _ => Some(self.clone()),
        }
    }

    /// Sets the masked cell; does nothing where there is no value to mask.
    pub(crate) fn mask(
        &self,
        cell: Cell<'_>,
        digest: Option<&Digest>,
        row: u32,
        edit: &mut Edit,
    ) -> Result<(), Untreatable> {
        match cell {
            // A value that the database did not send is not there to be seen; to replace it would make it look sent.
            Cell::Absent | Cell::Null | Cell::Unavailable => return Ok(()),
            Cell::Unknown(_) => return Err(Untreatable),
            _ => {}
        }
        match self {
            Self::Null => edit.set_with(row, Kind::Null, |_| {}),
            Self::Constant { kind, text } => {
                edit.set_with(row, *kind, |out| out.extend_from_slice(text.as_bytes()));
            }
            Self::Redact => redact::cell(cell, row, edit),
            Self::RedactJsonText => {
                let text = cell.as_str().ok_or(Untreatable)?;
                serde_json::from_str::<IgnoredAny>(text).map_err(|_| Untreatable)?;
                edit.set_with(row, Kind::String, |out| redact::json(text, out));
            }
            Self::KeepFirst(kept) => {
                let text = digits_or_text(cell)?;
                edit.set_with(row, Kind::String, |out| keep_first(text, *kept, out));
            }
            Self::KeepLast(kept) => {
                let text = digits_or_text(cell)?;
                edit.set_with(row, Kind::String, |out| keep_last(text, *kept, out));
            }
            Self::KeepDomain => {
                let text = cell.as_str().ok_or(Untreatable)?;
                edit.set_with(row, Kind::String, |out| keep_domain(text, out));
            }
            Self::Hmac(encoding) => {
                let digest = digest.ok_or(Untreatable)?;
                let write = |out: &mut Vec<u8>| digest.write(cell.as_bytes(), *encoding, out);
                edit.set_with(row, Kind::String, write);
            }
        }
        Ok(())
    }

    /// Whether different values stay different.
    pub(crate) fn keeps_values_apart(&self) -> bool {
        matches!(self, Self::Hmac(_))
    }
}

fn kept(count: &str) -> Result<usize, String> {
    match count.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("{count:?} is no number of characters to keep: write 1 or more")),
    }
}

/// Numbers are masked as their text, which then is a string.
fn digits_or_text(cell: Cell<'_>) -> Result<&str, Untreatable> {
    match cell {
        Cell::String(text) | Cell::Number(text) => Ok(text),
        _ => Err(Untreatable),
    }
}

/// A value no longer than what may be kept would pass in clear: it is covered whole.
fn keep_first(text: &str, kept: usize, out: &mut Vec<u8>) {
    let cut = if text.is_ascii() {
        (kept < text.len()).then_some(kept)
    } else {
        text.char_indices().nth(kept).map(|(at, _)| at)
    };
    let (clear, covered) = text.split_at(cut.unwrap_or(0));
    out.extend_from_slice(clear.as_bytes());
    redact::text(covered, out);
}

/// As [`keep_first`], from the end.
fn keep_last(text: &str, kept: usize, out: &mut Vec<u8>) {
    let cut = if text.is_ascii() {
        text.len().checked_sub(kept).filter(|cut| *cut > 0)
    } else {
        let start = text.char_indices().rev().nth(kept - 1).map(|(at, _)| at);
        start.filter(|cut| *cut > 0)
    };
    let (covered, clear) = text.split_at(cut.unwrap_or(text.len()));
    redact::text(covered, out);
    out.extend_from_slice(clear.as_bytes());
}

fn keep_domain(text: &str, out: &mut Vec<u8>) {
    match text.rfind('@') {
        Some(at) => {
            let (local, domain) = text.split_at(at);
            redact::text(local, out);
            out.extend_from_slice(domain.as_bytes());
        }
        None => redact::text(text, out),
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("\"null\""),
            Self::Constant { .. } => f.write_str("\"constant\""),
            Self::Redact | Self::RedactJsonText => f.write_str("\"redact\""),
            Self::KeepFirst(kept) => write!(f, "\"keep-first:{kept}\""),
            Self::KeepLast(kept) => write!(f, "\"keep-last:{kept}\""),
            Self::KeepDomain => f.write_str("\"keep-domain\""),
            Self::Hmac(_) => f.write_str("\"hmac\""),
        }
    }
}
