//! Rows that leave a record of several: each cut out of the lists it stands in, with its comma.

use super::Subject;
use crate::change::json::Removals;
use crate::change::{Presence, Row, RowImage};

/// Names the start and end of every part of the value that has to go. The record keeps at least one row.
pub(super) fn cuts(subject: Subject<'_, '_>, mut cut: impl FnMut(u32, u32)) {
    let objects = |row: &Row| (!row.object.is_empty()).then_some(row.object);
    if subject.rows().any(|(_, row)| objects(row).is_some()) {
        // Objects in a row need no commas.
        for (number, row) in subject.rows() {
            if subject.overlay.is_removed(number) {
                cut(row.object.start, row.object.end);
            }
        }
        return;
    }
    // Images of the rows as they are, and beside them what they were before.
    let own = |row: &Row| if is_there(&row.after) { row.after } else { row.before };
    let was = |row: &Row| if is_there(&row.after) { row.before } else { RowImage::default() };
    list(subject, own, &mut cut);
    list(subject, was, &mut cut);
}

fn is_there(image: &RowImage) -> bool {
    image.presence != Presence::Missing
}

fn list(
    subject: Subject<'_, '_>,
    image: impl Fn(&Row) -> RowImage,
    cut: &mut impl FnMut(u32, u32),
) {
    let mut removals = Removals::default();
    let mut entry = |range: std::ops::Range<usize>| {
        // Both ends lie in a text whose spans are 32 bits wide.
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        cut(offset(range.start), offset(range.end));
    };
    for (number, row) in subject.rows() {
        let at = image(row);
        if !is_there(&at) {
            continue;
        }
        let whole = at.span.start as usize..at.span.end as usize;
        if let Some(range) = removals.entry(whole, subject.overlay.is_removed(number)) {
            entry(range);
        }
    }
    if let Some(range) = removals.end() {
        entry(range);
    }
}
