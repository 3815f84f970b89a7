//! How a changed folder comes to serve, stage by stage: checked, run beside what serves, live, watched, settled. Remembers what
//! failed on the way. Must not know files, how two chains are run beside each other, or who gives orders.

mod marks;
mod orders;
mod probation;
mod recall;
mod views;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use super::catalog::{Catalog, Generation, Reload, Trial, is_same_chain};
use super::draft::{Draft, Stood, Unfit};
use super::folder::{Found, Look, Problem};
use super::rehearsal::{Go, Progress, Rehearsal};
use super::version::{Place, Version};
use crate::breaker;
use crate::config::{self, Length, PluginFile};
use probation::Probation;

pub(super) use marks::Marks;

/// What a chain has to stand before it serves.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    pub trial: Trial<'a>,
    /// None where no chain can be run beside another.
    pub rehearsal: Option<&'a dyn Rehearsal>,
    /// What has happened since this was last asked.
    pub meanwhile: &'a dyn Fn() -> Meanwhile,
}

/// What can happen while a new chain runs beside the old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    Nothing,
    /// The folder may have changed.
    Hint,
    /// An order wants the folder looked at.
    Order,
    /// Nobody follows the folder any longer.
    Over,
}

/// What is on its way, and what is remembered, by plugin name.
#[derive(Default)]
pub(super) struct State {
    shadow: Option<Shadow>,
    /// Versions that serve and are watched.
    probations: BTreeMap<Arc<str>, Probation>,
    /// What a rollback brings back: the last version that was settled.
    previous: BTreeMap<Arc<str>, Arc<Version>>,
    decided: BTreeMap<Arc<str>, Decided>,
    /// What was decided against, also of what lies in the folder no longer.
    pub(super) marks: Marks,
    /// Of the latest look at the folder.
    pub(super) problems: Vec<Problem>,
}

/// New versions that run beside what serves.
struct Shadow {
    candidates: Vec<Arc<Version>>,
    length: Length,
    progress: Progress,
    /// What an operator said about it.
    word: Option<Go>,
}

/// What is known about the version that a plugin's files hold; void once they hold another.
struct Decided {
    version: String,
    digest: String,
    setup: PluginFile,
    verdict: Verdict,
    /// It was decided some time before, and is remembered.
    recalled: bool,
}

enum Verdict {
    /// It failed beside what served.
    Refused(String),
    /// It served, and was taken back.
    RolledBack(String),
    /// An operator wants it to serve; as `settled` where it had failed before.
    Promoted { settled: bool },
}

impl Decided {
    fn about(version: &Version, verdict: Verdict) -> Self {
        Self {
            version: version.identity.version.clone(),
            digest: version.identity.digest.clone(),
            setup: version.setup.clone(),
            verdict,
            recalled: false,
        }
    }

    fn is_promoted(&self) -> bool {
        matches!(self.verdict, Verdict::Promoted { .. })
    }

    fn is_settled(&self) -> bool {
        matches!(self.verdict, Verdict::Promoted { settled: true })
    }

    /// Why it must not serve; none where it may.
    fn reason(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::Refused(reason) | Verdict::RolledBack(reason) => Some(reason),
            Verdict::Promoted { .. } => None,
        }
    }
}

/// What a person can do about a version that is not tried again.
pub(super) fn with_advice(reason: &str, plugin: &str) -> String {
    format!(
        "{reason}; put another file in its place, or take it all the same with `lockgate plugin promote {plugin}`"
    )
}

impl State {
    /// Whether that has just become of a version that had served.
    pub(super) fn took_back(&self, plugin: &Arc<str>, told: &str) -> bool {
        self.decided.get(plugin).is_some_and(|decided| match &decided.verdict {
            Verdict::RolledBack(reason) => !decided.recalled && told == with_advice(reason, plugin),
            Verdict::Refused(_) | Verdict::Promoted { .. } => false,
        })
    }

    pub(super) fn recalls(&self, plugin: &Arc<str>) -> bool {
        self.decided.get(plugin).is_some_and(|decided| decided.recalled)
    }

    fn is_promoted(&self, plugin: &Arc<str>) -> bool {
        self.decided.get(plugin).is_some_and(Decided::is_promoted)
    }

    /// Whether the version that is kept to go back to is the same: its file was put back.
    fn is_proven(&self, version: &Version) -> bool {
        self.previous.get(&version.place.name).is_some_and(|old| does_the_same(old, version))
    }

