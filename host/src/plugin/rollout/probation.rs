//! The watch over a version that has just come to serve, and the way back where it does worse than the one before.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Decided, State, Verdict, is_nothing, with_advice};
use crate::breaker;
use crate::plugin::catalog::{Catalog, Trial};
use crate::plugin::draft::{file_name, in_chain};
use crate::plugin::folder::Problem;
use crate::plugin::stats::Figures;
use crate::plugin::version::Version;

/// So many bad batches may happen to anyone.
const FEWEST_FAULTS: u64 = 3;

/// So many calls say something about the slowest of a hundred.
const FEWEST_CALLS: u64 = 100;

/// A version under watch, and where it stood when the watch began.
pub(super) struct Probation {
    began: Instant,
    /// Since when an operator keeps it from being called, and for how long others did before: no time in which to prove itself.
    held: Option<Instant>,
    idle: Duration,
    base: Figures,
    trips: u64,
    /// Batches of the version before, and those of them with a fault.
    before: (u64, u64),
}

enum Judgement {
    On,
    Settled,
    Failed(String),
    /// Some table could not be opened, which may have been the moment's fault, or any version's.
    Doubtful,
}

const NO_TABLE: &str = "it does not take a table that the version before it takes";

impl Probation {
    /// None where there is nothing to watch for.
    pub(super) fn of(version: &Version, old: &Version, now: Instant) -> Option<Self> {
        let old = old.stats().figures();
        (!is_nothing(version.setup.rollout.probation)).then(|| Self {
            began: now,
            held: None,
            idle: Duration::ZERO,
            base: version.stats().figures(),
            trips: version.breaker().view(now).trips,
            before: (old.batches, old.faulty),
        })
    }

    /// The same plugin serves from another place in the chain, and counts from zero.
    pub(super) fn goes_on_with(&mut self, version: &Version) {
        self.base = version.stats().figures();
        self.trips = version.breaker().view(self.began).trips;
    }

    /// How long it could be called.
    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        let held = self.held.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        now.saturating_duration_since(self.began).saturating_sub(self.idle + held)
    }

    /// Whether an operator holds it open, so that there is nothing to judge by.
    fn is_held(&mut self, breaker: &breaker::View, now: Instant) -> bool {
        let is_held = breaker.by_hand && breaker.state == breaker::State::Open;
        match self.held {
            None if is_held => self.held = Some(now),
            Some(since) if !is_held => {
                self.idle += now.saturating_duration_since(since);
                self.held = None;
            }
            None | Some(_) => {}
        }
        is_held
    }

    /// Rows it has carried since it serves.
    pub(super) fn rows(&self, version: &Version) -> u64 {
        version.stats().figures().rows.saturating_sub(self.base.rows)
    }

    fn judge(&mut self, version: &Version, now: Instant) -> Judgement {
        let breaker = version.breaker().view(now);
        if self.is_held(&breaker, now) {
            return Judgement::On;
        }
        if let Some(why) = self.fault(version, breaker) {
            return Judgement::Failed(why);
        }
        if version.stats().figures().unopened > self.base.unopened {
            return Judgement::Doubtful;
        }
        let length = version.setup.rollout.probation;
        let over = self.elapsed(now) >= length.time || self.rows(version) >= length.events;
        if over { Judgement::Settled } else { Judgement::On }
    }

    /// What it does worse than the version before.
    fn fault(&self, version: &Version, breaker: breaker::View) -> Option<String> {
        if breaker.trips > self.trips || breaker.state != breaker::State::Closed {
            let cause = breaker.cause.map_or_else(String::new, |cause| format!(": {cause}"));
            return Some(format!("its breaker opened{cause}"));
        }
        let now = version.stats().figures();
        let grown = |of: fn(&Figures) -> u64| of(&now).saturating_sub(of(&self.base));
        let (batches, faulty) = (grown(|it| it.batches), grown(|it| it.faulty));
        let (old_batches, old_faulty) = self.before;
        let is_worse = match old_batches {
            0 => faulty > 0,
            _ => {
                u128::from(faulty) * u128::from(old_batches)
                    > u128::from(old_faulty) * u128::from(batches)
            }
        };
        if faulty >= FEWEST_FAULTS && is_worse {
            return Some(format!(
                "{faulty} of {batches} batches failed, before it {old_faulty} of {old_batches}"
            ));
        }
        let (calls, slow) = (grown(|it| it.timed), grown(|it| it.slow));
        if calls >= FEWEST_CALLS && slow * 100 > calls {
            let limit = version.setup.rollout.p99;
            return Some(format!(
                "{slow} of {calls} calls took longer than `p99`, which is {limit:?}"
            ));
        }
        None
    }

    /// With how long it served.
    fn rolled_back(&self, why: &str, now: Instant) -> String {
        format!("rolled back after {:.1} s: {why}", self.elapsed(now).as_secs_f64())
    }
}

