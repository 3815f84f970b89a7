//! The plugins of one pipeline as they serve now, and how each file of their folder fares. Must not know how a chain comes to serve
//! in place of another, or who asks for it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;

use super::draft::Memory;
use super::engine::Runtime;
use super::folder::{self, Look, Problem, Sources};
use super::kept::Kept;
use super::rollout;
use super::version::{Version, digest};
use crate::config::PluginMessages;

/// Tries a chain before it serves: opens all live tables, say. The error is for the user.
pub type Trial<'a> = &'a dyn Fn(&[Arc<Version>]) -> Result<(), String>;

/// A chain that serves or served, in order.
#[derive(Debug)]
pub struct Generation {
    /// Grows by one with every change.
    pub number: u64,
    /// 16 hex digits that tell this chain from others: its plugins' names, files and settings as written, in their order.
    pub chain: String,
    pub plugins: Vec<Arc<Version>>,
    /// Plugins without which the pipeline must not run and that are not there.
    pub missing_required: Vec<String>,
}

/// What an earlier process has left for this one.
#[derive(Clone, Copy)]
pub struct Past<'a> {
    /// The folder that holds the private one.
    pub cache: &'a Path,
    /// The name of the pipeline.
    pub pipeline: &'a str,
    /// What a chain has to stand that is not what the plugin folder asks for.
    pub trial: Trial<'a>,
}

/// The plugins of one folder.
pub struct Catalog {
    folder: PathBuf,
    required: Vec<String>,
    pub(super) runtime: Arc<Runtime>,
    pub(super) sources: Sources,
    /// None where nothing outlives a restart.
    pub(super) kept: Option<Kept>,
    current: ArcSwap<Generation>,
    status: ArcSwap<Vec<FileStatus>>,
    /// Held through a whole reload, so that one follows the other.
    pub(super) memory: Mutex<Memory>,
    /// Held for moments, and whenever a chain is published. Who needs both takes `memory` first.
    pub(super) state: Mutex<rollout::State>,
    /// Has whoever follows the folder look again at once.
    pub(super) wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
    published: AtomicU64,
    refused: AtomicU64,
    pub(super) rolled_back: AtomicU64,
}

/// How one file of the folder fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// Name within the folder.
    pub file: String,
    pub plugin: Option<Arc<str>>,
    pub state: State,
    /// Digest and version of what serves under this plugin's name, which after a failure is the one before.
    pub digest: Option<String>,
    pub version: Option<String>,
    /// Why it does not serve.
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Serving,
    /// Not loaded, or not fit for the chain; an older version may serve instead.
    Failed,
    /// Being written.
    Pending,
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reload {
    /// Number of the new generation; none where nothing changed for the chain.
    pub generation: Option<u64>,
    /// Some file was being written: look again soon.
    pub pending: bool,
    /// It was given up before its end, since the folder or the chain changed meanwhile: look again soon.
    pub interrupted: bool,
}

/// Reloads since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reloads {
    /// New generations.
    pub published: u64,
    /// Files that were refused, counted once for each state they were found in.
    pub refused: u64,
    /// Versions that were taken back.
    pub rolled_back: u64,
}

/// Every reason why the plugins of a folder cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("reading plugin folder \"{}\"", .folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("loading plugins from \"{}\"{}", .folder.display(), Listed(.problems))]
    Plugins { folder: PathBuf, problems: Vec<Problem> },
    #[error("plugin \"{name}\" is required, and \"{}\" has no file of that name", .folder.display())]
    Required { folder: PathBuf, name: String },
}

/// One problem on the same line, several on a line each.
struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [one] => write!(f, ": {}: {}", one.file, one.reason),
            many => {
                f.write_str(":")?;
                many.iter().try_for_each(|one| write!(f, "\n  {}: {}", one.file, one.reason))
            }
        }
    }
}

impl Catalog {
    /// Loads every plugin of `folder`. At the start nothing old could serve instead, so any problem is an error, and all of them
    /// are told at once.
    pub fn load(
        runtime: &Arc<Runtime>,
        folder: &Path,
        required: &[String],
        sources: Sources,
    ) -> Result<Self, CatalogError> {
        Self::resume(runtime, folder, required, sources, None)
    }

    /// As [`Self::load`], knowing what was learned before, and writing down what will be.
    pub fn resume(
        runtime: &Arc<Runtime>,
        folder: &Path,
        required: &[String],
        sources: Sources,
        past: Option<Past<'_>>,
    ) -> Result<Self, CatalogError> {
        let nothing = Generation {
            number: 0,
            chain: String::new(),
            plugins: Vec::new(),
            missing_required: Vec::new(),
        };
        let catalog = Self {
            folder: folder.to_owned(),
            required: required.to_vec(),
            runtime: Arc::clone(runtime),
            sources,
            kept: past.map(|past| Kept::new(past.cache, past.pipeline, folder)),
            current: ArcSwap::from_pointee(nothing),
            status: ArcSwap::from_pointee(Vec::new()),
            memory: Mutex::default(),
            state: Mutex::default(),
            wake: OnceLock::new(),
            published: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            rolled_back: AtomicU64::new(0),
        };
        catalog.load_first(past.map_or(&|_| Ok(()), |past| past.trial))?;
        Ok(catalog)
    }

    fn load_first(&self, trial: Trial<'_>) -> Result<(), CatalogError> {
        let folder = || self.folder.clone();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let recalled = self.recall(&mut memory, trial);
        let (draft, stood_in_for) =
            recalled.map_err(|source| CatalogError::Folder { folder: folder(), source })?;
        if !draft.problems.is_empty() {
            return Err(CatalogError::Plugins { folder: folder(), problems: draft.problems });
        }
        let plugins = draft.wanted();
        if let Some(name) = self.missing(&plugins).into_iter().next() {
            return Err(CatalogError::Required { folder: folder(), name });
        }
        self.publish(plugins);
        let mut state = self.state();
        state.problems = stood_in_for;
        self.tell(&state);
        drop(state);
        self.remember();
        Ok(())
    }

