//! One row that a plugin cannot do: it alone takes the fault policy, and the others go on in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::breaker::Order;
use crate::contract::{Answer, Batch, Fault, FaultClass, Image, Plan};

/// An insert whose note is the number, or "poison" and the number.
fn row(number: usize, poisonous: &[usize]) -> Given {
    let poison = if poisonous.contains(&number) { "poison" } else { "" };
    Given::value(format!(
        r#"{{"after":{{"id":{number},"note":"{poison}{number}"}},"source":{{"table":"t"}},"op":"c"}}"#
    ))
}

/// A plugin that masks notes, and fails wherever it finds the word.
fn fails(class: FaultClass, independent: bool) -> Fake {
    let note = field(Image::After, "note");
    let plan =
        Plan { reads: vec![note.clone()], writes: vec![note], independent, ..Plan::default() };
    Fake::answering(plan, move |batch: Batch<'_>| {
        let cells = &batch.reads[0];
        if memchr::memmem::find(&cells.data, b"poison").is_some() {
            return Err(Fault::new(class, "it failed"));
        }
        let rows: Vec<u32> = (0..u32::try_from(cells.kinds.len()).unwrap()).collect();
        Ok(answer(0, &rows, "*"))
    })
}

fn fates(plugin: Fake, rows: usize, poisonous: &[usize]) -> (Vec<usize>, Vec<usize>, usize) {
    let calls = Arc::clone(&plugin.calls);
    let given: Vec<Given> = (0..rows).map(|number| row(number, poisonous)).collect();
    let told = carry(settings(), vec![plugin], &given);
    let of = |kind: &str| {
        let lines = told.lines().enumerate().filter(|(_, line)| line.starts_with(kind));
        lines.map(|(number, _)| number).collect::<Vec<usize>>()
    };
    assert!(
        told.lines()
            .filter(|line| line.starts_with("forward"))
            .all(|line| line.contains(r#""note":"*""#))
    );
    (of("forward"), of("dead-letter"), calls.load(Ordering::Relaxed))
}

#[test]
fn a_poisonous_row_alone_is_refused() {
    let (forwarded, refused, calls) = fates(fails(FaultClass::Trap, true), 1_000, &[617]);
    assert_eq!(refused, [617]);
    assert_eq!(forwarded.len(), 999);
    // The batch twice, then four parts for each of five levels.
    assert!(calls <= 22, "{calls} calls");
}

#[test]
fn several_poisonous_rows_are_all_found_at_either_end_and_side_by_side() {
    let poisonous = [0, 1, 500, 998, 999];
    let (forwarded, refused, _) =
        fates(fails(FaultClass::ContractViolated, true), 1_000, &poisonous);
    assert_eq!(refused, poisonous);
    assert_eq!(forwarded.len(), 995);
}

#[test]
fn rows_that_depend_on_one_another_are_refused_together() {
    let (forwarded, refused, calls) = fates(fails(FaultClass::Trap, false), 10, &[3]);
    assert_eq!((forwarded.len(), refused.len(), calls), (0, 10, 2));
}

#[test]
fn a_row_that_runs_out_of_time_is_tried_again_and_an_answer_is_not_doubted() {
    let (_, refused, calls) = fates(fails(FaultClass::Timeout, true), 1, &[0]);
    assert_eq!((refused.as_slice(), calls), ([0].as_slice(), 3));
    let (_, refused, calls) = fates(fails(FaultClass::Rejected, true), 1, &[0]);
    assert_eq!((refused.as_slice(), calls), ([0].as_slice(), 1));
}

#[test]
fn a_row_that_was_slow_is_tried_again_when_the_others_are_done() {
    let (forwarded, refused, calls) = fates(fails(FaultClass::Timeout, true), 1_000, &[0]);
    assert_eq!((forwarded.len(), refused.as_slice()), (999, [0].as_slice()));
    // As for a trap, and twice more alone.
    assert!(calls <= 24, "{calls} calls");
    let (late, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let note = field(Image::After, "note");
    let plan = Plan { reads: vec![note], independent: true, ..Plan::default() };
    let slow = Fake::answering(plan, move |batch: Batch<'_>| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        if memchr::memmem::find(&batch.reads[0].data, b"poison").is_some() {
            let alone = batch.reads[0].kinds.len() == 1;
            let seen = late.fetch_add(usize::from(alone), Ordering::Relaxed);
            if !alone || seen == 0 {
                return Err(Fault::new(FaultClass::Timeout, "it failed"));
            }
            assert!(call > 20, "others were waiting at call {call}");
        }
        Ok(Answer::default())
    });
    let given: Vec<Given> = (0..1_000).map(|number| row(number, &[0])).collect();
    let told = carry(settings(), vec![slow], &given);
    assert_eq!(told.lines().filter(|line| line.starts_with("forward")).count(), 1_000);
}

#[test]
fn where_everything_is_poisonous_the_search_has_an_end() {
    let all: Vec<usize> = (0..1_000).collect();
    let plugin = fails(FaultClass::Trap, true);
    // By itself the breaker would end it sooner, and let the rows wait.
    plugin.breaker.order(Order::Close, Instant::now());
    let (forwarded, refused, calls) = fates(plugin, 1_000, &all);
    assert_eq!((forwarded.len(), refused.len()), (0, 1_000));
    assert!(calls < 600, "{calls} calls");
}

#[test]
fn a_fault_that_does_not_come_again_costs_nothing() {
    let met = AtomicUsize::new(0);
    let note = field(Image::After, "note");
    let plan = Plan { reads: vec![note], independent: true, ..Plan::default() };
    let once = Fake::answering(plan, move |_| match met.fetch_add(1, Ordering::Relaxed) {
        0 => Err(Fault::new(FaultClass::Trap, "it failed")),
        _ => Ok(Answer::default()),
    });
    let calls = Arc::clone(&once.calls);
    let given: Vec<Given> = (0..5).map(|number| row(number, &[])).collect();
    let told = carry(settings(), vec![once], &given);
    assert_eq!(told.lines().filter(|line| line.starts_with("forward")).count(), 5);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}
