//! One image of a row: each member kept, renamed, given new text or cut out with its comma, and new members at the end.

use super::writer::Writer;
use super::{RowEdits, Subject, nested, row_image};
use crate::cell;
use crate::change::json::Removals;
use crate::change::{Form, Member, Presence, Row, RowImage, Span};
use crate::contract::{Image, kind};
use crate::overlay::{Created, Edit, Fate, Overlay, Target};

pub(super) fn write(
    subject: Subject<'_, '_>,
    row: &Row,
    image: Image,
    edits: &mut RowEdits,
    writer: &mut Writer<'_>,
) {
    let at = row_image(row, image);
    if at.presence != Presence::Present {
        return;
    }
    let layout = subject.layouts.of(row.table);
    let fates = layout.fates(image);
    let own = edits.select(image);
    if fates.is_empty() && own.is_empty() && !edits.creates() {
        return;
    }
    edits.met.clear();
    edits.met.resize(own.len(), false);
    let kept = if fates.is_empty() && !edits.removes(own.clone(), subject.overlay) {
        replaced(subject, row, image, (edits, own.clone()), writer)
    } else {
        changed(subject, row, image, (edits, own.clone()), writer)
    };
    // A column that did not change is left out of such an image, whatever became of it.
    if row.delta && image == Image::Before {
        return;
    }
    let Kept { mut comma, end } = kept;
    for (name, edit) in added(subject, row, image, edits, own) {
        writer.replace(end..end, |out| {
            if comma {
                out.push(b',');
            }
            member(name, edit.text, at.form, out);
        });
        comma = true;
    }
}

/// What is left of an image's members.
struct Kept {
    /// Whether one was kept, so that the next needs a comma.
    comma: bool,
    /// Where the next one goes.
    end: usize,
}

/// Gives members new values. All of them stay, as they are called.
fn replaced(
    subject: Subject<'_, '_>,
    row: &Row,
    image: Image,
    (edits, own): (&mut RowEdits, std::ops::Range<usize>),
    writer: &mut Writer<'_>,
) -> Kept {
    let at = row_image(row, image);
    let bits = edits.bits(own.clone());
    let members = subject.events.members_of(at);
    for member in members.iter().filter(|member| bits & bit(member.column) != 0) {
        if let Some(edit) = edits.of_member(&own, image, member.column, subject.overlay) {
            writer.replace(range(member.value), |out| put(edit.text, member.form, out));
        }
    }
    Kept { comma: !members.is_empty(), end: end_of(at, members) }
}

/// Gives members new values and names, and cuts out those that go.
fn changed(
    subject: Subject<'_, '_>,
    row: &Row,
    image: Image,
    (edits, own): (&mut RowEdits, std::ops::Range<usize>),
    writer: &mut Writer<'_>,
) -> Kept {
    let at = row_image(row, image);
    let fates = subject.layouts.of(row.table).fates(image);
    let bits = edits.bits(own.clone());
    let members = subject.events.members_of(at);
    let mut removals = Removals::default();
    for member in members {
        let mut edit = None;
        if bits & bit(member.column) != 0 {
            edit = edits.of_member(&own, image, member.column, subject.overlay);
        }
        let special = nested::fate(subject, row, image, member);
        let fate = special.as_ref().or_else(|| fates.get(usize::from(member.column)));
        let fate = fate.unwrap_or(&Fate::Keep);
        let goes = *fate == Fate::Remove || edit.is_some_and(|edit| edit.kind == kind::ABSENT);
        if let Some(cut) = removals.entry(member.whole(), goes) {
            writer.replace(cut, |_| {});
        }
        if goes {
            continue;
        }
        if let Fate::Rename(name) = fate {
            writer.replace(range(member.name), |out| escape_name(name, member.form, out));
        }
        if let Some(edit) = edit {
            writer.replace(range(member.value), |out| put(edit.text, member.form, out));
        }
    }
    let comma = removals.any_kept();
    let mut end = end_of(at, members);
    if let Some(cut) = removals.end() {
        end = cut.end;
        writer.replace(cut, |_| {});
    }
    Kept { comma, end }
}

/// The index behind the last member, or behind the brace that opens an empty image.
fn end_of(at: &RowImage, members: &[Member]) -> usize {
    members.last().map_or(at.span.start as usize + 1, |last| last.whole().end)
}

