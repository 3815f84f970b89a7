//! Versions that serve and are watched, and those that go back.

use super::*;
use crate::contract::Transform as _;
use crate::plugin::guests::{guest, table};

/// One plugin whose second version has just come to serve; the first.
fn in_probation() -> (Bench, Arc<Version>) {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    let old = bench.version("a");
    carry(&old, 90, 0);
    bench.put("10-a.wasm", "2.0.0");
    bench.reload();
    assert_eq!(bench.serving(), ["a@2.0.0"]);
    assert!(bench.catalog.is_in_probation());
    (bench, old)
}

/// The file of a version that was rolled back still lies there, and nothing comes of it.
fn stays_back(bench: &Bench) {
    for _ in 0..3 {
        let never = |_: Run<'_>| panic!("it is known to be bad");
        assert_eq!(bench.reload_beside(never).generation, None);
        assert_eq!(bench.serving(), ["a@1.0.0"]);
    }
    assert!(!bench.catalog.is_in_probation());
    let reloads = bench.catalog.reloads();
    assert_eq!((reloads.rolled_back, reloads.refused), (1, 0));
}

#[test]
fn a_version_whose_breaker_opens_goes_back_to_the_one_before() {
    let (bench, old) = in_probation();
    trip(&old);
    assert!(!bench.after(SOON));
    trip(&bench.version("a"));
    assert!(bench.after(Duration::from_secs(3)));
    assert!(Arc::ptr_eq(&bench.version("a"), &old));
    assert_eq!(old.breaker().view(Instant::now()).state, breaker::State::Closed);
    let failing = bench.failing();
    assert!(
        failing[0].starts_with(
            "rolled back after 3.0 s: its breaker opened: it failed 5 times within 10 s, the last time: it trapped; put \
             another file in its place"
        ),
        "{failing:?}"
    );
    stays_back(&bench);
}

#[test]
fn a_breaker_that_was_opened_and_closed_again_is_not_overlooked() {
    let (bench, old) = in_probation();
    let new = bench.version("a");
    trip(&new);
    new.breaker().order(breaker::Order::Reset, Instant::now());
    assert!(bench.after(SOON));
    assert!(Arc::ptr_eq(&bench.version("a"), &old));
}

#[test]
fn a_version_that_is_held_back_by_hand_is_not_judged_until_it_is_let_go() {
    let (bench, old) = in_probation();
    let new = bench.version("a");
    let order = |order| new.breaker().order(order, Instant::now());
    assert!(!bench.after(Duration::from_secs(10)));
    order(breaker::Order::Open);
    // Batches that were under way may still come to a bad end.
    carry(&new, 4, 4);
    for seconds in [20, 1_000, 2_000] {
        assert!(!bench.after(Duration::from_secs(seconds)), "nothing settles, nothing goes back");
    }
    assert!(Arc::ptr_eq(&bench.version("a"), &new) && bench.catalog.is_in_probation());
    // It was let go after 2000 s, of which it could be called for 20.
    order(breaker::Order::Reset);
    assert!(bench.after(Duration::from_secs(2_000)));
    assert!(Arc::ptr_eq(&bench.version("a"), &old));
    let failing = bench.failing();
    assert!(failing[0].starts_with("rolled back after 20.0 s: 4 of 4 batches"), "{failing:?}");
}

#[test]
fn time_in_which_it_is_held_back_is_no_time_to_prove_itself_in() {
    let (bench, _) = in_probation();
    let new = bench.version("a");
    for round in 0..3 {
        let at = |seconds: u64| Duration::from_secs(round * 1_000 + seconds);
        new.breaker().order(breaker::Order::Open, Instant::now());
        assert!(!bench.after(at(0)));
        assert!(!bench.after(at(980)));
        let let_go = if round == 0 { breaker::Order::Close } else { breaker::Order::Reset };
        new.breaker().order(let_go, Instant::now());
        assert!(!bench.after(at(980)));
    }
    // Twenty seconds of each round, and ten.
    assert!(!bench.after(Duration::from_secs(2_990)));
    assert!(bench.catalog.is_in_probation());
    assert!(bench.after(Duration::from_secs(3_001)));
    assert!(!bench.catalog.is_in_probation());
    assert!(Arc::ptr_eq(&bench.version("a"), &new));
}

#[test]
fn a_breaker_that_opened_by_itself_counts_though_it_is_then_held_open() {
    let (bench, old) = in_probation();
    let new = bench.version("a");
    trip(&new);
    new.breaker().order(breaker::Order::Open, Instant::now());
    assert!(!bench.after(SOON), "an operator's word holds");
    new.breaker().order(breaker::Order::Reset, Instant::now());
    assert!(bench.after(SOON));
    assert!(Arc::ptr_eq(&bench.version("a"), &old));
}

