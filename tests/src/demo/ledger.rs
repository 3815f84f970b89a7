//! Counts what the topics hold, and decides by itself what they must hold. Pure: knows neither Kafka nor the gateway, and shares
//! no code with the plugins that it judges.

mod verdict;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use aho_corasick::AhoCorasick;
use anyhow::Context as _;
use serde_json::Value;

use crate::client::Record;

pub(super) use verdict::{Report, Wait};

/// The header by which an output is recognised as that of a source record.
pub(super) const SEQUENCE: &str = "shop-sequence";

/// Columns that must never leave in clear.
pub(super) const SECRET_COLUMNS: [&str; 4] = ["email", "full_name", "card", "phone"];

/// Rows from here are dropped by the filter of the demo, unless they are deleted.
pub(super) const DROPPED_COUNTRY: &str = "PL";

/// How long back the live figures look, in milliseconds.
const RECENT_MS: i64 = 2_000;

/// What the reader has seen so far.
#[derive(Default)]
pub(super) struct Ledger {
    sources: BTreeMap<u64, Source>,
    outputs: Vec<Output>,
    forwarded: BTreeSet<u64>,
    dead_letters: Vec<Record>,
    secrets: BTreeSet<Vec<u8>>,
    /// The highest sequence number by topic and partition.
    highest: BTreeMap<(usize, i32), u64>,
    disordered: u64,
    duplicates: u64,
    due: u64,
    waits: Vec<Wait>,
    /// When something was written or came out, for the rates.
    recent: VecDeque<(i64, Flow)>,
}

/// A record that the shop wrote.
struct Source {
    record: Record,
    /// Whether it must come out.
    is_due: bool,
}

/// A record that the gateway wrote.
struct Output {
    topic: usize,
    sequence: Option<u64>,
    record: Record,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Written {
        is_due: bool,
    },
    /// With the milliseconds it took.
    Forwarded(i64),
}

/// How it goes now.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Live {
    pub(super) written: usize,
    pub(super) forwarded: usize,
    pub(super) dead_letters: usize,
    pub(super) duplicates: u64,
    /// Records that must come out and have not yet.
    pub(super) missing: u64,
    pub(super) written_per_second: f64,
    pub(super) forwarded_per_second: f64,
    pub(super) dropped_per_second: f64,
    /// From writing a record to reading what came of it; none where nothing did lately.
    pub(super) median_ms: Option<i64>,
    pub(super) p99_ms: Option<i64>,
    /// Of the last that came out.
    pub(super) last_ms: Option<i64>,
}

/// A record and what came of it.
pub(super) struct Pair {
    pub(super) source: Value,
    pub(super) output: Value,
    pub(super) topic: usize,
    pub(super) headers: Vec<(String, String)>,
}

impl Ledger {
    /// A record of the source topic, read at `now`, in milliseconds since 1970.
    pub(super) fn wrote(&mut self, record: Record, now: i64) -> anyhow::Result<()> {
        let sequence = sequence(&record).context("a record of the shop without its number")?;
        let is_due = match &record.value {
            None => true,
            Some(value) => {
                let event: Value = serde_json::from_slice(value).context("reading an event")?;
                self.keep_secrets(&event);
                let text = |at| event.pointer(at).and_then(Value::as_str);
                text("/op") == Some("d") || text("/after/country") != Some(DROPPED_COUNTRY)
            }
        };
        self.due += u64::from(is_due);
        self.recent.push_back((now, Flow::Written { is_due }));
        self.sources.insert(sequence, Source { record, is_due });
        Ok(())
    }

    /// A record of output topic number `topic`.
    pub(super) fn came_out(&mut self, topic: usize, record: Record, now: i64) {
        let sequence = sequence(&record);
        match sequence {
            Some(number) if self.forwarded.insert(number) => {
                let highest = self.highest.entry((topic, record.partition)).or_insert(number);
                if number < *highest {
                    self.disordered += 1;
                }
                *highest = number.max(*highest);
                let written = record.timestamp.unwrap_or(now);
                self.waits.push(Wait { written, took: (now - written).max(0) });
                self.recent.push_back((now, Flow::Forwarded((now - written).max(0))));
            }
            Some(_) => self.duplicates += 1,
            None => {}
        }
        self.outputs.push(Output { topic, sequence, record });
    }

    pub(super) fn died(&mut self, record: Record) {
        self.dead_letters.push(record);
    }

