//! `on_fault = "dead-letter-key"`: later records of a refused one's key follow it, through kills and rebalances.

use std::collections::BTreeMap;

use lockgate_tests::checker::{Fate, Tally};
use lockgate_tests::client::Record;
use lockgate_tests::gateway::{Cluster, Gateway, Journey};
use lockgate_tests::rows::{row, update, value};

use crate::PROGRAM;

super::on_both! {
    later_records_of_the_key_follow_a_refused_one_even_after_a_kill
    what_is_parked_goes_with_its_partition_to_another_gateway
    where_no_more_keys_can_be_parked_the_partition_stands_still
}

const PARKED: &str = "lockgate_parked_keys{pipeline=\"shop\"}";

/// A guest that traps on "poison", over two partitions.
fn journey(cluster: &Cluster) -> Journey {
    let journey = Journey::new(cluster, PROGRAM, 2).unwrap();
    journey.folder.put("plugins/10-guest.toml", "on_fault = \"dead-letter-key\"\n").unwrap();
    journey.folder.put_guest("plugins/10-guest.wasm", "trap", "1.0.0").unwrap();
    journey
}

fn poison(id: usize) -> Record {
    row(id, 2, &value(id, "poison@example.com", "NO"))
}

fn tombstone(id: usize) -> Record {
    Record { value: None, ..update(id, 2) }
}

/// Proves that every poisonous record, and each one behind it under its key, went to the dead letters, and all others out.
fn check(journey: &Journey) -> Tally {
    let mut first: BTreeMap<(i32, Option<Vec<u8>>), i64> = BTreeMap::new();
    for record in journey.client.read_all(&journey.topics.source).unwrap() {
        if record.value_text().contains("poison") {
            first.entry((record.partition, record.key)).or_insert(record.offset);
        }
    }
    let fate = |record: &Record| match first.get(&(record.partition, record.key.clone())) {
        Some(refused) if record.offset >= *refused => Fate::Refused,
        _ => Fate::Forwarded,
    };
    journey.check(fate).unwrap()
}

fn parked(gateway: &mut Gateway) -> f64 {
    gateway.metric(PARKED).unwrap()
}

fn later_records_of_the_key_follow_a_refused_one_even_after_a_kill(cluster: &Cluster) {
    let journey = journey(cluster);
    let mut gateway = journey.start().unwrap();
    let poisonous = [update(3, 2), poison(3), update(5, 2), update(3, 2), update(2, 2)];
    journey.write(poisonous).unwrap();
    assert_eq!(check(&journey), Tally { forwarded: 3, refused: 2, ..Tally::default() });
    gateway.until("the key is counted", |gateway| Ok(parked(gateway) == 1.0)).unwrap();
    let letters = journey.letters().unwrap();
    assert_eq!(letters[0].header("lockgate.error.code"), Some("plugin-trapped"));
    assert_eq!(letters[0].header("lockgate.error.fault"), Some("trap"));
    assert_eq!(letters[0].header("lockgate.error.backtrace"), Some("divide < process"));
    assert_eq!(letters[0].header("lockgate.error.follows"), None);
    assert_eq!(letters[1].header("lockgate.error.version"), Some("1.0.0"));
    assert_eq!(letters[1].header("lockgate.error.follows"), Some("1"));

    gateway.kill_9().unwrap();
    journey.write([update(3, 2), update(5, 2), tombstone(3), tombstone(5), update(3, 2)]).unwrap();
    let mut gateway = journey.start().unwrap();
    assert_eq!(check(&journey), Tally { forwarded: 5, refused: 5, ..Tally::default() });
    let letters = journey.letters().unwrap();
    for letter in &letters[2..] {
        assert_eq!(letter.header("lockgate.error.code"), Some("plugin-rejected"));
        assert_eq!(letter.header("lockgate.error.plugin"), Some("guest"));
        assert_eq!(letter.header("lockgate.error.version"), None);
        assert_eq!(letter.header("lockgate.error.follows"), Some("1"));
    }
    assert_eq!(parked(&mut gateway), 1.0);
    gateway.stop().unwrap();
}

