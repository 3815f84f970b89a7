//! One stage's call: tried, tried again where that may help, and split in parts until what the plugin cannot do stands alone. The
//! others go on, once and in order. Where the plugin can do nothing at all the search ends early, and the rows wait. Must not know
//! what plugins are made of.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::breaker::{Admission, FAULTS, SOON, Went};
use crate::contract::{self, Fault, FaultClass};
use crate::outcome::{Code, Hold, Refusal};

use super::{Batch, Call, Chain, Made, apply, by_policy, gather, set};

/// How often a row is tried that ran out of time, alone: once, and again after all others, which tell a slow row from a plugin that
/// never ends. Each try of that one is a whole deadline that its neighbours wait for the processor.
const TRIES_OF_A_TIMEOUT: u32 = 3;

/// A part that failed is tried again in so many. A call that fails costs several that do not, for the instance is thrown away: four
/// need half as many of them as two would, and no more calls in all.
const PARTS: usize = 4;

/// Splitting ends after so many calls or so much time for one batch; what was not told apart by then shares its fate. One row
/// among 1,024 takes 22 calls to find, ten rows about 140.
const CALLS: u32 = 256;
const TIME: Duration = Duration::from_secs(5);

/// What finding the poisonous rows of one batch has cost and found.
struct Search {
    begun: Instant,
    calls: u32,
    /// What is still to be tried, the next part last.
    open: Vec<Range<usize>>,
    /// Rows that ran out of time alone, once.
    slow: Vec<Range<usize>>,
    /// What the plugin cannot do, and why.
    refused: Vec<(Range<usize>, Refusal)>,
    /// Rows that failed alone.
    alone: usize,
    /// Whether the plugin has done any part.
    succeeded: bool,
    /// Whether the whole could be done, though not at once.
    recovered: bool,
    /// In the gateway's words.
    last_fault: Option<String>,
}

/// How a search ended.
enum End {
    /// Every row was done or is refused.
    Through,
    /// The plugin can do nothing of it: looking on would only cost instances.
    Hopeless,
    /// Another lane, or an operator, opened the breaker meanwhile.
    Opened,
    /// The gateway could not run the plugin.
    NotRun(Fault),
}

/// What a part that went well has shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    /// The plugin was not asked: no row of the part could be read.
    Unasked,
    At(u32),
}

impl Search {
    fn over(rows: usize) -> Self {
        Self {
            begun: Instant::now(),
            calls: 0,
            open: std::iter::once(0..rows).collect(),
            slow: Vec::new(),
            refused: Vec::new(),
            alone: 0,
            succeeded: false,
            recovered: false,
            last_fault: None,
        }
    }

    /// What to try next, and how often it was tried before.
    fn next(&mut self) -> Option<(Range<usize>, u32)> {
        let fresh = self.open.pop().map(|range| (range, 0));
        fresh.or_else(|| Some((self.slow.pop()?, 1)))
    }

    fn may_go_on(&self) -> bool {
        self.calls < CALLS && self.begun.elapsed() < TIME
    }

    fn went(&self, rows: usize, end: &End, may_split: bool) -> Went {
        let refused: usize = self.refused.iter().map(|(range, _)| range.len()).sum();
        match end {
            End::NotRun(_) | End::Opened => Went::Unjudged,
            End::Hopeless => Went::Hopeless,
            End::Through if refused == 0 && self.recovered => Went::Recovered,
            End::Through if refused == 0 && self.succeeded => Went::Well,
            End::Through if refused == 0 => Went::Unjudged,
            End::Through if rows > 1 && !may_split => Went::Refused,
            End::Through if !self.succeeded && refused >= FAULTS => Went::Hopeless,
            End::Through => Went::Split { rows, refused },
        }
    }
}

impl Chain {
    /// Calls the plugin with `rows`, and gives those that it cannot do over to its fault policy; or lets them wait, where the
    /// plugin is to blame.
    pub(super) fn call(&mut self, call: Call, rows: &[u32], batch: Batch<'_, '_>) {
        let mut search = Search::over(rows.len());
        let end = self.search(call, rows, batch, &mut search);
        search.open.append(&mut search.slow);
        self.conclude(call, rows, search, end);
    }

    fn search(
        &mut self,
        call: Call,
        rows: &[u32],
        batch: Batch<'_, '_>,
        search: &mut Search,
    ) -> End {
        while let Some((range, before)) = search.next() {
            let part = rows.get(range.clone()).unwrap_or_default();
            let (fault, tries) = match self.try_part(call, (part, rows, before), batch, search) {
                Ok(done) => {
                    search.succeeded |= done != Done::Unasked;
                    search.recovered |= matches!(done, Done::At(2..)) && part.len() == rows.len();
                    continue;
                }
                Err(failed) => failed,
            };
            if fault.class == FaultClass::NotRun {
                search.open.push(range);
                return End::NotRun(fault);
            }
            if part.len() > 1 && self.may_split(call) && search.may_go_on() {
                let size = part.len().div_ceil(PARTS);
                let parts = range.clone().step_by(size).map(|at| at..range.end.min(at + size));
                // The last is next: parts are called in the order of their rows.
                search.open.extend(parts.rev());
            } else if part.len() == 1 && tries == 1 && fault.class == FaultClass::Timeout {
                search.alone += 1;
                search.slow.push(range);
            } else {
                search.alone += usize::from(part.len() == 1 && before == 0);
                let refusal = self.refusal(call.stage, &fault, fault.message.clone(), tries);
                search.refused.push((range, refusal));
            }
            if call.admitted != Admission::Forced && !search.succeeded && search.alone >= FAULTS {
                return End::Hopeless;
            }
            if call.admitted == Admission::Full && self.open_until(call).is_some() {
                return End::Opened;
            }
        }
        End::Through
    }

