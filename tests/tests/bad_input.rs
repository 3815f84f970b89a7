//! What is wrong with records, plugins, configuration and surroundings: each is refused in words that say what to do, and
//! nothing is lost over it.
#![cfg(test)]

mod bad_input {
    mod records;
    mod setup;
    mod brokers;
}

/// The gateway that these tests start.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");
