//! What the gateway finds out about topics before it starts, and how it words what is wrong.
#![cfg(test)]

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use lockgate::config::{Kafka, Membership, PartitionBy, Pipeline, Template, TopicPattern};
use lockgate::kafka::topics::{Topic, Topics};
use lockgate::table::Dialect;
use lockgate_tests::apache;
use lockgate_tests::broker::Broker;
use lockgate_tests::client::Client;
use lockgate_tests::gateway::Folder;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");

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

/// What `lockgate check ARGUMENTS` says of a pipeline that reads `in`, with more lines before and in it; and its exit code.
fn check(arguments: &[&str], kafka: &str, pipeline: &str) -> (String, Option<i32>) {
    let folder = Folder::new(PROGRAM).unwrap();
    let text = format!(
        "cache = 'off'\n[kafka]\n{kafka}\n[[pipeline]]\nname = 'shop'\nfrom = ['in']\ndialect = 'json'\n\
         to = 'clean.{{topic}}'\n{pipeline}\n"
    );
    folder.put("lockgate.toml", text).unwrap();
    let check =
        Command::new(PROGRAM).arg("check").args(arguments).current_dir(folder.path()).output();
    let check = check.unwrap();
    let text = [check.stdout, check.stderr].concat();
    (String::from_utf8(text).unwrap(), check.status.code())
}

#[test]
fn a_check_says_which_topics_run_would_create_and_creates_none() {
    let broker = broker(&[("in", 2), ("in.dlq", 2)]);
    let kafka = format!("brokers = '{}'", broker.bootstrap());
    let (text, code) = check(&["--connect"], &kafka, "create_topics = true");
    let line = "\noutput topic \"clean.in\" is not there yet: `run` creates it with 2 partitions, as \"in\" has\n";
    assert!(text.contains(line), "{text}");
    assert_eq!((text.ends_with("everything loads\n"), code), (true, Some(0)), "{text}");
    let client = Client::new(broker.bootstrap()).unwrap();
    assert_eq!(client.partitions("clean.in").unwrap(), [0; 0], "a check creates nothing");

    let (text, code) = check(&["--connect"], &kafka, "");
    assert!(text.contains("or set create_topics = true"), "{text}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_check_refuses_properties_that_run_would_refuse() {
    let refusal = |property: &str| {
        let (text, code) =
            check(&[], &format!("brokers = 'b:1'\nproperties = {{ {property} }}"), "");
        assert_eq!(code, Some(1), "{text}");
        text
    };
    let doing = "lockgate: reading [kafka] and [kafka.properties]: property";
    assert_eq!(
        refusal("'securty.protocol' = 'SSL'"),
        format!("{doing} \"securty.protocol\": No such configuration property\n")
    );
    let text = refusal("'linger.ms' = 99999999");
    assert!(text.starts_with(&format!("{doing} \"linger.ms\": ")), "{text}");
    assert!(
        text.ends_with("outside allowed range 0..900000\n") && !text.ends_with("\n\n"),
        "{text:?}"
    );
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
