//! What waits for a plugin: records whole and in order, tables that cannot be opened for now, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::breaker::{all_poison, count, fates, good, masks, rig};
use super::fake::{Fake, Given, Lane, field, settings};
use super::{delete, rows_where, update};
use crate::breaker::{Order, State};
use crate::config::OnOpen;
use crate::contract::{Answer, Batch, Fault, FaultClass, Image, Plan, Rejection};
use crate::table::Dialect;

#[test]
fn later_plugins_do_not_see_a_row_that_waits_and_edits_before_are_forgotten() {
    let masking = super::email_becomes("***");
    let failing = Fake::faulting(
        Plan { reads: vec![field(Image::Before, "id")], independent: true, ..Plan::default() },
        FaultClass::Trap,
    );
    let later = Fake::new(masks(), |_| panic!("it sees a row that waits"));
    let breaker = Arc::clone(&failing.breaker);
    let mut lane = Lane::new(settings(), vec![masking, failing, later]);
    assert_eq!(fates(&lane.carry(&all_poison(10))), ["hold"; 10]);
    assert!(lane.carry(&[good(1)]).starts_with("hold by fake"));
    assert!(breaker.view(Instant::now()).trips > 0);
}

#[test]
fn one_row_that_waits_has_its_whole_record_wait() {
    // Canal: three rows of one message, of which the first plugin drops one and refuses one.
    let message = Given::value(
        r#"{"data":[{"id":"1","email":"a"},{"id":"2","email":"b"},{"id":"3","email":"c"}],"old":null,"database":"d","table":"t","type":"INSERT","pkNames":["id"],"ts":1,"es":1,"isDdl":false}"#,
    );
    let mut settings = settings();
    settings.dialects = Dialect::Canal.into();
    let decides = Fake::new(masks(), |_| Answer {
        drops: vec![0],
        rejections: vec![Rejection { row: 2, reason: "no".to_owned() }],
        ..Answer::default()
    });
    let fails = Fake::faulting(masks(), FaultClass::NotRun);
    let mut lane = Lane::new(settings, vec![decides, fails]);
    assert_eq!(lane.carry(&[message]), "hold by fake: it failed\n");
}

