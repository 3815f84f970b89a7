//! When a partition without an owner counts, and how often a lane joins anew for it.

use super::*;

struct Clock {
    start: Instant,
    settling: Settling,
}

impl Clock {
    fn new() -> Self {
        Self { start: Instant::now(), settling: Settling::default() }
    }

    /// What follows from a look at a settled group that misses these partitions.
    fn at(&mut self, seconds: u64, missing: &[i32]) -> Step {
        let topic: Arc<str> = "orders".into();
        let missing = missing.iter().map(|at| (0, TopicPartition::new(&topic, *at))).collect();
        self.settling.look(Some(missing), self.start + Duration::from_secs(seconds))
    }

    fn unsettled_at(&mut self, seconds: u64) -> Step {
        self.settling.look(None, self.start + Duration::from_secs(seconds))
    }

    /// When a lane joined anew, if nothing ever helped.
    fn rejoins_in(&mut self, seconds: std::ops::Range<u64>) -> Vec<u64> {
        let rejoins = |step| matches!(step, Step::Missing { rejoin: true, .. });
        seconds.step_by(5).filter(|second| rejoins(self.at(*second, &[2]))).collect()
    }
}

const FIRST: Step = Step::Missing { is_new: true, rejoin: true };
const STILL: Step = Step::Missing { is_new: false, rejoin: false };

#[test]
fn what_has_no_owner_for_ten_seconds_counts() {
    let mut clock = Clock::new();
    assert_eq!(clock.at(0, &[2, 3]), Step::Wait);
    assert_eq!(clock.at(5, &[2, 3]), Step::Wait);
    assert_eq!(clock.at(10, &[2, 3]), FIRST);
    assert_eq!(clock.at(15, &[2, 3]), STILL);
    assert_eq!(clock.settling.missing_of(0).len(), 2);
    assert_eq!(clock.at(20, &[]), Step::Whole);
    assert_eq!(clock.settling.missing_of(0), []);
    assert_eq!(clock.at(25, &[]), Step::Wait);
}

#[test]
fn what_changes_in_the_meantime_is_a_rebalance_under_way() {
    let mut clock = Clock::new();
    assert_eq!(clock.at(0, &[2, 3]), Step::Wait);
    assert_eq!(clock.at(10, &[3]), Step::Wait);
    assert_eq!(clock.unsettled_at(15), Step::Wait);
    assert_eq!(clock.at(20, &[3]), Step::Wait);
    assert_eq!(clock.at(30, &[3]), FIRST);
}

#[test]
fn a_rebalance_does_not_end_what_was_told() {
    let mut clock = Clock::new();
    clock.at(0, &[3]);
    assert_eq!(clock.at(10, &[3]), FIRST);
    assert_eq!(clock.unsettled_at(11), Step::Wait);
    assert_eq!(clock.settling.missing_of(0).len(), 1);
    assert_eq!(clock.at(15, &[]), Step::Whole);
}

#[test]
fn a_lane_joins_anew_three_times_at_most_with_longer_and_longer_pauses() {
    let mut clock = Clock::new();
    assert_eq!(clock.rejoins_in(0..7_200), [10, 40, 100]);
}

#[test]
fn a_group_that_falls_apart_again_and_again_is_left_alone() {
    let mut clock = Clock::new();
    let mut rejoins = Vec::new();
    for round in 0..100 {
        let begin = round * 40;
        rejoins.extend(clock.rejoins_in(begin..begin + 30));
        clock.at(begin + 30, &[]);
    }
    assert_eq!(rejoins.len(), 3, "{rejoins:?}");
}

#[test]
fn a_group_that_was_whole_for_ten_minutes_is_helped_again() {
    let mut clock = Clock::new();
    assert_eq!(clock.rejoins_in(0..200).len(), 3);
    for second in (200..=800).step_by(5) {
        clock.at(second, &[]);
    }
    assert_eq!(clock.rejoins_in(805..1_000), [815, 845, 905]);
}

#[test]
fn partitions_that_appear_are_left_to_the_members_for_a_while() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let topic = |partitions| [Topic { name: "orders".to_owned(), partitions }];
    let place = |partition| TopicPartition::new(&"orders".into(), partition);
    let mut ages = Ages::default();
    ages.note(&topic(1), at(0));
    ages.note(&topic(2), at(5));
    assert!(ages.is_grown(&place(0), at(5)));
    assert!(!ages.is_grown(&place(1), at(49)));
    assert!(ages.is_grown(&place(1), at(50)));
}

#[test]
fn the_lane_with_the_fewest_partitions_is_asked_once() {
    let seats: Vec<Arc<Seat>> = [2, 0, 1]
        .map(|partitions| {
            let seat = Seat::default();
            seat.holds(partitions);
            Arc::new(seat)
        })
        .into();
    ask_one(seats.iter());
    let requests = || seats.iter().map(|seat| seat.take_request()).collect::<Vec<_>>();
    assert_eq!(requests(), [false, true, false]);
    assert_eq!(requests(), [false, false, false]);
}
