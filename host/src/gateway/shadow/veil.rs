//! What must not be shown of one record and what became of it: protected cells anywhere, in the source whatever a plugin of either
//! chain writes or removes, and the values of both wherever else they turn up. Where it is not known, all of it.

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use super::fields::{Cell, ReadRow};
use crate::control::HIDDEN;
use crate::pipeline::{Pipeline, Touched};
use crate::protect::{self, Protection, conceal};
use crate::record::Record;
use crate::table::Table;

/// The shortest value that is looked for elsewhere.
const SHORTEST: usize = 4;

/// Past so many values, or bytes of them, everything is hidden instead.
const MOST_VALUES: usize = 10_000;
const MOST_BYTES: usize = 1 << 20;

/// Past so many bytes a text is hidden instead of looked through.
const MOST_TEXT: usize = 64 << 10;

/// Characters of a value that are shown.
const SHOWN: usize = 120;

/// Whose value it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Output,
}

pub(super) struct Veil {
    protects: bool,
    /// Nothing may be shown.
    pub(super) is_opaque: bool,
    /// Hidden wherever they stand, and hidden in the source; as [`bare`] has them.
    protected: Vec<String>,
    touched: Vec<String>,
    headers: Vec<String>,
    /// The hidden cells of the source as they stand, and all values in them.
    cells: Vec<Vec<u8>>,
    values: Option<AhoCorasick>,
}

impl Veil {
    pub(super) fn of(
        record: &Record<'_>,
        source: &[ReadRow],
        pipelines: [&Pipeline; 2],
        protection: &Protection,
    ) -> Self {
        let mut veil = Self {
            protects: !protection.is_off(),
            is_opaque: source.is_empty(),
            protected: Vec::new(),
            touched: Vec::new(),
            headers: Vec::new(),
            cells: Vec::new(),
            values: None,
        };
        for row in source {
            for pipeline in pipelines {
                match pipeline.touched(&row.table) {
                    Some(touched) => veil.add(&row.table, touched, protection),
                    None => veil.is_opaque = true,
                }
            }
            let names = row.table.columns.iter().map(|column| &*column.name);
            let protected = names.filter(|name| is_protected(protection, &row.table, name));
            veil.protected.extend(protected.map(bare));
        }
        veil.learn(record, source);
        veil
    }

    fn add(&mut self, table: &Table, touched: Touched, protection: &Protection) {
        self.touched.extend(touched.columns.iter().map(|name| bare(name)));
        self.headers.extend(touched.headers.iter().map(ToString::to_string));
        let protected = touched.renamed.iter().filter(|(from, to)| {
            [from, to].iter().any(|name| is_protected(protection, table, name))
        });
        self.protected.extend(protected.map(|(_, to)| bare(to)));
    }

    /// Takes in the values that are hidden in the source.
    fn learn(&mut self, record: &Record<'_>, source: &[ReadRow]) {
        let mut values = Vec::new();
        for cell in source.iter().flat_map(|row| &row.cells) {
            if self.hides_column(Side::Source, &cell.column) {
                leaves(&cell.text, &mut values);
                self.cells.push(cell.text.clone());
            }
        }
        for header in &record.headers {
            let Some(text) = header.value else { continue };
            if conceal::is_key_header(header.name) {
                self.learn_key(text, &mut values);
            } else if self.hides_header(Side::Source, header.name) {
                leaves(text, &mut values);
                self.cells.push(text.to_vec());
            }
        }
        values.retain(|value| value.len() >= SHORTEST);
        values.sort_unstable();
        values.dedup();
        let bytes: usize = values.iter().map(Vec::len).sum();
        if values.len() > MOST_VALUES || bytes > MOST_BYTES {
            self.is_opaque = true;
        } else if !values.is_empty() {
            let built = AhoCorasick::builder().ascii_case_insensitive(true).build(&values);
            self.is_opaque |= built.is_err();
            self.values = built.ok();
        }
    }

    /// Takes in the hidden columns of the key that a header tells; all of a header that nobody can read.
    fn learn_key(&self, text: &[u8], values: &mut Vec<Vec<u8>>) {
        let Ok(Value::Object(key)) = serde_json::from_slice(text) else {
            return leaves(text, values);
        };
        let payload = key.get("payload").and_then(Value::as_object);
        for (name, value) in payload.unwrap_or(&key) {
            if self.hides_column(Side::Source, name) {
                leaves(value.to_string().as_bytes(), values);
            }
        }
    }

