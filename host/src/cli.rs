//! The command line: one file for each command. Owns exit codes and what a person reads; must not know how records are
//! transformed.

pub mod records;
pub mod run;
pub mod check;
pub mod apply;
mod engine;
pub mod inspect;
pub mod detect;
mod compile;
pub mod plugin;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::logging;

/// Where the log filter is read from when `--log` is not given.
const LOG_VARIABLE: &str = "LOCKGATE_LOG";

/// Where options that every command has stand in its help, below its own.
const LOG: &str = "Log";

/// The file that is read when `--config` is not given.
pub const DEFAULT_CONFIG: &str = "lockgate.toml";

/// Carries change events from Kafka through WebAssembly plugins to Kafka.
///
/// Exit codes: 0 all went well, 1 it failed, 2 the command line is wrong; `apply` also 3, some records were refused.
#[derive(Debug, Parser)]
#[command(name = "lockgate", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// How log lines are written; they go to stderr.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", help_heading = LOG)]
    log_format: logging::Format,

    /// Which log lines are kept, as in `info,lockgate::plugin=debug`; without it the variable LOCKGATE_LOG, else
    /// `info` for `run`, `error` for `detect` and `warn` for the others.
    #[arg(long, global = true, value_name = "FILTER", help_heading = LOG)]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Apply(apply::Args),
    Inspect(inspect::Args),
    Detect(detect::Args),
    #[command(hide = true)]
    CompilePlugin(compile::Args),
    Plugin(plugin::Args),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let filter = std::env::var(LOG_VARIABLE).ok();
    run(std::env::args_os(), filter)
}

/// `filter` is the log filter of the environment, which `--log` outranks.
fn run(arguments: impl Iterator<Item = OsString>, filter: Option<String>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => {
            // Nothing is left to say where even the usage cannot be written.
            usage.print().unwrap_or_default();
            return u8::try_from(usage.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    let filter = cli.log.clone().or(filter);
    let filter = filter.as_deref().unwrap_or(cli.command.log_filter());
    let result = logging::set_up(cli.log_format, filter).and_then(|()| cli.command.execute());
    match result {
        Ok(code) => code,
        // The reader of a pipe has seen enough, as in `lockgate apply ... | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("lockgate: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

impl Command {
    fn execute(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Run(arguments) => arguments.execute(),
            Self::Check(arguments) => arguments.execute(),
            Self::Apply(arguments) => arguments.execute(engine::Offline::open),
            Self::Inspect(arguments) => arguments.execute(),
            Self::Detect(arguments) => arguments.execute(),
            Self::CompilePlugin(arguments) => arguments.execute(),
            Self::Plugin(arguments) => arguments.execute(),
        }
    }

    /// What is kept of the log where nobody says: a person who runs a command looks for its result.
    fn log_filter(&self) -> &'static str {
        match self {
            Self::Run(_) => logging::DEFAULT_FILTER,
            Self::Check(_) | Self::Apply(_) | Self::Inspect(_) | Self::Plugin(_) => "warn",
            // Its last word says what librdkafka has warned of before.
            Self::Detect(_) => "error",
            // What it writes to stderr is its answer.
            Self::CompilePlugin(_) => "off",
        }
    }
}

/// Writes a line for the person at the terminal, beside the data on stdout.
fn say(line: std::fmt::Arguments<'_>) {
    // Where stderr is closed, nobody is there to be told.
    writeln!(io::stderr(), "{line}").unwrap_or_default();
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// An input of records: a file, or stdin.
struct Input {
    /// As errors and positions show it.
    name: String,
    /// None where the end cannot be foreseen.
    bytes: Option<u64>,
    reader: Box<dyn io::BufRead>,
}

impl Input {
    /// None or `-` is stdin.
    fn open(path: Option<&PathBuf>) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            let reader = Box::new(io::BufReader::with_capacity(BUFFER, io::stdin()));
            return Ok(Self { name: "stdin".to_owned(), bytes: None, reader });
        };
        let opening = || format!("opening \"{}\"", path.display());
        let file = std::fs::File::open(path).with_context(opening)?;
        let about = file.metadata().with_context(opening)?;
        anyhow::ensure!(!about.is_dir(), "opening \"{}\": it is a folder", path.display());
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let reader = Box::new(io::BufReader::with_capacity(BUFFER, file));
        Ok(Self { name, bytes: about.is_file().then_some(about.len()), reader })
    }
}

/// Bytes read or written at a time.
const BUFFER: usize = 256 << 10;

#[cfg(test)]
mod tests;
