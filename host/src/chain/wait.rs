//! When a plugin may not be called: its rows wait, or go by without it. Must not know how lanes wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::breaker::{Admission, LONGEST_WAIT, State, View};
use crate::config::OnOpen;
use crate::contract::FaultClass;
use crate::outcome::{Hold, Identity, Refusal};
use crate::table::{self, Table};

use super::{Chain, Stage, Verdict, set};

/// How long rows wait for a plugin that the gateway could not run, and tables at first for one that failed to open them.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// A breaker that opened, was tried or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    pub plugin: Arc<Identity>,
    pub on_open: OnOpen,
    pub state: State,
    pub view: View,
}

/// A table that could not be opened and will be tried again.
pub(super) struct Later {
    hold: Hold,
    tries: u32,
    /// As [`Chain::releases`] was: an operator's order makes the time void.
    releases: u64,
}

impl Chain {
    /// Grows whenever rows that wait may be tried again before the time that was told.
    pub fn releases(&self) -> u64 {
        self.stages.iter().map(|stage| stage.breaker.releases()).sum()
    }

    /// The breakers that turned since this was last asked.
    pub fn take_turned(&mut self) -> Vec<Turned> {
        std::mem::take(&mut self.turned)
    }

    /// Whether the stage may be called now. Where not, `rows` get what comes of that.
    pub(super) fn admit(&mut self, stage: usize, rows: &[u32]) -> Option<Admission> {
        if let Some(hold) = self.stalled.clone() {
            self.hold(rows, &hold);
            return None;
        }
        let now = Instant::now();
        match self.stages.get(stage)?.breaker.admit(now) {
            Admission::Wait { until } => {
                self.stand_back(stage, rows, until);
                None
            }
            admitted => {
                if admitted == (Admission::Probe { begins: true }) {
                    self.turned(stage, Some(State::HalfOpen));
                }
                Some(admitted)
            }
        }
    }

    /// The breaker is open until then: the rows wait, or go by as if the plugin had left them alone.
    pub(super) fn stand_back(&mut self, stage: usize, rows: &[u32], until: Instant) {
        let Some(known) = self.stages.get_mut(stage) else { return };
        match known.on_open {
            OnOpen::Halt => {
                let hold = not_called(known, until);
                self.hold(rows, &hold);
            }
            OnOpen::Bypass => known.bypassed += rows.len() as u64,
        }
    }

    /// The gateway cannot run plugins now. None is asked for the rest of the batch: each would only cost its own wait.
    pub(super) fn stall(&mut self, plugin: &Arc<Identity>, reason: String) -> Hold {
        let until = Instant::now() + FIRST_WAIT;
        let hold = Hold { plugin: Arc::clone(plugin), reason, until };
        self.stalled = Some(hold.clone());
        hold
    }

    pub(super) fn hold(&mut self, rows: &[u32], hold: &Hold) {
        for row in rows {
            if self.verdict(*row).goes_on() {
                set(&mut self.verdicts, *row, Verdict::Hold(Box::new(hold.clone())));
            }
        }
    }

    pub(super) fn turned(&mut self, stage: usize, state: Option<State>) {
        if let (Some(stage), Some(state)) = (self.stages.get(stage), state) {
            self.turned.push(Turned {
                plugin: Arc::clone(&stage.identity),
                on_open: stage.on_open,
                state,
                view: stage.breaker.view(Instant::now()),
            });
        }
    }

    /// Why the plugins may not be asked for their plans of `table` now.
    pub(super) fn not_yet(&self, index: table::Index, table: &Table) -> Option<Hold> {
        if let Some(hold) = &self.stalled {
            return Some(hold.clone());
        }
        let now = Instant::now();
        if let Some(later) = self.later.get(&index)
            && now < later.hold.until
            && later.releases == self.releases()
        {
            return Some(later.hold.clone());
        }
        let mut asked = self.stages.iter().filter(|stage| stage.takes(table));
        asked.find_map(|stage| Some(not_called(stage, stage.breaker.waits(now)?)))
    }

    /// When to open a table again whose opening ended in `refusal`; none where only another plugin can help. A plugin that says no
    /// or breaks the contract does so again; what failed otherwise may have been the machine's fault, or what an old instance
    /// had become.
    pub(super) fn again(&mut self, index: table::Index, refusal: &Refusal) -> Option<Hold> {
        let class = refusal.fault?;
        let plugin = refusal.plugin.clone()?;
        if class == FaultClass::NotRun {
            return Some(self.stall(&plugin, refusal.reason.clone()));
        }
        if matches!(class, FaultClass::Rejected | FaultClass::ContractViolated) {
            return None;
        }
        let stage = self.stages.iter().position(|stage| stage.identity == plugin)?;
        let breaker = Arc::clone(&self.stages.get(stage)?.breaker);
        let now = Instant::now();
        let turned = breaker.failed(&refusal.reason, now);
        self.turned(stage, turned);
        let tries = self.later.get(&index).map_or(0, |later| later.tries);
        let wait = FIRST_WAIT.saturating_mul(1 << tries.min(10)).min(LONGEST_WAIT);
        let hold = Hold { plugin, reason: refusal.reason.clone(), until: now + wait };
        let releases = self.releases();
        self.later.insert(index, Later { hold: hold.clone(), tries: tries + 1, releases });
        Some(hold)
    }
}

fn not_called(stage: &Stage, until: Instant) -> Hold {
    let View { by_hand, cause, .. } = stage.breaker.view(Instant::now());
    let reason = match cause {
        _ if by_hand => {
            "it is held back by hand; `lockgate plugin reset` lets it go again".to_owned()
        }
        Some(cause) => format!("it is not called for now, because {cause}"),
        None => "it is being tried".to_owned(),
    };
    Hold { plugin: Arc::clone(&stage.identity), reason, until }
}
