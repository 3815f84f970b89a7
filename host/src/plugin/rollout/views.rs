//! The plugins of a folder as a person sees them: what serves, what is on its way, what could be brought back.

use std::time::Instant;

use super::{Decided, Shadow, State, Verdict};
use crate::breaker;
use crate::control::{BreakerView, CandidateView, PluginView, Stage, VersionView};
use crate::plugin::catalog::{self, Catalog, FileStatus};
use crate::plugin::version::Version;

impl Catalog {
    /// Every plugin, those that serve in the order of the chain, then those that do not. The pipeline is for the caller to fill in.
    pub fn views(&self, now: Instant) -> Vec<PluginView> {
        let state = self.state();
        let current = self.current();
        let mut views: Vec<PluginView> =
            current.plugins.iter().map(|version| state.view(version, now)).collect();
        let files = self.status();
        for file in files.iter().filter(|file| file.state != catalog::State::Serving) {
            let name = file.plugin.as_deref().unwrap_or(&file.file);
            match views.iter_mut().find(|view| view.plugin == name) {
                Some(view) if view.candidate.is_none() => view.candidate = Some(state.failed(file)),
                Some(_) => {}
                None => {
                    let candidate = state.failed(file);
                    views.push(PluginView {
                        plugin: name.to_owned(),
                        file: file.file.clone(),
                        stage: candidate.stage,
                        candidate: Some(candidate),
                        ..PluginView::default()
                    });
                }
            }
        }
        for new in state.shadow.iter().flat_map(|shadow| &shadow.candidates) {
            let name = &*new.place.name;
            if !views.iter().any(|view| view.plugin == name) {
                views.push(PluginView {
                    plugin: name.to_owned(),
                    file: file_name(new),
                    stage: Stage::Shadow,
                    candidate: state.shadowed(name),
                    ..PluginView::default()
                });
            }
        }
        for name in &current.missing_required {
            if !views.iter().any(|view| view.plugin == *name) {
                let reason = "it is required, and no file of the folder has its name; the pipeline stands still until one has";
                views.push(PluginView {
                    plugin: name.clone(),
                    stage: Stage::Refused,
                    candidate: Some(CandidateView {
                        file: String::new(),
                        version: None,
                        stage: Stage::Refused,
                        reason: reason.to_owned(),
                    }),
                    ..PluginView::default()
                });
            }
        }
        for view in &mut views {
            view.chain.clone_from(&current.chain);
        }
        views
    }
}

impl State {
    fn view(&self, version: &Version, now: Instant) -> PluginView {
        let name = &version.place.name;
        let watched = self.probations.contains_key(name);
        PluginView {
            plugin: name.to_string(),
            file: file_name(version),
            serving: Some(shown(version)),
            stage: if watched { Stage::Probation } else { Stage::Settled },
            candidate: self.shadowed(name),
            previous: self.previous.get(name).map(|old| shown(old)),
            breaker: breaker_view(version.breaker().view(now)),
            ..PluginView::default()
        }
    }

    /// The version of `plugin` that runs beside what serves.
    fn shadowed(&self, plugin: &str) -> Option<CandidateView> {
        let shadow = self.shadow.as_ref()?;
        let new = shadow.candidates.iter().find(|version| *version.place.name == *plugin)?;
        let (version, reason) = (Some(shown(new)), shadow.so_far());
        Some(CandidateView { file: file_name(new), version, stage: Stage::Shadow, reason })
    }

    /// What keeps a file from serving.
    fn failed(&self, file: &FileStatus) -> CandidateView {
        let decided = file.plugin.as_ref().and_then(|plugin| self.decided.get(plugin));
        let stage = match (file.state, decided.map(|decided| &decided.verdict)) {
            (catalog::State::Pending, _) => Stage::Pending,
            (_, Some(Verdict::RolledBack(_))) => Stage::RolledBack,
            _ => Stage::Refused,
        };
        let known = |decided: &Decided| VersionView {
            version: decided.version.clone(),
            digest: decided.digest.clone(),
        };
        let version = decided.map(known);
        let reason = file.reason.clone().unwrap_or_default();
        CandidateView { file: file.file.clone(), version, stage, reason }
    }

    pub(super) fn problem_of(&self, plugin: &str) -> Option<&str> {
        let mut problems = self.problems.iter();
        let problem = problems.find(|problem| problem.plugin.as_deref() == Some(plugin))?;
        Some(&problem.reason)
    }
}

impl Shadow {
    fn so_far(&self) -> String {
        let done = &self.progress;
        format!(
            "{} records, {} differ, {:.1} s of {:?}",
            done.compared,
            done.differing,
            done.elapsed.as_secs_f64(),
            self.length.time,
        )
    }
}

fn shown(version: &Version) -> VersionView {
    let identity = &version.identity;
    VersionView { version: identity.version.clone(), digest: identity.digest.clone() }
}

fn file_name(version: &Version) -> String {
    crate::plugin::draft::file_name(&version.place.file)
}

fn breaker_view(view: breaker::View) -> BreakerView {
    BreakerView {
        state: view.state.as_str().to_owned(),
        by_hand: view.by_hand,
        cause: view.cause,
        next_probe_seconds: view.next_probe.map(|wait| wait.as_secs_f64()),
        trips: view.trips,
    }
}
