//! Columns that must never leave in clear: which columns of a table they are. Pure; must not know plugins' code, Kafka or how
//! records are spliced.

use crate::cell::Pointer;
use crate::config::{self, ColumnPattern};
use crate::table::{Column, Table};

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

    /// What is protected in `table`, of the columns it has so far.
    pub fn guard(&self, table: &Table) -> Guard {
        let patterns = self.patterns.iter().filter(|pattern| pattern.matches_table(table));
        let patterns: Vec<&ColumnPattern> = patterns.collect();
        let mut cells: Vec<GuardedCell> = Vec::new();
        for (number, column) in (0u16..).zip(&table.columns) {
            cells.extend(guarded(number, column, &patterns));
        }
        Guard { table: table.id, may_grow: !patterns.is_empty(), cells }
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
    if let Some(whole) = matching.iter().copied().find(|pattern| pattern.pointer().is_empty()) {
        matching = vec![whole];
    }
    matching.into_iter().map(move |pattern| GuardedCell {
        column: number,
        pointer: (!pattern.pointer().is_empty()).then(|| pattern.pointer().clone()),
        pattern: pattern.to_string(),
    })
}
