//! Proves from the topics alone that nothing was lost and order held: every source record is found where it belongs, in source
//! order. Reads with the tests' own client; knows nothing of the gateway but the names of its headers.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};

use crate::client::{Client, Record};

/// The header by which a record is known again, whatever plugins make of the rest.
pub const MARK: &str = "mark";

/// What is to become of a source record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Forwarded,
    Refused,
    Dropped,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub forwarded: usize,
    pub refused: usize,
    pub dropped: usize,
    /// Records that were found again after a restart, of either topic.
    pub duplicates: usize,
}

/// The topics of one pipeline.
#[derive(Clone, Debug)]
pub struct Topics {
    pub source: String,
    pub output: String,
    pub letters: String,
}

impl Record {
    /// With a mark that no other record of its topic may have.
    #[must_use]
    pub fn marked(mut self, mark: impl std::fmt::Display) -> Self {
        self.headers.push((MARK.to_owned(), Some(mark.to_string().into_bytes())));
        self
    }

    /// The last header of this name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().rev().find(|(key, _)| key == name)?;
        std::str::from_utf8(header.1.as_deref()?).ok()
    }
}

/// Reads the topics and compares them with what was to become of each source record.
///
/// # Errors
///
/// On the first record that is missing, out of order, or where it does not belong.
pub fn check(
    client: &Client,
    topics: &Topics,
    fate: impl Fn(&Record) -> Fate,
) -> anyhow::Result<Tally> {
    let source = client.read_all(&topics.source)?;
    let outputs = client.read_all(&topics.output)?;
    compare(&source, &outputs, &client.read_all(&topics.letters)?, fate)
}

/// As [`check`], over records that were read already.
pub fn compare(
    source: &[Record],
    outputs: &[Record],
    letters: &[Record],
    fate: impl Fn(&Record) -> Fate,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let mut marks = BTreeMap::new();
    let mut wanted: BTreeMap<(Fate, i32), Vec<i64>> = BTreeMap::new();
    for record in source {
        let mark = record.header(MARK).context("a source record has no mark")?;
        let twin = marks.insert(mark, record.offset);
        ensure!(twin.is_none(), "two source records have the mark {mark}");
        let fate = fate(record);
        *tally.count(fate) += 1;
        wanted.entry((fate, record.partition)).or_default().push(record.offset);
    }
    let output = |record: &Record| {
        let mark = record.header(MARK).context("an output has no mark")?;
        marks.get(mark).copied().with_context(|| format!("no source record has the mark {mark}"))
    };
    let letter = |record: &Record| {
        let offset = record.header("__connect.errors.offset").context("a letter has no offset")?;
        offset.parse().context("a letter's offset is no number")
    };
    tally.duplicates += follow(Fate::Forwarded, outputs, output, &wanted)?;
    tally.duplicates += follow(Fate::Refused, letters, letter, &wanted)?;
    Ok(tally)
}

impl Tally {
    fn count(&mut self, fate: Fate) -> &mut usize {
        match fate {
            Fate::Forwarded => &mut self.forwarded,
            Fate::Refused => &mut self.refused,
            Fate::Dropped => &mut self.dropped,
        }
    }
}

