//! One stage's call: tried, tried again where that may help, and split in halves until what the plugin cannot do stands alone. The
//! others go on, once and in order. Must not know what plugins are made of.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::contract::{self, Fault, FaultClass};
use crate::outcome::{Code, Refusal};

use super::{Batch, Call, Chain, Made, apply, by_policy, gather, set};

/// How often a row is tried that ran out of time, alone.
const TRIES_OF_A_TIMEOUT: u32 = 3;

/// Splitting ends after so many calls or so much time for one batch; what was not told apart by then shares its fate. One row
/// among 1,024 takes 21 calls to find, ten rows about 150.
const CALLS: u32 = 256;
const TIME: Duration = Duration::from_secs(5);

/// What finding the poisonous rows of one batch has cost.
struct Search {
    begun: Instant,
    calls: u32,
}

impl Search {
    fn may_go_on(&self) -> bool {
        self.calls < CALLS && self.begun.elapsed() < TIME
    }
}

impl Chain {
    /// Calls the plugin with `rows`, and gives those that it cannot do over to its fault policy.
    pub(super) fn call(&mut self, call: Call, rows: &[u32], batch: Batch<'_, '_>) {
        let mut search = Search { begun: Instant::now(), calls: 0 };
        let mut open: Vec<Range<usize>> = std::iter::once(0..rows.len()).collect();
        while let Some(range) = open.pop() {
            let part = rows.get(range.clone()).unwrap_or_default();
            let Err((fault, tries)) = self.try_part(call, (part, rows), batch, &mut search) else {
                continue;
            };
            if part.len() > 1 && self.may_split(call) && search.may_go_on() {
                let middle = range.start + part.len() / 2;
                // The last is next: halves are called in the order of their rows.
                open.extend([middle..range.end, range.start..middle]);
                continue;
            }
            let refusal = self.refusal(call.stage, &fault, fault.message.clone(), tries);
            let policy = self.stages.get(call.stage).map(|stage| stage.on_fault);
            for row in part {
                // What could not even be read has been refused for that.
                if self.verdict(*row).goes_on() {
                    let verdict = by_policy(policy.unwrap_or_default(), refusal.clone());
                    set(&mut self.verdicts, *row, verdict);
                }
            }
        }
    }

    /// Tries a part of `all` as often as may help: a whole batch again on a fresh instance, since the fault may lie in what the
    /// old one had become; a single row that ran out of time again, since the machine may have been slow. The error has the
    /// number of tries.
    fn try_part(
        &mut self,
        call: Call,
        (part, all): (&[u32], &[u32]),
        batch: Batch<'_, '_>,
        search: &mut Search,
    ) -> Result<(), (Fault, u32)> {
        let mut tries = 0;
        loop {
            tries += 1;
            search.calls += 1;
            let Err(fault) = self.attempt(call, part, batch) else { return Ok(()) };
            let is_whole = part.len() == all.len();
            let most = match fault.class {
                FaultClass::Timeout if part.len() == 1 => TRIES_OF_A_TIMEOUT,
                // What a plugin says itself it will say again.
                FaultClass::Rejected => 1,
                _ if is_whole => 2,
                _ => 1,
            };
            if tries >= most {
                return Err((fault, tries));
            }
        }
    }

    /// Whether the plugin said that its rows do not depend on one another.
    fn may_split(&self, call: Call) -> bool {
        let compiled = self.compiled.get(&call.index).and_then(|compiled| compiled.as_ref().ok());
        let plan = compiled.and_then(|compiled| compiled.stages.get(call.stage)?.as_ref());
        plan.is_some_and(|plan| plan.plan.independent)
    }

    /// One call. Where it succeeds the whole answer is kept, else nothing of it.
    fn attempt(&mut self, call: Call, rows: &[u32], batch: Batch<'_, '_>) -> Result<(), Fault> {
        let Some(Ok(compiled)) = self.compiled.get(&call.index) else { return Ok(()) };
        let Some(Some(plan)) = compiled.stages.get(call.stage) else { return Ok(()) };
        let Some(stage) = self.stages.get_mut(call.stage) else { return Ok(()) };
        let source = gather::Source { batch, overlay: &self.overlay };
        for (row, place) in self.gathered.fill(plan, rows, source) {
            let reason = format!("cell {place} holds half of a surrogate pair, which is no text");
            let refusal = Refusal::by(Code::Undecodable, &stage.identity, reason);
            set(&mut self.verdicts, row, by_policy(stage.on_fault, refusal));
        }
        let rows = &self.gathered.rows;
        if rows.is_empty() {
            return Ok(());
        }
        let asked = contract::Batch {
            table: call.table,
            operations: &self.gathered.operations,
            reads: &self.gathered.reads,
        };
        let begun = Instant::now();
        let answer = stage.transform.process(asked);
        let took = begun.elapsed();
        match answer.and_then(|answer| apply::check(plan, rows.len(), answer)) {
            Ok(answer) => {
                let edits = answer.edits.iter().map(|edit| edit.rows.len()).sum();
                stage.calls.push(Made { rows: rows.len(), edits, took, fault: None });
                let target = apply::Target { stage, plan, rows, batch };
                let kept = apply::Kept {
                    overlay: &mut self.overlay,
                    verdicts: &mut self.verdicts,
                    emissions: &mut self.emissions,
                };
                apply::apply(answer, target, kept);
                Ok(())
            }
            Err(fault) => {
                let made = Made { rows: rows.len(), edits: 0, took, fault: Some(fault.class) };
                stage.calls.push(made);
                if fault.class == FaultClass::ContractViolated {
                    stage.transform.discard(&fault);
                }
                Err(fault)
            }
        }
    }
}
