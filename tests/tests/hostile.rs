//! Thirty-two plugins that mean harm, each in a running gateway beside a plugin, a partition and a pipeline that do not: what
//! becomes of their records, and that nobody else notices. The last one, the clock that stands still, is a test of
//! `host/src/plugin/instance`, where a clock can be kept from ticking.
#![cfg(test)]

/// The gateway that these tests start.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");

mod hostile {
    mod guest;
    mod siege;

    mod time;
    mod memory;
    mod traps;
    mod answers;
    mod loading;
    mod talk;
    mod breaking;
    mod state;
    mod reload;
}