impl Catalog {
    pub fn is_in_probation(&self) -> bool {
        !self.state().probations.is_empty()
    }

    /// Looks after the versions under watch: takes back what does worse than the version before it, lets be what has proved itself.
    /// Whether anything came of it.
    pub fn watch_over(&self, trial: Trial<'_>, now: Instant) -> bool {
        let mut state = self.state();
        if state.probations.is_empty() {
            return false;
        }
        let mut is_news = false;
        for version in &self.current().plugins {
            let name = &version.place.name;
            // It may have gone with one before it.
            let Some(probation) = state.probations.get_mut(name) else { continue };
            match probation.judge(version, now) {
                Judgement::On => continue,
                Judgement::Settled => {
                    let (plugin, version) = (&**name, &*version.identity.version);
                    tracing::info!(plugin, version, "plugin settled");
                }
                Judgement::Failed(why) => {
                    let why = probation.rolled_back(&why, now);
                    if let Err(reason) = self.roll_back(&mut state, name, &why, trial) {
                        let plugin = &**name;
                        tracing::error!(plugin, why, reason, "plugin cannot be rolled back");
                    }
                }
                Judgement::Doubtful => {
                    let why = probation.rolled_back(NO_TABLE, now);
                    let stands = trial(&self.current().plugins).is_ok();
                    if stands || self.roll_back(&mut state, name, &why, trial).is_err() {
                        let unopened = version.stats().figures().unopened;
                        if let Some(probation) = state.probations.get_mut(name) {
                            probation.base.unopened = unopened;
                        }
                        continue;
                    }
                }
            }
            state.probations.remove(name);
            is_news = true;
        }
        drop(state);
        if is_news {
            self.remember();
        }
        is_news
    }

    /// Puts the version before in the place of what serves as `plugin`. Versions that came to serve lately go back with it where
    /// the chain cannot run otherwise.
    pub(super) fn roll_back(
        &self,
        state: &mut State,
        plugin: &Arc<str>,
        why: &str,
        trial: Trial<'_>,
    ) -> Result<(), String> {
        let serving = self.current();
        let going_back = |back: &[Arc<str>]| {
            let old = |version: &Arc<Version>| {
                let name = &version.place.name;
                let old = state.previous.get(name).filter(|_| back.contains(name));
                Arc::clone(old.unwrap_or(version))
            };
            let mut chain: Vec<Arc<Version>> = serving.plugins.iter().map(old).collect();
            chain.sort_by(|a, b| in_chain(a, b));
            chain
        };
        let mut back = vec![Arc::clone(plugin)];
        let mut chain = going_back(&back);
        if let Err(reason) = trial(&chain) {
            back.extend(state.probations.keys().filter(|name| *name != plugin).cloned());
            if back.len() == 1 {
                return Err(reason);
            }
            chain = going_back(&back);
            trial(&chain)?;
        }
        for version in serving.plugins.iter().filter(|one| back.contains(&one.place.name)) {
            let together = format!("rolled back together with plugin \"{plugin}\"");
            let why = if version.place.name == *plugin { why } else { &together };
            self.take_back(state, version, why);
        }
        self.publish(chain);
        self.tell(state);
        Ok(())
    }

    /// Notes that `bad` serves no longer.
    fn take_back(&self, state: &mut State, bad: &Arc<Version>, reason: &str) {
        let plugin = &bad.place.name;
        state.probations.remove(plugin);
        let old = state.previous.remove(plugin);
        if let Some(old) = &old {
            old.breaker().order(breaker::Order::Reset, Instant::now());
        }
        self.remember_bad(state, bad, old.as_deref(), reason);
    }

    /// Sees to it that `bad` is not tried again by itself, and that this is told. `old` serves in its place.
    pub(super) fn remember_bad(
        &self,
        state: &mut State,
        bad: &Arc<Version>,
        old: Option<&Version>,
        reason: &str,
    ) {
        let plugin = &bad.place.name;
        let version = &*bad.identity.version;
        let serves = old.map(|old| &*old.identity.version);
        tracing::warn!(plugin = &**plugin, version, serves, reason, "plugin rolled back");
        self.rolled_back.fetch_add(1, Ordering::Relaxed);
        let decided = Decided::about(bad, Verdict::RolledBack(reason.to_owned()));
        state.decided.insert(Arc::clone(plugin), decided);
        state.problems.retain(|problem| problem.plugin.as_ref() != Some(plugin));
        state.problems.push(Problem {
            file: file_name(&bad.place.file),
            plugin: Some(Arc::clone(plugin)),
            pending: false,
            reason: with_advice(reason, plugin),
        });
    }
}
