//! For tests: the guests of `tests/guests`, and short ways to load and call them.

mod folder;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::{Compiled, Limits, LoadError, Place, Runtime, Version, Voice};
use crate::config::{PluginFile, PluginMessages};
use crate::contract::{Batch, Cells, kind};
use crate::table::{Column, Dialect, Table};

pub(super) use folder::Folder;

/// The module of `tests/guests/NAME.wat` as text.
pub(crate) fn text(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests");
    let read =
        |name: &str| std::fs::read_to_string(folder.join(name).with_extension("wat")).unwrap();
    format!("(module\n{}\n{}\n)", read("common"), read(name))
}

/// The module of `tests/guests/NAME.wat`.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    wat::parse_str(text(name)).unwrap()
}

/// The module of `tests/guests/NAME.wat`, and in it what says that another tool made it.
pub(crate) fn guest_with(name: &str, section: &str) -> Vec<u8> {
    let text = text(name);
    let module = text.trim_end().strip_suffix(')').unwrap();
    wat::parse_str(format!("{module}\n{section})")).unwrap()
}

/// A guest under another version number, and so with another digest.
pub(crate) fn guest_of_version(name: &str, version: &str) -> Vec<u8> {
    wat::parse_str(text(name).replace("\"1.0.0\"", &format!("\"{version}\""))).unwrap()
}

pub(crate) fn runtime() -> Arc<Runtime> {
    static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
    Arc::clone(RUNTIME.get_or_init(|| Runtime::start().unwrap()))
}

pub(crate) fn setup() -> PluginFile {
    PluginFile { deadline: Duration::from_millis(250), memory: 4 << 20, ..PluginFile::default() }
}

pub(crate) fn compiled(bytes: &[u8]) -> Result<Arc<Compiled>, LoadError> {
    Compiled::load(&runtime(), bytes, Limits::of(&setup())).map(Arc::new)
}

pub(crate) fn configured(bytes: &[u8], setup: PluginFile) -> Result<Arc<Version>, LoadError> {
    let place = Place { order: Some(10), name: "guest".into(), file: "10-guest.wasm".into() };
    let voice = Voice::new(&place.name, PluginMessages::Show);
    Version::configure(&compiled(bytes)?, place, (setup, String::new()), voice)
}

/// A version of `tests/guests/NAME.wat`.
pub(crate) fn version(name: &str) -> Arc<Version> {
    configured(&guest(name), setup()).unwrap()
}

pub(crate) fn table(id: u32, name: &str) -> Table {
    let column = |name: &str| Column { name: name.into(), source_type: "".into(), key: false };
    Table {
        id,
        topic: "shop".into(),
        dialect: Dialect::Debezium,
        database: "db".into(),
        schema: "public".into(),
        name: name.into(),
        columns: vec![column("id"), column("email")],
    }
}

/// A column of strings.
pub(crate) fn strings(cells: &[&str]) -> Cells {
    let mut column = Cells::default();
    for cell in cells {
        column.kinds.push(kind::STRING);
        column.data.extend_from_slice(cell.as_bytes());
        column.ends.push(u32::try_from(column.data.len()).unwrap());
    }
    column
}

/// Calls `with` with a batch of updates that reads `column` alone.
pub(crate) fn with_batch<R>(table: u32, column: Cells, with: impl FnOnce(Batch<'_>) -> R) -> R {
    let operations = vec![b'u'; column.kinds.len()];
    with(Batch { table, operations: &operations, reads: &[column] })
}
