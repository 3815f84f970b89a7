//! Folders of settings, events before and events after.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Harness, fail};
use crate::plugin::Plugin;

/// Runs every folder in `folder`: the events of its `before.jsonl` through the plugin with its `settings.json` must give its
/// `after.jsonl`, one event a line. With the environment variable `BLESS` set, writes `after.jsonl` instead.
///
/// # Panics
///
/// Where an event differs, with its place and both versions, and where `folder` holds no such folder.
pub fn golden<P: Plugin>(folder: impl AsRef<Path>) {
    let folder = folder.as_ref();
    let list = fs::read_dir(folder).unwrap_or_else(|error| {
        fail(&format!("listing {}: {error}", folder.display()));
    });
    let mut cases: Vec<_> = list.filter_map(|entry| Some(entry.ok()?.path())).collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    if cases.is_empty() {
        fail(&format!("{} holds no golden folders", folder.display()));
    }
    for case in &cases {
        let settings = read(&case.join("settings.json"));
        let settings = settings.first().cloned().unwrap_or_default();
        let left = Harness::<P>::new(&settings)
            .and_then(|mut plugin| plugin.try_run(&read(&case.join("before.jsonl"))));
        let left = left.unwrap_or_else(|reason| fail(&format!("{}: {reason}", case.display())));
        let after = case.join("after.jsonl");
        if std::env::var_os("BLESS").is_some() {
            let lines: String = left.iter().map(|event| format!("{event}\n")).collect();
            fs::write(&after, lines)
                .unwrap_or_else(|error| fail(&format!("writing {}: {error}", after.display())));
        } else {
            compare(&after, &left, &read(&after));
        }
    }
}

fn compare(path: &Path, left: &[Value], expected: &[Value]) {
    for at in 0..left.len().max(expected.len()) {
        let text = |event: Option<&Value>| event.map_or("nothing".to_owned(), Value::to_string);
        let (left, expected) = (text(left.get(at)), text(expected.get(at)));
        if left != expected {
            let line = at + 1;
            fail(&format!("{}:{line}\n expected {expected}\n      got {left}", path.display()));
        }
    }
}

fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path)
        .unwrap_or_else(|error| fail(&format!("reading {}: {error}", path.display())));
    let events: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_str(&text).into_iter().collect();
    events.unwrap_or_else(|error| fail(&format!("reading {}: {error}", path.display())))
}
