//! Brokers that answer badly for a while, and what is left of it in the gateway once they do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lockgate_tests::broker::{ApiKey, Control, ErrorCode};
use lockgate_tests::checker::Fate;
use lockgate_tests::gateway::{Cluster, Gateway, Journey};
use lockgate_tests::rows::update;

use crate::PROGRAM;

/// Has the broker answer the gateway's requests of one kind in this way while the switch is on.
fn switch(cluster: &Cluster, key: ApiKey, answers: fn() -> Control) -> Arc<AtomicBool> {
    let switch = Arc::new(AtomicBool::new(false));
    let on = Arc::clone(&switch);
    cluster.embedded.unwrap().fake().on(key, move |info| {
        let own = info.client_id.as_deref().is_some_and(|id| id.starts_with("lockgate"));
        if own && on.load(Ordering::Relaxed) { answers() } else { Control::Pass }
    });
    switch
}

#[test]
fn what_arrives_damaged_is_fetched_again_and_nothing_goes_past_it() {
    let cluster = Cluster::of_its_own();
    let damages = switch(&cluster, ApiKey::Fetch, || Control::CorruptRecords);
    let mut journey = Journey::new(&cluster, PROGRAM, 1).unwrap();
    journey.pipeline = "on_lost_offsets = \"latest\"\n".to_owned();
    // Each write is a batch of its own, and a fetch brings all of them.
    for batch in 0..5 {
        journey.write((batch * 10..batch * 10 + 10).map(|number| update(number, 1))).unwrap();
    }
    damages.store(true, Ordering::Relaxed);
    let mut gateway = journey.folder.run(&journey.config()).unwrap();
    gateway.until_log_says("CRC32C").unwrap();
    damages.store(false, Ordering::Relaxed);
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().forwarded, 50);
    gateway.ready().unwrap();
    gateway.stop().unwrap();
}

/// The commit of a rebalance is for the partitions too that stay, and what stays may rest.
#[test]
fn a_commit_that_fails_in_a_rebalance_is_tried_again_for_what_stays() {
    let cluster = Cluster::of_its_own();
    let slow = switch(&cluster, ApiKey::Produce, || Control::Delay(Duration::from_secs(3)));
    let refuse = || Control::Error(ErrorCode::GroupAuthorizationFailed);
    let refuses = switch(&cluster, ApiKey::OffsetCommit, refuse);
    let journey = Journey::new(&cluster, PROGRAM, 2).unwrap();
    let mut stays = journey.start().unwrap();
    journey.write((0..10).map(|number| update(number, 2))).unwrap();
    journey.settled().unwrap();
    // What is under way when the other one comes is acknowledged while it is waited for.
    slow.store(true, Ordering::Relaxed);
    refuses.store(true, Ordering::Relaxed);
    journey.write((10..20).map(|number| update(number, 2))).unwrap();
    let other = journey.folder.run(&journey.config()).unwrap();
    stays.until_log_says("committing before a revocation failed").unwrap();
    refuses.store(false, Ordering::Relaxed);
    slow.store(false, Ordering::Relaxed);
    journey.check(|_| Fate::Forwarded).unwrap();
    stays.stop().unwrap();
    other.stop().unwrap();
}

#[test]
fn a_partition_that_waits_long_after_failures_is_not_read_to_be_thrown_away() {
    let cluster = Cluster::of_its_own();
    let broker = cluster.embedded.unwrap();
    let refuse = || Control::Error(ErrorCode::MessageTooLarge);
    let refuses = switch(&cluster, ApiKey::Produce, refuse);
    let journey = Journey::new(&cluster, PROGRAM, 1).unwrap();
    let mut gateway = journey.start().unwrap();
    refuses.store(true, Ordering::Relaxed);
    journey.write((0..10).map(|number| update(number, 1))).unwrap();
    // Each wait is twice as long as the one before: this one is of three seconds.
    let tried =
        |gateway: &mut Gateway| Ok(gateway.log()?.matches("reading a partition on").count() >= 4);
    gateway.until("it has been tried a few times", tried).unwrap();
    let halted = |gateway: &mut Gateway| Ok(gateway.metric("lockgate_partition_halted{")? == 1.0);
    gateway.until("it waits", halted).unwrap();
    let turns = |gateway: &mut Gateway| gateway.metric("lockgate_lane_turns_total");
    let mut seen = (turns(&mut gateway).unwrap(), 0);
    let rests = |gateway: &mut Gateway| {
        let now = (turns(gateway)?, broker.fake().request_count(ApiKey::Fetch));
        if now.0 < seen.0 + 50.0 {
            return Ok(false);
        }
        let rests = now.1 == seen.1;
        seen = now;
        Ok(rests)
    };
    gateway.until("nothing is fetched for fifty turns", rests).unwrap();
    refuses.store(false, Ordering::Relaxed);
    let log = gateway.log().unwrap();
    let (failed, tried) = (log.matches("delivery failed"), log.matches("reading a partition on"));
    assert!(failed.count() <= tried.count() + 1, "told once a try, not for each output: {log}");
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().forwarded, 10);
    gateway.stop().unwrap();
}

#[test]
fn an_output_topic_that_could_not_be_created_is_created_later() {
    let cluster = Cluster::of_its_own();
    let refuse = || Control::Error(ErrorCode::InvalidReplicationFactor);
    let refuses = switch(&cluster, ApiKey::CreateTopics, refuse);
    let mut journey = Journey::new(&cluster, PROGRAM, 1).unwrap();
    journey.pipeline = "create_topics = true\n".to_owned();
    journey.properties += "\"topic.metadata.refresh.interval.ms\" = 500\n";
    let source = journey.topics.source.clone();
    let config = journey.config().replace(&format!("[\"{source}\"]"), &format!("[\"{source}*\"]"));
    let mut gateway = journey.folder.run(&config).unwrap();
    gateway.ready().unwrap();
    refuses.store(true, Ordering::Relaxed);
    let more = format!("{source}.more");
    journey.client.create_topic(&more, 1).unwrap();
    gateway.until_log_says("a topic is not as it should be").unwrap();
    refuses.store(false, Ordering::Relaxed);
    journey.client.produce(&more, &[update(0, 1)]).unwrap();
    let arrives = |_: &mut Gateway| Ok(journey.client.count(&format!("clean.{more}"))? == 1);
    gateway.until("what is written to the new topic arrives", arrives).unwrap();
    gateway.stop().unwrap();
}
