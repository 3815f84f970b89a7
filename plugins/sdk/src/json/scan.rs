//! The entries of an object or array as spans. Takes well-formed JSON; of other text it finds nothing worth having, but it ends.

use std::ops::Range;

/// One entry of an object or array, as spans of the text it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The member's name with its quotes; none in an array.
    pub name: Option<Range<usize>>,
    /// The value, without the white space around it.
    pub value: Range<usize>,
}

/// The entries of an object or array, in the order of the text. Of names that stand twice both come.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
    object: bool,
}

/// The members of the object that `json` is; none where it is no object.
pub fn members(json: &str) -> Entries<'_> {
    Entries::of(json, b'{')
}

/// The elements of the array that `json` is; none where it is no array.
pub fn elements(json: &str) -> Entries<'_> {
    Entries::of(json, b'[')
}

impl<'a> Entries<'a> {
    fn of(json: &'a str, opening: u8) -> Self {
        let bytes = json.as_bytes();
        let start = space(bytes, 0);
        let at = if bytes.get(start) == Some(&opening) { start + 1 } else { bytes.len() };
        Self { bytes, at, object: opening == b'{' }
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let mut at = space(self.bytes, self.at);
        if self.bytes.get(at) == Some(&b',') {
            at = space(self.bytes, at + 1);
        }
        if matches!(self.bytes.get(at), None | Some(b'}' | b']' | b',' | b':')) {
            self.at = self.bytes.len();
            return None;
        }
        let name = self.object.then(|| at..token_end(self.bytes, at));
        if let Some(name) = &name {
            at = space(self.bytes, name.end);
            if self.bytes.get(at) != Some(&b':') {
                self.at = self.bytes.len();
                return None;
            }
            at = space(self.bytes, at + 1);
        }
        let value = at..value_end(self.bytes, at);
        self.at = value.end;
        Some(Entry { name, value })
    }
}

fn space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// Where the value that starts at `at` ends.
fn value_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0usize;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'{' | b'[' => {
                depth += 1;
                at + 1
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at + 1
            }
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => at + 1,
            _ => token_end(bytes, at),
        };
        if depth == 0 {
            break;
        }
    }
    at.min(bytes.len())
}

/// Where the string, number or word that starts at `at` ends; always past `at`.
fn token_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    if bytes.get(at) != Some(&b'"') {
        let part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
        return at + 1 + rest.iter().take_while(part).count();
    }
    let mut escaped = false;
    let closing = rest.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    closing.map_or(bytes.len(), |closing| at + closing + 2)
}
