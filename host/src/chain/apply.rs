//! Takes a checked answer into the overlay, row by row. Nothing here can refuse half an answer: what could break a rule was
//! refused before, and an edit that finds nothing to edit refuses its own row.

use std::borrow::Cow;

use crate::cell::{self, Change, Pointer};
use crate::change::{Class, Events, Presence};
use crate::contract::{Answer, Cells, Emission, Fault, FaultClass, Field, Image, Rejection, kind};
use crate::outcome::{Code, Refusal};
use crate::outcome_check;
use crate::overlay::{self, Overlay};

use super::{
    ANSWER_BYTES, Access, Batch, Place, Stage, StagePlan, Verdict, by_policy, original, set,
};

/// What the edits and emissions of one batch may hold before no further answer is taken. An answer has its own limit, but a batch
/// may take any number of calls.
const KEPT_BYTES: usize = if cfg!(test) { 4 << 20 } else { 512 << 20 };

/// What an emission takes besides its bytes.
const EMISSION_BYTES: usize = 256;

/// Where an answer belongs: row i of it is `rows[i]` of the batch.
#[derive(Clone, Copy)]
pub(super) struct Target<'a, 'b, 'r> {
    pub(super) stage: &'a Stage,
    pub(super) plan: &'a StagePlan,
    pub(super) rows: &'a [u32],
    pub(super) batch: Batch<'b, 'r>,
}

/// What an answer leaves behind.
pub(super) struct Kept<'a> {
    pub(super) overlay: &'a mut Overlay,
    pub(super) verdicts: &'a mut [Verdict],
    pub(super) emissions: &'a mut Vec<Emission>,
}

/// Checks the answer against its plan, in full, before any of it is applied.
pub(super) fn check(plan: &StagePlan, rows: usize, answer: Answer) -> Result<Answer, Fault> {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    match outcome_check::check(&plan.plan, rows, &answer, ANSWER_BYTES) {
        Ok(()) => Ok(answer),
        Err(violation) => Err(Fault::new(FaultClass::ContractViolated, violation.to_string())),
    }
}

pub(super) fn apply(answer: Answer, target: Target<'_, '_, '_>, mut kept: Kept<'_>) {
    let Target { stage, rows, batch, .. } = target;
    let numbered = |row: u32| rows.get(row as usize).copied();
    if !has_room(&kept) {
        let reason = format!(
            "the answers to one batch hold more than {} MiB of edits and emissions",
            KEPT_BYTES >> 20
        );
        let refusal = Refusal::by(Code::ContractViolated, &stage.identity, reason);
        for row in rows {
            set(kept.verdicts, *row, by_policy(stage.on_fault, refusal.clone()));
        }
        return;
    }
    let mark = kept.overlay.mark();
    let failed = edit(&answer, target, &mut kept);
    let rejected = answer.rejections.iter().filter_map(|rejection| numbered(rejection.row));
    for row in failed.iter().copied().chain(rejected) {
        // Where it passes nevertheless it passes untouched, not with the half of its edits that could be made.
        kept.overlay.rewind(row, mark);
    }
    for row in answer.drops {
        let Some(row) = numbered(row) else { continue };
        // A tombstone goes the way of its delete, which the pipeline knows, and a companion that of its row.
        let follows = is_tombstone(batch.events, row) || is_companion(batch.events, row);
        if !follows && !is_kept_commit(batch, row) {
            set(kept.verdicts, row, Verdict::Drop(std::sync::Arc::clone(&stage.identity)));
        }
    }
    for Rejection { row, reason } in answer.rejections {
        let Some(row) = numbered(row) else { continue };
        let refusal =
            Refusal::by(Code::PluginRejected, &stage.identity, "the plugin refused the row");
        set(kept.verdicts, row, by_policy(stage.on_fault, refusal.said(Some(&reason))));
    }
    for emission in answer.emissions {
        let Some(row) = numbered(emission.row) else { continue };
        let is_dropped = matches!(kept.verdicts.get(row as usize), Some(Verdict::Drop(_)));
        if is_companion(batch.events, row) || failed.contains(&row) && !is_dropped {
            continue;
        }
        kept.emissions.push(Emission { row, ..emission });
    }
}

