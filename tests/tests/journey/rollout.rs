//! New versions of plugins while records flow: those that do harm, and many one after the other.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_tests::checker::{Fate, MARK};
use lockgate_tests::client::Record;
use lockgate_tests::gateway::{Cluster, Gateway, Journey};
use lockgate_tests::rows::{constant, row, update, value};

use crate::PROGRAM;

const PARTITIONS: usize = 4;

/// How an output's e-mail address looks.
fn email(output: &Record) -> String {
    let value: serde_json::Value = serde_json::from_str(output.value_text()).unwrap();
    value["after"]["email"].as_str().unwrap().to_owned()
}

/// Partition and offset of a source record.
type Place = (i32, i64);

/// Outputs and dead letters by where their source stands, with whatever `of` says of each.
fn by_source<T>(
    journey: &Journey,
    records: &[Record],
    of: impl Fn(&Record) -> T,
) -> BTreeMap<Place, T> {
    let source = journey.client.read_all(&journey.topics.source).unwrap();
    let places: BTreeMap<&str, Place> =
        source.iter().map(|it| (it.header(MARK).unwrap(), (it.partition, it.offset))).collect();
    let place = |record: &Record| match record.header("lockgate.error.offset") {
        Some(offset) => (record.partition, offset.parse().unwrap()),
        None => places[record.header(MARK).unwrap()],
    };
    records.iter().map(|record| (place(record), of(record))).collect()
}

/// A journey through version 1.0.0 of the guest `stars`. What a new version does to records is to be seen, so it does not run beside the
/// old one first.
fn with_stars() -> Journey {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 2).unwrap();
    journey.folder.put("plugins/10-stars.toml", "reload = \"immediate\"\n").unwrap();
    journey.folder.put_guest("plugins/10-stars.wasm", "stars", "1.0.0").unwrap();
    journey
}

/// Of eight records one is poison, to the guest `trap` alone.
fn now_and_then_poison(number: usize) -> Record {
    match number % 8 {
        3 => row(number, 2, &value(number, "poison@example.com", "NO")),
        _ => update(number, 2),
    }
}

#[test]
fn a_version_that_traps_is_rolled_back_by_itself_and_nothing_is_lost() {
    let journey = with_stars();
    let mut gateway = journey.start().unwrap();
    let rolled_back = "lockgate_reloads_total{pipeline=\"shop\",result=\"rolled-back\"";
    let act = || {
        journey.until_output("a first record", |_| true)?;
        journey.folder.put_guest("plugins/10-stars.wasm", "trap", "2.0.0")?;
        gateway.until("the new version is taken back", |gateway| {
            Ok(gateway.metric(rolled_back)? == 1.0)
        })?;
        gateway.until_readyz_says("still serves as 1.0.0: rolled back after ")?;
        assert!(gateway.readyz()?["ready"].as_bool().unwrap());
        let before = journey.outputs()?.len();
        gateway.until("more records", |_| Ok(journey.outputs()?.len() > before + 500))
    };
    journey.while_flowing(now_and_then_poison, act).unwrap();
    let letters = journey.letters().unwrap();
    assert!(!letters.is_empty());
    let refused = by_source(&journey, &letters, |_| ());
    let fate = |record: &Record| {
        let is_refused = refused.contains_key(&(record.partition, record.offset));
        if is_refused { Fate::Refused } else { Fate::Forwarded }
    };
    assert_eq!(journey.check(fate).unwrap().duplicates, 0);
    assert_eq!(gateway.metric(rolled_back).unwrap(), 1.0);
    let log = gateway.log().unwrap();
    assert!(
        log.lines().any(|line| line.contains("plugin rolled back") && line.contains("2.0.0")),
        "{log}"
    );
    gateway.stop().unwrap();

    // The new version masks nothing: each partition saw the old one, the new one, and again the old one.
    let is_clear = |output: &Record| !email(output).starts_with('*');
    let mut phases: BTreeMap<i32, Vec<bool>> = BTreeMap::new();
    for ((partition, _), clear) in by_source(&journey, &journey.outputs().unwrap(), is_clear) {
        let phases = phases.entry(partition).or_default();
        phases.push(clear);
        phases.dedup();
    }
    assert!(
        phases.values().all(|phases| phases.len() <= 3 && !phases[0] && !phases[phases.len() - 1]),
        "{phases:?}"
    );
    assert!(phases.values().any(|phases| phases.len() == 3), "{phases:?}");
}

