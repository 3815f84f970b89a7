//! What a plugin may ask of the gateway: log lines and counters. Natively, where there is no gateway, lines go to standard
//! error and counts are kept for tests.

/// Log lines of a plugin. The gateway adds its name, limits their rate and length, and escapes control characters.
pub mod log {
    use std::fmt::Display;

    use super::Level;

    /// Something an operator must act on.
    pub fn error(message: impl Display) {
        super::log(Level::Error, &message.to_string());
    }

    /// Something unexpected that the plugin got over.
    pub fn warn(message: impl Display) {
        super::log(Level::Warn, &message.to_string());
    }

    /// A change of state.
    pub fn info(message: impl Display) {
        super::log(Level::Info, &message.to_string());
    }

    /// At most one a batch.
    pub fn debug(message: impl Display) {
        super::log(Level::Debug, &message.to_string());
    }

    /// As many as it takes; off unless asked for.
    pub fn trace(message: impl Display) {
        super::log(Level::Trace, &message.to_string());
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Adds to the metric `lockgate_plugin_custom_total{plugin, name}`. Use few names, and none that data decides.
pub fn count(name: &str, delta: u32) {
    imports::count(name, delta);
}

pub(crate) fn log(level: Level, message: &str) {
    imports::log(level, message);
}

#[cfg(target_arch = "wasm32")]
mod imports {
    use super::Level;
    use crate::bindings::lockgate::plugin::host;

    pub(super) fn log(level: Level, message: &str) {
        let level = match level {
            Level::Trace => host::Level::Trace,
            Level::Debug => host::Level::Debug,
            Level::Info => host::Level::Info,
            Level::Warn => host::Level::Warn,
            Level::Error => host::Level::Error,
        };
        host::log(level, message);
    }

    pub(super) fn count(name: &str, delta: u32) {
        host::count(name, delta);
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod imports {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::Level;

    thread_local! {
        pub(crate) static COUNTS: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
    }

    #[expect(clippy::print_stderr, reason = "where the gateway's log is not there to take it")]
    pub(super) fn log(level: Level, message: &str) {
        eprintln!("{level:?}: {message}");
    }

    pub(super) fn count(name: &str, delta: u32) {
        COUNTS.with_borrow_mut(|counts| {
            *counts.entry(name.to_owned()).or_default() += u64::from(delta);
        });
    }
}
