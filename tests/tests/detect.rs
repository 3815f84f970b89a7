//! `lockgate detect` over topics: what it prints of them, and what it says where there is nothing to look at. The program itself, with
//! the embedded broker.
#![cfg(test)]

use std::process::Command;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use lockgate_tests::broker::{ApiKey, Broker, Control};
use lockgate_tests::client::{Client, Record};
use lockgate_tests::gateway::Folder;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");

const DEBEZIUM: &str = r#"{"before":null,"after":{"id":1},"source":{"connector":"postgresql","name":"shop","db":"d","schema":"public","table":"customers"},"op":"c"}"#;
const MAXWELL: &str =
    r#"{"database":"shop","table":"orders","type":"insert","ts":1,"data":{"id":1}}"#;

/// What the program says: stdout where it went well, else stderr; the broker's address is replaced.
fn detect(broker: &Broker, line: &str) -> String {
    let (code, out, err) = run(&format!("{line} --brokers {}", broker.bootstrap()));
    let said = if code == 0 { out } else { format!("exit code {code}\n{out}{err}") };
    said.replace(broker.bootstrap(), "BROKER")
}

fn run(line: &str) -> (i32, String, String) {
    let output = Command::new(PROGRAM)
        .arg("detect")
        .args(line.split(' '))
        .env_remove("LOCKGATE_LOG")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn broker(topics: &[(&str, i32)]) -> (Broker, Client) {
    let broker = Broker::start().unwrap();
    for (name, partitions) in topics {
        broker.create_topic(name, *partitions);
    }
    let client = Client::new(broker.bootstrap()).unwrap();
    (broker, client)
}

#[test]
fn topics_of_two_dialects_get_one_pipeline_and_nothing_is_joined_or_committed() {
    let topics = [("shop.public.customers", 2), ("maxwell", 1), ("shop.empty", 1)];
    let (broker, client) = broker(&topics);
    let row = |partition| Record::text(partition, "{\"id\":1}", DEBEZIUM);
    let deleted = Record { key: row(1).key, partition: 1, ..Record::default() };
    client.produce("shop.public.customers", &[row(0), row(1), deleted]).unwrap();
    client.produce("maxwell", &[Record::text(0, "k", MAXWELL)]).unwrap();
    assert_snapshot!(detect(&broker, "--topic shop.* --topic maxwell"), @"");
    for asked in [ApiKey::JoinGroup, ApiKey::OffsetCommit, ApiKey::CreateTopics] {
        assert_eq!(broker.fake().request_count(asked), 0, "{asked:?}");
    }
    assert!(broker.fake().request_count(ApiKey::Fetch) > 0);
}

#[test]
fn headers_and_keys_are_looked_at() {
    let (broker, client) = broker(&[("events", 1)]);
    let header = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
    let headers = vec![
        header("ce_specversion", "1.0"),
        header("ce_id", "1"),
        header("ce_type", "t"),
        header("ce_source", "/s"),
    ];
    let record = Record { headers, ..Record::text(0, "k", "{\"id\":1}") };
    client.produce("events", &[record]).unwrap();
    assert_snapshot!(detect(&broker, "--topic events"), @"");
}

#[test]
fn the_latest_records_are_looked_at_and_no_more_than_the_limit() {
    let (broker, client) = broker(&[("shop", 1)]);
    let old = (0..50).map(|_| Record::text(0, "k", "not JSON"));
    let new = (0..10).map(|_| Record::text(0, "k", MAXWELL));
    client.produce("shop", &old.chain(new).collect::<Vec<_>>()).unwrap();
    assert_snapshot!(detect(&broker, "--topic shop --limit 10"), @"");
}

#[test]
fn a_topic_without_records_is_named() {
    let (broker, _) = broker(&[("shop.empty", 3)]);
    assert_snapshot!(detect(&broker, "--topic shop.empty"), @"");
}

#[test]
fn a_topic_that_does_not_exist_is_named_and_not_created() {
    let (broker, client) = broker(&[("shop", 1)]);
    assert_snapshot!(detect(&broker, "--topic shop --topic missing"), @"");
    assert_snapshot!(detect(&broker, "--topic missing.*"), @"");
    assert!(client.partitions("missing").unwrap().is_empty());
}

#[test]
fn brokers_that_do_not_answer_are_spoken_of_in_time() {
    // A port that was free a moment ago, and that nobody listens to.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let began = Instant::now();
    let (code, out, err) = run(&format!("--topic shop --brokers {address} --within 2s"));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!((code, &*out), (1, ""));
    assert_snapshot!(err.replace(&address, "BROKER"), @"");
}

#[test]
fn a_topic_that_does_not_come_ends_at_the_deadline() {
    let (broker, client) = broker(&[("shop", 1)]);
    client.produce("shop", &[Record::text(0, "k", MAXWELL)]).unwrap();
    broker.fake().on(ApiKey::Fetch, |_| Control::Silence);
    assert_snapshot!(detect(&broker, "--topic shop --within 1s"), @"");
}

#[test]
fn the_brokers_may_come_from_a_configuration_without_pipelines() {
    let (broker, client) = broker(&[("shop", 1)]);
    client.produce("shop", &[Record::text(0, "k", MAXWELL)]).unwrap();
    let folder = Folder::new(PROGRAM).unwrap();
    let config = format!("[kafka]\nbrokers = \"{}\"\n", broker.bootstrap());
    folder.put("lockgate.toml", config).unwrap();
    let file = folder.path().join("lockgate.toml");
    let (code, out, err) = run(&format!("--topic shop --config {}", file.display()));
    assert_eq!((code, &*err), (0, ""));
    assert!(out.contains("from    = [\"shop\"]\ndialect = \"maxwell\"\n"), "{out}");
}

#[test]
fn topics_need_a_cluster_and_are_no_file() {
    for line in
        ["--topic a", "--brokers b:1", "--topic a --brokers b:1 x", "--topic a{ --brokers b:1"]
    {
        let (code, _, err) = run(line);
        assert_eq!(code, 2, "{line}: {err}");
    }
}