    fn hides_column(&self, side: Side, name: &str) -> bool {
        let name = bare(name);
        let is_touched = side == Side::Source && self.touched.contains(&name);
        self.is_opaque || is_touched || self.protected.contains(&name)
    }

    fn hides_header(&self, side: Side, name: &[u8]) -> bool {
        let is_touched = self.headers.iter().any(|touched| touched.as_bytes() == name);
        let is_key = conceal::is_key_header(name);
        self.is_opaque
            || (is_key && self.protects)
            || (side == Side::Source && (is_touched || is_key))
    }

    /// The value of a column as it may be shown.
    pub(super) fn cell(
        &self,
        side: Side,
        (table, protection): (&Table, &Protection),
        cell: &Cell,
    ) -> String {
        if self.hides_column(side, &cell.column)
            || is_protected(protection, table, &cell.column)
            || self.finds_in(&cell.text)
        {
            return HIDDEN.to_owned();
        }
        shown(&String::from_utf8_lossy(&cell.text))
    }

    /// The value of a header as it may be shown.
    pub(super) fn header(&self, side: Side, name: &[u8], value: Option<&[u8]>) -> String {
        let Some(value) = value else { return "null".to_owned() };
        if self.hides_header(side, name) {
            return HIDDEN.to_owned();
        }
        match std::str::from_utf8(value) {
            Ok(text) => self.text(text),
            Err(_) => format!("{} bytes", value.len()),
        }
    }

    /// A text that may hold what is hidden, as JSON.
    pub(super) fn text(&self, text: &str) -> String {
        if self.is_opaque || self.finds_in(text.as_bytes()) {
            return HIDDEN.to_owned();
        }
        shown(&Value::from(text).to_string())
    }

    /// A name that a plugin may have chosen.
    pub(super) fn name(&self, name: &str) -> String {
        if self.finds_in(name.as_bytes()) { HIDDEN.to_owned() } else { cut(name) }
    }

    /// Whether a text is a hidden cell as it stands, however short, or holds a value of one.
    fn finds_in(&self, text: &[u8]) -> bool {
        let is_telling =
            |text: &[u8]| !matches!(text, b"null" | b"true" | b"false" | b"\"\"" | b"");
        if is_telling(text) && self.cells.iter().any(|cell| cell == text) {
            return true;
        }
        let Some(values) = &self.values else { return false };
        let holds = |text: &[u8]| protect::at_any_level(text, |text| values.is_match(text));
        let inner = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
        text.len() > MOST_TEXT
            || holds(text)
            || BASE64.decode(inner.unwrap_or(text)).is_ok_and(|bytes| holds(&bytes))
    }
}

fn is_protected(protection: &Protection, table: &Table, name: &str) -> bool {
    !protection.is_off() && !protection.places(table, name).is_empty()
}

/// A column's name without what spellings of it differ in: that of a key may be in lower case where that of a row is not, and
/// `contact.email` is a part of `contact`.
fn bare(name: &str) -> String {
    let first = name.split_once('.').map_or(name, |(first, _)| first);
    let first = if first.is_empty() { name } else { first };
    first.replace('_', "").to_lowercase()
}

/// Appends the values in a JSON text, also in JSON kept in its strings; of what is no JSON, all of it.
fn leaves(text: &[u8], values: &mut Vec<Vec<u8>>) {
    match serde_json::from_slice(text) {
        Ok(value) => leaves_of(value, values),
        Err(_) => {
            let inner = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
            values.push(inner.unwrap_or(text).to_vec());
        }
    }
}

fn leaves_of(value: Value, values: &mut Vec<Vec<u8>>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => values.push(number.to_string().into_bytes()),
        Value::String(text) => {
            if text.starts_with(['{', '['])
                && let Ok(inner) = serde_json::from_str(&text)
            {
                leaves_of(inner, values);
            }
            values.push(text.into_bytes());
        }
        Value::Array(elements) => elements.into_iter().for_each(|value| leaves_of(value, values)),
        Value::Object(members) => {
            members.into_iter().for_each(|(_, value)| leaves_of(value, values));
        }
    }
}

/// JSON text on one line, cut.
fn shown(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => cut(&value.to_string()),
        Err(_) => cut(text),
    }
}

/// Cut, and without characters that a terminal would obey.
fn cut(text: &str) -> String {
    let mut out = String::new();
    for (number, character) in text.chars().enumerate() {
        if number == SHOWN {
            out.push('…');
            break;
        }
        if character.is_control() {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}
