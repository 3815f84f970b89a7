//! What a plugin's author implements, and the instance that holds it together with what it keeps per table.

use std::collections::BTreeMap;

use crate::answer::Answer;
use crate::cell::Cells;
use crate::plan::Plan;
use crate::rows::Rows;
use crate::settings::Settings;
use crate::table::Table;

/// The schema of a plugin without settings.
pub const NO_SETTINGS: &str = r#"{"type":"object","additionalProperties":false}"#;

/// A plugin: configured once, asked once per table what it wants, then called with batches of rows.
///
/// Its instance may be thrown away and made anew at any batch, and a batch may be run again: what it keeps is a cache.
pub trait Plugin: Sized + 'static {
    /// The plugin's name.
    const NAME: &'static str;
    /// The plugin's version; `env!("CARGO_PKG_VERSION")` is a good one.
    const VERSION: &'static str;
    /// A JSON Schema that the settings are checked against before [`Plugin::configure`] sees them.
    const SETTINGS_SCHEMA: &'static str = NO_SETTINGS;

    /// What it keeps per table: made in [`Plugin::open`], handed to [`Plugin::process`]. `()` for nothing.
    type State: 'static;

    /// Makes the plugin. An error keeps it out of the chain, with this text as the reason.
    fn configure(settings: Settings) -> Result<Self, String>;

    /// Says what it wants of a table; none where it is not interested, and then it is never called for it.
    fn open(&mut self, table: &Table) -> Result<Option<Plan<Self::State>>, String>;

    /// Decides about a batch of rows. An error refuses all of them; to refuse one, use [`Row::reject`](crate::Row::reject).
    fn process(&mut self, state: &mut Self::State, rows: &mut Rows<'_>) -> Result<(), String>;
}

/// A configured plugin and its open tables.
pub(crate) struct Instance<P: Plugin> {
    plugin: P,
    tables: BTreeMap<u32, Open<P::State>>,
}

struct Open<S> {
    state: S,
    writes: usize,
}

impl<P: Plugin> Instance<P> {
    pub(crate) fn configure(settings: Settings) -> Result<Self, String> {
        Ok(Self { plugin: P::configure(settings)?, tables: BTreeMap::new() })
    }

    /// The plan without its state, which stays here.
    pub(crate) fn open(&mut self, table: &Table) -> Result<Option<Plan>, String> {
        let Some(plan) = self.plugin.open(table)? else { return Ok(None) };
        let Plan { reads, writes, removes, renames, operations, independent, state } = plan;
        self.tables.insert(table.id, Open { state, writes: writes.len() });
        Ok(Some(Plan { reads, writes, removes, renames, operations, independent, state: () }))
    }

    pub(crate) fn process(
        &mut self,
        table: u32,
        operations: &[u8],
        columns: Vec<Cells<'_>>,
    ) -> Result<Answer, String> {
        let open = (self.tables.get_mut(&table))
            .ok_or_else(|| format!("table {table} was never opened by this instance"))?;
        let mut rows = Rows::new(operations, columns, open.writes);
        self.plugin.process(&mut open.state, &mut rows)?;
        Ok(rows.into_answer())
    }
}
