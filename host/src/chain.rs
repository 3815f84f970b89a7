//! The plugins of a pipeline, called one after the other over a batch: gathers the planned cells, calls, has the answer
//! checked in full, keeps the edits as an overlay. Must not know wasmtime, Kafka or how edits are spliced.

mod compile;
mod open;
mod wait;
mod gather;
mod weight;
mod call;
mod apply;
mod explain;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::breaker::{Admission, Breaker, PROBE_ROWS};
use crate::cell::Placeholder;
use crate::change::{Events, Row};
use crate::config::{FaultPolicy, OnOpen};
use crate::contract::{Emission, Fault, FaultClass, Image, Transform};
use crate::outcome::{Hold, Identity, Refusal};
use crate::overlay::{Layout, Overlay, Target};
use crate::protect::Rules;
use crate::record::Record;
use crate::table::{self, Table, Tables};

pub use compile::{Access, Compiled, Meta, Place, StagePlan};
pub use explain::Part;
pub use wait::Turned;

/// Rows and gathered bytes that one call may hand over.
pub const CALL_ROWS: usize = 1_024;
pub const CALL_BYTES: usize = 1 << 20;

/// Bytes that one answer may hold, rows of 8 MB that are rewritten whole included.
pub const ANSWER_BYTES: usize = 16 << 20;

/// One plugin of the chain, as one lane holds it.
pub struct Stage {
    pub identity: Arc<Identity>,
    pub transform: Box<dyn Transform>,
    /// Globs over `database.schema.table`, `schema.table` and `table`; none for every table.
    pub tables: Option<globset::GlobSet>,
    pub on_fault: FaultPolicy,
    pub on_open: OnOpen,
    /// Shared by the plugin version's instances on all lanes.
    pub breaker: Arc<Breaker>,
    /// Calls that nobody has asked for yet.
    pub calls: Vec<Made>,
    /// Rows that went by while its breaker was open, likewise.
    pub bypassed: u64,
}

impl Stage {
    fn takes(&self, table: &Table) -> bool {
        self.tables.as_ref().is_none_or(|globs| table.names().any(|name| globs.is_match(name)))
    }
}

/// One call of a plugin, for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    pub rows: usize,
    /// Cells that the answer set or removed.
    pub edits: usize,
    pub took: Duration,
    /// None where the answer was taken.
    pub fault: Option<FaultClass>,
}

/// What the chain decided about a row.
#[derive(Clone, Debug, Default)]
pub enum Verdict {
    #[default]
    Keep,
    /// By the plugin of that stage.
    Drop(Arc<Identity>),
    /// `on_fault = "drop"`.
    DropOnFault,
    Refuse(Box<Refusal>),
    Halt(Box<Refusal>),
    /// Until the plugin may be called again.
    Hold(Box<Hold>),
}

impl Verdict {
    /// Whether the stages still to come see the row.
    fn goes_on(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

/// The batch at hand.
#[derive(Clone, Copy)]
pub struct Batch<'b, 'r> {
    pub records: &'b [Record<'r>],
    pub events: &'b Events,
    pub tables: &'b Tables,
    pub unavailable: &'b Placeholder,
    /// Whether a row that ends its transaction stays, whatever plugin drops it.
    pub keeps_commits: bool,
}

/// The plugins of a pipeline and what they decided about the latest batch.
pub struct Chain {
    pub stages: Vec<Stage>,
    rules: Rules,
    compiled: FxHashMap<table::Index, Result<Compiled, Refusal>>,
    overlay: Overlay,
    verdicts: Vec<Verdict>,
    emissions: Vec<Emission>,
    by_table: Vec<(table::Index, Vec<u32>)>,
    gathered: gather::Buffers,
    turned: Vec<Turned>,
    /// Tables that are opened again later.
    later: FxHashMap<table::Index, wait::Later>,
    /// Why nothing more is called in the batch at hand.
    stalled: Option<Hold>,
}

impl Chain {
    pub fn new(stages: Vec<Stage>, rules: Rules) -> Self {
        Self {
            stages,
            rules,
            compiled: FxHashMap::default(),
            overlay: Overlay::default(),
            verdicts: Vec::new(),
            emissions: Vec::new(),
            by_table: Vec::new(),
            gathered: gather::Buffers::default(),
            turned: Vec::new(),
            later: FxHashMap::default(),
            stalled: None,
        }
    }

