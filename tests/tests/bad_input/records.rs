//! Records that are no events, or none that a pipeline can take.

use std::collections::BTreeMap;
use std::time::Duration;

use lockgate::config::{Kafka, Membership};
use lockgate::kafka::{Member, Sink};
use lockgate::record::{Output, OutputHeader, Partition};
use lockgate_tests::checker::{Fate, MARK};
use lockgate_tests::client::{Record, eventually};
use lockgate_tests::gateway::{Cluster, Journey, PATIENCE};
use lockgate_tests::rows::{SOURCE, row, update, value};

use crate::PROGRAM;

/// What a dead letter says, or that the record is forwarded.
enum Told {
    Refused(&'static str, &'static str),
    Forwarded,
}

fn cases() -> Vec<(Record, Told)> {
    use Told::{Forwarded, Refused};
    let whole = value(1, "anna@example.com", "NO");
    let text = |value: &str| row(0, 1, value);
    let bytes = |value: &[u8]| Record { value: Some(value.to_vec()), ..row(0, 1, "") };
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let foreign = "{\"database\":\"shop\",\"table\":\"customers\",\"type\":\"insert\",\"ts\":1,\"xid\":2,\"commit\":true,\"data\":{\"id\":1}}";
    vec![
        (text(&whole.replace(",\"op\"", ",,\"op\"")), Refused("undecodable", "not JSON: ")),
        (text(whole.strip_suffix("000000}").unwrap()), Refused("undecodable", "not JSON: ")),
        (bytes(&[&br#"{"a":""#[..], b"\xff", br#""}"#].concat()), Refused("undecodable", "UTF-8")),
        (text(&whole.replace("\"NO\"", &deep)), Forwarded),
        (
            text(&whole.replace("\"op\":\"u\"", "\"op\":\"x\"")),
            Refused("unknown-class", "what happened in it is not known"),
        ),
        (text("no event"), Refused("undecodable", "not JSON: ")),
        (text(""), Refused("undecodable", "")),
        (text("{}"), Refused("unknown-class", "no debezium event")),
        (text(foreign), Refused("unknown-class", "these look like Maxwell events")),
        (Record { key: None, value: None, ..update(0, 1) }, Forwarded),
        (text(&format!("{{\"before\":null,\"after\":null,{SOURCE},\"op\":\"d\"}}")), Forwarded),
        (update(1, 1), Forwarded),
    ]
}

#[test]
fn each_bad_record_is_refused_in_words_of_its_own_and_its_neighbours_go_on() {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 1).unwrap();
    journey.folder.put_guest("plugins/10-pass.wasm", "pass", "1.0.0").unwrap();
    let gateway = journey.start().unwrap();
    let cases = cases();
    journey.write(cases.iter().map(|(record, _)| record.clone())).unwrap();
    let refused = |record: &Record| {
        let (_, told) = &cases[usize::try_from(record.offset).unwrap()];
        matches!(told, Told::Refused(..))
    };
    let fate = |record: &Record| if refused(record) { Fate::Refused } else { Fate::Forwarded };
    assert_eq!(journey.check(fate).unwrap().duplicates, 0);
    for letter in journey.letters().unwrap() {
        let header = |name: &str| letter.header(name).unwrap();
        let offset: usize = header("lockgate.error.offset").parse().unwrap();
        let (record, Told::Refused(code, reason)) = &cases[offset] else { panic!("{letter:?}") };
        assert_eq!(header("lockgate.error.code"), *code, "{:.60}", record.value_text());
        let told = header("__connect.errors.exception.message");
        println!("{offset}: {told}");
        assert!(told.contains(reason), "{told}");
        assert!(!gateway.log().unwrap().contains("anna@"), "the log quotes a record");
    }
    gateway.stop().unwrap();
}

#[test]
fn a_topic_of_another_dialect_is_named_once_and_not_in_a_storm() {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 1).unwrap();
    let gateway = journey.start().unwrap();
    let foreign =
        r#"{"database":"shop","table":"customers","type":"insert","ts":1,"data":{"id":1}}"#;
    journey.write((0..2_000).map(|_| row(0, 1, foreign))).unwrap();
    assert_eq!(journey.check(|_| Fate::Refused).unwrap().refused, 2_000);
    let log = gateway.log().unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("refused")).collect();
    assert!(lines[0].contains("these look like Maxwell events"), "{}", lines[0]);
    assert!(lines.len() < 10, "{} lines", lines.len());
    gateway.stop().unwrap();
}