/// What has been written to the output topic since it held `before` records.
fn since(journey: &Journey, before: &[Record]) -> Vec<Record> {
    let is_new = |it: &Record| {
        !before.iter().any(|old| (old.partition, old.offset) == (it.partition, it.offset))
    };
    journey.outputs().unwrap().into_iter().filter(is_new).collect()
}

/// Writes records and gives the e-mail addresses of their outputs.
fn emails_of_more(journey: &Journey) -> Vec<String> {
    journey.settled().unwrap();
    let before = journey.outputs().unwrap();
    journey.write((0..100).map(|number| update(number, 2))).unwrap();
    journey.settled().unwrap();
    let emails: Vec<String> = since(journey, &before).iter().map(email).collect();
    assert_eq!(emails.len(), 100);
    emails
}

fn listed(gateway: &mut Gateway) -> String {
    let (is_fine, told) = gateway.plugin(PROGRAM, &["ls"]).unwrap();
    assert!(is_fine, "{told}");
    told
}

#[test]
fn what_was_rolled_back_stays_so_after_a_kill_until_it_is_promoted() {
    let journey = with_stars();
    let mut gateway = journey.start().unwrap();
    let act = || {
        journey.until_output("a first record", |_| true)?;
        journey.folder.put_guest("plugins/10-stars.wasm", "trap", "2.0.0")?;
        gateway.until_readyz_says("still serves as 1.0.0: rolled back after ")
    };
    journey.while_flowing(now_and_then_poison, act).unwrap();
    let before = listed(&mut gateway);
    assert!(before.contains("rolled-back: 2.0.0 ("), "{before}");
    journey.settled().unwrap();
    let outputs = journey.outputs().unwrap();
    gateway.kill_9().unwrap();

    let mut gateway = journey.start().unwrap();
    assert_eq!(listed(&mut gateway), before);
    gateway.until_readyz_says("still serves as 1.0.0: rolled back after ").unwrap();
    assert!(emails_of_more(&journey).iter().all(|email| email.starts_with('*')));
    // What it carried again after the kill, too.
    assert!(since(&journey, &outputs).iter().all(|output| email(output).starts_with('*')));
    assert_eq!(listed(&mut gateway), before);
    let log = gateway.log().unwrap();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert!(
        matches!(*warnings, [one] if one.contains("known to be bad; what was settled serves instead")
            && one.contains("serves=\"1.0.0\"") && one.contains("`lockgate plugin promote stars`")),
        "{warnings:?}"
    );

    let (is_fine, told) = gateway.plugin(PROGRAM, &["promote", "stars"]).unwrap();
    assert!(is_fine, "{told}");
    gateway
        .until(
            "the promoted version serves",
            |gateway| Ok(!listed(gateway).contains("rolled-back")),
        )
        .unwrap();
    gateway.kill_9().unwrap();
    let mut gateway = journey.start().unwrap();
    assert!(!listed(&mut gateway).contains("1.0.0"));
    assert!(emails_of_more(&journey).iter().all(|email| !email.starts_with('*')));
    gateway.stop().unwrap();
}

#[test]
fn a_settled_version_that_would_let_out_what_is_protected_now_does_not_stand_in() {
    let mut journey = Journey::new(Cluster::embedded(), PROGRAM, 2).unwrap();
    let masks = |text: &str, columns: &[&str]| {
        let rules = columns.iter().map(|column| format!("{column} = \"constant:{text}\"\n"));
        let rules: String = rules.collect();
        format!("plugin = \"mask\"\nreload = \"immediate\"\n[settings.columns]\n{rules}")
    };
    let put = |journey: &Journey, text: &str| journey.folder.put("plugins/20-mask.toml", text);
    put(&journey, &masks("old", &["email"])).unwrap();
    let mut gateway = journey.start().unwrap();
    put(&journey, &masks("new", &["email", "country"])).unwrap();
    gateway
        .until("the new version serves", |gateway| Ok(listed(gateway).contains("probation")))
        .unwrap();
    let (is_fine, told) = gateway.plugin(PROGRAM, &["rollback", "mask"]).unwrap();
    assert!(is_fine, "{told}");
    gateway.kill_9().unwrap();

    let protect = "protect = [\"shop.public.customers.country\"]\n";
    for (pipeline, serves) in [("", "old"), (protect, "new"), ("", "old")] {
        journey.pipeline = pipeline.to_owned();
        let gateway = journey.start().unwrap();
        assert!(emails_of_more(&journey).iter().all(|email| email == serves), "{serves}");
        let log = gateway.log().unwrap();
        let is_told = log.contains("is known to be bad and serves") && log.contains("country");
        assert_eq!(is_told, serves == "new", "{log}");
        gateway.stop().unwrap();
    }
}

