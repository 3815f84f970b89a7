//! The gateway as a binary of this package, so that the integration tests have its path and never run an older one.

use std::process::ExitCode;

fn main() -> ExitCode {
    lockgate::cli::main()
}
