//! Before a table's first row is carried: for every protected cell and each place where it can occur, who sees to it that it does
//! not leave in clear. Pure; what a plugin then really writes is watched while running, not here.

mod line;

use std::fmt::Write as _;

use crate::cell::Pointer;
use crate::chain::{self, Access, Meta, StagePlan};
use crate::config::{FaultPolicy, OnOpen};
use crate::contract::Image;
use crate::outcome::{Code, Refusal};
use crate::overlay::{Fate, Layout, Target};
use crate::table::{Dialect, Table};

use super::{Guard, GuardedCell};
pub use line::{Coverage, Gap, Line, Place};

/// The codes of the operations that rows have.
const OPERATIONS: [u8; 4] = *b"cudr";

/// One stage of the chain as it stands to a table.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'c> {
    pub plugin: &'c str,
    pub on_fault: FaultPolicy,
    pub on_open: OnOpen,
    /// Whether its file lets it be asked about the table.
    pub is_asked: bool,
    /// None where it is not asked or not interested.
    pub plan: Option<&'c StagePlan>,
}

/// Who covers the protected cells of a table, place by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// As `database.schema.table`.
    pub table: String,
    pub lines: Vec<Line>,
}

/// The columns of a refusal that are named; of the others only their number is told.
const TOLD: usize = 3;

impl Proof {
    /// `layout` is what the chain's removes add up to, those of unlisted columns included.
    pub fn of(table: &Table, guard: &Guard, actors: &[Actor<'_>], layout: &Layout) -> Self {
        let case = Case { table, actors, layout };
        let lines = guard.cells.iter().flat_map(|cell| case.lines(cell)).collect();
        Self { table: table.qualified_name(), lines }
    }

    /// Whether somebody covers every place.
    pub fn holds(&self) -> bool {
        self.gaps().next().is_none()
    }

    fn gaps(&self) -> impl Iterator<Item = (&Line, &Gap)> {
        self.lines.iter().filter_map(|line| match &line.by {
            Coverage::Nobody(gap) => Some((line, gap)),
            _ => None,
        })
    }

    /// Why rows of the table may not go on; none where the proof holds. Names columns and places, and no data.
    pub fn refusal(&self) -> Option<Refusal> {
        let mut open: Vec<(&str, &Gap, Vec<Place>)> = Vec::new();
        for (line, gap) in self.gaps() {
            let same =
                |known: &&mut (&str, &Gap, Vec<Place>)| known.0 == line.cell && known.1 == gap;
            match open.iter_mut().find(same) {
                Some((_, _, places)) => places.push(line.place.clone()),
                None => open.push((&line.cell, gap, vec![line.place.clone()])),
            }
        }
        if open.is_empty() {
            return None;
        }
        let mut reason = format!("table \"{}\" would leave protected columns in clear", self.table);
        for (number, (cell, gap, places)) in open.iter().take(TOLD).enumerate() {
            let places: Vec<String> = places.iter().map(ToString::to_string).collect();
            let sign = if number == 0 { ": " } else { "; " };
            // Writing to a string cannot fail.
            let _written = write!(reason, "{sign}\"{cell}\" in {}, where {gap}", places.join(", "));
        }
        if let Some(more) = open.len().checked_sub(TOLD).filter(|more| *more > 0) {
            let _written = write!(reason, "; and {more} more");
        }
        reason.push_str(
            "; a plugin has to write or remove them there for every operation, as mask does; `lockgate check --proof` shows all",
        );
        Some(Refusal::new(Code::ProtectedInClear, reason))
    }
}

/// What a proof is made from.
struct Case<'a> {
    table: &'a Table,
    actors: &'a [Actor<'a>],
    layout: &'a Layout,
}

