//! Partitions that nobody in the group owns, and the gateways that see to it.

use lockgate_tests::checker::Fate;
use lockgate_tests::gateway::{Cluster, Gateway, Journey};
use lockgate_tests::rows::update;

use crate::PROGRAM;

super::on_both! {
    what_a_kill_between_two_rounds_of_a_rebalance_left_to_nobody_gets_an_owner
    a_topic_that_a_static_member_comes_back_with_is_read
}

const UNOWNED: &str = "lockgate_unowned_partitions{pipeline=\"shop\"}";

fn partitions(gateway: &mut Gateway) -> anyhow::Result<Option<u64>> {
    Ok(gateway.readyz()?["pipelines"][0]["lanes"][0]["partitions"].as_u64())
}

/// How often a lane joined anew.
fn rejoins(gateways: &[&Gateway]) -> usize {
    let logs = gateways.iter().map(|gateway| gateway.log().unwrap());
    logs.map(|log| log.matches("joining the group anew").count()).sum()
}

fn what_a_kill_between_two_rounds_of_a_rebalance_left_to_nobody_gets_an_owner(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 4).unwrap();
    let topic = &journey.topics.source;
    // It gives two of its four up in the first round, and dies before it says so in the second.
    let first = journey.client.own(topic, &journey.group, "host-a-shop-0").unwrap();
    journey.kafka = "instance = \"host-b\"\n".to_owned();
    let mut neighbour = journey.start().unwrap();
    assert_eq!(partitions(&mut neighbour).unwrap(), Some(0));
    drop(first);
    journey.kafka = "instance = \"host-a\"\n".to_owned();
    let mut back = journey.start().unwrap();
    back.until("it has the first round's half", |back| Ok(partitions(back)? == Some(2))).unwrap();
    journey.write((0..400).map(|number| update(number, 4))).unwrap();

    // Whichever comes first: both look, and one of them is enough.
    neighbour.until_readyz_says("nobody in the group of pipeline \\\"shop\\\" owns").unwrap();
    assert_eq!(neighbour.readyz().unwrap()["ready"], true);
    assert_eq!(neighbour.metric(UNOWNED).unwrap(), 2.0);
    assert!(neighbour.log().unwrap().contains("nobody in the group owns these partitions"));
    journey.check(|_| Fate::Forwarded).unwrap();
    for gateway in [&mut neighbour, &mut back] {
        let what = "it has its half, and nothing is missed";
        let settled = |gateway: &mut Gateway| {
            Ok(partitions(gateway)? == Some(2) && gateway.metric(UNOWNED)? == 0.0)
        };
        gateway.until(what, settled).unwrap();
    }
    assert_eq!(rejoins(&[&neighbour, &back]), 1);
    neighbour.stop().unwrap();
    back.stop().unwrap();
}

/// Its place in the group is that of the process before, and Kafka asks nobody for a change of topics.
fn a_topic_that_a_static_member_comes_back_with_is_read(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 2).unwrap();
    journey.kafka = "instance = \"host-a\"\n".to_owned();
    journey.start().unwrap().stop().unwrap();
    let source = journey.topics.source.clone();
    let more = format!("{source}.more");
    journey.client.create_topic(&more, 1).unwrap();
    journey.pipeline = "create_topics = true\n".to_owned();
    let config = journey.config();
    let with_more = config
        .replace(&format!("from = [\"{source}\"]"), &format!("from = [\"{source}\", \"{more}\"]"));
    assert_ne!(config, with_more);
    let mut gateway = journey.folder.run(&with_more).unwrap();
    gateway.ready().unwrap();
    journey.write((0..10).map(|number| update(number, 2))).unwrap();
    journey.client.produce(&more, &[update(0, 1), update(1, 1)]).unwrap();
    gateway
        .until(
            "the new topic is read",
            |_| Ok(journey.client.count(&format!("clean.{more}"))? == 2),
        )
        .unwrap();
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().duplicates, 0);
    assert_eq!(rejoins(&[&gateway]), 1);
    gateway.stop().unwrap();
}
