//! Plugins that take time.

use lockgate_tests::checker::Fate;

use super::breaking::{is_held, is_mended, refused};
use super::siege::{Case, Siege, WAVE, harmless, poisonous};

const TIMEOUT: Case<'_> = Case {
    poison: "poison@example.com",
    code: "plugin-timeout",
    fault: "timeout",
    told: "took longer than its deadline of 100ms",
};

#[test]
fn hostile_01_an_endless_loop_ends_at_its_deadline() {
    let siege = Siege::with("spin", "deadline = \"100ms\"\n");
    let gateway = siege.start();
    siege.refuses(gateway, &[TIMEOUT]);
}

#[test]
fn hostile_01_a_loop_without_end_in_every_batch_is_not_entered_for_long() {
    let siege = Siege::with("spin", "deadline = \"50ms\"\nreload = \"immediate\"\n");
    let mut gateway = siege.start();
    for _ in 0..3 {
        siege.attack((0..WAVE).map(|at| format!("poison{at}@example.com")));
        siege.others_flow();
    }
    is_held(&siege, &mut gateway);
    let refused = refused(&siege);
    assert!(refused.len() < 5, "{} dead letters", refused.len());
    is_mended(&siege, gateway, |record| {
        if refused.contains(&record.offset) { Fate::Refused } else { Fate::Forwarded }
    });
}

#[test]
fn hostile_21_calls_into_the_gateway_without_end_end_at_the_deadline() {
    let siege = Siege::with("caller", "deadline = \"100ms\"\n");
    let mut gateway = siege.start();
    siege.assault(&[TIMEOUT]);
    let counted = "lockgate_plugin_custom_total{name=\"email\"";
    gateway.until("the calls are counted", |it| Ok(it.metric(counted).is_ok())).unwrap();
    assert_eq!(siege.end_well(gateway, poisonous).refused, 1);
}

#[test]
fn hostile_27_a_plugin_that_is_slow_and_keeps_its_deadline_is_left_alone() {
    let siege = Siege::with("slow", "deadline = \"20s\"\n");
    let mut gateway = siege.start();
    for _ in 0..3 {
        siege.attack((0..WAVE).map(harmless));
        siege.others_flow();
    }
    siege.settled();
    let of_guest = |metric: &str| format!("{metric}{{pipeline=\"hostile\",plugin=\"guest\"");
    gateway
        .until("its time is told", |it| {
            Ok(it.metric(&of_guest("lockgate_plugin_call_seconds_sum"))? > 0.1)
        })
        .unwrap();
    assert_eq!(gateway.metric(&of_guest("lockgate_plugin_instantiations_total")).unwrap(), 1.0);
    let faults = gateway.metric("lockgate_plugin_faults_total{").unwrap();
    assert_eq!(faults, 0.0);
    assert!(gateway.readyz().unwrap()["ready"].as_bool().unwrap());
    let tally = siege.end_well(gateway, |_| Fate::Forwarded);
    assert_eq!((tally.refused, tally.duplicates), (0, 0));
}
