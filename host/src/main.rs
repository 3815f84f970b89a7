//! The program `lockgate`. Decides nothing: the library is the whole of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    lockgate::cli::main()
}
