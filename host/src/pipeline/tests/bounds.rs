//! What a plugin can have the gateway keep: no plan and no answer makes a small batch into a large one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::fake::{Fake, Given, Lane, carry, field, settings};
use crate::contract::{Answer, Batch, Cells, Edit, Emission, Field, Image, Plan, kind};

/// An insert whose `doc` is an object of so many bytes.
fn row(bytes: usize) -> Given {
    let text = "x".repeat(bytes);
    Given::value(format!(
        r#"{{"after":{{"id":1,"doc":{{"text":"{text}"}}}},"source":{{"table":"t"}},"op":"c"}}"#
    ))
}

/// The most bytes that one call handed over, of 256 rows of 1 KB.
fn handed_over(reads: Vec<Field>) -> usize {
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let plugin =
        Fake::new(Plan { reads, independent: true, ..Plan::default() }, move |batch: Batch<'_>| {
            let bytes = |cells: &Cells| cells.data.len() + cells.kinds.len() * 5;
            seen.fetch_max(batch.reads.iter().map(bytes).sum(), Ordering::Relaxed);
            Answer::default()
        });
    let rows: Vec<Given> = (0..256).map(|_| row(1_000)).collect();
    let told = carry(settings(), vec![plugin], &rows);
    assert_eq!(told.matches("forward").count(), 256);
    most.load(Ordering::Relaxed)
}

#[test]
fn a_plan_with_many_reads_gets_fewer_rows_a_call() {
    let most = crate::chain::CALL_BYTES;
    let value = vec![field(Image::Meta, "value"); 8];
    let absent = (0..60_000).map(|n| field(Image::After, &format!("c{n}"))).collect();
    for reads in [value, vec![field(Image::After, "doc"); 8], absent] {
        let bytes = handed_over(reads);
        assert!((1..=most).contains(&bytes), "{bytes}");
    }
}

fn inside(pointer: String) -> Field {
    Field { pointer, ..field(Image::After, "doc") }
}

#[test]
fn what_is_written_into_one_cell_or_removed_from_it_costs_one_copy_of_it() {
    let places = |name: &str| (0..50).map(|n| inside(format!("/{name}{n}"))).collect();
    let plan = Plan { writes: places("w"), removes: places("r"), ..Plan::default() };
    let plugin = Fake::new(plan, |batch| {
        let rows: Vec<u32> = (0..u32::try_from(batch.operations.len()).unwrap()).collect();
        let edit = |write| {
            let (kinds, ends) = (vec![kind::NULL; rows.len()], vec![0; rows.len()]);
            Edit { write, rows: rows.clone(), cells: Cells { kinds, ends, data: Vec::new() } }
        };
        Answer { edits: (0..50).map(edit).collect(), ..Answer::default() }
    });
    let rows: Vec<Given> = (0..20).map(|_| row(10_000)).collect();
    let mut lane = Lane::new(settings(), vec![plugin]);
    let told = lane.carry(&rows);
    assert_eq!(told.matches(r#","w0":null,"w1":null,"#).count(), 20);
    let kept = lane.pipeline().chain.overlay().bytes();
    // Written once and removed from once.
    assert!((1..3 * 20 * 10_000).contains(&kept), "{kept}");
}

/// One row a table, so that each takes a call of its own, and each answer is as large as one may be.
#[test]
fn many_large_answers_to_one_batch_are_not_all_kept() {
    let large = |emits: bool| {
        let plan = Plan { writes: vec![field(Image::After, "new")], ..Plan::default() };
        Fake::new(plan, move |_| {
            let value = vec![b'1'; 1 << 19];
            if emits {
                let topic = "other".to_owned();
                let emission =
                    Emission { row: 0, topic, key: None, value: Some(value), headers: Vec::new() };
                return Answer { emissions: vec![emission], ..Answer::default() };
            }
            let ends = vec![1 << 19];
            let cells = Cells { kinds: vec![kind::NUMBER], ends, data: value };
            Answer { edits: vec![Edit { write: 0, rows: vec![0], cells }], ..Answer::default() }
        })
    };
    let table =
        |n| Given::value(format!(r#"{{"after":{{"id":1}},"source":{{"table":"t{n}"}},"op":"c"}}"#));
    let tables: Vec<Given> = (0..16).map(table).collect();
    for emits in [false, true] {
        let told = carry(settings(), vec![large(emits)], &tables);
        assert_eq!(told.lines().filter(|line| line.starts_with("forward")).count(), 8);
        let refused = "dead-letter contract-violated by plugin \"fake\": the answers to one batch hold more than 4 MiB of edits and \
                       emissions";
        assert_eq!(told.matches(refused).count(), 8);
    }
}

/// Each of a plan's fields has its own place, however many there are, and none takes the place of another.
#[test]
fn plans_of_very_many_fields_are_opened_as_any_other() {
    let headers = |prefix: &str| {
        let reads = (0..60_000).map(|n| field(Image::Header, &format!("{prefix}{n}"))).collect();
        let new = (0..60_000).map(|n| field(Image::After, &format!("new{n}"))).collect();
        let gone = (0..60_000).map(|n| field(Image::After, &format!("gone{n}"))).collect();
        Plan { reads, writes: new, removes: gone, ..Plan::default() }
    };
    let plugin = |prefix| Fake::new(headers(prefix), |_| Answer::default());
    let told = carry(settings(), vec![plugin("h")], &[row(10)]);
    assert!(told.starts_with("forward"), "{told}");
    let told = carry(settings(), vec![plugin("h"), plugin("h")], &[row(10)]);
    assert!(told.starts_with("forward"), "{told}");
    let told = carry(settings(), vec![plugin("h"), plugin("i")], &[row(10)]);
    assert_eq!(
        told.trim_end(),
        "halt contract-violated by plugin \"fake\": opening table \"t\": the plans name more than 65,535 headers"
    );
}