#[test]
fn a_delete_that_waits_is_not_remembered_as_one_that_was_dropped() {
    let plan =
        Plan { reads: vec![field(Image::Before, "email")], independent: true, ..Plan::default() };
    let is_ill = Arc::new(AtomicBool::new(true));
    let ill = Arc::clone(&is_ill);
    let plugin = Fake::answering(plan, move |_| match ill.load(Ordering::Relaxed) {
        true => Err(Fault::new(FaultClass::NotRun, "the clock has stopped")),
        false => Ok(Answer::default()),
    });
    let mut lane = Lane::new(settings(), vec![plugin]);
    let pair = [delete(1), Given::tombstone(r#"{"id":1}"#)];
    assert_eq!(fates(&lane.carry(&pair)), ["hold", "hold"]);
    is_ill.store(false, Ordering::Relaxed);
    assert_eq!(fates(&lane.carry(&pair)), ["forward", "forward"]);
}

#[test]
fn a_tombstone_that_waits_still_goes_the_way_of_its_delete_afterwards() {
    let is_ill = Arc::new(AtomicBool::new(false));
    let ill = Arc::clone(&is_ill);
    let plan = Plan { reads: vec![field(Image::Before, "email")], ..Plan::default() };
    let drops_deletes = Fake::answering(plan, move |batch: Batch<'_>| {
        if ill.load(Ordering::Relaxed) {
            return Err(Fault::new(FaultClass::NotRun, "the clock has stopped"));
        }
        let drops = rows_where(batch.operations, |operation| operation == b'd');
        Ok(Answer { drops, ..Answer::default() })
    });
    let mut lane = Lane::new(settings(), vec![drops_deletes]);
    // Settled and committed: only what comes behind it is read again.
    assert_eq!(fates(&lane.carry(&[delete(1)])), ["drop"]);
    is_ill.store(true, Ordering::Relaxed);
    let rest = [update(2, "b@x.io"), Given::tombstone(r#"{"id":1}"#)];
    assert_eq!(fates(&lane.carry(&rest)), ["hold", "hold"]);
    is_ill.store(false, Ordering::Relaxed);
    assert_eq!(fates(&lane.carry(&rest)), ["forward", "drop"]);
}

#[test]
fn what_the_gateway_cannot_run_is_tried_once_held_and_no_fault() {
    let mut rig = rig(Fake::faulting(masks(), FaultClass::NotRun));
    for _ in 0..10 {
        let told = rig.carry(&all_poison(100));
        assert_eq!(told.lines().next(), Some("hold by fake: it failed"));
        assert_eq!(count(&told, "hold"), 100);
    }
    assert_eq!((rig.calls(), rig.state()), (10, State::Closed));
    assert_eq!(rig.breaker.view(Instant::now()).trips, 0);
}

#[test]
fn where_the_gateway_cannot_run_a_plugin_it_asks_for_nothing_more_in_that_batch() {
    let first = Fake::faulting(masks(), FaultClass::NotRun);
    let second = Fake::new(masks(), |_| panic!("it would only cost another wait"));
    let calls = Arc::clone(&first.calls);
    let mut lane = Lane::new(settings(), vec![first, second]);
    assert_eq!(fates(&lane.carry(&[good(1), other_table(2)])), ["hold", "hold"]);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

fn other_table(id: u32) -> Given {
    Given::value(format!(
        r#"{{"before":null,"after":{{"id":{id},"email":"a"}},"source":{{"db":"shop","schema":"public","table":"orders"}},"op":"c"}}"#
    ))
}

#[test]
fn a_table_that_cannot_be_opened_for_now_waits_and_is_opened_later() {
    for class in
        [FaultClass::NotRun, FaultClass::Timeout, FaultClass::Trap, FaultClass::OutOfMemory]
    {
        let plugin = Fake::new(masks(), |_| Answer::default());
        let opens = plugin.opens_with(class, 1);
        let mut rig = rig(opens);
        let told = rig.carry(&[good(1)]);
        assert_eq!(
            told, "hold by fake: opening table \"shop.public.customers\": it failed\n",
            "{class:?}"
        );
        let told = rig.until(&[good(1)], |told| !told.starts_with("hold"));
        assert_eq!(fates(&told), ["forward"], "{class:?}");
    }
}

#[test]
fn a_table_that_cannot_be_opened_is_asked_for_ever_more_seldom() {
    let plugin = Fake::new(masks(), |_| Answer::default()).opens_with(FaultClass::Trap, usize::MAX);
    let opened = Arc::clone(&plugin.opened);
    let mut rig = rig(plugin);
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(fates(&rig.carry(&[good(1), good(2)])), ["hold", "hold"]);
    }
    let opened = opened.load(Ordering::Relaxed) as u64;
    assert!(opened <= 1 + begun.elapsed().as_secs(), "{opened} times");
}

#[test]
fn a_table_that_is_refused_halts_and_one_that_fails_waits_even_where_the_breaker_is_held_closed() {
    let mut lane = Lane::new(settings(), vec![Fake::refusing("no such type")]);
    assert_eq!(fates(&lane.carry(&[good(1)])), ["halt"]);
    let plugin = Fake::new(masks(), |_| Answer::default()).opens_with(FaultClass::Trap, usize::MAX);
    let mut rig = rig(plugin);
    rig.breaker.order(Order::Close, Instant::now());
    assert_eq!(fates(&rig.carry(&[good(1)])), ["hold"]);
}

#[test]
fn while_it_is_open_no_table_is_opened_even_where_rows_go_by() {
    for on_open in [OnOpen::Halt, OnOpen::Bypass] {
        let plugin = Fake::new(masks(), |_| Answer::default()).on_open(on_open);
        let opened = Arc::clone(&plugin.opened);
        let mut rig = rig(plugin);
        rig.breaker.order(Order::Open, Instant::now());
        assert_eq!(fates(&rig.carry(&[good(1)])), ["hold"]);
        assert_eq!(opened.load(Ordering::Relaxed), 0);
        rig.breaker.order(Order::Reset, Instant::now());
        assert_eq!(fates(&rig.carry(&[good(1)])), ["forward"]);
    }
}
