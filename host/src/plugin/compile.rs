//! From the bytes of a file to a compiled component of our world, or the reason why it is none: by the shortest way there is.
//! Must not know settings or instances.

mod apart;
mod child;
mod ends;
mod sealed;
mod translate;

use std::sync::{Arc, PoisonError, Weak};
use std::time::Instant;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::bindings::PluginPre;
use super::engine::Runtime;
use super::imports::Guest;
use super::{raw, text};

pub use apart::{Job, Unmade};
pub use child::{Allowance, Compiler};
pub(super) use sealed::{CODE_BYTES, HEADER, Label, Sealed};
use translate::check_header;

/// The largest plugin file: Python's, the largest of any language, is 18 MiB.
pub const FILE_BYTES: usize = 32 << 20;

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
    /// The code of the file `bytes`, whose digest is `digest`: what some version uses already, else what is kept from before,
    /// else compiled.
    pub(super) fn code(&self, bytes: &[u8], digest: &str) -> Result<Arc<Code>, LoadError> {
        if let Some(code) = self.code_in_use(digest) {
            return Ok(code);
        }
        check_header(bytes)?;
        let fingerprint = self.target.fingerprint.clone();
        let label = Label { digest: digest.to_owned(), fingerprint };
        if let Some(component) = self.kept(&label) {
            return Ok(self.share(digest, self.admit(&component)?));
        }
        // What is there already waits for nobody; what is not, for whoever is being compiled.
        let _one_at_a_time = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = self.code_in_use(digest) {
            return Ok(code);
        }
        Ok(self.share(digest, self.make(&label, bytes)?))
    }

    fn share(&self, digest: &str, code: Code) -> Arc<Code> {
        let code = Arc::new(code);
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.retain(|_, code| code.strong_count() > 0);
        in_use.insert(digest.to_owned(), Arc::downgrade(&code));
        code
    }

    fn code_in_use(&self, digest: &str) -> Option<Arc<Code>> {
        let in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.get(digest).and_then(Weak::upgrade)
    }

    fn make(&self, label: &Label, bytes: &[u8]) -> Result<Code, LoadError> {
        let begun = Instant::now();
        let sealed = self.compile(label, bytes)?;
        tracing::info!(digest = label.digest, took = ?begun.elapsed(), "plugin compiled");
        let component = raw::component(&self.engine, &sealed).map_err(|err| {
            LoadError::new(format!(
                "what the compiler made of it cannot be used: {err:#}; report it with the file"
            ))
        })?;
        let code = self.admit(&component)?;
        // What is refused would take the room of what is used.
        if let Some(cache) = &self.cache {
            cache.keep(label, &sealed);
        }
        Ok(code)
    }

    /// What was compiled before, by this process or another.
    fn kept(&self, label: &Label) -> Option<Component> {
        let cache = self.cache.as_ref()?;
        let sealed = cache.load(label)?;
        raw::component(&self.engine, &sealed)
            .inspect_err(|err| cache.discard(label, &format!("{err:#}")))
            .ok()
    }

    fn compile(&self, label: &Label, bytes: &[u8]) -> Result<Sealed, LoadError> {
        match &self.options.compiler {
            Some(compiler) => compiler.compile(&self.target, label, bytes, &self.is_over),
            None => Ok(Sealed::new(label, &translate::translate(&self.engine, bytes)?)),
        }
    }

    /// Takes a component that fits our world.
    fn admit(&self, component: &Component) -> Result<Code, LoadError> {
        let (imports, exports) = interfaces(component, &self.engine);
        check_imports(&imports)?;
        check_exports(&exports)?;
        let pre = self.linker.instantiate_pre(component).and_then(PluginPre::new);
        let pre = pre.map_err(|err| {
            LoadError::new(format!(
                "it was built against another contract than this gateway's ({VERSION}): {err:#}"
            ))
        })?;
        Ok(Code { pre, imports, exports })
    }
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
