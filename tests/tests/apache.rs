//! The door to Kafka on Apache Kafka itself: what the embedded broker could hide.
#![cfg(test)]

#[path = "door/lane.rs"]
mod lane;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lane::Lane;
use lockgate::config::{Kafka, Membership, Start, TopicPattern};
use lockgate_tests::apache::{self, Cluster};
use lockgate_tests::client::{Client, Record, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn records_leave_as_they_came() {
    let Some(bench) = Bench::start(2) else { return };
    let mut written = vec![
        Record::text(0, "k", "v"),
        Record { key: None, value: Some(Vec::new()), ..Record::default() },
        Record { partition: 1, key: Some(Vec::new()), value: None, ..Record::default() },
    ];
    for (record, offset) in written.iter_mut().zip([0, 1, 0]) {
        record.offset = offset;
        record.timestamp = Some(1_700_000_000_000 + offset);
        record.headers = vec![("a".to_owned(), None), ("a".to_owned(), Some(b"2".to_vec()))];
    }
    bench.client.produce(&bench.from, &written).unwrap();
    let mut lane = bench.lane(0, Start::Earliest, &[]);
    bench.settle(&mut [&mut lane], &[2, 1]);
    assert_eq!(bench.client.read_all(&bench.to).unwrap(), written);
}

#[test]
fn partitions_move_between_lanes_without_loss_or_repetition() {
    for protocol in ["classic", "consumer"] {
        let Some(bench) = Bench::start(4) else { return };
        let properties = [("group.protocol", protocol)];
        let mut first = bench.lane(0, Start::Earliest, &properties);
        bench.produce(0..400);
        bench.settle(&mut [&mut first], &[100; 4]);
        let mut second = bench.lane(1, Start::Earliest, &properties);
        bench.produce(400..800);
        eventually("both lanes have partitions", PATIENCE, || {
            first.turn();
            second.turn();
            Ok(first.partitions().len() == 2 && second.partitions().len() == 2)
        })
        .unwrap();
        bench.produce(800..1_200);
        bench.settle(&mut [&mut first, &mut second], &[300; 4]);
        second.stop();
        bench.produce(1_200..1_600);
        bench.settle(&mut [&mut first], &[400; 4]);
        assert_eq!(bench.values(), sequences(4, 1_600), "{protocol}");
    }
}

#[test]
fn a_static_member_has_its_partitions_back_at_once() {
    let Some(bench) = Bench::start(2) else { return };
    bench.produce(0..10);
    let membership = Membership::Static { instance: "host-a".to_owned() };
    let mut first = bench.lane_as(membership.clone(), 0, Start::Earliest, &[]);
    bench.settle(&mut [&mut first], &[5, 5]);
    drop(first);
    let began = Instant::now();
    let mut second = bench.lane_as(membership, 0, Start::Earliest, &[]);
    eventually("its partitions are back", PATIENCE, || {
        second.turn();
        Ok(second.partitions() == [0, 1])
    })
    .unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    second.stop();
}

#[test]
fn a_lane_that_joins_anew_has_the_whole_group_share_out_again() {
    let Some(bench) = Bench::start(4) else { return };
    let lane = |instance: &str| {
        let membership = Membership::Static { instance: instance.to_owned() };
        bench.lane_as(membership, 0, Start::Earliest, &[("heartbeat.interval.ms", "200")])
    };
    let mut first = lane("host-a");
    bench.produce(0..400);
    bench.settle(&mut [&mut first], &[100; 4]);
    // The first lane hears that it has to give two back, and is gone before it answers.
    let mut second = lane("host-b");
    eventually("the first round is over", PATIENCE, || {
        second.turn();
        Ok(second.joined)
    })
    .unwrap();
    drop(first);
    let mut first = lane("host-a");
    eventually("it has the first round's half", PATIENCE, || {
        first.turn();
        second.turn();
        Ok(first.partitions().len() == 2)
    })
    .unwrap();
    assert_eq!(second.partitions(), [0; 0]);
    bench.produce(400..800);
    first.source.rejoin(&[TopicPattern::Exact(bench.from.clone())]).unwrap();
    bench.settle(&mut [&mut first, &mut second], &[200; 4]);
    eventually("each has its half again", PATIENCE, || {
        first.turn();
        second.turn();
        Ok(first.partitions().len() == 2 && second.partitions().len() == 2)
    })
    .unwrap();
    assert_eq!(bench.values(), sequences(4, 800));
}

#[test]
fn offsets_that_are_gone_halt_the_partition_with_the_range() {
    let Some(bench) = Bench::start(1) else { return };
    bench.produce(0..10);
    let mut first = bench.lane(0, Start::Earliest, &[]);
    bench.settle(&mut [&mut first], &[10]);
    first.stop();
    bench.produce(10..20);
    bench.client.delete_before(&bench.from, 0, 17).unwrap();
    let mut second = bench.lane(0, Start::Earliest, &[]);
    eventually("the loss is seen", PATIENCE, || {
        second.turn();
        Ok(second.seen.iter().any(|seen| seen.contains("lost")))
    })
    .unwrap();
    let expected = format!("{}-0 lost 10..17, has 17..20", bench.from);
    assert_eq!(*second.seen.last().unwrap(), expected);
    second.stop();
}

#[test]
fn a_partition_that_is_added_is_read_from_its_beginning() {
    let Some(bench) = Bench::start(1) else { return };
    let quick = [("topic.metadata.refresh.interval.ms", "500")];
    let mut lane = bench.lane(0, Start::Latest, &quick);
    eventually("the start is committed", PATIENCE, || {
        lane.turn();
        Ok(bench.client.committed(&bench.group, &bench.from)?.contains_key(&0))
    })
    .unwrap();
    bench.client.add_partitions(&bench.to, 2).unwrap();
    bench.client.add_partitions(&bench.from, 2).unwrap();
    bench.client.produce(&bench.from, &numbered(2, 0..10)).unwrap();
    bench.settle(&mut [&mut lane], &[5, 5]);
    assert_eq!(*lane.seen.last().unwrap(), format!("{}-1 from 0 (added partition)", bench.from));
    lane.stop();
}

/// Two topics, a group, and a client that looks at them.
struct Bench {
    cluster: &'static Cluster,
    client: Client,
    from: String,
    to: String,
    group: String,
    partitions: i32,
}

impl Bench {
    fn start(partitions: i32) -> Option<Self> {
        let cluster = apache::shared()?;
        let client = Client::new(cluster.brokers()).unwrap();
        let (from, to) = (cluster.unique("in"), cluster.unique("out"));
        client.create_topic(&from, partitions).unwrap();
        client.create_topic(&to, partitions).unwrap();
        Some(Self { cluster, client, from, to, group: cluster.unique("group"), partitions })
    }

    fn lane(&self, number: usize, start: Start, properties: &[(&str, &str)]) -> Lane {
        self.lane_as(Membership::Dynamic, number, start, properties)
    }

    fn lane_as(
        &self,
        membership: Membership,
        number: usize,
        start: Start,
        properties: &[(&str, &str)],
    ) -> Lane {
        let properties = properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let kafka = Kafka {
            brokers: self.cluster.brokers().to_owned(),
            group: self.group.clone(),
            membership,
            properties: BTreeMap::from_iter(properties),
        };
        let from = [TopicPattern::Exact(self.from.clone())];
        Lane::start(&kafka, number, start, &from, &self.to)
    }

    fn produce(&self, numbers: std::ops::Range<usize>) {
        self.client.produce(&self.from, &numbered(self.partitions, numbers)).unwrap();
    }

    /// Turns the lanes until each partition of the output has that many records and all of the input is committed.
    fn settle(&self, lanes: &mut [&mut Lane], ends: &[i64]) {
        let result = eventually("everything is copied and committed", PATIENCE, || {
            for lane in &mut *lanes {
                lane.turn();
            }
            let copied = self.client.ends(&self.to)?.iter().zip(ends).all(|(is, end)| is >= end);
            let committed = || self.client.committed(&self.group, &self.from);
            Ok(copied && committed()?.into_values().eq(self.client.ends(&self.from)?))
        });
        let seen: Vec<_> = lanes.iter().map(|lane| &lane.seen).collect();
        assert!(result.is_ok(), "{result:?}: {seen:?}");
    }

    fn values(&self) -> BTreeMap<i32, Vec<usize>> {
        let mut values: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
        for record in self.client.read_all(&self.to).unwrap() {
            values.entry(record.partition).or_default().push(record.value_text().parse().unwrap());
        }
        values
    }
}

fn numbered(partitions: i32, numbers: std::ops::Range<usize>) -> Vec<Record> {
    let partition = |number: usize| i32::try_from(number).unwrap() % partitions;
    numbers.map(|number| Record::text(partition(number), "k", &number.to_string())).collect()
}

fn sequences(partitions: usize, count: usize) -> BTreeMap<i32, Vec<usize>> {
    let sequence = |first: usize| (first..count).step_by(partitions).collect();
    (0..partitions).map(|first| (i32::try_from(first).unwrap(), sequence(first))).collect()
}
