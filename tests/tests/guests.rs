//! The plugins' own native tests, which live in their own workspace, as part of the one test command.
#![cfg(test)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_plugins_pass_their_own_tests() {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the root");
    // The folder that the plugins' WebAssembly is built in too, so that build scripts and macros are built once.
    let target = root.join("target").join("guests");
    let output = Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--locked", "--quiet"])
        .arg("--manifest-path")
        .arg(root.join("plugins").join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        // What the outer cargo set for this package is not meant for theirs.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo runs");
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the plugins' tests failed:\n{told}\n{errors}");
    let passed = told.matches("test result: ok.").count();
    assert!(passed >= 4, "only {passed} of the plugins' test binaries ran:\n{told}");
}
