//! Cells: the value of a field in one row, between the JSON text of a record and the plain bytes that plugins see. Numbers are
//! text and never parsed. Must not know records, tables or plugins.

mod placeholder;
mod pointer;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::change::json;
use crate::contract::kind;

pub use placeholder::{Placeholder, is_unavailable};
pub use pointer::{Change, Pointer, PointerError};

/// Why a cell cannot be handed over or written. Never quotes the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the string holds half of a surrogate pair, which no UTF-8 can say")]
    LoneSurrogate,
    #[error("the cell is not JSON text")]
    NotJson,
    #[error("the pointer leads through something that is not there")]
    NoPlace,
}

/// Appends what the JSON value `raw` says to `out`, and returns its [`kind`]: strings unescaped, numbers and booleans as
/// their text, objects and arrays raw, nothing for null. An empty `raw` is an absent cell. On an error `out` is as it was.
pub fn decode(raw: &[u8], out: &mut Vec<u8>) -> Result<u8, Error> {
    let kind = match *raw {
        [] => return Ok(kind::ABSENT),
        [b'n', ..] => return Ok(kind::NULL),
        [b'"', ref text @ .., b'"'] => {
            unescape(text, out)?;
            return Ok(kind::STRING);
        }
        [b't' | b'f', ..] => kind::BOOLEAN,
        [b'{' | b'[', ..] => kind::JSON,
        [b'-' | b'0'..=b'9', ..] => kind::NUMBER,
        _ => return Err(Error::NotJson),
    };
    out.extend_from_slice(raw);
    Ok(kind)
}

/// Appends a cell as JSON text to `out`. The cell must be as the contract says for its kind; an absent or unavailable one
/// has no text.
pub fn encode(kind: u8, cell: &[u8], out: &mut Vec<u8>) {
    match kind {
        kind::NULL => out.extend_from_slice(b"null"),
        kind::BOOLEAN | kind::NUMBER => out.extend_from_slice(cell),
        // Blanks around it are legal, and whoever looks at the cell next looks at its first byte.
        kind::JSON => out.extend_from_slice(cell.trim_ascii()),
        kind::STRING => {
            out.push(b'"');
            escape(cell, out);
            out.push(b'"');
        }
        kind::BYTES => {
            out.push(b'"');
            let start = out.len();
            out.resize(start + base64::encoded_len(cell.len(), true).unwrap_or(0), 0);
            let room = out.get_mut(start..).unwrap_or_default();
            BASE64.encode_slice(cell, room).expect("the room is as long as the encoding");
            out.push(b'"');
        }
        _ => {}
    }
}

/// Appends text as it stands between the quotes of a JSON string: no more escaped than must be.
pub fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = json::first_special(rest) {
        let (plain, after) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((special, after)) = after.split_first() else { break };
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            control => {
                out.extend_from_slice(b"\\u00");
                out.extend([control >> 4, control & 15].map(|digit| {
                    char::from_digit(u32::from(digit), 16).map_or(b'0', |digit| digit as u8)
                }));
            }
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Appends what stands between the quotes of a JSON string, unescaped. On an error `out` is as it was.
pub fn unescape(text: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escaped) = rest.split_at(at);
        out.extend_from_slice(plain);
        match escape_at(escaped) {
            Ok((character, length)) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = escaped.get(length..).unwrap_or_default();
            }
            Err(error) => {
                out.truncate(start);
                return Err(error);
            }
        }
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// The character that the escape at the start of `text` stands for, and the escape's length.
pub(crate) fn escape_at(text: &[u8]) -> Result<(char, usize), Error> {
    let character = match text.get(1).ok_or(Error::NotJson)? {
        b'b' => '\x08',
        b'f' => '\x0c',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text),
        plain @ (b'"' | b'\\' | b'/') => char::from(*plain),
        _ => return Err(Error::NotJson),
    };
    Ok((character, 2))
}

fn unicode_escape(text: &[u8]) -> Result<(char, usize), Error> {
    let unit = |at: usize| -> Option<u32> {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
    };
    let first = unit(0).ok_or(Error::NotJson)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, 6));
    }
    let second = unit(6).ok_or(Error::LoneSurrogate)?;
    if !(0xd800..0xdc00).contains(&first) || !(0xdc00..0xe000).contains(&second) {
        return Err(Error::LoneSurrogate);
    }
    let code = 0x1_0000 + ((first - 0xd800) << 10 | (second - 0xdc00));
    Ok((char::from_u32(code).ok_or(Error::LoneSurrogate)?, 12))
}

#[cfg(test)]
mod tests;
