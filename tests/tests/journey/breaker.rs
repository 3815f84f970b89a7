//! A plugin that fails on whatever it is given: it is called ever more seldom, its partitions wait, and nobody else notices.

use std::collections::BTreeSet;

use lockgate_tests::checker::Fate;
use lockgate_tests::client::Record;
use lockgate_tests::gateway::{Cluster, Gateway, Journey};
use lockgate_tests::rows::{constant, row, update, value};

use crate::PROGRAM;

super::on_both! {
    the_lag_of_a_partition_that_waits_grows
}

const PARTITIONS: usize = 2;

const TRIPS: &str = "lockgate_plugin_breaker_trips_total{pipeline=\"shop\",plugin=\"guest\"}";
const INSTANCES: &str = "lockgate_plugin_instantiations_total{pipeline=\"shop\",plugin=\"guest\"}";

fn poison(id: usize) -> Record {
    row(id, PARTITIONS, &value(id, "poison@example.com", "NO"))
}

/// A pipeline with a guest that traps on poison, and in the same gateway one without plugins.
fn neighbours() -> (Journey, Journey) {
    let cluster = Cluster::embedded();
    let mut journey = Journey::new(cluster, PROGRAM, i32::try_from(PARTITIONS).unwrap()).unwrap();
    let mut quiet = Journey::new(cluster, PROGRAM, 1).unwrap();
    quiet.group.clone_from(&journey.group);
    journey.folder.put_guest("plugins/10-guest.wasm", "trap", "1.0.0").unwrap();
    std::fs::create_dir(journey.folder.path().join("none")).unwrap();
    journey.pipeline = format!(
        "[[pipeline]]\nname = \"quiet\"\nfrom = [\"{}\"]\nto = \"clean.{{topic}}\"\ndialect = \"debezium\"\nplugins = \"none\"\n",
        quiet.topics.source,
    );
    (journey, quiet)
}

fn until_it_has_tripped(gateway: &mut Gateway, times: f64) {
    let tripped = |gateway: &mut Gateway| Ok(gateway.metric(TRIPS).unwrap_or_default() >= times);
    gateway.until("the breaker opens", tripped).unwrap();
}

#[test]
fn a_plugin_that_fails_on_everything_halts_its_partitions_and_floods_nothing() {
    let (journey, quiet) = neighbours();
    journey.write((0..2_000).map(poison)).unwrap();
    let mut gateway = journey.folder.run(&journey.config()).unwrap();
    until_it_has_tripped(&mut gateway, 1.0);
    gateway.until_readyz_says("waits at offset 0: plugin \\\"guest\\\": it is not called").unwrap();
    quiet.write((0..300).map(|number| update(number, 1))).unwrap();
    quiet.settled().unwrap();

    // It is tried on and on, each time with a few events.
    until_it_has_tripped(&mut gateway, 3.0);
    quiet.write((300..500).map(|number| update(number, 1))).unwrap();
    let tally = quiet.check(|_| Fate::Forwarded).unwrap();
    assert_eq!((tally.forwarded, tally.duplicates), (500, 0));

    let refused = journey.letters().unwrap();
    assert!(refused.len() < 5, "{} dead letters", refused.len());
    assert_eq!(journey.outputs().unwrap(), []);
    let lag = gateway.metric("lockgate_partition_lag_records{").unwrap();
    assert!(lag >= 1_995.0, "{lag}");
    let halted = gateway.metric("lockgate_partition_halted{").unwrap();
    assert_eq!(halted, PARTITIONS as f64);
    let (trips, instances) = (gateway.metric(TRIPS).unwrap(), gateway.metric(INSTANCES).unwrap());
    assert!(instances <= 25.0 * (trips + 1.0), "{instances} instances in {trips} open times");

    let told = |log: &str, text: &str| log.lines().filter(|line| line.contains(text)).count();
    let log = gateway.log().unwrap();
    assert_eq!(told(&log, "a partition waits for a plugin"), PARTITIONS, "{log}");
    let opened = told(&log, "its breaker is open");
    assert!(opened as f64 >= trips && told(&log, "divide by zero") >= opened, "{log}");

    // A version that can do it takes up where the other stopped.
    journey.folder.put_guest("plugins/10-guest.wasm", "stars", "2.0.0").unwrap();
    let place = |letter: &Record| {
        let of = |name: &str| letter.header(name).unwrap().parse::<i64>().unwrap();
        (of("lockgate.error.partition"), of("lockgate.error.offset"))
    };
    let refused: BTreeSet<(i64, i64)> = refused.iter().map(place).collect();
    let fate = |record: &Record| {
        let is_refused = refused.contains(&(i64::from(record.partition), record.offset));
        if is_refused { Fate::Refused } else { Fate::Forwarded }
    };
    let tally = journey.check(fate).unwrap();
    assert_eq!((tally.forwarded, tally.duplicates), (2_000 - refused.len(), 0));
    assert!(journey.outputs().unwrap().iter().all(|output| output.value_text().contains("***")));
    gateway.ready().unwrap();
    gateway.stop().unwrap();
}

/// What an operator may choose for plugins without which records are still right.
#[test]
fn a_plugin_that_may_be_bypassed_does_not_stop_records() {
    let (journey, _) = neighbours();
    journey.folder.put("plugins/10-guest.toml", "on_open = \"bypass\"\n").unwrap();
    journey.write((0..200).map(poison)).unwrap();
    let mut gateway = journey.start().unwrap();
    journey.settled().unwrap();
    gateway.until_readyz_says("is not called, and records go by without it").unwrap();
    assert!(gateway.readyz().unwrap()["ready"].as_bool().unwrap());
    let letters = journey.letters().unwrap().len();
    assert!(letters < 5, "{letters} dead letters");
    assert_eq!(journey.outputs().unwrap().len(), 200 - letters);
    let bypassed = gateway.metric("lockgate_plugin_bypassed_rows_total{").unwrap();
    assert_eq!(bypassed, (200 - letters) as f64);
    gateway.stop().unwrap();
}

/// Nothing is fetched of it that would say how far it reaches.
fn the_lag_of_a_partition_that_waits_grows(cluster: &Cluster) {
    let journey = Journey::new(cluster, PROGRAM, 1).unwrap();
    journey.folder.put("plugins/10-mask.toml", constant("x")).unwrap();
    let mut gateway = journey.start().unwrap();
    let (opened, told) = gateway.plugin(PROGRAM, &["open", "mask"]).unwrap();
    assert!(opened, "{told}");
    let mut written = 0;
    for _ in 0..3 {
        journey.write((0..10).map(|number| update(number, 1))).unwrap();
        written += 10;
        let behind = |gateway: &mut Gateway| {
            Ok(gateway.metric("lockgate_partition_lag_records{")? == f64::from(written))
        };
        gateway.until("all that was written counts as lag", behind).unwrap();
    }
    gateway.plugin(PROGRAM, &["reset", "mask"]).unwrap();
    journey.settled().unwrap();
    let caught_up =
        |gateway: &mut Gateway| Ok(gateway.metric("lockgate_partition_lag_records{")? == 0.0);
    gateway.until("there is no lag", caught_up).unwrap();
    gateway.stop().unwrap();
}
