//! What stands beside the columns and may hold their values: SQL text, definitions of tables, messages, the headers of a changed
//! key. Says what is to stand there instead. Must not know plugins or how records are spliced.

use std::borrow::Cow;

use super::{Guards, Seen};
use crate::cell::{self, Change};
use crate::change::json;
use crate::change::{Side, SideKind, Span, SqlFlavour};
use crate::config::ColumnPattern;
use crate::overlay::Overlay;
use crate::record::OutputHeader;
use crate::redact;
use crate::table::Table;

/// Stands where a protected value stood.
pub const MASK: &str = "[redacted]";

/// The same as a JSON string.
const MASK_JSON: &[u8] = b"\"[redacted]\"";

/// The same for whoever decodes base64.
const MASK_BASE64: &[u8] = b"\"W3JlZGFjdGVkXQ==\"";

/// Members of a table's definition that hold what someone wrote, by their names in Debezium's `tableChanges`.
const WRITTEN: [&str; 4] = ["defaultValueExpression", "defaultValue", "comment", "enumValues"];

/// What to put in the place of parts of the record's value, in the order of the text, for `Subject::redactions`. Asks `guards`
/// about the record's tables, which it has to [know](Guards::know).
pub fn redactions(seen: Seen<'_, '_>, guards: &Guards, overlay: &Overlay) -> Vec<(Span, Vec<u8>)> {
    let Some(text) = seen.record.value.filter(|_| !guards.is_off()) else { return Vec::new() };
    let sides = seen.events.sides_of(seen.event).iter();
    let mut redactions = Vec::new();
    for side in sides.filter(|side| !leaves(seen, side, overlay)) {
        match side.kind {
            SideKind::ByColumn | SideKind::Names | SideKind::FieldNames | SideKind::KeyValues => {}
            // A message may hold anything at all, and a row's key whatever is protected of the row.
            SideKind::Content if !is_of_free_row(seen, side, guards) => {
                redactions.push((side.span, MASK_BASE64.to_vec()));
            }
            SideKind::Content => {}
            SideKind::Sql(flavour) => {
                redactions.extend(
                    sql(seen, guards, side.span.of(text), flavour).map(|new| (side.span, new)),
                );
            }
            SideKind::TableChanges => definitions(text, side.span, &mut redactions),
        }
    }
    redactions
}

/// Whether the side belongs to a row of which nothing is protected.
fn is_of_free_row(seen: Seen<'_, '_>, side: &Side, guards: &Guards) -> bool {
    let row = side.row.and_then(|number| seen.events.rows.get(number as usize));
    row.is_some_and(|row| guards.cells(row.table).is_empty())
}

/// Whether the side goes with its row, which leaves the record.
fn leaves(seen: Seen<'_, '_>, side: &Side, overlay: &Overlay) -> bool {
    side.row.is_some_and(|number| {
        let row = seen.events.rows.get(number as usize);
        overlay.is_removed(number) && row.is_some_and(|row| !row.object.is_empty())
    })
}

/// The JSON string that replaces a statement's; none where it may stay.
fn sql(seen: Seen<'_, '_>, guards: &Guards, raw: &[u8], flavour: SqlFlavour) -> Option<Vec<u8>> {
    let inner = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut plain = Vec::with_capacity(inner.len());
    let text =
        cell::unescape(inner, &mut plain).ok().and_then(|()| std::str::from_utf8(&plain).ok());
    let Some(text) = text else { return Some(MASK_JSON.to_vec()) };
    let mut tables = seen.events.rows_of(seen.event).iter().map(|row| row.table);
    let is_safe = |table: &Table| {
        guards.protection().patterns().iter().all(|pattern| !speaks_of(pattern, table, text))
    };
    // A statement without rows may be about any table.
    let has_rows = seen.event.first_row < seen.event.last_row;
    let guarded =
        |index| !guards.cells(index).is_empty() || !seen.tables.get(index).is_some_and(is_safe);
    if has_rows && !tables.any(guarded) {
        return None;
    }
    match redact::sql(text, flavour) {
        Cow::Borrowed(same) if same == text => None,
        redacted => Some(string(&redacted)),
    }
}

/// Whether a statement beside a row of `table` may hold a value that `pattern` protects. One statement changes many tables: its
/// text stands beside the rows of all of them, those of a trigger included.
fn speaks_of(pattern: &ColumnPattern, table: &Table, text: &str) -> bool {
    // A statement need not name the column, nor need the column be in the rows: it may be left out of them.
    let of_this_table = !pattern.is_of_every_table() && pattern.matches_table(table);
    let mentions = |name: &str| redact::mentions(text, name);
    of_this_table
        || pattern.column_name().is_none_or(mentions)
        || pattern.table_name().is_some_and(mentions)
}

/// Replaces what people wrote into the definition of tables: defaults, comments, the words of an enumeration.
fn definitions(text: &[u8], span: Span, redactions: &mut Vec<(Span, Vec<u8>)>) {
    let first = redactions.len();
    // Whether the value itself is written, and where it stands.
    let mut open = vec![(false, span)];
    while let Some((written, at)) = open.pop() {
        match text.get(at.start as usize) {
            Some(b'{') => open.extend(json::members(text, at.start).map(|(name, value)| {
                (written || WRITTEN.contains(&&*json::unescape(name.of(text))), value)
            })),
            Some(b'[') => open.extend(json::elements(text, at.start).map(|value| (written, value))),
            Some(b'"') if written && at.end - at.start > 2 => {
                redactions.push((at, MASK_JSON.to_vec()))
            }
            Some(b'-' | b'0'..=b'9') if written => redactions.push((at, b"null".to_vec())),
            _ => {}
        }
    }
    if let Some(new) = redactions.get_mut(first..) {
        new.sort_unstable_by_key(|(span, _)| span.start);
    }
}