    /// Runs the batch through every stage. Afterwards [`Self::verdict`], [`Self::overlay`] and [`Self::emissions`] tell
    /// what came of it.
    pub fn run(&mut self, batch: Batch<'_, '_>) {
        self.overlay.reset(batch.events.rows.len());
        self.verdicts.clear();
        self.verdicts.resize(batch.events.rows.len(), Verdict::Keep);
        self.emissions.clear();
        self.stalled = None;
        if self.is_idle() {
            return;
        }
        self.group_by_table(batch.events);
        let by_table = std::mem::take(&mut self.by_table);
        for (index, rows) in by_table.iter().filter(|(_, rows)| !rows.is_empty()) {
            self.open(*index, rows, batch);
        }
        for stage in 0..self.stages.len() {
            for (index, rows) in by_table.iter().filter(|(_, rows)| !rows.is_empty()) {
                self.run_stage(stage, *index, rows, batch);
            }
        }
        self.by_table = by_table;
        self.emissions.sort_by_key(|emission| emission.row);
    }

    /// What was decided about a row of the latest batch.
    pub fn verdict(&self, row: u32) -> &Verdict {
        self.verdicts.get(row as usize).unwrap_or(&Verdict::Keep)
    }

    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// Takes a row that was dropped out of its record, whose other rows stay.
    pub fn remove_row(&mut self, row: u32) {
        self.overlay.remove_row(row);
    }

    /// Records the plugins made beside the row, in the order of the stages.
    pub fn emissions(&self, row: u32) -> &[Emission] {
        let first = self.emissions.partition_point(|emission| emission.row < row);
        let last = self.emissions.partition_point(|emission| emission.row <= row);
        self.emissions.get(first..last).unwrap_or_default()
    }

    pub fn layout(&self, table: table::Index) -> Option<&Layout> {
        self.compiled.get(&table)?.as_ref().ok().map(|compiled| &compiled.layout)
    }

    /// Whether nothing is done to any row, whatever it holds.
    pub fn is_idle(&self) -> bool {
        self.stages.is_empty() && self.rules.are_off()
    }

    /// Everything that any stage writes in `table`, and columns that no one has listed: what a dead letter must not show. None
    /// where the table could not be opened, so that nobody knows.
    pub fn written(&self, table: table::Index) -> Option<impl Iterator<Item = Target>> {
        let compiled = self.compiled.get(&table)?.as_ref().ok()?;
        let accesses = compiled.stages.iter().flatten().flat_map(|stage| &stage.writes);
        let written = accesses.filter_map(|access| match access.place {
            Place::Target(target) => Some(target),
            Place::Meta(_) | Place::Nowhere => None,
        });
        let images = [Image::Before, Image::After, Image::Key];
        let unlisted = compiled
            .unlisted
            .iter()
            .flat_map(move |column| images.map(move |image| Target::Column { image, column }));
        Some(written.chain(unlisted))
    }

    fn group_by_table(&mut self, events: &Events) {
        for (_, rows) in &mut self.by_table {
            rows.clear();
        }
        let mut at = 0;
        for (number, row) in (0u32..).zip(&events.rows) {
            if self.by_table.get(at).is_none_or(|(index, _)| *index != row.table) {
                let known = self.by_table.iter().position(|(index, _)| *index == row.table);
                at = known.unwrap_or_else(|| {
                    self.by_table.push((row.table, Vec::new()));
                    self.by_table.len() - 1
                });
            }
            if let Some((_, rows)) = self.by_table.get_mut(at) {
                rows.push(number);
            }
        }
    }

