//! When it opens, how long it stays open, and what it takes to close it. No test waits: time is handed in.

mod any;

use super::*;

/// A breaker with a clock of its own.
struct Rig {
    breaker: Breaker,
    now: Instant,
}

fn rig() -> Rig {
    Rig { breaker: Breaker::default(), now: Instant::now() }
}

impl Rig {
    fn after(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self
    }

    /// One batch, a tenth of a second after the one before.
    fn batch(&mut self, went: Went) -> Option<State> {
        self.after(Duration::from_millis(100));
        let admitted = self.breaker.admit(self.now);
        self.breaker.note(admitted, went, Some("it failed"), (Duration::ZERO, self.now))
    }

    /// Batches that are all let in; the states they led to.
    fn batches(&mut self, wents: &[Went]) -> Vec<State> {
        wents.iter().filter_map(|went| self.batch(*went)).collect()
    }

    fn state(&self) -> State {
        self.breaker.view(self.now).state
    }

    fn open() -> Self {
        let mut rig = rig();
        assert_eq!(rig.batch(Went::Hopeless), Some(State::Open));
        rig
    }

    /// Waits for the next probe; gives how long that took.
    fn await_probe(&mut self) -> Duration {
        let Admission::Wait { until } = self.breaker.admit(self.now) else {
            panic!("it is not open")
        };
        let wait = until - self.now;
        assert_eq!(self.breaker.admit(until - Duration::from_nanos(1)), Admission::Wait { until });
        self.now = until;
        wait
    }

    fn probe(&mut self, went: Went) -> Option<State> {
        let admitted = self.breaker.admit(self.now);
        assert!(matches!(admitted, Admission::Probe { .. }), "{admitted:?}");
        self.breaker.note(admitted, went, Some("it failed"), (Duration::ZERO, self.now))
    }

    fn close_by_probes(&mut self) {
        let turns = [(); 3].map(|()| self.probe(Went::Well));
        assert_eq!(turns, [None, None, Some(State::Closed)]);
    }
}

/// Around `seconds`, as far as the jitter goes.
fn is_around(wait: Duration, seconds: u64) -> bool {
    let (least, most) =
        (Duration::from_millis(seconds * 800), Duration::from_millis(seconds * 1_200));
    (least..=most).contains(&wait)
}

#[test]
fn five_faults_within_ten_seconds_open_it() {
    let mut rig = rig();
    assert_eq!(rig.batches(&[Went::Recovered; 4]), []);
    assert_eq!(rig.batch(Went::Refused), Some(State::Open));
    let view = rig.breaker.view(rig.now);
    assert_eq!(
        view.cause.as_deref(),
        Some("it failed 5 times within 10 s, the last time: it failed")
    );
    assert_eq!((view.trips, view.by_hand), (1, false));
}

#[test]
fn faults_that_lie_farther_apart_do_not() {
    let mut rig = rig();
    for _ in 0..19 {
        assert_eq!(rig.after(Duration::from_millis(2_600)).batch(Went::Recovered), None);
    }
}

/// Else one that cannot be split would have twenty whole batches refused before anything stopped it.
#[test]
fn a_plugin_that_takes_its_time_to_fail_opens_it_as_soon_as_a_quick_one() {
    let mut rig = rig();
    let mut slow = |took| {
        rig.after(took);
        let admitted = rig.breaker.admit(rig.now);
        rig.breaker.note(admitted, Went::Refused, Some("it failed"), (took, rig.now))
    };
    let took = Duration::from_secs(60);
    assert_eq!([took; 5].map(&mut slow), [None, None, None, None, Some(State::Open)]);
}

#[test]
fn over_half_of_twenty_batches_open_it_however_slowly_they_come() {
    let mut rig = rig();
    for number in 0..20 {
        let went = if number < 10 { Went::Well } else { Went::Recovered };
        assert_eq!(rig.after(Duration::from_secs(60)).batch(went), None, "half is not over half");
    }
    assert_eq!(rig.after(Duration::from_secs(60)).batch(Went::Recovered), Some(State::Open));
    assert!(rig.breaker.view(rig.now).cause.unwrap().starts_with("it failed on over half"));
}

#[test]
fn a_plugin_that_fails_on_every_other_batch_trips_it() {
    let mut rig = rig();
    let alternating = [Went::Well, Went::Recovered].repeat(5);
    assert_eq!(rig.batches(&alternating), [State::Open]);
}

