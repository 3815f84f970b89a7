//! What the rollouts of one pipeline have learned, on disk, so that no restart forgets it: which versions are bad, and the files
//! of each plugin's last settled one. Owns the form it is kept in and how much of it; must not know when a version is bad or settled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::compile::FILE_BYTES;
use super::private::{ABANDONED, Bounds, Folder, Told};
use super::trust::Seal;
use super::version::digest;

/// The folder within that of all that is kept.
const ROLLOUTS: &str = "rollouts";

/// What names end in: of the record of a pipeline, of a plugin's file, and of what vouches for that.
const RECORD: &str = ".rollout";
const FILE: &str = ".wasm";
const SEAL: &str = ".sig";

/// The first word of a record, with the version of its form.
const MAGIC: &str = "lockgate-rollouts-1";

/// Settings of a megabyte are the largest that a folder may hold, and there are some of them.
const RECORD_BYTES: usize = 64 << 20;

/// Of all pipelines that this user's gateways ever had.
const BOUNDS: Bounds = Bounds { files: 512, bytes: 1 << 30 };

/// All that is remembered of one pipeline.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Learned {
    /// The name of the pipeline, for whoever looks into the file.
    pub(super) pipeline: String,
    /// As [`super::rollout::Marks`] has it.
    pub(super) salt: String,
    /// By plugin name.
    pub(super) plugins: BTreeMap<String, Lesson>,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lesson {
    /// Oldest first.
    pub(super) bad: Vec<Mark>,
    pub(super) settled: Option<Settled>,
}

/// A version that is not to serve, known by its bytes and settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    /// As the plugin calls it.
    pub(super) version: String,
    /// SHA-256 of its bytes, and a digest of its settings from which they cannot be read.
    pub(super) digest: String,
    pub(super) settings: String,
    /// It served and was taken back; else it failed before.
    pub(super) served: bool,
    pub(super) reason: String,
}

/// A version that proved itself, as far as it does not lie in a file of its own.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settled {
    pub(super) version: String,
    pub(super) digest: String,
    /// Its bytes are part of the program.
    pub(super) is_official: bool,
    pub(super) order: Option<u32>,
    /// The name of the file it was known by.
    pub(super) file: String,
    /// As [`super::Version::written`]: with the names of its secrets, and without their values.
    pub(super) settings: String,
}

/// Where one pipeline's rollouts are kept. Several processes may share it: whoever writes last is right.
pub(super) struct Kept {
    folder: PathBuf,
    pipeline: String,
    /// Begins the names of this pipeline's files.
    key: String,
    /// As it was last read or written. Held while it is made and written, so that one follows the other.
    latest: Mutex<Learned>,
    told: Told,
}

impl Kept {
    /// Of the pipeline of that name whose plugins lie in `plugins`: gateways of the same user with other folders are others.
    pub(super) fn new(cache: &Path, pipeline: &str, plugins: &Path) -> Self {
        let plugins = std::path::absolute(plugins).unwrap_or_else(|_| plugins.to_owned());
        let whole = digest(format!("{pipeline}\n{}", plugins.display()).as_bytes());
        Self {
            folder: cache.join(ROLLOUTS),
            pipeline: pipeline.to_owned(),
            key: whole.chars().take(32).collect(),
            latest: Mutex::default(),
            told: Told::default(),
        }
    }