impl Case<'_> {
    fn lines(&self, cell: &GuardedCell) -> Vec<Line> {
        let column = self.table.columns.get(usize::from(cell.column));
        let (name, is_key) = column.map_or(("", false), |column| (&*column.name, column.key));
        let shown = match &cell.pointer {
            Some(pointer) => format!("{name}#{pointer}"),
            None => name.to_owned(),
        };
        let dialect = self.table.dialect;
        let before = self.image(Image::Before, cell);
        let after = self.image(Image::After, cell);
        let mut found: Vec<(Place, Coverage)> = Vec::new();
        if has_before(dialect) {
            found.push((Place::Before(dialect.into()), before));
        }
        if has_key_values(dialect) {
            found.push((Place::KeyValues, after.clone()));
        }
        found.push((Place::After(dialect.into()), after));
        if is_key {
            let key = self.image(Image::Key, cell);
            if has_key_headers(dialect) {
                found.push((Place::OldKeyHeader, self.header(OLD_KEY, cell)));
                found.push((Place::NewKeyHeader, self.header(NEW_KEY, cell)));
            }
            found.push((Place::Key, key.clone()));
            found.push((Place::TombstoneKey, key));
        }
        if has_sql(dialect) {
            found.push((Place::Sql, Coverage::Redacted));
            found.push((Place::SchemaChange, Coverage::Redacted));
        }
        for actor in self.actors.iter().filter(|actor| actor.plan.is_some_and(reads_value)) {
            found.push((Place::WholeValue(actor.plugin.to_owned()), Coverage::Checked));
        }
        if self.actors.iter().any(|actor| actor.plan.is_some_and(StagePlan::is_called)) {
            found.push((Place::Emissions, Coverage::Checked));
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let line =
            |(place, by)| Line { cell: shown.clone(), pattern: cell.pattern.clone(), place, by };
        found.into_iter().map(line).collect()
    }

    /// Who covers the cell in one image.
    fn image(&self, image: Image, cell: &GuardedCell) -> Coverage {
        let target = Target::Column { image, column: cell.column };
        let mut gap = Gap::Unplanned;
        for actor in self.actors {
            match covers(*actor, target, cell.pointer.as_ref()) {
                Ok(by) => return by,
                Err(found) => gap = gap.max(found),
            }
        }
        // No plan removes it whole, or it would have been found above: what the layout removes, nobody has listed.
        match self.layout.fate(image, cell.column) {
            Fate::Remove => Coverage::RemovedUnlisted,
            Fate::Keep | Fate::Rename(_) => Coverage::Nobody(gap),
        }
    }

    /// Who covers the cell in a header that repeats a key. The gateway redacts a header that no plugin writes.
    fn header(&self, name: &str, cell: &GuardedCell) -> Coverage {
        let target = Target::Column { image: Image::Key, column: cell.column };
        let mut gap = None;
        for actor in self.actors.iter().filter(|actor| writes_header(actor, name)) {
            // Who writes the header is trusted with those columns of it that it covers in the key as well.
            match covers(*actor, target, cell.pointer.as_ref()) {
                Ok(by) => return by,
                Err(Gap::Unplanned) => gap = Some(Gap::OtherColumns(actor.plugin.to_owned())),
                Err(found) => gap = Some(found),
            }
        }
        gap.map_or(Coverage::Redacted, Coverage::Nobody)
    }
}

/// Whether the stage sees to it that the cell does not leave as it came, or what it lacks.
fn covers(actor: Actor<'_>, target: Target, cell: Option<&Pointer>) -> Result<Coverage, Gap> {
    let plugin = || actor.plugin.to_owned();
    let Some(plan) = actor.plan else {
        return Err(if actor.is_asked { Gap::Unplanned } else { Gap::NotAsked(plugin()) });
    };
    // The gateway itself takes whole columns away, from every row and whatever becomes of the call.
    if plan.removed.contains(&target) {
        return Ok(Coverage::Removed(plugin()));
    }
    let at_target = |access: &&Access| access.place == chain::Place::Target(target);
    let removes = plan.removes.iter().filter(at_target).map(|access| (access, true));
    let writes = plan.writes.iter().filter(at_target).map(|access| (access, false));
    let mut gap = Gap::Unplanned;
    for (access, is_remove) in removes.chain(writes) {
        gap = gap.max(if !holds(access.pointer.as_ref(), cell) {
            Gap::OtherPlaces(plugin())
        } else if !OPERATIONS.iter().all(|operation| plan.wants(*operation)) {
            Gap::SomeOperations(plugin())
        } else if is_remove {
            return Ok(Coverage::Removed(plugin()));
        } else if actor.on_fault == FaultPolicy::Pass {
            Gap::PassesOnFault(plugin())
        } else if actor.on_open == OnOpen::Bypass {
            Gap::IsBypassed(plugin())
        } else {
            return Ok(Coverage::Written(plugin()));
        });
    }
    Err(gap)
}

/// Whether a write at `access` replaces all of `cell`.
fn holds(access: Option<&Pointer>, cell: Option<&Pointer>) -> bool {
    match (access, cell) {
        (None, _) => true,
        (Some(access), Some(cell)) => access.holds(cell),
        (Some(_), None) => false,
    }
}

const OLD_KEY: &str = "__debezium.oldkey";
const NEW_KEY: &str = "__debezium.newkey";

fn writes_header(actor: &Actor<'_>, name: &str) -> bool {
    let writes = actor.plan.into_iter().flat_map(|plan| &plan.plan.writes);
    writes.into_iter().any(|field| field.image == Image::Header && field.name == name)
}

fn reads_value(plan: &StagePlan) -> bool {
    plan.reads.iter().any(|access| access.place == chain::Place::Meta(Meta::Value))
}

fn has_before(dialect: Dialect) -> bool {
    dialect != Dialect::Json
}

fn has_key_values(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Maxwell | Dialect::TicdcMaxwell)
}

fn has_key_headers(dialect: Dialect) -> bool {
    match dialect {
        Dialect::Debezium
        | Dialect::DebeziumFlat
        | Dialect::TicdcDebezium
        | Dialect::CloudEvents => true,
        Dialect::Maxwell
        | Dialect::Canal
        | Dialect::Ticdc
        | Dialect::TicdcMaxwell
        | Dialect::Ogg
        | Dialect::Dms
        | Dialect::Json => false,
    }
}

/// Whether its records hold statements, or definitions of tables.
fn has_sql(dialect: Dialect) -> bool {
    match dialect {
        Dialect::Debezium
        | Dialect::TicdcDebezium
        | Dialect::CloudEvents
        | Dialect::Maxwell
        | Dialect::TicdcMaxwell
        | Dialect::Canal
        | Dialect::Ticdc => true,
        Dialect::DebeziumFlat | Dialect::Ogg | Dialect::Dms | Dialect::Json => false,
    }
}

#[cfg(test)]
mod tests;