/// Follows each partition from its first record to its last, and gives how many records were found again.
fn follow(
    fate: Fate,
    found: &[Record],
    source_offset: impl Fn(&Record) -> anyhow::Result<i64>,
    wanted: &BTreeMap<(Fate, i32), Vec<i64>>,
) -> anyhow::Result<usize> {
    let mut next: BTreeMap<i32, usize> = BTreeMap::new();
    let mut furthest: BTreeMap<i32, usize> = BTreeMap::new();
    let mut duplicates = 0;
    for record in found {
        let partition = record.partition;
        let offset = source_offset(record)?;
        let wanted = wanted.get(&(fate, partition)).map_or(&[][..], Vec::as_slice);
        let place = wanted.binary_search(&offset).ok().with_context(|| {
            format!("source offset {offset} stands in partition {partition} of {fate:?}, where it does not belong")
        })?;
        let next = next.entry(partition).or_default();
        // Going back is reading again after a restart; going ahead leaves a gap.
        if place > *next {
            let expected = wanted.get(*next).copied().unwrap_or_default();
            bail!(
                "partition {partition} of {fate:?}: source offset {offset} stands where {expected} should"
            );
        }
        *next = place + 1;
        let furthest = furthest.entry(partition).or_default();
        duplicates += usize::from(place < *furthest);
        *furthest = (*furthest).max(place + 1);
    }
    for ((_, partition), wanted) in wanted.iter().filter(|((of, _), _)| *of == fate) {
        let end = next.get(partition).copied().unwrap_or_default();
        if let Some(offset) = wanted.get(end) {
            let missing = wanted.len() - end;
            bail!(
                "partition {partition} of {fate:?}: {missing} are missing at its end, from source offset {offset} on"
            );
        }
    }
    Ok(duplicates)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records of partition 0 in this order, each marked with its number in the source.
    fn records(numbers: &[i64]) -> Vec<Record> {
        let record = |number: &i64| Record { offset: *number, ..Record::default() }.marked(number);
        numbers.iter().map(record).collect()
    }

    fn letters(numbers: &[i64]) -> Vec<Record> {
        let mut letters = records(numbers);
        for (letter, number) in letters.iter_mut().zip(numbers) {
            letter.headers =
                vec![("__connect.errors.offset".to_owned(), Some(number.to_string().into_bytes()))];
        }
        letters
    }

    /// Six source records, of which 2 is refused and 4 dropped, against what was found.
    fn judge(outputs: &[i64], refused: &[i64]) -> Result<Tally, String> {
        let fate = |record: &Record| match record.offset {
            2 => Fate::Refused,
            4 => Fate::Dropped,
            _ => Fate::Forwarded,
        };
        let source = records(&[0, 1, 2, 3, 4, 5]);
        compare(&source, &records(outputs), &letters(refused), fate).map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn what_is_complete_and_in_order_passes() {
        let tally = Tally { forwarded: 4, refused: 1, dropped: 1, duplicates: 0 };
        assert_eq!(judge(&[0, 1, 3, 5], &[2]), Ok(tally));
    }

    #[test]
    fn going_back_after_a_restart_passes_and_is_counted() {
        assert_eq!(judge(&[0, 1, 3, 1, 3, 5], &[2, 2]).unwrap().duplicates, 3);
    }

    #[test]
    fn a_gap_is_found_even_where_it_is_filled_later() {
        let told = "partition 0 of Forwarded: source offset 3 stands where 1 should";
        assert_eq!(judge(&[0, 3, 1, 5], &[2]).unwrap_err(), told);
    }

    #[test]
    fn going_back_without_coming_forward_again_is_found() {
        let told = "partition 0 of Forwarded: 2 are missing at its end, from source offset 3 on";
        assert_eq!(judge(&[0, 1, 3, 5, 1], &[2]).unwrap_err(), told);
    }

    #[test]
    fn a_lost_record_and_a_lost_letter_are_found() {
        let told = "partition 0 of Forwarded: 1 are missing at its end, from source offset 5 on";
        assert_eq!(judge(&[0, 1, 3], &[2]).unwrap_err(), told);
        let told = "partition 0 of Refused: 1 are missing at its end, from source offset 2 on";
        assert_eq!(judge(&[0, 1, 3, 5], &[]).unwrap_err(), told);
    }

    #[test]
    fn what_should_not_be_there_is_found() {
        let told = "source offset 4 stands in partition 0 of Forwarded, where it does not belong";
        assert_eq!(judge(&[0, 1, 3, 4, 5], &[2]).unwrap_err(), told);
        let source = records(&[0]);
        let elsewhere = Record { partition: 1, ..records(&[0]).remove(0) };
        assert!(compare(&source, &[elsewhere], &[], |_| Fate::Forwarded).is_err());
    }
}
