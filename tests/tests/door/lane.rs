//! A lane that copies records, as small as a lane can be: it shows in which order the door's parts are used.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate::config;
use lockgate::kafka::{Advance, Event, Member, SendError, Sink, Source, TopicPartition, Trouble};
use lockgate::record::{Output, OutputHeader, Partition, Record};
use lockgate::tracker::{Handle, Mark, Tracker};

/// How long records under way are waited for when a partition is given back.
const DRAIN: Duration = Duration::from_secs(4);

pub(crate) struct Lane {
    pub(crate) source: Source,
    sink: Sink,
    tracker: Tracker,
    partitions: Vec<(TopicPartition, Handle)>,
    committed: Instant,
    /// Whether the latest commit failed.
    uncommitted: bool,
    /// How often what is settled is committed.
    pub(crate) commit_period: Duration,
    limits: config::Limits,
    to: Arc<str>,
    /// What is remarked beside each offset.
    pub(crate) remark: String,
    /// Whether the group has answered, even if that was no partition.
    pub(crate) joined: bool,
    /// What happened, for tests to look at.
    pub(crate) seen: Vec<String>,
}

impl Lane {
    pub(crate) fn start(
        kafka: &config::Kafka,
        number: usize,
        start: config::Start,
        from: &[config::TopicPattern],
        to: &str,
    ) -> Self {
        let member = Member { pipeline: "copy", lane: number };
        let limits = config::Limits::default();
        let mut source = Source::connect(kafka, member, start).unwrap();
        source.subscribe(from).unwrap();
        Self {
            source,
            sink: Sink::connect(kafka, member, limits.record_bytes).unwrap(),
            tracker: Tracker::default(),
            partitions: Vec::new(),
            committed: Instant::now(),
            uncommitted: false,
            commit_period: Duration::from_millis(50),
            limits,
            to: to.into(),
            remark: String::new(),
            joined: false,
            seen: Vec::new(),
        }
    }

    pub(crate) fn partitions(&self) -> Vec<i32> {
        let mut numbers: Vec<i32> = self.partitions.iter().map(|(at, _)| at.partition).collect();
        numbers.sort_unstable();
        numbers
    }

