//! Plugins that are hard to compile, dropped into the folder of a running gateway: compiling them is somebody else's trouble.

use std::fs;
use std::path::Path;

use lockgate_tests::bombs;
use lockgate_tests::checker::Fate;
use lockgate_tests::client::eventually;
use lockgate_tests::gateway::{Cluster, Gateway, Journey, PATIENCE};
use lockgate_tests::rows::update;
use rustix::process::{Pid, Signal, kill_process};

use crate::PROGRAM;

/// What takes far longer to compile than any test.
fn endless() -> Vec<u8> {
    bombs::nested_loops(20, 5_000).unwrap()
}

/// A gateway with one plugin, which has carried a record.
fn serving() -> (Journey, Gateway) {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 1).unwrap();
    journey.folder.put_guest("plugins/10-stars.wasm", "stars", "1.0.0").unwrap();
    let gateway = journey.start().unwrap();
    journey.write([update(0, 1)]).unwrap();
    journey.settled().unwrap();
    (journey, gateway)
}

/// The fields of `/proc/PID/stat` after the name, which may hold anything.
fn stat(process: &str) -> Option<Vec<String>> {
    let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split(' ').map(str::to_owned).collect())
}

/// The process that `parent` has started.
fn child_of(parent: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let names = processes.filter_map(|entry| entry.file_name().into_string().ok());
    let mut children = names.filter_map(|name| {
        let is_child = stat(&name)?.get(1)? == &parent.to_string();
        is_child.then(|| name.parse().ok()).flatten()
    });
    children.next()
}

/// Waits for the compiler that `gateway` starts, until it has read the plugin and is at work on it.
fn compiler_of(gateway: &Gateway) -> u32 {
    /// A fifth of a second of processor time, which it does not take to start and read.
    const AT_WORK: u64 = 20;
    let mut compiler = None;
    eventually("a compiler is at work", PATIENCE, || {
        compiler = child_of(gateway.pid());
        let stat = compiler.and_then(|process| stat(&process.to_string()));
        let ticks = stat.and_then(|fields| fields.get(11)?.parse::<u64>().ok());
        Ok(ticks.is_some_and(|ticks| ticks >= AT_WORK))
    })
    .unwrap();
    compiler.unwrap()
}

fn until_gone(process: u32) {
    eventually("the compiler is gone", PATIENCE, || Ok(stat(&process.to_string()).is_none()))
        .unwrap();
}

/// The record and those before it went through the version that was there at the start.
fn still_serves(journey: &Journey, gateway: &mut Gateway, records: usize) {
    journey.write([update(records - 1, 1)]).unwrap();
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().forwarded, records);
    let stars = |output: &lockgate_tests::client::Record| output.value_text().contains("****");
    assert!(journey.outputs().unwrap().iter().all(stars));
    assert!(gateway.readyz().unwrap()["ready"].as_bool().unwrap());
}

#[test]
fn what_cannot_be_compiled_leaves_the_old_version_serving() {
    let (journey, mut gateway) = serving();
    let bombs = [
        (bombs::nested_components(1_000_000), "more than 2048 MiB of memory"),
        (bombs::many_functions(200_000).unwrap(), "more than 100000 functions"),
    ];
    for (number, (bomb, reason)) in bombs.into_iter().enumerate() {
        journey.folder.put("plugins/10-stars.wasm", bomb).unwrap();
        gateway.until_readyz_says(reason).unwrap();
        gateway.until_readyz_says("still serves as 1.0.0").unwrap();
        still_serves(&journey, &mut gateway, 2 + number);
    }
    gateway.stop().unwrap();
}

#[test]
fn while_a_bomb_is_compiled_and_when_its_compiler_dies_the_old_version_serves() {
    let (journey, mut gateway) = serving();
    journey.folder.put("plugins/10-stars.wasm", endless()).unwrap();
    let compiler = compiler_of(&gateway);
    still_serves(&journey, &mut gateway, 2);

    // It yields to the lanes, has bounds of its own, and nobody's passwords.
    let niceness = |process: u32| stat(&process.to_string()).unwrap()[16].parse::<i32>().unwrap();
    assert_eq!(niceness(compiler), niceness(gateway.pid()) + 5);
    let about = Path::new("/proc").join(compiler.to_string());
    let limits = fs::read_to_string(about.join("limits")).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().rev().nth(2).unwrap_or_default().to_owned()
    };
    assert_eq!(
        (limit("Max cpu time"), limit("Max address space")),
        ("60".into(), "2147483648".into())
    );
    assert_eq!((limit("Max core file size"), limit("Max file size")), ("0".into(), "0".into()));
    assert_eq!(fs::read(about.join("environ")).unwrap(), b"");

    let pid = Pid::from_raw(i32::try_from(compiler).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    gateway.until_readyz_says("the compiler was killed").unwrap();
    still_serves(&journey, &mut gateway, 3);
    // Nothing is left of it in the system's list.
    assert_eq!(child_of(gateway.pid()), None);
    journey.folder.put_guest("plugins/10-stars.wasm", "pass", "2.0.0").unwrap();
    gateway.until_log_says("generation=2").unwrap();
    gateway.stop().unwrap();
}

#[test]
fn a_gateway_that_is_told_to_stop_does_not_wait_for_its_compiler() {
    let (journey, gateway) = serving();
    journey.folder.put("plugins/20-bomb.wasm", endless()).unwrap();
    let compiler = compiler_of(&gateway);
    gateway.stop().unwrap();
    until_gone(compiler);
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().forwarded, 1);
}

#[test]
fn a_gateway_that_is_killed_takes_its_compiler_along() {
    let (journey, gateway) = serving();
    journey.folder.put("plugins/20-bomb.wasm", endless()).unwrap();
    let compiler = compiler_of(&gateway);
    gateway.kill_9().unwrap();
    until_gone(compiler);
}

#[test]
fn a_restart_compiles_nothing_and_survives_a_damaged_cache() {
    let (journey, gateway) = serving();
    assert!(gateway.log().unwrap().contains("plugin compiled"));
    gateway.stop().unwrap();
    let gateway = journey.start().unwrap();
    assert!(!gateway.log().unwrap().contains("plugin compiled"));
    gateway.stop().unwrap();

    let kept = journey.folder.path().join("cache/lockgate/compiled");
    let file = fs::read_dir(kept).unwrap().next().unwrap().unwrap().path();
    let mut code = fs::read(&file).unwrap();
    *code.last_mut().unwrap() ^= 1;
    fs::write(&file, code).unwrap();
    let mut gateway = journey.start().unwrap();
    let log = gateway.log().unwrap();
    assert!(log.contains("its checksum is wrong") && log.contains("plugin compiled"), "{log}");
    still_serves(&journey, &mut gateway, 2);
    gateway.stop().unwrap();
}
