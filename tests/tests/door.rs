//! The door to Kafka, on the embedded broker: what goes in comes out, whatever happens to members, brokers and logs.
#![cfg(test)]

#[path = "door/lane.rs"]
mod lane;

use std::collections::BTreeMap;
use std::time::Duration;

use lane::Lane;
use lockgate::config::{Kafka, Membership, Start, TopicPattern};
use lockgate::kafka::{Member, Sink, Source, TopicPartition};
use lockgate::record::{Output, OutputHeader, Partition};
use lockgate::tracker::Mark;
use lockgate_tests::broker::{ApiKey, Broker, Control, ErrorCode};
use lockgate_tests::client::{Client, Record, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn records_leave_as_they_came() {
    let (broker, client) = start(2);
    let mut written = vec![
        Record::text(0, "k", "v"),
        Record { key: None, value: Some(Vec::new()), ..Record::default() },
        Record { partition: 1, key: Some(Vec::new()), value: None, ..Record::default() },
        Record { partition: 1, value: Some(vec![0, 0xff, 0x80]), ..Record::default() },
    ];
    for (record, offset) in written.iter_mut().zip([0, 1, 0, 1]) {
        record.offset = offset;
        record.timestamp = Some(1_700_000_000_000 + offset);
        record.headers = vec![
            ("a".to_owned(), None),
            ("a".to_owned(), Some(Vec::new())),
            ("b".to_owned(), Some(vec![0xff])),
            ("a".to_owned(), Some(b"2".to_vec())),
        ];
    }
    client.produce("in", &written).unwrap();
    let mut lane = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut lane], &[2, 2]);
    assert_eq!(client.read_all("out").unwrap(), written);
}

#[test]
fn header_names_that_are_not_utf8_survive() {
    let (broker, _client) = start(1);
    let kafka = kafka(&broker, Membership::Dynamic);
    let mut sink = Sink::connect(&kafka, Member { pipeline: "p", lane: 0 }, 1_000_000).unwrap();
    let names: [&[u8]; 3] = [b"caf\xe9", b"\xff\xfe", b""];
    let headers = names.map(|name| OutputHeader { name: name.into(), value: Some(name.into()) });
    let output = Output {
        topic: "in".into(),
        partition: Partition::Same(0),
        timestamp: None,
        key: None,
        value: Some(b"v".into()),
        headers: headers.to_vec(),
    };
    sink.send(&output, 7).unwrap();
    let mut delivered = Vec::new();
    eventually("the record is delivered", PATIENCE, || {
        sink.serve(Duration::from_millis(10), |ticket, fate| delivered.push((ticket, fate)));
        Ok(!delivered.is_empty())
    })
    .unwrap();
    assert_eq!(delivered, [(7, Ok(()))]);
    let mut lane = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut lane], &[1]);
    // Compared as the broker keeps them: no client of ours takes part.
    let kept = |topic| broker.fake().with_state(|s| s.partition(topic, 0).unwrap().log.concat());
    for name in names.iter().filter(|name| !name.is_empty()) {
        let holds = |log: &[u8]| log.windows(name.len()).filter(|part| part == name).count() >= 2;
        assert!(holds(&kept("in")) && holds(&kept("out")), "{name:?}");
    }
}

#[test]
fn partitions_move_between_lanes_without_loss_or_repetition() {
    let (broker, client) = start(4);
    let mut first = lane(&broker, 0, Start::Earliest);
    let produce = |from: usize| client.produce("in", &numbered(4, from..from + 400)).unwrap();
    produce(0);
    settle(&broker, &mut [&mut first], &[100; 4]);
    let mut second = lane(&broker, 1, Start::Earliest);
    produce(400);
    eventually("both lanes have partitions", PATIENCE, || {
        first.turn();
        second.turn();
        Ok(first.partitions().len() == 2 && second.partitions().len() == 2)
    })
    .unwrap();
    produce(800);
    settle(&broker, &mut [&mut first, &mut second], &[300; 4]);
    second.stop();
    produce(1_200);
    settle(&broker, &mut [&mut first], &[400; 4]);
    // Nothing was killed, so nothing may be written twice either.
    assert_eq!(values(&client), sequences(4, 1_600));
}

#[test]
fn a_lane_that_is_gone_leaves_what_it_had_not_settled_to_the_next() {
    let (broker, client) = start(1);
    client.produce("in", &numbered(1, 0..100)).unwrap();
    broker.fake().on(ApiKey::Produce, |_| Control::Delay(Duration::from_millis(300)));
    let mut first = lane(&broker, 0, Start::Earliest);
    eventually("the first lane has sent something", PATIENCE, || {
        first.turn();
        Ok(broker.fake().request_count(ApiKey::Produce) > 1)
    })
    .unwrap();
    assert!(broker.committed("g", "in", 0).unwrap_or(0) < 100);
    drop(first);
    broker.fake().clear_hooks();
    let mut second = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut second], &[100]);
    let written = values(&client).remove(&0).unwrap();
    let mut distinct = written.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_static_member_has_its_partitions_back_at_once() {
    let (broker, client) = start(2);
    let named = kafka(&broker, Membership::Static { instance: "host-a".to_owned() });
    let lane = || Lane::start(&named, 0, Start::Earliest, &[exact("in")], "out");
    client.produce("in", &numbered(2, 0..10)).unwrap();
    let mut first = lane();
    settle(&broker, &mut [&mut first], &[5, 5]);
    // As after kill -9: neither closed nor drained.
    drop(first);
    let began = std::time::Instant::now();
    let mut second = lane();
    eventually("its partitions are back", PATIENCE, || {
        second.turn();
        Ok(second.partitions() == [0, 1])
    })
    .unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(second.seen, ["in-0 from 5 (committed)", "in-1 from 5 (committed)"]);
    second.stop();
    assert_eq!(broker.members("g").len(), 1, "a static member does not leave");
}

