//! Plugins that keep something from one batch to the next.

use lockgate_tests::checker::Fate;
use lockgate_tests::client::Record;

use super::siege::{Siege, WAVE, harmless, poisonous};

/// State of an instance is all that a plugin has beside its batch: no clock and no dice are to be had (row 14). So what it makes
/// of the same records again is the same where it keeps nothing, and the gateway does not promise more.
#[test]
fn hostile_28_the_same_records_again_come_out_the_same() {
    let siege = Siege::with("stars", "");
    let gateway = siege.start();
    siege.attack((0..3 * WAVE).map(harmless));
    let outputs = |siege: &Siege| {
        let values = siege.outputs().into_iter().filter(|output| output.partition == 0);
        values.map(|output| (output.key, output.value)).collect::<Vec<_>>()
    };
    siege.settled();
    let first = outputs(&siege);
    assert_eq!(first.len(), 3 * WAVE);
    siege.end_well(gateway, |_| Fate::Forwarded);
}

#[test]
fn hostile_29_a_trap_costs_the_state_and_leaves_nothing_to_the_next_instance() {
    let mut siege = Siege::with("ghost", "");
    siege.pipeline = "lanes = 2\n".to_owned();
    siege.set_up("15-counter", "");
    siege.folder.put("plugins/15-counter.wasm", super::guest::module("counter")).unwrap();
    let gateway = siege.start();
    for wave in 0..6 {
        // Poison ends the instances of both guests' lane, and the next have nothing of what they knew.
        siege.attack_among(40, if wave % 2 == 1 { &[(20, "poison@example.com")] } else { &[] });
        siege.others_flow();
        siege.settled();
    }
    let tally = siege.end_well(gateway, poisonous);
    assert_eq!((tally.refused, tally.duplicates), (3, 0));
    for letter in siege.letters() {
        assert_eq!(letter.header("lockgate.error.code"), Some("plugin-trapped"), "{letter:?}");
    }
    let seen = |output: &Record| output.header("x-count").map(str::to_owned);
    let counts: Vec<String> = siege.outputs().iter().filter_map(seen).collect();
    assert!(counts.iter().any(|count| count == "a"), "{counts:?}");
}
