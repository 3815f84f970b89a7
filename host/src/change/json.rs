//! The grammar of JSON over bytes: where each value ends, and nothing else. No tree, no copy, no recursion; numbers are text.
//! Must not know formats, tables or plugins. UTF-8 is checked once for the whole text, by [`document`].

mod chunk;
mod container;
mod walk;

use std::fmt;

use super::Span;

pub use walk::{Elements, Members, Removals, elements, is_escaped, members, unescape};

/// Where a text stops being JSON, and what should have stood there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(
    /// The offset above, the number of the expectation in the low byte: one register, so that results stay cheap.
    u64,
);

/// The index after what was read.
pub type Step = Result<usize, Error>;

#[derive(Clone, Copy)]
pub(super) enum Expected {
    Value,
    Name,
    Colon,
    MemberEnd,
    ElementEnd,
    End,
    Digit,
    Escape,
    StringEnd,
    Utf8,
    Size,
}

impl Expected {
    const TEXT: [&'static str; 11] = [
        "a value",
        "a name in double quotes",
        "a colon",
        "a comma or a closing brace",
        "a comma or a closing bracket",
        "nothing after the value",
        "a digit",
        "an escape that JSON knows",
        "the end of the string",
        "UTF-8",
        "less than 4 GiB",
    ];

    /// The error of finding something else at `at`.
    #[cold]
    pub(super) fn error(self, at: usize) -> Error {
        Error((at as u64) << 8 | self as u64)
    }
}

impl Error {
    pub fn offset(self) -> u64 {
        self.0 >> 8
    }

    pub fn expected(self) -> &'static str {
        Expected::TEXT.get((self.0 & 0xff) as usize).copied().unwrap_or("JSON")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}", self.expected(), self.offset())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {}

/// Checks that `text` holds one JSON value, perhaps after a byte order mark and between blanks, and finds it.
pub fn document(text: &[u8]) -> Result<Span, Error> {
    let start = begin(text)?;
    let end = value(text, start)?;
    finish(text, end)?;
    Ok(span(start, end))
}

/// Where the next value of `text` starts, at `at` or behind blanks or a byte order mark; none where nothing follows.
pub fn next_value(text: &[u8], at: usize) -> Option<usize> {
    let mark = if at == 0 && text.starts_with(b"\xef\xbb\xbf") { 3 } else { at };
    let start = blanks(text, mark);
    (start < text.len()).then_some(start)
}

/// The index after the value that starts at `start`; none where it is no JSON.
pub fn end_of(text: &[u8], start: usize) -> Option<usize> {
    value(text, start).ok()
}

/// Whether `text` is a number and nothing else.
pub fn is_number(text: &[u8]) -> bool {
    matches!(byte(text, 0), b'-' | b'0'..=b'9') && number(text, 0) == Ok(text.len())
}

/// Whether `text` is an object or array in UTF-8 and nothing else.
pub fn is_container(text: &[u8]) -> bool {
    matches!(byte(text, 0), b'{' | b'[')
        && document(text).is_ok_and(|span| span.end as usize == text.len())
}

