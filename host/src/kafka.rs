//! The door to Kafka: the only part that knows librdkafka. Reads records in batches, sends outputs, commits what it is told
//! to; what may be committed is decided elsewhere.

mod raw;
mod properties;
mod start;
mod source;
mod sink;

pub mod dead_letter;
pub mod topics;
pub mod sample;

use std::fmt;
use std::sync::Arc;

pub use properties::{Member, check_properties, members_assign, refused_property};
pub use raw::{Code, Fault};
pub use sink::{DeliveryError, SendError, Sink};
pub use source::{Advance, Batch, Event, LostRange, Run, Source, Standing, Trouble};
pub use start::{Assigned, Origin, REMARK_BYTES};

/// What we were doing with Kafka when it failed; the cause says why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{doing}")]
pub struct Error {
    doing: String,
    #[source]
    cause: Fault,
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    pub topic: Arc<str>,
    pub partition: i32,
}

impl Error {
    fn new(doing: impl Into<String>, cause: Fault) -> Self {
        Self { doing: doing.into(), cause }
    }

    /// The client is of no use any more and must be replaced.
    pub fn is_fatal(&self) -> bool {
        self.cause.fatal
    }
}

impl TopicPartition {
    pub fn new(topic: &Arc<str>, partition: i32) -> Self {
        Self { topic: Arc::clone(topic), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}
