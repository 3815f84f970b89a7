//! Holds what a guide could only ask for: the doors, the file headers, the sizes, what must not be in the tree. Reads the
//! files that git tracks or would track, so that build output does not count.
#![cfg(test)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the root").into()
}

/// Every file of the tree, relative to the root, with its text; binary files have none.
fn files() -> Vec<(String, Option<String>)> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs in a checkout");
    assert!(listed.status.success(), "git ls-files failed: the tidy test needs a git checkout");
    let listed = String::from_utf8(listed.stdout).expect("file names are UTF-8");
    let exists = |name: &&str| root().join(name).is_file();
    listed
        .lines()
        .filter(exists)
        .map(|name| (name.to_owned(), std::fs::read_to_string(root().join(name)).ok()))
        .collect()
}

fn rust_files() -> Vec<(String, String)> {
    let rust = |(name, text): (String, Option<String>)| {
        let is_rust = Path::new(&name).extension().is_some_and(|extension| extension == "rs");
        is_rust.then(|| (name, text.unwrap_or_default()))
    };
    files().into_iter().filter_map(rust).collect()
}

/// Fails with one line for each offence.
fn assert_none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n{}", offences.join("\n"));
}

/// Lines of code in which `word` stands as a whole word, outside `//` comments.
fn uses(text: &str, word: &str) -> Vec<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let found = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        let around = code.split(word).collect::<Vec<_>>();
        around
            .array_windows()
            .any(|[before, after]| !before.ends_with(is_word) && !after.starts_with(is_word))
    };
    text.lines().enumerate().filter(|(_, line)| found(line)).map(|(n, _)| n + 1).collect()
}

#[test]
fn only_its_own_folder_opens_a_door() {
    let doors: [(&[&str], &[&str]); 3] = [
        (&["rdkafka", "rdkafka_sys"], &["host/src/kafka.rs", "host/src/kafka/"]),
        (
            &["wasmtime", "wasmparser", "wit_component", "wit_parser", "wat"],
            &["host/src/plugin.rs", "host/src/plugin/"],
        ),
        (&["axum"], &["host/src/admin.rs", "host/src/admin/"]),
    ];
    let mut offences = Vec::new();
    for (name, text) in rust_files().iter().filter(|(name, _)| name.starts_with("host/src/")) {
        for (crates, homes) in doors {
            if homes.iter().any(|home| name.starts_with(home)) {
                continue;
            }
            for word in crates {
                let lines =
                    uses(text, &format!("{word}::")).into_iter().chain(uses_path(text, word));
                offences.extend(lines.map(|line| format!("{name}:{line}: names {word}")));
            }
        }
    }
    assert_none("these libraries are known in one folder only", &offences);
}

/// `use word::…` and `word::…`: the colons make a path of it, unless they follow others.
fn uses_path(text: &str, word: &str) -> Vec<usize> {
    let path = format!("{word}::");
    let is_inside = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let starts = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        let around = code.split(&path).collect::<Vec<_>>();
        around.array_windows().any(|[before, _]| !before.ends_with(is_inside))
    };
    text.lines().enumerate().filter(|(_, line)| starts(line)).map(|(n, _)| n + 1).collect()
}

#[test]
fn pure_modules_do_no_io_and_read_no_clock() {
    let pure = [
        "record",
        "table",
        "change",
        "contract",
        "cell",
        "redact",
        "overlay",
        "outcome_check",
        "render",
        "outcome",
        "tracker",
    ];
    let banned = ["std::fs", "std::net", "std::process", "std::env", "SystemTime", "tokio"];
    let mut offences = Vec::new();
    for (name, text) in rust_files() {
        let is_pure = pure.iter().any(|module| {
            name == format!("host/src/{module}.rs")
                || name.starts_with(&format!("host/src/{module}/"))
        });
        if !is_pure || name.ends_with("tests.rs") || name.contains("/tests/") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in banned {
            let lines = uses(code, word);
            offences.extend(lines.iter().map(|line| format!("{name}:{line}: uses {word}")));
        }
    }
    assert_none("logic takes values; effects stay at the rim", &offences);
}

