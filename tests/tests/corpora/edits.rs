//! One column removed from every event, against the same edit on serde_json's tree.

use lockgate::contract::{Field, Image, Plan};
use lockgate::outcome::Outcome;
use lockgate::table::{Dialect, Table};
use lockgate_tests::corpora::{Corpora, Event, Kind};
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

/// MongoDB's documents as trees in place of the strings that hold them.
fn opened(mut event: Value) -> Value {
    for place in ["/before", "/after", "/updateDescription/updatedFields"] {
        for level in ["", "/payload"] {
            let Some(document) = event.pointer_mut(&format!("{level}{place}")) else { continue };
            let text = document.as_str().unwrap_or_default();
            if let Ok(tree @ Value::Object(_)) = serde_json::from_str(text) {
                *document = tree;
            }
        }
    }
    event
}

/// Returns whether there was anything to remove.
fn remove_in_debezium(event: &mut Value, column: &str) -> bool {
    remove_from_schema(event, column);
    let enveloped = event.get("payload").is_some() && event.get("op").is_none();
    let change = if enveloped { &mut event["payload"] } else { event };
    let updated = change.pointer_mut("/updateDescription/updatedFields");
    let updated = remove_member(updated, column);
    let before = remove_member(change.get_mut("before"), column);
    remove_member(change.get_mut("after"), column) | before | updated
}

/// Takes a name, perhaps in another case, out of a list of names; where it stood.
fn remove_name(names: Option<&mut Value>, name: &str) -> Option<usize> {
    let names = names.and_then(Value::as_array_mut)?;
    let at = names
        .iter()
        .position(|other| other.as_str().is_some_and(|other| other.eq_ignore_ascii_case(name)))?;
    names.remove(at);
    Some(at)
}

fn remove_in_canal(event: &mut Value, column: &str) -> bool {
    let mut removed = false;
    for rows in ["data", "old"] {
        for row in event.get_mut(rows).and_then(Value::as_array_mut).into_iter().flatten() {
            removed |= remove_member(Some(row), column);
        }
    }
    for types in ["mysqlType", "sqlType"] {
        removed |= remove_member(event.get_mut(types), column);
    }
    remove_name(event.get_mut("pkNames"), column).is_some() | removed
}

fn remove_in_maxwell(event: &mut Value, column: &str) -> bool {
    let old = remove_member(event.get_mut("old"), column);
    let removed = remove_member(event.get_mut("data"), column) | old;
    let name = remove_name(event.get_mut("primary_key_columns"), column);
    let values = event.get_mut("primary_key").and_then(Value::as_array_mut);
    if let (Some(at), Some(values)) = (name, values) {
        values.remove(at);
    }
    removed | name.is_some()
}

fn remove_in_ogg(event: &mut Value, column: &str) -> bool {
    let before = remove_member(event.get_mut("before"), column);
    let removed = remove_member(event.get_mut("after"), column) | before;
    remove_name(event.get_mut("primary_keys"), column).is_some() | removed
}

fn remove_in_dms(event: &mut Value, column: &str) -> bool {
    let before = remove_member(event.get_mut("before-image"), column);
    remove_member(event.get_mut("data"), column) | before
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
        let mut expected = opened(serde_json::from_slice(event.text).unwrap());
        let Some(column) = about.table.and_then(first_column) else {
            assert_eq!(value, event.text, "{file}");
            return;
        };
        let removed = remove(&mut expected, column);
        changed += usize::from(removed);
        let found = opened(serde_json::from_slice(value).unwrap());
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

#[test]
fn a_removed_column_is_gone_from_canal_messages_and_nothing_else_is() {
    let own = |event: &Event<'_>| event.kind == Kind::Canal;
    if let Some(counts) = check(Dialect::Canal, own, remove_in_canal) {
        assert_eq!(counts, (129, 174));
    }
}

#[test]
fn a_removed_column_is_gone_from_maxwell_events_and_nothing_else_is() {
    let own = |event: &Event<'_>| event.kind == Kind::Maxwell;
    if let Some(counts) = check(Dialect::Maxwell, own, remove_in_maxwell) {
        assert_eq!(counts, (192, 214));
    }
}

#[test]
fn a_removed_column_is_gone_from_goldengate_operations_and_nothing_else_is() {
    let own = |event: &Event<'_>| event.kind == Kind::GoldenGate;
    if let Some(counts) = check(Dialect::Ogg, own, remove_in_ogg) {
        assert_eq!(counts, (43, 43));
    }
}

#[test]
fn a_removed_column_is_gone_from_dms_records_and_nothing_else_is() {
    let own = |event: &Event<'_>| event.kind == Kind::Dms;
    if let Some(counts) = check(Dialect::Dms, own, remove_in_dms) {
        assert_eq!(counts, (38, 38));
    }
}
