//! Takes a checked answer into the overlay, row by row. Nothing here can refuse half an answer: what could break a rule was
//! refused before, and an edit that finds nothing to edit refuses its own row.

use std::borrow::Cow;

use crate::cell::{self, Change};
use crate::change::{Class, Events, Presence};
use crate::contract::{Answer, Cells, Emission, Fault, FaultClass, Image, Rejection, kind};
use crate::outcome::{Code, Refusal};
use crate::outcome_check;
use crate::overlay::{self, Overlay};

use super::{
    ANSWER_BYTES, Access, Batch, Place, Stage, StagePlan, Verdict, by_policy, original, set,
};

/// Where an answer belongs: row i of it is `rows[i]` of the batch.
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

pub(super) fn apply(answer: Answer, target: Target<'_, '_, '_>, kept: Kept<'_>) {
    let Target { stage, plan, rows, batch } = target;
    let numbered = |row: u32| rows.get(row as usize).copied();
    let mark = kept.overlay.mark();
    let mut failed = Vec::new();
    for edit in &answer.edits {
        let write = edit.write as usize;
        let (Some(access), Some(field)) = (plan.writes.get(write), plan.plan.writes.get(write))
        else {
            continue;
        };
        for (kind, text, row) in cells(&edit.cells, &edit.rows) {
            let Some(row) = numbered(row) else { continue };
            // An image that the record does not have is left as it is, also where the column is a new one: there is nothing to
            // write into.
            if !is_present(field.image, row, batch) {
                continue;
            }
            if let Err(Unreachable) = put(access, row, (kind, text), batch, kept.overlay) {
                let reason = format!("the edit of {field} reaches into a cell that holds no JSON");
                let refusal = Refusal::by(Code::ContractViolated, &stage.identity, reason);
                set(kept.verdicts, row, by_policy(stage.on_fault, refusal));
                failed.push(row);
            }
        }
    }
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

/// Keeps one edit, of an image that the record has.
fn put(
    access: &Access,
    row: u32,
    (kind, text): (u8, &[u8]),
    batch: Batch<'_, '_>,
    overlay: &mut Overlay,
) -> Result<(), Unreachable> {
    let Place::Target(target) = access.place else { return Ok(()) };
    if matches!(target, overlay::Target::Header(_) | overlay::Target::Topic) {
        overlay.set(row, target, kind, |out| out.extend_from_slice(text));
        return Ok(());
    }
    let Some(pointer) = &access.pointer else {
        overlay.set(row, target, kind, |out| cell::encode(kind, text, out));
        return Ok(());
    };
    let mut spliced = Vec::new();
    let before = match overlay.get(row, target) {
        Some(edit) if edit.kind == kind::ABSENT => None,
        Some(edit) => Some(Cow::Borrowed(edit.text)),
        None => original(target, row, batch),
    };
    if kind == kind::ABSENT && before.is_none() {
        // Nothing to remove from, and nothing must come of it.
        return Ok(());
    }
    let mut text_of_cell = Vec::new();
    let change = match kind {
        kind::ABSENT => Change::Remove,
        _ => {
            cell::encode(kind, text, &mut text_of_cell);
            Change::Set(&text_of_cell)
        }
    };
    let raw = before.unwrap_or_default();
    pointer.splice(&raw, change, &mut spliced).map_err(|_| Unreachable)?;
    // The cell stays of its kind: an object, an array, or a string that holds one.
    let kind = if spliced.first() == Some(&b'"') { kind::STRING } else { kind::JSON };
    overlay.set(row, target, kind, |out| out.append(&mut spliced));
    Ok(())
}

/// Removes what a pointer names; a cell that does not have it stays as it is.
pub(super) fn remove_inside(
    access: &Access,
    row: u32,
    batch: Batch<'_, '_>,
    overlay: &mut Overlay,
) {
    if let Place::Target(overlay::Target::Column { image, .. }) = access.place
        && !is_present(image, row, batch)
    {
        return;
    }
    // Nothing to remove is what a remove wants.
    let _nothing = put(access, row, (kind::ABSENT, &[]), batch, overlay).is_err();
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