    fn keep_secrets(&mut self, event: &Value) {
        for image in ["before", "after"] {
            for column in SECRET_COLUMNS {
                let cell = event.get(image).and_then(|row| row.get(column));
                if let Some(text) = cell.and_then(Value::as_str) {
                    self.secrets.insert(text.as_bytes().to_vec());
                }
            }
        }
    }

    pub(super) fn live(&mut self, now: i64) -> Live {
        while self.recent.front().is_some_and(|(at, _)| at + RECENT_MS < now) {
            self.recent.pop_front();
        }
        let rate = |wanted: fn(Flow) -> bool| {
            let count = self.recent.iter().filter(|(_, flow)| wanted(*flow)).count();
            f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * 1_000.0 / RECENT_MS as f64
        };
        let mut waits: Vec<i64> = self.recent.iter().filter_map(|(_, flow)| flow.took()).collect();
        let last_ms = waits.last().copied();
        waits.sort_unstable();
        Live {
            written: self.sources.len(),
            forwarded: self.forwarded.len(),
            dead_letters: self.dead_letters.len(),
            duplicates: self.duplicates,
            missing: self.due.saturating_sub(self.forwarded.len() as u64),
            written_per_second: rate(|flow| matches!(flow, Flow::Written { .. })),
            forwarded_per_second: rate(|flow| matches!(flow, Flow::Forwarded(_))),
            dropped_per_second: rate(|flow| flow == Flow::Written { is_due: false }),
            median_ms: quantile(&waits, 50),
            p99_ms: quantile(&waits, 99),
            last_ms,
        }
    }

    /// The latest update that came out, beside the record it was made of.
    pub(super) fn latest_pair(&self) -> Option<Pair> {
        self.outputs.iter().rev().take(200).find_map(|output| {
            let source = self.sources.get(&output.sequence?)?;
            let parse = |value: &Option<Vec<u8>>| serde_json::from_slice(value.as_ref()?).ok();
            let (source, masked): (Value, Value) =
                (parse(&source.record.value)?, parse(&output.record.value)?);
            let header = |(name, value): &(String, Option<Vec<u8>>)| {
                let value = String::from_utf8_lossy(value.as_deref().unwrap_or_default());
                (name != SEQUENCE).then(|| (name.clone(), value.into_owned()))
            };
            let headers = output.record.headers.iter().filter_map(header).collect();
            let is_update = source.get("op").is_some_and(|op| op == "u");
            is_update.then_some(Pair { source, output: masked, topic: output.topic, headers })
        })
    }

    /// Judges everything that was seen. `log` is what the gateway said, which must not tell secrets either; waits of records
    /// that were written within `disturbed` are not counted as latency.
    pub(super) fn report(&self, log: &str, disturbed: &[(i64, i64)]) -> anyhow::Result<Report> {
        let search = AhoCorasick::new(&self.secrets).context("preparing the search for secrets")?;
        let mut report = Report {
            written: self.sources.len() as u64,
            due: self.due,
            forwarded: self.forwarded.len() as u64,
            dead_letters: self.dead_letters.len() as u64,
            duplicates: self.duplicates,
            disordered: self.disordered,
            secrets: self.secrets.len(),
            ..Report::default()
        };
        for (sequence, source) in &self.sources {
            match (source.is_due, self.forwarded.contains(sequence)) {
                (true, false) => report.lost += 1,
                (false, true) => report.unwanted += 1,
                _ => {}
            }
        }
        for output in &self.outputs {
            report.scan(&search, &output.record);
            let source = output.sequence.and_then(|sequence| self.sources.get(&sequence));
            match source {
                Some(source) if verdict::is_faithful(&source.record, &output.record) => {}
                Some(_) => report.altered += 1,
                None => report.strangers += 1,
            }
        }
        self.dead_letters.iter().for_each(|letter| report.scan(&search, letter));
        report.scan_bytes(&search, log.as_bytes());
        report.time(&self.waits, disturbed);
        Ok(report)
    }
}

impl Flow {
    fn took(self) -> Option<i64> {
        match self {
            Self::Forwarded(took) => Some(took),
            Self::Written { .. } => None,
        }
    }
}

fn sequence(record: &Record) -> Option<u64> {
    let (_, value) = record.headers.iter().find(|(name, _)| name == SEQUENCE)?;
    std::str::from_utf8(value.as_deref()?).ok()?.parse().ok()
}

/// Of sorted values.
fn quantile(sorted: &[i64], percent: usize) -> Option<i64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(last * percent / 100).copied()
}

#[cfg(test)]
mod tests;