#[test]
fn faults_among_batches_that_mostly_went_well_do_not_open_it() {
    let mut rig = rig();
    rig.batches(&[Went::Well; 20]);
    for _ in 0..100 {
        // Three of four go well, and many faults at once are no more than one batch.
        let split = Went::Split { rows: 100, refused: 60 };
        assert_eq!(rig.batches(&[split, Went::Well, Went::Well, Went::Well]), []);
    }
    assert_eq!(rig.batches(&[Went::Recovered, Went::Well, Went::Recovered]), [State::Open]);
}

#[test]
fn an_event_that_cannot_be_done_among_many_is_its_own_fault() {
    let mut rig = rig();
    let alone = Went::Split { rows: 1_000, refused: 1 };
    let quarter = Went::Split { rows: 16, refused: 4 };
    assert_eq!(rig.batches(&[[alone; 50], [quarter; 50]].concat()), []);
    assert_eq!(rig.batch(Went::Split { rows: 16, refused: 5 }), None, "most batches went well");
    let mut fresh = self::rig();
    assert_eq!(fresh.batch(Went::Split { rows: 16, refused: 5 }), Some(State::Open));
}

#[test]
fn a_batch_without_a_single_success_opens_it_whatever_was_before() {
    let mut rig = rig();
    rig.batches(&[Went::Well; 20]);
    assert_eq!(rig.batch(Went::Hopeless), Some(State::Open));
    assert!(rig.breaker.view(rig.now).cause.unwrap().starts_with("it could not do a single event"));
}

#[test]
fn what_the_gateway_could_not_run_says_nothing() {
    let mut rig = rig();
    assert_eq!(rig.batches(&[Went::Unjudged; 100]), []);
    rig.batches(&[Went::Recovered; 4]);
    assert_eq!(rig.batches(&[Went::Unjudged; 20]), []);
    assert_eq!(rig.batch(Went::Recovered), Some(State::Open));
    rig.await_probe();
    for _ in 0..10 {
        assert_eq!(rig.probe(Went::Unjudged), None);
    }
    assert_eq!(rig.state(), State::HalfOpen);
}

#[test]
fn it_stays_open_for_twice_as_long_each_time_up_to_half_a_minute() {
    let mut rig = Rig::open();
    for seconds in [1, 2, 4, 8, 16, 30, 30, 30] {
        let wait = rig.await_probe();
        assert!(is_around(wait, seconds), "{wait:?} instead of {seconds} s");
        assert_eq!(rig.probe(Went::Split { rows: 1, refused: 1 }), Some(State::Open));
    }
    assert!(rig.breaker.view(rig.now).cause.unwrap().starts_with("it failed again"));
}

#[test]
fn the_jitter_spreads_what_failed_together() {
    let waits: std::collections::BTreeSet<Duration> =
        (0..40).map(|_| Rig::open().await_probe()).collect();
    assert!(waits.len() > 5, "{waits:?}");
}

#[test]
fn ten_healthy_seconds_make_the_next_trip_a_first_one() {
    let mut rig = Rig::open();
    rig.await_probe();
    rig.probe(Went::Refused);
    rig.await_probe();
    rig.close_by_probes();
    assert!(rig.breaker.view(rig.now).cause.is_some());
    rig.after(Duration::from_secs(9)).batch(Went::Hopeless);
    let wait = rig.await_probe();
    assert!(is_around(wait, 4), "{wait:?}");
    rig.close_by_probes();
    rig.after(HEALTHY);
    assert_eq!(rig.breaker.view(rig.now).cause, None);
    rig.batch(Went::Hopeless);
    let wait = rig.await_probe();
    assert!(is_around(wait, 1), "{wait:?}");
}

#[test]
fn three_clean_probes_in_a_row_close_it() {
    let mut rig = Rig::open();
    rig.await_probe();
    rig.close_by_probes();
    assert_eq!(rig.breaker.admit(rig.now), Admission::Full);

    let mut rig = Rig::open();
    rig.await_probe();
    rig.probe(Went::Well);
    rig.probe(Went::Well);
    assert_eq!(rig.probe(Went::Recovered), Some(State::Open));
    rig.await_probe();
    rig.close_by_probes();
}

#[test]
fn an_isolated_event_does_not_fail_a_probe() {
    let mut rig = Rig::open();
    rig.await_probe();
    let isolated = Went::Split { rows: PROBE_ROWS, refused: 1 };
    assert_eq!([isolated; 3].map(|went| rig.probe(went)), [None, None, Some(State::Closed)]);
}