/// On a broker that refuses the first thing that is written.
#[test]
fn what_is_read_again_after_a_failed_delivery_is_judged_again() {
    use lockgate_tests::broker::{ApiKey, Control, ErrorCode};
    let cluster = Cluster::of_its_own();
    let journey = journey(&cluster);
    let refused = std::sync::atomic::AtomicBool::new(false);
    cluster.embedded.unwrap().fake().on(ApiKey::Produce, move |info| {
        let own = info.client_id.as_deref().is_some_and(|id| id.starts_with("lockgate-shop"));
        let first = own && !refused.swap(true, std::sync::atomic::Ordering::Relaxed);
        if first { Control::Error(ErrorCode::MessageTooLarge) } else { Control::Pass }
    });
    journey.write([update(0, 2), poison(2), update(2, 2)]).unwrap();
    let mut gateway = journey.start().unwrap();
    check(&journey);
    gateway.until_log_says("reading a partition on from here").unwrap();
    let letters = journey.letters().unwrap();
    let of = |offset: &'static str| {
        let stands = Some(offset);
        letters.iter().filter(move |it| it.header("lockgate.error.offset") == stands)
    };
    assert!(of("1").all(|letter| letter.header("lockgate.error.code") == Some("plugin-trapped")));
    assert!(of("2").all(|letter| letter.header("lockgate.error.follows") == Some("1")));
    gateway.stop().unwrap();
}

fn what_is_parked_goes_with_its_partition_to_another_gateway(cluster: &Cluster) {
    let journey = journey(cluster);
    let mut first = journey.start().unwrap();
    journey.write([poison(0), poison(1), update(2, 2), update(3, 2)]).unwrap();
    journey.settled().unwrap();
    first.until("both keys are counted", |first| Ok(parked(first) == 2.0)).unwrap();
    let mut second = journey.start().unwrap();
    let each_has_one = |first: &mut Gateway| Ok(parked(first) == 1.0 && parked(&mut second) == 1.0);
    first.until("each gateway has a partition with its key", each_has_one).unwrap();
    journey.write((0..4).map(|id| update(id, 2))).unwrap();
    assert_eq!(check(&journey), Tally { forwarded: 4, refused: 4, ..Tally::default() });
    second.stop().unwrap();
    first.until("both keys are back", |first| Ok(parked(first) == 2.0)).unwrap();
    journey.write((0..4).map(|id| update(id, 2))).unwrap();
    assert_eq!(check(&journey), Tally { forwarded: 6, refused: 6, ..Tally::default() });
    first.stop().unwrap();
}

fn where_no_more_keys_can_be_parked_the_partition_stands_still(cluster: &Cluster) {
    let mut journey = journey(cluster);
    journey.pipeline = "[pipeline.limits]\nbatch_records = 50\n".to_owned();
    let mut gateway = journey.start().unwrap();
    let full = "its key cannot be parked, since 256 of the partition are";
    // Of partition 0 alone, and few enough of them that each is found among the others.
    let among = |number: usize| match number % 10 {
        0 => poison(2 * number),
        _ => update(2 * number, 2),
    };
    journey.write((0..2_600).map(among)).unwrap();
    journey.write((0..10).map(|number| update(2 * number + 1, 2))).unwrap();
    let stands = [(0, 2_560), (1, 10)].into();
    let committed = || journey.client.committed(&journey.group, &journey.topics.source);
    let settled = |_: &mut Gateway| Ok(committed()? == stands);
    gateway.until_readyz_says(full).unwrap();
    gateway.until("the rest is committed", settled).unwrap();
    gateway.kill_9().unwrap();
    let mut gateway = journey.folder.run(&journey.config()).unwrap();
    gateway.until_readyz_says(full).unwrap();
    assert_eq!(parked(&mut gateway), 256.0);
    gateway.stop().unwrap();
    assert_eq!(committed().unwrap(), stands);
    assert_eq!(journey.letters().unwrap().len(), 256);
    assert_eq!(journey.outputs().unwrap().len(), 2_304 + 10);
}

/// Without Kafka, and with nothing to remember once it is over.
#[test]
fn a_file_is_treated_alike() {
    let journey = journey(Cluster::embedded());
    let line = |(offset, record): (usize, Record)| {
        let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
        let value = record.value_text();
        let line = serde_json::json!({"topic": "t", "offset": offset, "key": key, "value": value});
        format!("{line}\n")
    };
    let records = [update(2, 2), poison(2), update(4, 2), update(2, 2)];
    let lines: String = records.into_iter().enumerate().map(line).collect();
    journey.folder.put("in.jsonl", lines).unwrap();
    let arguments = "apply --plugins plugins --format records --refused no.jsonl in.jsonl";
    let applied = std::process::Command::new(PROGRAM)
        .args(arguments.split(' '))
        .current_dir(journey.folder.path())
        .output()
        .unwrap();
    assert_eq!(applied.status.code(), Some(3), "{}", String::from_utf8_lossy(&applied.stderr));
    assert_eq!(String::from_utf8(applied.stdout).unwrap().lines().count(), 2);
    let refused = std::fs::read_to_string(journey.folder.path().join("no.jsonl")).unwrap();
    let follows = "its key follows the record at offset 1,";
    let told: Vec<bool> = refused.lines().map(|line| line.contains(follows)).collect();
    assert_eq!(told, [false, true], "{refused}");
}
