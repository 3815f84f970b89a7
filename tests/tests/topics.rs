//! What the gateway finds out about topics before it starts, and how it words what is wrong.
#![cfg(test)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lockgate::config::{Kafka, Membership, PartitionBy, Pipeline, Template, TopicPattern};
use lockgate::kafka::topics::{Topic, Topics};
use lockgate::table::Dialect;
use lockgate_tests::apache;
use lockgate_tests::broker::Broker;
use lockgate_tests::client::Client;

#[test]
fn topics_that_fit_are_found() {
    let broker = broker(&[("in", 2), ("clean.in", 2), ("in.dlq", 3)]);
    let prepared = prepare(&broker, &pipeline(&["in"])).unwrap();
    assert_eq!(prepared, ["in/2"]);
}

#[test]
fn a_missing_source_topic_is_named() {
    let broker = broker(&[]);
    assert_eq!(
        prepare(&broker, &pipeline(&["in"])).unwrap_err(),
        ["source topic \"in\" of pipeline \"shop\" does not exist; create it, or correct \"from\""]
    );
}

#[test]
fn every_missing_output_topic_is_named() {
    let broker = broker(&[("in", 2)]);
    assert_eq!(
        prepare(&broker, &pipeline(&["in"])).unwrap_err(),
        [
            "output topic \"clean.in\" of pipeline \"shop\" does not exist; create it with 2 partitions, as source topic \
             \"in\" has, or set create_topics = true",
            "dead-letter topic \"in.dlq\" of pipeline \"shop\" does not exist; create it with 2 partitions, as source \
             topic \"in\" has, or set create_topics = true",
        ]
    );
}

#[test]
fn missing_output_topics_are_created_with_the_sources_partitions() {
    let broker = broker(&[("in", 3)]);
    let pipeline = Pipeline { create_topics: true, ..pipeline(&["in"]) };
    prepare(&broker, &pipeline).unwrap();
    let client = Client::new(broker.bootstrap()).unwrap();
    assert_eq!(client.partitions("clean.in").unwrap(), [0, 1, 2]);
    assert_eq!(client.partitions("in.dlq").unwrap(), [0, 1, 2]);
}

#[test]
fn an_output_topic_with_fewer_partitions_does_not_fit() {
    let broker = broker(&[("in", 4), ("clean.in", 2), ("in.dlq", 4)]);
    let by_number = pipeline(&["in"]);
    assert_eq!(
        prepare(&broker, &by_number).unwrap_err(),
        [
            "output topic \"clean.in\" of pipeline \"shop\" has 2 partitions, fewer than the 4 of source topic \"in\"; add \
          partitions, or set partition = \"key\""
        ]
    );
    let by_key = Pipeline { partition: PartitionBy::Key, ..by_number };
    assert_eq!(prepare(&broker, &by_key).unwrap(), ["in/4"]);
}

#[test]
fn a_pattern_takes_in_what_matches_and_may_wait_for_its_first_topic() {
    let broker = broker(&[("shop.a", 1), ("clean.shop.a", 1), ("shop.a.dlq", 1), ("other", 1)]);
    assert_eq!(prepare(&broker, &pipeline(&["shop.?"])).unwrap(), ["shop.a/1"]);
    assert_eq!(prepare(&broker, &pipeline(&["nothing.*"])).unwrap(), Vec::<String>::new());
}

#[test]
fn brokers_that_do_not_answer_are_spoken_of_within_ten_seconds() {
    let topics = Topics::connect(&kafka("127.0.0.1:1", &[])).unwrap();
    let began = Instant::now();
    let error = topics.list().unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(
        error.to_string(),
        "no broker of \"127.0.0.1:1\" answers; check \"brokers\" under [kafka] and that they are running"
    );
}

#[test]
fn waiting_ends_when_it_is_told_to() {
    let topics = Topics::connect(&kafka("127.0.0.1:1", &[])).unwrap();
    assert_eq!(topics.wait(|| true), None);
}

#[test]
fn refused_credentials_are_named_as_such() {
    let broker = broker(&[("in", 1)]);
    broker.fake().require_sasl_plain("lockgate", "right");
    let with = |password| {
        let properties = [
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.username", "lockgate"),
            ("sasl.password", password),
        ];
        Topics::connect(&kafka(broker.bootstrap(), &properties)).unwrap().list()
    };
    assert_eq!(with("right").unwrap(), [Topic { name: "in".to_owned(), partitions: 1 }]);
    let expected = format!(
        "the brokers \"{}\" refuse our credentials; check sasl.* and security.protocol under [kafka.properties]",
        broker.bootstrap()
    );
    let error = with("wrong").unwrap_err();
    assert_eq!(error.to_string(), expected);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(!cause.contains("wrong"), "{cause}");
}

#[test]
fn apache_kafka_tells_the_largest_record_and_creates_topics() {
    let Some(cluster) = apache::shared() else { return };
    let client = Client::new(cluster.brokers()).unwrap();
    let from = cluster.unique("in");
    client.create_topic(&from, 2).unwrap();
    client
        .create_topic_with(&format!("clean.{from}"), 2, &[("max.message.bytes", "5000")])
        .unwrap();
    let topics = Topics::connect(&kafka(cluster.brokers(), &[])).unwrap();
    let pipeline = Pipeline { create_topics: true, ..pipeline(&[&from]) };
    let prepared = topics.prepare(&pipeline, &topics.list().unwrap()).unwrap();
    // Less what a batch of one record adds.
    assert_eq!(prepared.record_bytes, Some(5_000 - 512));
    assert_eq!(client.partitions(&format!("{from}.dlq")).unwrap(), [0, 1]);
}

fn broker(topics: &[(&str, i32)]) -> Broker {
    let broker = Broker::start().unwrap();
    for (name, partitions) in topics {
        broker.create_topic(name, *partitions);
    }
    broker
}

fn kafka(brokers: &str, properties: &[(&str, &str)]) -> Kafka {
    let properties = properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Kafka {
        brokers: brokers.to_owned(),
        group: "g".to_owned(),
        membership: Membership::Dynamic,
        properties: BTreeMap::from_iter(properties),
    }
}

/// The source topics as `name/partitions`, or the problems in words.
fn prepare(broker: &Broker, pipeline: &Pipeline) -> Result<Vec<String>, Vec<String>> {
    let topics = Topics::connect(&kafka(broker.bootstrap(), &[])).unwrap();
    match topics.prepare(pipeline, &topics.list().unwrap()) {
        Ok(prepared) => {
            assert_eq!(prepared.record_bytes, None, "the embedded broker does not tell");
            let sources = prepared.sources.iter();
            Ok(sources.map(|topic| format!("{}/{}", topic.name, topic.partitions)).collect())
        }
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

/// From these names and globs to `clean.{topic}` and `{topic}.dlq`.
fn pipeline(from: &[&str]) -> Pipeline {
    let pattern = |text: &&str| match text.contains(['*', '?']) {
        true => TopicPattern::Glob(globset::Glob::new(text).unwrap()),
        false => TopicPattern::Exact((*text).to_owned()),
    };
    Pipeline {
        name: "shop".to_owned(),
        from: from.iter().map(pattern).collect(),
        to: Template { prefix: "clean.".to_owned(), suffix: Some(String::new()) },
        dead_letter: Template { prefix: String::new(), suffix: Some(".dlq".to_owned()) },
        classes: BTreeMap::new(),
        ..Pipeline::offline("plugins".into(), Dialect::Json)
    }
}
