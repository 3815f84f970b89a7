//! A plugin that is fit to serve: compiled, asked who it is, its settings checked and taken. Must not know the folder or the other
//! plugins.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::bindings::types;
use super::compile::{Code, LoadError};
use super::engine::Runtime;
use super::imports::Voice;
use super::instance::Instance;
use super::limits::Limits;
use super::live::Live;
use super::stats::Stats;
use super::{fault, settings, text};
use crate::breaker::{self, Breaker};
use crate::config::{FaultPolicy, PluginFile, PluginMessages};
use crate::contract::{Fault, FaultClass};
use crate::outcome::Identity;

/// The longest name or version that a plugin gives itself, in bytes.
const NAME_BYTES: usize = 64;

/// A file compiled, and what the plugin in it says of itself. Settings do not matter here, so it outlives a change of them.
pub struct Compiled {
    runtime: Arc<Runtime>,
    code: Arc<Code>,
    /// SHA-256 of the file's bytes, lower-case hex.
    pub digest: String,
    pub info: Info,
}

/// A plugin's answer to `describe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    pub name: String,
    pub version: String,
    /// The text of a JSON Schema.
    pub settings_schema: String,
}

impl Compiled {
    /// Compiles `bytes` and asks the plugin to describe itself, within `limits`.
    pub fn load(runtime: &Arc<Runtime>, bytes: &[u8], limits: Limits) -> Result<Self, LoadError> {
        let digest = digest(bytes);
        let code = runtime.code(bytes, &digest)?;
        let voice = Voice::new(&Arc::from("describe"), PluginMessages::Show);
        let mut live = Live::start(&code.pre, &runtime.pulse, limits, &voice)
            .map_err(|fault| failed("starting it", &fault))?;
        let info = live
            .prepare(|transform, store| transform.call_describe(store))
            .map_err(|fault| failed("asking it to describe itself", &fault))?;
        Ok(Self { runtime: Arc::clone(runtime), code, digest, info: Info::from(info) })
    }

    /// Interfaces it imports, as it names them.
    pub fn imports(&self) -> &[String] {
        &self.code.imports
    }

    /// Interfaces it exports, as it names them.
    pub fn exports(&self) -> &[String] {
        &self.code.exports
    }
}

impl From<types::Info> for Info {
    fn from(info: types::Info) -> Self {
        Self {
            name: text::tame(&info.name, NAME_BYTES),
            version: text::tame(&info.version, NAME_BYTES),
            settings_schema: info.settings_schema,
        }
    }
}

/// SHA-256 as lower-case hex.
pub fn digest(bytes: &[u8]) -> String {
    text::hex(&Sha256::digest(bytes))
}

/// Where a version stands in its pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number its file name begins with.
    pub order: Option<u32>,
    /// The file name without that number and without the extension.
    pub name: Arc<str>,
    /// The file it is known by: the `.wasm`, or the `.toml` that names an official plugin.
    pub file: PathBuf,
}

/// A plugin with its settings, ready to be instantiated. Never changes; a new file or new settings make a new version.
pub struct Version {
    pub place: Place,
    pub identity: Arc<Identity>,
    pub setup: PluginFile,
    /// The text of its settings file, secrets not put in; empty where there was none.
    pub written: String,
    compiled: Arc<Compiled>,
    limits: Limits,
    /// As `configure` gets them.
    settings: String,
    tables: globset::GlobSet,
    voice: Arc<Voice>,
    stats: Stats,
    breaker: Arc<Breaker>,
}

