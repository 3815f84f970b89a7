//! Names of fields inside a document, as MongoDB's updates have them: `contact.email` goes where its column `contact` goes. And
//! the one column of a document that has another name in the key.

use super::Subject;
use super::schema::Side;
use super::writer::Writer;
use crate::cell;
use crate::change::json::{self, Removals};
use crate::change::{Member, Row, Span};
use crate::contract::Image;
use crate::overlay::{Fate, Layout};
use crate::table::Table;

/// What becomes of a member of a companion or of a key; none for members of other images, which go as their columns go.
#[inline]
pub(super) fn fate(
    subject: Subject<'_, '_>,
    row: &Row,
    image: Image,
    member: &Member,
) -> Option<Fate> {
    (row.companion || image == Image::Key).then(|| special(subject, row, image, member))
}

fn special(subject: Subject<'_, '_>, row: &Row, image: Image, member: &Member) -> Fate {
    let layout = subject.layouts.of(row.table);
    let own = layout.fate(image, member.column);
    let Some(table) = subject.tables.get(row.table) else { return own.clone() };
    let column = table.columns.get(usize::from(member.column));
    let Some(name) = column.map(|column| &*column.name) else { return own.clone() };
    match own {
        // A name of the format's, which stays whatever the column is called.
        Fate::Rename(_) if is_key_of_document(subject, image, member, name) => Fate::Keep,
        Fate::Keep if row.companion => inherited(name, table, |column| layout.fate(image, column)),
        own => own.clone(),
    }
}

/// The fate of the shortest name that `name` is inside of and that is not just kept.
fn inherited<'l>(name: &str, table: &Table, fate: impl Fn(u16) -> &'l Fate) -> Fate {
    for (dot, _) in name.match_indices('.') {
        let (outer, inner) = name.split_at(dot);
        match table.column(outer).map(&fate) {
            Some(Fate::Remove) => return Fate::Remove,
            Some(Fate::Rename(to)) => return Fate::Rename(format!("{to}{inner}").into()),
            Some(Fate::Keep) | None => {}
        }
    }
    Fate::Keep
}

/// Writes an array of names, or of objects with a name as `field`.
pub(super) fn names(list: Span, table: &Table, layout: &Layout, writer: &mut Writer<'_>) {
    let text = writer.text();
    let mut removals = Removals::default();
    for element in json::elements(text, list.start) {
        let mut members = json::members(text, element.start);
        let field = members.find(|(name, _)| name.of(text) == b"field").map(|(_, value)| value);
        let name = field.unwrap_or(element);
        let fate = match name.of(text) {
            [b'"', escaped @ .., b'"'] => fate_of_name(&json::unescape(escaped), table, layout),
            _ => Fate::Keep,
        };
        let range = |span: Span| span.start as usize..span.end as usize;
        if let Some(cut) = removals.entry(range(element), fate == Fate::Remove) {
            writer.replace(cut, |_| {});
        }
        if let Fate::Rename(to) = fate {
            let inner = name.start as usize + 1..name.end as usize - 1;
            writer.replace(inner, |out| cell::escape(to.as_bytes(), out));
        }
    }
    if let Some(cut) = removals.end() {
        writer.replace(cut, |_| {});
    }
}

fn fate_of_name(name: &str, table: &Table, layout: &Layout) -> Fate {
    match table.column(name).map(|column| layout.fate_of_name(column)) {
        None | Some(Fate::Keep) => inherited(name, table, |column| layout.fate_of_name(column)),
        Some(fate) => fate.clone(),
    }
}

/// Whether `member` is the `id` of a document's key.
fn is_key_of_document(
    subject: Subject<'_, '_>,
    image: Image,
    member: &Member,
    column: &str,
) -> bool {
    let key = subject.record.key.filter(|_| image == Image::Key);
    column == "_id" && key.is_some_and(|key| member.name.of(key) == b"id")
}

/// The column `_id`, where `name` is what the schema of a document's key calls it.
pub(super) fn key_of_document(side: Side, table: &Table, name: &str) -> Option<u16> {
    let key_column = |name: &str| {
        let column = table.column(name)?;
        table.columns.get(usize::from(column))?.key.then_some(column)
    };
    let is_alias = side == Side::Key && name == "id" && key_column("id").is_none();
    key_column("_id").filter(|_| is_alias)
}
