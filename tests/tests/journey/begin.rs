//! Where a gateway begins to read, and what it asks of the topics first.

use lockgate_tests::checker::{Fate, MARK};
use lockgate_tests::client::{Client, Record};
use lockgate_tests::gateway::{Cluster, Journey};
use lockgate_tests::rows::update;

use crate::PROGRAM;

super::on_both! {
    more_lanes_than_partitions_are_ready_all_the_same
    latest_begins_after_what_is_there
    a_timestamp_begins_with_the_first_record_of_that_time
    a_partition_that_is_added_is_read_from_its_beginning
    lost_offsets_halt_with_their_range_until_someone_decides
    an_output_topic_that_is_missing_is_named
    topics_are_created_with_the_partitions_of_their_source
}

/// The marks of what came out, in order.
fn marks(journey: &Journey) -> Vec<String> {
    let outputs = journey.outputs().unwrap();
    outputs.iter().map(|output| output.header(MARK).unwrap().to_owned()).collect()
}

fn more_lanes_than_partitions_are_ready_all_the_same(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 1).unwrap();
    journey.pipeline = "lanes = 2\n".to_owned();
    let gateway = journey.start().unwrap();
    journey.write((0..10).map(|number| update(number, 1))).unwrap();
    journey.check(|_| Fate::Forwarded).unwrap();
    gateway.stop().unwrap();
}

fn latest_begins_after_what_is_there(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 1).unwrap();
    journey.pipeline = "start = \"latest\"\n".to_owned();
    journey.write((0..3).map(|number| update(number, 1))).unwrap();
    let gateway = journey.start().unwrap();
    journey.write((3..5).map(|number| update(number, 1))).unwrap();
    journey.settled().unwrap();
    gateway.stop().unwrap();
    assert_eq!(marks(&journey), ["3", "4"]);
}

fn a_timestamp_begins_with_the_first_record_of_that_time(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 1).unwrap();
    journey.pipeline = "start = \"timestamp:2026-11-21T00:00:02Z\"\n".to_owned();
    let of_second = |second: i64| Record {
        timestamp: Some(1_795_219_200_000 + second * 1_000),
        ..update(0, 1)
    };
    // One by one: a broker finds times by the batches they stand in.
    for second in 0..5 {
        journey.write([of_second(second)]).unwrap();
    }
    let gateway = journey.start().unwrap();
    journey.settled().unwrap();
    gateway.stop().unwrap();
    assert_eq!(marks(&journey), ["2", "3", "4"]);
}

fn a_partition_that_is_added_is_read_from_its_beginning(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 1).unwrap();
    // Even then: what is written before the gateway knows of the partition would be lost otherwise.
    journey.pipeline = "start = \"latest\"\n".to_owned();
    journey.properties += "\"topic.metadata.refresh.interval.ms\" = 500\n";
    let gateway = journey.start().unwrap();
    journey.write((0..10).map(|number| update(number, 1))).unwrap();
    journey.settled().unwrap();
    for topic in [&journey.topics.output, &journey.topics.letters, &journey.topics.source] {
        cluster.add_partitions(&journey.client, topic, 2).unwrap();
    }
    // A client of its own, which knows of the new partition.
    journey.client = Client::new(&cluster.brokers).unwrap();
    journey.write((10..30).map(|number| update(number, 2))).unwrap();
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().forwarded, 30);
    gateway.stop().unwrap();
}

fn lost_offsets_halt_with_their_range_until_someone_decides(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 2).unwrap();
    let gateway = journey.start().unwrap();
    journey.write((0..20).map(|number| update(number, 2))).unwrap();
    journey.settled().unwrap();
    gateway.stop().unwrap();
    journey.write((20..40).map(|number| update(number, 2))).unwrap();
    cluster.delete_before(&journey.client, &journey.topics.source, 0, 17).unwrap();

    let mut gateway = journey.start().unwrap();
    gateway
        .until_readyz_says(
            "offsets 10 to 16 are no longer in the topic, which holds 17 to 19; set on_lost_offsets = \\\"earliest\\\"",
        )
        .unwrap();
    let neighbour = "lockgate_partition_committed_offset{partition=\"1\"";
    gateway
        .until("the other partition goes on", |gateway| Ok(gateway.metric(neighbour)? == 20.0))
        .unwrap();
    assert_eq!(gateway.metric("lockgate_partition_halted{partition=\"0\"").unwrap(), 1.0);
    gateway.stop().unwrap();
    let committed = journey.client.committed(&journey.group, &journey.topics.source).unwrap();
    assert_eq!(committed.get(&0), Some(&10));

    journey.pipeline = "on_lost_offsets = \"earliest\"\n".to_owned();
    let gateway = journey.start().unwrap();
    journey.settled().unwrap();
    assert!(gateway.log().unwrap().contains("offsets were lost"));
    gateway.stop().unwrap();
    let outputs = journey.outputs().unwrap();
    let of_first = outputs.iter().filter(|output| output.partition == 0).count();
    assert_eq!((of_first, outputs.len()), (13, 33));
}

fn an_output_topic_that_is_missing_is_named(cluster: &Cluster) {
    let journey = Journey::without_topics(cluster, PROGRAM).unwrap();
    let source = &journey.topics.source;
    journey.client.create_topic(source, 3).unwrap();
    let told = journey.folder.run(&journey.config()).unwrap().refusal().unwrap();
    let missing = |key: &str, topic: &str| {
        format!(
            "{key} topic \"{topic}\" of pipeline \"shop\" does not exist; create it with 3 partitions, as source topic \
             \"{source}\" has, or set create_topics = true"
        )
    };
    let expected = format!(
        "lockgate: running the task \"gateway\": checking topics: {}\n  {}",
        missing("output", &journey.topics.output),
        missing("dead-letter", &journey.topics.letters)
    );
    assert_eq!(told, expected);
}

fn topics_are_created_with_the_partitions_of_their_source(cluster: &Cluster) {
    let mut journey = Journey::without_topics(cluster, PROGRAM).unwrap();
    journey.pipeline = "create_topics = true\n".to_owned();
    journey.client.create_topic(&journey.topics.source, 3).unwrap();
    let gateway = journey.start().unwrap();
    for topic in [&journey.topics.output, &journey.topics.letters] {
        assert_eq!(journey.client.partitions(topic).unwrap(), [0, 1, 2]);
    }
    journey.write((0..30).map(|number| update(number, 3))).unwrap();
    journey.check(|_| Fate::Forwarded).unwrap();
    gateway.stop().unwrap();
}
