//! What the other tests rely on: the embedded broker behaves as Kafka does towards librdkafka.
#![cfg(test)]

use std::time::{Duration, Instant};

use lockgate_tests::broker::Broker;
use lockgate_tests::client::{Client, Record, eventually};

#[test]
fn records_come_back_as_they_were_written() {
    let (broker, client) = start();
    broker.create_topic("t", 2);
    let mut written = vec![
        Record::text(0, "k", "v"),
        Record { partition: 0, key: None, value: Some(Vec::new()), ..Record::default() },
        Record { partition: 1, key: Some(Vec::new()), value: None, ..Record::default() },
    ];
    for (record, offset) in written.iter_mut().zip([0, 1, 0]) {
        record.timestamp = Some(1_700_000_000_123);
        record.offset = offset;
        record.headers = vec![("a".to_owned(), None), ("a".to_owned(), Some(b"2".to_vec()))];
    }
    client.produce("t", &written).unwrap();
    assert_eq!(client.read_all("t").unwrap(), written);
}

#[test]
fn a_backlog_far_larger_than_one_answer_is_read_whole() {
    let (broker, client) = start();
    broker.create_topic("t", 1);
    let large = "x".repeat(100_000);
    let written: Vec<Record> = (0..200).map(|_| Record::text(0, "k", &large)).collect();
    client.produce("t", &written).unwrap();
    assert_eq!(client.read_all("t").unwrap().len(), 200);
}

#[test]
fn deleted_records_are_gone() {
    let (broker, client) = start();
    broker.create_topic("t", 1);
    let written: Vec<Record> = (0..10).map(|n| Record::text(0, "k", &n.to_string())).collect();
    client.produce("t", &written).unwrap();
    broker.delete_before("t", 0, 7);
    let offsets: Vec<i64> = client.read_all("t").unwrap().iter().map(|r| r.offset).collect();
    assert_eq!(offsets, [7, 8, 9]);
}

#[test]
fn two_members_of_a_group_share_a_topic() {
    let (broker, _client) = start();
    broker.create_topic("t", 4);
    let first = member(&broker, &[]);
    let second = member(&broker, &[]);
    let counts = settle(&[&first, &second], 4);
    assert_eq!(counts, [2, 2]);
    assert_eq!(broker.members("g").len(), 2);
    drop(second);
    assert_eq!(settle(&[&first], 4), [4]);
}

#[test]
fn a_static_member_that_comes_back_takes_its_place_without_a_rebalance() {
    let (broker, _client) = start();
    broker.create_topic("t", 4);
    let first = member(&broker, &[("group.instance.id", "one")]);
    let second = member(&broker, &[("group.instance.id", "two")]);
    settle(&[&first, &second], 4);
    // A static member does not leave when it closes, just as one that was killed.
    drop(second);
    let generation = generation(&broker);
    let began = Instant::now();
    let second = member(&broker, &[("group.instance.id", "two")]);
    assert_eq!(settle(&[&first, &second], 4), [2, 2]);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(self::generation(&broker), generation);
}

fn start() -> (Broker, Client) {
    let broker = Broker::start().unwrap();
    let client = Client::new(broker.bootstrap()).unwrap();
    (broker, client)
}

fn generation(broker: &Broker) -> i32 {
    broker.fake().with_state(|state| state.groups["g"].generation_id)
}

#[expect(clippy::disallowed_methods, reason = "this tests the broker, without the gateway")]
fn member(broker: &Broker, settings: &[(&str, &str)]) -> rdkafka::consumer::BaseConsumer {
    use rdkafka::consumer::Consumer;
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap()).set("group.id", "g");
    config.set("partition.assignment.strategy", "cooperative-sticky");
    config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "200");
    config.set("enable.auto.commit", "false");
    for (key, value) in settings {
        config.set(*key, *value);
    }
    let consumer: rdkafka::consumer::BaseConsumer = config.create().unwrap();
    consumer.subscribe(&["t"]).unwrap();
    consumer
}

/// Polls until the members have `total` partitions between them, none idle, and gives how many each has.
fn settle(members: &[&rdkafka::consumer::BaseConsumer], total: usize) -> Vec<usize> {
    use rdkafka::consumer::Consumer;
    let counts = || members.iter().map(|m| m.assignment().unwrap().count()).collect::<Vec<_>>();
    eventually("the group has settled", Duration::from_secs(20), || {
        for member in members {
            member.poll(Duration::from_millis(20));
        }
        Ok(counts().iter().sum::<usize>() == total && !counts().contains(&0))
    })
    .unwrap();
    counts()
}
