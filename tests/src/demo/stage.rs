//! What the demo stands on: topics in the cluster, and a folder with the configuration and the plugins' files as a user would
//! write them. Knows no process.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::client::Client;

pub(super) const PARTITIONS: i32 = 4;

/// What the filter is told to keep; the ledger has the same rule in its own words.
pub(super) const KEEP: &str = r#"op == "d" || after.country != "PL""#;

/// Names of the topics, in a real cluster behind a prefix of their own.
#[derive(Clone, Debug)]
pub(super) struct Topics {
    prefix: String,
    pub(super) source: String,
    /// Where the outputs go while `reshape` says so, and where they go without it.
    pub(super) outputs: [String; 2],
    pub(super) dead_letters: [String; 1],
}

impl Topics {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            source: format!("{prefix}shop.public.customers"),
            outputs: [
                format!("{prefix}analytics.customers"),
                format!("{prefix}clean.shop.public.customers"),
            ],
            dead_letters: [format!("{prefix}shop.public.customers.dlq")],
        }
    }

    /// A topic's name as it would be without the prefix.
    pub(super) fn plain<'t>(&self, topic: &'t str) -> &'t str {
        topic.strip_prefix(&self.prefix).unwrap_or(topic)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let source = std::iter::once(&self.source);
        source.chain(&self.outputs).chain(&self.dead_letters).map(String::as_str)
    }

    pub(super) fn create(&self, brokers: &str) -> anyhow::Result<()> {
        let client = Client::new(brokers)?;
        self.all().try_for_each(|topic| client.create_topic(topic, PARTITIONS))
    }
}

/// The folder, gone when dropped.
pub(super) struct Stage {
    folder: TempDir,
    pub(super) config: PathBuf,
    prefix: String,
    /// Whether the card numbers stay in clear, to see that the demo notices.
    leaks: bool,
}

/// Settings of `mask`, as the demo changes them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask {
    First,
    /// E-mails become pseudonyms.
    Second,
    /// The key of the pseudonyms is forgotten.
    Keyless,
}

impl Mask {
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::First => "mask-v1.toml",
            Self::Second => "mask-v2.toml",
            Self::Keyless => "mask-v3.toml",
        }
    }
}

impl Stage {
    pub(super) fn set(brokers: &str, prefix: &str, leaks: bool) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lockgate-demo-").tempdir();
        let folder = folder.context("making a folder for the demo")?;
        let config = folder.path().join("lockgate.toml");
        let stage = Self { folder, config, prefix: prefix.to_owned(), leaks };
        fs::create_dir(stage.plugins()).context("making the plugin folder")?;
        write(&stage.config, &stage.configuration(brokers))?;
        write(&stage.plugins().join("10-filter.toml"), &filter())?;
        write(&stage.plugins().join("30-reshape.toml"), &stage.reshape())?;
        stage.put_mask(Mask::First)?;
        Ok(stage)
    }

    pub(super) fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// Writes the settings of `mask` over those that are there.
    pub(super) fn put_mask(&self, mask: Mask) -> anyhow::Result<()> {
        write(&self.plugins().join("20-mask.toml"), &self.mask(mask))
    }

    pub(super) fn remove_reshape(&self) -> anyhow::Result<()> {
        fs::remove_file(self.plugins().join("30-reshape.toml")).context("removing reshape")
    }

    fn configuration(&self, brokers: &str) -> String {
        let prefix = &self.prefix;
        format!(
            r#"drain = "10s"

[kafka]
brokers = "{brokers}"
group = "{prefix}lockgate-demo"
instance = "demo"

[admin]
listen = "127.0.0.1:0"

[[pipeline]]
name = "shop"
from = ["{prefix}shop.public.customers"]
dialect = "debezium"
to = "{prefix}clean.shop.public.customers"
dead_letter = "{prefix}shop.public.customers.dlq"
plugins = "plugins"
required = ["mask"]
"#
        )
    }

    fn mask(&self, mask: Mask) -> String {
        let email = match mask {
            Mask::First => "keep-domain",
            Mask::Second | Mask::Keyless => "hmac:base64url",
        };
        let key = match mask {
            Mask::First | Mask::Keyless => "",
            Mask::Second => "key = \"a key for the demo only\"\nkey_id = \"v2\"\n",
        };
        let card = if self.leaks { "" } else { "card = \"keep-last:4\"\n" };
        format!(
            r#"plugin = "mask"

[settings]
{key}
[settings.columns]
email = "{email}"
full_name = "redact"
{card}phone = "keep-last:3"
"profile#/contact/email" = "keep-domain"
"#
        )
    }

    fn reshape(&self) -> String {
        format!(
            r#"plugin = "reshape"

[settings]
topic = "{}analytics.{{table}}"

[settings.rename]
full_name = "name"

[settings.headers]
country = "country"
"#,
            self.prefix
        )
    }
}

fn filter() -> String {
    format!("plugin = \"filter\"\n\n[settings]\nkeep = '{KEEP}'\n")
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
