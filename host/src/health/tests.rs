//! What the lanes and the catalog say, and what is made of it.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::breaker::{Admission, Order, Went};

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
    let reason = "pipeline \"shop\" is starting; where that lasts, the log says what it waits for";
    assert_eq!(health.readiness(start).reasons, [reason]);
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
    let halt = |waits: bool| Halt { reason: "offsets 12 to 40 are gone".to_owned(), waits };
    gateway.health.halt_partition("shop", &position(), halt(false));
    assert_eq!(gateway.reasons(), ["orders-3 is halted at offset 41: offsets 12 to 40 are gone"]);
    gateway.health.clear_halt("shop", &position().topic, 3);
    assert_eq!(gateway.reasons(), [""; 0]);
}

#[test]
fn a_partition_that_waits_for_a_plugin_says_so() {
    let gateway = gateway();
    let halt = Halt { reason: "plugin \"mask\": it is not called for now".to_owned(), waits: true };
    gateway.health.halt_partition("shop", &position(), halt);
    assert_eq!(
        gateway.reasons(),
        ["orders-3 waits at offset 41: plugin \"mask\": it is not called for now"]
    );
}

/// What is said about a plugin whose breaker has been through `acts`, as (reasons, warnings, detail).
fn told_of_breaker(
    on_open: OnOpen,
    acts: impl FnOnce(&Breaker, Instant),
) -> (Vec<String>, Vec<String>, serde_json::Value) {
    let gateway = gateway();
    let breaker = Arc::new(Breaker::default());
    let guard = Guard { plugin: "mask".into(), on_open, breaker: Arc::clone(&breaker) };
    gateway.health.set_breakers("shop", vec![guard]);
    let state =
        PluginState { name: "mask".to_owned(), serving: Some("1.0.0".to_owned()), refused: None };
    gateway.health.set_plugin_states("shop", vec![state]);
    assert_eq!(gateway.reasons(), [""; 0]);
    // What happens to it afterwards is seen at once.
    acts(&breaker, gateway.start);
    let readiness = gateway.health.readiness(gateway.start);
    let detail = serde_json::to_value(&readiness.pipelines[0].plugins[0]).unwrap();
    (readiness.reasons, readiness.warnings, detail["breaker"].clone())
}

fn trip(breaker: &Breaker, now: Instant) {
    breaker.note(Admission::Full, Went::Hopeless, Some("divide by zero"), (Duration::ZERO, now));
}

const WHY: &str =
    "because it could not do a single event of a batch, the last time: divide by zero";

#[test]
fn a_plugin_that_is_not_called_makes_the_gateway_unready() {
    let (reasons, warnings, detail) = told_of_breaker(OnOpen::Halt, trip);
    let told = format!(
        "plugin \"mask\" of pipeline \"shop\" is not called, and records wait for it, {WHY}; it is tried again in "
    );
    assert!(reasons[0].starts_with(&told), "{reasons:?}");
    assert_eq!((reasons.len(), warnings.len()), (1, 0));
    assert_eq!((&detail["state"], &detail["by_hand"]), (&"open".into(), &false.into()));
    assert!(detail["next_probe_seconds"].as_f64().unwrap() >= 0.8, "{detail}");
    assert_eq!(detail["trips"], 1);
}

#[test]
fn a_plugin_that_is_bypassed_is_a_warning() {
    let (reasons, warnings, _) = told_of_breaker(OnOpen::Bypass, trip);
    assert_eq!(reasons, [""; 0]);
    let told = format!(
        "plugin \"mask\" of pipeline \"shop\" is not called, and records go by without it, {WHY}; it is tried again in "
    );
    assert!(warnings[0].starts_with(&told), "{warnings:?}");
}

#[test]
fn a_plugin_that_is_being_tried_is_a_warning() {
    let (reasons, warnings, detail) = told_of_breaker(OnOpen::Halt, |breaker, now| {
        trip(breaker, now);
        breaker.admit(now + Duration::from_secs(2));
    });
    assert_eq!((reasons.len(), warnings.len()), (0, 1));
    assert!(warnings[0].contains("is tried again with a few events, after"), "{warnings:?}");
    assert_eq!(detail["state"], "half-open");
}

#[test]
fn what_an_operator_holds_in_place_is_told() {
    let order = |order: Order| move |breaker: &Breaker, now: Instant| breaker.order(order, now);
    let (reasons, ..) = told_of_breaker(OnOpen::Halt, order(Order::Open));
    let who = "plugin \"mask\" of pipeline \"shop\"";
    assert_eq!(reasons, [format!("{who} is held back by hand, and records wait for it")]);
    let (_, warnings, _) = told_of_breaker(OnOpen::Bypass, order(Order::Open));
    assert_eq!(warnings, [format!("{who} is held back by hand, and records go by without it")]);
    let (reasons, warnings, detail) = told_of_breaker(OnOpen::Halt, order(Order::Close));
    assert_eq!(reasons, [""; 0]);
    let told = "is called whatever it does, since its breaker is held closed by hand";
    assert_eq!(warnings, [format!("{who} {told}")]);
    assert_eq!((&detail["state"], &detail["by_hand"]), (&"closed".into(), &true.into()));
}

#[test]
fn a_clock_that_has_stopped_makes_the_gateway_unready() {
    let gateway = gateway();
    let is_ticking = Arc::new(AtomicBool::new(true));
    let ticks = Arc::clone(&is_ticking);
    gateway.health.watch_clock(move || Clock {
        age: Duration::from_millis(2_500),
        is_ticking: ticks.load(Ordering::Relaxed),
    });
    assert_eq!(gateway.reasons(), [""; 0]);
    is_ticking.store(false, Ordering::Relaxed);
    assert_eq!(
        gateway.reasons(),
        [
            "the clock that ends plugins last ticked 2.5 seconds ago, so no plugin is entered and records wait; restart the gateway"
        ]
    );
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
