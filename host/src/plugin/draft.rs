//! The next chain in the making: what the folder asks for, next to what serves. Must not know how a chain is published.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::catalog::{Catalog, is_same_chain};
use super::compile::LoadError;
use super::folder::{Found, Look, Problem};
use super::imports::Voice;
use super::limits::Limits;
use super::rollout::with_advice;
use super::version::{Compiled, Version};
use crate::config::{PluginFile, PluginMessages};

/// A file that failed is loaded again after this long, unchanged as it is: a machine under load may have kept it from starting.
const RETRY: Duration = Duration::from_secs(300);

/// What a catalog remembers from one reload to the next.
#[derive(Default)]
pub(super) struct Memory {
    /// By plugin name; kept when the plugin goes, so that its counts go on when it comes back.
    voices: HashMap<Arc<str>, Arc<Voice>>,
    /// The last version of each plugin that did not come to serve.
    attempts: HashMap<Arc<str>, Attempt>,
}

struct Attempt {
    digest: String,
    setup: PluginFile,
    at: Instant,
    result: Result<Arc<Version>, LoadError>,
}

impl Memory {
    /// Forgets the attempts that came to serve after all.
    pub(super) fn forget(&mut self, serving: &[Arc<Version>]) {
        self.attempts.retain(|_, attempt| match &attempt.result {
            Ok(version) => !serving.iter().any(|other| Arc::ptr_eq(other, version)),
            Err(_) => true,
        });
    }

    fn voice(&mut self, plugin: &Arc<str>, messages: PluginMessages) -> Arc<Voice> {
        let voice = self.voices.entry(Arc::clone(plugin));
        let voice = voice.or_insert_with(|| Voice::new(plugin, messages));
        Arc::clone(voice)
    }
}

/// What is to become of each plugin.
pub(super) struct Draft {
    /// By plugin name.
    slots: BTreeMap<Arc<str>, Slot>,
    pub(super) problems: Vec<Problem>,
    /// What failed where no later look would find it better, and why.
    pub(super) failed: Vec<(Arc<Version>, String)>,
}

/// How a chain stood what it has to stand before it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stood {
    Fit,
    Unfit(Unfit),
    /// Nobody knows any more: something changed meanwhile.
    Interrupted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    pub(super) reason: String,
    /// It passed every check, and failed beside the chain that serves.
    pub(super) rehearsed: bool,
}

#[derive(Default)]
struct Slot {
    serving: Option<Arc<Version>>,
    /// What to serve instead.
    next: Option<Arc<Version>>,
}

impl Draft {
    /// Loads whatever `look` found that does not serve yet.
    pub(super) fn of(
        catalog: &Catalog,
        memory: &mut Memory,
        serving: &[Arc<Version>],
        look: Look,
    ) -> Self {
        let mut draft =
            Self { slots: BTreeMap::new(), problems: look.problems, failed: Vec::new() };
        let find = |name: &Arc<str>| serving.iter().find(|version| version.place.name == *name);
        for found in one_file_each(look.found, serving, &mut draft.problems) {
            let name = Arc::clone(&found.place.name);
            let old = find(&name);
            let mut slot = Slot { serving: old.cloned(), next: None };
            if let Some(reason) = catalog.is_bad(&found, old) {
                draft.problems.push(found.problem(reason));
            } else if !old.is_some_and(|old| is_unchanged(old, &found)) {
                match load(catalog, memory, serving, &found) {
                    Ok(version) => slot.next = Some(version),
                    Err(err) => draft.problems.push(found.problem(err.to_string())),
                }
            }
            draft.slots.insert(name, slot);
        }
        // A plugin whose files cannot be read is not one whose files are gone.
        for name in draft.problems.iter().filter_map(|problem| problem.plugin.clone()) {
            let old = find(&name).cloned();
            draft.slots.entry(name).or_insert(Slot { serving: old, next: None });
        }
        draft.problems.sort_by(|a, b| a.file.cmp(&b.file));
        // What stayed out holds its compiled code: nobody asks for it again once its file is gone.
        memory.attempts.retain(|name, _| draft.slots.contains_key(name));
        draft
    }

