//! Where a partition begins that was just assigned. Never silently at its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::TopicPartition;
use super::raw::{Client, Fault, Place};
use crate::config::Start;
use crate::tracker::Mark;

/// A partition that is ours now, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    pub at: TopicPartition,
    pub begin: Mark,
    pub origin: Origin,
    /// As [`super::Advance::remark`] was when that offset was committed.
    pub remark: String,
    /// How many partitions the topic had when the group began with it; none where that is not known.
    pub(super) known_partitions: Option<i32>,
}

/// Why a partition begins where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The group had committed this offset.
    Committed,
    /// The group had committed nothing: where `start` says.
    Start,
    /// The partition was added to a topic that the group was reading already: at its beginning.
    Added,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Committed => "committed",
            Self::Start => "start",
            Self::Added => "added partition",
        })
    }
}

/// The longest remark that may be kept beside an offset. Brokers take 4,096 bytes in all where `offset.metadata.max.bytes` was not
/// lowered.
pub const REMARK_BYTES: usize = 4_000;

/// Kept with every committed offset, so that a partition added later can be told from one the group has not begun with: words
/// behind a version, of which later versions may add some.
pub(super) fn note(known_partitions: Option<i32>, remark: &str) -> String {
    let mut note = String::new();
    if let Some(count) = known_partitions {
        note = format!("{NOTE}{PARTITIONS}{count}");
    }
    if !remark.is_empty() {
        note = if note.is_empty() { NOTE.to_owned() } else { note + " " };
        note.extend([PARKED, remark]);
    }
    note
}

const NOTE: &str = "lockgate/1 ";
const PARTITIONS: &str = "partitions=";
const PARKED: &str = "parked=";

/// The partitions that are known, and the remark; nothing where the note is not ours.
fn read_note(metadata: &str) -> (Option<i32>, &str) {
    let mut words = metadata.strip_prefix(NOTE).unwrap_or_default().split(' ');
    let known = words.clone().find_map(|word| word.strip_prefix(PARTITIONS)?.parse().ok());
    (known, words.find_map(|word| word.strip_prefix(PARKED)).unwrap_or_default())
}

/// Partitions of an assignment, as far as the brokers said where they begin.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) assigned: Vec<Assigned>,
    /// Those to ask for once more. The one that gave the reason is the last, so that it is no other's hindrance.
    pub(super) later: Vec<Place>,
    pub(super) reason: Option<Fault>,
}

/// Asks the broker where each of these partitions begins. One that cannot be asked for, since it has no leader for example, leaves
/// those for later that are to be asked for as well, which is every one without a commit: each question may take all of `patience`.
///
/// # Errors
///
/// When nothing can be said of any of them.
pub(super) fn resolve(
    client: &Arc<Client>,
    assigned: &[Place],
    start: Start,
    patience: Duration,
) -> Result<Resolved, Fault> {
    if assigned.is_empty() {
        return Ok(Resolved::default());
    }
    let committed = client.committed(assigned, patience)?;
    let mut resolved = Resolved::default();
    let mut failed = None;
    let mut histories = Histories { client, patience, topics: Vec::new() };
    for place in committed {
        if place.offset >= 0 {
            resolved.assigned.push(goes_on(&place));
        } else if failed.is_some() {
            resolved.later.push(place);
        } else {
            match histories.first(&place, start) {
                Ok(first) => resolved.assigned.push(first),
                Err(fault) => failed = Some((place, fault)),
            }
        }
    }
    if let Some((place, fault)) = failed {
        resolved.later.push(place);
        resolved.reason = Some(fault);
    }
    Ok(resolved)
}

/// Of a partition that has a commit.
fn goes_on(place: &Place) -> Assigned {
    let (known_partitions, remark) = read_note(&place.metadata);
    Assigned {
        at: TopicPartition::new(&place.topic, place.partition),
        begin: Mark { offset: place.offset, leader_epoch: place.leader_epoch },
        origin: Origin::Committed,
        remark: remark.to_owned(),
        known_partitions,
    }
}

/// What the group has done with a topic so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct History {
    /// Partitions of the topic now.
    partitions: i32,
    /// Partitions it had when the group began with it; 0 where something was committed that does not say so, and none where
    /// nothing was committed.
    began_with: Option<i32>,
}