/// The members that the image does not have yet: columns of the table that this row came without, and created ones.
fn added<'a>(
    subject: Subject<'a, '_>,
    row: &Row,
    image: Image,
    edits: &RowEdits,
    own: std::ops::Range<usize>,
) -> impl Iterator<Item = (&'a str, Edit<'a>)> {
    let table = subject.tables.get(row.table);
    let layout = subject.layouts.of(row.table);
    let missing = edits.list.get(own).unwrap_or_default().iter().zip(&edits.met);
    // What an update does not speak of did not change.
    let missing = missing.filter(|(_, met)| !**met && !row.companion).filter_map(
        move |((target, number), _)| {
            let Target::Column { column, .. } = *target else { return None };
            let name = match layout.fate(image, column) {
                Fate::Keep => &*table?.columns.get(usize::from(column))?.name,
                Fate::Rename(name) => &**name,
                Fate::Remove => return None,
            };
            Some((name, *number))
        },
    );
    let created = edits.created().filter_map(move |(created, number)| {
        match layout.created.get(usize::from(created))? {
            Created { image: of, name: Some(name) } if *of == image => Some((&**name, number)),
            Created { .. } => None,
        }
    });
    missing
        .chain(created)
        .filter_map(move |(name, number)| Some((name, subject.overlay.edit(number)?)))
        .filter(|(_, edit)| edit.kind != kind::ABSENT)
}

impl RowEdits {
    /// Where the edits of an image's columns stand in the list.
    fn select(&self, image: Image) -> std::ops::Range<usize> {
        let bound = |column| {
            self.list.partition_point(|(target, _)| *target < Target::Column { image, column })
        };
        // No table has a column of the highest number.
        bound(0)..bound(u16::MAX)
    }

    /// Whether an edit takes its column out of the row.
    fn removes(&self, own: std::ops::Range<usize>, overlay: &Overlay) -> bool {
        let mut own = self.list.get(own).unwrap_or_default().iter();
        own.any(|(_, number)| overlay.edit(*number).is_some_and(|edit| edit.kind == kind::ABSENT))
    }

    /// A bit for each column that is edited, shared by columns 64 apart: most members need no further look.
    fn bits(&self, own: std::ops::Range<usize>) -> u64 {
        let own = self.list.get(own).unwrap_or_default();
        own.iter().fold(0, |bits, (target, _)| match target {
            Target::Column { column, .. } => bits | bit(*column),
            Target::Created(_) | Target::Header(_) | Target::Topic => bits,
        })
    }

    /// Whether any edit is of a created column.
    fn creates(&self) -> bool {
        self.created().next().is_some()
    }

    /// Created columns and the numbers of their edits.
    pub(super) fn created(&self) -> impl Iterator<Item = (u16, u32)> {
        self.list.iter().filter_map(|(target, number)| match target {
            Target::Created(created) => Some((*created, *number)),
            Target::Column { .. } | Target::Header(_) | Target::Topic => None,
        })
    }

    /// The edit of a member's column among those in `own`, which has then met its member.
    fn of_member<'o>(
        &mut self,
        own: &std::ops::Range<usize>,
        image: Image,
        column: u16,
        overlay: &'o Overlay,
    ) -> Option<Edit<'o>> {
        let list = self.list.get(own.clone()).unwrap_or_default();
        let target = Target::Column { image, column };
        let position = list.binary_search_by_key(&target, |(target, _)| *target).ok()?;
        if let Some(met) = self.met.get_mut(position) {
            *met = true;
        }
        list.get(position).and_then(|(_, number)| overlay.edit(*number))
    }
}

fn bit(column: u16) -> u64 {
    1 << (column % 64)
}

/// Writes a whole member as the image has them.
fn member(name: &str, value: &[u8], form: Form, out: &mut Vec<u8>) {
    let (open, colon, close): (&[u8], &[u8], &[u8]) = match form {
        Form::Plain => (b"\"", b"\":", b""),
        Form::Escaped => (b"\\\"", b"\\\":", b""),
        Form::Prefixed => (b"\"pk.", b"\":", b""),
        Form::Boxed => (b"{\"", b"\":", b"}"),
    };
    out.extend_from_slice(open);
    escape_name(name, form, out);
    out.extend_from_slice(colon);
    put(value, form, out);
    out.extend_from_slice(close);
}

fn escape_name(name: &str, form: Form, out: &mut Vec<u8>) {
    if form == Form::Escaped {
        let mut once = Vec::with_capacity(name.len());
        cell::escape(name.as_bytes(), &mut once);
        cell::escape(&once, out);
    } else {
        cell::escape(name.as_bytes(), out);
    }
}

/// Writes JSON text where a member's value stands.
fn put(text: &[u8], form: Form, out: &mut Vec<u8>) {
    if form == Form::Escaped { cell::escape(text, out) } else { out.extend_from_slice(text) }
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}
