//! Checks a plugin's answer as the gateway does and carries it out on the events of a test.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::event::Event;
use super::{pointer, rejected};
use crate::answer::{Answer, Edit, Emission};
use crate::cell::Cell;
use crate::plan::{Field, Image, Plan};

/// What leaves of `events`, of which the plugin saw those at `rows`.
pub(super) fn answer(
    plan: &Plan,
    answer: Answer,
    rows: &[usize],
    events: &mut [Event],
) -> Result<Vec<Value>, String> {
    let at = |row: u32| rows.get(row as usize).copied();
    let at =
        |row: u32| at(row).ok_or_else(|| format!("the answer names row {row} of {}", rows.len()));
    for (field, edit) in plan.writes.iter().zip(&answer.edits) {
        for (row, value) in cells(field, edit)? {
            if let Some(event) = events.get_mut(at(row)?) {
                write(event, field, value)?;
            }
        }
    }
    let mut fates = vec![Fate::default(); events.len()];
    let mut fate = |row: u32, change: &dyn Fn(&mut Fate)| {
        at(row).map(|at| fates.get_mut(at).map(change)).map(|_| ())
    };
    for row in answer.drops {
        fate(row, &|fate| fate.dropped = true)?;
    }
    for (row, reason) in answer.rejections {
        fate(row, &|fate| fate.rejected = Some(reason.clone()))?;
    }
    for (row, emission) in answer.emissions {
        fate(row, &|fate| fate.emitted.push(emitted(&emission)))?;
    }
    let mut left = Vec::with_capacity(events.len());
    for (event, fate) in events.iter_mut().zip(fates) {
        layout(plan, event);
        match fate.rejected {
            Some(reason) => left.push(rejected(&reason)),
            None if fate.dropped => {}
            None => left.push(event.write()),
        }
        left.extend(fate.emitted);
    }
    Ok(left)
}

#[derive(Clone, Debug, Default)]
struct Fate {
    dropped: bool,
    rejected: Option<String>,
    emitted: Vec<Value>,
}

/// The values of an edit by row; none where it removes the field.
fn cells(field: &Field, edit: &Edit) -> Result<Vec<(u32, Option<Value>)>, String> {
    let value = |cell: Cell<'_>| match cell {
        Cell::Absent => Ok(None),
        Cell::Null => Ok(Some(Value::Null)),
        Cell::Boolean(value) => Ok(Some(value.into())),
        Cell::String(text) => Ok(Some(text.into())),
        Cell::Bytes(bytes) if field.image == Image::Header => {
            Ok(Some(json!({ "base64": STANDARD.encode(bytes) })))
        }
        Cell::Bytes(bytes) => Ok(Some(STANDARD.encode(bytes).into())),
        Cell::Number(text) => parsed(field, text, Value::is_number),
        Cell::Json(text) => parsed(field, text, |json| json.is_object() || json.is_array()),
        Cell::Unavailable | Cell::Unknown(_) => {
            Err(format!("the answer sets {:?} to text that is not UTF-8", field.name))
        }
    };
    edit.iter().map(|(row, cell)| Ok((row, value(cell)?))).collect()
}

fn parsed(field: &Field, text: &str, fits: fn(&Value) -> bool) -> Result<Option<Value>, String> {
    let json: Option<Value> = serde_json::from_str(text).ok();
    match json.filter(fits) {
        Some(json) => Ok(Some(json)),
        None => Err(format!("the answer sets {:?} to text that is not of its kind", field.name)),
    }
}

fn write(event: &mut Event, field: &Field, value: Option<Value>) -> Result<(), String> {
    match field.image {
        Image::Before | Image::After | Image::Key => {
            let Some(columns) = event.image_mut(field.image) else {
                return match value {
                    None => Ok(()),
                    Some(_) => Err(format!(
                        "the answer sets {:?} in a row that has no {} image",
                        field.name,
                        format!("{:?}", field.image).to_lowercase()
                    )),
                };
            };
            if !field.pointer.is_empty() {
                if let Some(column) = columns.get_mut(&field.name) {
                    pointer::set(column, &field.pointer, value);
                }
                return Ok(());
            }
            match value {
                Some(value) => drop(columns.insert(field.name.clone(), value)),
                None => drop(columns.shift_remove(&field.name)),
            }
        }
        Image::Header => {
            let known = event.headers.iter_mut().filter(|(name, _)| *name == field.name);
            let known: Vec<&mut Value> = known.map(|(_, value)| value).collect();
            match value {
                None => event.headers.retain(|(name, _)| *name != field.name),
                Some(value) if known.is_empty() => {
                    event.headers.push((field.name.clone(), value));
                }
                Some(value) => known.into_iter().for_each(|known| *known = value.clone()),
            }
        }
        Image::Meta => match value {
            Some(Value::String(topic)) if field.name == "topic" => event.topic = topic,
            _ => return Err(format!("the answer sets the meta field {:?}", field.name)),
        },
    }
    Ok(())
}

/// The plan's removes and renames, which keep a column's place.
fn layout(plan: &Plan, event: &mut Event) {
    for image in [Image::Before, Image::After, Image::Key] {
        let Some(columns) = event.image_mut(image) else { continue };
        let of = |field: &Field, name: &str| field.image == image && field.name == name;
        let renamed = |name: String| match plan.renames.iter().find(|r| of(&r.field, &name)) {
            Some(rename) => rename.to.clone(),
            None => name,
        };
        *columns = std::mem::take(columns)
            .into_iter()
            .filter(|(name, _)| !plan.removes.iter().any(|field| of(field, name)))
            .map(|(name, value)| (renamed(name), value))
            .collect();
    }
    let removed = |name: &str| {
        plan.removes.iter().any(|field| field.image == Image::Header && field.name == name)
    };
    event.headers.retain(|(name, _)| !removed(name));
    for (name, _) in &mut event.headers {
        let of = |field: &Field| field.image == Image::Header && field.name == *name;
        if let Some(rename) = plan.renames.iter().find(|rename| of(&rename.field)) {
            *name = rename.to.clone();
        }
    }
}

fn emitted(emission: &Emission) -> Value {
    let text = |bytes: &Option<Vec<u8>>| match bytes {
        None => Value::Null,
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
            Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
        },
    };
    let headers: Vec<Value> =
        emission.headers.iter().map(|(name, value)| json!([name, text(value)])).collect();
    let mut record = json!({ "topic": emission.topic, "key": text(&emission.key), "value": text(&emission.value) });
    if let (Some(record), false) = (record.as_object_mut(), headers.is_empty()) {
        record.insert("headers".into(), headers.into());
    }
    record
}
