//! Versions that run beside what serves before they do.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const DONE: Progress = Progress {
    compared: 340,
    differing: 2,
    old_faults: 0,
    new_faults: 0,
    elapsed: Duration::from_millis(1_200),
};

#[test]
fn a_new_version_runs_beside_the_old_before_it_serves() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.folder.put("10-a.toml", b"shadow = \"9s\"\nshadow_events = 10");
    bench.put("30-c.wasm", "1.0.0");
    let seen = Mutex::new(Vec::new());
    let reload = bench.reload_beside(|run| {
        assert_eq!(bench.serving(), ["a@1.0.0", "b@1.0.0"]);
        seen.lock().unwrap().push((names(run.old), names(run.new), run.length));
        assert_eq!((run.watch)(&DONE), Go::On);
        Ok(DONE)
    });
    assert_eq!(reload.generation, Some(2));
    assert_eq!(bench.serving(), ["a@2.0.0", "b@1.0.0", "c@1.0.0"]);
    let seen = seen.into_inner().unwrap();
    let [(old, new, length)] = seen.as_slice() else { panic!("one run, not {seen:?}") };
    assert_eq!(old.as_slice(), ["a@1.0.0", "b@1.0.0"]);
    assert_eq!(new.as_slice(), ["a@2.0.0", "b@1.0.0", "c@1.0.0"]);
    assert_eq!(*length, Length { time: Duration::from_secs(9), events: 1_000 });
}

#[test]
fn a_run_without_a_record_holds_nothing_up() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.reload_beside(|_| Ok(Progress::default()));
    assert_eq!(bench.serving(), ["a@2.0.0"]);
}

#[test]
fn what_is_removed_moved_or_wanted_at_once_runs_beside_nothing() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    let never = |_: Run<'_>| panic!("nothing is to be run");
    bench.folder.rename("10-a.wasm", "30-a.wasm");
    assert_eq!(bench.reload_beside(never).generation, Some(2));
    assert_eq!(bench.serving(), ["b@1.0.0", "a@1.0.0"]);
    assert!(!bench.catalog.is_in_probation());
    bench.folder.remove("20-b.wasm");
    assert_eq!(bench.reload_beside(never).generation, Some(3));
    bench.put("30-a.wasm", "2.0.0");
    bench.folder.put("30-a.toml", b"reload = \"immediate\"");
    assert_eq!(bench.reload_beside(never).generation, Some(4));
    bench.put("30-a.wasm", "3.0.0");
    bench.folder.put("30-a.toml", b"shadow = \"0s\"");
    assert_eq!(bench.reload_beside(never).generation, Some(5));
}

#[test]
fn who_fails_the_trial_runs_beside_nothing() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    let never = Play(|_: Run<'_>| panic!("nothing is to be run"));
    bench.checked(&|_| Err("no such column".to_owned()), Some(&never));
    assert_eq!(bench.serving(), ["a@1.0.0"]);
    assert_eq!(bench.failing(), ["no such column"]);
}

#[test]
fn who_fails_beside_the_old_is_not_tried_again() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    let runs = AtomicUsize::new(0);
    let fails = |_: Run<'_>| {
        runs.fetch_add(1, Ordering::Relaxed);
        Err("it fails on 3 records that the version before does".to_owned())
    };
    bench.put("10-a.wasm", "2.0.0");
    for _ in 0..3 {
        assert_eq!(bench.reload_beside(fails).generation, None);
        assert_eq!(
            bench.failing(),
            [
                "it fails on 3 records that the version before does; put another file in its place, or take it all the same with \
              `lockgate plugin promote a`"
            ]
        );
    }
    assert_eq!((bench.serving(), runs.load(Ordering::Relaxed)), (vec!["a@1.0.0".to_owned()], 1));
    assert_eq!(bench.catalog.reloads().refused, 1);

    // Other settings make another version of the same file.
    bench.folder.put("10-a.toml", b"[settings]\nkeep = 4");
    bench.reload_beside(fails);
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    bench.put("10-a.wasm", "3.0.0");
    bench.reload_beside(|_| Ok(DONE));
    assert_eq!(bench.serving(), ["a@3.0.0"]);
    assert_eq!(bench.failing(), Vec::<String>::new());
    // It is not forgotten with the next file, and told of once.
    bench.folder.remove("10-a.toml");
    bench.put("10-a.wasm", "2.0.0");
    let refused = bench.catalog.reloads().refused;
    for _ in 0..3 {
        bench.reload_beside(fails);
        assert_eq!(bench.serving(), ["a@3.0.0"]);
    }
    assert_eq!(bench.catalog.reloads().refused, refused + 1);
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[test]
fn who_fails_beside_the_old_holds_up_no_other() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    bench.put("20-b.wasm", "2.0.0");
    bench.put("30-c.wasm", "1.0.0");
    bench.reload_beside(|run| {
        let bad = names(run.new).contains(&"b@2.0.0".to_owned());
        if bad { Err("it fails".to_owned()) } else { Ok(DONE) }
    });
    assert_eq!(bench.serving(), ["a@2.0.0", "b@1.0.0", "c@1.0.0"]);
    assert_eq!(bench.failing().len(), 1);
}

