//! A lane's producer: takes outputs, and says under each one's ticket whether it arrived. Keeps the order of what it is
//! given; does not know what a ticket stands for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys::types::RDKafkaRespErr as Known;
use rustc_hash::FxHashMap;
use tracing::warn;

use super::properties::{Role, client_config};
use super::raw::{Client, Code, Deliveries, Fault, Piece, Polled, Queue, Topic};
use super::{Error, Member};
use crate::config;
use crate::record::{Output, OutputHeader, Partition};

/// Two lengths of up to five bytes.
const HEADER_FRAMING: usize = 10;

/// One producer.
#[derive(Debug)]
pub struct Sink {
    topics: FxHashMap<Arc<str>, Topic>,
    reports: Queue,
    client: Arc<Client>,
    record_bytes: usize,
}

/// Why an output was not taken. Nothing of it is under way.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Serve deliveries, then send the same output again.
    #[error("the producer's queue is full")]
    QueueFull,
    #[error("the record has {bytes} bytes, more than the {limit} of \"record_bytes\"")]
    TooLarge { bytes: usize, limit: usize },
    /// No output of this kind will ever be taken.
    #[error(transparent)]
    Refused(#[from] DeliveryError),
    /// The producer is of no use any more: make another one, and rewind what was under way.
    #[error("the producer cannot go on")]
    Fatal(#[source] Fault),
}

/// Why an output did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    #[error(
        "output topic \"{topic}\" has no partition {partition}: it has fewer partitions than the source topic; \
         add partitions, or set partition = \"key\""
    )]
    NoSuchPartition { topic: String, partition: i32 },
    #[error("output topic \"{topic}\" does not exist; create it, or set create_topics = true")]
    NoSuchTopic { topic: String },
    /// The record alone fits `record_bytes`, but the broker takes less.
    #[error(
        "the broker takes no record this large for topic \"{topic}\"; raise its max.message.bytes, or lower \
         \"record_bytes\""
    )]
    TooLarge { topic: String },
    #[error("writing to topic \"{topic}\" is not allowed; grant this client the right to")]
    NotAllowed { topic: String },
    #[error("writing to topic \"{topic}\", partition {partition}")]
    Other {
        topic: String,
        partition: i32,
        #[source]
        cause: Fault,
    },
}

impl Sink {
    /// Makes a producer for records of up to `record_bytes`. Brokers are connected to in the background.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses a property.
    pub fn connect(
        kafka: &config::Kafka,
        member: Member<'_>,
        record_bytes: usize,
    ) -> Result<Self, Error> {
        let config = client_config(kafka, Role::Sink(member, record_bytes));
        let client = Client::producer(&config).map_err(|cause| {
            Error::new("making a producer from [kafka] and [kafka.properties]", cause)
        })?;
        let reports = client.main_queue();
        Ok(Self { topics: FxHashMap::default(), reports, client, record_bytes })
    }

    /// Sends an output. Its fate comes from [`Self::serve`], under `ticket`, once; the bytes are copied.
    ///
    /// # Errors
    ///
    /// See [`SendError`]: after any of them the output was not taken.
    pub fn send(&mut self, output: &Output<'_>, ticket: u64) -> Result<(), SendError> {
        let bytes = size(output);
        if bytes > self.record_bytes {
            return Err(SendError::TooLarge { bytes, limit: self.record_bytes });
        }
        let partition = match output.partition {
            Partition::Same(number) => Some(number),
            Partition::ByKey => None,
        };
        let headers = output.headers.iter();
        let piece = Piece {
            partition,
            key: output.key.as_deref(),
            value: output.value.as_deref(),
            timestamp: output.timestamp,
            headers: headers.map(|header| (&*header.name, header.value.as_deref())),
            ticket,
        };
        let sent = self.topic(&output.topic)?.send(piece);
        sent.map_err(|fault| match fault.code {
            code if code == Code::of(Known::RD_KAFKA_RESP_ERR__QUEUE_FULL) => SendError::QueueFull,
            _ if fault.fatal => SendError::Fatal(fault),
            _ => explain(fault, &output.topic, partition.unwrap_or(-1)).into(),
        })
    }

    fn topic(&mut self, name: &Arc<str>) -> Result<&Topic, SendError> {
        if !self.topics.contains_key(name) {
            let topic = Topic::new(&self.client, name).map_err(|fault| explain(fault, name, -1))?;
            self.topics.insert(Arc::clone(name), topic);
        }
        Ok(self.topics.get(name).expect("it was put there just now"))
    }

    /// Gives the fate of outputs, waiting for one no longer than `wait`, and says how many there were.
    pub fn serve(
        &mut self,
        wait: Duration,
        mut each: impl FnMut(u64, Result<(), DeliveryError>),
    ) -> usize {
        let mut served = 0;
        let mut wait = wait;
        while let Some(polled) = self.reports.poll(wait) {
            match polled {
                Polled::Deliveries(deliveries) => {
                    served += report(&deliveries, &mut each);
                    wait = Duration::ZERO;
                }
                Polled::Error(fault) => warn!(error = %fault, "producer met an error"),
                Polled::Assign(_) | Polled::Revoke(_) | Polled::Committed(_) | Polled::Other => {}
            }
        }
        served
    }

    /// Serves until the fate of every output is known, or until `deadline`. Gives how many are still open.
    pub fn drain(
        &mut self,
        deadline: Instant,
        mut each: impl FnMut(u64, Result<(), DeliveryError>),
    ) -> usize {
        loop {
            let open = self.in_flight();
            let left = deadline.saturating_duration_since(Instant::now());
            if open == 0 || left.is_zero() {
                return open;
            }
            self.serve(left.min(Duration::from_millis(20)), &mut each);
        }
    }

    /// Outputs whose fate has not been given yet.
    pub fn in_flight(&self) -> usize {
        self.client.unsettled()
    }
}

fn report(deliveries: &Deliveries, each: &mut impl FnMut(u64, Result<(), DeliveryError>)) -> usize {
    let mut served = 0;
    deliveries.for_each(|ticket, fate| {
        served += 1;
        each(ticket, fate.map_err(|(fault, topic, partition)| explain(fault, &topic, partition)));
    });
    served
}

/// Key, value and headers together, with the two lengths that stand before each header's parts.
fn size(output: &Output<'_>) -> usize {
    let len = |bytes: &Option<std::borrow::Cow<'_, [u8]>>| bytes.as_ref().map_or(0, |b| b.len());
    let header = |h: &OutputHeader<'_>| HEADER_FRAMING + h.name.len() + len(&h.value);
    let headers: usize = output.headers.iter().map(header).sum();
    len(&output.key) + len(&output.value) + headers
}

fn explain(cause: Fault, topic: &str, partition: i32) -> DeliveryError {
    let topic = topic.to_owned();
    let is = |known: Known| cause.code == Code::of(known);
    if is(Known::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
        DeliveryError::NoSuchPartition { topic, partition }
    } else if is(Known::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        || is(Known::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    {
        DeliveryError::NoSuchTopic { topic }
    } else if is(Known::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        || is(Known::RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE)
    {
        DeliveryError::TooLarge { topic }
    } else if is(Known::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        DeliveryError::NotAllowed { topic }
    } else {
        DeliveryError::Other { topic, partition, cause }
    }
}
