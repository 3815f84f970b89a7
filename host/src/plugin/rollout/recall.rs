//! What outlives a restart: taken in at the start, where a settled version stands in for a file that is known to be bad, and
//! written down whenever more is known. Must not know how it lies on disk.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::{Decided, State, Verdict, with_advice};
use crate::plugin::catalog::{Catalog, Trial};
use crate::plugin::draft::{Draft, Memory, file_name};
use crate::plugin::folder::{self, Found, Kept, Look, Problem};
use crate::plugin::kept::{Learned, Lesson, Mark, Settled};
use crate::plugin::version::{Place, Version};

impl Catalog {
    /// The first chain in the making, of what the folder holds. Where that is known to be bad, the version that was settled before
    /// stands in for it, if it passes every check of today's: for those the chain has to stand `trial`. With it the problems of the
    /// files that it stands in for.
    pub(in crate::plugin) fn recall(
        &self,
        memory: &mut Memory,
        trial: Trial<'_>,
    ) -> io::Result<(Draft, Vec<Problem>)> {
        if let Some(kept) = &self.kept {
            self.state().marks.restore(kept.read());
        }
        let mut given_up: BTreeSet<Arc<str>> = BTreeSet::new();
        loop {
            let mut look = self.look()?;
            let bad = self.stand_in(&mut look, &mut given_up);
            let draft = Draft::of(self, memory, &[], look);
            if bad.is_empty() {
                return Ok((draft, Vec::new()));
            }
            let mut failed: Vec<(Arc<str>, String)> = Vec::new();
            for found in &bad {
                let name = &found.place.name;
                let mut problems = draft.problems.iter();
                if let Some(problem) = problems.find(|it| it.plugin.as_ref() == Some(name)) {
                    failed.push((Arc::clone(name), problem.reason.clone()));
                }
            }
            // Problems of others keep the gateway from starting, whatever stands in for these.
            if failed.is_empty()
                && draft.problems.is_empty()
                && let Err(reason) = trial(&draft.wanted())
            {
                let name = |found: &Found| (Arc::clone(&found.place.name), reason.clone());
                failed.extend(bad.iter().map(name));
            }
            if failed.is_empty() {
                let mut state = self.state();
                let problem = |found: &Found| Some(found.problem(state.recall(found)?));
                let problems = bad.iter().filter_map(problem).collect();
                return Ok((draft, problems));
            }
            for (plugin, reason) in failed {
                give_up(&plugin, &reason);
                given_up.insert(plugin);
            }
        }
    }

    /// Puts settled versions in the place of what is known to be bad; gives what stood there.
    fn stand_in(&self, look: &mut Look, given_up: &mut BTreeSet<Arc<str>>) -> Vec<Found> {
        let mut bad = Vec::new();
        for found in &mut look.found {
            let name = &found.place.name;
            if given_up.contains(name) || self.state().mark(found).is_none() {
                continue;
            }
            match self.find_settled(name) {
                Ok(settled) => bad.push(std::mem::replace(found, settled)),
                Err(reason) => {
                    give_up(name, &reason);
                    given_up.insert(Arc::clone(name));
                }
            }
        }
        bad
    }

    fn find_settled(&self, plugin: &Arc<str>) -> Result<Found, String> {
        let kept = self.kept.as_ref().ok_or("nothing is kept")?;
        let settled = kept.settled(plugin).ok_or("no settled version of it is kept")?;
        let file = (!settled.is_official).then(|| kept.held(&settled.digest)).transpose()?;
        let file_name = self.folder().join(&settled.file);
        let place = Place { order: settled.order, name: Arc::clone(plugin), file: file_name };
        let kept = Kept { place, written: &settled.settings, digest: &settled.digest, file };
        folder::find_kept(kept, &self.sources, &self.runtime.options.trust)
    }

    /// Writes down what a later start has to know. Not to be called with the state held.
    pub(in crate::plugin) fn remember(&self) {
        let Some(kept) = &self.kept else {
            self.state().mark_bad();
            return;
        };
        kept.keep(|before| {
            let mut state = self.state();
            let current = self.current();
            state.mark_bad();
            (state.learned(&current.plugins, before), state.digests(&current.plugins))
        });
    }
}

fn give_up(plugin: &str, reason: &str) {
    tracing::error!(
        plugin,
        reason,
        "plugin file is known to be bad and serves, since no settled version can stand in for it; put a good file in its place"
    );
}

impl State {
    fn mark(&self, found: &Found) -> Option<&Mark> {
        self.marks.find(&found.place.name, &found.digest, &found.setup)
    }

    /// Takes up again what was once decided about this version: why it must not serve, where it is known to be bad.
    pub(super) fn recall(&mut self, found: &Found) -> Option<String> {
        let name = &found.place.name;
        let Mark { version, served, reason, .. } = self.mark(found)?.clone();
        let told = with_advice(&reason, name);
        let verdict = if served { Verdict::RolledBack(reason) } else { Verdict::Refused(reason) };
        let (digest, setup) = (found.digest.clone(), found.setup.clone());
        let decided = Decided { version, digest, setup, verdict, recalled: true };
        self.decided.insert(Arc::clone(name), decided);
        Some(told)
    }

    /// Takes in what was decided since.
    fn mark_bad(&mut self) {
        for (plugin, decided) in &self.decided {
            self.marks.take(plugin, decided);
        }
    }

    /// What is known while `serving` serves. What is no plugin of the folder any more is forgotten.
    fn learned(&mut self, serving: &[Arc<Version>], before: &Learned) -> Learned {
        let serves = |name: &Arc<str>| serving.iter().find(|version| version.place.name == *name);
        let decided = &self.decided;
        self.marks.of.retain(|name, _| serves(name).is_some() || decided.contains_key(name));
        let names: BTreeSet<&Arc<str>> =
            serving.iter().map(|version| &version.place.name).chain(decided.keys()).collect();
        let lesson = |name: &Arc<str>| {
            let settled = serves(name).and_then(|version| self.settled(version, before));
            let bad = self.marks.of.get(name).cloned().unwrap_or_default();
            (name.to_string(), Lesson { bad, settled })
        };
        let plugins = names.into_iter().map(lesson).collect();
        Learned { salt: self.marks.salt.clone(), plugins, ..Learned::default() }
    }

    /// What is to serve where `serving` turns out to be bad, or did: itself, unless it has yet to prove itself.
    fn settled(&self, serving: &Version, before: &Learned) -> Option<Settled> {
        let name = &serving.place.name;
        if self.marks.find(name, &serving.identity.digest, &serving.setup).is_some() {
            return before.plugins.get(&**name)?.settled.clone();
        }
        let watched = self.probations.contains_key(name);
        let version = if watched { self.previous.get(name)? } else { serving };
        Some(Settled {
            version: version.identity.version.clone(),
            digest: version.identity.digest.clone(),
            is_official: version.setup.official.is_some(),
            order: version.place.order,
            file: file_name(&version.place.file),
            settings: version.written.clone(),
        })
    }

    /// Of every version that serves, may come to, or may come back.
    fn digests(&self, serving: &[Arc<Version>]) -> BTreeSet<String> {
        let shadow = self.shadow.iter().flat_map(|shadow| &shadow.candidates);
        let all = serving.iter().chain(self.previous.values()).chain(shadow);
        all.map(|version| version.identity.digest.clone()).collect()
    }
}
