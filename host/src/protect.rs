//! Columns that must never leave in clear: which columns of a table they are, and what watches over them while records pass.
//! Pure; must not know plugins' code, Kafka or how records are spliced.

mod canary;
pub mod conceal;
mod needles;

use rustc_hash::FxHashMap;

use crate::cell::Pointer;
use crate::config::{self, ColumnPattern};
use crate::table::{self, Column, Table, Tables};

pub use canary::{Canary, Decided, Leak, Seen};
pub use conceal::MASK;

/// What a pipeline protects.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    patterns: Vec<ColumnPattern>,
}

impl Protection {
    pub fn of(settings: &config::Pipeline) -> Self {
        Self { patterns: settings.protect.clone() }
    }

    /// Whether nothing is protected anywhere.
    pub fn is_off(&self) -> bool {
        self.patterns.is_empty()
    }

    pub fn patterns(&self) -> &[ColumnPattern] {
        &self.patterns
    }

    /// What is protected in `table`, of the columns it has so far.
    pub fn guard(&self, table: &Table) -> Guard {
        let patterns = self.of_table(table);
        let mut cells: Vec<GuardedCell> = Vec::new();
        for (number, column) in (0u16..).zip(&table.columns) {
            cells.extend(guarded(number, column, &patterns));
        }
        Guard { table: table.id, may_grow: !patterns.is_empty(), cells }
    }

    /// The places that are protected in a column of `table` by that name, whether it has been seen in it or not; none for the
    /// whole column.
    pub fn places(&self, table: &Table, name: &str) -> Vec<Option<Pointer>> {
        let column = Column { name: name.into(), source_type: "".into(), key: false };
        guarded(0, &column, &self.of_table(table)).map(|cell| cell.pointer).collect()
    }

    fn of_table(&self, table: &Table) -> Vec<&ColumnPattern> {
        self.patterns.iter().filter(|pattern| pattern.matches_table(table)).collect()
    }
}

/// What is protected in one table.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// The table's id it was made for; another id means: ask again.
    pub table: u32,
    /// Whether a column that is protected could still turn up.
    pub may_grow: bool,
    pub cells: Vec<GuardedCell>,
}

/// A column, or a place in its JSON, that is protected in every image.
#[derive(Clone, Debug)]
pub struct GuardedCell {
    pub column: u16,
    /// None for the whole column.
    pub pointer: Option<Pointer>,
    /// The pattern as it was typed.
    pub pattern: String,
}

/// A pattern for the whole column makes those for places inside it needless.
fn guarded<'p>(
    number: u16,
    column: &Column,
    patterns: &[&'p ColumnPattern],
) -> impl Iterator<Item = GuardedCell> + use<'p> {
    let name = &column.name;
    let matching = patterns.iter().copied().filter(|pattern| pattern.matches_column(name));
    let mut matching: Vec<&'p ColumnPattern> = matching.collect();
    let whole = |pattern: &&ColumnPattern| pattern.pointer().is_empty();
    let along = || patterns.iter().copied().find(|pattern| lies_along(pattern, name));
    let whole = matching.iter().copied().find(whole).or_else(along);
    if let Some(whole) = whole {
        matching = vec![whole];
    }
    matching.into_iter().map(move |pattern| GuardedCell {
        column: number,
        pointer: (whole.is_none() && !pattern.pointer().is_empty())
            .then(|| pattern.pointer().clone()),
        pattern: pattern.to_string(),
    })
}

/// Whether a column whose name is a path with dots, as MongoDB's `updatedFields` has them, is the place that `pattern`
/// protects, lies in it or holds it.
fn lies_along(pattern: &ColumnPattern, name: &str) -> bool {
    let mut dots = name.match_indices('.');
    dots.any(|(dot, _)| {
        let (column, path) = (name.get(..dot).unwrap_or_default(), name.get(dot + 1..));
        let path = path.unwrap_or_default().split('.');
        pattern.matches_column(column)
            && pattern.pointer().names().zip(path).all(|(guarded, name)| guarded == name)
    })
}

/// What is protected in the tables of one lane, as far as they are known.
#[derive(Debug, Default)]
pub struct Guards {
    protection: Protection,
    by_table: FxHashMap<table::Index, Guard>,
}

impl Guards {
    pub fn new(protection: Protection) -> Self {
        Self { protection, by_table: FxHashMap::default() }
    }

    pub fn is_off(&self) -> bool {
        self.protection.is_off()
    }

    pub fn protection(&self) -> &Protection {
        &self.protection
    }

    /// Takes in a table as it is now; whether anything of it is protected.
    pub fn know(&mut self, index: table::Index, tables: &Tables) -> bool {
        let Some(table) = tables.get(index) else { return false };
        let known = self.by_table.entry(index).or_default();
        if known.table != table.id {
            *known = self.protection.guard(table);
        }
        !known.cells.is_empty()
    }

    /// The cells of a table that [`Self::know`] was asked about.
    pub fn cells(&self, index: table::Index) -> &[GuardedCell] {
        self.by_table.get(&index).map_or(&[], |guard| &guard.cells)
    }
}

#[cfg(test)]
mod tests;
