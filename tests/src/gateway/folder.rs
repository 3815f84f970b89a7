//! What a gateway is started from: a folder with its configuration and its plugins, changed as an operator changes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use tempfile::TempDir;

use super::Gateway;

pub struct Folder {
    program: PathBuf,
    folder: TempDir,
    /// Gateways started from here, each with a log of its own.
    started: AtomicUsize,
}

impl Folder {
    /// A folder without plugins, for gateways that are started as `program`.
    pub fn new(program: &str) -> anyhow::Result<Self> {
        let folder = TempDir::new().context("making the gateway's folder")?;
        fs::create_dir(folder.path().join("plugins")).context("making the plugin folder")?;
        Ok(Self { program: program.into(), folder, started: AtomicUsize::new(0) })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where `name` stands, a path from this folder on.
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file in place, in one step, as a deployment does.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        let path = self.at(name);
        let doing = || format!("writing \"{name}\"");
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(doing)?;
        }
        let beside = path.with_extension("new");
        fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, &path)).with_context(doing)
    }

    /// Puts `tests/guests/GUEST.wat` in place, under a version of its own.
    pub fn put_guest(&self, name: &str, guest: &str, version: &str) -> anyhow::Result<()> {
        self.put(name, guest_module(guest, version)?)
    }

    pub fn remove(&self, name: &str) -> anyhow::Result<()> {
        fs::remove_file(self.at(name)).with_context(|| format!("removing \"{name}\""))
    }

    pub fn rename(&self, from: &str, to: &str) -> anyhow::Result<()> {
        fs::rename(self.at(from), self.at(to)).with_context(|| format!("renaming \"{from}\""))
    }

    /// Starts a gateway with this configuration.
    pub fn run(&self, config: &str) -> anyhow::Result<Gateway> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let path = self.at(&format!("lockgate-{number}.toml"));
        fs::write(&path, config).context("writing the configuration")?;
        Gateway::start(&self.program, &path, self.at(&format!("gateway-{number}.log")))
    }
}

/// The module of `tests/guests/GUEST.wat`; "1.0.0" is the version of all of them there.
pub fn guest_module(guest: &str, version: &str) -> anyhow::Result<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
    let read = |name: &str| {
        let path = folder.join(name).with_extension("wat");
        fs::read_to_string(path).with_context(|| format!("reading guest \"{name}\""))
    };
    let text = format!("(module\n{}\n{}\n)", read("common")?, read(guest)?);
    let text = text.replace("\"1.0.0\"", &format!("\"{version}\""));
    wat::parse_str(text).with_context(|| format!("assembling guest \"{guest}\""))
}
