//! What the tap keeps, what it leaves, and that no lane ever waits for it.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use super::*;

struct Given {
    topic: Arc<str>,
    key: Vec<u8>,
    value: Vec<u8>,
}

fn given(value: &[u8]) -> Given {
    Given { topic: "t".into(), key: b"k".to_vec(), value: value.to_vec() }
}

impl Given {
    fn record(&self, offset: i64) -> Record<'_> {
        Record {
            topic: &self.topic,
            partition: 3,
            offset,
            timestamp: Some(7),
            key: Some(&self.key),
            value: Some(&self.value),
            headers: vec![
                Header { name: b"h", value: Some(b"v") },
                Header { name: b"none", value: None },
            ],
        }
    }

    fn records(&self, offsets: std::ops::Range<i64>) -> Vec<Record<'_>> {
        offsets.map(|offset| self.record(offset)).collect()
    }
}

fn offsets(samples: &[Arc<Copies>]) -> Vec<i64> {
    samples.iter().flat_map(|sample| sample.records()).map(|record| record.offset).collect()
}

fn after(tap: &Tap, millis: u64) -> Instant {
    tap.since + Duration::from_millis(millis)
}

#[test]
fn a_sample_holds_its_records_as_they_were() {
    let tap = Arc::new(Tap::default());
    let given = given(b"value");
    let mut records = given.records(5..7);
    records[1].value = None;
    records[1].key = None;
    tap.offer(&records, after(&tap, 0));
    let watch = tap.watch();
    let kept = watch.kept()[0].records();
    assert_eq!(format!("{kept:?}"), format!("{records:?}"));
}

#[test]
fn one_batch_in_each_period_is_kept_and_the_last_eight_of_them() {
    let tap = Arc::new(Tap::default());
    let given = given(b"value");
    for tenth in 0..100 {
        let number = i64::try_from(tenth).unwrap();
        tap.offer(&given.records(number..number + 1), after(&tap, tenth * 50));
    }
    let watch = tap.watch();
    assert_eq!(offsets(watch.kept()), [60, 65, 70, 75, 80, 85, 90, 95]);
}

#[test]
fn a_sample_is_bounded_in_records_and_in_bytes() {
    let small = given(b"value");
    assert_eq!(sample(&small.records(0..1_000)).unwrap().len(), RECORDS);
    let large = given(&vec![b'x'; BYTES / 4]);
    let taken = sample(&large.records(0..9)).unwrap();
    assert_eq!(taken.len(), 3, "keys and headers count too");
    assert!(taken.bytes() <= BYTES);
    let huge = given(&vec![b'x'; BYTES]);
    assert!(sample(&huge.records(0..9)).is_none());
    let behind = [huge.record(0), small.record(1)];
    let taken = sample(&behind).unwrap();
    assert_eq!(taken.records()[0].offset, 1);
    let mut headed = small.record(0);
    headed.headers = vec![Header { name: b"", value: None }; BYTES / HEADER_BYTES];
    assert!(sample(&[headed]).is_none(), "empty headers take room too");
}

#[test]
fn a_delete_is_not_cut_off_from_its_tombstone() {
    let given = given(b"value");
    let count = i64::try_from(RECORDS).unwrap();
    let mut records = given.records(0..count + 10);
    records[RECORDS].value = None;
    assert_eq!(sample(&records).unwrap().len(), RECORDS - 1);
    records[RECORDS].key = Some(b"another");
    assert_eq!(sample(&records).unwrap().len(), RECORDS);
}

#[test]
fn who_watches_gets_each_batch_and_what_there_is_no_room_for_is_dropped() {
    let tap = Arc::new(Tap::default());
    let given = given(b"value");
    let offer = |number: i64| tap.offer(&given.records(number..number + 1), after(&tap, 1));
    let watch = tap.watch();
    (0..10).for_each(offer);
    let room = i64::try_from(ROOM).unwrap();
    for number in 0..room {
        let sample = watch.next(Duration::ZERO).unwrap();
        assert_eq!(sample.records()[0].offset, number);
    }
    assert!(watch.next(Duration::ZERO).is_none());
    offer(20);
    assert_eq!(watch.next(Duration::ZERO).unwrap().records()[0].offset, 20);
    drop(watch);
    (30..40).for_each(offer);
    let inner = tap.lock();
    assert!(inner.live.is_none() && inner.kept.len() == 1, "nobody watches any more");
}

#[test]
fn a_batch_that_could_not_be_taken_leaves_its_room_to_the_next() {
    let tap = Arc::new(Tap::default());
    let huge = given(&vec![b'x'; BYTES]);
    let small = given(b"value");
    let watch = tap.watch();
    for _ in 0..2 * ROOM {
        tap.offer(&huge.records(0..1), after(&tap, 1));
    }
    tap.offer(&small.records(1..2), after(&tap, 1));
    assert!(watch.next(Duration::ZERO).is_some());
}

#[test]
fn a_lane_does_not_wait_while_others_hold_the_tap() {
    let tap = Arc::new(Tap::default());
    let _watch = tap.watch();
    let held = tap.lock();
    let (done, ended) = mpsc::channel();
    let lane = Arc::clone(&tap);
    let thread = thread::spawn(move || {
        let given = given(b"value");
        for _ in 0..100 {
            lane.offer(&given.records(0..10), after(&lane, 1));
        }
        done.send(()).unwrap();
    });
    let ended = ended.recv_timeout(Duration::from_secs(30));
    drop(held);
    thread.join().unwrap();
    assert!(ended.is_ok(), "the lane waited");
}

#[test]
fn of_lanes_that_find_a_batch_wanted_one_takes_its_own() {
    let tap = Arc::new(Tap::default());
    let given = given(b"value");
    let found = tap.due.load(Ordering::Relaxed);
    for lane in 0..4 {
        tap.take(&given.records(lane..lane + 1), FIRST, found);
    }
    assert_eq!(offsets(tap.watch().kept()), [0]);
}

#[test]
fn what_is_kept_stays_spread_over_time_while_somebody_watches() {
    let tap = Arc::new(Tap::default());
    let given = given(b"value");
    let watch = tap.watch();
    for tenth in 0..10 {
        let number = i64::try_from(tenth).unwrap();
        tap.offer(&given.records(number..number + 1), after(&tap, tenth * 50));
        assert!(watch.next(Duration::ZERO).is_some());
    }
    drop(watch);
    assert_eq!(offsets(tap.watch().kept()), [0, 5]);
}
