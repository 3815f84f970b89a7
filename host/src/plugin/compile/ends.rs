//! How a compiler came to its end, in words for whoever gave the plugin. Pure.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;

use super::LoadError;
use super::child::Allowance;

/// The compiler's exit code for a file that is no plugin; why, it says on stderr.
pub(super) const REFUSED: u8 = 65;

/// Its exit code where it is of another build than the gateway that started it.
pub(super) const OTHER_BUILD: u8 = 69;

/// The exit code of a program that panicked.
const PANICKED: i32 = 101;

/// The most that is told of what a compiler said that failed for no known reason, in bytes.
const SAID_BYTES: usize = 300;

/// How it ended, where it gave no code.
pub(super) enum End {
    /// By itself, or by a signal from elsewhere.
    Itself(ExitStatus),
    /// Its time was over.
    Late,
    /// The gateway is going, and needs no plugin any more.
    Abandoned,
    /// It wrote more than any code is long.
    Flood,
    /// It claims success, but what it wrote is no code; the reason is [`super::Sealed`]'s.
    Garbage(&'static str),
}

impl End {
    /// `said` is what it wrote to stderr.
    pub(super) fn reason(&self, said: &str, allowance: &Allowance) -> LoadError {
        match self {
            Self::Itself(status) => of_status(*status, said, allowance),
            Self::Late => LoadError::new(format!(
                "compiling it took more than {}; make it smaller, or look why this machine is so slow",
                seconds(allowance.wall_time)
            )),
            Self::Abandoned => LoadError::new("the gateway is stopping and compiles no more"),
            Self::Flood => LoadError::new(format!(
                "compiled, it is larger than {}; make it smaller",
                mebibytes(super::sealed::CODE_BYTES as u64)
            )),
            Self::Garbage(reason) => LoadError::new(format!(
                "what the compiler made of it cannot be used: {reason}; report it with the file"
            )),
        }
    }
}

fn of_status(status: ExitStatus, said: &str, allowance: &Allowance) -> LoadError {
    if status.code() == Some(i32::from(REFUSED)) {
        return LoadError::new(said.trim_end());
    }
    if status.code() == Some(i32::from(OTHER_BUILD)) {
        return LoadError::new(
            "the program that compiles plugins is of another build than this gateway; restart the gateway",
        );
    }
    let excerpt = crate::plugin::text::tame(said.trim(), SAID_BYTES);
    let excerpt = if excerpt.is_empty() { "it said nothing" } else { &excerpt };
    match (status.code(), status.signal()) {
        (Some(PANICKED), _) => LoadError::new(format!(
            "the compiler panics on it ({excerpt}); report it with the file"
        )),
        (Some(code), _) => LoadError::new(format!(
            "compiling it failed: the compiler ended with exit code {code} ({excerpt})"
        )),
        (None, signal) => LoadError::new(of_signal(signal, said, allowance)),
    }
}

fn of_signal(signal: Option<i32>, said: &str, allowance: &Allowance) -> String {
    let is = |known: Signal| signal == Some(known.as_raw());
    if is(Signal::XCPU) {
        let time = seconds(Duration::from_secs(allowance.processor_seconds()));
        return format!(
            "compiling it took more than {time} of processor time; make its functions smaller"
        );
    }
    if is(Signal::ABORT) && said.contains("memory allocation of") {
        let memory = mebibytes(allowance.memory);
        return format!(
            "compiling it took more than {memory} of memory; make it or its functions smaller"
        );
    }
    if said.contains("has overflowed its stack") || is(Signal::SEGV) {
        return "it is nested too deeply to be compiled".to_owned();
    }
    if is(Signal::KILL) {
        return "the compiler was killed, by somebody or because this machine is out of memory; it is tried again \
                when the file changes or in some minutes"
            .to_owned();
    }
    let signal = signal.map_or("an unknown signal".to_owned(), |signal| format!("signal {signal}"));
    format!("the compiler fails on it, ended by {signal}; report it with the file")
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}
