//! The figures of the summary, and which of them are off. Pure.

use aho_corasick::AhoCorasick;
use serde_json::Value;

use super::{SECRET_COLUMNS, quantile};
use crate::client::Record;

/// What the demo's plugins call a column that they rename.
const RENAMED: (&str, &str) = ("full_name", "name");

/// A column whose text holds a secret among other things.
const PARTLY_SECRET: &str = "profile";

/// How long a record was on its way, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// When it was written.
    pub(crate) written: i64,
    pub(crate) took: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) written: u64,
    /// Records that had to come out.
    pub(crate) due: u64,
    /// Records that came out, however often.
    pub(crate) forwarded: u64,
    /// Outputs of a record beyond its first.
    pub(crate) duplicates: u64,
    pub(crate) lost: u64,
    /// Records that came out although the filter's rule says drop.
    pub(crate) unwanted: u64,
    /// Outputs of no record that was written.
    pub(crate) strangers: u64,
    pub(crate) dead_letters: u64,
    pub(crate) disordered: u64,
    /// Outputs that differ from their record where no plugin was to change anything.
    pub(crate) altered: u64,
    /// Occurrences of secrets.
    pub(crate) clear_texts: u64,
    pub(crate) secrets: usize,
    pub(crate) scanned_bytes: usize,
    /// How often the gateway was killed.
    pub(crate) kills: usize,
    pub(crate) median_ms: Option<i64>,
    pub(crate) p99_ms: Option<i64>,
    pub(crate) longest_ms: Option<i64>,
}

impl Report {
    /// What is not as promised, in words; empty where all is well.
    pub(crate) fn faults(&self) -> Vec<String> {
        let figures = [
            (self.lost, "records lost"),
            (self.unwanted, "records out that the filter should have dropped"),
            (self.strangers, "outputs of no record"),
            (self.dead_letters, "dead letters"),
            (self.disordered, "records out of order"),
            (self.altered, "outputs changed where no plugin was to"),
            (self.clear_texts, "secrets in clear"),
        ];
        let mut faults: Vec<String> = figures
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{what}: {count}"))
            .collect();
        // Otherwise zeros above would prove nothing.
        if self.written == 0 {
            faults.push("nothing was written".to_owned());
        } else if self.written == self.due && self.written >= 100 {
            faults.push("nothing was there for the filter to drop".to_owned());
        }
        faults
    }

    pub(super) fn scan(&mut self, search: &AhoCorasick, record: &Record) {
        for bytes in [&record.key, &record.value].into_iter().flatten() {
            self.scan_bytes(search, bytes);
        }
        for (name, value) in &record.headers {
            self.scan_bytes(search, name.as_bytes());
            self.scan_bytes(search, value.as_deref().unwrap_or_default());
        }
    }

    pub(super) fn scan_bytes(&mut self, search: &AhoCorasick, bytes: &[u8]) {
        self.scanned_bytes += bytes.len();
        self.clear_texts += search.find_overlapping_iter(bytes).count() as u64;
    }

    pub(super) fn time(&mut self, waits: &[Wait], disturbed: &[(i64, i64)]) {
        self.kills = disturbed.len();
        let is_calm = |wait: &&Wait| {
            !disturbed.iter().any(|(from, to)| (*from..=*to).contains(&wait.written))
        };
        let mut calm: Vec<i64> = waits.iter().filter(is_calm).map(|wait| wait.took).collect();
        calm.sort_unstable();
        self.median_ms = quantile(&calm, 50);
        self.p99_ms = quantile(&calm, 99);
        self.longest_ms = waits.iter().map(|wait| wait.took).max();
    }
}

/// Whether `output` is `source` but for the cells that plugins were to change: key, partition, timestamp and headers, and
/// every other value.
pub(super) fn is_faithful(source: &Record, output: &Record) -> bool {
    let kept = |header| output.headers.contains(header);
    let frame = (&source.key, source.partition, source.timestamp)
        == (&output.key, output.partition, output.timestamp)
        && source.headers.iter().all(kept);
    let value = match (&source.value, &output.value) {
        (None, None) => true,
        (Some(source), Some(output)) => match (comparable(source), comparable(output)) {
            (Some(source), Some(output)) => source == output,
            _ => false,
        },
        _ => false,
    };
    frame && value
}

/// An event with its new name taken back and every cell covered that plugins change.
fn comparable(value: &[u8]) -> Option<Value> {
    let mut event: Value = serde_json::from_slice(value).ok()?;
    for image in ["before", "after"] {
        let Some(row) = event.get_mut(image).and_then(Value::as_object_mut) else { continue };
        if let Some(value) = row.shift_remove(RENAMED.1) {
            row.insert(RENAMED.0.to_owned(), value);
        }
        for column in SECRET_COLUMNS.into_iter().chain([PARTLY_SECRET]) {
            *row.get_mut(column)? = Value::Bool(true);
        }
    }
    Some(event)
}
