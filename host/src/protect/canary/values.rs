//! The clear values of a record: what its protected cells hold, and the leaves of those that hold JSON.

use std::borrow::Cow;

use super::{Canary, NO_CELL, Seen, Value};
use crate::cell;
use crate::change::{Presence, Row, json};
use crate::contract::{Image, kind};
use crate::protect::conceal::{is_key_header, key_object};
use crate::protect::{GuardedCell, Guards};
use crate::table::Table;

/// Stands for the kind of a cell that cannot be unescaped: its bytes are those between its quotes.
const RAW: u8 = u8::MAX;

impl Canary {
    /// Takes in the clear values of a record; whether any table of it has protected columns.
    pub fn learn(&mut self, seen: Seen<'_, '_>, guards: &mut Guards) -> bool {
        self.bytes.clear();
        self.values.clear();
        self.needles.clear();
        if guards.is_off() {
            return false;
        }
        let mut any = false;
        for (number, row) in (seen.event.first_row..).zip(seen.events.rows_of(seen.event)) {
            if guards.know(row.table, seen.tables) {
                any = true;
                self.learn_row(seen, number, row, guards.cells(row.table));
            }
        }
        self.learn_headers(seen, guards);
        self.needles.ready();
        any
    }

    fn learn_row(&mut self, seen: Seen<'_, '_>, number: u32, row: &Row, cells: &[GuardedCell]) {
        for image in [Image::Before, Image::After, Image::Key] {
            let text = if image == Image::Key { seen.record.key } else { seen.record.value };
            let (Some(text), Some(at)) = (text, row.image(image)) else { continue };
            if at.presence != Presence::Present {
                continue;
            }
            let members = seen.events.members_of(at);
            for (position, cell) in cells.iter().enumerate() {
                // Of members of one name each leaves, whichever of them counts.
                for member in members.iter().filter(|member| member.column == cell.column) {
                    let value = Value {
                        table: row.table,
                        row: Some(number),
                        image,
                        column: cell.column,
                        cell: position,
                        start: 0,
                        end: 0,
                        plain: false,
                    };
                    self.learn_cell(cell, &member.raw(text), value);
                }
            }
        }
    }

    fn learn_cell(&mut self, cell: &GuardedCell, raw: &[u8], value: Value) {
        let start = self.bytes.len();
        if cell::is_unavailable(raw) {
            return;
        }
        let kind = read(cell, raw, &mut self.bytes);
        let bytes = self.bytes.get(start..).unwrap_or_default();
        if !has_value(kind, bytes) {
            self.bytes.truncate(start);
            return;
        }
        let plain = is_plain(kind, bytes);
        let owner = self.values.len();
        if !plain {
            self.needles.add(bytes, owner);
            leaves(kind, bytes, &mut |kind, leaf| {
                if has_value(kind, leaf) && !is_plain(kind, leaf) {
                    self.needles.add(leaf, owner);
                }
            });
        }
        self.values.push(Value { start, end: self.bytes.len(), plain, ..value });
    }

    /// The headers that Debezium adds where a key changes hold the other key.
    fn learn_headers(&mut self, seen: Seen<'_, '_>, guards: &Guards) {
        let rows = seen.events.rows_of(seen.event);
        let headers = seen.record.headers.iter().filter(|header| is_key_header(header.name));
        for text in headers.filter_map(|header| header.value) {
            let Some(row) = rows.first() else { return };
            let (Some(table), Some(object)) = (seen.tables.get(row.table), key_object(text)) else {
                continue;
            };
            for (name, at) in json::members(text, object.start) {
                self.learn_member(
                    guards,
                    (row, table),
                    &json::unescape(name.of(text)),
                    at.of(text),
                );
            }
        }
    }

    fn learn_member(
        &mut self,
        guards: &Guards,
        (row, table): (&Row, &Table),
        name: &str,
        raw: &[u8],
    ) {
        let column = table.column(name).unwrap_or(u16::MAX);
        for pointer in guards.protection().places(table, name) {
            let value = Value {
                table: row.table,
                row: None,
                image: Image::Header,
                column,
                cell: NO_CELL,
                start: 0,
                end: 0,
                plain: false,
            };
            let cell = GuardedCell { column, pointer, pattern: String::new() };
            self.learn_cell(&cell, raw, value);
        }
    }
}

/// Appends what the guarded place in a cell holds to `out`, as plugins would see it, and gives its kind.
pub(super) fn read(cell: &GuardedCell, raw: &[u8], out: &mut Vec<u8>) -> u8 {
    let read = match &cell.pointer {
        None => cell::decode(raw, out),
        Some(pointer) => pointer.find(raw, out),
    };
    read.unwrap_or_else(|_| {
        let text = raw.strip_prefix(b"\"").and_then(|raw| raw.strip_suffix(b"\"")).unwrap_or(raw);
        out.extend_from_slice(text);
        RAW
    })
}

/// Whether a cell says anything of its own: null, booleans, empty text, and JSON without a leaf that does, do not.
fn has_value(kind: u8, bytes: &[u8]) -> bool {
    match kind {
        kind::STRING | kind::NUMBER | kind::BYTES | RAW => !bytes.is_empty(),
        kind::JSON => {
            let mut any = false;
            leaves(kind, bytes, &mut |kind, leaf| any |= has_value(kind, leaf));
            any
        }
        _ => false,
    }
}

/// Whether a mask may put the same there whatever the value was: one character over and over, ones or zeros.
fn is_plain(kind: u8, bytes: &[u8]) -> bool {
    if kind == kind::JSON {
        let mut all = true;
        leaves(kind, bytes, &mut |kind, leaf| {
            all &= !has_value(kind, leaf) || is_plain(kind, leaf)
        });
        return all;
    }
    let all = |text: &[u8], of: &[u8]| text.iter().all(|byte| of.contains(byte));
    // In a text an E is a letter like any other.
    let mantissa = match kind {
        kind::NUMBER => bytes.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default(),
        _ => bytes,
    };
    bytes == super::super::MASK.as_bytes()
        || [b"*", b"x", b"X", b"#", b"?"].iter().any(|one| all(bytes, *one))
        || [b"1-.", b"0-."].iter().any(|digits| all(mantissa, *digits))
}

/// Calls `each` with kind and text of every leaf of a container, also of one kept in a string, however deep.
fn leaves(kind: u8, bytes: &[u8], each: &mut impl FnMut(u8, &[u8])) {
    let is_container = kind == kind::JSON
        || (kind == kind::STRING
            && matches!(bytes, [b'{' | b'[', ..])
            && json::is_container(bytes));
    if !is_container {
        return;
    }
    let mut open = vec![Cow::Borrowed(bytes)];
    while let Some(container) = open.pop() {
        let members = json::members(&container, 0).map(|(_, value)| value);
        for value in members.chain(json::elements(&container, 0)) {
            let mut leaf = Vec::new();
            let raw = value.of(&container);
            let kind = cell::decode(raw, &mut leaf).unwrap_or(RAW);
            if kind == RAW {
                leaf.extend_from_slice(raw);
            }
            let nested = kind == kind::JSON || (kind == kind::STRING && json::is_container(&leaf));
            if nested {
                open.push(Cow::Owned(leaf));
            } else {
                each(kind, &leaf);
            }
        }
    }
}