/// The first byte that cannot stand in a string as it is.
pub fn first_special(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(chunk) = chunk::at(text, at) {
        if let Some(length) = chunk::special(chunk).first() {
            return Some(at + length);
        }
        at += chunk::SIZE;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    text.get(at..)?.iter().position(special).map(|length| at + length)
}

/// Checks UTF-8 and length, and finds where the value starts.
pub(super) fn begin(text: &[u8]) -> Step {
    if u32::try_from(text.len()).is_err() {
        return Err(Expected::Size.error(text.len()));
    }
    if simdutf8::basic::from_utf8(text).is_err() {
        let valid = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
        return Err(Expected::Utf8.error(valid));
    }
    let mark = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    Ok(blanks(text, mark))
}

/// Checks that only blanks follow.
pub(super) fn finish(text: &[u8], at: usize) -> Result<(), Error> {
    let end = blanks_at(text, at);
    if end == text.len() { Ok(()) } else { Err(Expected::End.error(end)) }
}

/// A span of two indexes into a text that [`begin`] has measured.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "`begin` refuses texts of 4 GiB and more")]
pub(super) fn span(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}

/// The byte at `at`; after the end a NUL, which JSON has no use for outside strings.
#[inline(always)]
pub(super) fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

#[inline(always)]
pub(super) fn blanks(text: &[u8], at: usize) -> usize {
    if byte(text, at) > b' ' { at } else { blanks_at(text, at) }
}

#[cold]
#[inline(never)]
fn blanks_at(text: &[u8], mut at: usize) -> usize {
    while matches!(byte(text, at), b' ' | b'\n' | b'\r' | b'\t') {
        at += 1;
    }
    at
}

/// Reads the value at `at`.
#[inline(always)]
pub(super) fn value(text: &[u8], at: usize) -> Step {
    match byte(text, at) {
        b'{' | b'[' => container::read(text, at),
        first => scalar(text, at, first),
    }
}

/// Reads the member name whose opening quote should be at `at`, and the colon: the name's span, and the index after the colon.
#[inline(always)]
pub(super) fn name(text: &[u8], at: usize) -> Result<(Span, usize), Error> {
    if byte(text, at) != b'"' {
        return Err(Expected::Name.error(at));
    }
    let end = string(text, at + 1)?;
    let colon = blanks(text, end + 1);
    if byte(text, colon) != b':' {
        return Err(Expected::Colon.error(colon));
    }
    Ok((span(at + 1, end), colon + 1))
}

/// Reads what follows a member: a comma, then the index of the next name; or the closing brace, then the index after it.
#[inline(always)]
pub(super) fn after_member(text: &[u8], at: usize) -> Result<(bool, usize), Error> {
    let at = blanks(text, at);
    match byte(text, at) {
        b',' => Ok((true, blanks(text, at + 1))),
        b'}' => Ok((false, at + 1)),
        _ => Err(Expected::MemberEnd.error(at)),
    }
}

#[inline(always)]
fn scalar(text: &[u8], at: usize, first: u8) -> Step {
    match first {
        b'"' => Ok(string(text, at + 1)? + 1),
        b'-' | b'0'..=b'9' => number(text, at),
        b'n' => literal(text, at, b"null"),
        b't' => literal(text, at, b"true"),
        b'f' => literal(text, at, b"false"),
        _ => Err(Expected::Value.error(at)),
    }
}

#[inline(always)]
fn literal(text: &[u8], at: usize, word: &[u8]) -> Step {
    let found = text.get(at..).is_some_and(|rest| rest.starts_with(word));
    if found { Ok(at + word.len()) } else { Err(Expected::Value.error(at)) }
}

/// The index of the quote that closes the string whose text starts at `at`.
#[inline(always)]
fn string(text: &[u8], mut at: usize) -> Step {
    while let Some(chunk) = chunk::at(text, at) {
        if let Some(length) = chunk::special(chunk).first() {
            at += length;
            return if byte(text, at) == b'"' { Ok(at) } else { string_with_escapes(text, at) };
        }
        at += chunk::SIZE;
    }
    string_with_escapes(text, at)
}

#[inline(never)]
fn string_with_escapes(text: &[u8], mut at: usize) -> Step {
    'chunks: while let Some(chunk) = chunk::at(text, at) {
        let mut marks = chunk::special(chunk);
        while let Some(length) = marks.first() {
            match byte(text, at + length) {
                b'"' => return Ok(at + length),
                b'\\' => {
                    let end = escape(text, at + length)?;
                    if !marks.skip(end - at) {
                        at = end;
                        continue 'chunks;
                    }
                }
                _ => return Err(Expected::StringEnd.error(at + length)),
            }
        }
        at += chunk::SIZE;
    }
    loop {
        match byte(text, at) {
            b'"' => return Ok(at),
            b'\\' => at = escape(text, at)?,
            control if control < b' ' => return Err(Expected::StringEnd.error(at)),
            _ => at += 1,
        }
    }
}

/// The index after the escape whose backslash is at `at`.
#[inline(always)]
fn escape(text: &[u8], at: usize) -> Step {
    match byte(text, at + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' if text
            .get(at + 2..at + 6)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) =>
        {
            Ok(at + 6)
        }
        _ => Err(Expected::Escape.error(at)),
    }
}

#[inline(always)]
fn number(text: &[u8], at: usize) -> Step {
    let start = at + usize::from(byte(text, at) == b'-');
    let end = digits(text, start)?;
    if byte(text, start) == b'0' && end - start > 1 {
        // A zero ends the number: whoever reads on will miss a comma.
        return Ok(start + 1);
    }
    if matches!(byte(text, end), b'.' | b'e' | b'E') { fraction(text, end) } else { Ok(end) }
}

#[inline(never)]
fn fraction(text: &[u8], mut at: usize) -> Step {
    if byte(text, at) == b'.' {
        at = digits(text, at + 1)?;
    }
    if matches!(byte(text, at), b'e' | b'E') {
        at += 1;
        at = digits(text, at + usize::from(matches!(byte(text, at), b'+' | b'-')))?;
    }
    Ok(at)
}

/// The index after the digits at `at`, of which there must be one.
#[inline(always)]
fn digits(text: &[u8], start: usize) -> Step {
    let mut at = start;
    while let Some(chunk) = chunk::at(text, at) {
        match chunk::other_than_digits(chunk).first() {
            Some(length) => {
                return if at + length > start {
                    Ok(at + length)
                } else {
                    Err(Expected::Digit.error(at))
                };
            }
            None => at += chunk::SIZE,
        }
    }
    while byte(text, at).is_ascii_digit() {
        at += 1;
    }
    if at > start { Ok(at) } else { Err(Expected::Digit.error(at)) }
}

#[cfg(test)]
mod tests;