#[test]
fn a_newer_file_does_not_wait_for_the_end_of_the_run() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    let hints = Mutex::new(vec![Meanwhile::Hint, Meanwhile::Hint, Meanwhile::Nothing]);
    let meanwhile = || hints.lock().unwrap().pop().unwrap();
    let play = Play(|run: Run<'_>| {
        assert_eq!((run.watch)(&DONE), Go::On);
        // Somebody else's file.
        bench.folder.put("README.md", b"not a plugin");
        assert_eq!((run.watch)(&DONE), Go::On);
        bench.put("10-a.wasm", "3.0.0");
        assert_eq!((run.watch)(&DONE), Go::Away);
        Err("given up".to_owned())
    });
    let checks = Checks { trial: FINE, rehearsal: Some(&play), meanwhile: &meanwhile };
    let reload = bench.catalog.reload(&checks);
    assert_eq!(reload, Reload { interrupted: true, ..Reload::default() });
    assert_eq!((bench.serving(), bench.failing()), (vec!["a@1.0.0".to_owned()], Vec::new()));
    bench.reload_beside(|_| Ok(DONE));
    assert_eq!(bench.serving(), ["a@3.0.0"]);
}

#[test]
fn a_run_ends_when_nobody_follows_the_folder_any_longer() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    bench.put("10-a.wasm", "2.0.0");
    let play = Play(|run: Run<'_>| {
        assert_eq!((run.watch)(&DONE), Go::Away);
        Ok(DONE)
    });
    let meanwhile = || Meanwhile::Over;
    let checks = Checks { trial: FINE, rehearsal: Some(&play), meanwhile: &meanwhile };
    assert!(bench.catalog.reload(&checks).interrupted);
    assert_eq!(bench.serving(), ["a@1.0.0"]);
}

#[test]
fn a_chain_that_changes_meanwhile_is_run_beside_anew() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    bench.put("20-b.wasm", "2.0.0");
    bench.reload();
    bench.put("10-a.wasm", "2.0.0");
    let reload = bench.reload_beside(|run| {
        bench.catalog.rollback("b", FINE).unwrap();
        assert_eq!((run.watch)(&DONE), Go::Away);
        Ok(DONE)
    });
    assert!(reload.interrupted);
    assert_eq!(bench.serving(), ["a@1.0.0", "b@1.0.0"]);
    bench.catalog.promote("b").unwrap();
    bench.reload();
    assert_eq!(bench.serving(), ["a@1.0.0", "b@2.0.0"]);
    // Also where the run has just come to its end.
    let reload = bench.reload_beside(|_| {
        bench.catalog.rollback("b", FINE).unwrap();
        Ok(DONE)
    });
    assert!(reload.interrupted);
    assert_eq!(bench.serving(), ["a@1.0.0", "b@1.0.0"]);
}

#[test]
fn versions_under_watch_are_looked_after_while_another_runs_beside() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    bench.put("20-b.wasm", "2.0.0");
    bench.reload();
    bench.put("10-a.wasm", "2.0.0");
    bench.reload_beside(|run| {
        trip(&bench.version("b"));
        assert_eq!((run.watch)(&DONE), Go::Away);
        Ok(DONE)
    });
    assert_eq!(bench.serving(), ["a@1.0.0", "b@1.0.0"]);
}
