//! The arguments of `lockgate check`.

use std::path::PathBuf;

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
    pub config: PathBuf,

    /// Also ask the brokers whether the topics are there and may be read
    #[arg(long)]
    pub connect: bool,
}
