//! `lockgate compile-plugin`, which the gateway runs for itself: a plugin on stdin, its code on stdout, or why there is none on
//! stderr. Owns the exit code; must not know how anything is compiled.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;

use super::say;
use crate::plugin::Job;

/// Compile a plugin for a running gateway
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of the engine that the code is for
    #[arg(long)]
    fingerprint: String,

    /// The engine reserves no address space for memories
    #[arg(long)]
    bare: bool,

    /// The processor time it may take
    #[arg(long)]
    processor_seconds: u64,

    /// The address space it may take
    #[arg(long)]
    memory_bytes: u64,
}

impl Args {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let job = Job {
            fingerprint: self.fingerprint,
            is_bare: self.bare,
            processor_seconds: self.processor_seconds,
            memory_bytes: self.memory_bytes,
        };
        match job.run(io::stdin().lock()) {
            Ok(code) => {
                let mut output = io::stdout().lock();
                output
                    .write_all(&code)
                    .and_then(|()| output.flush())
                    .context("writing the code")?;
                Ok(ExitCode::SUCCESS)
            }
            Err(unmade) => {
                say(format_args!("{unmade}"));
                Ok(unmade.exit_code().into())
            }
        }
    }
}
