//! Where a partition begins that was just assigned. Never silently at its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::TopicPartition;
use super::raw::{Client, Fault, Place};
use crate::config::Start;
use crate::tracker::Mark;

/// How long one question to the broker may take; the lane stands still meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// Asks the broker where each of these partitions begins.
pub(super) fn resolve(
    client: &Arc<Client>,
    assigned: &[Place],
    start: Start,
) -> Result<Vec<Assigned>, Fault> {
    if assigned.is_empty() {
        return Ok(Vec::new());
    }
    let committed = client.committed(assigned, PATIENCE)?;
    let mut resolved = Vec::with_capacity(assigned.len());
    let mut topics: Vec<(Arc<str>, History)> = Vec::new();
    for place in committed {
        if place.offset >= 0 {
            let (known_partitions, remark) = read_note(&place.metadata);
            resolved.push(Assigned {
                at: TopicPartition::new(&place.topic, place.partition),
                begin: Mark { offset: place.offset, leader_epoch: place.leader_epoch },
                origin: Origin::Committed,
                remark: remark.to_owned(),
                known_partitions,
            });
            continue;
        }
        let history = match topics.iter().find(|(topic, _)| *topic == place.topic) {
            Some((_, history)) => *history,
            None => {
                let history = history(client, &place.topic)?;
                topics.push((Arc::clone(&place.topic), history));
                history
            }
        };
        resolved.push(first(client, &place, start, history)?);
    }
    Ok(resolved)
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

fn history(client: &Arc<Client>, topic: &Arc<str>) -> Result<History, Fault> {
    let partitions = client.partition_count(topic, PATIENCE)?;
    let all: Vec<Place> = (0..partitions).map(|number| Place::new(topic, number, -1)).collect();
    let committed = client.committed(&all, PATIENCE)?;
    Ok(History { partitions, began_with: began_with(&committed) })
}

/// The fewest partitions that any commit knows of: later ones may have seen the topic grow.
fn began_with(committed: &[Place]) -> Option<i32> {
    let committed = committed.iter().filter(|place| place.offset >= 0);
    committed.map(|place| read_note(&place.metadata).0.unwrap_or(0)).min()
}

fn first(
    client: &Client,
    place: &Place,
    start: Start,
    history: History,
) -> Result<Assigned, Fault> {
    let added = history.began_with.is_some_and(|count| place.partition >= count);
    let (start, origin) = match added {
        true => (Start::Earliest, Origin::Added),
        false => (start, Origin::Start),
    };
    let (low, high) = client.watermarks(&place.topic, place.partition, PATIENCE)?;
    let offset = match start {
        Start::Earliest => low,
        Start::Latest => high,
        Start::Timestamp(time) => {
            let asked = Place { offset: time, ..place.clone() };
            let found = client.at_times(&[asked], PATIENCE)?;
            found.first().map(|found| found.offset).filter(|offset| *offset >= 0).unwrap_or(high)
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
