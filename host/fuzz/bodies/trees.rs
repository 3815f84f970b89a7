//! What a valid plan and a valid answer make of a Debezium event, worked out on serde_json's trees: the planned fields change, and
//! nothing else. Must not know spans, overlays or splices.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockgate::contract::{Answer, Edit, Field, Image, Plan, kind};
use lockgate::table::Table;
use serde_json::{Map, Value};

use super::rules::tokens;
use super::scene::Given;

/// A record that is to leave.
pub(crate) struct Expected {
    /// None where it goes where the pipeline sends it.
    pub(crate) topic: Option<String>,
    pub(crate) key: Option<Value>,
    pub(crate) value: Value,
    pub(crate) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// An edit that reaches into a cell where there is nothing to reach.
pub(crate) struct Unreachable;

/// The cell that `edit` has for `row`.
pub(crate) fn cell(edit: &Edit, row: u32) -> Option<(u8, &[u8])> {
    let at = edit.rows.iter().position(|number| *number == row)?;
    let end = |at: usize| edit.cells.ends[at] as usize;
    let start = at.checked_sub(1).map_or(0, end);
    Some((edit.cells.kinds[at], &edit.cells.data[start..end(at)]))
}

/// The event without any edit, as `plan` lays its table out.
pub(crate) fn laid_out(given: &Given, table: &Table, plan: &Plan) -> Expected {
    let Ok(expected) = with(given, table, plan, None) else {
        unreachable!("only edits can fail to reach");
    };
    expected
}

/// The event with the edits that `answer` has for `row`. Without an answer, no more than what the plan does to every row.
pub(crate) fn with(
    given: &Given,
    table: &Table,
    plan: &Plan,
    answer: Option<(&Answer, u32)>,
) -> Result<Expected, Unreachable> {
    let mut tree = Expected {
        topic: None,
        key: given.key.as_deref().map(|key| serde_json::from_slice(key).expect("parsed before")),
        value: serde_json::from_slice(&given.value).expect("parsed before"),
        headers: given.headers.clone(),
    };
    for edit in answer.iter().flat_map(|(answer, _)| &answer.edits) {
        let row = answer.map_or(0, |(_, row)| row);
        if let Some((code, data)) = cell(edit, row) {
            put(&mut tree, &plan.writes[edit.write as usize], (code, data))?;
        }
    }
    if plan.operations.is_empty() || plan.operations.contains(&given.operation) {
        for field in plan.removes.iter().filter(|field| !is_whole_column(field)) {
            // What is not there need not be removed.
            drop(put(&mut tree, field, (kind::ABSENT, b"")));
        }
    }
    for image in [Image::Before, Image::After, Image::Key] {
        lay_out(&mut tree, image, table, plan);
    }
    Ok(tree)
}

fn is_whole_column(field: &Field) -> bool {
    field.image != Image::Header && field.pointer.is_empty()
}

/// The members of an image; none where the event does not have it.
pub(crate) fn image(tree: &mut Expected, image: Image) -> Option<&mut Map<String, Value>> {
    match image {
        Image::Key => level(tree.key.as_mut()?).as_object_mut(),
        Image::Before => level(&mut tree.value).get_mut("before")?.as_object_mut(),
        Image::After => level(&mut tree.value).get_mut("after")?.as_object_mut(),
        Image::Header | Image::Meta => None,
    }
}

/// What is inside the envelope, where there is one.
fn level(value: &mut Value) -> &mut Value {
    if value.get("schema").is_some() && value.get("payload").is_some() {
        return &mut value["payload"];
    }
    value
}

fn put(tree: &mut Expected, field: &Field, (code, data): (u8, &[u8])) -> Result<(), Unreachable> {
    match field.image {
        Image::Meta => tree.topic = Some(text(data)),
        Image::Header => {
            let position = tree.headers.iter().position(|(name, _)| name == field.name.as_bytes());
            tree.headers.retain(|(name, _)| name != field.name.as_bytes());
            let value = (code != kind::NULL).then(|| data.to_vec());
            if code != kind::ABSENT {
                let at = position.unwrap_or(tree.headers.len());
                tree.headers.insert(at, (field.name.clone().into_bytes(), value));
            }
        }
        Image::Before | Image::After | Image::Key => {
            let path = tokens(&field.pointer).expect("the plan is valid");
            let Some(members) = image(tree, field.image) else { return Ok(()) };
            if path.is_empty() {
                match value(code, data) {
                    Some(value) => drop(members.insert(field.name.clone(), value)),
                    None => drop(members.shift_remove(&field.name)),
                }
                return Ok(());
            }
            let new = value(code, data);
            match members.get_mut(&field.name) {
                Some(value) => change(value, &path, new)?,
                None if new.is_some() => return Err(Unreachable),
                None => {}
            }
        }
    }
    Ok(())
}

fn text(data: &[u8]) -> String {
    String::from_utf8(data.to_vec()).expect("checked as text")
}

/// The JSON that a cell stands for; none for an absent one.
pub(crate) fn value(code: u8, data: &[u8]) -> Option<Value> {
    match code {
        kind::ABSENT => None,
        kind::NULL => Some(Value::Null),
        kind::STRING => Some(Value::String(text(data))),
        kind::BYTES => Some(Value::String(STANDARD.encode(data))),
        _ => Some(serde_json::from_slice(data).expect("checked as JSON")),
    }
}

fn change(value: &mut Value, path: &[String], new: Option<Value>) -> Result<(), Unreachable> {
    let nowhere = |new: Option<Value>| if new.is_some() { Err(Unreachable) } else { Ok(()) };
    let Some((token, rest)) = path.split_first() else { return Ok(()) };
    match value {
        Value::Object(members) => match (members.get_mut(token), rest, new) {
            (Some(member), [_, ..], new) => change(member, rest, new),
            (_, [], Some(new)) => {
                members.insert(token.clone(), new);
                Ok(())
            }
            (_, [], None) => {
                members.shift_remove(token);
                Ok(())
            }
            (None, _, new) => nowhere(new),
        },
        Value::Array(elements) => {
            let is_plain = token == "0" || !token.starts_with('0');
            let at = token.parse::<usize>().ok().filter(|_| is_plain && !token.starts_with('+'));
            let count = elements.len();
            match (at.and_then(|at| elements.get_mut(at)), rest, new) {
                (Some(element), [_, ..], new) => change(element, rest, new),
                (Some(element), [], Some(new)) => {
                    *element = new;
                    Ok(())
                }
                (Some(_), [], None) => {
                    elements.remove(at.unwrap_or_default());
                    Ok(())
                }
                (None, [], Some(new)) if token == "-" || at == Some(count) => {
                    elements.push(new);
                    Ok(())
                }
                (None, _, new) => nowhere(new),
            }
        }
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(mut inner) => {
                change(&mut inner, path, new)?;
                *text = inner.to_string();
                Ok(())
            }
            Err(_) => nowhere(new),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => nowhere(new),
    }
}

/// Removes and renames whole columns, all at once. Of the key's image there are only its own columns.
fn lay_out(tree: &mut Expected, at: Image, table: &Table, plan: &Plan) {
    let Some(members) = image(tree, at) else { return };
    let is_there = |field: &&Field| {
        let column = table.columns.iter().find(|column| *column.name == *field.name);
        field.image == at && (at != Image::Key || column.is_none_or(|column| column.key))
    };
    for field in plan.removes.iter().filter(|field| is_whole_column(field)).filter(is_there) {
        members.shift_remove(&field.name);
    }
    let mut named = Vec::new();
    for rename in plan.renames.iter().filter(|rename| rename.column.image == at) {
        if let Some(value) = members.shift_remove(&rename.column.name) {
            named.push((rename.to.clone(), value));
        }
    }
    members.extend(named);
}

/// Whether two trees say the same; JSON kept in strings may be spelt otherwise.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => {
            let read = |text: &str| serde_json::from_str::<Value>(text).ok();
            a == b
                || match (read(a), read(b)) {
                    (Some(a), Some(b)) => !a.is_string() && same(&a, &b),
                    _ => false,
                }
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}
