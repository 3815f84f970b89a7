//! How long a trial goes on, and who hears of it.

use std::sync::atomic::AtomicU64;

use super::*;

struct Run {
    tap: Arc<Tap>,
    shadow: Shadow,
}

fn run() -> Run {
    let tap = Arc::new(Tap::default());
    Run { shadow: Shadow::new(settings(&[]), Arc::clone(&tap)), tap }
}

fn chains() -> ([Arc<Version>; 1], [Arc<Version>; 1]) {
    ([guest("pass")], [guest("stars")])
}

/// More than any test waits.
const PATIENCE: Duration = Duration::from_secs(60);
const WAIT: Length = Length { time: PATIENCE, events: 1_000_000 };

/// More often than it is asked while little is done.
const MANY: u64 = 300;

#[test]
fn without_a_record_it_does_not_wait() {
    let Run { shadow, .. } = run();
    let (old, new) = chains();
    let done = shadow.run(&old, &new, LONG, &|_| panic!("nobody has to be asked")).unwrap();
    assert_eq!(done, Progress::default());
    assert_eq!(shadow.latest("guest"), None);
}

#[test]
fn what_was_kept_is_gone_through_and_told_by_plugin() {
    let Run { tap, shadow } = run();
    offer(&tap, &[email(1, "anna@x.io"), email(2, "b@x.io")]);
    let (old, new) = chains();
    let length = Length { time: PATIENCE, events: 2 };
    let done = shadow.run(&old, &new, length, &|_| Go::On).unwrap();
    assert_eq!((done.compared, done.differing, done.new_faults), (2, 2, 0));
    let diff = shadow.latest("guest").unwrap();
    assert_eq!((diff.old.version.as_str(), diff.new.version.as_str()), ("pass-", "stars"));
    assert_eq!((diff.compared, diff.examples.len()), (2, 2));
    // The next takes its place.
    shadow.run(&old, &old, length, &|_| Go::On).unwrap();
    assert!(
        shadow.latest("guest").is_some(),
        "the plugin was not another, so nothing new is known"
    );
    shadow.run(&new, &old, length, &|_| Go::On).unwrap();
    assert_eq!(shadow.latest("guest").unwrap().new.version, "pass-");
    shadow.run(&old, &[mask(r#"{"email":"null"}"#)], length, &|_| Go::On).unwrap();
    assert_eq!(shadow.latest("guest").unwrap().new, Default::default());
    assert_eq!(shadow.latest("mask").unwrap().old, Default::default());
}

#[test]
fn live_records_come_after_the_kept_ones() {
    let Run { tap, shadow } = run();
    offer(&tap, &[email(1, "a@x.io")]);
    let (old, new) = chains();
    let length = Length { time: PATIENCE, events: 50 };
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                offer(&tap, &[email(2, "b@x.io")]);
                thread::yield_now();
            }
        });
        let seen = AtomicU64::new(0);
        let done = shadow.run(&old, &new, length, &|progress| {
            seen.fetch_max(progress.compared, Ordering::Relaxed);
            Go::On
        });
        stop.store(true, Ordering::Relaxed);
        let done = done.unwrap();
        assert!(done.compared >= 50 && seen.into_inner() <= done.compared, "{done:?}");
    });
}

#[test]
fn it_ends_when_who_asked_has_seen_enough_or_wants_it_no_more() {
    for word in [Go::Enough, Go::Away] {
        let Run { tap, shadow } = run();
        offer(&tap, &[email(1, "a@x.io")]);
        let (old, new) = chains();
        let told = AtomicU64::new(0);
        let watch = |progress: &Progress| {
            if progress.compared == 0 {
                return Go::On;
            }
            assert!(told.fetch_add(1, Ordering::Relaxed) < MANY, "it goes on");
            word
        };
        assert_eq!(shadow.run(&old, &new, WAIT, &watch).unwrap().compared, 1);
    }
}

#[test]
fn who_asked_is_heard_while_a_plugin_is_at_work() {
    let Run { tap, shadow } = run();
    offer(&tap, &[email(1, "poison")]);
    let old = [guest("pass")];
    let new = [guest_with("spin", |setup| setup.deadline = Duration::from_secs(1))];
    let asked = AtomicU64::new(0);
    let told = shadow.run(&old, &new, LONG, &|_| {
        asked.fetch_add(1, Ordering::Relaxed);
        Go::On
    });
    assert!(told.unwrap_err().contains("(timeout)"));
    assert!(asked.into_inner() > 3);
    assert_eq!(shadow.latest("guest").unwrap().differing, 1, "it can be looked at all the same");
}

#[test]
fn a_pipeline_that_stands_still_is_not_waited_for() {
    let since = Instant::now() - 2 * PATIENCE;
    let tap = Arc::new(Tap::since(since));
    let shadow = Shadow::new(settings(&[]), Arc::clone(&tap));
    // It came longer ago than one would wait for the next.
    offer_at(&tap, &[email(1, "a@x.io")], since);
    let (old, new) = chains();
    let asked = AtomicU64::new(0);
    let done = shadow.run(&old, &new, WAIT, &|_| {
        assert!(asked.fetch_add(1, Ordering::Relaxed) < MANY, "it waits");
        Go::On
    });
    assert_eq!(done.unwrap().compared, 1);
}