    /// Takes in that `plugins` are about to serve in place of `before`.
    fn succeed(&mut self, before: &[Arc<Version>], plugins: &[Arc<Version>], now: Instant) {
        for version in plugins {
            let name = &version.place.name;
            let old = before.iter().find(|old| old.place.name == *name);
            if old.is_some_and(|old| Arc::ptr_eq(old, version)) {
                continue;
            }
            // What went on beside the old chain is no experience.
            version.breaker().order(breaker::Order::Reset, now);
            let decided = self.decided.remove(name);
            self.marks.forgive(name, &version.identity.digest, &version.setup);
            let Some(old) = old else { continue };
            if does_the_same(old, version) {
                if let Some(probation) = self.probations.get_mut(name) {
                    probation.goes_on_with(version);
                }
                continue;
            }
            let is_proven = self.is_proven(version);
            // What was still watched when it was replaced has not proved to be worth going back to.
            if self.probations.remove(name).is_none() {
                self.previous.insert(Arc::clone(name), Arc::clone(old));
            } else if is_proven {
                self.previous.remove(name);
            }
            let is_settled = is_proven || decided.is_some_and(|decided| decided.is_settled());
            if let (false, Some(previous)) = (is_settled, self.previous.get(name)) {
                let probation = Probation::of(version, previous, now);
                self.probations.extend(probation.map(|one| (Arc::clone(name), one)));
            }
        }
        let stays = |name: &Arc<str>| plugins.iter().any(|version| version.place.name == *name);
        self.previous.retain(|name, _| stays(name));
        self.probations.retain(|name, _| stays(name));
    }
}

impl Catalog {
    /// Looks at the folder again and takes over what is fit to serve.
    ///
    /// All changes are tried together first. Where that fails they are tried one by one, each on top of those that stood their
    /// trial, so that one bad file does not hold up the others. A removal that the rest of the chain cannot stand is not
    /// carried out.
    pub fn reload(&self, checks: &Checks<'_>) -> Reload {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let serving = self.current();
        let look = match self.look() {
            Ok(look) => look,
            Err(err) => {
                // A folder that is gone is no decision about any plugin: a mount may be late.
                let reason = format!("reading the plugin folder: {err}");
                let file = self.folder().display().to_string();
                let mut state = self.state();
                state.problems = vec![Problem { file, plugin: None, pending: false, reason }];
                self.tell(&state);
                return Reload::default();
            }
        };
        let seen = Seen::of(&look);
        let mut draft = Draft::of(self, &mut memory, &serving.plugins, look);
        let has_rest = draft.promoted_first(|name| self.state().is_promoted(name));
        let stand = |chain: &[_]| self.stand(chain, &serving, checks, &seen);
        let fit = draft.try_out(&serving.plugins, &stand);
        let mut state = self.state();
        let word = state.shadow.take().and_then(|shadow| shadow.word);
        let fit = fit.filter(|_| word != Some(Go::Away) && self.number() == serving.number);
        let Some(fit) = fit else { return Reload { interrupted: true, ..Reload::default() } };
        state.decided.retain(|name, _| draft.knows(name));
        for (version, reason) in draft.failed {
            let decided = Decided::about(&version, Verdict::Refused(reason));
            state.decided.insert(Arc::clone(&version.place.name), decided);
        }
        let generation = (!is_same_chain(&fit, &serving.plugins)).then(|| {
            state.succeed(&serving.plugins, &fit, Instant::now());
            self.publish(fit)
        });
        memory.forget(&self.current().plugins);
        state.problems = draft.problems;
        self.tell(&state);
        let pending = state.problems.iter().any(|problem| problem.pending);
        drop(state);
        self.remember();
        Reload { generation, pending, interrupted: has_rest }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why what was found must not be tried again in the place of `old`; none where nothing speaks against it.
    pub(super) fn is_bad(&self, found: &Found, old: Option<&Arc<Version>>) -> Option<String> {
        let mut state = self.state();
        let name = &found.place.name;
        if let Some(decided) = state.decided.get(name) {
            if (&decided.digest, &decided.setup) == (&found.digest, &found.setup) {
                return decided.reason().map(|reason| with_advice(reason, name));
            }
            state.decided.remove(name);
        }
        // An old mark bars nothing where nothing better serves.
        let is_better = |old: &Arc<Version>| {
            (&old.identity.digest, &old.setup) != (&found.digest, &found.setup)
        };
        if old.is_some_and(is_better) { state.recall(found) } else { None }
    }

    /// Puts a chain to the test: the checks that need no records first, then side by side with what serves.
    fn stand(
        &self,
        chain: &[Arc<Version>],
        serving: &Generation,
        checks: &Checks<'_>,
        seen: &Seen,
    ) -> Stood {
        if let Err(reason) = (checks.trial)(chain) {
            return Stood::Unfit(Unfit { reason, rehearsed: false });
        }
        let needs_shadow = |version: &&Arc<Version>| {
            let state = self.state();
            !serving.plugins.iter().any(|old| does_the_same(old, version))
                && has_shadow(version)
                && !state.is_promoted(&version.place.name)
                && !state.is_proven(version)
        };
        let candidates: Vec<Arc<Version>> = chain.iter().filter(needs_shadow).cloned().collect();
        match checks.rehearsal {
            Some(rehearsal) if !candidates.is_empty() => {
                let beside = Beside { old: serving, new: chain, candidates };
                self.rehearse(rehearsal, beside, checks, seen)
            }
            _ => Stood::Fit,
        }
    }

    fn rehearse(
        &self,
        rehearsal: &dyn Rehearsal,
        Beside { old, new, candidates }: Beside<'_>,
        checks: &Checks<'_>,
        seen: &Seen,
    ) -> Stood {
        let length = longest(&candidates);
        let names = candidates.iter().map(|version| &*version.place.name);
        let plugins = names.collect::<Vec<_>>().join(", ");
        tracing::info!(plugins, folder = %self.folder().display(), "new version runs beside the old");
        let progress = Progress::default();
        self.state().shadow = Some(Shadow { candidates, length, progress, word: None });
        let away = Cell::new(false);
        let watch = |progress: &Progress| {
            let go = self.asked(progress, old.number, checks, seen);
            away.set(away.get() || go == Go::Away);
            go
        };
        let result = rehearsal.run(&old.plugins, new, length, &watch);
        if away.get() {
            return Stood::Interrupted;
        }
        let word = self.state().shadow.as_ref().and_then(|shadow| shadow.word);
        match result {
            Ok(Progress { compared, differing, elapsed, .. }) => {
                let ms = elapsed.as_millis();
                tracing::info!(
                    plugins,
                    compared,
                    differing,
                    ms,
                    "new version stood beside the old"
                );
                Stood::Fit
            }
            // Whoever promotes it has seen what there is to see.
            Err(_) if word == Some(Go::Enough) => Stood::Fit,
            Err(reason) => Stood::Unfit(Unfit { reason, rehearsed: true }),
        }
    }

    /// Whether a rehearsal beside generation `old` is to go on.
    fn asked(&self, progress: &Progress, old: u64, checks: &Checks<'_>, seen: &Seen) -> Go {
        self.watch_over(checks.trial, Instant::now());
        if let Some(shadow) = &mut self.state().shadow {
            shadow.progress = *progress;
            if let Some(word) = shadow.word {
                return word;
            }
        }
        let is_stale = match (checks.meanwhile)() {
            Meanwhile::Nothing => false,
            Meanwhile::Hint => self.look().is_ok_and(|look| Seen::of(&look) != *seen),
            Meanwhile::Order | Meanwhile::Over => true,
        };
        if is_stale || self.number() != old { Go::Away } else { Go::On }
    }
}

/// Two chains to be run side by side, and what is new in the second.
struct Beside<'a> {
    old: &'a Generation,
    new: &'a [Arc<Version>],
    candidates: Vec<Arc<Version>>,
}