/// Keeps the answer's edits. Gives the rows of which one leads nowhere.
fn edit(
    answer: &Answer,
    Target { stage, plan, rows, batch }: Target<'_, '_, '_>,
    kept: &mut Kept<'_>,
) -> Vec<u32> {
    let mut inside = Vec::new();
    for edit in &answer.edits {
        let write = edit.write as usize;
        let (Some(access), Some(field)) = (plan.writes.get(write), plan.plan.writes.get(write))
        else {
            continue;
        };
        let Place::Target(target) = access.place else { continue };
        for (kind, text, row) in cells(&edit.cells, &edit.rows) {
            let Some(row) = rows.get(row as usize).copied() else { continue };
            // An image that the record does not have is left as it is, also where the column is a new one: there is nothing to
            // write into.
            if !is_present(field.image, row, batch) {
                continue;
            }
            match &access.pointer {
                Some(pointer) => inside.push(Inside { row, target, field, pointer, kind, text }),
                None => put(target, row, (kind, text), kept.overlay),
            }
        }
    }
    // All that happens inside one cell happens to one copy of it.
    inside.sort_by_key(|inside| (inside.row, inside.target));
    let mut failed = Vec::new();
    for changes in inside.chunk_by(|a, b| (a.row, a.target) == (b.row, b.target)) {
        if let Err((row, field)) = put_inside(changes, batch, kept.overlay) {
            let reason = format!("the edit of {field} reaches into a cell that holds no JSON");
            let refusal = Refusal::by(Code::ContractViolated, &stage.identity, reason);
            set(kept.verdicts, row, by_policy(stage.on_fault, refusal));
            failed.push(row);
        }
    }
    failed
}

/// A pointer that leads nowhere.
struct Unreachable;

fn cells<'a>(cells: &'a Cells, rows: &'a [u32]) -> impl Iterator<Item = (u8, &'a [u8], u32)> {
    let mut start = 0;
    cells.kinds.iter().zip(&cells.ends).zip(rows).map(move |((kind, end), row)| {
        let text = cells.data.get(start..*end as usize).unwrap_or_default();
        start = *end as usize;
        (*kind, text, *row)
    })
}

/// Whether another answer may be kept. The last one can go beyond by as much as one call may hand over, and the cells it reaches
/// into.
fn has_room(kept: &Kept<'_>) -> bool {
    let emissions = kept.emissions.iter().map(|emission| {
        let len = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = emission.headers.iter().map(|header| header.name.len() + len(&header.value));
        EMISSION_BYTES + len(&emission.key) + len(&emission.value) + headers.sum::<usize>()
    });
    kept.overlay.bytes() + emissions.sum::<usize>() < KEPT_BYTES
}

/// Keeps one edit of a whole cell, header or topic, of an image that the record has.
fn put(target: overlay::Target, row: u32, (kind, text): (u8, &[u8]), overlay: &mut Overlay) {
    if matches!(target, overlay::Target::Header(_) | overlay::Target::Topic) {
        overlay.set(row, target, kind, |out| out.extend_from_slice(text));
    } else {
        overlay.set(row, target, kind, |out| cell::encode(kind, text, out));
    }
}

/// A change inside a cell, of an image that the record has.
struct Inside<'a> {
    row: u32,
    target: overlay::Target,
    field: &'a Field,
    pointer: &'a Pointer,
    kind: u8,
    text: &'a [u8],
}

/// Keeps `changes`, all of one cell, as one edit of it. The error names the first that leads nowhere.
fn put_inside<'a>(
    changes: &[Inside<'a>],
    batch: Batch<'_, '_>,
    overlay: &mut Overlay,
) -> Result<(), (u32, &'a Field)> {
    let Some(Inside { row, target, .. }) = changes.first() else { return Ok(()) };
    let mut cell = current(*target, *row, batch, overlay);
    for Inside { field, pointer, kind, text, .. } in changes {
        match changed(cell.as_deref(), pointer, (*kind, text)) {
            Ok(Some(new)) => cell = Some(Cow::Owned(new)),
            Ok(None) => {}
            Err(Unreachable) => return Err((*row, field)),
        }
    }
    if let Some(Cow::Owned(text)) = cell {
        keep(*target, *row, &text, overlay);
    }
    Ok(())
}

