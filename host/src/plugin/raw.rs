//! The unsafe part: machine code becomes something that can be called. Knows nothing of where it lay.
#![expect(
    unsafe_code,
    reason = "wasmtime cannot check machine code, so it takes the caller's word"
)]

use wasmtime::Engine;
use wasmtime::component::Component;

use super::compile::Sealed;

/// The component whose code was sealed. An error where `engine` is of another kind than the compiler's.
pub(super) fn component(engine: &Engine, sealed: &Sealed) -> wasmtime::Result<Component> {
    // SAFETY: the bytes must be what `Engine::precompile_component` gave, unchanged. `Sealed` comes from there in this very
    // process; or over a pipe from a child that runs this very program; or from a file of the cache, which was one of the two
    // before, in a folder that nobody but this process's user can write to. In the latter cases length and checksum have been
    // compared, and that a compiler with the engine's own fingerprint made it. The bytes are copied, so a file that changes
    // later does no harm. Nothing that a user gives as a plugin comes here: the compiler takes WebAssembly alone.
    unsafe { Component::deserialize(engine, sealed.code()) }
}
