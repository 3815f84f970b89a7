//! What the lanes and the catalog say, and what is made of it.

use super::*;

/// A gateway with a running pipeline "shop" whose lane 0 is a member of its group.
struct Gateway {
    health: Arc<Health>,
    start: Instant,
    lane: Lane,
}

fn gateway() -> Gateway {
    let start = Instant::now();
    let health = Health::new(start);
    health.set_pipeline_state("shop", PipelineState::Running);
    let lane = health.lane("shop", 0, start);
    lane.set_group(Group::Member { partitions: 3 });
    Gateway { health, start, lane }
}

impl Gateway {
    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn reasons(&self) -> Vec<String> {
        let readiness = self.health.readiness(self.start);
        assert_eq!(readiness.ready, readiness.reasons.is_empty());
        readiness.reasons
    }
}

fn position() -> Position {
    Position { topic: "orders".into(), partition: 3, offset: 41 }
}

#[test]
fn a_gateway_whose_lanes_turn_is_live_and_ready() {
    let gateway = gateway();
    assert!(gateway.health.liveness(gateway.at(30)).live);
    assert_eq!(gateway.reasons(), [""; 0]);
}

#[test]
fn a_lane_that_stands_still_is_named() {
    let gateway = gateway();
    gateway.lane.turned(gateway.at(10));
    assert!(gateway.health.liveness(gateway.at(40)).live);
    let liveness = gateway.health.liveness(gateway.at(41));
    assert!(!liveness.live);
    assert_eq!(liveness.reasons, ["lane 0 of pipeline \"shop\" last turned 31 seconds ago"]);
}

#[test]
fn a_lane_that_has_ended_is_not_waited_for() {
    let Gateway { health, start, lane } = gateway();
    drop(lane);
    assert!(health.liveness(start + LONGEST_TURN * 2).live);
    assert_eq!(health.readiness(start).reasons, ["no lane of pipeline \"shop\" is running"]);
}

#[test]
fn a_lane_started_again_outlives_the_one_before() {
    let Gateway { health, start, lane } = gateway();
    let again = health.lane("shop", 0, start);
    drop(lane);
    again.set_group(Group::Member { partitions: 1 });
    assert!(health.readiness(start).ready);
}

#[test]
fn nothing_started_is_not_ready() {
    let start = Instant::now();
    let health = Health::new(start);
    assert_eq!(health.readiness(start).reasons, ["no pipeline has begun to start"]);
    health.set_pipeline_state("shop", PipelineState::Starting);
    assert_eq!(health.readiness(start).reasons, ["pipeline \"shop\" is starting"]);
}

#[test]
fn a_halted_pipeline_says_why() {
    let gateway = gateway();
    let reason = "required plugin \"mask-pii\" is missing".to_owned();
    gateway.health.set_pipeline_state("shop", PipelineState::Halted { reason });
    assert_eq!(
        gateway.reasons(),
        ["pipeline \"shop\" is halted: required plugin \"mask-pii\" is missing"]
    );
}

#[test]
fn a_lane_outside_its_group_is_not_ready() {
    let gateway = gateway();
    gateway.lane.set_group(Group::Joining);
    assert_eq!(gateway.reasons(), ["lane 0 of pipeline \"shop\" is joining its group"]);
    gateway.lane.set_group(Group::Lost { reason: "broker away".to_owned() });
    assert_eq!(gateway.reasons(), ["lane 0 of pipeline \"shop\" is cut off: broker away"]);
}

#[test]
fn a_halted_partition_counts_until_it_is_cleared() {
    let gateway = gateway();
    gateway.health.halt_partition("shop", &position(), "offsets 12 to 40 are gone");
    assert_eq!(gateway.reasons(), ["orders-3 is halted at offset 41: offsets 12 to 40 are gone"]);
    gateway.health.clear_halt("shop", &position().topic, 3);
    assert_eq!(gateway.reasons(), [""; 0]);
}

#[test]
fn partitions_that_nobody_owns_are_a_warning() {
    let gateway = gateway();
    let partitions = [1, 2].map(|number| TopicPartition::new(&"orders".into(), number));
    gateway.health.set_unowned("shop", partitions.to_vec());
    let readiness = gateway.health.readiness(gateway.start);
    assert!(readiness.ready);
    assert_eq!(
        readiness.warnings,
        ["nobody in the group of pipeline \"shop\" owns orders-1, orders-2"]
    );
    assert_eq!(readiness.pipelines[0].unowned, ["orders-1", "orders-2"]);
    gateway.health.set_unowned("shop", Vec::new());
    assert_eq!(gateway.health.readiness(gateway.start).warnings, [""; 0]);
}

#[test]
fn a_refused_version_is_a_warning_while_the_old_one_serves() {
    let gateway = gateway();
    let state = |serving: Option<&str>| PluginState {
        name: "mask".to_owned(),
        serving: serving.map(str::to_owned),
        refused: Some("not a WebAssembly file".to_owned()),
    };
    gateway.health.set_plugin_states("shop", vec![state(Some("1.0.0"))]);
    let readiness = gateway.health.readiness(gateway.start);
    assert!(readiness.ready);
    assert_eq!(
        readiness.warnings,
        ["plugin \"mask\" of pipeline \"shop\" still serves as 1.0.0: not a WebAssembly file"]
    );
    gateway.health.set_plugin_states("shop", vec![state(None)]);
    assert_eq!(
        gateway.reasons(),
        ["plugin \"mask\" of pipeline \"shop\" does not serve: not a WebAssembly file"]
    );
}

#[test]
fn a_draining_gateway_is_live_but_not_ready() {
    let gateway = gateway();
    gateway.health.drain();
    assert!(gateway.health.liveness(gateway.start).live);
    assert_eq!(gateway.reasons(), ["it is draining"]);
}

#[test]
fn the_detail_shows_group_and_commit_age() {
    let gateway = gateway();
    gateway.lane.committed(gateway.at(5));
    let report = gateway.health.readiness(gateway.at(7)).pipelines.remove(0);
    let lane = &report.lanes[0];
    assert_eq!((report.name.as_str(), report.state), ("shop", "running"));
    assert_eq!((lane.group, lane.partitions), ("member", 3));
    assert_eq!(lane.last_commit_age_seconds, Some(2.0));
    assert_eq!(lane.last_turn_age_seconds, 7.0);
}
