//! The headers in which Debezium repeats the record's key when a primary key changes: they hold the same values as the key, so
//! they are masked by the same rules.

use lockgate_plugin::{Cell, Edit, Field, Kind, Plan, Read, Rows, Write};
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::rule::Rule;

const NAMES: [&str; 2] = ["__debezium.oldkey", "__debezium.newkey"];

/// One of the headers, in a table with masked key columns.
#[derive(Debug)]
pub(crate) struct KeyHeader {
    name: &'static str,
    /// By column.
    rules: Vec<(String, Rule)>,
    read: Read,
    write: Write,
}

/// Has a key column masked in the headers too.
pub(crate) fn add(headers: &mut Vec<KeyHeader>, column: &str, rule: &Rule) {
    if headers.is_empty() {
        let header = |name| KeyHeader { name, rules: Vec::new(), read: Read(0), write: Write(0) };
        headers.extend(NAMES.map(header));
    }
    for header in headers {
        header.rules.push((column.to_owned(), rule.clone()));
    }
}

impl KeyHeader {
    /// Adds the header to the plan.
    pub(crate) fn plan(&mut self, plan: &mut Plan) {
        self.read = plan.read(Field::header(self.name));
        self.write = plan.write(Field::header(self.name));
    }

    /// Masks the header in the rows that have it; refuses those in which it cannot be read.
    pub(crate) fn mask(&self, digest: Option<&Digest>, rows: &mut Rows<'_>) {
        for (row, cell) in (0u32..).zip(rows.cells(self.read).iter()) {
            if matches!(cell, Cell::Absent | Cell::Null) {
                continue;
            }
            match self.masked(cell.as_bytes(), digest) {
                Some(json) => {
                    let kind =
                        if matches!(cell, Cell::Bytes(_)) { Kind::Bytes } else { Kind::String };
                    rows.edit(self.write).set_with(row, kind, |out| out.extend_from_slice(&json));
                }
                None => rows
                    .reject(row, format!("header {:?} holds no key that can be masked", self.name)),
            }
        }
    }

    fn masked(&self, key: &[u8], digest: Option<&Digest>) -> Option<Vec<u8>> {
        let mut key: Value = serde_json::from_slice(key).ok()?;
        // The key may stand in the envelope of Connect's JSON converter.
        let enveloped =
            key.get("schema").is_some() && key.get("payload").is_some_and(Value::is_object);
        let columns = if enveloped { key.get_mut("payload")? } else { &mut key };
        let columns = columns.as_object_mut()?;
        for (column, rule) in &self.rules {
            mask(columns, column, rule, digest)?;
        }
        serde_json::to_vec(&key).ok()
    }
}

/// None where the rule cannot treat the value.
fn mask(
    columns: &mut Map<String, Value>,
    column: &str,
    rule: &Rule,
    digest: Option<&Digest>,
) -> Option<()> {
    let Some(value) = columns.get_mut(column) else { return Some(()) };
    let text = match &*value {
        Value::String(text) => text.clone(),
        _ => value.to_string(),
    };
    let cell = match &*value {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Boolean(*value),
        Value::Number(_) => Cell::Number(&text),
        Value::String(_) => Cell::String(&text),
        Value::Array(_) | Value::Object(_) => Cell::Json(&text),
    };
    let mut edit = Edit::default();
    rule.mask(cell, digest, 0, &mut edit).ok()?;
    *value = match edit.iter().next() {
        None => return Some(()),
        Some((_, Cell::Null)) => Value::Null,
        Some((_, Cell::Boolean(masked))) => masked.into(),
        Some((_, Cell::String(masked))) => masked.into(),
        Some((_, Cell::Number(masked) | Cell::Json(masked))) => {
            serde_json::from_str(masked).ok()?
        }
        Some(_) => return None,
    };
    Some(())
}
