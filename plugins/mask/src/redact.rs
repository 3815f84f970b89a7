//! Covers a value so that its length and kind stay: characters become `*`, digits `1`, booleans `false`. Pure.

use lockgate_plugin::{Cell, Kind};

use crate::extended;
use crate::rule::Untreatable;

/// Covers a cell of any kind that has bytes.
pub(crate) fn cell(cell: Cell<'_>, out: &mut Vec<u8>) -> Result<Kind, Untreatable> {
    match cell {
        Cell::String(value) => text(value, out),
        Cell::Number(value) => number(value.as_bytes(), out),
        Cell::Json(value) => json(value, out),
        Cell::Boolean(_) => out.extend_from_slice(b"false"),
        Cell::Bytes(value) => out.resize(out.len() + value.len(), b'*'),
        Cell::Absent | Cell::Null | Cell::Unavailable | Cell::Unknown(_) => {
            return Err(Untreatable);
        }
    }
    cell.kind().ok_or(Untreatable)
}

/// One `*` a character.
pub(crate) fn text(text: &str, out: &mut Vec<u8>) {
    let characters = if text.is_ascii() { text.len() } else { text.chars().count() };
    out.resize(out.len() + characters, b'*');
}

/// Ones keep a number as long as it was and within the range of the integer type that held it, unlike nines, and unlike zeros
/// they may lead it. The exponent becomes zero, or the result might exceed what a reader can hold.
pub(crate) fn number(number: &[u8], out: &mut Vec<u8>) {
    let mut digit = b'1';
    for byte in number {
        if matches!(byte, b'e' | b'E') {
            digit = b'0';
        }
        out.push(if byte.is_ascii_digit() { digit } else { *byte });
    }
}

/// Covers every value of well-formed JSON; its shape, its member names and its nulls stay. The strings of Extended JSON's typed
/// values stay readable as what they are.
pub(crate) fn json(json: &str, out: &mut Vec<u8>) {
    let mut rest = json.as_bytes();
    let mut typed = None;
    while let Some(first) = rest.first() {
        let (token, after) = rest.split_at(token_len(*first, rest));
        match first {
            b'"' if names_member(after) => {
                typed = extended::typed(token);
                out.extend_from_slice(token);
            }
            b'"' => match typed {
                Some(name) => typed_string(name, token, out),
                None => json_string(token, out),
            },
            b'-' | b'0'..=b'9' => number(token, out),
            b't' | b'f' => out.extend_from_slice(b"false"),
            _ => out.extend_from_slice(token),
        }
        rest = after;
    }
}

/// The length of the token that `rest` starts with; 1 for white space and punctuation.
fn token_len(first: u8, rest: &[u8]) -> usize {
    let run = |part: fn(&u8) -> bool| rest.iter().take_while(|byte| part(byte)).count();
    match first {
        b'"' => string_len(rest),
        b'-' | b'0'..=b'9' => {
            run(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'))
        }
        b'a'..=b'z' => run(u8::is_ascii_lowercase),
        _ => 1,
    }
}

/// With both quotes.
fn string_len(rest: &[u8]) -> usize {
    let mut escaped = false;
    let inner = rest.iter().skip(1).position(|byte| {
        let end = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        end
    });
    inner.map_or(rest.len(), |inner| inner + 2)
}

fn names_member(after: &[u8]) -> bool {
    after.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// One `*` a character of the string that the token stands for: an escape is one, and so is a pair of surrogates.
fn json_string(token: &[u8], out: &mut Vec<u8>) {
    let inner = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
    out.push(b'"');
    let mut rest = inner;
    while let Some((first, after)) = rest.split_first() {
        let (counts, len) = match (first, after.split_first()) {
            (b'\\', Some((b'u', hex))) => (!is_low_surrogate(hex), 6),
            (b'\\', _) => (true, 2),
            _ => (first & 0xc0 != 0x80, 1),
        };
        if counts {
            out.push(b'*');
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    out.push(b'"');
}

/// Ones in place of digits and letters: a number, an ObjectId, a UUID and a date of ones can all be read.
fn typed_string(name: &str, token: &[u8], out: &mut Vec<u8>) {
    let mut digit = b'1';
    for byte in token {
        out.push(match byte {
            b'e' | b'E' if name.starts_with("$number") => {
                digit = b'0';
                *byte
            }
            b'T' | b'Z' if name == "$date" => *byte,
            b'"' | b'-' | b'+' | b':' | b'.' => *byte,
            _ => digit,
        });
    }
}

/// Whether four digits are those of the second half of a pair, which is no character of its own.
fn is_low_surrogate(hex: &[u8]) -> bool {
    matches!(hex, [b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..])
}
