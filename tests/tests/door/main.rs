//! The door to Kafka, on the embedded broker: what goes in comes out, whatever happens to members, brokers and logs.
#![cfg(test)]

mod lane;
mod members;
mod positions;
mod records;

use std::collections::BTreeMap;
use std::time::Duration;

use lane::Lane;
use lockgate::config::{Kafka, Membership, Start, TopicPattern};
use lockgate::kafka::{Member, Sink, Source, Standing, TopicPartition};
use lockgate::record::{Output, OutputHeader, Partition};
use lockgate::tracker::Mark;
use lockgate_tests::broker::{ApiKey, Broker, Control, ErrorCode};
use lockgate_tests::client::{Client, Record, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

fn start(partitions: i32) -> (Broker, Client) {
    let broker = Broker::start().unwrap();
    broker.create_topic("in", partitions);
    broker.create_topic("out", partitions);
    let client = Client::new(broker.bootstrap()).unwrap();
    (broker, client)
}

fn kafka(broker: &Broker, membership: Membership) -> Kafka {
    let quick = [("heartbeat.interval.ms", "200"), ("session.timeout.ms", "6000")];
    Kafka {
        brokers: broker.bootstrap().to_owned(),
        group: "g".to_owned(),
        membership,
        properties: quick.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

fn lane(broker: &Broker, number: usize, start: Start) -> Lane {
    Lane::start(&kafka(broker, Membership::Dynamic), number, start, &[exact("in")], "out")
}

fn exact(topic: &str) -> TopicPattern {
    TopicPattern::Exact(topic.to_owned())
}

fn globset(glob: &str) -> globset::Glob {
    globset::Glob::new(glob).unwrap()
}

/// Records whose values count up, dealt out to the partitions in turn.
fn numbered(partitions: i32, numbers: std::ops::Range<usize>) -> Vec<Record> {
    let partition = |number: usize| i32::try_from(number).unwrap() % partitions;
    numbers.map(|number| Record::text(partition(number), "k", &number.to_string())).collect()
}

/// Turns the lanes until each partition of the output has that many records and all of the input is committed.
fn settle(broker: &Broker, lanes: &mut [&mut Lane], ends: &[i64]) {
    let result = eventually("everything is copied and committed", PATIENCE, || {
        for lane in &mut *lanes {
            lane.turn();
        }
        let committed = (0..).zip(ends).all(|(partition, _)| {
            let end = broker.end("in", partition);
            end == Some(0) || broker.committed("g", "in", partition) == end || end.is_none()
        });
        Ok(at_least(broker, ends) && committed)
    });
    let seen: Vec<_> = lanes.iter().map(|lane| (lane.partitions(), &lane.seen)).collect();
    let stand = |partition| {
        let [read, out] = ["in", "out"].map(|topic| broker.end(topic, partition));
        (read, broker.committed("g", "in", partition), out)
    };
    let stands: Vec<_> = (0..).zip(ends).map(|(partition, _)| stand(partition)).collect();
    assert!(result.is_ok(), "{result:?}: in, committed, out: {stands:?}; lanes: {seen:?}");
}

fn at_least(broker: &Broker, ends: &[i64]) -> bool {
    (0..).zip(ends).all(|(partition, end)| broker.end("out", partition) >= Some(*end))
}

fn ended(broker: &Broker, ends: &[i64]) -> bool {
    (0..).zip(ends).all(|(partition, end)| broker.end("out", partition) == Some(*end))
}

fn values(client: &Client) -> BTreeMap<i32, Vec<usize>> {
    let mut by_partition: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for record in client.read_all("out").unwrap() {
        by_partition
            .entry(record.partition)
            .or_default()
            .push(record.value_text().parse().unwrap());
    }
    by_partition
}

fn sequences(partitions: usize, count: usize) -> BTreeMap<i32, Vec<usize>> {
    let sequence = |first: usize| (first..count).step_by(partitions).collect();
    (0..partitions).map(|first| (i32::try_from(first).unwrap(), sequence(first))).collect()
}
