//! From the bytes of a file to a compiled component of our world, or the reason why it is none. Must not know settings or
//! instances.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, Weak};
use std::thread;

use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::bindings::PluginPre;
use super::engine::Runtime;
use super::imports::Guest;
use super::text;

/// The largest plugin file: Python's, the largest of any language, is 18 MiB.
pub const FILE_BYTES: usize = 32 << 20;

/// Compiling takes more than linear time in the size of a function, so that is bounded as well.
const FUNCTION_BYTES: usize = 1 << 20;
const FUNCTIONS: u32 = 100_000;

/// The compiler recurses over what it is given.
const COMPILER_STACK_BYTES: usize = 16 << 20;

/// The longest reason, in bytes; parts of it come out of the file.
const REASON_BYTES: usize = 2 << 10;

const TRANSFORM: &str = "lockgate:plugin/transform";
const HOST: &str = "lockgate:plugin/host";
const TYPES: &str = "lockgate:plugin/types";
const VERSION: &str = "0.1.0";

/// Why a file does not become a plugin. Goes into logs and `/readyz` as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(String);

impl LoadError {
    pub(super) fn new(reason: impl AsRef<str>) -> Self {
        Self(text::tame(reason.as_ref(), REASON_BYTES))
    }
}

/// A compiled component whose imports and exports are those of our world.
pub(super) struct Code {
    pub(super) pre: PluginPre<Guest>,
    /// Interfaces it imports and exports, as it names them.
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
}

impl Runtime {
    /// The code of the file `bytes`, whose digest is `digest`: compiled, unless some version of it is in use already.
    pub(super) fn code(&self, bytes: &[u8], digest: &str) -> Result<Arc<Code>, LoadError> {
        let known = || self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = known().get(digest).and_then(Weak::upgrade) {
            return Ok(code);
        }
        let code = Arc::new(self.compile(bytes)?);
        let mut known = known();
        known.retain(|_, code| code.strong_count() > 0);
        known.insert(digest.to_owned(), Arc::downgrade(&code));
        Ok(code)
    }

    /// Compiles `bytes`: a component of our world, or a core module that can be wrapped as one.
    fn compile(&self, bytes: &[u8]) -> Result<Code, LoadError> {
        let compile = || {
            catch_unwind(AssertUnwindSafe(|| self.compile_here(bytes))).unwrap_or_else(|panic| {
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

    fn compile_here(&self, bytes: &[u8]) -> Result<Code, LoadError> {
        check_header(bytes)?;
        let sketch = survey(bytes)?;
        let encoded = match sketch.encoding {
            Encoding::Component => None,
            Encoding::Module => {
                let encoded = self.encoder.component(bytes.to_vec(), sketch.names_its_world);
                Some(encoded.map_err(|err| {
                    LoadError::new(format!(
                        "a core module that cannot be wrapped as a plugin: {err}"
                    ))
                })?)
            }
        };
        let component = Component::new(&self.engine, encoded.as_deref().unwrap_or(bytes))
            .map_err(|err| LoadError::new(format!("it does not compile: {err:#}")))?;
        let (imports, exports) = interfaces(&component, &self.engine);
        check_imports(&imports)?;
        check_exports(&exports)?;
        let pre = self.linker.instantiate_pre(&component).and_then(PluginPre::new);
        let pre = pre.map_err(|err| {
            LoadError::new(format!(
                "it was built against another contract than this gateway's ({VERSION}): {err:#}"
            ))
        })?;
        Ok(Code { pre, imports, exports })
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// Refuses what is no WebAssembly at all, by its first bytes.
fn check_header(bytes: &[u8]) -> Result<(), LoadError> {
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

fn interfaces(component: &Component, engine: &Engine) -> (Vec<String>, Vec<String>) {
    let ty = component.component_type();
    let imports = ty.imports(engine).map(|(name, _)| name.to_owned()).collect();
    let exports = ty.exports(engine).map(|(name, _)| name.to_owned()).collect();
    (imports, exports)
}

fn check_imports(imports: &[String]) -> Result<(), LoadError> {
    let wasi: Vec<&String> = imports.iter().filter(|name| name.starts_with("wasi:")).collect();
    if let [first, rest @ ..] = wasi.as_slice() {
        let others = match rest.len() {
            0 => String::new(),
            1 => " and one more interface of WASI".to_owned(),
            more => format!(" and {more} more interfaces of WASI"),
        };
        return Err(LoadError::new(format!(
            "it imports \"{first}\"{others}, and plugins get no WASI; rebuild it for wasm32-unknown-unknown, or with \
             --stub-wasi where the toolchain has it"
        )));
    }
    for name in imports {
        match name.split_once('@').unwrap_or((name, "")) {
            (HOST | TYPES, VERSION) => {}
            (HOST | TYPES, other) => return Err(other_version(other)),
            _ => {
                return Err(LoadError::new(format!(
                    "it imports \"{name}\", and a plugin may import nothing but \"{HOST}@{VERSION}\""
                )));
            }
        }
    }
    Ok(())
}

fn check_exports(exports: &[String]) -> Result<(), LoadError> {
    let names = exports.iter().map(|name| name.split_once('@').unwrap_or((name, "")));
    match names.clone().find(|(name, _)| *name == TRANSFORM) {
        Some((_, VERSION)) => Ok(()),
        Some((_, other)) => Err(other_version(other)),
        None => {
            let found: Vec<String> = exports.iter().map(|name| format!("\"{name}\"")).collect();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            Err(LoadError::new(format!(
                "it does not export \"{TRANSFORM}@{VERSION}\" but {found}; build it against wit/plugin.wit"
            )))
        }
    }
}

fn other_version(found: &str) -> LoadError {
    LoadError::new(format!(
        "it was built against version \"{found}\" of the contract, and this gateway has {VERSION}"
    ))
}

#[cfg(test)]
mod tests;
