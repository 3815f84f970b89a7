//! `lockgate check`: everything that can be known without a record. Prints the chain of every pipeline; connects only when asked.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};

use crate::config::{Config, TopicPattern};
use crate::gateway::Loaded;
use crate::kafka::topics::Topics;
use crate::plugin::Runtime;

/// Load everything that `run` would, and say what would happen
///
/// Reads the configuration, compiles every plugin, checks and hands over its settings, and prints the chain. Nothing is
/// connected to unless --connect is given, and nothing is written. The exit code is 1 when `run` would not start.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lockgate check
  lockgate check --connect --config /etc/lockgate/lockgate.toml")]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::DEFAULT_CONFIG)]
    config: PathBuf,

    /// Also ask the brokers whether the topics are there and may be read
    #[arg(long)]
    connect: bool,
}

impl Args {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let config = Config::load(&self.config)?;
        let runtime = Runtime::start()?;
        let mut text = String::new();
        for settings in &config.pipelines {
            let pipeline = Loaded::load(&runtime, settings)?;
            describe(&pipeline, &mut text)?;
        }
        if self.connect {
            connect(&config, &mut text)?;
        }
        writeln!(text, "everything loads")?;
        std::io::stdout().write_all(text.as_bytes()).context("writing to stdout")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(pipeline: &Loaded, text: &mut String) -> anyhow::Result<()> {
    let settings = &pipeline.settings;
    let from: Vec<&str> = settings
        .from
        .iter()
        .map(|pattern| match pattern {
            TopicPattern::Exact(name) => name.as_str(),
            TopicPattern::Glob(glob) => glob.glob(),
        })
        .collect();
    writeln!(text, "pipeline \"{}\"", settings.name)?;
    writeln!(text, "  from         {} ({} JSON)", from.join(", "), settings.dialect)?;
    writeln!(text, "  to           {}", settings.to.render("{topic}"))?;
    writeln!(text, "  dead letters {}", settings.dead_letter.render("{topic}"))?;
    let generation = pipeline.catalog.current();
    if generation.plugins.is_empty() {
        writeln!(text, "  chain        no plugins: records pass as they are")?;
    }
    for (number, version) in generation.plugins.iter().enumerate() {
        let tables: Vec<&str> = version.setup.tables.iter().map(globset::Glob::glob).collect();
        let tables = if tables.is_empty() { "all tables".to_owned() } else { tables.join(", ") };
        let required = settings.required.iter().any(|name| **name == *version.identity.name);
        writeln!(
            text,
            "  {:<12} {} {} ({}), {tables}{}",
            if number == 0 { "chain" } else { "" },
            version.identity.name,
            version.identity.version,
            version.identity.digest.get(..12).unwrap_or_default(),
            if required { ", required" } else { "" },
        )?;
    }
    Ok(())
}

fn connect(config: &Config, text: &mut String) -> anyhow::Result<()> {
    let topics = Topics::connect(&config.kafka)?;
    let found = topics.list()?;
    let mut problems = Vec::new();
    for settings in &config.pipelines {
        // A check changes nothing, so it looks as if topics were not to be created.
        let looking = crate::config::Pipeline { create_topics: false, ..settings.clone() };
        match topics.prepare(&looking, &found) {
            Ok(prepared) => {
                for topic in prepared.sources {
                    writeln!(
                        text,
                        "source topic \"{}\", {} partitions",
                        topic.name, topic.partitions
                    )?;
                }
            }
            Err(found) => problems.extend(found.iter().map(ToString::to_string)),
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(anyhow!("checking topics: {}", problems.join("\n  ")))
    }
}
