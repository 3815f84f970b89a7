//! From WebAssembly to machine code: the part that a hostile file can keep busy, fill the memory of or bring down. Runs in a
//! process of its own wherever it can; must not know which process it is in.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Engine;

use super::{FILE_BYTES, LoadError};
use crate::plugin::encode::Encoder;

/// Compiling takes more than linear time in the size of a function, so that is bounded as well.
const FUNCTION_BYTES: usize = 1 << 20;
const FUNCTIONS: u32 = 100_000;

/// The compiler recurses over what it is given.
const COMPILER_STACK_BYTES: usize = 16 << 20;

/// Compiles `bytes`: a component, or a core module that can be wrapped as one.
pub(super) fn translate(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let compile = || {
        catch_unwind(AssertUnwindSafe(|| translate_here(engine, bytes))).unwrap_or_else(|panic| {
            let cause = panic_text(&*panic);
            Err(LoadError::new(format!(
                "the compiler fails on it ({cause}); report it with the file"
            )))
        })
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("compile".to_owned())
            .stack_size(COMPILER_STACK_BYTES)
            .spawn_scoped(scope, compile)
            .map_err(|err| LoadError::new(format!("starting the compiler: {err}")))?;
        thread.join().expect("every panic of the closure is caught inside it")
    })
}

fn translate_here(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    check_header(bytes)?;
    let sketch = survey(bytes)?;
    let encoded = match sketch.encoding {
        Encoding::Component => None,
        Encoding::Module => Some(encode(bytes, sketch.names_its_world)?),
    };
    engine
        .precompile_component(encoded.as_deref().unwrap_or(bytes))
        .map_err(|err| LoadError::new(format!("it does not compile: {err:#}")))
}

fn encode(module: &[u8], names_its_world: bool) -> Result<Vec<u8>, LoadError> {
    let encoder = Encoder::new().map_err(|err| {
        LoadError::new(format!("preparing the wrapping of core modules: {err:#}"))
    })?;
    encoder.component(module.to_vec(), names_its_world).map_err(|err| {
        LoadError::new(format!(
            "a core module that cannot be wrapped as a plugin: {err}; build it against wit/plugin.wit, in Rust with \
             the SDK and its `export!`"
        ))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    // An error of wasmtime brings its backtrace along.
    text.lines().next().unwrap_or("no message")
}

/// Refuses what is no WebAssembly at all, by its first bytes.
pub(super) fn check_header(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.len() > FILE_BYTES {
        return Err(LoadError::new(format!(
            "{} bytes are more than the {FILE_BYTES} a plugin may have",
            bytes.len()
        )));
    }
    if Engine::detect_precompiled(bytes).is_some() {
        return Err(LoadError::new(
            "precompiled code, which cannot be checked; give the .wasm file that it was made from",
        ));
    }
    if bytes.starts_with(b"\0asm") {
        return Ok(());
    }
    let reason = match bytes.trim_ascii_start() {
        [] => "the file is empty",
        [b'(', ..] => "WebAssembly as text; turn it into a binary first, with `wasm-tools parse`",
        _ => "not a WebAssembly file",
    };
    Err(LoadError::new(reason))
}

/// What can be said of a file without compiling it.
struct Sketch {
    encoding: Encoding,
    /// Whether a core module carries the world it was built for.
    names_its_world: bool,
}

/// Reads through the file, nested modules included: it has to be whole, and nothing in it too large to compile in good time.
fn survey(bytes: &[u8]) -> Result<Sketch, LoadError> {
    let mut sketch = Sketch { encoding: Encoding::Module, names_its_world: false };
    let mut functions = 0u32;
    let mut depth = 0u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|err| {
            let (what, at) = (err.message(), err.offset());
            LoadError::new(format!("damaged or cut off at byte {at} of {}: {what}", bytes.len()))
        })?;
        match payload {
            Payload::Version { encoding, .. } if depth == 0 => sketch.encoding = encoding,
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                sketch.names_its_world = true;
            }
            Payload::CodeSectionStart { count, .. } => functions = functions.saturating_add(count),
            Payload::CodeSectionEntry(body) if body.range().len() > FUNCTION_BYTES => {
                return Err(LoadError::new(format!(
                    "the function at byte {} is too large to compile: {} bytes, and {FUNCTION_BYTES} are allowed",
                    body.range().start,
                    body.range().len()
                )));
            }
            _ => {}
        }
        if functions > FUNCTIONS {
            return Err(LoadError::new(format!(
                "more than {FUNCTIONS} functions, too many to compile"
            )));
        }
    }
    Ok(sketch)
}
