//! Files that should never become plugins, put in the place of good ones while those serve.

use std::fs;
use std::path::PathBuf;

use lockgate_tests::bombs;
use lockgate_tests::checker::Fate;
use lockgate_tests::gateway::Gateway;

use super::guest;
use super::siege::{GUEST, Siege, WAVE, harmless, peak_memory};

/// A file for a plugin of that name, and part of the reason why it stays out.
type Bad<'a> = (&'a str, Vec<u8>, &'a str);

/// Puts each file in the place of a good version that serves. All of those serve on, and of each bad file it is told why.
fn stay_out(bad: &[Bad<'_>]) {
    let (siege, gateway) = kept_out(bad);
    let tally = siege.end_well(gateway, |_| Fate::Forwarded);
    assert_eq!((tally.refused, tally.duplicates), (0, 0));
}

/// The same with a gateway that goes on.
fn kept_out(bad: &[Bad<'_>]) -> (Siege, Gateway) {
    let siege = Siege::new();
    let mut gateway = besieged(&siege, bad);
    for (at, (name, bytes, _)) in bad.iter().enumerate() {
        siege.folder.put(&file(at, name), bytes).unwrap();
    }
    for (name, _, told) in bad {
        siege.attack((0..10).map(harmless));
        siege.others_flow();
        refused(&mut gateway, name, told);
    }
    siege.attack((0..WAVE).map(harmless));
    (siege, gateway)
}

/// A gateway with a good plugin for each of the bad ones, which has seen the table.
fn besieged(siege: &Siege, bad: &[Bad<'_>]) -> Gateway {
    for (at, (name, _, _)) in bad.iter().enumerate() {
        siege.set_up(file(at, name).trim_start_matches("plugins/").trim_end_matches(".wasm"), "");
        siege.folder.put(&file(at, name), guest::module("pass")).unwrap();
    }
    let gateway = siege.start();
    siege.attack((0..WAVE).map(harmless));
    siege.settled();
    gateway
}

fn file(at: usize, name: &str) -> String {
    format!("plugins/{}-{name}.wasm", 30 + at)
}

/// Waits until `/readyz` says that the plugin stays as it was and why, and the log says it too.
fn refused(gateway: &mut Gateway, name: &str, told: &str) {
    let begin = format!("plugin \"{name}\" of pipeline \"hostile\" still serves as 1.0.0: ");
    let mut last = String::new();
    let is_told = gateway.until(&format!("{name} is refused"), |gateway| {
        let warnings = gateway.readyz()?["warnings"].clone();
        let all = warnings.as_array().into_iter().flatten().filter_map(|it| it.as_str());
        last = all.filter(|it| it.starts_with(&begin)).collect();
        Ok(!last.is_empty())
    });
    is_told.unwrap();
    assert!(last.contains(told), "{last}");
    let log = gateway.log().unwrap();
    let line = log
        .lines()
        .find(|line| line.contains("refused") && line.contains(&format!("-{name}.wasm")));
    assert!(line.is_some_and(|line| line.contains(told)), "{log}");
    assert!(gateway.readyz().unwrap()["ready"].as_bool().unwrap());
}

#[test]
fn hostile_02_a_loop_on_the_way_into_service_keeps_the_new_version_out() {
    let deadline = "took longer than its deadline of 2s";
    stay_out(&[
        ("start", guest::module("spin-start"), deadline),
        ("describe", guest::module("spin-describe"), deadline),
        ("configure", guest::module("spin-configure"), deadline),
        ("open", guest::module("spin-open"), deadline),
        ("post", guest::module("spin-post"), deadline),
        ("realloc", guest::module("spin-realloc"), deadline),
    ]);
}

#[test]
fn hostile_04_what_needs_more_than_any_plugin_may_have_is_not_started() {
    let memories = "(memory 0)\n".repeat(10_000);
    let instances = "(core instance (instantiate $Mute))\n".repeat(200);
    stay_out(&[
        (
            "memory",
            guest::module_with("pass", "(memory 65536)"),
            "needs more than its 64 MiB of memory",
        ),
        ("memories", guest::module_with("pass", &memories), "memories count exceeds limit of 100"),
        (
            "instances",
            guest::component_with("pass", &instances),
            "202 core module instances, which exceeds the configured maximum of 128",
        ),
        (
            "table",
            guest::module_with("pass", "(table 100000000 funcref)"),
            "100000000 which exceeds the limit of 30000",
        ),
    ]);
}

#[test]
fn hostile_14_nothing_of_the_world_outside_is_to_be_had() {
    let importing =
        |name: &str| guest::assemble(&format!("(component (import \"{name}\" (instance)))"));
    let wasi = "plugins get no WASI; rebuild it for wasm32-unknown-unknown";
    stay_out(&[
        ("files", importing("wasi:filesystem/types@0.2.6"), wasi),
        ("sockets", importing("wasi:sockets/tcp@0.2.6"), wasi),
        ("http", importing("wasi:http/outgoing-handler@0.2.6"), wasi),
        ("environment", importing("wasi:cli/environment@0.2.6"), wasi),
        ("clock", importing("wasi:clocks/wall-clock@0.2.6"), wasi),
        ("dice", importing("wasi:random/random@0.2.6"), wasi),
        (
            "env",
            guest::assemble("(module (import \"env\" \"read_secret\" (func)))"),
            "module requires an import interface named `env`",
        ),
    ]);
}

#[test]
fn hostile_15_webassembly_that_the_gateway_does_not_have_is_named() {
    let wide = "(memory i64 1)";
    let shared = "(memory 1 1 shared)";
    let thrown = "(tag) (func (throw 0))";
    let collected = "(type (struct (field i32))) (func (drop (struct.new_default 1)))";
    let waiting = "(core func (canon task.cancel))";
    stay_out(&[
        ("wide", guest::module_with("pass", wide), "memory64 must be enabled"),
        ("shared", guest::module_with("pass", shared), "threads must be enabled"),
        ("thrown", guest::module_with("pass", thrown), "exceptions proposal not enabled"),
        ("collected", guest::module_with("pass", collected), "gc types are disabled"),
        (
            "waiting",
            guest::component_with("pass", waiting),
            "requires the component model async feature",
        ),
    ]);
}

#[test]
fn hostile_16_a_bomb_for_the_compiler_goes_off_far_from_the_gateway() {
    let (siege, mut gateway) = kept_out(&[
        ("large", vec![0; 100 << 20], "104857600 bytes are more than the 33554432 it may have"),
        ("many", bombs::many_functions(1_000_000).unwrap(), "more than 100000 functions"),
        ("type", bombs::exploding_type(40).unwrap(), "type"),
        ("nested", bombs::nested_components(2_000), "nest"),
    ]);
    let before = peak_memory(&gateway);
    siege.folder.put(&file(0, "large"), bombs::nested_loops(20, 5_000).unwrap()).unwrap();
    gateway.until("it is being compiled", |gateway| Ok(compiles(gateway))).unwrap();
    for _ in 0..3 {
        siege.attack((0..WAVE).map(harmless));
        siege.others_flow();
        siege.settled();
    }
    // It takes far longer than all of this, and the gateway does not wait for it when it is told to stop.
    assert!(compiles(&gateway));
    assert!(peak_memory(&gateway) < before + (64 << 20));
    siege.end_well(gateway, |_| Fate::Forwarded);
}

/// Whether the gateway has a child: its compiler.
fn compiles(gateway: &Gateway) -> bool {
    let parent = format!(" {} ", gateway.pid());
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut stats = processes.filter_map(|it| fs::read_to_string(it.path().join("stat")).ok());
    // Behind the name in parentheses stand the state and the parent.
    stats.any(|stat| {
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.get(2..).is_some_and(|rest| rest.starts_with(&parent))
    })
}

#[test]
fn hostile_17_what_brings_the_compiler_down_brings_nothing_else_down() {
    // Wasmtime's compiler panics on such a one where it may not use several memories; here it may.
    let fused = guest::component_with("pass", guest::FUSED);
    let siege = Siege::with_bytes(fused, "");
    let mut gateway = siege.start();
    siege.attack((0..WAVE).map(harmless));
    siege.settled();
    siege.folder.put(GUEST, bombs::nested_components(1_000_000)).unwrap();
    siege.others_flow();
    refused(&mut gateway, "guest", "compiling it took more than 2048 MiB of memory");
    siege.attack((0..WAVE).map(harmless));
    siege.end_well(gateway, |_| Fate::Forwarded);
}

#[test]
fn hostile_18_machine_code_is_taken_from_nobody() {
    let siege = Siege::with("pass", "");
    let gateway = siege.start();
    siege.attack((0..WAVE).map(harmless));
    siege.settled();
    gateway.stop().unwrap();

    // Where the gateway keeps what it has compiled, another has been at it.
    let kept = || fs::read_dir(siege.folder.path().join("cache/lockgate/compiled")).unwrap();
    let files: Vec<PathBuf> = kept().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    let mut code = Vec::new();
    for file in &files {
        let mut bytes = fs::read(file).unwrap();
        let begin = bytes.windows(4).position(|four| four == b"\x7fELF").unwrap();
        code = bytes[begin..].to_vec();
        let middle = begin + code.len() / 2;
        bytes[middle] ^= 0x40;
        fs::write(file, bytes).unwrap();
    }
    let mut gateway = siege.start();
    gateway.until_log_says("a kept plugin cannot be used and is compiled anew").unwrap();
    siege.attack((0..WAVE).map(harmless));
    siege.settled();

    // The machine code itself, in the place of a plugin.
    siege.folder.put(GUEST, code).unwrap();
    siege.others_flow();
    refused(&mut gateway, "guest", "precompiled code, which cannot be checked");
    siege.attack((0..WAVE).map(harmless));
    siege.end_well(gateway, |_| Fate::Forwarded);
}
