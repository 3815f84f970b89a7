//! MongoDB's Extended JSON: scalars that travel as objects of one member, which names their type. Pure.

use lockgate_plugin::Cell;
use lockgate_plugin::json::{self, members, unescape};

/// Whose strings are no text of anyone's, but numbers, ids and dates.
const TYPED: [&str; 7] =
    ["$oid", "$numberLong", "$numberInt", "$numberDouble", "$numberDecimal", "$date", "$uuid"];

/// A scalar out of its wrapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scalar<'a> {
    pub(crate) cell: Cell<'a>,
    /// A number that counts milliseconds since 1970.
    pub(crate) date: bool,
}

/// The scalar that an object such as `{"$oid":"5f"}` stands for, also of `{"$date":{"$numberLong":"1"}}`; none for other JSON.
/// Numbers that travel as strings are numbers again, unless JSON knows none such (`NaN`).
pub(crate) fn scalar<'a>(object: &'a str, buffer: &'a mut String) -> Option<Scalar<'a>> {
    let (name, value) = only_member(object)?;
    let date = name == "$date";
    let (name, value) = match only_member(value) {
        Some((inner, value)) if date && inner == "$numberLong" => (inner, value),
        _ => (name, value),
    };
    let cell = json::cell(value, buffer);
    let cell = match cell {
        Cell::String(text) if name.starts_with("$number") && is_number(text) => Cell::Number(text),
        Cell::String(_) | Cell::Number(_) | Cell::Boolean(_) => cell,
        _ => return None,
    };
    Some(Scalar { cell, date })
}

/// The name, where it announces a string that is no text: a member's name with its quotes.
pub(crate) fn typed(name: &[u8]) -> Option<&'static str> {
    let name = name.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    TYPED.into_iter().find(|typed| typed.as_bytes() == name)
}

/// Name and value of an object that has one member, of a name that wraps scalars.
fn only_member(object: &str) -> Option<(&'static str, &str)> {
    let mut members = members(object);
    let (member, None) = (members.next()?, members.next()) else { return None };
    let name = unescape(object.get(member.name?)?)?;
    let known = TYPED.iter().chain(&["$symbol"]).find(|known| **known == name)?;
    Some((known, object.get(member.value)?))
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && json::is_well_formed(text)
        && json::trimmed(text) == text
}