#[test]
fn a_version_that_fails_more_often_than_the_one_before_goes_back() {
    let (bench, old) = in_probation();
    let new = bench.version("a");
    carry(&new, 30, 2);
    assert!(!bench.after(SOON), "two faults happen to anyone");
    carry(&new, 10, 1);
    assert!(bench.after(SOON));
    assert!(Arc::ptr_eq(&bench.version("a"), &old));
    let failing = bench.failing();
    assert!(
        failing[0]
            .starts_with("rolled back after 1.0 s: 3 of 40 batches failed, before it 0 of 90;"),
        "{failing:?}"
    );
    stays_back(&bench);
}

#[test]
fn a_version_that_fails_as_often_as_the_one_before_stays() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    carry(&bench.version("a"), 1_000, 100);
    bench.put("10-a.wasm", "2.0.0");
    bench.reload();
    carry(&bench.version("a"), 100, 10);
    assert!(!bench.after(SOON));
    carry(&bench.version("a"), 1, 1);
    assert!(bench.after(SOON));
    assert_eq!(bench.serving(), ["a@1.0.0"]);
}

#[test]
fn a_version_that_is_too_slow_goes_back() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.folder.put("10-a.toml", b"p99 = \"20ms\"");
    bench.reload();
    let carry = |calls, slow| {
        let batch = Carried { rows: 10, calls, slow, faulty: false };
        bench.version("a").stats().carried(batch);
    };
    carry(99, 99);
    assert!(!bench.after(SOON), "99 calls say nothing about one in a hundred");
    carry(9_801, 0);
    assert!(!bench.after(SOON), "one in a hundred may be slow");
    carry(1, 1);
    assert!(bench.after(SOON));
    let failing = bench.failing();
    assert!(
        failing[0].contains(": 100 of 9901 calls took longer than `p99`, which is 20ms;"),
        "{failing:?}"
    );
    stays_back(&bench);
}

#[test]
fn a_version_that_does_not_take_a_table_goes_back_where_the_one_before_takes_it() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.folder.put("10-a.wasm", &guest("spin-open"));
    bench.folder.put("10-a.toml", b"deadline = \"5ms\"");
    bench.reload();
    let fails = bench.version("a");
    let open = || fails.instantiate().open_table(&table(1, "new")).unwrap_err();
    let opens = |refused: fn(&Version) -> bool| {
        move |chain: &[Arc<Version>]| match chain.iter().any(|version| refused(version)) {
            true => Err("a table is refused".to_owned()),
            false => Ok(()),
        }
    };
    let now = Instant::now() + SOON;
    open();
    assert!(!bench.catalog.watch_over(&opens(|_| false), now), "it was the machine");
    open();
    assert!(!bench.catalog.watch_over(&opens(|_| true), now), "no version takes it");
    assert!(bench.catalog.is_in_probation());
    open();
    let is_new = |version: &Version| version.stats().figures().unopened > 0;
    assert!(bench.catalog.watch_over(&opens(is_new), now));
    assert_eq!(bench.version("a").stats().figures().unopened, 0);
    assert!(bench.failing()[0].contains("does not take a table"), "{:?}", bench.failing());
}

#[test]
fn a_version_is_settled_once_its_time_or_its_events_are_over() {
    let (bench, _) = in_probation();
    assert!(!bench.after(Duration::from_secs(59)));
    assert!(bench.after(LATE));
    trip(&bench.version("a"));
    assert!(!bench.after(LATE));
    assert_eq!(bench.serving(), ["a@2.0.0"]);

    let (bench, _) = in_probation();
    carry(&bench.version("a"), 999, 0);
    assert!(!bench.after(SOON));
    carry(&bench.version("a"), 1, 0);
    assert!(bench.after(SOON));
    assert!(!bench.catalog.is_in_probation());
}

#[test]
fn what_it_did_before_it_served_is_no_part_of_its_probation() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.reload_beside(|run| {
        trip(&run.new[0]);
        carry(&run.new[0], 2_000, 2_000);
        Ok(Progress::default())
    });
    assert!(!bench.after(SOON));
    assert_eq!(bench.serving(), ["a@2.0.0"]);
    let state = bench.version("a").breaker().view(Instant::now()).state;
    assert_eq!(state, breaker::State::Closed);
}

#[test]
fn the_first_version_of_a_plugin_is_not_watched() {
    let bench = Bench::with(&[]);
    bench.put("10-a.wasm", "1.0.0");
    bench.reload();
    trip(&bench.version("a"));
    assert!(!bench.after(SOON));
    assert_eq!(bench.serving(), ["a@1.0.0"]);
    assert_eq!(bench.version("a").breaker().view(Instant::now()).state, breaker::State::Open);
}

