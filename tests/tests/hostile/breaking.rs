//! Plugins that fail: now and then, in turn, always.

use lockgate_tests::checker::Fate;
use lockgate_tests::client::Record;
use lockgate_tests::gateway::Gateway;

use super::guest;
use super::siege::{Case, GUEST, Siege, WAVE, harmless, poisonous};

#[test]
fn hostile_24_one_poisonous_event_of_a_thousand_is_refused_alone() {
    let siege = Siege::with("trap", "");
    let gateway = siege.start();
    siege.attack_among(1_000, &[(617, "poison@example.com")]);
    siege.others_flow();
    let tally = siege.end_well(gateway, poisonous);
    assert_eq!((tally.forwarded, tally.refused, tally.duplicates), (999 + 2 * WAVE, 1, 0));
    let letter = siege.letters().remove(0);
    assert_eq!(letter.header("lockgate.error.offset"), Some("617"));
    let case = Case {
        poison: "poison@example.com",
        code: "plugin-trapped",
        fault: "trap",
        told: "integer divide by zero",
    };
    case.check(&letter);
}

/// The guest's series of a metric.
fn of_guest(metric: &str) -> String {
    format!("lockgate_plugin_{metric}{{pipeline=\"hostile\",plugin=\"guest\"}}")
}

/// Waits until the guest is no longer called, and sees that its partition alone waits: its lag is shown, and what is under the
/// breaker stays where it is while everything else goes on.
pub(crate) fn is_held(siege: &Siege, gateway: &mut Gateway) {
    gateway
        .until("the breaker opens", |it| Ok(it.metric(&of_guest("breaker_trips_total"))? >= 1.0))
        .unwrap();
    siege.attack((0..WAVE).map(harmless));
    let lag =
        "lockgate_partition_lag_records{partition=\"0\",pipeline=\"hostile\",topic=\"besieged\"";
    gateway.until("its lag is shown", |it| Ok(it.metric(lag)? >= 50.0)).unwrap();
    gateway.until_readyz_says("waits at offset").unwrap();
    gateway.until_readyz_says("plugin \\\"guest\\\"").unwrap();
    siege.others_flow();
    assert!(siege.committed() < siege.end(&siege.guests.source, 0));
    siege.alive(gateway);
}

/// Puts a good version in the place of the guest and waits until everything that was held has come out.
pub(crate) fn is_mended(siege: &Siege, gateway: Gateway, fate: impl Fn(&Record) -> Fate) {
    siege.folder.put(GUEST, guest::module_of("pass", "2.0.0")).unwrap();
    let tally = siege.end_well(gateway, fate);
    assert_eq!(tally.duplicates, 0);
}

#[test]
fn hostile_25_a_plugin_that_fails_on_everything_is_held_and_loses_nothing() {
    let siege = Siege::with("broken", "reload = \"immediate\"\n");
    let mut gateway = siege.start();
    for _ in 0..5 {
        siege.attack((0..WAVE).map(harmless));
        siege.others_flow();
    }
    is_held(&siege, &mut gateway);
    // It is tried on and on, each time with a few events, and each time later.
    let trips = of_guest("breaker_trips_total");
    gateway.until("it opens again", |it| Ok(it.metric(&trips)? >= 3.0)).unwrap();
    siege.others_flow();
    let (trips, instances) = (
        gateway.metric(&trips).unwrap(),
        gateway.metric(&of_guest("instantiations_total")).unwrap(),
    );
    assert!(instances <= 25.0 * (trips + 1.0), "{instances} instances in {trips} open times");
    let refused = refused(&siege);
    assert!(refused.len() < 5 && siege.outputs().iter().all(|it| it.partition == 1));
    is_mended(&siege, gateway, |record| {
        if refused.contains(&record.offset) { Fate::Refused } else { Fate::Forwarded }
    });
}

/// The offsets of customers that are dead letters.
pub(crate) fn refused(siege: &Siege) -> Vec<i64> {
    let offset = |letter: &Record| letter.header("lockgate.error.offset")?.parse().ok();
    siege.letters().iter().filter_map(offset).collect()
}

#[test]
fn hostile_26_a_plugin_that_fails_every_other_time_is_held_as_well() {
    let siege = Siege::with("turns", "reload = \"immediate\"\n");
    let mut gateway = siege.start();
    for wave in 0..12 {
        siege.attack((0..10).map(|at| harmless(wave * 10 + at)));
        siege.others_flow();
    }
    is_held(&siege, &mut gateway);
    is_mended(&siege, gateway, |_| Fate::Forwarded);
    assert!(siege.letters().is_empty());
}
