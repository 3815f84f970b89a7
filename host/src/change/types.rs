//! Column types as the schema envelope of Connect's JSON converter tells them. Off the hot path: once per schema.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;

use super::json;

/// Types by column name.
pub(super) type Types = HashMap<Box<str>, Box<str>>;

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    fields: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    field: Option<String>,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    field: Option<String>,
    r#type: String,
    /// The semantic type, `io.debezium.data.Json` say; it tells more than the physical one.
    name: Option<String>,
    optional: Option<bool>,
}

/// Behind the type of a column that cannot be null.
const NOT_NULL: &str = " not null";

/// Types by column name; empty where `schema` describes no row images.
pub(super) fn of_envelope(schema: &[u8]) -> Types {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(schema) else {
        return HashMap::new();
    };
    let images = envelope.fields.into_iter();
    let images = images.filter(|image| matches!(image.field.as_deref(), Some("before" | "after")));
    by_name(images.flat_map(|image| image.fields))
}

/// As [`of_envelope`], of a schema that describes a row itself.
pub(super) fn of_row(schema: &[u8]) -> Types {
    #[derive(Deserialize)]
    struct Row {
        #[serde(default)]
        fields: Vec<Field>,
    }
    let row = serde_json::from_slice::<Row>(schema);
    row.map(|row| by_name(row.fields.into_iter())).unwrap_or_default()
}

fn by_name(columns: impl Iterator<Item = Field>) -> Types {
    let named = columns.filter_map(|column| {
        let mut told = column.name.unwrap_or(column.r#type);
        if column.optional == Some(false) {
            told.push_str(NOT_NULL);
        }
        Some((column.field?.into(), told.into()))
    });
    named.collect()
}

/// The text of a JSON string; empty for anything else.
pub(super) fn plain_text(value: &[u8]) -> Cow<'_, str> {
    match value {
        [b'"', text @ .., b'"'] => json::unescape(text),
        _ => Cow::Borrowed(""),
    }
}

/// A name, as a JSON string or as the plain text of a header.
pub(super) fn name(text: &[u8]) -> Cow<'_, str> {
    match text {
        [b'"', ..] => plain_text(text),
        _ => String::from_utf8_lossy(text),
    }
}