#[test]
fn one_lane_probes_at_a_time() {
    let mut rig = Rig::open();
    rig.await_probe();
    assert_eq!(rig.breaker.waits(rig.now), None);
    assert_eq!(rig.breaker.admit(rig.now), Admission::Probe { begins: true });
    assert_eq!(rig.breaker.admit(rig.now), Admission::Wait { until: rig.now + SOON });
    assert_eq!(rig.breaker.waits(rig.now), Some(rig.now + SOON));
    rig.breaker.note(
        Admission::Probe { begins: true },
        Went::Well,
        None,
        (Duration::ZERO, rig.now),
    );
    assert_eq!(rig.breaker.admit(rig.now), Admission::Probe { begins: false });
    // Its lane never came back.
    rig.after(LOST_PROBE);
    assert_eq!(rig.breaker.admit(rig.now), Admission::Probe { begins: false });
}

#[test]
fn a_batch_that_went_in_before_it_opened_proves_nothing() {
    let mut rig = Rig::open();
    for went in [Went::Well, Went::Hopeless] {
        assert_eq!(rig.breaker.note(Admission::Full, went, None, (Duration::ZERO, rig.now)), None);
    }
    rig.await_probe();
    rig.probe(Went::Well);
    for went in [Went::Well, Went::Well, Went::Hopeless] {
        assert_eq!(rig.breaker.note(Admission::Full, went, None, (Duration::ZERO, rig.now)), None);
    }
    assert_eq!((rig.state(), rig.breaker.view(rig.now).trips), (State::HalfOpen, 1));
}

#[test]
fn failing_outside_of_a_batch_counts_as_one_fault_and_fails_a_probe() {
    let mut rig = rig();
    let failed = |rig: &Rig| rig.breaker.failed("opening a table", rig.now);
    assert_eq!([(); 4].map(|()| failed(&rig)), [None; 4]);
    assert_eq!(failed(&rig), Some(State::Open));
    assert_eq!(failed(&rig), None);
    assert!(is_around(rig.await_probe(), 1));
    // Nobody has asked for a batch yet: it counts as shown open.
    assert_eq!(failed(&rig), None);
    assert!(is_around(rig.await_probe(), 2));
    assert_eq!(rig.breaker.view(rig.now).trips, 2);
}

#[test]
fn held_open_by_hand_it_lets_nothing_in_until_it_is_reset() {
    let mut rig = rig();
    rig.breaker.order(Order::Open, rig.now);
    for _ in 0..10 {
        rig.after(Duration::from_secs(3_600));
        assert!(matches!(rig.breaker.admit(rig.now), Admission::Wait { .. }));
        assert_eq!(rig.breaker.failed("opening a table", rig.now), None);
    }
    let view = rig.breaker.view(rig.now);
    assert_eq!((view.state, view.by_hand, view.next_probe), (State::Open, true, None));
    assert!(rig.breaker.open_until(rig.now).is_some());
    rig.breaker.order(Order::Reset, rig.now);
    assert_eq!(rig.breaker.admit(rig.now), Admission::Full);
    assert!(!rig.breaker.view(rig.now).by_hand);
}

#[test]
fn held_closed_by_hand_it_lets_everything_in_whatever_comes_of_it() {
    let mut rig = rig();
    rig.breaker.order(Order::Close, rig.now);
    for _ in 0..50 {
        assert_eq!(rig.breaker.admit(rig.now), Admission::Forced);
        assert_eq!(rig.batch(Went::Hopeless), None);
        assert_eq!(rig.breaker.open_until(rig.now), None);
    }
    let view = rig.breaker.view(rig.now);
    assert_eq!((view.state, view.by_hand, view.trips), (State::Closed, true, 0));
}

#[test]
fn a_reset_is_a_clean_slate_but_for_the_count_of_trips() {
    let mut rig = Rig::open();
    rig.breaker.order(Order::Reset, rig.now);
    let view = rig.breaker.view(rig.now);
    assert_eq!((view.state, view.cause, view.trips), (State::Closed, None, 1));
    assert_eq!(rig.batches(&[Went::Recovered; 4]), []);
    rig.batch(Went::Recovered);
    assert!(is_around(rig.await_probe(), 1));
}

#[test]
fn those_who_wait_hear_of_orders_and_of_closing_and_of_nothing_else() {
    let mut rig = Rig::open();
    let mut heard = rig.breaker.releases();
    let mut is_news = |rig: &Rig| std::mem::replace(&mut heard, rig.breaker.releases()) != heard;
    rig.await_probe();
    rig.probe(Went::Refused);
    assert!(!is_news(&rig));
    rig.await_probe();
    rig.close_by_probes();
    assert!(is_news(&rig));
    for order in [Order::Open, Order::Close, Order::Reset] {
        rig.breaker.order(order, rig.now);
        assert!(is_news(&rig));
    }
}
