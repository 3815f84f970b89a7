//! A plugin version at work on one lane: keeps an instance ready, throws it away after any fault, and brings the next one to where
//! the last one was. Must not know the chain or what becomes of refused rows.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::bindings::{lend_batch, lend_table};
use super::fault;
use super::live::Live;
use super::version::Version;
use crate::contract::{Answer, Batch, Fault, FaultClass, Plan, Transform};
use crate::table::Table;

/// One instance of a plugin version, replaced as often as need be.
pub struct Instance {
    version: Arc<Version>,
    /// None before the first call and after a fault.
    live: Option<Live>,
    /// What `live` holds, as the figures know it.
    memory: usize,
    /// Tables the plugin is interested in. It may keep state for each, so a fresh instance opens one again before its first batch.
    opened: Vec<Opened>,
    /// The ids of those that `live` has not opened yet. Only what is called for is opened: a search for a poisonous row takes an
    /// instance a call, and tables can be thousands.
    closed: FxHashSet<u32>,
}

struct Opened {
    table: Table,
    plan: Plan,
}

impl Instance {
    pub(super) fn new(version: Arc<Version>) -> Self {
        Self { version, live: None, memory: 0, opened: Vec::new(), closed: FxHashSet::default() }
    }

    pub fn version(&self) -> &Arc<Version> {
        &self.version
    }

    /// Makes sure that an instance is there and configured, so that the next batch meets no delay.
    pub fn warm(&mut self) -> Result<(), Fault> {
        self.call(|_| Ok(()))
    }

    /// Runs `call` on the live instance; whatever goes wrong in it or on the way to it costs the instance.
    fn call<R>(&mut self, call: impl FnOnce(&mut Live) -> Result<R, Fault>) -> Result<R, Fault> {
        let result = self.ready().and_then(call);
        if let Err(fault) = &result {
            self.version.stats().faulted(fault.class);
            self.live = None;
        }
        self.settle_memory();
        result
    }

    fn ready(&mut self) -> Result<&mut Live, Fault> {
        if self.live.is_none() {
            let live = self.version.start()?;
            self.version.stats().instantiated();
            self.closed = self.opened.iter().map(|opened| opened.table.id).collect();
            self.live = Some(live);
        }
        Ok(self.live.as_mut().expect("it was just made where there was none"))
    }

    /// Sees to it that the instance knows the table, as the last one did.
    fn reopen(&mut self, id: u32) -> Result<(), Fault> {
        if self.live.is_some() && !self.closed.contains(&id) {
            return Ok(());
        }
        let Some(known) = self.opened.iter().position(|opened| opened.table.id == id) else {
            return Ok(());
        };
        let Opened { table, plan } = self.opened.swap_remove(known);
        let again = self.call(|live| reopen(live, &table, &plan));
        self.opened.push(Opened { table, plan });
        // Where it failed there is no instance any more, and the next one begins anew.
        self.closed.remove(&id);
        again
    }

    /// WebAssembly's memory only grows, so an instance that has used most of it makes room for the next.
    fn recycle_if_full(&mut self) {
        let full = |live: &Live| live.memory() > self.version.limits().recycle_at();
        if self.live.as_ref().is_some_and(full) {
            self.live = None;
            self.version.stats().recycled();
            self.settle_memory();
        }
    }

    fn settle_memory(&mut self) {
        let now = self.live.as_ref().map_or(0, Live::memory);
        if now != self.memory {
            self.version.stats().memory_changed(self.memory, now);
            self.memory = now;
        }
    }

    fn remember(&mut self, table: &Table, plan: Option<&Plan>) {
        // A table that grew a column comes again under a new id; the old one is never asked for again.
        self.opened.retain(|opened| !opened.table.is_same(table));
        if let Some(plan) = plan {
            self.opened.push(Opened { table: table.clone(), plan: plan.clone() });
        }
    }
}

impl Transform for Instance {
    fn open_table(&mut self, table: &Table) -> Result<Option<Plan>, Fault> {
        // Forgotten first: a fresh instance would otherwise open it twice.
        self.remember(table, None);
        let plan = self.call(|live| open(live, table)).inspect_err(|_| {
            self.version.stats().not_opened();
        })?;
        self.remember(table, plan.as_ref());
        Ok(plan)
    }

    fn process(&mut self, batch: Batch<'_>) -> Result<Answer, Fault> {
        self.version.stats().called();
        self.reopen(batch.table)?;
        let answer = self.call(|live| {
            let answer = live.process(|transform, store| {
                lend_batch(batch, |batch| transform.call_process(store, batch))
            })?;
            answer.map(Answer::from).map_err(|reason| fault::rejected(&reason))
        })?;
        self.recycle_if_full();
        Ok(answer)
    }

    fn discard(&mut self, fault: &Fault) {
        self.version.stats().faulted(fault.class);
        self.live = None;
        self.settle_memory();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.live = None;
        self.settle_memory();
    }
}

fn open(live: &mut Live, table: &Table) -> Result<Option<Plan>, Fault> {
    let plan = live.prepare(|transform, store| {
        lend_table(table, |table| transform.call_open_table(store, table))
    })?;
    plan.map(|plan| plan.map(Plan::from)).map_err(|reason| fault::rejected(&reason))
}

fn reopen(live: &mut Live, table: &Table, plan: &Plan) -> Result<(), Fault> {
    // The chain has built on the first answer.
    if open(live, table)?.as_ref() == Some(plan) {
        return Ok(());
    }
    let table = table.qualified_name();
    let message = format!("answered the same table \"{table}\" with another plan than before");
    Err(fault::of_class(FaultClass::ContractViolated, message))
}

#[cfg(test)]
mod tests;