#[test]
fn unsafe_code_stands_at_the_doors() {
    let mut offences = Vec::new();
    for (name, text) in rust_files() {
        let home = ["host/src/kafka/raw.rs", "host/src/plugin/raw.rs"].contains(&name.as_str())
            || name.starts_with("host/src/kafka/raw/");
        // The floor of the end-to-end bench is what the C interface costs, with nothing of ours between.
        let floor = name == "tests/benches/end_to_end/copy_loop.rs";
        if !home && !floor && name != "tests/tests/tidy.rs" {
            let lines = uses(&text, "unsafe");
            offences.extend(lines.iter().map(|line| format!("{name}:{line}")));
        }
    }
    assert_none("unsafe belongs to host/src/kafka/raw.rs and host/src/plugin/raw.rs", &offences);
}

#[test]
fn each_file_says_what_it_owns() {
    let headless =
        |(name, text): &(String, String)| (!text.starts_with("//!")).then(|| name.clone());
    let offences: Vec<String> = rust_files().iter().filter_map(headless).collect();
    assert_none("these files do not open with a //! header", &offences);
}

#[test]
fn files_and_functions_stay_short() {
    let mut offences = Vec::new();
    for (name, text) in rust_files() {
        let lines = text.lines().count();
        if lines > FILE_LINES {
            offences.push(format!("{name}: {lines} lines, the limit is {FILE_LINES}"));
        }
        for (line, length) in functions(&text) {
            if length > FUNCTION_LINES {
                offences
                    .push(format!("{name}:{line}: {length} lines, the limit is {FUNCTION_LINES}"));
            }
        }
    }
    assert_none("split these", &offences);
}

/// Where each function begins and how many lines lie between its braces; relies on rustfmt's indentation.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let words: Vec<&str> = code.split_whitespace().take(5).collect();
        let is_function = words.contains(&"fn") && !code.starts_with("//") && !line.contains('"');
        if !is_function || code.ends_with(';') {
            continue;
        }
        let indent = line.len() - code.len();
        let close = format!("{}}}", " ".repeat(indent));
        // A signature without a body ends in a semicolon.
        let open = lines[start..].iter().position(|line| line.ends_with(['{', ';']));
        if open.is_some_and(|open| lines[start + open].ends_with(';')) {
            continue;
        }
        let end = lines[start..].iter().position(|line| *line == close);
        if let (Some(open), Some(end)) = (open, end) {
            found.push((start + 1, end.saturating_sub(open + 1)));
        }
    }
    found
}

#[test]
fn nothing_unfinished_or_foreign_is_in_the_tree() {
    let machine = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("#[ign", "ore")];
    let binaries = ["wasm", "cwasm", "jar", "so", "a", "o", "png", "gz", "zip", "pending-snap"];
    let mut offences = Vec::new();
    for (name, text) in files() {
        let extension = Path::new(&name).extension().and_then(|e| e.to_str()).unwrap_or_default();
        if binaries.contains(&extension) || text.is_none() {
            offences.push(format!("{name}: a binary or left-over"));
        }
        if name.ends_with("mod.rs") {
            offences.push(format!("{name}: modules are foo.rs beside foo/"));
        }
        if name == "tests/tests/tidy.rs" || name.ends_with(".lock") {
            continue;
        }
        for (number, line) in text.unwrap_or_default().lines().enumerate() {
            for mark in marks.iter().chain(&machine).filter(|mark| line.contains(**mark)) {
                offences.push(format!("{name}:{}: {mark}", number + 1));
            }
        }
    }
    assert_none("these do not belong here", &offences);
}

#[test]
fn the_pages_for_people_are_there() {
    let mut missing = String::new();
    let pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"];
    for page in pages.iter().filter(|page| !root().join(page).is_file()) {
        writeln!(missing, "{page} is missing").expect("a string takes what is written");
    }
    let read = |page: &str| std::fs::read_to_string(root().join(page)).unwrap_or_default();
    for command in ["cargo demo", "cargo test"] {
        if !read("README.md").contains(command) {
            writeln!(missing, "README.md does not show {command}")
                .expect("a string takes what is written");
        }
    }
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(lines <= 150, "ARCHITECTURE.md has {lines} lines, the limit is 150");
    assert!(missing.is_empty(), "{missing}");
}

#[test]
fn the_readme_shows_the_first_plugin_as_it_compiles() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap_or_default();
    let example = root().join("plugins/sdk/examples/first.rs");
    let example = std::fs::read_to_string(example).unwrap_or_default();
    let code: Vec<&str> = example.lines().filter(|line| !line.starts_with("//!")).collect();
    let code = code.join("\n");
    assert!(readme.contains(code.trim()), "README.md shows another first plugin than the example");
    assert!(code.trim().lines().count() < 40, "an author's first plugin stays under 40 lines");
}
