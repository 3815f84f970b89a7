//! Which partitions of the source topics somebody in the group owns. Knows nothing of why one might have no owner.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::{PATIENCE, Topic, Topics};
use crate::config::TopicFilter;
use crate::kafka::raw::Place;
use crate::kafka::{Error, TopicPartition};

/// Every partition that the group's members own between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned(FxHashSet<TopicPartition>);

impl Topics {
    /// Asks the group's coordinator, by one attempt of a few seconds. None where there is nothing to be said: the group is
    /// rebalancing, or has no members.
    ///
    /// # Errors
    ///
    /// When no coordinator answers, or it refuses: this takes the right to describe the group, which reading with it brings.
    pub fn owned(&self) -> Result<Option<Owned>, Error> {
        let told = self.client.assignments(&self.group, PATIENCE).map_err(|cause| {
            Error::new(format!("asking who in group \"{}\" owns what", self.group), cause)
        })?;
        let partition = |place: &Place| TopicPartition::new(&place.topic, place.partition);
        Ok(told.map(|places| Owned(places.iter().map(partition).collect())))
    }
}

/// The partitions of the topics that `filter` takes, as far as they have no owner; in order where `found` is.
pub fn unowned(filter: &TopicFilter, found: &[Topic], owned: &Owned) -> Vec<TopicPartition> {
    let mut unowned = Vec::new();
    for topic in found.iter().filter(|topic| filter.takes(&topic.name)) {
        let name: Arc<str> = topic.name.as_str().into();
        let all = (0..topic.partitions).map(|partition| TopicPartition::new(&name, partition));
        unowned.extend(all.filter(|at| !owned.0.contains(at)));
    }
    unowned
}
