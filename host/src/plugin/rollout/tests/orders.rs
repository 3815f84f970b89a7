//! Orders in every stage.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::control::Refused;

fn conflict(result: Result<String, Refused>) -> String {
    match result {
        Err(Refused::Conflict(words)) => words,
        other => panic!("a conflict, not {other:?}"),
    }
}

/// One plugin whose second version serves.
fn second() -> Bench {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.reload();
    bench
}

#[test]
fn a_version_that_runs_beside_the_old_is_promoted() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.reload_beside(|run| {
        let told = bench.catalog.promote("a").unwrap();
        assert_eq!(told, "version 2.0.0 of plugin \"a\" comes to serve now");
        assert_eq!((run.watch)(&Progress::default()), Go::Enough);
        Err("that is not asked any more".to_owned())
    });
    assert_eq!(bench.serving(), ["a@2.0.0"]);
    assert!(bench.catalog.is_in_probation());
}

#[test]
fn one_of_two_that_run_beside_the_old_is_promoted_alone() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.put("20-b.wasm", "2.0.0");
    bench.reload_beside(|run| {
        bench.catalog.promote("b").unwrap();
        assert_eq!((run.watch)(&Progress::default()), Go::Away);
        Ok(Progress::default())
    });
    assert_eq!(bench.serving(), ["a@1.0.0", "b@1.0.0"]);
    let reload = bench.reload_beside(|_| panic!("the promoted one does not wait for the other"));
    assert_eq!(bench.serving(), ["a@1.0.0", "b@2.0.0"]);
    assert!(reload.interrupted, "the other is to be looked at");
    bench.reload_beside(|run| {
        assert_eq!(names(run.new), ["a@2.0.0", "b@2.0.0"]);
        Ok(Progress::default())
    });
    assert_eq!(bench.serving(), ["a@2.0.0", "b@2.0.0"]);
}

#[test]
fn a_version_that_runs_beside_the_old_is_given_up() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    let reload = bench.reload_beside(|run| {
        let told = bench.catalog.rollback("a", FINE).unwrap();
        assert_eq!(told, "version 2.0.0 of plugin \"a\" is given up; it has not served");
        assert_eq!((run.watch)(&Progress::default()), Go::Away);
        Ok(Progress::default())
    });
    assert!(reload.interrupted);
    for _ in 0..2 {
        bench.reload_beside(|_| panic!("it was given up"));
        assert_eq!(bench.serving(), ["a@1.0.0"]);
        assert!(bench.failing()[0].starts_with("rolled back by hand; "), "{:?}", bench.failing());
    }
    let reloads = bench.catalog.reloads();
    assert_eq!((reloads.rolled_back, reloads.refused), (1, 0));
}

#[test]
fn a_version_is_given_up_even_where_its_run_is_just_over() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.reload_beside(|_| {
        bench.catalog.rollback("a", FINE).unwrap();
        Ok(Progress::default())
    });
    assert_eq!(bench.serving(), ["a@1.0.0"]);
}

#[test]
fn a_version_under_watch_is_settled_by_hand() {
    let bench = second();
    assert_eq!(bench.catalog.promote("a").unwrap(), "version 2.0.0 of plugin \"a\" is settled");
    trip(&bench.version("a"));
    assert!(!bench.after(SOON));
    assert_eq!(bench.serving(), ["a@2.0.0"]);
    assert_eq!(
        conflict(bench.catalog.promote("a")),
        "plugin \"a\" serves as 2.0.0 and is settled; nothing waits to be promoted"
    );
}

#[test]
fn going_back_from_newer_settings_is_told_as_such() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.folder.put("10-a.toml", b"deadline = '100ms'");
    bench.reload();
    let told = bench.catalog.rollback("a", FINE).unwrap();
    assert_eq!(
        told,
        "version 1.0.0 of plugin \"a\" serves again, in place of itself with the newer settings"
    );
}

#[test]
fn a_version_goes_back_by_hand_under_watch_and_settled() {
    for settle in [false, true] {
        let bench = second();
        if settle {
            bench.after(LATE);
        }
        let told = bench.catalog.rollback("a", FINE).unwrap();
        assert_eq!(told, "version 1.0.0 of plugin \"a\" serves again, in place of 2.0.0");
        assert_eq!(bench.serving(), ["a@1.0.0"]);
        assert!(bench.failing()[0].starts_with("rolled back by hand; "));
        assert_eq!(bench.reload().generation, None);
        assert_eq!(bench.catalog.reloads().rolled_back, 1);
        assert_eq!(
            conflict(bench.catalog.rollback("a", FINE)),
            "plugin \"a\" serves as 1.0.0, and no version before it is kept to go back to; put its file into the plugin folder"
        );
    }
}

#[test]
fn a_version_that_went_back_is_taken_all_the_same() {
    let bench = second();
    trip(&bench.version("a"));
    bench.after(SOON);
    assert_eq!(
        bench.catalog.promote("a").unwrap(),
        "version 2.0.0 of plugin \"a\" comes to serve now, unless it fails a check"
    );
    bench.reload_beside(|_| panic!("whoever promotes it has seen enough"));
    assert_eq!(bench.serving(), ["a@2.0.0"]);
    assert!(!bench.catalog.is_in_probation());
    assert_eq!(bench.failing(), Vec::<String>::new());
    // And back once more.
    bench.catalog.rollback("a", FINE).unwrap();
    assert_eq!(bench.serving(), ["a@1.0.0"]);
}

#[test]
fn a_version_that_failed_beside_the_old_is_taken_all_the_same() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.reload_beside(|_| Err("it fails".to_owned()));
    bench.catalog.promote("a").unwrap();
    bench.reload_beside(|_| panic!("whoever promotes it has seen enough"));
    assert_eq!(bench.serving(), ["a@2.0.0"]);
}

#[test]
fn nothing_is_promoted_past_its_checks() {
    let bench = second();
    bench.catalog.rollback("a", FINE).unwrap();
    bench.catalog.promote("a").unwrap();
    bench.checked(&|_| Err("a column is not covered".to_owned()), None);
    assert_eq!(bench.serving(), ["a@1.0.0"]);
    assert_eq!(
        conflict(bench.catalog.promote("a")),
        "the new file of plugin \"a\" does not pass its checks, which nothing can replace: a column is not covered"
    );
    // An operator may think better of it.
    let told = bench.catalog.rollback("a", FINE).unwrap();
    assert_eq!(told, "version 2.0.0 of plugin \"a\" is given up; it has not served");
    assert_eq!(bench.reload().generation, None);
}

#[test]
fn nothing_goes_back_by_hand_to_a_chain_that_cannot_run() {
    let bench = second();
    let refuse = |_: &[Arc<Version>]| Err("a column is not covered".to_owned());
    assert_eq!(
        conflict(bench.catalog.rollback("a", &refuse)),
        "the chain cannot run with version 1.0.0 of plugin \"a\": a column is not covered"
    );
    assert_eq!(bench.serving(), ["a@2.0.0"]);
}

#[test]
fn what_does_not_serve_is_not_ordered_about() {
    let bench = second();
    assert_eq!(conflict(bench.catalog.rollback("b", FINE)), "plugin \"b\" does not serve");
    let told = conflict(bench.catalog.promote("b"));
    assert_eq!(told, "plugin \"b\" does not serve, and none of its versions waits to");
}

#[test]
fn orders_have_the_folder_looked_at() {
    let bench = second();
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    bench.catalog.on_order(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    bench.catalog.rollback("a", FINE).unwrap();
    bench.catalog.promote("a").unwrap();
    assert_eq!(looks.load(Ordering::Relaxed), 2);
}