/// Whether it is a header by which Debezium tells the other key of a row whose key changed.
pub fn is_key_header(name: &[u8]) -> bool {
    matches!(name, b"__debezium.oldkey" | b"__debezium.newkey")
}

/// The object of a key, out of its envelope if it has one; none where there is none.
pub(super) fn key_object(text: &[u8]) -> Option<Span> {
    let outer = json::document(text).ok().filter(|span| span.of(text).starts_with(b"{"))?;
    let mut payload = None;
    let mut schema = false;
    for (name, value) in json::members(text, outer.start) {
        match name.of(text) {
            b"payload" => payload = Some(value),
            b"schema" => schema = true,
            _ => return Some(outer),
        }
    }
    match payload {
        Some(payload) if schema => payload.of(text).starts_with(b"{").then_some(payload),
        _ => Some(outer),
    }
}

/// Hides protected columns in the headers that tell the other key of a changed row, but those that `is_written` by a plugin.
/// One that cannot be read is left out.
pub fn headers(
    seen: Seen<'_, '_>,
    guards: &Guards,
    is_written: impl Fn(&[u8]) -> bool,
    headers: &mut Vec<OutputHeader<'_>>,
) {
    let row = seen.events.rows_of(seen.event).first();
    let Some(table) = row.and_then(|row| seen.tables.get(row.table)) else { return };
    if guards.is_off() {
        return;
    }
    headers.retain_mut(|header| {
        if !is_key_header(&header.name) || is_written(&header.name) {
            return true;
        }
        let Some(text) = header.value.as_deref() else { return true };
        match key(text, table, guards) {
            Some(Cow::Borrowed(_)) => true,
            Some(Cow::Owned(hidden)) => {
                header.value = Some(Cow::Owned(hidden));
                true
            }
            None => false,
        }
    });
}

/// A key without its protected columns' values; none where nobody can say which they are.
fn key<'t>(text: &'t [u8], table: &Table, guards: &Guards) -> Option<Cow<'t, [u8]>> {
    let object = key_object(text)?;
    let mut hidden: Vec<(Span, Vec<u8>)> = Vec::new();
    for (name, at) in json::members(text, object.start) {
        let places = guards.protection().places(table, &json::unescape(name.of(text)));
        let mut value = Cow::Borrowed(at.of(text));
        for place in places {
            let mask = if value.starts_with(b"\"") { MASK_JSON } else { b"null" };
            value = Cow::Owned(match place {
                None => mask.to_vec(),
                Some(pointer) => {
                    let mut spliced = Vec::new();
                    let change = Change::Set(MASK_JSON);
                    match pointer.splice(&value, change, &mut spliced) {
                        Ok(()) => spliced,
                        Err(cell::Error::NoPlace) => continue,
                        Err(_) => mask.to_vec(),
                    }
                }
            });
        }
        if let Cow::Owned(value) = value {
            hidden.push((at, value));
        }
    }
    if hidden.is_empty() {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut copied = 0;
    for (span, value) in hidden {
        out.extend_from_slice(text.get(copied..span.start as usize)?);
        out.extend_from_slice(&value);
        copied = span.end as usize;
    }
    out.extend_from_slice(text.get(copied..)?);
    Some(Cow::Owned(out))
}

fn string(text: &str) -> Vec<u8> {
    let mut out = vec![b'"'];
    cell::escape(text.as_bytes(), &mut out);
    out.push(b'"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_words(text: &str) -> String {
        let mut redactions = Vec::new();
        let span = json::document(text.as_bytes()).unwrap();
        definitions(text.as_bytes(), span, &mut redactions);
        let mut out = text.to_owned();
        for (span, new) in redactions.iter().rev() {
            let range = span.start as usize..span.end as usize;
            out.replace_range(range, std::str::from_utf8(new).unwrap());
        }
        out
    }

    #[test]
    fn a_definition_loses_what_people_wrote_into_it_and_keeps_its_shape() {
        let text = r#"[{"type":"CREATE","id":"\"shop\".\"t\"","table":{"columns":[{"name":"ssn","typeName":"ENUM","length":1,"defaultValueExpression":"'078'","hasDefaultValue":true,"comment":null,"enumValues":["'a'","'b'"]},{"name":"n","defaultValue":5,"comment":""}],"comment":"of \"anna\"","primaryKeyColumnNames":["n"]}}]"#;
        assert_eq!(
            without_words(text),
            r#"[{"type":"CREATE","id":"\"shop\".\"t\"","table":{"columns":[{"name":"ssn","typeName":"ENUM","length":1,"defaultValueExpression":"[redacted]","hasDefaultValue":true,"comment":null,"enumValues":["[redacted]","[redacted]"]},{"name":"n","defaultValue":null,"comment":""}],"comment":"[redacted]","primaryKeyColumnNames":["n"]}}]"#
        );
    }

    #[test]
    fn redactions_come_in_the_order_of_the_text() {
        let text = r#"{"b":{"comment":"1"},"comment":{"x":["2","3"]},"c":[{"comment":"4"}]}"#;
        let span = json::document(text.as_bytes()).unwrap();
        let mut redactions = Vec::new();
        definitions(text.as_bytes(), span, &mut redactions);
        assert_eq!(redactions.len(), 4);
        assert!(redactions.is_sorted_by_key(|(span, _)| span.start));
    }
}
