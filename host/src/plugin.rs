//! The door to WebAssembly: from the files of a plugin folder to instances that answer batches, within limits, replaced while
//! the gateway runs. The only module that knows wasmtime; everything outside sees `contract::Transform`.

mod bindings;
mod text;
mod ticker;
mod limits;
mod imports;
mod encode;
mod engine;
mod compile;
mod private;
mod cache;
mod kept;
mod raw;
mod fault;
mod live;
mod instance;
mod stats;
mod settings;
mod version;
mod rehearsal;
mod producers;
mod trust;
mod folder;
mod draft;
mod catalog;
mod rollout;
mod watch;
#[cfg(test)]
pub(crate) mod guests;

pub use catalog::{
    Catalog, CatalogError, FileStatus, Generation, Past, Reload, Reloads, State, Trial,
};
pub use compile::{Allowance, Compiler, FILE_BYTES, Job, LoadError, Unmade};
pub use engine::{Options, Runtime};
pub use folder::{Problem, ReadSettings, Sources};
pub use imports::Voice;
pub use instance::Instance;
pub use limits::{Limits, TRANSFER_BYTES};
pub use producers::producers;
pub use rehearsal::{Go, Progress, Rehearsal};
pub use rollout::{Checks, Meanwhile};
pub use stats::{Carried, Figures, Stats};
pub use text::tame;
pub use ticker::TICK;
pub use trust::{Candidate, Seal, judge, seal_of};
pub use version::{Compiled, Info, Place, Version, digest};
pub use watch::{FolderWatch, Hurdles, SharedTrial};
