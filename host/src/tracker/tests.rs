//! The tracker against a model that keeps everything and decides naively.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn mark(offset: i64) -> Mark {
    Mark { offset, leader_epoch: 3 }
}

fn begin(tracker: &mut Tracker, handle: Handle, offset: i64, outputs: u32) -> Ticket {
    tracker.begin(handle, mark(offset), outputs, 10).unwrap()
}

#[test]
fn the_watermark_waits_for_the_oldest_record() {
    let mut tracker = Tracker::default();
    let handle = tracker.assign(mark(0));
    let first = begin(&mut tracker, handle, 5, 1);
    let second = begin(&mut tracker, handle, 6, 1);
    tracker.acknowledge(second);
    assert_eq!(tracker.watermark(handle), Some(mark(0)));
    assert_eq!(tracker.load(), Load { records: 2, bytes: 10 });
    tracker.acknowledge(first);
    assert_eq!(tracker.watermark(handle), Some(mark(7)));
    assert_eq!(tracker.load(), Load::default());
}

#[test]
fn a_record_waits_for_each_of_its_outputs() {
    let mut tracker = Tracker::default();
    let handle = tracker.assign(mark(0));
    let ticket = begin(&mut tracker, handle, 0, 2);
    tracker.acknowledge(ticket);
    assert_eq!(tracker.watermark(handle), Some(mark(0)));
    tracker.acknowledge(ticket);
    assert_eq!(tracker.watermark(handle), Some(mark(1)));
}

#[test]
fn a_dropped_record_is_settled_at_once_but_not_before_those_ahead_of_it() {
    let mut tracker = Tracker::default();
    let handle = tracker.assign(mark(0));
    begin(&mut tracker, handle, 0, 0);
    assert_eq!(tracker.watermark(handle), Some(mark(1)));
    let ticket = begin(&mut tracker, handle, 1, 1);
    begin(&mut tracker, handle, 2, 0);
    assert_eq!(tracker.watermark(handle), Some(mark(1)));
    tracker.acknowledge(ticket);
    assert_eq!(tracker.watermark(handle), Some(mark(3)));
}

#[test]
fn a_failure_freezes_the_watermark_until_the_partition_is_rewound() {
    let mut tracker = Tracker::default();
    let handle = tracker.assign(mark(0));
    begin(&mut tracker, handle, 0, 0);
    let lost = begin(&mut tracker, handle, 1, 1);
    let later = begin(&mut tracker, handle, 2, 1);
    tracker.fail(lost);
    assert!(tracker.is_failed(handle) && !tracker.is_quiet(handle));
    tracker.acknowledge(later);
    assert!(tracker.is_quiet(handle));
    assert_eq!(tracker.watermark(handle), Some(mark(1)));
    let (rewound, from) = tracker.rewind(handle).unwrap();
    assert_eq!(from, mark(1));
    assert!(!tracker.is_failed(rewound));
    assert_eq!(tracker.begin(handle, mark(1), 1, 10), None);
    let again = begin(&mut tracker, rewound, 1, 1);
    tracker.acknowledge(lost);
    tracker.acknowledge(later);
    assert_eq!(tracker.watermark(rewound), Some(mark(1)));
    tracker.acknowledge(again);
    assert_eq!(tracker.watermark(rewound), Some(mark(2)));
}

#[test]
fn an_advance_is_taken_once() {
    let mut tracker = Tracker::default();
    let handle = tracker.assign(mark(0));
    assert_eq!(tracker.take_advance(handle), None);
    begin(&mut tracker, handle, 0, 0);
    assert_eq!(tracker.take_advance(handle), Some(mark(1)));
    assert_eq!(tracker.take_advance(handle), None);
    begin(&mut tracker, handle, 9, 0);
    assert_eq!(tracker.take_advance(handle), Some(mark(10)));
}

#[test]
fn acknowledgements_of_a_released_partition_do_not_touch_the_next_one_in_its_place() {
    let mut tracker = Tracker::default();
    let old = tracker.assign(mark(0));
    let late = begin(&mut tracker, old, 0, 1);
    tracker.release(old);
    let new = tracker.assign(mark(0));
    let own = begin(&mut tracker, new, 100, 1);
    tracker.acknowledge(late);
    tracker.fail(late);
    assert_eq!(tracker.watermark(new), Some(mark(0)));
    assert!(!tracker.is_failed(new));
    assert_eq!((tracker.partition(late), tracker.partition(own)), (None, Some(new)));
    tracker.acknowledge(own);
    assert_eq!(tracker.watermark(new), Some(mark(101)));
}

#[derive(Clone, Debug)]
enum Step {
    Begin { partition: usize, outputs: u32, skipped: i64 },
    Acknowledge(prop::sample::Index),
    Fail(prop::sample::Index),
    Release(usize),
    Rewind(usize),
}

/// One assignment: by offset, how many outputs of the record are not acknowledged.
#[derive(Default)]
struct Model {
    begin: i64,
    records: BTreeMap<i64, u32>,
    next: i64,
}

