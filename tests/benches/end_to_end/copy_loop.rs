//! The least that any program between two topics does: read batches, produce the same bytes, commit what is delivered. Raw calls
//! into librdkafka, no checks, one thread; the floor that the gateway is measured against.
#![expect(
    unsafe_code,
    reason = "the floor is what the C interface costs, with nothing of ours between"
)]

use std::ffi::CString;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::producer::{DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};
use rdkafka_sys as sys;

const BATCH: usize = 512;
const COMMIT_PERIOD: Duration = Duration::from_secs(1);

/// Sends every assigned partition's records to one queue.
struct Forward {
    queue: AtomicPtr<sys::rd_kafka_queue_t>,
}

impl ClientContext for Forward {}

impl ConsumerContext for Forward {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(assigned) = rebalance else { return };
        for place in assigned.elements() {
            let topic = CString::new(place.topic()).expect("a topic name has no NUL");
            // SAFETY: the client outlives the call, and both queues are counted by librdkafka.
            unsafe {
                let own = sys::rd_kafka_queue_get_partition(
                    consumer.client().native_ptr(),
                    topic.as_ptr(),
                    place.partition(),
                );
                sys::rd_kafka_queue_forward(own, self.queue.load(Ordering::SeqCst));
                sys::rd_kafka_queue_destroy(own);
            }
        }
    }
}

struct Reports;

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok(), "the bench's broker takes every record");
    }
}

/// Copies `from` to `to` until the process is killed.
pub(crate) fn run(brokers: &str, group: &str, from: &str, to: &str) {
    let consumer = consumer(brokers, group);
    // SAFETY: the queue belongs to the consumer, which lives until the process ends.
    let queue = unsafe { sys::rd_kafka_queue_new(consumer.client().native_ptr()) };
    consumer.context().queue.store(queue, Ordering::SeqCst);
    let producer = producer(brokers);
    let name = CString::new(to).expect("a topic name has no NUL");
    // SAFETY: the producer lives until the process ends; a null configuration means the default.
    let topic = unsafe {
        sys::rd_kafka_topic_new(producer.client().native_ptr(), name.as_ptr(), ptr::null_mut())
    };
    consumer.subscribe(&[from]).expect("subscribing to a topic");
    let mut messages = vec![ptr::null_mut(); BATCH];
    let mut next = [None; 16];
    let mut committed = Instant::now();
    loop {
        // Only events arrive here; records go to the queue.
        drop(consumer.poll(Duration::ZERO));
        // SAFETY: `messages` has room for BATCH pointers, and each one filled in is destroyed below.
        let read =
            unsafe { sys::rd_kafka_consume_batch_queue(queue, 10, messages.as_mut_ptr(), BATCH) };
        let read = usize::try_from(read).unwrap_or(0);
        for message in messages.iter().take(read) {
            // SAFETY: librdkafka filled the pointer in, and nobody else holds it.
            let (partition, offset) = unsafe { copy(*message, topic, &producer) };
            let slot = usize::try_from(partition).ok().and_then(|at| next.get_mut(at));
            if let Some(slot) = slot.filter(|_| offset >= 0) {
                *slot = Some(offset + 1);
            }
        }
        if committed.elapsed() > COMMIT_PERIOD {
            committed = Instant::now();
            commit(&consumer, &producer, from, &mut next);
        }
    }
}

/// Produces one message again and frees it. Gives its place; a negative offset where it was an error.
///
/// # Safety
///
/// `message` must be a message that librdkafka gave and that nobody else frees; `topic` one of `producer`'s topics.
unsafe fn copy(
    message: *mut sys::rd_kafka_message_t,
    topic: *mut sys::rd_kafka_topic_t,
    producer: &ThreadedProducer<Reports>,
) -> (i32, i64) {
    // SAFETY: as the caller promises.
    unsafe {
        let seen = &*message;
        let place = if seen.err as i32 == 0 { (seen.partition, seen.offset) } else { (-1, -1) };
        while place.1 >= 0
            && sys::rd_kafka_produce(
                topic,
                seen.partition,
                sys::RD_KAFKA_MSG_F_COPY,
                seen.payload,
                seen.len,
                seen.key,
                seen.key_len,
                ptr::null_mut(),
            ) != 0
        {
            sys::rd_kafka_poll(producer.client().native_ptr(), 1);
        }
        sys::rd_kafka_message_destroy(message);
        place
    }
}

fn commit(
    consumer: &BaseConsumer<Forward>,
    producer: &ThreadedProducer<Reports>,
    topic: &str,
    next: &mut [Option<i64>],
) {
    // SAFETY: the producer outlives the call.
    unsafe { sys::rd_kafka_flush(producer.client().native_ptr(), 5_000) };
    let mut places = TopicPartitionList::new();
    for (partition, offset) in (0i32..).zip(next) {
        if let Some(offset) = offset.take() {
            places
                .add_partition_offset(topic, partition, Offset::Offset(offset))
                .expect("an offset can be listed");
        }
    }
    if places.count() > 0 && consumer.store_offsets(&places).is_ok() {
        // A commit that fails is made again with the next one.
        drop(consumer.commit_consumer_state(CommitMode::Async));
    }
}

#[expect(clippy::disallowed_methods, reason = "the floor is configured apart from the gateway")]
fn consumer(brokers: &str, group: &str) -> BaseConsumer<Forward> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("fetch.wait.max.ms", "100")
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.message.max.bytes", "1048576")
        .create_with_context(Forward { queue: AtomicPtr::new(ptr::null_mut()) })
        .expect("making the floor's consumer")
}

#[expect(clippy::disallowed_methods, reason = "the floor is configured apart from the gateway")]
fn producer(brokers: &str) -> ThreadedProducer<Reports> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("batch.num.messages", "10000")
        .set("compression.type", "lz4")
        .set("queue.buffering.max.messages", "100000")
        .set("queue.buffering.max.kbytes", "65536")
        .create_with_context(Reports)
        .expect("making the floor's producer")
}
