//! Chains in this process, made of files in a folder of their own. Measures nothing.

use lockgate::config::{Config, Pipeline};
use lockgate::gateway::Loaded;
use lockgate::plugin::Runtime;
use lockgate_tests::gateway::guest_module;
use tempfile::TempDir;

/// A plugin of the bench.
#[derive(Clone, Copy)]
pub(crate) enum Plugin {
    /// One of `tests/guests`.
    Guest(&'static str),
    /// An official one, with its settings file.
    Official(&'static str, &'static str),
}

impl Plugin {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Guest(name) | Self::Official(name, _) => name,
        }
    }
}

/// The official plugins, each with work to do.
pub(crate) const OFFICIAL: [Plugin; 3] = [
    Plugin::Official(
        "filter",
        "plugin = \"filter\"\n[settings]\nkeep = 'after.country != \"NO\"'\n",
    ),
    Plugin::Official("mask", "plugin = \"mask\"\n[settings.columns]\nemail = \"keep-domain\"\n"),
    Plugin::Official("reshape", "plugin = \"reshape\"\n[settings]\nremove = [\"email\"]\n"),
];

/// A pipeline of this plugin alone, loaded.
pub(crate) struct Chain {
    pub(crate) loaded: Loaded,
    pub(crate) settings: Pipeline,
    _folder: TempDir,
}

impl Chain {
    pub(crate) fn of(plugin: Plugin) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        match plugin {
            Plugin::Guest(name) => {
                let bytes = guest_module(name, "1.0.0")?;
                std::fs::write(folder.path().join("10-guest.wasm"), bytes)?;
            }
            Plugin::Official(name, settings) => {
                std::fs::write(folder.path().join(format!("10-{name}.toml")), settings)?;
            }
        }
        let config = format!(
            "[kafka]\nbrokers = \"unused:9092\"\n\
             [[pipeline]]\nname = \"bench\"\nfrom = [\"shop\"]\ndialect = \"debezium\"\n\
             to = \"clean.{{topic}}\"\nplugins = \"{}\"\n",
            folder.path().display(),
        );
        let config = Config::parse(&config, &folder.path().join("lockgate.toml"))?;
        let settings = config.pipelines.into_iter().next();
        let settings = settings.ok_or_else(|| anyhow::anyhow!("there is one pipeline"))?;
        let loaded = Loaded::load(&Runtime::start()?, &settings)?;
        Ok(Self { loaded, settings, _folder: folder })
    }
}
