//! A plugin that fails too often: it is not called any more, its rows wait, and nothing of it floods the dead letters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::fake::{Fake, Given, Lane, answer, field, settings};
use super::update;
use crate::breaker::{Breaker, Order, PROBE_ROWS, State};
use crate::config::{FaultPolicy, OnOpen};
use crate::contract::{Answer, Batch, Fault, FaultClass, Image, Plan};

/// What becomes of each record, as the first word of what is told of it.
pub(super) fn fates(told: &str) -> Vec<&str> {
    told.lines().map(|line| line.split(' ').next().unwrap()).collect()
}

pub(super) fn count(told: &str, fate: &str) -> usize {
    fates(told).into_iter().filter(|told| *told == fate).count()
}

pub(super) fn masks() -> Plan {
    let note = field(Image::After, "email");
    Plan { reads: vec![note.clone()], writes: vec![note], independent: true, ..Plan::default() }
}

/// Masks e-mail addresses; what it makes of a batch that holds "poison" is `on_poison`'s to say.
fn allergic(on_poison: impl FnMut() -> Result<(), FaultClass> + Send + 'static) -> Fake {
    let mut on_poison = on_poison;
    Fake::answering(masks(), move |batch: Batch<'_>| {
        if memchr::memmem::find(&batch.reads[0].data, b"poison").is_some() {
            on_poison().map_err(|class| Fault::new(class, "it failed"))?;
        }
        let rows: Vec<u32> = (0..u32::try_from(batch.reads[0].kinds.len()).unwrap()).collect();
        Ok(answer(0, &rows, "*"))
    })
}

fn traps() -> Fake {
    allergic(|| Err(FaultClass::Trap))
}

pub(super) fn good(number: u32) -> Given {
    update(number, "a@x.io")
}

fn poison(number: u32) -> Given {
    update(number, "poison")
}

pub(super) fn all_poison(rows: u32) -> Vec<Given> {
    (0..rows).map(poison).collect()
}

/// A lane with one plugin, whose breaker and calls can be seen.
pub(super) struct Rig {
    pub(super) lane: Lane,
    pub(super) breaker: Arc<Breaker>,
    calls: Arc<AtomicUsize>,
}

pub(super) fn rig(plugin: Fake) -> Rig {
    let (breaker, calls) = (Arc::clone(&plugin.breaker), Arc::clone(&plugin.calls));
    Rig { lane: Lane::new(settings(), vec![plugin]), breaker, calls }
}

impl Rig {
    pub(super) fn carry(&mut self, given: &[Given]) -> String {
        self.lane.carry(given)
    }

