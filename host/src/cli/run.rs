//! The arguments of `lockgate run`.

use std::path::PathBuf;

/// Carry events until told to stop
///
/// Reads the configuration, loads every plugin, connects, and runs until SIGTERM or SIGINT: then it takes no more records,
/// settles those it has within `drain`, commits and leaves. A second signal leaves at once; what was not settled is read again
/// by whoever gets the partition next. Anything wrong with the configuration or a required plugin ends it before the first
/// record is read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  lockgate run --config /etc/lockgate/lockgate.toml --log-format json")]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::DEFAULT_CONFIG)]
    pub config: PathBuf,
}