impl Version {
    /// Checks `setup` against the plugin's schema and lets the plugin judge it.
    pub fn configure(
        compiled: &Arc<Compiled>,
        place: Place,
        (setup, written): (PluginFile, String),
        voice: Arc<Voice>,
    ) -> Result<Arc<Self>, LoadError> {
        settings::check(&compiled.info.settings_schema, &setup.settings)?;
        let identity = Arc::new(Identity {
            name: Arc::clone(&place.name),
            version: compiled.info.version.clone(),
            digest: compiled.digest.clone(),
        });
        let version = Self {
            place,
            identity,
            compiled: Arc::clone(compiled),
            limits: Limits::of(&setup),
            settings: setup.settings.to_string(),
            tables: table_set(&setup)?,
            setup,
            written,
            voice,
            stats: Stats::default(),
            breaker: Arc::default(),
        };
        let live = version.start().map_err(|fault| failed("configuring it", &fault))?;
        version.check_room(live.memory())?;
        Ok(Arc::new(version))
    }

    /// A configured instance with no table open.
    pub(super) fn start(&self) -> Result<Live, Fault> {
        let runtime = &self.compiled.runtime;
        let mut live =
            Live::start(&self.compiled.code.pre, &runtime.pulse, self.limits, &self.voice)?;
        live.prepare(|transform, store| transform.call_configure(store, &self.settings))?
            .map_err(|reason| fault::rejected(&reason))?;
        Ok(live)
    }

    /// An instance that starts beyond the mark would be replaced after every batch.
    fn check_room(&self, memory: usize) -> Result<(), LoadError> {
        if memory <= self.limits.recycle_at() {
            return Ok(());
        }
        let (needs, has) = (fault::mebibytes(memory), fault::mebibytes(self.limits.memory));
        Err(LoadError::new(format!(
            "it takes {needs} to start and may have {has}; set `memory` to at least twice what it takes"
        )))
    }

    /// An instance for one lane. Nothing runs before its first call.
    pub fn instantiate(self: &Arc<Self>) -> Instance {
        Instance::new(Arc::clone(self))
    }

    /// The same for a trial beside what serves: with figures of its own, a voice that nobody hears, and a breaker of its own
    /// that is held closed. Whatever its instances do, nothing of it shows in the version that serves.
    pub fn aside(&self) -> Arc<Self> {
        let breaker = Breaker::default();
        breaker.order(breaker::Order::Close, Instant::now());
        Arc::new(Self {
            place: self.place.clone(),
            identity: Arc::clone(&self.identity),
            setup: self.setup.clone(),
            compiled: Arc::clone(&self.compiled),
            limits: self.limits,
            settings: self.settings.clone(),
            written: self.written.clone(),
            tables: self.tables.clone(),
            voice: self.voice.muted(),
            stats: Stats::default(),
            breaker: Arc::new(breaker),
        })
    }

    /// The tables it is to be asked about; none for all.
    pub fn tables(&self) -> Option<&globset::GlobSet> {
        (!self.setup.tables.is_empty()).then_some(&self.tables)
    }

    pub fn info(&self) -> &Info {
        &self.compiled.info
    }

    pub fn compiled(&self) -> &Arc<Compiled> {
        &self.compiled
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn on_fault(&self) -> FaultPolicy {
        self.setup.on_fault
    }

    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    pub fn breaker(&self) -> &Arc<Breaker> {
        &self.breaker
    }

    pub fn voice(&self) -> &Arc<Voice> {
        &self.voice
    }
}

/// Without its settings, which hold secrets.
impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version")
            .field("place", &self.place)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

fn table_set(setup: &PluginFile) -> Result<globset::GlobSet, LoadError> {
    let mut set = globset::GlobSetBuilder::new();
    for glob in &setup.tables {
        set.add(glob.clone());
    }
    set.build().map_err(|err| LoadError::new(format!("reading the globs of `tables`: {err}")))
}

fn failed(doing: &str, fault: &Fault) -> LoadError {
    // It has seen no data yet, so its own words may be told, and where it refuses they are all there is to say.
    match &fault.said {
        Some(said) if fault.class == FaultClass::Rejected => {
            LoadError::new(format!("{doing}: {said}"))
        }
        _ => LoadError::new(format!("{doing}: {fault}")),
    }
}

#[cfg(test)]
mod tests;
