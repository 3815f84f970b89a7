//! `lockgate detect`: looks at sample events and proposes a pipeline for them. Owns the input; what a record is, is asked in `shape`,
//! what follows from all of them in `proposal`, and said in `report`.

mod proposal;
mod report;
mod shape;
mod topics;

use std::io::{self, BufRead, Cursor, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use self::proposal::Findings;
use super::Input;
use super::records::{Batch, Format, Reader};
use crate::change::json;

/// A first line longer than this is one record's value, whatever else it may be.
const FIRST_LINE: u64 = 16 << 20;

/// Events looked at where nobody says: a file is read fast, a cluster has other work.
const LIMIT: u64 = 10_000;
const LIMIT_OF_TOPICS: u64 = 1_000;

/// Look at sample events, say what they are, and propose a pipeline for them
///
/// Reads values, one a line, or records as `apply --format records` reads them; which of the two is seen from the first line. With
/// --topic it reads the latest records of topics instead: committed ones, without joining a consumer group, committing or creating
/// anything. Prints how many events there are of each shape, the tables they change, and a `[[pipeline]]` to paste into
/// lockgate.toml. Where topics are written in different dialects, the pipeline says so by topic, and where values are compressed,
/// how. What cannot be read (Avro, Protobuf, values that are encrypted or compressed otherwise) is named with what to do about it.
///
/// A proposal is a guess from shapes: a table of one's own may have columns called `op` and `source`. Nothing is guessed when
/// events are carried; the pipeline's `dialect` decides.
///
/// The exit code is 1 when there is nothing to propose.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lockgate detect events.jsonl
  kafka-console-consumer --topic shop.public.orders --max-messages 100 ... | lockgate detect -
  lockgate detect --topic shop.public.customers --brokers localhost:9092
  lockgate detect --topic 'shop.*' --topic audit --config lockgate.toml")]
pub struct Args {
    /// The sample; `-` is stdin
    #[arg(value_name = "FILE", required_unless_present = "topics")]
    input: Option<PathBuf>,

    /// Look at no more events than this; of each topic at one at least [default: 10000, with --topic 1000]
    #[arg(long, value_name = "EVENTS")]
    limit: Option<u64>,

    #[command(flatten)]
    topics: topics::Args,
}

impl Args {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let findings = match &self.input {
            Some(path) => {
                let input = Input::open(Some(path))?;
                look(input.reader, &input.name, self.limit.unwrap_or(LIMIT))?
            }
            None => self.topics.look(self.limit.unwrap_or(LIMIT_OF_TOPICS))?,
        };
        let mut out = io::stdout().lock();
        write!(out, "{findings}").and_then(|()| out.flush()).context("writing the findings")?;
        Ok(if findings.has_proposal() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn look(mut input: impl BufRead, name: &str, limit: u64) -> anyhow::Result<Findings> {
    let mut first = Vec::new();
    (&mut input)
        .take(FIRST_LINE)
        .read_until(b'\n', &mut first)
        .with_context(|| format!("reading \"{name}\""))?;
    let format = format_of(&first);
    let mut reader = Reader::new(Cursor::new(first).chain(input), format, name);
    let mut findings = Findings::new(format);
    let mut batch = Batch::default();
    while findings.events < limit && reader.read(&mut batch)? {
        for record in batch.records() {
            if findings.events < limit {
                findings.add(&record);
            }
        }
    }
    Ok(findings)
}

/// Records have both keys, which no known shape of a value has.
fn format_of(line: &[u8]) -> Format {
    let names: Vec<&[u8]> = match json::document(line) {
        Ok(whole) => json::members(line, whole.start).map(|(name, _)| name.of(line)).collect(),
        Err(_) => Vec::new(),
    };
    let has = |name: &[u8]| names.contains(&name);
    if has(b"topic") && has(b"value") { Format::Records } else { Format::Lines }
}

#[cfg(test)]
mod tests;
