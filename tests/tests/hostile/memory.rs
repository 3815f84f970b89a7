//! Plugins that take memory, stack and handles.

use lockgate_tests::checker::Fate;
use lockgate_tests::client::Record;

use super::guest;
use super::siege::{Case, Siege, WAVE, harmless, peak_memory, poisonous};

/// What a gateway may take beyond what it has taken anyway: a plugin's whole memory and as much again for the records.
const MORE: u64 = 192 << 20;

#[test]
fn hostile_03_a_memory_bomb_gets_no_more_than_its_limit() {
    let siege = Siege::with("hog", "memory = \"64MiB\"\n");
    let gateway = siege.start();
    siege.others_flow();
    let before = peak_memory(&gateway);
    let case = |poison| Case {
        poison,
        code: "plugin-out-of-memory",
        fault: "out-of-memory",
        told: "needs more than its 64 MiB of memory",
    };
    siege.assault(&[case("poison@example.com"), case("poison@example.org")]);
    let after = peak_memory(&gateway);
    assert!(after < before + MORE, "{before} bytes before, {after} after");
    assert_eq!(siege.end_well(gateway, poisonous).refused, 2);
}

#[test]
fn hostile_05_a_recursion_without_end_runs_out_of_its_own_stack() {
    let siege = Siege::with("deep", "");
    let gateway = siege.start();
    let case = Case {
        poison: "poison@example.com",
        code: "plugin-trapped",
        fault: "stack-overflow",
        told: "call stack exhausted",
    };
    siege.refuses(gateway, &[case]);
}

#[test]
fn hostile_08_an_answer_of_a_hundred_megabytes_is_not_taken() {
    let siege = Siege::with("huge", "");
    let gateway = siege.start();
    siege.others_flow();
    let before = peak_memory(&gateway);
    let case = |poison| Case {
        poison,
        code: "contract-violated",
        fault: "transfer",
        told: "handed over more than the 16 MiB of one call",
    };
    siege.assault(&[case("poison@example.com"), case("poison2@example.com")]);
    let after = peak_memory(&gateway);
    assert!(after < before + MORE, "{before} bytes before, {after} after");
    assert_eq!(siege.end_well(gateway, poisonous).refused, 2);
}

#[test]
fn hostile_19_a_leak_costs_an_instance_now_and_then_and_no_record() {
    let siege = Siege::with("leak", "memory = \"4MiB\"\n");
    let mut gateway = siege.start();
    for wave in 0..12 {
        siege.attack((0..20).map(|at| harmless(wave * 20 + at)));
        siege.settled();
    }
    let recycled = "lockgate_plugin_recycles_total{pipeline=\"hostile\",plugin=\"guest\"";
    gateway.until("instances are replaced", |it| Ok(it.metric(recycled)? >= 3.0)).unwrap();
    assert_eq!(gateway.metric("lockgate_plugin_faults_total{").unwrap(), 0.0);
    let memory = "lockgate_plugin_memory_bytes{pipeline=\"hostile\",plugin=\"guest\"";
    assert!(gateway.metric(memory).unwrap() <= f64::from(4 << 20));
    let tally = siege.end_well(gateway, |_| Fate::Forwarded);
    assert_eq!((tally.forwarded, tally.refused, tally.duplicates), (340, 0, 0));
}

#[test]
fn hostile_22_handles_are_given_up_to_a_number() {
    let siege = Siege::with_bytes(guest::component("handles"), "");
    let gateway = siege.start();
    let case = Case {
        poison: "poison@example.com",
        code: "plugin-trapped",
        fault: "trap",
        told: "store handle limit exceeded",
    };
    siege.refuses(gateway, &[case]);
}

#[test]
fn hostile_23_a_value_a_thousand_times_as_long_is_refused_where_it_is_too_long() {
    let siege = Siege::with("expand", "");
    siege.leave_emails();
    let gateway = siege.start();
    siege.others_flow();
    let before = peak_memory(&gateway);
    let long = format!("poison{}", "x".repeat(2_000));
    siege.attack_among(2 * WAVE, &[(30, &long), (130, &long)]);
    siege.others_flow();
    let after = peak_memory(&gateway);
    // The others, of 20 KB each, are legal.
    assert!(after < before + MORE, "{before} bytes before, {after} after");
    let tally = siege.end_well(gateway, poisonous);
    assert_eq!((tally.refused, tally.duplicates), (2, 0));
    for letter in siege.letters() {
        assert_eq!(letter.header("lockgate.error.code"), Some("too-large"));
    }
    let stars = |output: &&Record| output.value_text().contains(&"*".repeat(10_000));
    assert_eq!(siege.outputs().iter().filter(stars).count(), 2 * WAVE - 2);
}
