//! Plugins that keep something from one batch to the next.

use lockgate_tests::checker::Fate;
use lockgate_tests::client::Record;

use super::guest;
use super::siege::{GUEST, Siege, WAVE, harmless, poisonous};

/// A plugin has its batch and what its instance keeps, no clock and no dice (row 14). So what keeps nothing makes the same of the
/// same records, however they are cut into batches; one that keeps something is told apart by running it in shadow.
#[test]
fn hostile_28_the_same_records_come_out_the_same_when_they_are_read_again() {
    let mut siege = Siege::with("stars", "");
    siege.leave_emails();
    let gateway = siege.start();
    for _ in 0..3 {
        siege.attack((0..WAVE).map(harmless));
        siege.others_flow();
    }
    siege.settled();
    gateway.stop().unwrap();

    // Another group has committed nothing, and begins where the topics begin.
    siege.group = "again".to_owned();
    let mut gateway = siege.start();
    siege.settled();
    siege.alive(&mut gateway);
    gateway.stop().unwrap();
    let outputs: Vec<Record> =
        siege.outputs().into_iter().filter(|output| output.partition == 0).collect();
    let (first, again) = outputs.split_at(3 * WAVE);
    let bytes = |outputs: &[Record]| -> Vec<_> {
        outputs.iter().map(|it| (it.key.clone(), it.value.clone(), it.headers.clone())).collect()
    };
    assert!(first.iter().all(|output| output.value_text().contains("\"email\":\"****")));
    assert_eq!(bytes(first), bytes(again));
}

/// A new version goes through the same records twice: what it then makes of them depends on more than them.
#[test]
fn hostile_28_what_depends_on_more_than_its_records_is_told_by_the_shadow() {
    let siege = Siege::with("pass", "");
    let mut gateway = siege.start();
    for _ in 0..4 {
        siege.attack((0..20).map(harmless));
        siege.settled();
    }
    siege.folder.put(GUEST, guest::module_of("counter", "2.0.0")).unwrap();
    let mut unsteady = None;
    gateway
        .until("it is told how the new version does", |gateway| {
            siege.attack((0..20).map(harmless));
            siege.others_flow();
            let (_, body) = gateway.page("/plugins/guest/diff?pipeline=hostile")?;
            let diff: serde_json::Value = serde_json::from_str(&body)?;
            unsteady = diff["unsteady"].as_u64();
            Ok(unsteady.is_some())
        })
        .unwrap();
    assert!(unsteady > Some(0));
    let tally = siege.end_well(gateway, |_| Fate::Forwarded);
    assert_eq!((tally.refused, tally.duplicates), (0, 0));
}

#[test]
fn hostile_29_a_trap_costs_what_the_instance_has_kept() {
    let siege = Siege::with("counter", "");
    let gateway = siege.start();
    for wave in 0..5 {
        siege.attack_among(40, if wave == 4 { &[(20, "poison@example.com")] } else { &[] });
        siege.settled();
    }
    assert_eq!(siege.end_well(gateway, poisonous).refused, 1);
    let outputs = siege.outputs();
    let count = |output: &Record| output.header("x-count").map(str::to_owned);
    let counts: Vec<String> = outputs.iter().filter_map(count).collect();
    let (before, after) = counts.split_at(160);
    assert!(before.is_sorted() && before.last().is_some_and(|last| last.as_str() >= "d"));
    assert!(after.iter().any(|count| count == "a"), "{after:?}");
}

/// Its rows come from two tables' partitions on two lanes, and all instances of the process share one pool of memory.
#[test]
fn hostile_29_a_fresh_instance_finds_nothing_of_another() {
    let mut siege = Siege::with("ghost", "");
    siege.folder.remove("plugins/10-guest.toml").unwrap();
    siege.folder.put("calm/10-guest.wasm", guest::module("ghost")).unwrap();
    siege.pipeline = "lanes = 2\n".to_owned();
    let mut gateway = siege.start();
    for _ in 0..4 {
        // Poison ends the instance of one lane.
        siege.attack_among(40, &[(20, "poison@example.com")]);
        siege.others_flow();
        siege.settled();
    }
    let instances = "lockgate_plugin_instantiations_total{pipeline=\"hostile\",plugin=\"guest\"}";
    gateway.until("instances have come and gone", |it| Ok(it.metric(instances)? > 8.0)).unwrap();
    let tally = siege.end_well(gateway, poisonous);
    assert_eq!((tally.refused, tally.duplicates), (4, 0));
    for letter in siege.letters() {
        assert_eq!(letter.header("lockgate.error.code"), Some("plugin-trapped"), "{letter:?}");
    }
}