/// The JSON text of a cell as it is by now.
fn current<'o>(
    target: overlay::Target,
    row: u32,
    batch: Batch<'o, '_>,
    overlay: &'o Overlay,
) -> Option<Cow<'o, [u8]>> {
    match overlay.get(row, target) {
        Some(edit) if edit.kind == kind::ABSENT => None,
        Some(edit) => Some(Cow::Borrowed(edit.text)),
        None => original(target, row, batch),
    }
}

/// `cell` with one change made; none where there is nothing to remove from, and nothing must come of it.
fn changed(
    cell: Option<&[u8]>,
    pointer: &Pointer,
    (kind, text): (u8, &[u8]),
) -> Result<Option<Vec<u8>>, Unreachable> {
    if kind == kind::ABSENT && cell.is_none() {
        return Ok(None);
    }
    let mut encoded = Vec::new();
    let change = match kind {
        kind::ABSENT => Change::Remove,
        _ => {
            cell::encode(kind, text, &mut encoded);
            Change::Set(&encoded)
        }
    };
    let mut spliced = Vec::new();
    pointer.splice(cell.unwrap_or_default(), change, &mut spliced).map_err(|_| Unreachable)?;
    Ok(Some(spliced))
}

fn keep(target: overlay::Target, row: u32, text: &[u8], overlay: &mut Overlay) {
    // The cell stays of its kind: an object, an array, or a string that holds one.
    let kind = if text.first() == Some(&b'"') { kind::STRING } else { kind::JSON };
    overlay.set(row, target, kind, |out| out.extend_from_slice(text));
}

/// Removes what the pointers of `removes` name; a cell that does not have it stays as it is.
pub(super) fn remove_inside(
    removes: &[Access],
    row: u32,
    batch: Batch<'_, '_>,
    overlay: &mut Overlay,
) {
    let of_one = |a: &Access, b: &Access| a.place == b.place;
    for removes in removes.chunk_by(of_one) {
        let Some(Place::Target(target)) = removes.first().map(|access| access.place) else {
            continue;
        };
        if let overlay::Target::Column { image, .. } = target
            && !is_present(image, row, batch)
        {
            continue;
        }
        if matches!(target, overlay::Target::Header(_)) {
            put(target, row, (kind::ABSENT, &[]), overlay);
            continue;
        }
        let mut cell = current(target, row, batch, overlay);
        for pointer in removes.iter().filter_map(|access| access.pointer.as_ref()) {
            // Nothing to remove is what a remove wants.
            if let Ok(Some(new)) = changed(cell.as_deref(), pointer, (kind::ABSENT, &[])) {
                cell = Some(Cow::Owned(new));
            }
        }
        if let Some(Cow::Owned(text)) = cell {
            keep(target, row, &text, overlay);
        }
    }
}

fn is_present(image: Image, row: u32, batch: Batch<'_, '_>) -> bool {
    let Some(row) = batch.events.rows.get(row as usize) else { return false };
    row.image(image).is_none_or(|image| image.presence == Presence::Present)
}

/// Whether a row is a tombstone's: plugins may change its key, but whether it passes is decided by its delete.
fn is_tombstone(events: &Events, row: u32) -> bool {
    let record = events.rows.get(row as usize).map(|row| row.record as usize);
    let event = record.and_then(|record| events.events.get(record));
    event.is_some_and(|event| event.class == Class::Tombstone)
}

fn is_companion(events: &Events, row: u32) -> bool {
    events.rows.get(row as usize).is_some_and(|row| row.companion)
}

/// Whether a row ends its transaction, and stays for those who wait for its end: the plugins to come still see it.
fn is_kept_commit(batch: Batch<'_, '_>, row: u32) -> bool {
    let record = batch.events.rows.get(row as usize).map(|row| row.record as usize);
    let event = record.and_then(|record| batch.events.events.get(record));
    batch.keeps_commits && event.is_some_and(|event| event.commits)
}
