//! The demo as a user starts it, only shorter: what it prints, how it exits, and that it would notice what it promises.

#![cfg(test)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use lockgate_tests::client::eventually;

fn demo(arguments: &[&str]) -> Child {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.args(arguments).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// Everything it prints, and how it exits.
fn finish(mut demo: Child) -> (String, ExitStatus) {
    let mut text = String::new();
    demo.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    (text, demo.wait().unwrap())
}

/// A figure of the summary.
fn figure(text: &str, name: &str) -> u64 {
    let figure = text.lines().find_map(|line| {
        let rest = line.strip_prefix("  ")?.strip_prefix(name)?.strip_prefix(' ')?;
        rest.split_whitespace().next()?.parse().ok()
    });
    figure.unwrap_or_else(|| panic!("no figure \"{name}\" in:\n{text}"))
}

/// Reads on to the first line that holds `wanted`.
fn read_to(lines: &mut impl Iterator<Item = String>, wanted: &str) -> String {
    lines.find(|line| line.contains(wanted)).unwrap_or_else(|| panic!("no \"{wanted}\""))
}

fn lines(demo: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap)
}

/// The gateway's process, from the line that tells that it is ready.
fn gateway(line: &str) -> String {
    let (_, rest) = line.split_once("the gateway is process ").unwrap();
    rest.split_once(',').unwrap().0.to_owned()
}

/// Whether a process runs; one that nobody has waited for yet does not.
fn runs(process: &str) -> bool {
    let found = Command::new("ps").args(["-o", "stat=", "-p", process]).output().unwrap();
    let state = String::from_utf8(found.stdout).unwrap();
    !state.trim().is_empty() && !state.starts_with('Z')
}

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, process]).status().unwrap().success());
}

#[test]
fn a_short_run_keeps_every_promise() {
    let (text, status) = finish(demo(&["--seconds", "8"]));
    assert!(status.success(), "{text}");
    let (written, dropped) = (figure(&text, "written"), figure(&text, "dropped"));
    assert!(written > 1_000 && dropped > 50, "{text}");
    assert_eq!(figure(&text, "forwarded") + dropped, written, "{text}");
    for zero in ["lost", "dead letters", "out of order", "changed elsewhere", "in clear"] {
        assert_eq!(figure(&text, zero), 0, "{text}");
    }
    for scene in [
        "200 ready; warning: plugin \"mask\"",
        "WARN plugin file refused file=20-mask.toml",
        "outputs go to clean.shop.public.customers",
        "$ kill -9 ",
        "drained and ended",
    ] {
        assert!(text.contains(scene), "no \"{scene}\" in:\n{text}");
    }
    assert!(!text.contains('\x1b'), "a pipe gets no colours:\n{text}");
    assert!(
        text.ends_with("All as promised: nothing lost, order kept, no clear text.\n"),
        "{text}"
    );
}

#[test]
fn a_mask_that_forgets_a_column_is_noticed() {
    let (text, status) = finish(demo(&["--seconds", "5", "--leak"]));
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(figure(&text, "in clear") > 1_000, "{text}");
    assert!(text.contains("Not as promised. secrets in clear: "), "{text}");
}

#[test]
fn ctrl_c_ends_it_with_the_summary() {
    let mut demo = demo(&["--hold", "--seconds", "600"]);
    let mut lines = lines(&mut demo);
    let gateway = gateway(&read_to(&mut lines, "the gateway is process "));
    read_to(&mut lines, "  country");
    signal("-INT", &demo.id().to_string());
    read_to(&mut lines, "All as promised");
    assert!(demo.wait().unwrap().success());
    assert!(!runs(&gateway));
}

#[test]
fn a_demo_that_is_killed_leaves_no_gateway_behind() {
    let mut demo = demo(&["--hold"]);
    let gateway = gateway(&read_to(&mut lines(&mut demo), "the gateway is process "));
    assert!(runs(&gateway));
    demo.kill().unwrap();
    demo.wait().unwrap();
    eventually("the gateway is gone", Duration::from_secs(10), || Ok(!runs(&gateway))).unwrap();
}
