//! The headers in which Debezium repeats the record's key when a primary key changes: they hold the same values as the key, so
//! they are masked by the same rules.

use lockgate_plugin::json::{self, Path, is_well_formed, members, rewrite, unescape};
use lockgate_plugin::{Cell, Field, Kind, Plan, Read, Rows, Write};

use crate::cover::push_masked;
use crate::digest::Secrets;
use crate::places::{Treatment, is_value};

const NAMES: [&str; 2] = ["__debezium.oldkey", "__debezium.newkey"];

/// One of the headers, in a table with masked key columns.
#[derive(Debug)]
pub(crate) struct KeyHeader {
    name: &'static str,
    /// By column.
    treatments: Vec<(String, Treatment)>,
    read: Read,
    write: Write,
}

/// Has a key column masked in the headers too.
pub(crate) fn add(headers: &mut Vec<KeyHeader>, column: &str, treatment: &Treatment) {
    if headers.is_empty() {
        let header =
            |name| KeyHeader { name, treatments: Vec::new(), read: Read(0), write: Write(0) };
        headers.extend(NAMES.map(header));
    }
    for header in headers {
        header.treatments.push((column.to_owned(), treatment.clone()));
    }
}

impl KeyHeader {
    /// Adds the header to the plan.
    pub(crate) fn plan(&mut self, plan: &mut Plan) {
        self.read = plan.read(Field::header(self.name));
        self.write = plan.write(Field::header(self.name));
    }

    /// Masks the header in the rows that have it; refuses those in which it cannot be read.
    pub(crate) fn mask(&self, secrets: &Secrets, rows: &mut Rows<'_>) {
        for (row, cell) in (0u32..).zip(rows.cells(self.read).iter()) {
            if matches!(cell, Cell::Absent | Cell::Null) {
                continue;
            }
            let kind = if matches!(cell, Cell::Bytes(_)) { Kind::Bytes } else { Kind::String };
            let masked = rows.edit(self.write).try_set_with(row, |out| {
                self.cover(cell.as_bytes(), secrets, out).map(|()| kind).ok_or(())
            });
            if masked.is_err() {
                let reason = format!("header {:?} holds no key that can be masked", self.name);
                rows.reject(row, reason);
            }
        }
    }

    /// None where the header is not the JSON of a key, or a rule cannot treat what it holds.
    fn cover(&self, key: &[u8], secrets: &Secrets, out: &mut Vec<u8>) -> Option<()> {
        let key = std::str::from_utf8(key).ok()?;
        if !json::trimmed(key).starts_with('{') || !is_well_formed(key) {
            return None;
        }
        let around = if is_enveloped(key) { Some("payload") } else { None };
        let columns = self.treatments.iter().map(|(column, _)| column.as_str());
        let paths: Vec<Path> =
            columns.map(|column| Path::of(around.into_iter().chain([column]))).collect();
        let mut replace = |path: usize, value: &str, out: &mut Vec<u8>| {
            let treatment = self.treatments.get(path).map(|(_, treatment)| treatment);
            treatment.and_then(|treatment| column(value, treatment, secrets, out)).is_some()
        };
        rewrite(key, &paths, out, &mut replace).ok()
    }
}

/// Whether the key stands in the envelope of Connect's JSON converter.
fn is_enveloped(key: &str) -> bool {
    let mut schema = false;
    let mut payload = false;
    for member in members(key) {
        let name = member.name.and_then(|name| unescape(key.get(name)?));
        match name.as_deref() {
            Some("schema") => schema = true,
            Some("payload") => {
                payload = key.get(member.value).is_some_and(|value| value.starts_with('{'));
            }
            _ => {}
        }
    }
    schema && payload
}

/// Appends the masked JSON of a column; none where that cannot be done.
fn column(json: &str, treatment: &Treatment, secrets: &Secrets, out: &mut Vec<u8>) -> Option<()> {
    let mut buffer = String::new();
    let cell = json::cell(json, &mut buffer);
    if !is_value(cell, treatment).ok()? {
        out.extend_from_slice(json.as_bytes());
        return Some(());
    }
    let mut masked = Vec::new();
    let kind = treatment.cover(cell, secrets, &mut masked).ok()?;
    push_masked(kind, &masked, out).ok()
}