    /// The chain as the folder asks for it, as far as it could be loaded.
    pub(super) fn wanted(&self) -> Vec<Arc<Version>> {
        self.chain(|_| true)
    }

    /// The chain with what is new where `take` says so.
    fn chain(&self, take: impl Fn(&Arc<str>) -> bool) -> Vec<Arc<Version>> {
        let pick = |(name, slot): (&Arc<str>, &Slot)| {
            slot.next.clone().filter(|_| take(name)).or_else(|| slot.serving.clone())
        };
        let mut chain: Vec<Arc<Version>> = self.slots.iter().filter_map(pick).collect();
        chain.sort_by(|a, b| in_chain(a, b));
        chain
    }

    /// Leaves only what an operator has promoted to be tried now, so that it does not wait for the rest. Whether there is a rest.
    pub(super) fn promoted_first(&mut self, is_promoted: impl Fn(&Arc<str>) -> bool) -> bool {
        let new = self.slots.iter_mut().filter(|(_, slot)| slot.next.is_some());
        let (promoted, rest): (Vec<_>, Vec<_>) = new.partition(|(name, _)| is_promoted(name));
        if promoted.is_empty() || rest.is_empty() {
            return false;
        }
        for (_, slot) in rest {
            slot.next = None;
        }
        true
    }

    /// Whether the folder says anything about a plugin of that name.
    pub(super) fn knows(&self, name: &Arc<str>) -> bool {
        self.slots.contains_key(name)
    }

    /// The best chain that stands what it has to; who does not is added to the problems. None where it was interrupted.
    pub(super) fn try_out(
        &mut self,
        serving: &[Arc<Version>],
        stand: &dyn Fn(&[Arc<Version>]) -> Stood,
    ) -> Option<Vec<Arc<Version>>> {
        let wanted = self.wanted();
        if is_same_chain(&wanted, serving) {
            return Some(wanted);
        }
        let together = stand(&wanted);
        match together {
            Stood::Fit => return Some(wanted),
            Stood::Interrupted => return None,
            Stood::Unfit(_) => {}
        }
        let mut fit = self.chain(|_| false);
        if !is_same_chain(&fit, serving) {
            match stand(&fit) {
                Stood::Fit => {}
                Stood::Interrupted => return None,
                Stood::Unfit(unfit) => {
                    self.refuse_removals(serving, &unfit.reason);
                    fit = self.chain(|_| false);
                }
            }
        }
        let mut taken: Vec<Arc<str>> = Vec::new();
        let news = wanted.iter().filter(|version| self.is_new(version)).cloned();
        for version in news.collect::<Vec<_>>() {
            taken.push(Arc::clone(&version.place.name));
            let chain = self.chain(|name| taken.contains(name));
            let known = is_same_chain(&chain, &wanted);
            match if known { together.clone() } else { stand(&chain) } {
                Stood::Fit => fit = chain,
                Stood::Interrupted => return None,
                Stood::Unfit(unfit) => {
                    taken.pop();
                    self.refuse(&version, unfit);
                }
            }
        }
        Some(fit)
    }

    fn refuse(&mut self, version: &Arc<Version>, Unfit { mut reason, rehearsed }: Unfit) {
        let plugin = Arc::clone(&version.place.name);
        if rehearsed {
            self.failed.push((Arc::clone(version), reason.clone()));
            reason = with_advice(&reason, &plugin);
        }
        let file = file_name(&version.place.file);
        self.problems.push(Problem { file, plugin: Some(plugin), pending: false, reason });
    }

    fn is_new(&self, version: &Arc<Version>) -> bool {
        let next = self.slots.get(&version.place.name).and_then(|slot| slot.next.as_ref());
        next.is_some_and(|next| Arc::ptr_eq(next, version))
    }

