//! `cargo demo`: the gateway at work, from an empty broker to a counted summary in under a minute. Decides nothing but the exit
//! code; under the name `lockgate` the same program is the gateway.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use lockgate_tests::demo::{self, Options};

fn main() -> ExitCode {
    if demo::is_gateway() {
        return demo::be_gateway();
    }
    match demo::run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Where stderr is closed, nobody is there to be told.
            drop(writeln!(std::io::stderr(), "demo: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
