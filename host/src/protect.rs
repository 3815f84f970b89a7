//! Columns that must never leave in clear: which columns of a table they are. Pure; must not know plugins' code, Kafka or how
//! records are spliced.

mod canary;
pub mod conceal;
pub mod encrypted;
mod guards;
mod needles;
pub mod proof;
pub mod unlisted;

use std::sync::Arc;

use crate::cell::Pointer;
use crate::config::{self, ColumnPattern};
use crate::table::{Column, Dialect, Dialects, Table};

use unlisted::Listing;

pub use canary::{Canary, Decided, Leak, Seen};
pub use conceal::MASK;
pub use guards::Guards;
pub use needles::at_any_level;

/// What a pipeline asks of its chain beside what the plugins want.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub protection: Protection,
    pub listing: Listing,
}

impl Rules {
    pub fn of(settings: &config::Pipeline) -> Self {
        Self { protection: Protection::of(settings), listing: Listing::of(settings) }
    }

    /// Whether nothing is asked.
    pub fn are_off(&self) -> bool {
        self.protection.is_off() && self.listing.policy() == config::Unlisted::Pass
    }
}

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

    fn of_table(&self, table: &Table) -> Vec<&ColumnPattern> {
        self.patterns.iter().filter(|pattern| pattern.may_match_table(table)).collect()
    }

    /// The places that are protected in a column of `table` by that name, whether it has been seen there or not; none stands for
    /// the whole column.
    pub fn places(&self, table: &Table, name: &str) -> Vec<Option<Pointer>> {
        let column = Column { name: name.into(), source_type: "".into(), key: false };
        let cells = guarded(0, &column, table.dialect, &self.of_table(table));
        cells.into_iter().map(|cell| cell.pointer).collect()
    }

    /// What is protected in `table`, of the columns it has so far.
    pub fn guard(&self, table: &Table) -> Guard {
        let patterns = self.of_table(table);
        let mut cells: Vec<GuardedCell> = Vec::new();
        for (number, column) in (0u16..).zip(&table.columns) {
            cells.extend(guarded(number, column, table.dialect, &patterns));
        }
        Guard { table: table.id, may_grow: !patterns.is_empty(), cells }
    }

    /// The tables that patterns without globs name, each with just the columns that they name, as each of the dialects could have
    /// it: what can be looked at before the first record.
    pub fn foreseen(&self, dialects: &Dialects) -> Vec<Vec<Table>> {
        let mut tables: Vec<(Vec<&str>, Vec<Column>)> = Vec::new();
        for (table, column) in self.patterns.iter().filter_map(ColumnPattern::exact) {
            let at = tables.iter().position(|(known, _)| *known == table).unwrap_or_else(|| {
                tables.push((table, Vec::new()));
                tables.len() - 1
            });
            let Some((_, columns)) = tables.get_mut(at) else { continue };
            if columns.iter().all(|known| *known.name != *column) {
                columns.push(Column { name: column.into(), source_type: "".into(), key: false });
            }
        }
        let mut all: Vec<Dialect> = vec![dialects.default];
        all.extend(dialects.by_topic.iter().map(|(_, dialect)| *dialect));
        let mut id = 0;
        let mut table = |name: &[&str], dialect: Dialect, columns: &[Column]| {
            id += 1;
            let (database, schema, name) = parts(name);
            let columns = columns.to_vec();
            Table { id, topic: "".into(), dialect, database, schema, name, columns }
        };
        let in_all = |(name, columns): (Vec<&str>, Vec<Column>)| {
            all.iter().map(|dialect| table(&name, *dialect, &columns)).collect()
        };
        tables.into_iter().map(in_all).collect()
    }
}

/// Database, schema and table of a name that leaves out what it likes, from the left.
fn parts(name: &[&str]) -> (Arc<str>, Arc<str>, Arc<str>) {
    match *name {
        [] => ("".into(), "".into(), "".into()),
        [table] => ("".into(), "".into(), table.into()),
        // A source without schemas says so, and where it has them the database may be left out: the shorter name is the same.
        [before, table] => (before.into(), "".into(), table.into()),
        [database, schema, ref rest @ ..] => {
            (database.into(), schema.into(), rest.join(".").into())
        }
    }
}

/// The field that a column with dots in its name is a part of, as MongoDB's `updatedFields` name it: `contact.email` is inside
/// `contact`. None where dots are part of plain names.
fn first_name(dialect: Dialect, column: &str) -> Option<&str> {
    has_paths(dialect).then(|| column.split_once('.')).flatten().map(|(first, _)| first)
}

fn has_paths(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Debezium | Dialect::CloudEvents)
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
fn guarded(
    number: u16,
    column: &Column,
    dialect: Dialect,
    patterns: &[&ColumnPattern],
) -> Vec<GuardedCell> {
    let mut cells: Vec<GuardedCell> = Vec::new();
    for pattern in patterns {
        for pointer in pointers(&column.name, dialect, pattern) {
            let pointer = (!pointer.is_empty()).then_some(pointer);
            let cell = GuardedCell { column: number, pointer, pattern: pattern.to_string() };
            if cell.pointer.is_none() {
                return vec![cell];
            }
            if cells.iter().all(|known| known.pointer != cell.pointer) {
                cells.push(cell);
            }
        }
    }
    cells
}

/// The places inside a column that a pattern names; the empty pointer is the whole of it. A name with dots is read both ways: as
/// it stands, and as the way to a part of a field.
fn pointers(column: &str, dialect: Dialect, pattern: &ColumnPattern) -> Vec<Pointer> {
    let direct = pattern.matches_column(column).then(|| pattern.pointer().clone());
    let dots = column.match_indices('.').filter(|_| has_paths(dialect));
    let inside = dots.filter_map(|(dot, _)| {
        let (outer, names) = (column.get(..dot)?, column.get(dot + 1..)?);
        pattern.matches_column(outer).then(|| pattern.pointer().behind(names.split('.'))).flatten()
    });
    direct.into_iter().chain(inside).collect()
}

#[cfg(test)]
mod tests;