    /// Keeps what was removed, since the chain cannot do without it.
    fn refuse_removals(&mut self, serving: &[Arc<Version>], reason: &str) {
        for version in serving {
            let name = &version.place.name;
            if self.slots.contains_key(name) {
                continue;
            }
            let slot = Slot { serving: Some(Arc::clone(version)), next: None };
            self.slots.insert(Arc::clone(name), slot);
            self.problems.push(Problem {
                file: file_name(&version.place.file),
                plugin: Some(Arc::clone(name)),
                pending: false,
                reason: format!("it was removed, and the chain cannot run without it: {reason}"),
            });
        }
    }
}

/// Numbers compare as numbers, so 9 stands before 10; files without one come last, by name.
pub(super) fn in_chain(a: &Version, b: &Version) -> Ordering {
    let key = |version: &Version| version.place.order.unwrap_or(u32::MAX);
    key(a).cmp(&key(b)).then_with(|| a.place.name.cmp(&b.place.name))
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Of several files for one plugin name, keeps the one that serves; without one it keeps none, since any choice would be a guess.
fn one_file_each(
    found: Vec<Found>,
    serving: &[Arc<Version>],
    problems: &mut Vec<Problem>,
) -> Vec<Found> {
    let mut files: HashMap<Arc<str>, Vec<String>> = HashMap::new();
    for one in &found {
        files.entry(Arc::clone(&one.place.name)).or_default().push(file_name(&one.place.file));
    }
    let serves = |one: &Found| serving.iter().any(|version| version.place == one.place);
    let keep = |one: &Found| {
        files.get(&one.place.name).is_none_or(|files| files.len() == 1) || serves(one)
    };
    let (kept, others): (Vec<Found>, Vec<Found>) = found.into_iter().partition(keep);
    for other in others {
        let (file, name) = (file_name(&other.place.file), other.place.name);
        let rivals: Vec<String> = files
            .get(&name)
            .into_iter()
            .flatten()
            .filter(|rival| **rival != file)
            .map(|rival| format!("\"{rival}\""))
            .collect();
        let reason = format!(
            "plugin name \"{name}\" is taken by {} as well; rename or remove one",
            rivals.join(", ")
        );
        problems.push(Problem { file, plugin: Some(name), pending: false, reason });
    }
    kept
}

fn is_unchanged(version: &Version, found: &Found) -> bool {
    version.identity.digest == found.digest
        && version.setup == found.setup
        && version.place == found.place
}

/// A version of what was found. Code that serves already, or failed to a moment ago, is not compiled again.
fn load(
    catalog: &Catalog,
    memory: &mut Memory,
    serving: &[Arc<Version>],
    found: &Found,
) -> Result<Arc<Version>, LoadError> {
    let attempt = memory.attempts.get(&found.place.name);
    let same = attempt.filter(|attempt| {
        attempt.digest == found.digest
            && attempt.setup == found.setup
            && attempt.at.elapsed() < RETRY
    });
    match same.map(|attempt| &attempt.result) {
        Some(Ok(version)) if version.place == found.place => return Ok(Arc::clone(version)),
        Some(Err(err)) => return Err(err.clone()),
        _ => {}
    }
    let tried = attempt.and_then(|attempt| attempt.result.as_ref().ok());
    let known = serving.iter().chain(tried).find(|version| version.identity.digest == found.digest);
    let compiled = match known {
        Some(version) => Ok(Arc::clone(version.compiled())),
        None => {
            Compiled::load(&catalog.runtime, &found.bytes, Limits::of(&found.setup)).map(Arc::new)
        }
    };
    let voice = memory.voice(&found.place.name, catalog.messages());
    let result = compiled.and_then(|compiled| {
        let settings = (found.setup.clone(), found.written.clone());
        Version::configure(&compiled, found.place.clone(), settings, voice)
    });
    if let (Ok(_), None, Some(kept)) = (&result, &found.setup.official, &catalog.kept) {
        kept.hold(&found.digest, &found.bytes, &found.seal);
    }
    let (digest, setup) = (found.digest.clone(), found.setup.clone());
    let attempt = Attempt { digest, setup, at: Instant::now(), result: result.clone() };
    memory.attempts.insert(Arc::clone(&found.place.name), attempt);
    result
}
