//! Which topics the cluster has.
#![expect(unsafe_code, reason = "as in raw.rs")]

use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as rd;

use super::{Client, Code, Fault, Topic, check, millis, text};

/// A topic's name and number of partitions, or why it cannot be looked at.
type Found = Result<(String, i32), Fault>;

impl Client {
    /// Every topic we may see, with its number of partitions.
    pub(in crate::kafka) fn topics(&self, patience: Duration) -> Result<Vec<(String, i32)>, Fault> {
        let all = self.metadata(None, patience)?;
        Ok(all.into_iter().filter_map(Result::ok).collect())
    }

    /// How many partitions a topic has.
    pub(in crate::kafka) fn partition_count(
        self: &Arc<Self>,
        name: &str,
        patience: Duration,
    ) -> Result<i32, Fault> {
        let topic = Topic::new(self, name)?;
        let mut found = self.metadata(Some(&topic), patience)?;
        found.pop().unwrap_or_else(|| Ok((String::new(), 0))).map(|(_, partitions)| partitions)
    }

    fn metadata(&self, topic: Option<&Topic>, patience: Duration) -> Result<Vec<Found>, Fault> {
        let mut metadata = std::ptr::null();
        let handle = topic.map_or(std::ptr::null_mut(), Topic::pointer);
        let all = i32::from(topic.is_none());
        // SAFETY: the client and the topic are live; the answer is ours to free and copied before. It holds `topic_cnt`
        // topics, whose names end with a zero. Errors are read as numbers: brokers may know codes that the enumeration
        // lacks.
        unsafe {
            let client = self.pointer();
            check(rd::rd_kafka_metadata(client, all, handle, &mut metadata, millis(patience)))?;
            let count = usize::try_from((*metadata).topic_cnt).unwrap_or(0);
            let topics = (0..count).map(|at| {
                let topic = (*metadata).topics.add(at);
                match Code((&raw const (*topic).err).cast::<i32>().read()) {
                    Code::NONE => Ok((text((*topic).topic), (*topic).partition_cnt)),
                    code => Err(code.fault()),
                }
            });
            let topics = topics.collect();
            rd::rd_kafka_metadata_destroy(metadata);
            Ok(topics)
        }
    }
}