/// Asks for the beginnings of partitions without a commit, and for the history of each topic once.
struct Histories<'c> {
    client: &'c Arc<Client>,
    patience: Duration,
    topics: Vec<(Arc<str>, History)>,
}

impl Histories<'_> {
    fn of(&mut self, topic: &Arc<str>) -> Result<History, Fault> {
        if let Some((_, history)) = self.topics.iter().find(|(known, _)| known == topic) {
            return Ok(*history);
        }
        let Self { client, patience, .. } = *self;
        let partitions = client.partition_count(topic, patience)?;
        let all: Vec<Place> = (0..partitions).map(|number| Place::new(topic, number, -1)).collect();
        let committed = client.committed(&all, patience)?;
        let history = History { partitions, began_with: began_with(&committed) };
        self.topics.push((Arc::clone(topic), history));
        Ok(history)
    }

    fn first(&mut self, place: &Place, start: Start) -> Result<Assigned, Fault> {
        let history = self.of(&place.topic)?;
        let added = history.began_with.is_some_and(|count| place.partition >= count);
        let (start, origin) = match added {
            true => (Start::Earliest, Origin::Added),
            false => (start, Origin::Start),
        };
        let Self { client, patience, .. } = *self;
        let (low, high) = client.watermarks(&place.topic, place.partition, patience)?;
        let offset = match start {
            Start::Earliest => low,
            Start::Latest => high,
            Start::Timestamp(time) => {
                let asked = Place { offset: time, ..place.clone() };
                let found = client.at_times(&[asked], patience)?;
                let found = found.first().map(|found| found.offset);
                found.filter(|offset| *offset >= 0).unwrap_or(high)
            }
        };
        Ok(Assigned {
            at: TopicPartition::new(&place.topic, place.partition),
            begin: Mark { offset, leader_epoch: -1 },
            origin,
            remark: String::new(),
            known_partitions: Some(history.partitions),
        })
    }
}

/// The fewest partitions that any commit knows of: later ones may have seen the topic grow.
fn began_with(committed: &[Place]) -> Option<i32> {
    let committed = committed.iter().filter(|place| place.offset >= 0);
    committed.map(|place| read_note(&place.metadata).0.unwrap_or(0)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(partition: i32, offset: i64, metadata: &str) -> Place {
        let topic: Arc<str> = "t".into();
        Place { metadata: metadata.to_owned(), ..Place::new(&topic, partition, offset) }
    }

    #[test]
    fn a_group_without_commits_begins() {
        assert_eq!(began_with(&[committed(0, -1001, ""), committed(1, -1001, "")]), None);
    }

    #[test]
    fn the_fewest_partitions_count() {
        let grown = [committed(0, 5, &note(Some(2), "")), committed(2, 9, &note(Some(3), "AQ"))];
        assert_eq!(began_with(&grown), Some(2));
    }

    #[test]
    fn commits_of_other_tools_make_every_other_partition_an_added_one() {
        assert_eq!(began_with(&[committed(0, 5, "by hand")]), Some(0));
    }

    #[test]
    fn a_note_without_a_remark_is_what_it_always_was() {
        assert_eq!(note(Some(2), ""), "lockgate/1 partitions=2");
        assert_eq!(note(None, ""), "");
    }

    #[test]
    fn notes_come_back_whole_and_those_of_other_versions_as_far_as_they_are_known() {
        for (known, remark) in [(Some(2), ""), (Some(3), "AQ_-"), (None, "AQ")] {
            assert_eq!(read_note(&note(known, remark)), (known, remark));
        }
        assert_eq!(read_note("lockgate/1 partitions=2"), (Some(2), ""));
        assert_eq!(read_note("lockgate/1 partitions=2 more=x parked=AQ"), (Some(2), "AQ"));
        for foreign in ["", "by hand", "lockgate/2 partitions=2", "partitions=2 parked=AQ"] {
            assert_eq!(read_note(foreign), (None, ""));
        }
    }

    #[test]
    fn the_longest_note_is_one_that_brokers_take() {
        assert!(note(Some(i32::MAX), &"x".repeat(REMARK_BYTES)).len() <= 4_096);
    }
}
