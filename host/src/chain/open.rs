//! Opens tables: asks the stages for their plans, has the proof made that protected columns are covered, and decides about rows
//! that no plan can be trusted with. Must not call a plugin for rows.

use std::sync::Arc;

use crate::change::Presence;
use crate::config::Unlisted;
use crate::contract::Image;
use crate::outcome::{Code, Hold, Refusal};
use crate::overlay::Fate;
use crate::protect::proof::{Actor, Proof};
use crate::table::{self, Dialects, Table, Tables};

use super::{Batch, Chain, Compiled, StagePlan, Verdict, compile, set};

impl Chain {
    /// Opens each of `tables`, as a trial before the chain goes live. The error names the table, and the plugin that refused it or
    /// the columns that nobody covers.
    pub fn open_all<'t>(&mut self, tables: impl Iterator<Item = &'t Table>) -> Result<(), String> {
        for table in tables {
            self.compile(table).map_err(|refusal| refusal.to_string())?;
        }
        Ok(())
    }

    /// Opens tables before rows of them come, for as long as `go_on` says so; what is left is opened with its first rows.
    pub fn warm(&mut self, tables: &Tables, mut go_on: impl FnMut() -> bool) {
        for (index, table) in tables.iter().take_while(|_| go_on()) {
            let compiled = self.compile(table);
            self.compiled.insert(index, compiled);
        }
    }

    /// What can be known before the first record: whether the columns that `protect` names exactly are covered, in a table that
    /// has only them. A plugin that refuses such a table is asked again when the real one comes.
    pub fn foresee(&mut self, dialects: &Dialects) -> Result<(), String> {
        self.check_plugins()?;
        let refusals = self.foreseen(dialects).into_iter().filter_map(|proof| proof.refusal());
        let refusals: Vec<String> = refusals.map(|refusal| refusal.to_string()).collect();
        if refusals.is_empty() { Ok(()) } else { Err(refusals.join("\n  ")) }
    }

    /// Refuses a chain without plugins where columns are protected: nobody could ever cover them.
    pub fn check_plugins(&self) -> Result<(), String> {
        let rules = &self.rules;
        let removes = rules.listing.policy() == Unlisted::Remove;
        if rules.protection.is_off() || removes || !self.stages.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{}: `protect` names columns, and without a plugin nobody can cover them; put one in the plugin folder, mask for \
             example",
            Code::ProtectedInClear
        ))
    }

    /// The proofs of the tables that `protect` names exactly, as far as the plugins take them with just those columns.
    pub fn foreseen(&mut self, dialects: &Dialects) -> Vec<Proof> {
        let mut proofs = Vec::new();
        for spellings in self.rules.protection.foreseen(dialects) {
            // Which of the pipeline's dialects the table has is not known: the one that asks least decides.
            let mut made = spellings.iter().map(|table| self.prove(table)).collect::<Vec<_>>();
            if made.iter().all(Result::is_ok) {
                let holding = made.iter().position(|proof| proof.as_ref().is_ok_and(Proof::holds));
                proofs.extend(made.swap_remove(holding.unwrap_or(0)).ok());
            }
        }
        proofs
    }

    /// Who covers the protected cells of `table`. An error where a plugin refuses the table.
    pub fn prove(&mut self, table: &Table) -> Result<Proof, Refusal> {
        let compiled = self.plan(table)?;
        Ok(self.proof(table, &compiled))
    }

    fn proof(&self, table: &Table, compiled: &Compiled) -> Proof {
        let guard = self.rules.protection.guard(table);
        let actors = self.stages.iter().zip(&compiled.stages).map(|(stage, plan)| Actor {
            plugin: &stage.identity.name,
            on_fault: stage.on_fault,
            on_open: stage.on_open,
            is_asked: stage.takes(table),
            plan: plan.as_ref(),
        });
        Proof::of(table, &guard, &actors.collect::<Vec<_>>(), &compiled.layout)
    }

    /// The table as the chain treats it, without a look at what is protected.
    fn plan(&mut self, table: &Table) -> Result<Compiled, Refusal> {
        let compiled = compile::compile(table, &mut self.stages, &self.rules.listing);
        compiled.map_err(|(stage, fault)| {
            let table = table.qualified_name();
            let reason = format!("opening table \"{table}\": {}", fault.message);
            self.refusal(stage, &fault, reason, 1)
        })
    }

    /// The table as the chain treats it, proven.
    fn compile(&mut self, table: &Table) -> Result<Compiled, Refusal> {
        let compiled = self.plan(table)?;
        if !self.rules.protection.is_off()
            && let Some(refusal) = self.proof(table, &compiled).refusal()
        {
            return Err(refusal);
        }
        Ok(compiled)
    }

    /// Makes sure the table is compiled as it stands now, and refuses the rows that no plan can be trusted with.
    pub(super) fn open(&mut self, index: table::Index, rows: &[u32], batch: Batch<'_, '_>) {
        let Some(table) = batch.tables.get(index) else { return };
        let current = matches!(self.compiled.get(&index), Some(Ok(known)) if known.id == table.id);
        if !current && let Some(hold) = self.reopen(index, table) {
            self.hold(rows, &hold);
            return;
        }
        match self.compiled.get(&index) {
            // A table that no plan covers must not pass by its plugins: its partitions wait for a better plugin.
            Some(Err(refusal)) => {
                for row in rows {
                    set(&mut self.verdicts, *row, Verdict::Halt(Box::new(refusal.clone())));
                }
            }
            Some(Ok(_)) => {
                self.refuse_opaque_keys(index, rows, batch);
                self.refuse_unlisted(table, index, rows, batch);
            }
            None => {}
        }
    }

    /// Compiles the table as it stands now; or says until when its rows wait, where that cannot be.
    fn reopen(&mut self, index: table::Index, table: &Table) -> Option<Hold> {
        // What is known of it as it stood before must not be used for it as it is now.
        self.compiled.remove(&index);
        if let Some(hold) = self.not_yet(index, table) {
            return Some(hold);
        }
        let compiled = self.compile(table);
        if let Err(refusal) = &compiled
            && let Some(hold) = self.again(index, refusal)
        {
            return Some(hold);
        }
        self.later.remove(&index);
        self.compiled.insert(index, compiled);
        None
    }

    /// Refuses rows whose key nobody can look into, where something in it is to be changed.
    fn refuse_opaque_keys(&mut self, index: table::Index, rows: &[u32], batch: Batch<'_, '_>) {
        let Some(Ok(compiled)) = self.compiled.get(&index) else { return };
        let touches = |plan: &Option<StagePlan>| plan.as_ref().is_some_and(StagePlan::touches_key);
        let by = compiled.stages.iter().position(touches);
        let by = by.and_then(|stage| self.stages.get(stage));
        if by.is_none() && !compiled.layout.fates(Image::Key).contains(&Fate::Remove) {
            return;
        }
        for number in rows {
            let row = batch.events.rows.get(*number as usize);
            if row.is_some_and(|row| row.key.presence == Presence::Opaque) {
                let who = if by.is_some() { "the plugin" } else { "the gateway" };
                let reason =
                    format!("the key is not a JSON object, yet {who} changes a column of the key");
                let plugin = by.map(|stage| Arc::clone(&stage.identity));
                let refusal = Refusal { plugin, ..Refusal::new(Code::Undecodable, reason) };
                set(&mut self.verdicts, *number, Verdict::Refuse(Box::new(refusal)));
            }
        }
    }

    /// Decides about rows that hold a column that no one has listed.
    fn refuse_unlisted(
        &mut self,
        table: &Table,
        index: table::Index,
        rows: &[u32],
        batch: Batch<'_, '_>,
    ) {
        let verdict: fn(Box<Refusal>) -> Verdict = match self.rules.listing.policy() {
            Unlisted::Pass | Unlisted::Remove => return,
            Unlisted::DeadLetter => Verdict::Refuse,
            Unlisted::Halt => Verdict::Halt,
        };
        let Some(Ok(compiled)) = self.compiled.get(&index) else { return };
        if compiled.unlisted.is_empty() {
            return;
        }
        for number in rows {
            let Some(row) = batch.events.rows.get(*number as usize) else { continue };
            let Some(column) = compiled.unlisted.first_in(row, batch.events) else { continue };
            let name = table.columns.get(usize::from(column)).map_or("", |column| &*column.name);
            let reason = format!(
                "nobody has listed column \"{name}\" of table \"{}\"; name it under `listed`, or let a plugin write or remove it",
                table.qualified_name()
            );
            let refusal = Refusal::new(Code::SchemaUnknown, reason);
            set(&mut self.verdicts, *number, verdict(Box::new(refusal)));
        }
    }
}
