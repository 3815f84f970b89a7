//! Compiles the guests, so that `cargo test` on a fresh clone needs no other step. Must not know what the guests do.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// As in `src/lib.rs`.
const NAMES: [&str; 3] = ["filter", "mask", "reshape"];

const TARGET: &str = "wasm32-unknown-unknown";

#[expect(clippy::print_stderr, reason = "how a build script tells why it failed")]
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let guests = here.parent().ok_or("plugins/built has no parent folder")?;
    let root = guests.parent().ok_or("plugins has no parent folder")?;
    rerun_if_changed(&[guests.join("Cargo.toml"), guests.join("Cargo.lock")]);
    rerun_if_changed(&[guests.join("names"), guests.join("sdk")]);
    rerun_if_changed(&[root.join("wit"), root.join("rust-toolchain.toml")]);
    rerun_if_changed(&NAMES.map(|name| guests.join(name)));

    ensure_target()?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    let target = target_folder(&out);
    compile(guests, root, &target)?;
    for name in NAMES {
        let file = target.join(TARGET).join("release").join(format!("lockgate_{name}.wasm"));
        let copied = fs::copy(&file, out.join(format!("{name}.wasm")));
        copied.map_err(|error| format!("copying {}: {error}", file.display()))?;
    }
    Ok(())
}

fn rerun_if_changed(paths: &[PathBuf]) {
    for path in paths {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// The outer build's target folder, where debug, release and clippy builds share one copy of the compiled guests.
fn target_folder(out: &Path) -> PathBuf {
    let build = out.ancestors().find(|folder| folder.ends_with("build"));
    let target = build.and_then(Path::parent).and_then(Path::parent);
    target.unwrap_or(out).join("guests")
}

fn compile(guests: &Path, root: &Path, target: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(guests).args(["build", "--release", "--locked", "--target", TARGET]);
    cargo.arg("--target-dir").arg(target);
    for name in NAMES {
        cargo.arg("--package").arg(format!("lockgate-{name}"));
    }
    // What the outer build set up for itself is not meant for the guests: flags, wrappers (clippy!), the profile.
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_outer_build(name)) {
        cargo.env_remove(name);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", remapped_paths(root)?);
    let status =
        cargo.status().map_err(|error| format!("starting cargo for the guests: {error}"))?;
    if !status.success() {
        return Err(format!("compiling the guests in {}: cargo {status}", guests.display()).into());
    }
    Ok(())
}

fn is_of_outer_build(name: &OsString) -> bool {
    let Some(name) = name.to_str() else { return false };
    // The jobserver and how to reach the registry.
    let kept = ["CARGO_HOME", "CARGO_MAKEFLAGS"].contains(&name)
        || ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
    !kept
        && ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS"].iter().any(|prefix| name.starts_with(prefix))
}

/// Flags that keep this machine's paths out of the modules: the same sources then give the same bytes everywhere.
fn remapped_paths(root: &Path) -> Result<OsString, Box<dyn Error>> {
    let mut flags = OsString::from("--remap-path-prefix=");
    flags.push(root);
    flags.push("=/lockgate");
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")))
        .ok_or("neither CARGO_HOME nor the home folder is known")?;
    flags.push("\u{1f}--remap-path-prefix=");
    flags.push(home);
    flags.push("=/cargo");
    Ok(flags)
}

/// Adds the target where it is missing: `rust-toolchain.toml` alone does not, once its toolchain is installed.
fn ensure_target() -> Result<(), Box<dyn Error>> {
    let rustc = variable("RUSTC")?;
    let printed =
        Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let printed = printed.map_err(|error| format!("asking rustc for its libraries: {error}"))?;
    let folder = PathBuf::from(String::from_utf8(printed.stdout)?.trim());
    if fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_some()) {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]);
    if let Some(toolchain) = env::var_os("RUSTUP_TOOLCHAIN") {
        rustup.arg("--toolchain").arg(toolchain);
    }
    match rustup.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("adding the target {TARGET}: rustup {status}").into()),
        Err(error) => Err(format!(
            "the plugins need Rust's standard library for {TARGET}, which is missing in {}, and rustup, which could add \
             it, cannot be started ({error}): install it with the package manager that installed Rust (its package is \
             often called rust-std-{TARGET} or libstd-rust-dev-wasm32)",
            folder.display()
        )
        .into()),
    }
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"))
}
