//! What `docs/operations.md` names is there, and what an operator must know is named.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lockgate::outcome::Code;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page() -> String {
    fs::read_to_string(root().join("docs/operations.md")).unwrap()
}

/// Names in `text` that begin with `lockgate_`.
fn metrics(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = text.match_indices("lockgate_").filter_map(|(at, _)| text.get(at..));
    starts.map(|rest| rest.split(|c| !is_part(c)).next().unwrap_or(rest)).collect()
}

#[test]
fn every_metric_that_the_page_names_exists() {
    let folder = root().join("host/src/metrics");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.chain([root().join("host/src/metrics.rs")]);
    let source: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    let (page, known) = (page(), metrics(&source));
    let named = metrics(&page);
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(known.contains(name.trim_end_matches("_bucket")), "no metric {name}");
    }
}

#[test]
fn every_refusal_code_has_its_line() {
    let page = page();
    for code in Code::ALL {
        assert!(page.contains(&format!("\n| `{code}` | ")), "{code}");
    }
}

#[test]
fn names_end_where_the_text_goes_on() {
    let text = "`lockgate_a_total{x}` and rate(lockgate_b_bucket[5m])";
    assert_eq!(metrics(text), BTreeSet::from(["lockgate_a_total", "lockgate_b_bucket"]));
}
