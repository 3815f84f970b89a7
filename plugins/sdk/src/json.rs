//! JSON text without a document tree: checks it, walks its entries as spans, replaces the places that paths with wildcards name.
//! What is not replaced keeps its bytes. Pure; must not know cells of a batch or plans.

mod check;
mod path;
mod rewrite;
mod scan;
mod text;

use std::borrow::Cow;

use crate::cell::{Cell, Kind};

pub use check::is_well_formed;
pub use path::Path;
pub use rewrite::{Refused, rewrite};
pub use scan::{Entries, Entry, elements, members};
pub use text::{push_string, unescape};

/// The value that a piece of well-formed JSON stands for, without the white space around it. A string's characters, where they
/// had to be unescaped, are put into `buffer`. [`Cell::Unknown`] for a string that holds half a surrogate pair: it is no text.
pub fn cell<'a>(json: &'a str, buffer: &'a mut String) -> Cell<'a> {
    let json = trimmed(json);
    match json.as_bytes().first() {
        Some(b'"') => match unescape(json) {
            Some(Cow::Borrowed(text)) => Cell::String(text),
            Some(Cow::Owned(text)) => {
                *buffer = text;
                Cell::String(buffer)
            }
            None => Cell::Unknown(Kind::String as u8),
        },
        Some(b'{' | b'[') => Cell::Json(json),
        Some(b't') => Cell::Boolean(true),
        Some(b'f') => Cell::Boolean(false),
        Some(b'n') => Cell::Null,
        Some(b'-' | b'0'..=b'9') => Cell::Number(json),
        _ => Cell::Absent,
    }
}

/// Appends the JSON that a cell stands for; false, and nothing appended, where there is none: absent, unavailable and unknown
/// values, and bytes.
pub fn push_cell(cell: Cell<'_>, out: &mut Vec<u8>) -> bool {
    match cell {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::String(text) => push_string(text, out),
        Cell::Boolean(_) | Cell::Number(_) | Cell::Json(_) => {
            out.extend_from_slice(cell.as_bytes());
        }
        Cell::Absent | Cell::Bytes(_) | Cell::Unavailable | Cell::Unknown(_) => return false,
    }
    true
}

/// Without white space around it, as JSON knows it.
pub fn trimmed(json: &str) -> &str {
    json.trim_matches([' ', '\t', '\n', '\r'])
}

#[cfg(test)]
mod tests;