#[test]
fn without_a_probation_a_version_is_settled_as_it_comes() {
    for none in ["probation = \"0s\"", "probation_events = 0"] {
        let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
        bench.put("10-a.wasm", "2.0.0");
        bench.folder.put("10-a.toml", none.as_bytes());
        bench.reload();
        assert!(!bench.catalog.is_in_probation(), "{none}");
    }
}

#[test]
fn settings_alone_that_do_harm_go_back_too() {
    let (bench, _) = in_probation();
    bench.after(LATE);
    let old = bench.version("a");
    bench.folder.put("10-a.toml", b"[settings]\nkeep = 4");
    bench.reload();
    assert!(!Arc::ptr_eq(&bench.version("a"), &old));
    trip(&bench.version("a"));
    assert!(bench.after(SOON));
    assert!(Arc::ptr_eq(&bench.version("a"), &old));
    assert_eq!(bench.reload().generation, None);
    assert_eq!(bench.failing().len(), 1);
    // The settings that serve: nothing to do, and nothing to complain about.
    bench.folder.remove("10-a.toml");
    assert_eq!(bench.reload().generation, None);
    assert_eq!(bench.failing(), Vec::<String>::new());
    bench.folder.put("10-a.toml", b"[settings]\nkeep = 5");
    assert!(bench.reload().generation.is_some());
}

#[test]
fn versions_that_need_each_other_go_back_together() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    let before = bench.catalog.current();
    bench.put("10-a.wasm", "2.0.0");
    bench.put("20-b.wasm", "2.0.0");
    bench.reload();
    trip(&bench.version("b"));
    let same_major = |chain: &[Arc<Version>]| {
        let majors: Vec<&str> = chain.iter().map(|it| it.identity.version.as_str()).collect();
        if majors[0] == majors[1] { Ok(()) } else { Err("a column is not covered".to_owned()) }
    };
    assert!(bench.catalog.watch_over(&same_major, Instant::now()));
    assert!(is_same_chain(&bench.catalog.current().plugins, &before.plugins));
    assert!(bench.failing()[0].starts_with("rolled back together with plugin \"b\"; "));
    assert_eq!(bench.catalog.reloads().rolled_back, 2);
}

#[test]
fn one_of_two_new_versions_goes_back_alone() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.put("20-b.wasm", "2.0.0");
    bench.reload();
    trip(&bench.version("b"));
    assert!(bench.after(SOON));
    assert_eq!(bench.serving(), ["a@2.0.0", "b@1.0.0"]);
    trip(&bench.version("a"));
    assert!(bench.after(SOON));
    assert_eq!(bench.serving(), ["a@1.0.0", "b@1.0.0"]);
}

#[test]
fn where_the_chain_cannot_run_with_the_old_version_the_new_one_stays() {
    let (bench, _) = in_probation();
    trip(&bench.version("a"));
    let refuse = |_: &[Arc<Version>]| Err("a column is not covered".to_owned());
    assert!(bench.catalog.watch_over(&refuse, Instant::now()));
    assert_eq!(bench.serving(), ["a@2.0.0"]);
    assert_eq!(bench.catalog.reloads().rolled_back, 0);
}

#[test]
fn a_version_that_is_replaced_before_it_is_settled_is_nothing_to_go_back_to() {
    let (bench, old) = in_probation();
    bench.put("10-a.wasm", "3.0.0");
    bench.reload();
    assert_eq!(bench.serving(), ["a@3.0.0"]);
    trip(&bench.version("a"));
    assert!(bench.after(SOON));
    assert!(Arc::ptr_eq(&bench.version("a"), &old));
}

#[test]
fn a_plugin_that_moves_in_the_chain_stays_under_watch() {
    let (bench, old) = in_probation();
    bench.folder.rename("10-a.wasm", "30-a.wasm");
    bench.reload();
    assert!(bench.catalog.is_in_probation());
    trip(&bench.version("a"));
    assert!(bench.after(SOON));
    assert!(Arc::ptr_eq(&bench.version("a"), &old));
    assert_eq!(bench.reload().generation, None);
}

#[test]
fn an_old_file_that_is_put_back_has_nothing_to_prove() {
    let (bench, _) = in_probation();
    bench.put("10-a.wasm", "1.0.0");
    bench.reload_beside(|_| panic!("it has served"));
    assert_eq!(bench.serving(), ["a@1.0.0"]);
    assert!(!bench.catalog.is_in_probation());
    assert_eq!(bench.failing(), Vec::<String>::new());
}

#[test]
fn a_plugin_that_goes_takes_what_was_remembered_along() {
    let (bench, _) = in_probation();
    trip(&bench.version("a"));
    bench.after(SOON);
    bench.folder.remove("10-a.wasm");
    bench.reload();
    assert_eq!(bench.serving(), Vec::<String>::new());
    bench.put("10-a.wasm", "2.0.0");
    bench.reload();
    assert_eq!(bench.serving(), ["a@2.0.0"]);
    assert!(!bench.catalog.is_in_probation());
}