    pub(super) fn state(&self) -> State {
        self.breaker.view(Instant::now()).state
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Carries `given` again and again, as a lane does, until `is_it` is true of what comes of it.
    pub(super) fn until(&mut self, given: &[Given], is_it: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let told = self.carry(given);
            if is_it(&told) {
                return told;
            }
            assert!(Instant::now() < deadline, "{told}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_plugin_that_fails_on_everything_has_all_its_rows_wait() {
    let mut rig = rig(traps());
    let told = rig.carry(&all_poison(1_000));
    assert_eq!(count(&told, "hold"), 1_000);
    assert!(told.contains("hold by fake: it is not called for now, because it could not do a single event of a batch, the last time: it failed"));
    assert_eq!(rig.state(), State::Open);
    // The batch twice, four parts on the way down to a row, five rows, and the part that the fifth is in.
    assert!(rig.calls() <= 12, "{} calls", rig.calls());
}

#[test]
fn a_plugin_that_never_ends_is_seen_after_few_deadlines() {
    let mut rig = rig(Fake::faulting(masks(), FaultClass::Timeout));
    assert_eq!(count(&rig.carry(&all_poison(1_000)), "hold"), 1_000);
    assert!(rig.calls() <= 12, "{} calls", rig.calls());
    let (before, breaker) = (rig.calls(), Arc::clone(&rig.breaker));
    rig.until(&all_poison(100), |_| breaker.view(Instant::now()).trips == 2);
    // Sixteen rows once, four, five alone, and the four that the fifth is in.
    assert!(rig.calls() - before <= 8, "{} calls", rig.calls() - before);
}

#[test]
fn while_it_is_open_nothing_is_called_and_everything_waits() {
    let mut rig = rig(traps());
    rig.carry(&all_poison(5));
    // As if an hour's worth of waiting lay ahead, however slow this machine is.
    rig.breaker.order(Order::Open, Instant::now());
    let before = rig.calls();
    let told = rig.carry(&[good(1), good(2)]);
    assert_eq!(fates(&told), ["hold", "hold"]);
    assert!(told.contains("it is held back by hand; `lockgate plugin reset` lets it go again"));
    assert_eq!(rig.calls(), before);
}

#[test]
fn a_storm_of_instances_cannot_be_made() {
    let mut rig = rig(traps());
    let batch = all_poison(1_000);
    for _ in 0..50 {
        assert_eq!(count(&rig.carry(&batch), "hold"), 1_000);
    }
    // One search to open it, and one over sixteen rows for each probe since: a call that fails is a fresh instance for the next.
    let trips = usize::try_from(rig.breaker.view(Instant::now()).trips).unwrap();
    assert!(rig.calls() <= 12 + (trips - 1) * 9, "{} calls in {trips} open times", rig.calls());
}

#[test]
fn a_lone_poisonous_row_takes_its_policy() {
    let mut rig = rig(traps());
    for _ in 0..4 {
        assert_eq!(fates(&rig.carry(&[poison(1)])), ["dead-letter"]);
    }
    assert_eq!(rig.state(), State::Closed);
    // The fifth within ten seconds, and hardly anything that went well between them.
    assert_eq!(fates(&rig.carry(&[poison(1)])), ["hold"]);
}

#[test]
fn poisonous_rows_in_a_stream_that_mostly_goes_well_never_open_it() {
    let mut rig = rig(traps());
    let batch: Vec<Given> =
        (0..40).map(|row| if row == 7 { poison(row) } else { good(row) }).collect();
    for _ in 0..40 {
        let told = rig.carry(&batch);
        assert_eq!((count(&told, "dead-letter"), count(&told, "forward")), (1, 39));
        assert_eq!(fates(&rig.carry(&[good(1)])), ["forward"]);
    }
}

#[test]
fn where_over_a_quarter_fails_the_rows_that_failed_wait_and_what_went_well_goes_on() {
    let mut rig = rig(traps());
    let batch: Vec<Given> =
        (0..10).map(|row| if row < 4 { good(row) } else { poison(row) }).collect();
    let told = rig.carry(&batch);
    assert_eq!(fates(&told), [["forward"; 4].as_slice(), &["hold"; 6]].concat());
    assert_eq!(rig.state(), State::Open);
}

#[test]
fn a_record_behind_one_that_waits_waits_too() {
    let mut rig = rig(traps());
    let batch: Vec<Given> =
        (0..16).map(|row| if row % 3 == 0 { poison(row) } else { good(row) }).collect();
    let told = rig.carry(&batch);
    assert_eq!(fates(&told), ["hold"; 16], "the first record waits, so all of its partition do");
}

#[test]
fn a_plugin_that_fails_every_other_time_opens_it() {
    let mut odd = false;
    let mut rig = rig(allergic(move || {
        odd = !odd;
        if odd { Err(FaultClass::Trap) } else { Ok(()) }
    }));
    let fates: Vec<String> = (0..5).map(|_| rig.carry(&[poison(1)])).collect();
    // Each batch came out well, on a fresh instance.
    assert!(fates.iter().all(|told| told.starts_with("forward")), "{fates:?}");
    assert_eq!(rig.state(), State::Open);
}

#[test]
fn rows_that_depend_on_one_another_count_once() {
    let plan = Plan { independent: false, ..masks() };
    let mut rig = rig(Fake::faulting(plan, FaultClass::Trap));
    for _ in 0..4 {
        assert_eq!(fates(&rig.carry(&[poison(1), poison(2)])), ["dead-letter"; 2]);
    }
    assert_eq!(fates(&rig.carry(&[poison(1), poison(2)])), ["hold"; 2]);
}

#[test]
fn a_plugin_that_recovers_is_tried_with_a_few_rows_and_then_called_as_ever() {
    let is_ill = Arc::new(AtomicBool::new(true));
    let largest = Arc::new(AtomicUsize::new(0));
    let (ill, seen) = (Arc::clone(&is_ill), Arc::clone(&largest));
    let mut sizes = Vec::new();
    let mut rig = rig(Fake::answering(masks(), move |batch: Batch<'_>| {
        if ill.load(Ordering::Relaxed) {
            return Err(Fault::new(FaultClass::Trap, "it failed"));
        }
        sizes.push(batch.operations.len());
        seen.store(sizes.iter().take(3).max().copied().unwrap(), Ordering::Relaxed);
        Ok(Answer::default())
    }));
    let batch: Vec<Given> = (0..100).map(good).collect();
    assert_eq!(count(&rig.carry(&batch), "hold"), 100);
    is_ill.store(false, Ordering::Relaxed);
    let told = rig.until(&batch, |told| told.starts_with("forward"));
    assert_eq!(count(&told, "forward"), 100);
    assert_eq!((largest.load(Ordering::Relaxed), rig.state()), (PROBE_ROWS, State::Closed));
    // Three probes, and the rest at once.
    assert_eq!(rig.carry(&batch).lines().count(), 100);
}

#[test]
fn a_probe_that_fails_opens_it_again() {
    let mut rig = rig(traps());
    rig.carry(&all_poison(100));
    let before = rig.calls();
    let breaker = Arc::clone(&rig.breaker);
    rig.until(&all_poison(100), |told| {
        assert_eq!(count(told, "hold"), 100);
        breaker.view(Instant::now()).trips == 2
    });
    // Sixteen rows twice, four, five alone, and the four that the fifth is in.
    assert!(rig.calls() - before <= 9, "{} calls", rig.calls() - before);
}

#[test]
fn held_closed_by_hand_nothing_waits() {
    let mut rig = rig(traps());
    rig.breaker.order(Order::Close, Instant::now());
    for _ in 0..3 {
        assert_eq!(count(&rig.carry(&all_poison(100)), "dead-letter"), 100);
    }
}

#[test]
fn a_reset_lets_rows_in_at_once() {
    let mut rig = rig(traps());
    let before = rig.lane.releases();
    rig.carry(&all_poison(10));
    assert_eq!(rig.lane.releases(), before);
    rig.breaker.order(Order::Reset, Instant::now());
    assert_ne!(rig.lane.releases(), before);
    assert_eq!(fates(&rig.carry(&[good(1)])), ["forward"]);
}

#[test]
fn bypassed_it_lets_rows_by_as_they_came() {
    let untouched =
        |told: &str| told.lines().all(|line| line.starts_with("forward") && !line.contains('*'));
    let mut rig = rig(traps().on_open(OnOpen::Bypass));
    let told = rig.carry(&all_poison(100));
    assert!(untouched(&told), "{told}");
    assert_eq!(rig.state(), State::Open);
    rig.breaker.order(Order::Open, Instant::now());
    assert_eq!(rig.lane.take_bypassed(), 100, "also those it failed on when it opened");
    let told = rig.carry(&[good(1), good(2)]);
    assert!(untouched(&told), "{told}");
    assert_eq!(rig.lane.take_bypassed(), 2);
    rig.breaker.order(Order::Close, Instant::now());
    rig.carry(&[good(3)]);
    assert_eq!(rig.lane.take_bypassed(), 0);
}

#[test]
fn a_fault_policy_of_halt_or_pass_waits_as_well() {
    for policy in [FaultPolicy::Halt, FaultPolicy::Pass, FaultPolicy::Drop] {
        let mut rig = rig(traps().on_fault(policy));
        assert_eq!(fates(&rig.carry(&all_poison(10))), ["hold"; 10], "{policy:?}");
    }
}

#[test]
fn what_turned_is_told_once() {
    let mut rig = rig(traps());
    rig.carry(&all_poison(10));
    let turned = rig.lane.take_turned();
    assert_eq!(turned.iter().map(|turned| turned.state).collect::<Vec<_>>(), [State::Open]);
    assert!(turned[0].view.cause.as_deref().unwrap().contains("it failed"));
    rig.until(&[good(1), good(2)], |told| told.starts_with("forward"));
    rig.carry(&[good(1)]);
    rig.carry(&[good(1)]);
    let states: Vec<State> = rig.lane.take_turned().iter().map(|turned| turned.state).collect();
    assert_eq!(states, [State::HalfOpen, State::Closed]);
}
