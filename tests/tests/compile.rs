//! Plugins compiled by the real program in a process of its own: what it makes runs, what it cannot make in good time is refused, and
//! what was made once is not made again.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lockgate::config::PluginFile;
use lockgate::plugin::{Allowance, Compiled, Compiler, Limits, LoadError, Options, Runtime};
use lockgate_tests::bombs;
use lockgate_tests::client::eventually;
use lockgate_tests::gateway::{PATIENCE, guest_module};
use tempfile::TempDir;

/// The program whose hidden command compiles.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");

/// Where a compiler would be, and is none.
const NOWHERE: &str = "/nowhere/lockgate";

fn runtime(compiler: Compiler, cache: Option<PathBuf>) -> Arc<Runtime> {
    let compiler = Some(compiler);
    Runtime::start_with(Options { compiler, cache, ..Options::default() }).unwrap()
}

fn load(runtime: &Arc<Runtime>, bytes: &[u8]) -> Result<Compiled, LoadError> {
    Compiled::load(runtime, bytes, Limits::of(&PluginFile::default()))
}

/// Why a compiler with this allowance gives no plugin.
fn refusal(bytes: &[u8], allowance: Allowance) -> String {
    let runtime = runtime(Compiler { program: PROGRAM.into(), allowance }, None);
    load(&runtime, bytes).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn what_a_process_of_its_own_compiles_runs_like_any_other() {
    let apart = runtime(Compiler::new(PROGRAM), None);
    let here = Runtime::start().unwrap();
    let official = lockgate_plugins::official("filter").unwrap().to_vec();
    for bytes in [official, guest_module("stars", "1.0.0").unwrap()] {
        let (apart, here) = (load(&apart, &bytes).unwrap(), load(&here, &bytes).unwrap());
        assert_eq!(apart.info, here.info);
        assert_eq!((apart.imports(), apart.exports()), (here.imports(), here.exports()));
    }
}

#[test]
fn a_refusal_is_the_same_wherever_it_is_said() {
    let here = Runtime::start().unwrap();
    let apart = runtime(Compiler::new(PROGRAM), None);
    let refusal = |runtime: &Arc<Runtime>, bytes: &[u8]| {
        load(runtime, bytes).map(|_| ()).unwrap_err().to_string()
    };
    for bytes in [
        b"\x7fELF".to_vec(),
        b"\0asm\x01\0\0\0\x01".to_vec(),
        wat::parse_str(r#"(module (import "env" "read" (func)))"#).unwrap(),
        bombs::wide_jump(100_000).unwrap(),
        bombs::exploding_type(40).unwrap(),
        bombs::nested_components(2_000),
        bombs::many_locals(1, 2_000).unwrap(),
    ] {
        assert_eq!(refusal(&apart, &bytes), refusal(&here, &bytes));
    }
    let many = bombs::many_functions(1_000_000).unwrap();
    assert_eq!(refusal(&apart, &many), "more than 100000 functions, too many to compile");
}

#[test]
fn loops_in_loops_end_with_their_processor_time() {
    let allowance = Allowance { processor_time: Duration::from_secs(1), ..Allowance::default() };
    assert_eq!(
        refusal(&bombs::nested_loops(1, 5_000).unwrap(), allowance),
        "compiling it took more than 1 s of processor time; make its functions smaller"
    );
}

#[test]
fn what_takes_too_long_is_ended() {
    let allowance = Allowance { wall_time: Duration::from_millis(200), ..Allowance::default() };
    assert_eq!(
        refusal(&bombs::nested_loops(1, 5_000).unwrap(), allowance),
        "compiling it took more than 0.2 s; make it smaller, or look why this machine is so slow"
    );
}

#[test]
fn what_takes_too_much_memory_is_refused() {
    let allowance = Allowance { memory: 512 << 20, ..Allowance::default() };
    assert_eq!(
        refusal(&bombs::nested_components(1_000_000), allowance),
        "compiling it took more than 512 MiB of memory; make it or its functions smaller"
    );
}

#[test]
fn a_compiler_of_another_build_says_so() {
    let mut command = Command::new(PROGRAM);
    command.args(["compile-plugin", "--fingerprint", "another"]);
    command.args(["--processor-seconds", "10", "--memory-bytes", "2000000000"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(69), 0));
}

/// In a container the one that the system ends for want of memory would otherwise be whichever is larger.
#[test]
#[cfg(target_os = "linux")]
fn a_compiler_goes_first_where_memory_runs_out() {
    let mut command = Command::new(PROGRAM);
    command.args(["compile-plugin", "--fingerprint", "another"]);
    command.args(["--processor-seconds", "10", "--memory-bytes", "2000000000"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    // It has ended then, and until it is waited for the system can be asked about it.
    std::io::copy(child.stdout.as_mut().unwrap(), &mut std::io::sink()).unwrap();
    let score = fs::read_to_string(format!("/proc/{}/oom_score_adj", child.id()));
    child.wait().unwrap();
    assert_eq!(score.unwrap().trim(), "1000");
}

#[test]
fn what_is_kept_is_not_compiled_again() {
    let folder = TempDir::new().unwrap();
    let cache = || Some(folder.path().join("cache"));
    let (first, second) = (guest_module("stars", "1.0.0"), guest_module("stars", "2.0.0"));
    let (first, second) = (first.unwrap(), second.unwrap());
    let compiled = load(&runtime(Compiler::new(PROGRAM), cache()), &first).unwrap();
    // Nobody could compile here.
    let later = runtime(Compiler::new(NOWHERE), cache());
    assert_eq!(load(&later, &first).unwrap().info, compiled.info);
    let refused = load(&later, &second).map(|_| ()).unwrap_err().to_string();
    assert!(refused.starts_with("starting the compiler: "), "{refused}");
    // Kept in memory by now, whatever becomes of the file.
    let used = load(&later, &first).unwrap();
    fs::remove_dir_all(cache().unwrap()).unwrap();
    assert_eq!(load(&later, &first).unwrap().info, used.info);
    drop(used);
    assert!(load(&later, &first).is_err());
}

/// Compiling one plugin may take a minute, which is no reason for the others to wait.
#[test]
fn what_is_kept_waits_for_no_compiler() {
    let folder = TempDir::new().unwrap();
    let cache = || Some(folder.path().join("cache"));
    let (kept, new) =
        (guest_module("stars", "1.0.0").unwrap(), guest_module("stars", "2.0.0").unwrap());
    load(&runtime(Compiler::new(PROGRAM), cache()), &kept).unwrap();
    // A compiler that is never done. Another process writes it: one that this process has open could not be run.
    let program = folder.path().join("program");
    let write =
        "printf '#!/bin/sh\\n: > \"$0.started\"\\nexec sleep 1000\\n' > \"$0\" && chmod 700 \"$0\"";
    assert!(Command::new("sh").args(["-c", write]).arg(&program).status().unwrap().success());
    let runtime = runtime(Compiler::new(&program), cache());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| load(&runtime, &new).map(|_| ()).unwrap_err().to_string());
        eventually("it is being compiled", PATIENCE, || {
            Ok(program.with_extension("started").exists())
        })
        .unwrap();
        load(&runtime, &kept).unwrap();
        assert!(!waiting.is_finished());
        runtime.stop_compiling();
        assert_eq!(waiting.join().unwrap(), "the gateway is stopping and compiles no more");
    });
}

#[test]
fn what_was_tampered_with_is_compiled_again() {
    let folder = TempDir::new().unwrap();
    let cache = folder.path().join("cache");
    let bytes = guest_module("stars", "1.0.0").unwrap();
    load(&runtime(Compiler::new(PROGRAM), Some(cache.clone())), &bytes).unwrap();
    let file = fs::read_dir(cache.join("compiled")).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 0x40;
    for damaged in [changed, whole[..middle].to_vec()] {
        fs::write(&file, damaged).unwrap();
        assert!(load(&runtime(Compiler::new(NOWHERE), Some(cache.clone())), &bytes).is_err());
        assert!(!file.exists());
        load(&runtime(Compiler::new(PROGRAM), Some(cache.clone())), &bytes).unwrap();
        // What the compiler gives is the same each time, and so is the file.
        assert!(fs::read(&file).unwrap() == whole);
    }
}

#[test]
fn what_is_refused_is_not_kept() {
    let folder = TempDir::new().unwrap();
    let runtime = runtime(Compiler::new(PROGRAM), Some(folder.path().join("cache")));
    assert!(load(&runtime, &bombs::nested_components(3)).is_err());
    assert!(!folder.path().join("cache").exists());
}

/// The program over `plugin` with its cache in `home`, within `limit` KiB of address space.
fn inspect(plugin: &Path, home: &Path, limit: &str) -> String {
    let script = format!("ulimit -v {limit}; exec \"$0\" --log debug inspect \"$1\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, PROGRAM]).arg(plugin);
    command.env("XDG_CACHE_HOME", home).env_remove("CACHE_DIRECTORY");
    let Output { stdout, stderr, .. } = command.output().unwrap();
    let text = [stdout, stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("verdict   accepted"), "{text}");
    text
}

#[test]
fn a_gateway_with_little_address_space_has_code_of_its_own() {
    const LITTLE: &str = "3000000";
    let folder = TempDir::new().unwrap();
    let plugin = folder.path().join("stars.wasm");
    fs::write(&plugin, guest_module("stars", "1.0.0").unwrap()).unwrap();
    let home = folder.path().join("cache");
    for limit in [LITTLE, "unlimited"] {
        let first = inspect(&plugin, &home, limit);
        assert_eq!(first.contains("no address space for a pool"), limit == LITTLE, "{first}");
        assert!(first.contains("plugin compiled"), "{first}");
        let second = inspect(&plugin, &home, limit);
        assert!(second.contains("taken from the cache"), "{second}");
        assert!(!second.contains("plugin compiled"), "{second}");
    }
    assert_eq!(fs::read_dir(home.join("lockgate/compiled")).unwrap().count(), 2);
}

#[test]
fn a_file_too_large_for_any_memory_is_refused_unread() {
    let folder = TempDir::new().unwrap();
    let file = fs::File::create(folder.path().join("10-huge.wasm")).unwrap();
    file.set_len(100 << 30).unwrap();
    let mut apply = Command::new(PROGRAM);
    apply.arg("apply").arg("--plugins").arg(folder.path()).stdin(Stdio::null());
    let mut inspect = Command::new(PROGRAM);
    inspect.arg("inspect").arg(folder.path().join("10-huge.wasm"));
    for (mut command, expected) in [
        (apply, "107374182400 bytes are more than the 33554432 it may have"),
        (inspect, "107374182400 bytes are more than the 33554432 a plugin may have"),
    ] {
        command.env("XDG_CACHE_HOME", folder.path());
        let output = command.output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}