#[test]
fn a_dynamic_member_leaves_when_it_stops() {
    let (broker, _client) = start(1);
    let mut lane = lane(&broker, 0, Start::Earliest);
    eventually("the lane has joined", PATIENCE, || {
        lane.turn();
        Ok(lane.partitions() == [0])
    })
    .unwrap();
    lane.stop();
    assert_eq!(broker.members("g"), []);
}

#[test]
fn a_lost_output_is_written_again_in_its_place() {
    let (broker, client) = start(1);
    client.produce("in", &numbered(1, 0..300)).unwrap();
    let refusals = std::sync::atomic::AtomicUsize::new(0);
    // The second batch of the gateway is refused for good; what follows it must not stay.
    broker.fake().on(ApiKey::Produce, move |info| {
        let own = info.client_id.as_deref().is_some_and(|id| id.starts_with("lockgate-"));
        let number = refusals.fetch_add(usize::from(own), std::sync::atomic::Ordering::Relaxed);
        match own && number == 1 {
            true => Control::Error(ErrorCode::MessageTooLarge),
            false => Control::Pass,
        }
    });
    let mut kafka = kafka(&broker, Membership::Dynamic);
    kafka.properties.insert("batch.num.messages".to_owned(), "100".to_owned());
    let mut lane = Lane::start(&kafka, 0, Start::Earliest, &[exact("in")], "out");
    settle(&broker, &mut [&mut lane], &[300]);
    assert!(lane.seen.iter().any(|seen| seen.starts_with("in-0 rewound to ")), "{:?}", lane.seen);
    // What the producer had queued behind the lost batch leaves before the partition is read again; from then on the
    // order holds, so that the last word on each record stands in order and none is missing.
    let written = values(&client).remove(&0).unwrap();
    let last = |number: &usize| written.iter().rposition(|other| other == number);
    let places: Vec<_> = (0..300).map(|number| last(&number)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{written:?}");
}

#[test]
fn offsets_that_are_gone_halt_the_partition_with_the_range() {
    let (broker, client) = start(2);
    client.produce("in", &numbered(2, 0..20)).unwrap();
    let mut first = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut first], &[10, 10]);
    first.stop();
    client.produce("in", &numbered(2, 20..40)).unwrap();
    broker.delete_before("in", 0, 17);
    let mut second = lane(&broker, 0, Start::Earliest);
    eventually("the loss is seen", PATIENCE, || {
        second.turn();
        Ok(second.seen.iter().any(|seen| seen.contains("lost")) && ended(&broker, &[10, 20]))
    })
    .unwrap();
    assert_eq!(second.seen.last().unwrap(), "in-0 lost 10..17, has 17..20");
    assert_eq!(broker.committed("g", "in", 0), Some(10));
    // What `on_lost_offsets = "earliest"` does.
    let at = TopicPartition::new(&"in".into(), 0);
    second.source.resume(&at, Mark { offset: 17, leader_epoch: -1 }).unwrap();
    settle(&broker, &mut [&mut second], &[13, 20]);
}

#[test]
fn a_halted_partition_stands_still_until_it_is_resumed() {
    let (broker, client) = start(2);
    let mut lane = lane(&broker, 0, Start::Earliest);
    client.produce("in", &numbered(2, 0..10)).unwrap();
    settle(&broker, &mut [&mut lane], &[5, 5]);
    let at = TopicPartition::new(&"in".into(), 0);
    lane.source.halt(&at).unwrap();
    client.produce("in", &numbered(2, 10..20)).unwrap();
    eventually("the other partition goes on", PATIENCE, || {
        lane.turn();
        Ok(ended(&broker, &[5, 10]))
    })
    .unwrap();
    lane.source.resume(&at, Mark { offset: 5, leader_epoch: 0 }).unwrap();
    settle(&broker, &mut [&mut lane], &[10, 10]);
    assert_eq!(values(&client), sequences(2, 20));
}

