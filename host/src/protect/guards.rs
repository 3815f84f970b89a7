//! What is protected in the tables of one lane, as far as they are known. Pure.

use rustc_hash::FxHashMap;

use super::{Guard, GuardedCell, Protection};
use crate::table::{self, Tables};

#[derive(Debug, Default)]
pub struct Guards {
    protection: Protection,
    by_table: FxHashMap<table::Index, Guard>,
}

impl Guards {
    pub fn new(protection: Protection) -> Self {
        Self { protection, by_table: FxHashMap::default() }
    }

    /// Whether nothing is protected anywhere.
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

    /// Whether a column that is protected is in a table that [`Self::know`] was asked about, or may yet turn up there.
    pub fn concern(&self, index: table::Index) -> bool {
        self.by_table.get(&index).is_some_and(|guard| guard.may_grow)
    }
}