#[test]
fn over_a_hundred_reloads_no_record_is_lost_and_no_batch_is_carried_by_two_chains() {
    let mut journey =
        Journey::new(Cluster::embedded(), PROGRAM, i32::try_from(PARTITIONS).unwrap()).unwrap();
    journey.pipeline = "lanes = 2\nstamp = true\n".to_owned();
    let put = |number: usize| {
        let text = format!("reload = \"immediate\"\n{}", constant(&format!("chain {number}")));
        journey.folder.put("plugins/20-mask.toml", text)
    };
    put(0).unwrap();
    let mut gateway = journey.start().unwrap();
    let is_broken = |number: usize| number % 40 == 17;
    let record = |number: usize| match is_broken(number) {
        true => row(number, PARTITIONS, "{"),
        false => update(number, PARTITIONS),
    };
    let mut early = 0;
    let act = || {
        journey.until_output("a record of the first chain", |_| true)?;
        for number in 1..=100 {
            if number == 30 {
                early = gateway.resident_bytes()?;
            }
            put(number)?;
            // Both lanes have it, and one has carried a batch with it.
            gateway.until(&format!("reload {number}"), |gateway| {
                Ok(gateway.metric("lockgate_reload_pause_seconds_count")? >= 2.0 * number as f64)
            })?;
            let settled = "lockgate_records_total{outcome=\"forwarded\"";
            let before = gateway.metric(settled)?;
            gateway.until(&format!("a record of chain {number}"), |gateway| {
                Ok(gateway.metric(settled)? > before)
            })?;
        }
        journey.until_output("the last chain", |output| output.value_text().contains("chain 100"))
    };
    journey.while_flowing(record, act).unwrap();
    let fate = |record: &Record| {
        if record.value_text() == "{" { Fate::Refused } else { Fate::Forwarded }
    };
    let tally = journey.check(fate).unwrap();
    assert_eq!(tally.duplicates, 0);
    assert!(tally.refused > 0);
    assert!(gateway.metric("lockgate_reload_pause_seconds_count").unwrap() >= 200.0);
    tell_pauses(&mut gateway);
    // An instance of either lane holds more than a MiB; seventy chains that stayed would be far above this.
    let late = gateway.resident_bytes().unwrap();
    eprintln!("{} MiB resident after 30 reloads, {} MiB after 100", early >> 20, late >> 20);
    assert!(late < early + (48 << 20), "{early} bytes grew to {late}");
    gateway.stop().unwrap();

    one_chain_at_a_time(&journey);
}

/// For whoever reads the log of the test; a time is no pass or fail.
fn tell_pauses(gateway: &mut Gateway) {
    let (_, text) = gateway.page("/metrics").unwrap();
    for line in text.lines().filter(|line| line.starts_with("lockgate_reload_pause_seconds")) {
        eprintln!("{line}");
    }
}

/// No partition goes back to a chain it has left, and what bears the same stamp was made by the same chain.
fn one_chain_at_a_time(journey: &Journey) {
    let outputs = journey.outputs().unwrap();
    let stamp = |record: &Record| record.header("lockgate.chain").expect("a stamp").to_owned();
    let mut stamps = by_source(journey, &outputs, stamp);
    stamps.extend(by_source(journey, &journey.letters().unwrap(), stamp));
    let mut chains: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for ((partition, _), stamp) in stamps {
        let chains = chains.entry(partition).or_default();
        if chains.last() != Some(&stamp) {
            assert!(!chains.contains(&stamp), "partition {partition} went back to chain {stamp}");
            chains.push(stamp);
        }
    }
    let all: BTreeSet<&String> = chains.values().flatten().collect();
    assert_eq!(all.len(), 101);
    let mut made: BTreeMap<String, String> = BTreeMap::new();
    for output in &outputs {
        let email = email(output);
        let one = made.entry(stamp(output)).or_insert_with(|| email.clone());
        assert_eq!(*one, email, "two chains under one stamp");
    }
}