#[test]
fn the_end_is_a_start_that_is_remembered() {
    let (broker, client) = start(1);
    client.produce("in", &numbered(1, 0..10)).unwrap();
    let mut first = lane(&broker, 0, Start::Latest);
    eventually("the start is committed", PATIENCE, || {
        first.turn();
        Ok(broker.committed("g", "in", 0) == Some(10))
    })
    .unwrap();
    assert_eq!(first.seen, ["in-0 from 10 (start)"]);
    first.stop();
    // Written while nobody reads: a second start "at the end" would skip it.
    client.produce("in", &numbered(1, 10..15)).unwrap();
    let mut second = lane(&broker, 0, Start::Latest);
    settle(&broker, &mut [&mut second], &[5]);
    assert_eq!(second.seen, ["in-0 from 10 (committed)"]);
}

#[test]
fn a_time_is_a_start() {
    let (broker, client) = start(1);
    let mut written = numbered(1, 0..10);
    for (record, time) in written.iter_mut().zip(1_000..) {
        record.timestamp = Some(time);
    }
    client.produce("in", &written).unwrap();
    let mut lane = lane(&broker, 0, Start::Timestamp(1_004));
    settle(&broker, &mut [&mut lane], &[6]);
    assert_eq!(lane.seen, ["in-0 from 4 (start)"]);
}

#[test]
fn a_partition_that_is_added_is_read_from_its_beginning() {
    let (broker, client) = start(1);
    let mut kafka = kafka(&broker, Membership::Dynamic);
    kafka.properties.insert("topic.metadata.refresh.interval.ms".to_owned(), "200".to_owned());
    let mut lane = Lane::start(&kafka, 0, Start::Latest, &[exact("in")], "out");
    eventually("the start is committed", PATIENCE, || {
        lane.turn();
        Ok(broker.committed("g", "in", 0) == Some(0))
    })
    .unwrap();
    broker.add_partitions("out", 2);
    broker.add_partitions("in", 2);
    client.produce("in", &numbered(2, 0..10)).unwrap();
    settle(&broker, &mut [&mut lane], &[5, 5]);
    assert_eq!(lane.seen.last().unwrap(), "in-1 from 0 (added partition)");
}

#[test]
fn topics_are_found_by_pattern() {
    let (broker, client) = start(1);
    broker.create_topic("shop.orders", 1);
    broker.create_topic("shopXorders", 1);
    let pattern = TopicPattern::Glob(globset(r"shop.*"));
    for topic in ["shop.orders", "shopXorders"] {
        client.produce(topic, &[Record::text(0, "k", topic)]).unwrap();
    }
    let kafka = kafka(&broker, Membership::Dynamic);
    let mut lane = Lane::start(&kafka, 0, Start::Earliest, &[pattern], "out");
    settle(&broker, &mut [&mut lane], &[1]);
    assert_eq!(lane.seen, ["shop.orders-0 from 0 (start)"]);
}

#[test]
fn an_output_without_its_partition_says_so() {
    let (broker, client) = start(1);
    broker.add_partitions("in", 2);
    client.produce("in", &[Record::text(1, "k", "v")]).unwrap();
    let mut lane = lane(&broker, 0, Start::Earliest);
    eventually("the refusal comes", PATIENCE, || {
        lane.turn();
        Ok(lane.seen.iter().any(|seen| seen.contains("has no partition")))
    })
    .unwrap();
    let refusal = lane.seen.iter().find(|seen| seen.contains("has no partition")).unwrap();
    assert_eq!(
        refusal,
        "output topic \"out\" has no partition 1: it has fewer partitions than the source topic; add partitions, or set \
         partition = \"key\""
    );
    assert_eq!(broker.committed("g", "in", 1), Some(0));
}

#[test]
fn a_record_that_is_too_large_is_refused_before_it_is_sent() {
    let (broker, _client) = start(1);
    let kafka = kafka(&broker, Membership::Dynamic);
    let mut sink = Sink::connect(&kafka, Member { pipeline: "p", lane: 0 }, 1_000).unwrap();
    let mut send = |bytes: usize| {
        let output = Output {
            topic: "out".into(),
            partition: Partition::Same(0),
            timestamp: None,
            key: Some(b"k".into()),
            value: Some(vec![b'x'; bytes].into()),
            headers: Vec::new(),
        };
        sink.send(&output, 1).map_err(|err| err.to_string())
    };
    assert_eq!(send(999), Ok(()));
    assert_eq!(
        send(1_000),
        Err("the record has 1001 bytes, more than the 1000 of \"record_bytes\"".to_owned())
    );
}

#[test]
fn a_property_that_librdkafka_does_not_know_is_named_without_its_value() {
    let (broker, _client) = start(1);
    let mut kafka = kafka(&broker, Membership::Dynamic);
    kafka.properties.insert("sasl.pasword".to_owned(), "secret".to_owned());
    let error = Source::connect(&kafka, Member { pipeline: "p", lane: 0 }, Start::Earliest);
    let error = error.map(drop).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(error.to_string(), "making a consumer from [kafka] and [kafka.properties]");
    assert!(cause.contains("sasl.pasword") && !cause.contains("secret"), "{cause}");
}

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
    let seen: Vec<_> = lanes.iter().map(|lane| &lane.seen).collect();
    assert!(result.is_ok(), "{result:?}: {seen:?}");
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