#[test]
fn an_empty_topic_is_nothing_wrong() {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 1).unwrap();
    let gateway = journey.start().unwrap();
    let log = gateway.log().unwrap();
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
    gateway.stop().unwrap();
    assert_eq!(journey.outputs().unwrap(), []);
}

/// Writes what the tests' own client cannot: large records, and headers whose names are no text.
fn write_raw(journey: &Journey, value: &[u8], header: (&[u8], &[u8])) {
    let kafka = Kafka {
        brokers: Cluster::embedded().brokers.clone(),
        group: String::new(),
        membership: Membership::Dynamic,
        properties: BTreeMap::new(),
    };
    let member = Member { pipeline: "writer", lane: 0 };
    let mut sink = Sink::connect(&kafka, member, 16 << 20).unwrap();
    let header = OutputHeader { name: header.0.into(), value: Some(header.1.into()) };
    let output = Output {
        topic: journey.topics.source.as_str().into(),
        partition: Partition::Same(0),
        timestamp: None,
        key: None,
        value: Some(value.into()),
        headers: vec![header],
    };
    sink.send(&output, 0).unwrap();
    let mut fates = Vec::new();
    eventually("the record is written", PATIENCE, || {
        sink.serve(Duration::from_millis(10), |_, fate| fates.push(fate));
        Ok(!fates.is_empty())
    })
    .unwrap();
    assert_eq!(fates, [Ok(())]);
}

#[test]
fn a_row_of_eight_megabytes_is_refused_with_its_size() {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 1).unwrap();
    let gateway = journey.start().unwrap();
    let large = value(1, &"a".repeat(8 << 20), "NO");
    write_raw(&journey, large.as_bytes(), (MARK.as_bytes(), b"large"));
    journey.write([update(0, 1)]).unwrap();
    let fate = |record: &Record| if record.offset == 0 { Fate::Refused } else { Fate::Forwarded };
    journey.check(fate).unwrap();
    let letter = journey.letters().unwrap().remove(0);
    assert_eq!(letter.header("lockgate.error.code"), Some("too-large"));
    assert_eq!(letter.header("lockgate.error.payload"), Some("omitted"));
    let reason = letter.header("lockgate.error.reason").unwrap();
    let size = large.len() + "marklarge".len();
    assert!(
        reason.starts_with(&format!(
            "the output has {size} bytes, the limit is 1000000; raise record_bytes"
        )),
        "{reason}"
    );
    gateway.stop().unwrap();
}

#[test]
fn a_header_whose_name_is_no_text_goes_through_plugins() {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 1).unwrap();
    journey.folder.put_guest("plugins/10-stars.wasm", "stars", "1.0.0").unwrap();
    let gateway = journey.start().unwrap();
    let name: &[u8] = b"caf\xe9 \xff";
    write_raw(&journey, value(1, "anna@example.com", "NO").as_bytes(), (name, b"v"));
    let broker = Cluster::embedded().embedded.unwrap();
    eventually("it comes out", PATIENCE, || Ok(broker.end(&journey.topics.output, 0) == Some(1)))
        .unwrap();
    // As the broker keeps it, since the tests' client takes text only.
    let log =
        broker.fake().with_state(|s| s.partition(&journey.topics.output, 0).unwrap().log.concat());
    assert!(log.windows(name.len()).any(|part| part == name));
    gateway.stop().unwrap();
}
