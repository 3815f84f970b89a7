//! `lockgate plugin` beside a running gateway: what an operator sees of its plugins, and what comes of each order.

use lockgate_tests::gateway::{Cluster, Gateway, Journey};
use lockgate_tests::rows::{constant, row, update, value};

use crate::PROGRAM;

/// What `lockgate plugin` prints, which has to succeed.
fn plugin(gateway: &mut Gateway, arguments: &[&str]) -> String {
    let (succeeded, text) = gateway.plugin(PROGRAM, arguments).unwrap();
    assert!(succeeded, "{arguments:?}: {text}");
    text
}

fn until_listed(gateway: &mut Gateway, what: &str) {
    let listed = |gateway: &mut Gateway| Ok(plugin(gateway, &["ls"]).contains(what));
    gateway.until(&format!("`lockgate plugin ls` says {what:?}"), listed).unwrap();
}

#[test]
fn an_operator_compares_takes_back_holds_and_lets_go() {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 1).unwrap();
    journey.folder.put("plugins/20-mask.toml", constant("old")).unwrap();
    let mut gateway = journey.start().unwrap();
    let listed = plugin(&mut gateway, &["ls"]);
    assert!(listed.contains("mask") && listed.contains("settled") && listed.contains("closed"));

    journey.write((0..50).map(|number| update(number, 1))).unwrap();
    journey
        .until_output("a record of the old version", |it| it.value_text().contains("old"))
        .unwrap();
    journey.folder.put("plugins/20-mask.toml", constant("new")).unwrap();
    until_listed(&mut gateway, "probation");
    let diff = plugin(&mut gateway, &["diff", "mask"]);
    assert!(diff.contains("after.email") && diff.contains("\"old\"") && diff.contains("\"new\""));
    assert!(diff.contains("(hidden)") && !diff.contains("@example.com"), "{diff}");

    let told = plugin(&mut gateway, &["rollback", "mask"]);
    assert!(!told.trim().is_empty());
    until_listed(&mut gateway, "rolled-back");
    let (succeeded, text) = gateway.plugin(PROGRAM, &["rollback", "mask"]).unwrap();
    assert!(!succeeded && text.starts_with("lockgate: "), "{text}");

    plugin(&mut gateway, &["open", "mask"]);
    until_listed(&mut gateway, "open by hand");
    journey.write((50..60).map(|number| update(number, 1))).unwrap();
    gateway.until_readyz_says("held back by hand").unwrap();
    assert_eq!(journey.letters().unwrap().len(), 0);
    plugin(&mut gateway, &["reset", "mask"]);
    journey.settled().unwrap();
    let outputs = journey.outputs().unwrap();
    assert!(outputs.len() >= 60);
    assert!(outputs.iter().all(|output| !output.value_text().contains("\"new\"")));

    plugin(&mut gateway, &["promote", "mask"]);
    let is_new = |_: &mut Gateway| {
        journey.write([update(60, 1)])?;
        Ok(journey.outputs()?.iter().any(|output| output.value_text().contains("\"new\"")))
    };
    gateway.until("the new version serves", is_new).unwrap();
    assert!(!plugin(&mut gateway, &["ls"]).contains("rolled-back"));
    gateway.stop().unwrap();
}

#[test]
fn keys_that_are_released_go_on_also_after_a_kill() {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 1).unwrap();
    journey.folder.put("plugins/10-guest.toml", "on_fault = \"dead-letter-key\"\n").unwrap();
    journey.folder.put_guest("plugins/10-guest.wasm", "trap", "1.0.0").unwrap();
    let mut gateway = journey.start().unwrap();
    let poison = row(3, 1, &value(3, "poison@example.com", "NO"));
    journey.write([update(3, 1), poison, update(5, 1), update(3, 1)]).unwrap();
    journey.settled().unwrap();
    assert_eq!(journey.letters().unwrap().len(), 2);
    until_listed(&mut gateway, "parked keys: 1,");
    let told = plugin(&mut gateway, &["release", "guest"]);
    assert!(told.starts_with("1 key goes on"), "{told}");
    let is_free = |gateway: &mut Gateway| Ok(gateway.metric("lockgate_parked_keys")? == 0.0);
    gateway.until("no key is parked", is_free).unwrap();
    journey.write([update(3, 1)]).unwrap();
    journey.settled().unwrap();
    gateway.kill_9().unwrap();
    let gateway = journey.start().unwrap();
    journey.write([update(3, 1)]).unwrap();
    journey.settled().unwrap();
    assert_eq!(journey.letters().unwrap().len(), 2);
    gateway.stop().unwrap();
}
