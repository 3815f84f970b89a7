//! What becomes of a record on its way, and what stays of it.

use lockgate_tests::checker::{Fate, MARK, Tally};
use lockgate_tests::client::{Record, eventually};
use lockgate_tests::gateway::{Cluster, Journey, PATIENCE};
use lockgate_tests::rows::{SOURCE, row, update, value};

use crate::PROGRAM;

super::on_both! {
    a_record_goes_through_three_plugins
    what_no_plugin_touches_leaves_byte_for_byte
    a_refused_record_is_kept_with_its_reasons
}

const FILTER: &str = r#"
plugin = "filter"
[settings]
keep = 'op == "d" || after.country != "XX"'
"#;

const MASK: &str = r#"
plugin = "mask"
[settings.columns]
email = "keep-domain"
"#;

const RESHAPE: &str = r#"
plugin = "reshape"
[settings]
rename = { country = "land" }
headers = { customer = "id" }
"#;

fn a_record_goes_through_three_plugins(cluster: &Cluster) {
    let journey = Journey::new(cluster, PROGRAM, 2).unwrap();
    for (file, settings) in [("10-only", FILTER), ("20-mask", MASK), ("30-shape", RESHAPE)] {
        journey.folder.put(&format!("plugins/{file}.toml"), settings).unwrap();
    }
    let gateway = journey.start().unwrap();
    let kept = Record { timestamp: Some(1_700_000_000_123), ..update(1, 2) };
    let deleted = format!(
        r#"{{"before":{{"id":1,"email":"anna1@example.com","country":"NO"}},"after":null,{SOURCE},"op":"d"}}"#
    );
    let tombstone = Record { value: None, ..update(1, 2) };
    let foreign = row(2, 2, &value(2, "bo@example.com", "XX"));
    journey.write([kept, foreign, row(1, 2, &deleted), tombstone]).unwrap();
    let is_foreign = |record: &Record| record.value_text().contains("XX");
    let fate = |record: &Record| if is_foreign(record) { Fate::Dropped } else { Fate::Forwarded };
    assert_eq!(journey.check(fate).unwrap().dropped, 1);
    gateway.stop().unwrap();

    let outputs = journey.outputs().unwrap();
    let values: Vec<&str> = outputs.iter().map(Record::value_text).collect();
    assert_eq!(
        values,
        [
            r#"{"before":null,"after":{"id":1, "email":"*****@example.com","land":"NO"},"source":{"db":"shop","schema":"public","table":"customers"},"op":"u","ts_ms":1795000000000}"#,
            r#"{"before":{"id":1,"email":"*****@example.com","land":"NO"},"after":null,"source":{"db":"shop","schema":"public","table":"customers"},"op":"d"}"#,
            "",
        ]
    );
    for output in &outputs {
        assert_eq!(output.partition, 1);
        assert_eq!(output.key.as_deref(), Some(&br#"{"id":1}"#[..]));
        assert!(output.header(MARK).is_some());
        assert_eq!(output.header("customer"), Some("1"), "{output:?}");
    }
    assert_eq!(outputs[0].timestamp, Some(1_700_000_000_123));
    assert_eq!(outputs[2].value, None);
}

fn what_no_plugin_touches_leaves_byte_for_byte(cluster: &Cluster) {
    let journey = Journey::new(cluster, PROGRAM, 3).unwrap();
    journey.folder.put_guest("plugins/10-pass.wasm", "pass", "1.0.0").unwrap();
    let gateway = journey.start().unwrap();
    let header = |name: &str, value: Option<&[u8]>| (name.to_owned(), value.map(<[u8]>::to_vec));
    let odd = r#" {"after" : {"id":1, "email":"\u00e5\/", "id":18446744073709551615 },"op":"c"} "#;
    let records = [
        Record { timestamp: Some(1), headers: vec![header("a", None)], ..row(0, 3, odd) },
        Record { headers: vec![header("a", Some(b"\xff")), header("a", None)], ..update(1, 3) },
        Record { value: None, ..update(2, 3) },
        Record { key: None, ..update(3, 3) },
        Record { key: Some(vec![0xff, 0]), ..update(4, 3) },
        // No row, so no plugin has a say in it.
        Record { headers: vec![header("a", None)], ..row(5, 3, r#"{ "ts_ms":1795000000000 }"#) },
    ];
    journey.write(records).unwrap();
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().duplicates, 0);
    gateway.stop().unwrap();
    // Even the offsets are the same, where every record of a partition is forwarded.
    let written = journey.client.read_all(&journey.topics.source).unwrap();
    assert_eq!(journey.outputs().unwrap(), written);
}

fn a_refused_record_is_kept_with_its_reasons(cluster: &Cluster) {
    let journey = Journey::new(cluster, PROGRAM, 1).unwrap();
    journey.folder.put_guest("plugins/10-refuse.wasm", "refuse", "1.0.0").unwrap();
    let mut gateway = journey.start().unwrap();
    journey.write([update(0, 1)]).unwrap();
    journey.settled().unwrap();
    let poison = row(1, 1, &value(1, "poison@example.com", "NO"));
    journey.write([Record { timestamp: Some(1_700_000_000_123), ..poison }]).unwrap();
    journey.settled().unwrap();
    journey.write([update(2, 1)]).unwrap();
    let refused = |record: &Record| record.value_text().contains("poison");
    let fate = |record: &Record| if refused(record) { Fate::Refused } else { Fate::Forwarded };
    let tally = journey.check(fate).unwrap();
    assert_eq!(tally, Tally { forwarded: 2, refused: 1, dropped: 0, duplicates: 0 });
    let letter = journey.letters().unwrap().remove(0);
    let header = |name: &str| letter.header(name).unwrap_or("none");
    assert_eq!(header("__connect.errors.topic"), journey.topics.source);
    assert_eq!(header("__connect.errors.partition"), "0");
    assert_eq!(header("__connect.errors.offset"), "1");
    assert_eq!(header("__connect.errors.connector.name"), "shop");
    assert_eq!(header("__connect.errors.exception.class.name"), "plugin-rejected");
    assert_eq!(header("lockgate.error.code"), "plugin-rejected");
    assert_eq!(header("lockgate.error.plugin"), "refuse");
    assert_eq!(header("lockgate.error.version"), "1.0.0");
    assert_eq!(header("lockgate.error.digest").len(), 64);
    assert_eq!(header("lockgate.error.offset"), "1");
    assert_eq!(header("lockgate.error.timestamp"), "1700000000123");
    assert_eq!(header("lockgate.error.payload"), "masked");
    assert_eq!(letter.timestamp, Some(1_700_000_000_123));
    assert_eq!(letter.key.as_deref(), Some(&br#"{"id":1}"#[..]));
    assert!(!letter.value_text().contains("poison"), "{}", letter.value_text());
    let refusals = "lockgate_refusals_total{code=\"plugin-rejected\"";
    assert_eq!(gateway.metric(refusals).unwrap(), 1.0);
    let log = gateway.log().unwrap();
    assert!(log.contains("record refused") && !log.contains("poison"), "{log}");
    gateway.stop().unwrap();
}

/// On a broker that is slow to take what is written.
#[test]
fn a_dead_letter_is_acknowledged_before_its_record_is_committed() {
    use lockgate_tests::broker::{ApiKey, Control};
    let cluster = Cluster::of_its_own();
    let broker = cluster.embedded.unwrap();
    let journey = Journey::new(&cluster, PROGRAM, 1).unwrap();
    let gateway = journey.start().unwrap();
    broker.fake().on(ApiKey::Produce, |info| {
        let own = info.client_id.as_deref().is_some_and(|id| id.starts_with("lockgate-shop"));
        if own { Control::Delay(std::time::Duration::from_millis(400)) } else { Control::Pass }
    });
    journey.write([row(0, 1, "no event")]).unwrap();
    let source = &journey.topics.source;
    eventually("the record is committed", PATIENCE, || {
        // In this order: what is committed now must have had its letter before.
        let committed = broker.committed(&journey.group, source, 0).unwrap_or(0);
        let letters = broker.end(&journey.topics.letters, 0).unwrap_or(0);
        assert!(letters >= committed, "{committed} committed with {letters} letters");
        Ok(committed == 1)
    })
    .unwrap();
    assert_eq!(journey.check(|_| Fate::Refused).unwrap().refused, 1);
    gateway.stop().unwrap();
}

/// What a commit's failure leaves must not wait for the next record, which may be long in coming.
#[test]
fn a_commit_that_the_broker_refuses_is_tried_again_while_nothing_is_written() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use lockgate_tests::broker::{ApiKey, Control, ErrorCode};
    let cluster = Cluster::of_its_own();
    let broker = cluster.embedded.unwrap();
    let refuses = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&refuses);
    broker.fake().on(ApiKey::OffsetCommit, move |_| match now.load(Ordering::Relaxed) {
        true => Control::Error(ErrorCode::GroupAuthorizationFailed),
        false => Control::Pass,
    });
    let journey = Journey::new(&cluster, PROGRAM, 1).unwrap();
    let mut gateway = journey.start().unwrap();
    journey.write((0..10).map(|number| update(number, 1))).unwrap();
    journey.settled().unwrap();
    let committed = "lockgate_partition_committed_offset";
    gateway
        .until(
            "the metric says what is committed",
            |gateway| Ok(gateway.metric(committed)? == 10.0),
        )
        .unwrap();
    let lane = &gateway.readyz().unwrap()["pipelines"][0]["lanes"][0];
    assert!(lane["last_commit_age_seconds"].is_number(), "{lane}");

    refuses.store(true, Ordering::Relaxed);
    journey.write((10..20).map(|number| update(number, 1))).unwrap();
    gateway.until_log_says("committing offsets failed; trying again").unwrap();
    gateway
        .until("all is carried", |gateway| {
            Ok(gateway.metric("lockgate_partition_watermark_offset")? == 20.0)
        })
        .unwrap();
    assert_eq!(gateway.metric(committed).unwrap(), 10.0);
    refuses.store(false, Ordering::Relaxed);
    journey.settled().unwrap();
    gateway
        .until("the metric says so again", |gateway| Ok(gateway.metric(committed)? == 20.0))
        .unwrap();
    let told = gateway.log().unwrap().matches("committing offsets failed").count();
    assert_eq!(told, 1);
    gateway.stop().unwrap();
}
