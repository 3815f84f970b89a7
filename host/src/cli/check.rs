//! `lockgate check`: everything that can be known without a record. Prints the chain of every pipeline; connects only when asked.

mod proof;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, ensure};

use super::records::{Batch, Format, Reader};
use super::{Input, engine};
use crate::config::{Config, TopicPattern};
use crate::gateway::Loaded;
use crate::kafka;
use crate::kafka::topics::{Problem, Topics};
use crate::pipeline::Pipeline;
use crate::plugin::Runtime;

/// Load everything that `run` would, and say what would happen
///
/// Reads the configuration, compiles every plugin, checks and hands over its settings, and prints the chain, and what of the
/// plugin folder is left alone since its name does not end in .wasm, .toml or .sig. With --events it also prints, for each table
/// in the file, what every plugin reads and changes of it. With --proof it prints who covers each
/// column that `protect` names, place by place: in the tables of --events, and in those that `protect` names without globs.
/// Nothing is connected to unless --connect is given, and nothing is written. The exit code is 1 when `run` would not start, when
/// a plugin refuses a table, when nobody covers a place, or when the sample shows no table at all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lockgate check
  lockgate check --events captured.jsonl --format records
  lockgate check --proof --events captured.jsonl --format records
  lockgate check --connect --config /etc/lockgate/lockgate.toml")]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::DEFAULT_CONFIG)]
    config: PathBuf,

    /// Also ask the brokers whether the topics are there and may be read
    #[arg(long)]
    connect: bool,

    /// Show who covers each protected column
    #[arg(long)]
    proof: bool,

    /// Sample records that show which tables there are; `-` is stdin
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// How records stand in the file of --events
    #[arg(long, value_enum, default_value_t, requires = "events")]
    format: Format,
}

impl Args {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let config = Config::load(&self.config)?;
        kafka::check_properties(&config.kafka)?;
        let runtime = Runtime::start_with(engine::options(Some(&config))?)?;
        let mut text = String::new();
        let (mut refused, mut shown) = (false, self.events.is_none());
        for settings in &config.pipelines {
            let loaded = if self.proof {
                Loaded::load_unproven(&runtime, settings)?
            } else {
                Loaded::load(&runtime, settings)?
            };
            describe(&loaded, &mut text)?;
            let mut pipeline = Pipeline::new(Arc::clone(&loaded.settings), loaded.stages());
            if let Some(events) = &self.events {
                self.meet_tables(&mut pipeline, events)?;
                refused |= tables(&pipeline, &mut text)?;
                match pipeline.tables().next() {
                    Some(_) => shown = true,
                    None => writeln!(text, "  table        none in the sample")?,
                }
            }
            if self.proof {
                refused |= !proof::show(&loaded, pipeline.tables(), &mut text)?;
            }
        }
        if self.connect {
            connect(&config, &mut text)?;
        }
        if shown && (!self.proof || !refused) {
            writeln!(text, "everything loads")?;
        }
        std::io::stdout().write_all(text.as_bytes()).context("writing to stdout")?;
        ensure!(
            shown,
            "looking at \"{}\": no pipeline finds a table in it; `lockgate detect` says what its records are, and --format \
             how they stand in it",
            self.events.unwrap_or_default().display()
        );
        Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// Carries the sample, so that the pipeline knows its tables.
    fn meet_tables(&self, pipeline: &mut Pipeline, events: &PathBuf) -> anyhow::Result<()> {
        let input = Input::open(Some(events))?;
        let mut reader = Reader::new(input.reader, self.format, &input.name);
        let mut batch = Batch::default();
        while reader.read(&mut batch)? {
            // What becomes of the records is for `apply`; here they only show the tables.
            pipeline.process(&batch.records(), |_, _, _| true);
        }
        Ok(())
    }
}

/// Shows each table with its chain. Gives whether one was refused.
fn tables(pipeline: &Pipeline, text: &mut String) -> anyhow::Result<bool> {
    let mut refused = false;
    for (table, parts) in pipeline.explain() {
        writeln!(
            text,
            "  table        {} ({} columns)",
            table.qualified_name(),
            table.columns.len()
        )?;
        match parts {
            Ok(parts) if parts.is_empty() => writeln!(text, "                 no plugins")?,
            Ok(parts) => {
                for part in parts {
                    writeln!(text, "                 {part}")?;
                }
            }
            Err(refusal) => {
                refused = true;
                writeln!(text, "                 refused: {refusal}")?;
            }
        }
    }
    Ok(refused)
}

fn describe(pipeline: &Loaded, text: &mut String) -> anyhow::Result<()> {
    let settings = &pipeline.settings;
    let from: Vec<&str> = settings.from.iter().map(TopicPattern::as_str).collect();
    writeln!(text, "pipeline \"{}\"", settings.name)?;
    writeln!(text, "  from         {} ({} JSON)", from.join(", "), settings.dialects)?;
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
    let left_alone = left_alone(&settings.plugins)?;
    if !left_alone.is_empty() {
        writeln!(text, "  left alone   {}", left_alone.join(", "))?;
    }
    Ok(())
}

/// What lies in a plugin folder and is no plugin's: a mask whose name ends in another way would be missed by nobody.
fn left_alone(folder: &Path) -> anyhow::Result<Vec<String>> {
    let reading = || format!("reading plugin folder \"{}\"", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let extension = path.extension().unwrap_or_default();
        if !name.starts_with('.')
            && !["wasm", "toml", "sig"].iter().any(|known| extension == *known)
        {
            names.push(format!("\"{name}\""));
        }
    }
    names.sort();
    Ok(names)
}

fn connect(config: &Config, text: &mut String) -> anyhow::Result<()> {
    let topics = Topics::connect(&config.kafka)?;
    let found = topics.list()?;
    let mut problems = Vec::new();
    for settings in &config.pipelines {
        // A check changes nothing: it looks as if topics were not to be created, and then says which would be.
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
            Err(found) => {
                for problem in found {
                    match problem {
                        Problem::Missing { key, topic, source_topic, partitions, .. }
                            if settings.create_topics =>
                        {
                            writeln!(
                                text,
                                "{key} topic \"{topic}\" is not there yet: `run` creates it with {partitions} partitions, as \"{source_topic}\" has"
                            )?;
                        }
                        problem => problems.push(problem.to_string()),
                    }
                }
            }
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(anyhow!("checking topics: {}", problems.join("\n  ")))
    }
}