    /// The chain to serve with, to be asked at every batch: a pointer read.
    pub fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// The number of the current generation, for a cheap look whether there is a new one.
    pub fn number(&self) -> u64 {
        self.current.load().number
    }

    pub(super) fn messages(&self) -> PluginMessages {
        self.sources.messages
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How each file fares, in the order of the chain, those that failed last.
    pub fn status(&self) -> Arc<Vec<FileStatus>> {
        self.status.load_full()
    }

    pub fn reloads(&self) -> Reloads {
        Reloads {
            published: self.published.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            rolled_back: self.rolled_back.load(Ordering::Relaxed),
        }
    }

    pub(super) fn look(&self) -> io::Result<Look> {
        folder::look(&self.folder, &self.sources, &self.runtime.options.trust)
    }

    /// What each plugin counted, by plugin name; goes on over versions.
    pub fn counts(&self) -> BTreeMap<Arc<str>, BTreeMap<String, u64>> {
        let current = self.current.load();
        let voices = current.plugins.iter().map(|version| version.voice());
        voices.map(|voice| (Arc::clone(voice.plugin()), voice.counts())).collect()
    }

    fn missing(&self, plugins: &[Arc<Version>]) -> Vec<String> {
        let is_there = |name: &str| plugins.iter().any(|version| *version.place.name == *name);
        self.required.iter().filter(|name| !is_there(name)).cloned().collect()
    }

    pub(super) fn publish(&self, plugins: Vec<Arc<Version>>) -> u64 {
        let number = self.number() + 1;
        let missing_required = self.missing(&plugins);
        let names: Vec<&str> = plugins.iter().map(|version| &*version.place.name).collect();
        let (folder, chain) = (self.folder.display(), chain_digest(&plugins));
        tracing::info!(generation = number, %folder, chain = ?names, digest = chain, "plugins in place");
        for plugin in &missing_required {
            tracing::error!(plugin, folder = %self.folder.display(), "required plugin is gone");
        }
        self.current.store(Arc::new(Generation { number, chain, plugins, missing_required }));
        if number > 1 {
            self.published.fetch_add(1, Ordering::Relaxed);
        }
        number
    }

    /// Notes how every file fares, and logs what went wrong since the last look.
    pub(super) fn tell(&self, state: &rollout::State) {
        let problems = &state.problems;
        let current = self.current.load();
        let mut status: Vec<FileStatus> = Vec::new();
        for version in &current.plugins {
            let plugin = &version.place.name;
            if problems.iter().all(|problem| problem.plugin.as_ref() != Some(plugin)) {
                let file = version.place.file.file_name().unwrap_or_default();
                let file = file.to_string_lossy().into_owned();
                status.push(FileStatus::of(file, Some(plugin), Some(version), None));
            }
        }
        for problem in problems {
            let name = problem.plugin.as_ref();
            let serving = current.plugins.iter().find(|version| Some(&version.place.name) == name);
            status.push(FileStatus::of(problem.file.clone(), name, serving, Some(problem)));
        }
        let before = self.status.load();
        for file in &status {
            if let (State::Failed, Some(reason)) = (file.state, &file.reason)
                && !before.contains(file)
                && !file.plugin.as_ref().is_some_and(|plugin| state.took_back(plugin, reason))
            {
                self.refused.fetch_add(1, Ordering::Relaxed);
                file.warn(reason, file.plugin.as_ref().is_some_and(|it| state.recalls(it)));
            }
        }
        self.status.store(Arc::new(status));
    }
}

impl FileStatus {
    fn of(
        file: String,
        plugin: Option<&Arc<str>>,
        serving: Option<&Arc<Version>>,
        problem: Option<&Problem>,
    ) -> Self {
        let state = match problem {
            None => State::Serving,
            Some(problem) if problem.pending => State::Pending,
            Some(_) => State::Failed,
        };
        Self {
            file,
            plugin: plugin.cloned(),
            state,
            digest: serving.map(|version| version.identity.digest.clone()),
            version: serving.map(|version| version.identity.version.clone()),
            reason: problem.map(|problem| problem.reason.clone()),
        }
    }

    fn warn(&self, reason: &str, is_recalled: bool) {
        let Self { file, version, digest, .. } = self;
        let (serves, digest) = (version.as_deref(), digest.as_deref());
        if is_recalled {
            tracing::warn!(
                file,
                serves,
                digest,
                reason,
                "plugin file is known to be bad; what was settled serves instead"
            );
        } else {
            tracing::warn!(file, reason, serving = digest, "plugin file refused");
        }
    }
}

/// The same for the same plugins with the same settings, whoever loads them; secrets are no part of it.
fn chain_digest(plugins: &[Arc<Version>]) -> String {
    let parts = |version: &Arc<Version>| {
        let (name, file) = (&version.place.name, &version.identity.digest);
        format!("{name} {file} {}\n", meant(&version.written))
    };
    let whole = digest(plugins.iter().map(parts).collect::<String>().as_bytes());
    whole.chars().take(16).collect()
}

/// The digest of settings as TOML means them, so that a comment makes no difference; empty where nothing was written.
fn meant(written: &str) -> String {
    if written.is_empty() {
        return String::new();
    }
    let meant = written.parse::<toml::Table>().map_or(written.into(), |table| table.to_string());
    digest(meant.as_bytes())
}

/// Whether both are the very same versions in the same order.
pub(super) fn is_same_chain(a: &[Arc<Version>], b: &[Arc<Version>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b))
}

#[cfg(test)]
mod tests;
