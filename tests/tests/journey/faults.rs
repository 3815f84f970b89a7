//! Brokers that answer badly for a while, and what is left of it in the gateway once they do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockgate_tests::broker::{ApiKey, Control};
use lockgate_tests::checker::Fate;
use lockgate_tests::gateway::{Cluster, Journey};
use lockgate_tests::rows::update;

use crate::PROGRAM;

/// A broker that answers the gateway's requests of one kind in this way while the switch is on.
fn cluster_that(key: ApiKey, answers: fn() -> Control) -> (Cluster, Arc<AtomicBool>) {
    let cluster = Cluster::of_its_own();
    let switch = Arc::new(AtomicBool::new(false));
    let on = Arc::clone(&switch);
    cluster.embedded.unwrap().fake().on(key, move |info| {
        let own = info.client_id.as_deref().is_some_and(|id| id.starts_with("lockgate-shop"));
        if own && on.load(Ordering::Relaxed) { answers() } else { Control::Pass }
    });
    (cluster, switch)
}

#[test]
fn what_arrives_damaged_is_fetched_again_and_nothing_goes_past_it() {
    let (cluster, damages) = cluster_that(ApiKey::Fetch, || Control::CorruptRecords);
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
