//! From the plugin folder to the lanes: the live tables against which a candidate chain is tried, and the stages a lane makes of
//! a generation. Knows both sides and neither's inside.

use std::sync::{Arc, Mutex, PoisonError};

use crate::chain::{Chain, Stage};
use crate::config;
use crate::plugin::{Catalog, Generation, Instance, Version};
use crate::protect::Rules;
use crate::table::Table;

/// The tables that the lanes of one pipeline have seen.
#[derive(Default)]
pub(super) struct LiveTables {
    tables: Mutex<Vec<Table>>,
}

impl LiveTables {
    /// Takes in what one lane knows. Of the same table in two lanes the one with more columns is kept, then the one of which more
    /// are known to be in the key.
    fn add<'t>(&self, seen: impl Iterator<Item = &'t Table>) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        for table in seen {
            match tables.iter_mut().find(|known| known.is_same(table)) {
                Some(known) if knowledge(known) > knowledge(table) => {}
                Some(known) => known.clone_from(table),
                None => tables.push(table.clone()),
            }
        }
    }

    /// Looks ahead with a candidate chain and opens every live table with it, before it serves.
    pub(super) fn trial(
        &self,
        settings: &config::Pipeline,
        candidates: &[Arc<Version>],
    ) -> Result<(), String> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Tables of several lanes meet here, whose numbers would clash.
        for (id, table) in (1u32..).zip(&mut tables) {
            table.id = id;
        }
        let stages = || candidates.iter().map(stage).collect();
        look_ahead(settings, stages())?;
        Chain::new(stages(), Rules::of(settings)).open_all(tables.iter())
    }
}

/// How much is known of a table: its columns, and those of them that are in the key.
fn knowledge(table: &Table) -> (usize, usize) {
    (table.columns.len(), table.columns.iter().filter(|column| column.key).count())
}

/// Refuses a chain of which is known before any record that it would let protected columns go in clear.
pub(super) fn look_ahead(settings: &config::Pipeline, stages: Vec<Stage>) -> Result<(), String> {
    let rules = Rules::of(settings);
    if rules.protection.is_off() {
        return Ok(());
    }
    Chain::new(stages, rules).foresee(&settings.dialects)
}

/// What one lane holds of its pipeline's plugins.
pub(super) struct Plugins {
    catalog: Arc<Catalog>,
    live: Arc<LiveTables>,
    taken: Arc<Generation>,
}

impl Plugins {
    /// With the generation that serves now.
    pub(super) fn new(catalog: &Arc<Catalog>, live: &Arc<LiveTables>) -> Self {
        Self { catalog: Arc::clone(catalog), live: Arc::clone(live), taken: catalog.current() }
    }

    /// The stages of the generation that was taken, started as far as may be.
    pub(super) fn stages(&self) -> Vec<Stage> {
        self.taken.plugins.iter().map(warm_stage).collect()
    }

    /// Takes a newer generation where there is one.
    pub(super) fn take_newer(&mut self) -> bool {
        let is_newer = self.catalog.number() != self.taken.number;
        if is_newer {
            self.taken = self.catalog.current();
        }
        is_newer
    }

    /// What this lane's records go through.
    pub(super) fn taken(&self) -> &Generation {
        &self.taken
    }

    /// Required plugins that are not there.
    pub(super) fn missing(&self) -> &[String] {
        &self.taken.missing_required
    }

    pub(super) fn tables_seen<'t>(&self, tables: impl Iterator<Item = &'t Table>) {
        self.live.add(tables);
    }
}

/// A plugin as one stage of a chain, with an instance of its own.
pub(super) fn stage(version: &Arc<Version>) -> Stage {
    stage_of(version, version.instantiate())
}

/// As [`stage`], with its instance started and configured.
fn warm_stage(version: &Arc<Version>) -> Stage {
    let mut instance = version.instantiate();
    // What goes wrong here goes wrong again, and is told, when it is first called.
    drop(instance.warm());
    stage_of(version, instance)
}

fn stage_of(version: &Version, instance: Instance) -> Stage {
    Stage {
        identity: Arc::clone(&version.identity),
        transform: Box::new(instance),
        tables: version.tables().cloned(),
        on_fault: version.on_fault(),
        on_open: version.setup.on_open,
        breaker: Arc::clone(version.breaker()),
        calls: Vec::new(),
        bypassed: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, Dialect};

    fn table(columns: &[(&str, bool)]) -> Table {
        let column = |(name, key): &(&str, bool)| Column {
            name: (*name).into(),
            source_type: "".into(),
            key: *key,
        };
        Table {
            id: 1,
            topic: "t".into(),
            dialect: Dialect::Debezium,
            database: "shop".into(),
            schema: "".into(),
            name: "people".into(),
            columns: columns.iter().map(column).collect(),
        }
    }

    #[test]
    fn of_what_lanes_know_of_a_table_the_most_is_kept() {
        let seen = [
            table(&[("id", false)]),
            table(&[("id", true), ("ssn", false)]),
            table(&[("id", true), ("ssn", true)]),
            table(&[("id", false), ("ssn", false)]),
            table(&[("id", true)]),
        ];
        let live = LiveTables::default();
        for table in &seen {
            live.add(std::iter::once(table));
        }
        let tables = live.tables.lock().unwrap();
        assert_eq!(tables.as_slice(), &seen[2..3]);
    }
}
