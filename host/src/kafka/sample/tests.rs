//! What is chosen to be looked at, without a broker.

use super::*;
use crate::config::{Kafka, Template};

fn part(topic: &Arc<str>, partition: i32, low: i64, high: i64) -> Part {
    Part {
        at: TopicPartition::new(topic, partition),
        low,
        high,
        begin: high,
        share: 0,
        records: 0,
        is_done: false,
        fault: None,
    }
}

/// A partition with these offsets of which up to `share` records are wanted.
fn wanted(low: i64, high: i64, share: u64) -> Part {
    let mut parts = [part(&"t".into(), 0, low, high)];
    share_out(&mut parts, share);
    let [part] = parts;
    part
}

/// The names that these patterns select among `a`, `a.dlq`, `b` and `__own`, or why none.
fn selected(patterns: &[&str]) -> String {
    let topic = |name: &str| Topic { name: name.to_owned(), partitions: 1 };
    let found: Vec<Topic> = ["b", "a.dlq", "a", "__own"].map(topic).into();
    let patterns: Vec<TopicPattern> =
        patterns.iter().map(|text| TopicPattern::parse(text).unwrap()).collect();
    let dead_letter = Template { prefix: String::new(), suffix: Some(".dlq".to_owned()) };
    let filter = TopicFilter::of(&patterns, [dead_letter.clone(), dead_letter]);
    let kafka = Kafka::plain("broker:9092");
    let wanted = Wanted {
        kafka: &kafka,
        topics: &patterns,
        filter: &filter,
        limit: 1,
        patience: Duration::ZERO,
    };
    match select(&wanted, &found) {
        Ok(topics) => topics.iter().map(|topic| &*topic.name).collect::<Vec<_>>().join(" "),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn a_glob_takes_neither_dead_letters_nor_internal_topics_and_a_name_takes_any() {
    assert_eq!(selected(&["*"]), "a b");
    assert_eq!(selected(&["a.dlq", "__own"]), "__own a.dlq");
    assert_eq!(selected(&["a", "a*", "a"]), "a");
}

#[test]
fn what_selects_nothing_is_named() {
    assert_eq!(selected(&["a", "c"]), "topic \"c\" does not exist on \"broker:9092\"");
    assert_eq!(selected(&["c*"]), "no topic on \"broker:9092\" matches \"c*\"");
}

#[test]
fn topics_share_alike_however_many_partitions_they_have() {
    let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    let mut parts = [part(&a, 0, 0, 100), part(&a, 1, 0, 100), part(&b, 0, 50, 90)];
    share_out(&mut parts, 40);
    let shares: Vec<_> = parts.iter().map(|part| (part.share, part.begin)).collect();
    assert_eq!(shares, [(10, 90), (10, 90), (20, 70)]);
}

#[test]
fn each_topic_has_a_record_looked_at_however_low_the_limit() {
    let (a, b, c): (Arc<str>, Arc<str>, Arc<str>) = ("a".into(), "b".into(), "c".into());
    let mut parts = [part(&a, 0, 0, 9), part(&b, 0, 0, 9), part(&c, 0, 9, 9)];
    share_out(&mut parts, 1);
    assert_eq!(parts.map(|part| part.share), [1, 1, 0]);
}

#[test]
fn a_partition_is_done_after_its_share_or_its_last_offset() {
    let mut part = wanted(0, 10, 2);
    assert!(part.takes(8) && part.is_open());
    assert!(part.takes(9) && !part.is_open());
    assert!(!part.takes(10));
    let mut gaps = wanted(0, 10, 5);
    assert!(gaps.takes(5) && !gaps.takes(12) && !gaps.is_open());
    assert_eq!(gaps.records, 1);
}

#[test]
fn offsets_without_records_are_looked_past_until_the_beginning() {
    let mut part = wanted(100, 200, 2);
    assert_eq!(part.look_further(), None, "it has not ended yet");
    for begin in [184, 100] {
        part.is_done = true;
        assert_eq!(part.look_further(), Some(begin));
        assert!(part.is_open());
    }
    part.is_done = true;
    assert_eq!(part.look_further(), None);
}

#[test]
fn what_ended_with_a_record_or_a_fault_is_not_looked_at_again() {
    let mut part = wanted(0, 200, 1);
    assert!(part.takes(199));
    assert_eq!(part.look_further(), None);
    let mut refused = wanted(0, 200, 1);
    refused.is_done = true;
    refused.fault = Some(Code::of(Known::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED).fault());
    assert_eq!(refused.look_further(), None);
}
