//! What is shown of a lane once what made it so is over.

use super::*;
use crate::health::PipelineState;

const PIPELINE: &str = "shop";

fn observer() -> (Arc<Metrics>, Arc<Health>, Observer) {
    let (metrics, health) = (Arc::new(Metrics::register().unwrap()), Health::new(Instant::now()));
    health.set_pipeline_state(PIPELINE, PipelineState::Running);
    let totals = Arc::new(metrics.pipeline(PIPELINE));
    let observer = Observer::new(PIPELINE, 0, &metrics, &health, &totals);
    (metrics, health, observer)
}

#[test]
fn brokers_that_fail_for_a_while_leave_a_member_without_partitions_ready() {
    let (_metrics, health, mut observer) = observer();
    let reasons = || health.readiness(Instant::now()).reasons;
    observer.broker_failed("broker away");
    assert_eq!(reasons(), ["lane 0 of pipeline \"shop\" is cut off: broker away"]);
    observer.assigned(std::iter::empty());
    assert_eq!(reasons(), [""; 0]);
    observer.broker_failed("broker away");
    assert_eq!(reasons(), [""; 0], "nothing would ever say that it is back");
    observer.thrown_out();
    assert_eq!(reasons(), ["lane 0 of pipeline \"shop\" is joining its group"]);
    observer.broker_failed("broker away");
    assert_eq!(reasons(), ["lane 0 of pipeline \"shop\" is cut off: broker away"]);
}

#[test]
fn the_last_batch_is_shown_without_another_one() {
    let (metrics, _health, mut observer) = observer();
    observer.acknowledged(Timed { read: Instant::now(), timestamp: None });
    observer.show(std::iter::empty(), &Partitions::default(), &Tracker::default());
    let shown = metrics.render().unwrap();
    assert!(shown.contains("lockgate_settle_seconds_count{pipeline=\"shop\"} 1"), "{shown}");
}
