//! Gateways that stop, in good order or not, and those that take their places.

use std::time::{Duration, Instant};

use lockgate_tests::broker::{ApiKey, Control};
use lockgate_tests::checker::Fate;
use lockgate_tests::gateway::{Cluster, Gateway, Journey, PATIENCE};
use lockgate_tests::rows::update;

use crate::PROGRAM;

super::on_both! {
    a_signal_drains_and_commits_so_that_nothing_is_written_twice
    two_gateways_share_the_partitions_and_one_takes_over_when_the_other_goes
    a_killed_gateway_has_its_partitions_back_within_two_seconds
}

fn a_signal_drains_and_commits_so_that_nothing_is_written_twice(cluster: &Cluster) {
    let journey = Journey::new(cluster, PROGRAM, 2).unwrap();
    let first = journey.start().unwrap();
    let act = || {
        journey.until_output("a first record", |_| true)?;
        first.stop()?;
        journey.start()?.stop()
    };
    journey.while_flowing(|number| update(number, 2), act).unwrap();
    let last = journey.start().unwrap();
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().duplicates, 0);
    last.stop().unwrap();
}

/// A broker that answers in this way when a gateway writes.
fn cluster_that(answers: fn() -> Control) -> Cluster {
    let cluster = Cluster::of_its_own();
    cluster.embedded.unwrap().fake().on(ApiKey::Produce, move |info| {
        let own = info.client_id.as_deref().is_some_and(|id| id.starts_with("lockgate-shop"));
        if own { answers() } else { Control::Pass }
    });
    cluster
}

fn until_something_is_under_way(gateway: &mut Gateway) {
    let is_under_way = |gateway: &mut Gateway| {
        Ok(gateway.metric("lockgate_records_total{outcome=\"forwarded\"")? > 0.0)
    };
    gateway.until("something is under way", is_under_way).unwrap();
}

#[test]
fn a_drain_waits_for_what_is_under_way() {
    let cluster = cluster_that(|| Control::Delay(Duration::from_secs(1)));
    let journey = Journey::new(&cluster, PROGRAM, 1).unwrap();
    let mut gateway = journey.start().unwrap();
    journey.write((0..100).map(|number| update(number, 1))).unwrap();
    until_something_is_under_way(&mut gateway);
    gateway.terminate().unwrap();
    gateway.until_log_says("draining").unwrap();
    assert_eq!(journey.outputs().unwrap(), [], "the broker is slow");
    assert!(gateway.wait(PATIENCE).unwrap().success());
    let written = journey.outputs().unwrap().len() as i64;
    assert!(written > 0);
    let committed = journey.client.committed(&journey.group, &journey.topics.source).unwrap();
    assert_eq!(committed.get(&0), Some(&written));
}

#[test]
fn a_drain_that_runs_out_of_time_leaves_its_group_all_the_same() {
    let cluster = cluster_that(|| Control::Silence);
    let journey = Journey::new(&cluster, PROGRAM, 1).unwrap();
    let config = journey.config().replace("drain = \"10s\"", "drain = \"2s\"");
    let mut gateway = journey.folder.run(&config).unwrap();
    gateway.ready().unwrap();
    journey.write((0..100).map(|number| update(number, 1))).unwrap();
    until_something_is_under_way(&mut gateway);
    gateway.terminate().unwrap();
    assert!(gateway.wait(PATIENCE).unwrap().success());
    let log = gateway.log().unwrap();
    assert!(!log.contains("lane drained pipeline=\"shop\" lane=0 open=0"), "{log}");
    // Else nobody has its partitions before the session timeout.
    assert_eq!(cluster.embedded.unwrap().members(&journey.group), [], "{log}");
}

#[test]
fn a_second_signal_leaves_at_once_and_loses_nothing() {
    let cluster = cluster_that(|| Control::Silence);
    let mut journey = Journey::new(&cluster, PROGRAM, 1).unwrap();
    // A dynamic member that leaves at once is missed only after its session timeout.
    journey.kafka = "instance = \"host-a\"\n".to_owned();
    let mut gateway = journey.start().unwrap();
    journey.write((0..100).map(|number| update(number, 1))).unwrap();
    until_something_is_under_way(&mut gateway);
    // So long that commits would have come, if there were anything to commit.
    let turns = |gateway: &mut Gateway| gateway.metric("lockgate_lane_turns_total");
    let before = turns(&mut gateway).unwrap();
    let more = |gateway: &mut Gateway| Ok(turns(gateway)? > before + 50.0);
    gateway.until("fifty turns of ten milliseconds", more).unwrap();
    gateway.terminate().unwrap();
    gateway.until_log_says("draining").unwrap();
    let again = Instant::now();
    gateway.terminate().unwrap();
    let status = gateway.wait(PATIENCE).unwrap();
    assert!(again.elapsed() < Duration::from_millis(500), "{:?}", again.elapsed());
    assert_eq!(status.code(), Some(1));
    assert!(gateway.log().unwrap().contains("leaving at once"));
    cluster.embedded.unwrap().fake().clear_hooks();
    let next = journey.start().unwrap();
    journey.check(|_| Fate::Forwarded).unwrap();
    next.stop().unwrap();
}

fn partitions(gateway: &mut Gateway) -> anyhow::Result<u64> {
    let readyz = gateway.readyz()?;
    Ok(readyz["pipelines"][0]["lanes"][0]["partitions"].as_u64().unwrap_or(0))
}

fn two_gateways_share_the_partitions_and_one_takes_over_when_the_other_goes(cluster: &Cluster) {
    let journey = Journey::new(cluster, PROGRAM, 4).unwrap();
    let mut stays = journey.start().unwrap();
    let act = || {
        // Under load, so that each handover has something to settle first.
        stays.until("records flow", |_| Ok(journey.outputs()?.len() > 200))?;
        let mut goes = journey.start()?;
        let shared =
            |stays: &mut Gateway| Ok((partitions(stays)?, partitions(&mut goes)?) == (2, 2));
        stays.until("each has two partitions", shared)?;
        let before = journey.outputs()?.len();
        let more = |_: &mut Gateway| Ok(journey.outputs()?.len() > before + 100);
        stays.until("records flow through both", more)?;
        goes.stop()?;
        stays.until("one has them all", |stays| Ok(partitions(stays)? == 4))
    };
    journey.while_flowing(|number| update(number, 4), act).unwrap();
    // Both were told, so nothing was written twice either.
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().duplicates, 0);
    stays.stop().unwrap();
}

/// With a broker that takes its time there is always something under way when a partition moves.
#[test]
fn a_handover_waits_for_what_is_under_way() {
    let cluster = cluster_that(|| Control::Delay(Duration::from_millis(200)));
    two_gateways_share_the_partitions_and_one_takes_over_when_the_other_goes(&cluster);
}

fn a_killed_gateway_has_its_partitions_back_within_two_seconds(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 3).unwrap();
    journey.kafka = "instance = \"host-a\"\n".to_owned();
    let gateway = journey.start().unwrap();
    journey.write((0..30).map(|number| update(number, 3))).unwrap();
    journey.settled().unwrap();
    gateway.kill_9().unwrap();
    let began = Instant::now();
    let mut gateway = journey.folder.run(&journey.config()).unwrap();
    gateway
        .until("it has its partitions back", |gateway| Ok(partitions(gateway).unwrap_or(0) == 3))
        .unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    journey.write((30..60).map(|number| update(number, 3))).unwrap();
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().duplicates, 0);
    gateway.stop().unwrap();
}
