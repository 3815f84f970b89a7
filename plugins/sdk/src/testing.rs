//! Runs a plugin natively over JSON events, the way the gateway would: tables, cells, edits, renames. For tests: it is exact,
//! not fast, and it writes JSON anew where the gateway splices it.
//!
//! An event is either a record value as Debezium writes it (`{"op": "u", "before": {..}, "after": {..}, "source": {..}}`), or a
//! whole record: `{"topic", "partition", "offset", "timestamp", "key", "value", "headers": [[name, value], ..]}`, of which every
//! member may be missing and a `"value": null` is a tombstone. Any other object is a row whose after image it is.
//!
//! ```no_run
//! # use lockgate_plugin::{Plan, Plugin, Rows, Settings, Table};
//! # struct Mask;
//! # impl Plugin for Mask {
//! #     const NAME: &'static str = "";
//! #     const VERSION: &'static str = "";
//! #     type State = ();
//! #     fn configure(_: Settings) -> Result<Self, String> { Ok(Self) }
//! #     fn open(&mut self, _: &Table) -> Result<Option<Plan>, String> { Ok(None) }
//! #     fn process(&mut self, (): &mut (), _: &mut Rows<'_>) -> Result<(), String> { Ok(()) }
//! # }
//! use lockgate_plugin::testing::Harness;
//! use serde_json::json;
//!
//! let mut mask = Harness::<Mask>::new(&json!({ "columns": { "email": "redact" } })).unwrap();
//! let events = [json!({ "op": "c", "before": null, "after": { "email": "a@b.example" } })];
//! let masked = [json!({ "op": "c", "before": null, "after": { "email": "***********" } })];
//! assert_eq!(mask.run(&events), masked);
//! ```

mod event;
mod pointer;
mod gather;
mod apply;
mod golden;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::host::imports::COUNTS;
use crate::plan::Plan;
use crate::plugin::{Instance, Plugin};
use crate::settings::Settings;
use crate::table::{Column, Table};

use event::Event;
pub use golden::golden;

/// A configured plugin to run events through.
pub struct Harness<P: Plugin> {
    instance: Instance<P>,
    source_types: BTreeMap<String, String>,
}

impl<P: Plugin> Harness<P> {
    /// Configures the plugin; the error is its own. Settings are not checked against the plugin's schema.
    pub fn new(settings: &Value) -> Result<Self, String> {
        let instance = Instance::configure(Settings::new(settings.to_string()))?;
        Ok(Self { instance, source_types: BTreeMap::new() })
    }

    /// Says what the source calls the type of a column, in every table.
    #[must_use]
    pub fn source_type(mut self, column: &str, source_type: &str) -> Self {
        self.source_types.insert(column.to_owned(), source_type.to_owned());
        self
    }

    /// Opens a table: the plugin's plan for it, or its error.
    pub fn open(&mut self, table: &Table) -> Result<Option<Plan>, String> {
        self.instance.open(table)
    }

    /// Runs events through the plugin and gives what leaves, in the form it came in. A refused row leaves as
    /// `{"rejected": reason}`, an emission as a whole record after its row.
    ///
    /// # Panics
    ///
    /// Where an event cannot be read, or the gateway would refuse the plugin's answer.
    pub fn run(&mut self, events: &[Value]) -> Vec<Value> {
        self.try_run(events).unwrap_or_else(|reason| fail(&reason))
    }

    /// As [`Harness::run`]; the error is that of the plugin's `open` or `process`, or what the gateway would refuse.
    pub fn try_run(&mut self, events: &[Value]) -> Result<Vec<Value>, String> {
        let mut events: Vec<Event> = events.iter().map(Event::read).collect::<Result<_, _>>()?;
        let tables = self.tables(&events);
        let mut plans = Vec::with_capacity(tables.len());
        for table in &tables {
            plans.push(self.instance.open(table)?);
        }
        let mut left = Vec::with_capacity(events.len());
        let same_table = |a: &Event, b: &Event| a.table_name() == b.table_name();
        for batch in events.chunk_by_mut(same_table) {
            let number = position(&tables, batch);
            let opened = tables.get(number).zip(plans.get(number).and_then(Option::as_ref));
            match opened {
                Some((table, plan)) => left.extend(self.batch(table.id, plan, batch)?),
                None => left.extend(batch.iter().map(Event::write)),
            }
        }
        Ok(left)
    }

    fn batch(
        &mut self,
        table: u32,
        plan: &Plan,
        events: &mut [Event],
    ) -> Result<Vec<Value>, String> {
        let wanted = |event: &&Event| {
            plan.operations.is_empty() || plan.operations.contains(&event.operation())
        };
        let rows: Vec<usize> =
            (0..).zip(&*events).filter(|(_, event)| wanted(event)).map(|(at, _)| at).collect();
        let called = !(rows.is_empty() || plan.reads.is_empty() && plan.writes.is_empty());
        let answer = if called {
            let reads = gather::cells(plan, events, &rows)?;
            let operations: Vec<u8> =
                rows.iter().filter_map(|at| events.get(*at)).map(Event::operation).collect();
            self.instance.process(
                table,
                &operations,
                reads.iter().map(gather::Owned::lend).collect(),
            )?
        } else {
            Answer::new(plan.writes.len())
        };
        apply::answer(plan, answer, &rows, events)
    }

    /// The tables of the events, each with every column it has anywhere.
    fn tables(&self, events: &[Event]) -> Vec<Table> {
        let mut tables: Vec<Table> = Vec::new();
        for event in events {
            let name = event.table_name();
            let at = tables.iter().position(|table| event::names(table) == name);
            let at = at.unwrap_or_else(|| {
                tables.push(name.table(u32::try_from(tables.len() + 1).unwrap_or(u32::MAX)));
                tables.len() - 1
            });
            let Some(table) = tables.get_mut(at) else { continue };
            for (column, key) in event.columns() {
                match table.columns.iter_mut().find(|known| known.name == column) {
                    Some(known) => known.key |= key,
                    None => table.columns.push(Column {
                        name: column.to_owned(),
                        source_type: self.source_types.get(column).cloned().unwrap_or_default(),
                        key,
                    }),
                }
            }
        }
        tables
    }
}

/// What plugins of this thread have [`count`](crate::count)ed so far.
pub fn counts() -> BTreeMap<String, u64> {
    COUNTS.with_borrow(Clone::clone)
}

fn position(tables: &[Table], batch: &[Event]) -> usize {
    let name = batch.first().map(Event::table_name);
    tables.iter().position(|table| Some(event::names(table)) == name).unwrap_or(tables.len())
}

fn rejected(reason: &str) -> Value {
    json!({ "rejected": reason })
}

#[expect(clippy::panic, reason = "a harness for tests tells of a failed one by panicking")]
#[track_caller]
fn fail(reason: &str) -> ! {
    panic!("{reason}")
}

#[cfg(test)]
mod tests;
