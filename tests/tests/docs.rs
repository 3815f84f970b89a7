//! What `docs/operations.md` names is there, and what an operator must know is named; what `docs/protection.md` shows is what one
//! sees.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate::outcome::Code;
use lockgate_tests::gateway::Folder;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page() -> String {
    fs::read_to_string(root().join("docs/operations.md")).unwrap()
}

/// The fenced blocks of a page in this language.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let fence = format!("\n```{language}\n");
    let starts = page.match_indices(&fence).filter_map(|(at, _)| page.get(at + fence.len()..));
    starts.filter_map(|rest| rest.split("```").next()).collect()
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

#[test]
fn the_proof_that_the_page_shows_is_what_its_files_give() {
    let page = fs::read_to_string(root().join("docs/protection.md")).unwrap();
    let (files, samples, shown) =
        (blocks(&page, "toml"), blocks(&page, "json"), blocks(&page, "console"));
    let ([config, plugin], [sample], [shown]) = (&files[..], &samples[..], &shown[..]) else {
        panic!("the page has other blocks: {files:?} {samples:?} {shown:?}");
    };
    let (command, expected) = shown.split_once('\n').unwrap();
    let folder = Folder::new(PROGRAM).unwrap();
    for (name, text) in
        [("lockgate.toml", config), ("plugins/20-mask.toml", plugin), ("sample.jsonl", sample)]
    {
        folder.put(name, text).unwrap();
    }
    let check = || {
        let arguments = command.strip_prefix("$ lockgate ").unwrap().split(' ');
        let mut program = Command::new(PROGRAM);
        program.env("CACHE_DIRECTORY", folder.path().join("cache"));
        let output = program.args(arguments).current_dir(folder.path()).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    };
    let (told, code) = check();
    let proof = told.find("  TABLE").and_then(|at| told.get(at..));
    assert_eq!(proof, Some(expected), "{told}");
    assert_eq!(code, Some(1));

    // With the other column masked as well it holds.
    folder.put("plugins/20-mask.toml", format!("{plugin}ssn = \"redact\"\n")).unwrap();
    let (told, code) = check();
    assert!(told.ends_with("  proof        holds in all 10 places\neverything loads\n"), "{told}");
    assert_eq!(code, Some(0));
}
