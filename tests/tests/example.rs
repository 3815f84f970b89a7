//! The README of every example, followed word for word: each command of its console blocks is run in a copy of the folder, and
//! what it prints must be what stands there.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A command of a README and what it prints there.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    output: String,
}

/// The steps of the console blocks, in order.
fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut in_console = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            in_console = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| in_console) {
            steps.push(Step { command: command.to_owned(), output: String::new() });
        } else if in_console {
            let step = steps.last_mut().expect("a console block begins with a command");
            step.output.push_str(line);
            step.output.push('\n');
        }
    }
    steps
}

/// Hides the digests in brackets, which change with each version.
fn without_digests(text: &str) -> String {
    let mut pieces = text.split('(');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digest = piece.split_once(')').filter(|(inside, _)| {
            inside.len() == 12 && inside.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        match digest {
            Some((_, rest)) => out.extend(["(digest)", rest]),
            None => out.extend(["(", piece]),
        }
    }
    out
}

/// A copy of an example and, on its own path, the program under the name that it has once installed.
struct Place {
    folder: TempDir,
    example: PathBuf,
}

impl Place {
    fn new(example: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("example");
        copy_folder(example, &copy);
        fs::create_dir(folder.path().join("bin")).unwrap();
        let program = folder.path().join("bin/lockgate");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gateway"), program).unwrap();
        Self { folder, example: copy }
    }

    /// What a person would see: both streams.
    fn run(&self, command: &str) -> String {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.folder.path().join("bin").display());
        let output = Command::new("sh")
            .args(["-c", &format!("{{ {command}; }} 2>&1")])
            .current_dir(&self.example)
            .env("PATH", path)
            .env("LC_ALL", "C")
            .env_remove("LOCKGATE_LOG")
            .env("CACHE_DIRECTORY", self.folder.path().join("cache"))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn every_example_does_what_its_readme_says() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut followed = 0;
    for example in fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path()) {
        let readme = fs::read_to_string(example.join("README.md")).unwrap();
        let place = Place::new(&example);
        for Step { command, output } in steps(&readme) {
            let printed = place.run(&command);
            assert_eq!(
                without_digests(&printed),
                without_digests(&output),
                "{}: $ {command}",
                example.display()
            );
            followed += 1;
        }
    }
    assert!(followed >= 10, "only {followed} commands were found");
}

#[test]
fn steps_are_read_from_console_blocks_only() {
    let readme = "# Title\n```sh\n$ not run\n```\n```console\n$ ls\na\nb\n$ true\n```\n$ prose\n";
    let step = |command: &str, output: &str| Step {
        command: command.to_owned(),
        output: output.to_owned(),
    };
    assert_eq!(steps(readme), [step("ls", "a\nb\n"), step("true", "")]);
}

#[test]
fn only_digests_are_hidden() {
    let text = "mask (8a2abe9c1056), (3 lines) (8a2abe9c105)";
    assert_eq!(without_digests(text), "mask (digest), (3 lines) (8a2abe9c105)");
}
