//! JSON pointers that also reach into JSON kept in a string.

use serde_json::Value;

/// The value that `pointer` leads to.
pub(super) fn get(root: &Value, pointer: &str) -> Option<Value> {
    if pointer.is_empty() {
        return Some(root.clone());
    }
    match root {
        Value::String(text) => get(&inner(text)?, pointer),
        _ => root.pointer(pointer).cloned(),
    }
}

/// Replaces what `pointer` leads to; removes it where `value` is none. A place that is not there is left so.
pub(super) fn set(root: &mut Value, pointer: &str, value: Option<Value>) {
    if let Value::String(text) = root {
        let Some(mut json) = inner(text) else { return };
        set(&mut json, pointer, value);
        *root = json.to_string().into();
        return;
    }
    if let Some(value) = value {
        if let Some(place) = root.pointer_mut(pointer) {
            *place = value;
        }
        return;
    }
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    let name = name.replace("~1", "/").replace("~0", "~");
    if let Some(object) = root.pointer_mut(parent).and_then(Value::as_object_mut) {
        object.shift_remove(&name);
    }
}

fn inner(text: &str) -> Option<Value> {
    let json: Value = serde_json::from_str(text).ok()?;
    (json.is_object() || json.is_array()).then_some(json)
}
