//! What becomes of a record on its way, and what stays of it.

use lockgate_tests::checker::Fate;
use lockgate_tests::client::Record;
use lockgate_tests::gateway::{Cluster, Journey};

use super::rows::{self, PROGRAM, update};

#[test]
fn records_without_plugins_leave_as_they_came() {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 2).unwrap();
    let mut gateway = journey.start().unwrap();
    journey.write((0..100).map(|id| update((id % 2) as i32, id))).unwrap();
    let tally = journey.check(|_| Fate::Forwarded).unwrap();
    assert_eq!(tally.duplicates, 0);
    eprintln!("{}", gateway.log().unwrap());
    gateway.stop().unwrap();
}
