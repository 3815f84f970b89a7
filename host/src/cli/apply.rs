//! `lockgate apply`: the chain of a pipeline over a file. Owns the input, the outputs and what is reported; must not know how
//! a record is transformed.

mod chain;
mod counts;
mod destination;
mod progress;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};

use self::counts::Counts;
use self::destination::Destination;
use self::progress::Progress;
use super::records::{Batch, Format, Reader, Writer};
use super::{Input, say};
use crate::config;
use crate::outcome::{Kept, Outcome};
use crate::plugin::Options;
use crate::record::{Header, OutputHeader, Record};
use crate::table::Dialect;

/// The exit code that says that all was written but some records were refused.
pub const SOME_REFUSED: u8 = 3;

/// The chain of a pipeline without Kafka around it.
pub trait Engine {
    /// Settles every one of `records` by one call of `settle`, in their order. An error of `settle` ends it and is passed on.
    fn process(
        &mut self,
        records: &[Record<'_>],
        settle: &mut dyn FnMut(Settled<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()>;
}

/// What became of one record of a batch.
pub struct Settled<'s> {
    /// The table of its rows, as `database.schema.table`; none where it has no rows.
    pub table: Option<&'s str>,
    pub outcome: Outcome<'s>,
}

/// Run a pipeline's chain over a file instead of Kafka
///
/// Reads INPUT, sends every record through the plugins exactly as `run` would, and writes what comes out, in order. A record
/// that is refused goes to the file of `--refused` with its code, reason and position, showing what its dead letter would show;
/// the others are still written, and the exit code is 3.
///
/// With --config or --pipeline, or without --plugins, the chain is that of a pipeline in the configuration; --plugins and
/// --dialect then override it. With --plugins alone no configuration is read.
///
/// In the format `lines` each line is the value of one record whose topic is the input's name and whose offset is the line's
/// number. A line that is not JSON is handed over like any other, and refused by the chain. Lines without any text hold no
/// record and are left out; a carriage return at the end of a line is white space of the value and comes back with it. A null
/// value is written as `null`.
///
/// In the format `records` each line is {"topic":..., "partition":..., "offset":..., "timestamp":..., "key":..., "value":...,
/// "headers":[[name, value], ...]}; keys, values, header names and header values are text, null, or {"base64": "..."} for
/// bytes that are not UTF-8. `topic` and `value` must be there. A line that is no such record ends the run: no output is left
/// behind by -o and --refused, whose files appear under their names only when everything is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lockgate apply --plugins plugins/ < events.jsonl > out.jsonl
  lockgate apply --pipeline shop --refused refused.jsonl -o out.jsonl events.jsonl
  lockgate apply --format records --table-counts captured.jsonl | head")]
pub struct Args {
    /// The configuration [default: lockgate.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The pipeline whose chain is used; not needed where there is only one
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,

    /// The folder whose files are the chain
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,

    /// How values are written [default: the pipeline's, or debezium]
    #[arg(long, value_name = "DIALECT", value_parser = chain::dialect)]
    dialect: Option<Dialect>,

    /// How records stand in INPUT and OUTPUT
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Write refused records here, always in the format `records`
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,

    /// Count records by table on stderr at the end
    #[arg(long)]
    table_counts: bool,

    /// The file to read; `-` or nothing is stdin
    #[arg(value_name = "INPUT")]
    input: Option<PathBuf>,

    /// The file to write; without it stdout
    #[arg(short, long, value_name = "OUTPUT")]
    output: Option<PathBuf>,
}

impl Args {
    /// `open` makes the engine of the pipeline that was chosen, of plugins that may be loaded.
    pub fn execute<E: Engine>(
        self,
        open: impl FnOnce(&config::Pipeline, Options) -> anyhow::Result<E>,
    ) -> anyhow::Result<ExitCode> {
        if let (Some(output), Some(refused)) = (&self.output, &self.refused) {
            destination::ensure_apart(output, refused)?;
        }
        let (pipeline, options) = chain::choose(&self)?;
        let mut engine = open(&pipeline, options)?;
        let input = Input::open(self.input.as_ref())?;
        let progress = Progress::start(input.bytes);
        let reader = Reader::new(input.reader, self.format, &input.name);
        let mut run = Run {
            output: Writer::new(Destination::open(self.output.as_deref())?, self.format),
            refused: match &self.refused {
                Some(path) => Some(Writer::new(Destination::open(Some(path))?, Format::Records)),
                None => None,
            },
            counts: Counts::new(self.table_counts),
        };
        let empty_lines = run.carry(reader, &mut engine, &progress)?;
        progress.finish();
        let counts = run.finish()?;
        say(format_args!("{}", counts.summary(empty_lines)));
        Ok(if counts.refused() == 0 { ExitCode::SUCCESS } else { SOME_REFUSED.into() })
    }
}

/// Everything that a settled record touches.
struct Run {
    output: Writer<Destination>,
    refused: Option<Writer<Destination>>,
    counts: Counts,
}

impl Run {
    /// Returns the number of lines that held no record.
    fn carry<R: std::io::BufRead>(
        &mut self,
        mut reader: Reader<R>,
        engine: &mut impl Engine,
        progress: &Progress,
    ) -> anyhow::Result<u64> {
        let mut batch = Batch::default();
        while reader.read(&mut batch)? {
            let records = batch.records();
            let mut left = records.iter();
            engine.process(&records, &mut |settled| {
                let record = left.next().context("settling more records than were read")?;
                self.settle(record, &settled)
            })?;
            ensure!(
                left.len() == 0,
                "settling a batch of {} records: {} are left",
                records.len(),
                left.len()
            );
            progress.set(reader.bytes());
        }
        Ok(reader.empty_lines())
    }

    fn settle(&mut self, record: &Record<'_>, settled: &Settled<'_>) -> anyhow::Result<()> {
        self.counts.add(record, settled);
        match &settled.outcome {
            Outcome::Forward { record: output, emissions } => {
                self.output.output(output, record)?;
                for emission in emissions {
                    self.output.output(emission, record)?;
                }
            }
            Outcome::Replace(emissions) => {
                for emission in emissions {
                    self.output.output(emission, record)?;
                }
            }
            Outcome::Drop(_) => {}
            Outcome::DeadLetter { refusal, kept } => {
                if let Some(refused) = &mut self.refused {
                    refused.refused(&shown(record, kept), refusal)?;
                }
            }
            Outcome::Halt(refusal) => {
                bail!("carrying {}: the pipeline halts: {refusal}", record.position())
            }
            Outcome::Hold(hold) => {
                let plugin = &hold.plugin.name;
                bail!(
                    "carrying {}: plugin \"{plugin}\" cannot be called: {}",
                    record.position(),
                    hold.reason
                )
            }
        }
        Ok(())
    }

    /// Puts the files in their places, the refused ones first: an output is complete only beside what it lacks.
    fn finish(self) -> anyhow::Result<Counts> {
        if let Some(refused) = self.refused {
            refused
                .finish()
                .context("writing the refused records")
                .and_then(Destination::commit)?;
        }
        self.output.finish().context("writing the outputs").and_then(Destination::commit)?;
        Ok(self.counts)
    }
}

/// The record as its dead letter would show it.
fn shown<'k>(record: &'k Record<'_>, kept: &'k Kept<'_>) -> Record<'k> {
    let header = |header: &'k OutputHeader<'_>| Header {
        name: &header.name,
        value: header.value.as_deref(),
    };
    Record {
        topic: record.topic,
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: kept.key.as_deref(),
        value: kept.value.as_deref(),
        headers: kept.headers.iter().map(header).collect(),
    }
}

#[cfg(test)]
mod tests;