impl Model {
    fn watermark(&self) -> i64 {
        let open = self.records.iter().find(|(_, pending)| **pending > 0);
        let settled = match open {
            Some((open, _)) => self.records.range(..open).next_back(),
            None => self.records.last_key_value(),
        };
        settled.map_or(self.begin, |(offset, _)| offset + 1)
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3usize, 0..4u32, 0..3i64)
            .prop_map(|(partition, outputs, skipped)| Step::Begin { partition, outputs, skipped }),
        8 => any::<prop::sample::Index>().prop_map(Step::Acknowledge),
        1 => any::<prop::sample::Index>().prop_map(Step::Fail),
        1 => (0..3usize).prop_map(Step::Release),
        1 => (0..3usize).prop_map(Step::Rewind),
    ]
}

/// An output that is under way: its ticket, the assignment it belongs to, its record's offset.
type Flight = (Ticket, (usize, Handle), i64);

struct Run {
    tracker: Tracker,
    handles: Vec<Handle>,
    models: Vec<Model>,
    flights: Vec<Flight>,
}

impl Run {
    fn new() -> Self {
        let mut tracker = Tracker::default();
        let handles = (0..3).map(|_| tracker.assign(mark(0))).collect();
        let models = (0..3).map(|_| Model::default()).collect();
        Self { tracker, handles, models, flights: Vec::new() }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Begin { partition, outputs, skipped } => {
                let (handle, model) = (self.handles[partition], &mut self.models[partition]);
                let offset = model.next + skipped;
                model.next = offset + 1;
                model.records.insert(offset, outputs);
                let ticket = self.tracker.begin(handle, mark(offset), outputs, 10).unwrap();
                let flight = (ticket, (partition, handle), offset);
                self.flights.extend((0..outputs).map(|_| flight));
            }
            Step::Acknowledge(index) => {
                let Some((ticket, (partition, handle), offset)) = self.land(&index) else { return };
                self.tracker.acknowledge(ticket);
                if self.handles[partition] == handle {
                    *self.models[partition].records.get_mut(&offset).unwrap() -= 1;
                }
            }
            Step::Fail(index) => {
                let Some((ticket, (partition, handle), _)) = self.land(&index) else { return };
                self.tracker.fail(ticket);
                let current = self.handles[partition] == handle;
                assert!(!current || self.tracker.is_failed(handle));
            }
            Step::Release(partition) => {
                self.tracker.release(self.handles[partition]);
                self.handles[partition] = self.tracker.assign(mark(0));
                self.models[partition] = Model::default();
            }
            Step::Rewind(partition) => {
                let handle = self.handles[partition];
                let (rewound, mark) = self.tracker.rewind(handle).unwrap();
                assert_eq!(mark.offset, self.models[partition].watermark());
                self.handles[partition] = rewound;
                self.models[partition] =
                    Model { begin: mark.offset, next: mark.offset, ..Model::default() };
            }
        }
    }

    fn land(&mut self, index: &prop::sample::Index) -> Option<Flight> {
        if self.flights.is_empty() {
            return None;
        }
        Some(self.flights.swap_remove(index.index(self.flights.len())))
    }

    fn check(&self) {
        let mut records = 0;
        let mut bytes = 0;
        for (partition, (handle, model)) in self.handles.iter().zip(&self.models).enumerate() {
            let watermark = model.watermark();
            assert_eq!(self.tracker.watermark(*handle).map(|mark| mark.offset), Some(watermark));
            let held = model.records.range(watermark..);
            records += held.clone().count();
            bytes += 10 * held.filter(|(_, pending)| **pending > 0).count();
            let flying = self.flights.iter().any(|(_, owner, _)| *owner == (partition, *handle));
            assert_eq!(self.tracker.is_quiet(*handle), !flying);
        }
        assert_eq!(self.tracker.load(), Load { records, bytes });
    }
}

proptest! {
    #[test]
    fn the_watermark_never_passes_an_unsettled_record(steps in prop::collection::vec(step(), 0..300)) {
        let mut run = Run::new();
        for step in steps {
            run.take(step);
            run.check();
        }
    }
}

/// A few nanoseconds a record in a release build; the bound only catches a lookup or a scan slipping in.
#[test]
fn a_long_window_costs_no_more_per_record_than_a_short_one() {
    let cost = |window: usize| {
        let mut tracker = Tracker::default();
        let handle = tracker.assign(mark(0));
        let mut tickets = VecDeque::new();
        let began = std::time::Instant::now();
        for offset in 0..200_000 {
            tickets.push_back(begin(&mut tracker, handle, offset, 1));
            if tickets.len() > window {
                tracker.acknowledge(tickets.pop_front().unwrap());
            }
        }
        began.elapsed()
    };
    let (short, long) = (cost(10), cost(50_000));
    assert!(long < short * 20, "{short:?} with 10 under way, {long:?} with 50,000");
}
