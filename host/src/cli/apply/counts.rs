//! What a run counted, and the few lines that say so.

use std::collections::BTreeMap;
use std::fmt;

use super::Settled;
use crate::outcome::{Code, Outcome};
use crate::record::Record;

/// The refusals that are told one by one; the rest are only counted.
const SHOWN_REFUSALS: usize = 5;

pub(super) struct Counts {
    all: Count,
    /// None where nobody asked.
    tables: Option<BTreeMap<String, Count>>,
    codes: BTreeMap<Code, u64>,
    shown: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    read: u64,
    forwarded: u64,
    dropped: u64,
    refused: u64,
}

impl Count {
    fn add(&mut self, outcome: &Outcome<'_>) {
        self.read += 1;
        *match outcome {
            Outcome::Forward { .. } | Outcome::Replace(_) => &mut self.forwarded,
            Outcome::Drop(_) => &mut self.dropped,
            Outcome::DeadLetter { .. } | Outcome::Halt(_) | Outcome::Hold(_) => &mut self.refused,
        } += 1;
    }
}

impl Counts {
    pub(super) fn new(by_table: bool) -> Self {
        Self {
            all: Count::default(),
            tables: by_table.then(BTreeMap::new),
            codes: BTreeMap::new(),
            shown: Vec::new(),
        }
    }

    pub(super) fn refused(&self) -> u64 {
        self.all.refused
    }

    pub(super) fn add(&mut self, record: &Record<'_>, settled: &Settled<'_>) {
        self.all.add(&settled.outcome);
        if let Some(tables) = &mut self.tables {
            let table = settled.table.unwrap_or("(no table)");
            match tables.get_mut(table) {
                Some(count) => count.add(&settled.outcome),
                None => tables.entry(table.to_owned()).or_default().add(&settled.outcome),
            }
        }
        if let Outcome::DeadLetter { refusal, .. } = &settled.outcome {
            *self.codes.entry(refusal.code).or_default() += 1;
            if self.shown.len() < SHOWN_REFUSALS {
                self.shown.push(format!("refused {}: {refusal}", record.position()));
            }
        }
    }

    pub(super) fn summary(&self, empty_lines: u64) -> Summary<'_> {
        Summary { counts: self, empty_lines }
    }
}

/// The counts as a person reads them.
pub(super) struct Summary<'c> {
    counts: &'c Counts,
    empty_lines: u64,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { all, tables, codes, shown } = self.counts;
        for line in shown {
            writeln!(f, "{line}")?;
        }
        let unseen = all.refused.saturating_sub(shown.len() as u64);
        if unseen > 0 {
            writeln!(f, "refused {unseen} more")?;
        }
        if let Some(tables) = tables {
            let width = tables.keys().map(|table| table.chars().count()).max().unwrap_or(0);
            let head = ["read", "forwarded", "dropped", "refused"];
            let [read, forwarded, dropped, refused] = head;
            writeln!(
                f,
                "{:width$} {read:>10} {forwarded:>10} {dropped:>10} {refused:>10}",
                "table"
            )?;
            for (table, count) in tables {
                let Count { read, forwarded, dropped, refused } = count;
                writeln!(
                    f,
                    "{table:width$} {read:>10} {forwarded:>10} {dropped:>10} {refused:>10}"
                )?;
            }
        }
        let Count { read, forwarded, dropped, refused } = all;
        write!(f, "read {read}, forwarded {forwarded}, dropped {dropped}, refused {refused}")?;
        let codes: Vec<String> =
            codes.iter().map(|(code, count)| format!("{count} {code}")).collect();
        if !codes.is_empty() {
            write!(f, " ({})", codes.join(", "))?;
        }
        match self.empty_lines {
            0 => Ok(()),
            lines => write!(f, "; empty lines left out: {lines}"),
        }
    }
}
