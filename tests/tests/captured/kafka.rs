//! Through a broker and a running gateway: what an independent reader finds on the other side is what was written.

use std::collections::BTreeMap;

use lockgate::table::Dialect;
use lockgate_tests::client::{Client, Record, eventually};
use lockgate_tests::corpora::{Captured, Corpora};
use lockgate_tests::gateway::{Cluster, Folder, PATIENCE};

use super::carry::FILES;

/// By topic, and in the order of each partition.
type Topics = BTreeMap<String, Vec<Record>>;

fn by_topic(captured: Vec<Captured>) -> Topics {
    let mut topics = Topics::new();
    for Captured { topic, record } in captured {
        topics.entry(topic).or_default().push(record);
    }
    // Offsets are the broker's: they close the gaps of what was left out.
    for records in topics.values_mut() {
        records.sort_by_key(|record| (record.partition, record.offset));
        let mut next = BTreeMap::new();
        for record in records {
            let offset: &mut i64 = next.entry(record.partition).or_default();
            record.offset = *offset;
            *offset += 1;
        }
    }
    topics
}

/// What no corpus has: bytes that are no text, in every part that can hold them.
fn binary() -> (String, Vec<Record>) {
    let record = |offset, key: &[u8], value: Option<&[u8]>| Record {
        offset,
        timestamp: Some(1),
        key: Some(key.to_vec()),
        value: value.map(<[u8]>::to_vec),
        headers: vec![("h".to_owned(), Some(vec![0xff, 0])), ("h".to_owned(), None)],
        ..Record::default()
    };
    let row = br#"{"before":null,"after":{"id":1},"source":{"table":"t"},"op":"c"}"#;
    let records = vec![
        record(0, b"\x00\xff", Some(row)),
        record(1, b"\xff", Some(b"\x00\x00\x00\x00\x07\x0a\xff\xfe")),
        record(2, b"\xed\xa0\x80", None),
        record(3, b"", Some(b"")),
    ];
    ("binary".to_owned(), records)
}

fn pipeline(name: &str, dialect: Dialect, topics: &Topics) -> String {
    let topics: Vec<&str> = topics.keys().map(String::as_str).collect();
    format!(
        "[[pipeline]]\nname = \"{name}\"\ndialect = \"{dialect}\"\nfrom = {topics:?}\nto = \"clean.{{topic}}\"\n\
         [pipeline.classes]\nunknown = \"pass\"\n"
    )
}

#[test]
fn captured_records_cross_a_gateway_unchanged() {
    let Some(corpora) = Corpora::find() else { return };
    let of = |wanted: Dialect| {
        let files = FILES.into_iter().filter(|(_, dialect)| *dialect == wanted);
        by_topic(files.flat_map(|(file, _)| corpora.captured(file).unwrap()).collect())
    };
    let (mut debezium, json) = (of(Dialect::Debezium), of(Dialect::Json));
    debezium.extend([binary()]);
    let cluster = Cluster::of_its_own();
    let broker = cluster.embedded.unwrap();
    let client = Client::new(&cluster.brokers).unwrap();
    for (topic, records) in debezium.iter().chain(&json) {
        for topic in [topic, &format!("clean.{topic}"), &format!("{topic}.dlq")] {
            broker.create_topic(topic, 3);
        }
        client.produce(topic, records).unwrap();
    }
    let folder = Folder::new(env!("CARGO_BIN_EXE_gateway")).unwrap();
    let config = format!(
        "[kafka]\nbrokers = \"{}\"\ngroup = \"captured\"\n[admin]\nlisten = \"127.0.0.1:0\"\n{}{}",
        cluster.brokers,
        pipeline("debezium", Dialect::Debezium, &debezium),
        pipeline("json", Dialect::Json, &json),
    );
    let mut gateway = folder.run(&config).unwrap();
    gateway.ready().unwrap();
    eventually("everything has crossed", PATIENCE, || {
        let crossed = |topic: &String| {
            let output = format!("clean.{topic}");
            (0..3).all(|partition| broker.end(&output, partition) == broker.end(topic, partition))
        };
        Ok(debezium.keys().chain(json.keys()).all(crossed))
    })
    .unwrap();
    gateway.stop().unwrap();
    let mut largest = 0;
    for (topic, records) in debezium.iter().chain(&json) {
        let crossed = client.read_all(&format!("clean.{topic}")).unwrap();
        assert_eq!(crossed.len(), records.len(), "{topic}");
        for (crossed, record) in crossed.iter().zip(records) {
            assert!(crossed == record, "{topic}-{}@{}", record.partition, record.offset);
            largest = largest.max(record.value.as_ref().map_or(0, Vec::len));
        }
    }
    assert!(largest > 900_000, "the rows of 900 KB are among them");
}