    /// One turn: events, acknowledgements, failures, new records, a commit now and then.
    pub(crate) fn turn(&mut self) {
        while let Some(event) = self.source.next_event() {
            self.take(event);
        }
        self.acknowledge(Duration::ZERO);
        self.rewind_failed();
        let load = self.tracker.load();
        if load.records < self.limits.in_flight_records && load.bytes < self.limits.in_flight_bytes
        {
            self.copy();
        }
        if self.committed.elapsed() > self.commit_period {
            self.committed = Instant::now();
            let mut marks = self.advances();
            if self.uncommitted {
                marks = self.stands();
            }
            if !marks.is_empty() {
                self.source.commit(&marks).unwrap();
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Assigned(assigned) => {
                self.joined = true;
                for one in &assigned {
                    let handle = self.tracker.assign(one.begin);
                    self.partitions.push((one.at.clone(), handle));
                    let remark = format!(", remarked: {}", one.remark);
                    let remark = if one.remark.is_empty() { "" } else { &remark };
                    let offset = one.begin.offset;
                    self.seen.push(format!("{} from {offset} ({}){remark}", one.at, one.origin));
                }
                self.source.complete_assign(&assigned).unwrap();
            }
            Event::Revoked { partitions, lost } => {
                if !lost {
                    self.drain(Instant::now() + DRAIN);
                }
                for (_, handle) in self.partitions.extract_if(.., |(at, _)| partitions.contains(at))
                {
                    self.tracker.release(handle);
                }
                self.source.complete_revoke(&partitions).unwrap();
            }
            Event::Committed(Ok(_)) => self.uncommitted = false,
            Event::Committed(Err(error)) => {
                self.uncommitted = true;
                self.see(&error);
            }
            Event::Failed(error) => self.see(&error),
        }
    }

    /// Waits for what is under way and commits what is settled.
    fn drain(&mut self, deadline: Instant) {
        let Self { sink, tracker, seen, .. } = self;
        sink.drain(deadline, |ticket, fate| settle(tracker, seen, ticket, fate));
        let marks = self.advances();
        if let Err(error) = self.source.commit_by(&marks, deadline) {
            self.see(&error);
        }
    }

    fn see(&mut self, error: &lockgate::kafka::Error) {
        self.seen.push(format!("{error}: {:?}", std::error::Error::source(error)));
    }

    fn acknowledge(&mut self, wait: Duration) {
        let Self { sink, tracker, seen, .. } = self;
        sink.serve(wait, |ticket, fate| settle(tracker, seen, ticket, fate));
    }

    /// A partition that lost an output is read again from its watermark, once the rest of it has landed.
    fn rewind_failed(&mut self) {
        for (at, handle) in &mut self.partitions {
            if self.tracker.is_failed(*handle) && self.tracker.is_quiet(*handle) {
                let (rewound, mark) = self.tracker.rewind(*handle).unwrap();
                *handle = rewound;
                self.seen.push(format!("{at} rewound to {}", mark.offset));
                self.source.rewind(at, mark).unwrap();
            }
        }
    }

    fn copy(&mut self) {
        let batch = self.source.read(self.limits.batch_records, Duration::from_millis(5));
        for run in batch.runs() {
            let at = TopicPartition::new(&run.topic, run.partition);
            let known = self.partitions.iter().find(|(known, _)| *known == at);
            let Some((_, handle)) = known.cloned() else { continue };
            for record in batch.records_of(run) {
                // What follows a lost output is read again after the rewind.
                if self.tracker.is_failed(handle) {
                    break;
                }
                let bytes = record.value.map_or(0, <[u8]>::len);
                let mark = Mark { offset: record.offset, leader_epoch: run.leader_epoch };
                let Some(ticket) = self.tracker.begin(handle, mark, 1, bytes) else { break };
                self.send(&copy(&record, &self.to), ticket);
            }
        }
        for trouble in batch.troubles() {
            self.seen.push(match trouble {
                Trouble::LostOffsets(range) => {
                    format!(
                        "{} lost {:?}, has {}..{}",
                        range.at,
                        range.lost(),
                        range.low,
                        range.high
                    )
                }
                Trouble::Damaged { at, error } | Trouble::Failed { at, error } => {
                    format!("{at}: {error}")
                }
            });
        }
    }

    fn send(&mut self, output: &Output<'_>, ticket: u64) {
        loop {
            match self.sink.send(output, ticket) {
                Ok(()) => return,
                Err(SendError::QueueFull) => self.acknowledge(Duration::from_millis(10)),
                Err(error) => {
                    self.seen.push(error.to_string());
                    return self.tracker.fail(ticket);
                }
            }
        }
    }

    fn advances(&mut self) -> Vec<Advance> {
        let Self { partitions, tracker, remark, .. } = self;
        let advances = partitions.iter().filter_map(|(at, handle)| {
            let mark = tracker.take_advance(*handle)?;
            Some(Advance { at: at.clone(), mark, remark: remark.clone() })
        });
        advances.collect()
    }

    /// Where every partition stands.
    fn stands(&self) -> Vec<Advance> {
        let stands = self.partitions.iter().filter_map(|(at, handle)| {
            let mark = self.tracker.watermark(*handle)?;
            Some(Advance { at: at.clone(), mark, remark: self.remark.clone() })
        });
        stands.collect()
    }

    /// Drains, commits and ends the membership.
    pub(crate) fn stop(mut self) {
        let deadline = Instant::now() + DRAIN;
        self.drain(deadline);
        self.source.close(deadline);
    }
}

fn settle(
    tracker: &mut Tracker,
    seen: &mut Vec<String>,
    ticket: u64,
    fate: Result<(), lockgate::kafka::DeliveryError>,
) {
    match fate {
        Ok(()) => tracker.acknowledge(ticket),
        Err(error) => {
            seen.push(error.to_string());
            tracker.fail(ticket);
        }
    }
}

fn copy<'a>(record: &Record<'a>, to: &Arc<str>) -> Output<'a> {
    let headers = record.headers.iter().map(|header| OutputHeader {
        name: header.name.into(),
        value: header.value.map(Into::into),
    });
    Output {
        topic: Arc::clone(to),
        partition: Partition::Same(record.partition),
        timestamp: record.timestamp,
        key: record.key.map(Into::into),
        value: record.value.map(Into::into),
        headers: headers.collect(),
    }
}
