//! Maxwell's keys: `{"database":"d","table":"t","pk.id":1}` or `["d","t",[{"id":1}]]`. Column names in them are spelt in lower case
//! however the rows spell them.

use super::known::Known;
use super::shape::index;
use super::{Form, Member, NO_COLUMN, Presence, RowImage, Span, json};
use crate::outcome::Refusal;
use crate::table::Tables;

/// Reads a key for the table that `known` is; none where it is neither of the two, and nothing is added to `members` then.
pub(super) fn read(
    text: &[u8],
    known: &mut Known,
    members: &mut Vec<Member>,
    tables: &mut Tables,
) -> Result<Option<RowImage>, Refusal> {
    let first = members.len();
    let Some((span, form)) = scan(text, members) else {
        members.truncate(first);
        return Ok(None);
    };
    for member in members.get_mut(first..).unwrap_or_default() {
        if !is_of_the_format(member, text) {
            member.column = known.key_column(member.name.of(text), tables)?;
        }
    }
    Ok(Some(RowImage {
        presence: Presence::Present,
        span,
        first_member: index(first),
        last_member: index(members.len()),
        form,
    }))
}

/// Whether a key is the number of a version of the format, eight bytes wide, as TiCDC has it: nothing of a row is in it.
pub(super) fn is_version(text: &[u8]) -> bool {
    matches!(text, [0, 0, 0, 0, 0, 0, 0, _])
}

/// Database and table of the row, and the number that stands in for a key where the table has none.
fn is_of_the_format(member: &Member, text: &[u8]) -> bool {
    member.form == Form::Plain && matches!(member.name.of(text), b"database" | b"table" | b"_uuid")
}

/// Adds the members, none of which has a column yet; the span of what holds them, and the form of those that are added to it.
fn scan(text: &[u8], members: &mut Vec<Member>) -> Option<(Span, Form)> {
    let start = json::begin(text).ok()?;
    let (span, form, end) = match json::byte(text, start) {
        b'{' => {
            let first = members.len();
            let end = hash(text, start, members)?;
            let own = members.get(first..).unwrap_or_default();
            let is_hash = own
                .iter()
                .any(|member| member.form == Form::Prefixed || is_of_the_format(member, text));
            let form = if is_hash { Form::Prefixed } else { Form::Plain };
            (json::span(start, end), form, end)
        }
        b'[' => {
            let mut at = start;
            for _ in 0..2 {
                at = string(text, json::blanks(text, at + 1))?;
                at = json::blanks(text, at);
                (json::byte(text, at) == b',').then_some(())?;
            }
            let start = json::blanks(text, at + 1);
            let end = boxes(text, start, members)?;
            let close = json::blanks(text, end);
            (json::byte(text, close) == b']').then_some(())?;
            (json::span(start, end), Form::Boxed, close + 1)
        }
        _ => return None,
    };
    json::finish(text, end).ok()?;
    Some((span, form))
}

fn string(text: &[u8], at: usize) -> Option<usize> {
    (json::byte(text, at) == b'"').then_some(())?;
    json::value(text, at).ok()
}

/// The members of an object: those called `pk.` and more are columns by that name.
fn hash(text: &[u8], start: usize, members: &mut Vec<Member>) -> Option<usize> {
    let mut at = json::blanks(text, start + 1);
    if json::byte(text, at) == b'}' {
        return Some(at + 1);
    }
    loop {
        let (mut name, colon) = json::name(text, at).ok()?;
        let value = json::blanks(text, colon);
        let end = json::value(text, value).ok()?;
        let mut form = Form::Plain;
        if name.of(text).starts_with(b"pk.") {
            form = Form::Prefixed;
            name.start += 3;
        }
        members.push(Member { name, value: json::span(value, end), column: NO_COLUMN, form });
        let more;
        (more, at) = json::after_member(text, end).ok()?;
        if !more {
            return Some(at);
        }
    }
}

/// The objects of an array, each of one member between its braces and nothing else, not even a blank.
fn boxes(text: &[u8], start: usize, members: &mut Vec<Member>) -> Option<usize> {
    (json::byte(text, start) == b'[').then_some(())?;
    let mut at = json::blanks(text, start + 1);
    if json::byte(text, at) == b']' {
        return Some(at + 1);
    }
    loop {
        (json::byte(text, at) == b'{').then_some(())?;
        let (name, colon) = json::name(text, at + 1).ok()?;
        let value = json::blanks(text, colon);
        let end = json::value(text, value).ok()?;
        (json::byte(text, end) == b'}').then_some(())?;
        let value = json::span(value, end);
        members.push(Member { name, value, column: NO_COLUMN, form: Form::Boxed });
        at = json::blanks(text, end + 1);
        match json::byte(text, at) {
            b',' => at = json::blanks(text, at + 1),
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}
