//! Says of a failed call what kind of fault it was, in words that name functions and never data. Must not know instances.

use wasmtime::{Error, Trap, WasmBacktrace};

use super::imports::Guest;
use super::limits::Limits;
use super::text;
use crate::contract::{Fault, FaultClass};

/// The longest text of a plugin's own, in bytes.
pub(super) const TEXT_BYTES: usize = 1 << 10;

/// Functions that a fault names, and the longest name in bytes.
const FRAMES: usize = 16;
const FRAME_BYTES: usize = 120;

/// The plugin's own error, as a fault.
pub(super) fn rejected(reason: &str) -> Fault {
    let said = Some(text::tame(reason, TEXT_BYTES));
    Fault { said, ..Fault::new(FaultClass::Rejected, "the plugin refused") }
}

pub(super) fn of_class(class: FaultClass, message: impl Into<String>) -> Fault {
    Fault::new(class, message)
}

/// What went wrong in a call that took at most `deadline`.
pub(super) fn classify(
    error: &Error,
    guest: &mut Guest,
    limits: &Limits,
    deadline: std::time::Duration,
) -> Fault {
    let trap = error.downcast_ref::<Trap>();
    let class = class(error, trap, guest.memory.was_denied());
    let mut message = match (class, trap) {
        (FaultClass::Timeout, _) => format!("took longer than its deadline of {deadline:?}"),
        (FaultClass::NotRun, _) => {
            format!("the gateway has no room for an instance of it: {}", root_text(error))
        }
        (FaultClass::OutOfMemory, _) => {
            format!("needs more than its {} of memory", mebibytes(limits.memory))
        }
        (FaultClass::Transfer, _) => {
            format!("handed over more than the {} of one call", mebibytes(limits.transfer))
        }
        (FaultClass::BadValue, _) => {
            format!("handed over what the contract does not have: {}", root_text(error))
        }
        (_, Some(trap)) => trap_text(*trap),
        (_, None) => root_text(error),
    };
    let frames = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
    // The log shows the message alone, and where it happened is the first thing to know.
    if let Some(innermost) = frames.iter().find(|frame| !is_a_number(frame)) {
        message = format!("{message}; in {innermost}");
    }
    Fault { said: guest.take_panic(), frames, ..Fault::new(class, message) }
}

fn class(error: &Error, trap: Option<&Trap>, denied: bool) -> FaultClass {
    let class = match trap {
        Some(Trap::Interrupt) => return FaultClass::Timeout,
        Some(Trap::StackOverflow) => return FaultClass::StackOverflow,
        // Where a language keeps its stack in linear memory, running out of it looks like this too.
        Some(Trap::MemoryOutOfBounds) => FaultClass::MemoryFault,
        Some(_) => FaultClass::Trap,
        None if root_text(error).contains("fuel allocated for hostcalls") => {
            return FaultClass::Transfer;
        }
        None if error.is::<NoRoom>() => FaultClass::NotRun,
        None if error.downcast_ref::<WasmBacktrace>().is_some() => FaultClass::Trap,
        None => FaultClass::BadValue,
    };
    // A guest that was refused memory gives up in a way of its own language: an abort, a null pointer, a bad list.
    if denied { FaultClass::OutOfMemory } else { class }
}

/// Marks that the host, not the plugin, could not make an instance.
#[derive(Debug, thiserror::Error)]
#[error("making an instance")]
struct NoRoom;

/// What instantiation failed with: where no code of the plugin ran, it was for want of room.
pub(super) fn in_starting(error: Error) -> Error {
    let ran = error.is::<Trap>() || error.is::<WasmBacktrace>();
    if ran { error } else { error.context(NoRoom) }
}

/// The innermost cause; what wraps it is the backtrace.
fn root_text(error: &Error) -> String {
    text::tame(&error.root_cause().to_string(), TEXT_BYTES)
}

fn trap_text(trap: Trap) -> String {
    let text = trap.to_string();
    text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned()
}

pub(super) fn mebibytes(bytes: usize) -> String {
    if bytes.is_multiple_of(1 << 20) {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{} KiB", bytes >> 10)
    }
}

/// Names of the functions that were running, without the hash that Rust appends to them; one that has no name is told by its
/// number in the plugin's file.
fn frames(backtrace: &WasmBacktrace) -> Vec<String> {
    // Only the text of the whole has the names demangled: lines of "  0:   0x4f - module!name", some without their place.
    let text = backtrace.to_string();
    let numbered = text.lines().filter_map(|line| line.split_once(": "));
    let frames = numbered.filter(|(number, _)| number.trim_start().parse::<u32>().is_ok());
    let names = frames.map(|(_, frame)| frame.split_once('!').map_or(frame, |(_, name)| name));
    names.map(frame).take(FRAMES).collect()
}

fn frame(name: &str) -> String {
    let plain = match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 => name,
        _ => name,
    };
    text::tame(plain, FRAME_BYTES)
}

/// As wasmtime tells of a function without a name.
fn is_a_number(frame: &str) -> bool {
    frame.starts_with("<wasm function ")
}

#[cfg(test)]
mod tests;