    /// What an earlier process has learned; nothing where nothing is kept, or cannot be trusted.
    pub(super) fn read(&self) -> Learned {
        let learned = match self.try_read() {
            Ok(learned) => learned.unwrap_or_default(),
            Err(reason) => {
                self.complain(&reason);
                Learned::default()
            }
        };
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&learned);
        learned
    }

    fn try_read(&self) -> Result<Option<Learned>, String> {
        let Some(folder) = Folder::open(&self.folder)? else { return Ok(None) };
        let name = self.record();
        let bytes = folder.read(&name, RECORD_BYTES);
        let bytes = bytes.map_err(|err| format!("reading \"{name}\": {err}"))?;
        bytes.map(|bytes| open(&bytes).map_err(|why| format!("\"{name}\" {why}"))).transpose()
    }

    /// Has `learn` say what is known now, given what was, and which other files are still wanted; writes it where that is news.
    pub(super) fn keep(&self, learn: impl FnOnce(&Learned) -> (Learned, BTreeSet<String>)) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut learned, wanted) = learn(&latest);
        learned.pipeline.clone_from(&self.pipeline);
        if learned == *latest {
            return;
        }
        match self.write(&learned, &wanted) {
            Ok(()) => *latest = learned,
            Err(reason) => self.complain(&reason),
        }
    }

    fn write(&self, learned: &Learned, wanted: &BTreeSet<String>) -> Result<(), String> {
        let folder = Folder::make(&self.folder)?;
        let name = self.record();
        folder.write(&name, &seal(learned))?;
        let settled: BTreeSet<&str> =
            learned.plugins.values().filter_map(|it| Some(&*it.settled.as_ref()?.digest)).collect();
        let is_over = |name: &str, unused| {
            let digest = name.strip_prefix(&*self.key).and_then(|rest| rest.strip_prefix('-'));
            let digest = digest.and_then(|rest| rest.split_once('.')).map(|(digest, _)| digest);
            // What is new may be loaded just now, by us or by another process.
            unused > ABANDONED
                && digest.is_some_and(|it| !settled.contains(it) && !wanted.contains(it))
        };
        let cleared =
            folder.clear(is_over).and_then(|()| folder.prune(&[RECORD, FILE, SEAL], &name, BOUNDS));
        cleared.map_err(|err| format!("making room in it: {err}"))
    }

    /// Keeps the file of a version that may come to be settled, since its place in the plugin folder may be another's by then.
    pub(super) fn hold(&self, digest: &str, bytes: &[u8], seal: &Seal) {
        let hold = |folder: Folder| {
            let name = self.file(digest, FILE);
            if folder.size(&name) != Some(bytes.len() as u64) {
                folder.write(&name, bytes)?;
            }
            let Seal::Signature(signature) = seal else { return Ok(()) };
            let name = self.file(digest, SEAL);
            match folder.read(&name, signature.len()) {
                Ok(Some(same)) if same == **signature => Ok(()),
                _ => folder.write(&name, &**signature),
            }
        };
        if let Err(reason) = Folder::make(&self.folder).and_then(hold) {
            self.complain(&reason);
        }
    }

    /// The version of `plugin` that was settled last, as the latest record has it.
    pub(super) fn settled(&self, plugin: &str) -> Option<Settled> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.plugins.get(plugin)?.settled.clone()
    }

    /// The file of that digest, and what vouched for it.
    pub(super) fn held(&self, digest: &str) -> Result<(Vec<u8>, Seal), String> {
        let folder = Folder::open(&self.folder)?;
        let read = |end, most| {
            let name = self.file(digest, end);
            let bytes = folder.as_ref().map_or(Ok(None), |folder| folder.read(&name, most));
            bytes.map_err(|err| format!("reading \"{name}\": {err}"))
        };
        let bytes = read(FILE, FILE_BYTES)?.ok_or("its file is kept no longer")?;
        let seal = read(SEAL, 64)?.map_or(Seal::Missing, |bytes| Seal::parse(&bytes));
        Ok((bytes, seal))
    }

    fn record(&self) -> String {
        format!("{}{RECORD}", self.key)
    }

    fn file(&self, digest: &str, end: &str) -> String {
        format!("{}-{digest}{end}", self.key)
    }

    fn complain(&self, reason: &str) {
        if self.told.is_new(reason) {
            let (folder, pipeline) = (self.folder.display(), &self.pipeline);
            warn!(%folder, pipeline, reason, "what rollouts learn is not kept over a restart");
        }
    }
}

/// A line with the checksum of what follows, and the record as JSON.
fn seal(learned: &Learned) -> Vec<u8> {
    let json = serde_json::to_vec_pretty(learned).expect("strings and numbers are JSON");
    let mut bytes = format!("{MAGIC} {}\n", digest(&json)).into_bytes();
    bytes.extend_from_slice(&json);
    bytes
}

fn open(bytes: &[u8]) -> Result<Learned, String> {
    let at = bytes.iter().position(|byte| *byte == b'\n').ok_or("is no record of rollouts")?;
    let (line, json) = bytes.split_at(at);
    let json = json.get(1..).unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or_default();
    match line.split_once(' ') {
        Some((MAGIC, checksum)) if checksum == digest(json) => {}
        Some((MAGIC, _)) => return Err("is damaged: its checksum is wrong".to_owned()),
        _ => return Err("is no record of rollouts, or one of another version".to_owned()),
    }
    serde_json::from_slice(json).map_err(|err| format!("is no record of rollouts: {err}"))
}

#[cfg(test)]
mod tests;
