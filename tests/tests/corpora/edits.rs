//! One column removed from every event, against the same edit on serde_json's tree.

use lockgate::contract::{Field, Image, Plan};
use lockgate::outcome::Outcome;
use lockgate::table::{Dialect, Table};
use lockgate_tests::corpora::{Corpora, Event};
use serde_json::Value;

use super::carry::{Plans, carry, pipeline};

/// None where every object was empty.
fn first_column(table: &Table) -> Option<&str> {
    table.columns.first().map(|column| &*column.name)
}

/// Both images lose the table's first column, the key keeps it.
fn removes_first_column(table: &Table) -> Plan {
    let Some(name) = first_column(table) else { return Plan::default() };
    let field = |image| Field { image, name: name.to_owned(), pointer: String::new() };
    Plan { removes: [Image::Before, Image::After].map(field).to_vec(), ..Plan::default() }
}

fn remove_member(object: Option<&mut Value>, name: &str) -> bool {
    let object = object.and_then(Value::as_object_mut);
    object.is_some_and(|object| object.shift_remove(name).is_some())
}

/// The field that describes a column in the schema of an envelope, for each image.
fn remove_from_schema(event: &mut Value, column: &str) {
    let images = event.pointer_mut("/schema/fields").and_then(Value::as_array_mut);
    for image in images.into_iter().flatten() {
        if matches!(image["field"].as_str(), Some("before" | "after"))
            && let Some(columns) = image.get_mut("fields").and_then(Value::as_array_mut)
        {
            columns.retain(|field| field["field"] != column);
        }
    }
}

/// Returns whether there was anything to remove.
fn remove_in_debezium(event: &mut Value, column: &str) -> bool {
    remove_from_schema(event, column);
    let enveloped = event.get("payload").is_some() && event.get("op").is_none();
    let change = if enveloped { &mut event["payload"] } else { event };
    let before = remove_member(change.get_mut("before"), column);
    remove_member(change.get_mut("after"), column) | before
}

/// A value as a tree, in which MongoDB's documents, kept as strings, are trees too.
fn read(dialect: Dialect, text: &[u8]) -> Value {
    let mut event: Value = serde_json::from_slice(text).unwrap();
    if dialect == Dialect::Debezium {
        for image in ["/before", "/after", "/payload/before", "/payload/after"] {
            if let Some(image) = event.pointer_mut(image)
                && let Some(Ok(document)) = image.as_str().map(serde_json::from_str)
            {
                *image = document;
            }
        }
    }
    event
}

fn check(
    dialect: Dialect,
    chosen: impl Fn(&Event<'_>) -> bool,
    remove: impl Fn(&mut Value, &str) -> bool,
) -> Option<(usize, usize)> {
    let corpora = Corpora::find()?;
    let mut pipeline = pipeline(dialect, vec![Plans(removes_first_column).stage()]);
    let mut changed = 0;
    let all = carry(&corpora, &mut pipeline, chosen, |file, event, about, outcome| {
        let Outcome::Forward { record, .. } = outcome else { panic!("{file}: {outcome:?}") };
        assert_eq!(record.key.as_deref(), Some(event.text), "{file}");
        let value = record.value.as_deref().unwrap();
        let mut expected = read(dialect, event.text);
        let Some(column) = about.table.and_then(first_column) else {
            assert_eq!(value, event.text, "{file}");
            return;
        };
        let removed = remove(&mut expected, column);
        changed += usize::from(removed);
        let found = read(dialect, value);
        assert_eq!(found, expected, "{file}: {}", String::from_utf8_lossy(event.text));
        // The trees compare without order; the texts have the members in the same one.
        assert_eq!(found.to_string(), expected.to_string(), "{file}");
    });
    Some((changed, all))
}

#[test]
fn a_removed_column_is_gone_from_debezium_events_and_nothing_else_is() {
    let debezium = |event: &Event<'_>| event.kind.is_debezium();
    if let Some(counts) = check(Dialect::Debezium, debezium, remove_in_debezium) {
        assert_eq!(counts, (1_931, 1_993));
    }
}

#[test]
fn a_removed_column_is_gone_from_plain_objects_and_nothing_else_is() {
    let remove = |event: &mut Value, column: &str| remove_member(Some(event), column);
    if let Some(counts) = check(Dialect::Json, |_| true, remove) {
        assert_eq!(counts, (2_673, 2_787));
    }
}