/// What a look saw, to tell whether another sees the same: hints come for files that are nobody's plugin, too.
#[derive(PartialEq)]
struct Seen {
    found: Vec<(Place, String, PluginFile)>,
    problems: Vec<Problem>,
}

impl Seen {
    fn of(look: &Look) -> Self {
        let one = |found: &Found| (found.place.clone(), found.digest.clone(), found.setup.clone());
        Self { found: look.found.iter().map(one).collect(), problems: look.problems.clone() }
    }
}

/// Whether one is the other, or stands elsewhere in the chain and does what the other does.
fn does_the_same(a: &Version, b: &Version) -> bool {
    a.place.name == b.place.name && a.identity.digest == b.identity.digest && a.setup == b.setup
}

fn has_shadow(version: &Version) -> bool {
    let rollout = &version.setup.rollout;
    rollout.reload == config::Reload::Shadow && !is_nothing(rollout.shadow)
}

fn is_nothing(length: Length) -> bool {
    length.time.is_zero() || length.events == 0
}

fn longest(versions: &[Arc<Version>]) -> Length {
    let lengths = versions.iter().map(|version| version.setup.rollout.shadow);
    let longer =
        |a: Length, b: Length| Length { time: a.time.max(b.time), events: a.events.max(b.events) };
    lengths.reduce(longer).unwrap_or(Length { time: std::time::Duration::ZERO, events: 0 })
}

#[cfg(test)]
mod tests;
