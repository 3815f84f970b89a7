//! How far partitions are read and how far they reach, for metrics.

use std::time::{Duration, Instant};

use tracing::debug;

use super::Source;
use crate::kafka::TopicPartition;
use crate::kafka::raw::{END, Place};

/// How often the ends of halted partitions are asked for, and how long that may take: the lane stands still meanwhile.
const PERIOD: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_millis(500);

/// How far a partition is read and how far it reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub at: TopicPartition,
    pub next: i64,
    /// The first offset it still has, and the one after its last; none before the first fetch.
    pub watermarks: Option<(i64, i64)>,
}

impl Source {
    /// How each assigned partition stands, as the latest fetch said, or the latest [`Self::ask_ends`].
    pub fn standings(&self) -> impl Iterator<Item = Standing> {
        self.assigned.iter().map(|(at, held)| {
            let known = self.client.known_watermarks(&at.topic, at.partition);
            let watermarks = known.map(|(low, high)| (low, held.end.unwrap_or(high).max(high)));
            Standing { at: at.clone(), next: held.next, watermarks }
        })
    }

    /// Asks now and then how far those partitions reach that are halted: nothing is fetched of them that would say so.
    pub fn ask_ends(&mut self) {
        if self.asked.is_some_and(|asked| asked.elapsed() < PERIOD) {
            return;
        }
        let halted = self.assigned.iter().filter(|(_, held)| held.is_halted);
        let asked = halted.map(|(at, _)| Place::new(&at.topic, at.partition, END));
        let asked: Vec<Place> = asked.collect();
        if asked.is_empty() {
            return;
        }
        self.asked = Some(Instant::now());
        match self.client.at_times(&asked, PATIENCE) {
            Ok(ends) => {
                for end in ends.iter().filter(|end| end.offset >= 0) {
                    let at = self.partition(end);
                    if let Some(held) = self.assigned.get_mut(&at) {
                        held.end = Some(end.offset);
                    }
                }
            }
            // Brokers that do not answer are told of by others.
            Err(error) => debug!(%error, "how far halted partitions reach is not known"),
        }
    }
}