    fn run_stage(&mut self, stage: usize, index: table::Index, rows: &[u32], batch: Batch<'_, '_>) {
        let Some(Ok(compiled)) = self.compiled.get(&index) else { return };
        let Some(Some(plan)) = compiled.stages.get(stage) else { return };
        let mut live = std::mem::take(&mut self.gathered.live);
        live.clear();
        live.extend(rows.iter().copied().filter(|number| {
            let goes_on = self.verdicts.get(*number as usize).is_some_and(Verdict::goes_on);
            let row = batch.events.rows.get(*number as usize);
            goes_on && row.is_some_and(|row| plan.wants(row.operation))
        }));
        let mut rest = if plan.is_called() { live.as_slice() } else { &[] };
        while !rest.is_empty() {
            let Some(Ok(compiled)) = self.compiled.get(&index) else { break };
            let Some(Some(plan)) = compiled.stages.get(stage) else { break };
            let (table, fitting) = (compiled.id, plan.weight.fitting(rest, batch));
            let Some(admitted) = self.admit(stage, rest) else { break };
            let most = match admitted {
                Admission::Probe { .. } => PROBE_ROWS,
                _ => CALL_ROWS,
            };
            let (now, later) = rest.split_at(fitting.min(most));
            rest = later;
            self.call(Call { stage, index, table, admitted }, now, batch);
        }
        self.gathered.live = live;
        self.remove_inside(stage, index, batch);
    }

    /// Removes that reach into a cell: edits of the gateway's own, after the stage's call.
    fn remove_inside(&mut self, stage: usize, index: table::Index, batch: Batch<'_, '_>) {
        let Some(Ok(compiled)) = self.compiled.get(&index) else { return };
        let Some(Some(plan)) = compiled.stages.get(stage) else { return };
        if plan.removes.is_empty() {
            return;
        }
        for number in &self.gathered.live {
            if self.verdicts.get(*number as usize).is_some_and(Verdict::goes_on) {
                apply::remove_inside(&plan.removes, *number, batch, &mut self.overlay);
            }
        }
    }

    /// `attempt` is how often it was tried, from 1.
    fn refusal(&self, stage: usize, fault: &Fault, reason: String, attempt: u32) -> Refusal {
        let code = fault.class.code();
        let refusal = match self.stages.get(stage) {
            Some(stage) => Refusal::by(code, &stage.identity, reason),
            None => Refusal::new(code, reason),
        };
        let (class, frames) = (Some(fault.class), fault.frames.clone());
        Refusal { attempt, fault: class, frames, ..refusal.said(fault.said.as_deref()) }
    }
}

/// Which call is meant: the stage, the table's place among the lane's tables, and the id the plugin knows it by.
#[derive(Clone, Copy)]
struct Call {
    stage: usize,
    index: table::Index,
    table: u32,
    /// What the stage's breaker said to it.
    admitted: Admission,
}

fn by_policy(policy: FaultPolicy, refusal: Refusal) -> Verdict {
    match policy {
        FaultPolicy::DeadLetter => Verdict::Refuse(Box::new(refusal)),
        FaultPolicy::DeadLetterKey => {
            Verdict::Refuse(Box::new(Refusal { parks_key: true, ..refusal }))
        }
        FaultPolicy::Drop => Verdict::DropOnFault,
        FaultPolicy::Pass => Verdict::Keep,
        FaultPolicy::Halt => Verdict::Halt(Box::new(refusal)),
    }
}

fn set(verdicts: &mut [Verdict], row: u32, verdict: Verdict) {
    if let Some(known) = verdicts.get_mut(row as usize) {
        *known = verdict;
    }
}

/// The JSON text that `target` has in the source, before any edit.
fn original<'e>(target: Target, row: u32, batch: Batch<'e, '_>) -> Option<Cow<'e, [u8]>> {
    let row = batch.events.rows.get(row as usize)?;
    original_in(target, row, batch.records.get(row.record as usize)?, batch.events)
}

/// The JSON text that `target` has in a row of `record`, before any edit.
pub fn original_in<'e>(
    target: Target,
    row: &Row,
    record: &'e Record<'_>,
    events: &Events,
) -> Option<Cow<'e, [u8]>> {
    let Target::Column { image, column } = target else { return None };
    let text = if image == Image::Key { record.key? } else { record.value? };
    // Where a name stands twice the last one counts, as for most readers.
    let mut members = events.members_of(row.image(image)?).iter();
    Some(members.rfind(|member| member.column == column)?.raw(text))
}