    /// Tells the breaker, and decides about what was not done.
    fn conclude(&mut self, call: Call, rows: &[u32], search: Search, end: End) {
        let Some(stage) = self.stages.get(call.stage) else { return };
        let (policy, breaker) = (stage.on_fault, Arc::clone(&stage.breaker));
        let plugin = Arc::clone(&stage.identity);
        let went = search.went(rows.len(), &end, self.may_split(call));
        let now = Instant::now();
        let time = (now.saturating_duration_since(search.begun), now);
        let turned = breaker.note(call.admitted, went, search.last_fault.as_deref(), time);
        self.turned(call.stage, turned);
        if search.refused.is_empty() && search.open.is_empty() {
            return;
        }
        let of = |range: Range<usize>| rows.get(range).unwrap_or_default();
        let is_its_own = went.faults() == 0 && !matches!(end, End::Opened);
        match (end, breaker.open_until(now)) {
            (End::NotRun(fault), _) => {
                let hold = self.stall(&plugin, fault.message);
                let refused = search.refused.into_iter().map(|(range, _)| range);
                refused.chain(search.open).for_each(|range| self.hold(of(range), &hold));
            }
            (_, Some(until)) if !is_its_own => {
                let refused = search.refused.into_iter().map(|(range, _)| range);
                let undone = refused.chain(search.open);
                undone.for_each(|range| self.stand_back(call.stage, of(range), until));
            }
            _ => {
                for (range, refusal) in search.refused {
                    for row in of(range) {
                        // What could not even be read has been refused for that.
                        if self.verdict(*row).goes_on() {
                            set(&mut self.verdicts, *row, by_policy(policy, refusal.clone()));
                        }
                    }
                }
                // The breaker was closed again by hand before the search ended: what it left is read again.
                let reason = "its breaker was reset".to_owned();
                let hold = Hold { plugin, reason, until: now + SOON };
                search.open.into_iter().for_each(|range| self.hold(of(range), &hold));
            }
        }
    }

    fn open_until(&self, call: Call) -> Option<Instant> {
        self.stages.get(call.stage)?.breaker.open_until(Instant::now())
    }

    /// Tries a part of `all` as often as may help: a whole batch again on a fresh instance, since the fault may lie in what the
    /// old one had become; a single row that ran out of time before again, since the machine may have been slow. The error has
    /// the number of tries.
    fn try_part(
        &mut self,
        call: Call,
        (part, all, before): (&[u32], &[u32], u32),
        batch: Batch<'_, '_>,
        search: &mut Search,
    ) -> Result<Done, (Fault, u32)> {
        let mut tries = before;
        loop {
            tries += 1;
            search.calls += 1;
            let fault = match self.attempt(call, part, batch) {
                Ok(true) => return Ok(Done::At(tries)),
                Ok(false) => return Ok(Done::Unasked),
                Err(fault) => fault,
            };
            search.last_fault = Some(fault.message.clone());
            let is_whole = part.len() == all.len();
            let most = match fault.class {
                // What a plugin says itself it will say again, and what cannot run now cannot at once.
                FaultClass::Rejected | FaultClass::NotRun => 1,
                FaultClass::Timeout if before > 0 => TRIES_OF_A_TIMEOUT,
                FaultClass::Timeout if part.len() == 1 => 1,
                // A probe asks and does not insist: another follows.
                FaultClass::Timeout if matches!(call.admitted, Admission::Probe { .. }) => 1,
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

    /// One call. Where it succeeds the whole answer is kept, else nothing of it. Gives whether the plugin was asked at all.
    fn attempt(&mut self, call: Call, rows: &[u32], batch: Batch<'_, '_>) -> Result<bool, Fault> {
        let Some(Ok(compiled)) = self.compiled.get(&call.index) else { return Ok(false) };
        let Some(Some(plan)) = compiled.stages.get(call.stage) else { return Ok(false) };
        let Some(stage) = self.stages.get_mut(call.stage) else { return Ok(false) };
        let source = gather::Source { batch, overlay: &self.overlay };
        for (row, place) in self.gathered.fill(plan, rows, source) {
            let reason = format!("cell {place} holds half of a surrogate pair, which is no text");
            let refusal = Refusal::by(Code::Undecodable, &stage.identity, reason);
            set(&mut self.verdicts, row, by_policy(stage.on_fault, refusal));
        }
        let rows = &self.gathered.rows;
        if rows.is_empty() {
            return Ok(false);
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
                Ok(true)
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
