//! A start with ten plugins of different digests: all of them compiled, as the first time, and all of them kept from before. In the
//! bench's own process, and as a process from its first instruction to its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lockgate::config::Pipeline;
use lockgate::gateway::Loaded;
use lockgate::plugin::{Compiler, Options, Runtime};
use lockgate::table::Dialect;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");

const PLUGINS: u8 = 10;

/// Starts, cold and warm, of a folder of plugins.
pub(crate) struct Start {
    folder: TempDir,
    pipeline: Pipeline,
}

impl Start {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins).expect("a folder within it");
        let mask = lockgate_plugins::official("mask").expect("an official plugin");
        for number in 0..PLUGINS {
            let place = plugins.join(format!("{}-mask{number}.wasm", 10 + number));
            // A section that says nothing makes another file of it.
            let section = [0, 3, 1, b'n', number];
            fs::write(&place, [mask, &section].concat()).expect("a plugin");
            let settings = "[settings]\ncolumns = { email = \"redact\" }\n";
            fs::write(place.with_extension("toml"), settings).expect("its settings");
        }
        let pipeline = Pipeline::offline(plugins, Dialect::Debezium);
        Self { folder, pipeline }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn forget(&self) {
        // There is none before the first start.
        fs::remove_dir_all(self.cache()).ok();
    }

    /// Until every plugin is loaded and configured, in this process.
    pub(crate) fn here(&self) -> Duration {
        let begun = Instant::now();
        let options = Options {
            cache: Some(self.cache()),
            compiler: Some(Compiler::new(PROGRAM)),
            ..Options::default()
        };
        let runtime = Runtime::start_with(options).expect("the plugin runtime starts");
        let loaded = Loaded::load(&runtime, &self.pipeline).expect("the plugins load");
        assert_eq!(loaded.stages().len(), usize::from(PLUGINS));
        begun.elapsed()
    }

    /// Until a process that applies them to nothing has ended.
    pub(crate) fn process(&self) -> Duration {
        let begun = Instant::now();
        let ended = Command::new(PROGRAM)
            .args([Path::new("apply"), Path::new("--plugins"), &self.pipeline.plugins])
            .env("CACHE_DIRECTORY", self.cache())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("the program starts");
        assert!(ended.success(), "it ended with {ended}");
        begun.elapsed()
    }
}
