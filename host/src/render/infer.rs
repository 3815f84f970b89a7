//! A Connect schema for JSON that a plugin made up, where the envelope declares another type or none.

use std::borrow::Cow;

use crate::cell;
use crate::change::json;

/// The members of a schema object that tell a type: `"type":"struct","fields":[...]` say.
pub(super) type Type = Cow<'static, str>;

pub(super) const STRING: Type = Cow::Borrowed(r#""type":"string""#);
pub(super) const BOOLEAN: Type = Cow::Borrowed(r#""type":"boolean""#);
pub(super) const BYTES: Type = Cow::Borrowed(r#""type":"bytes""#);

/// Arrays and objects nested deeper than this get no schema.
const DEEPEST: usize = 32;

/// The narrowest of the two number types that JSON numbers have in Connect.
pub(super) fn number(text: &[u8]) -> Type {
    let text = std::str::from_utf8(text).unwrap_or_default();
    Cow::Borrowed(match text.parse::<i64>() {
        Ok(_) => r#""type":"int64""#,
        Err(_) => r#""type":"double""#,
    })
}

/// The type of a JSON value. None where Connect has no type for it: an array of different things, a name that stands twice.
pub(super) fn json(raw: &[u8]) -> Option<Type> {
    of(raw, DEEPEST)
}

fn of(raw: &[u8], depth: usize) -> Option<Type> {
    let depth = depth.checked_sub(1)?;
    Some(match raw.first()? {
        b'{' => {
            let mut fields = Vec::new();
            let mut names = Vec::new();
            for (name, value) in json::members(raw, 0) {
                let plain = json::unescape(name.of(raw));
                if names.contains(&plain) {
                    return None;
                }
                fields.push(field(&of(value.of(raw), depth)?, true, &plain));
                names.push(plain);
            }
            Cow::Owned(format!(r#""type":"struct","fields":[{}]"#, fields.join(",")))
        }
        b'[' => {
            let mut items: Option<Type> = None;
            for element in json::elements(raw, 0).map(|element| element.of(raw)) {
                if element == b"null" {
                    continue;
                }
                let item = of(element, depth)?;
                if items.as_ref().is_some_and(|items| *items != item) {
                    return None;
                }
                items = Some(item);
            }
            let items = items.unwrap_or(STRING);
            Cow::Owned(format!(r#""type":"array","items":{{{items},"optional":true}}"#))
        }
        b't' | b'f' => BOOLEAN,
        b'"' | b'n' => STRING,
        _ => number(raw),
    })
}

/// A field of a struct.
pub(super) fn field(r#type: &str, optional: bool, name: &str) -> String {
    let mut escaped = Vec::with_capacity(name.len());
    cell::escape(name.as_bytes(), &mut escaped);
    let name = String::from_utf8_lossy(&escaped);
    format!(r#"{{{type},"optional":{optional},"field":"{name}"}}"#)
}
