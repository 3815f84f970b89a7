//! `lockgate detect` over topics: what it prints of them, and what it says where there is nothing to look at. The program itself, with
//! the embedded broker.
#![cfg(test)]

use std::process::Command;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use lockgate_tests::broker::{ApiKey, Broker, Control};
use lockgate_tests::client::{Client, Record};
use lockgate_tests::gateway::{Cluster, Folder};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

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
    assert_snapshot!(detect(&broker, "--topic shop.* --topic maxwell"), @r#"
    events: 4
           2  Debezium rows
           1  Maxwell rows
           1  tombstones

    topics: 3
           1  maxwell
           0  shop.empty, which is empty
           3  shop.public.customers

    tables: 2
           2  d.public.customers
           1  shop.orders

    for lockgate.toml:

    [[pipeline]]
    name    = "maxwell"
    from    = ["maxwell", "shop.public.customers"]
    dialect = "debezium"
    dialects = { "maxwell" = "maxwell" }
    to      = "clean.{topic}"
    plugins = "plugins"
    "#);
    // A member that had joined would still be there: it does not leave, and its session lasts.
    assert_eq!(broker.members("lockgate"), []);
    assert_eq!(broker.fake().request_count(ApiKey::OffsetCommit), 0);
    assert!(broker.fake().request_count(ApiKey::Fetch) > 0);
}

#[test]
fn headers_are_looked_at() {
    let (broker, client) = broker(&[("shop", 1), ("avro", 1)]);
    let with = |name: &str, header: &[u8], value: &[u8]| Record {
        headers: vec![(name.to_owned(), Some(header.to_vec()))],
        value: Some(value.to_vec()),
        ..Record::default()
    };
    client.produce("shop", &[with("__table", b"orders", b"{\"id\":1,\"__op\":\"c\"}")]).unwrap();
    client.produce("avro", &[with("apicurio.value.globalId", b"\0\0\0\x01", b"\x02a")]).unwrap();
    assert_snapshot!(detect(&broker, "--topic shop --topic avro"), @r#"
    events: 2
           1  flattened Debezium rows
              -> a guess, from members that begin with two underscores or a schema around a row
           1  Apicurio Registry records (Avro or Protobuf)
              -> let the producer write JSON: set value.converter to org.apache.kafka.connect.json.JsonConverter

    topics: 2
           1  avro
           1  shop

    tables: 1
           1  orders

    for lockgate.toml:

    [[pipeline]]
    name    = "shop"
    from    = ["shop"]
    dialect = "debezium-flat"
    to      = "clean.{topic}"
    plugins = "plugins"

    left out, since nothing in them can be read: "avro"
    "#);
}

#[test]
fn the_latest_records_are_looked_at_and_no_more_than_the_limit() {
    let (broker, client) = broker(&[("shop", 1)]);
    let old = (0..50).map(|_| Record::text(0, "k", "not JSON"));
    let new = (0..10).map(|_| Record::text(0, "k", MAXWELL));
    client.produce("shop", &old.chain(new).collect::<Vec<_>>()).unwrap();
    assert_snapshot!(detect(&broker, "--topic shop --limit 10"), @r#"
    events: 10
          10  Maxwell rows

    topics: 1
          10  shop, the latest of 60 offsets

    tables: 1
          10  shop.orders

    for lockgate.toml:

    [[pipeline]]
    name    = "shop"
    from    = ["shop"]
    dialect = "maxwell"
    to      = "clean.{topic}"
    plugins = "plugins"
    "#);
}

#[test]
fn records_before_aborted_ones_are_found() {
    let (broker, _) = broker(&[("shop", 1)]);
    let producer = transactions(broker.bootstrap());
    transaction(&producer, "shop", &[MAXWELL]);
    producer.commit_transaction(Duration::from_secs(20)).unwrap();
    transaction(&producer, "shop", &["aborted", "aborted", "aborted"]);
    producer.abort_transaction(Duration::from_secs(20)).unwrap();
    assert_snapshot!(detect(&broker, "--topic shop --limit 1"), @r#"
    events: 1
           1  Maxwell rows

    topics: 1
           1  shop, the latest of 6 offsets

    tables: 1
           1  shop.orders

    for lockgate.toml:

    [[pipeline]]
    name    = "shop"
    from    = ["shop"]
    dialect = "maxwell"
    to      = "clean.{topic}"
    plugins = "plugins"
    "#);
}

fn transaction(producer: &BaseProducer, topic: &str, values: &[&str]) {
    producer.begin_transaction().unwrap();
    for value in values {
        producer.send(BaseRecord::<str, str>::to(topic).partition(0).payload(value)).unwrap();
    }
    producer.flush(Duration::from_secs(20)).unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's client shares no setting with the gateway's"
)]
fn transactions(brokers: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("transactional.id", "t");
    let producer: BaseProducer = config.create().unwrap();
    producer.init_transactions(Duration::from_secs(20)).unwrap();
    producer
}

#[test]
fn a_topic_without_records_is_named() {
    let (broker, _) = broker(&[("shop.empty", 3)]);
    assert_snapshot!(detect(&broker, "--topic shop.empty"), @r#"
    exit code 1
    lockgate: there is nothing to look at: no record stands in "shop.empty"
    "#);
}

#[test]
fn a_topic_that_does_not_exist_is_named_and_not_created() {
    let (broker, client) = broker(&[("shop", 1)]);
    assert_snapshot!(detect(&broker, "--topic shop --topic missing"), @r#"
    exit code 1
    lockgate: topic "missing" does not exist on "BROKER"
    "#);
    assert_snapshot!(detect(&broker, "--topic missing.*"), @r#"
    exit code 1
    lockgate: no topic on "BROKER" matches "missing.*"
    "#);
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
    // What librdkafka adds differs from time to time.
    let (said, cause) = err.rsplit_once(": Connect to").unwrap();
    assert_snapshot!(said.replace(&address, "BROKER"), @r#"lockgate: no broker of "BROKER" answers; check --brokers and that they are running; where they want TLS or credentials, name them in a [kafka] and give it as --config: BROKER/bootstrap"#);
    assert!(cause.contains("Connection refused"), "{err}");
}

#[test]
fn a_topic_that_does_not_come_ends_at_the_deadline() {
    let (broker, client) = broker(&[("shop", 1)]);
    client.produce("shop", &[Record::text(0, "k", MAXWELL)]).unwrap();
    broker.fake().on(ApiKey::Fetch, |_| Control::Silence);
    assert_snapshot!(detect(&broker, "--topic shop --within 3s"), @r#"
    exit code 1
    lockgate: no record of "shop" came within 3s: time ran out
    "#);
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
fn a_topic_of_apache_kafka_is_looked_at() {
    let Some(cluster) = Cluster::apache() else { return };
    let (client, topic) = (Client::new(&cluster.brokers).unwrap(), cluster.unique("shop"));
    client.create_topic(&topic, 2).unwrap();
    let row = |partition| Record::text(partition, "k", MAXWELL);
    client.produce(&topic, &[row(0), row(1), row(1)]).unwrap();
    let (code, out, err) = run(&format!("--topic {topic} --brokers {}", cluster.brokers));
    assert_eq!((code, &*err), (0, ""));
    assert!(out.contains("events: 3\n       3  Maxwell rows\n"), "{out}");
    assert!(out.contains(&format!("from    = [\"{topic}\"]\ndialect = \"maxwell\"\n")), "{out}");
    assert!(client.committed("lockgate", &topic).unwrap().is_empty());
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
