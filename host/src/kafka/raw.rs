//! The unsafe part: owned handles over librdkafka's pointers, each freed in the order that librdkafka demands. Knows
//! nothing of lanes, records or policies.
#![expect(
    unsafe_code,
    reason = "librdkafka is a C library; the safe crate has neither batch reads nor raw header names"
)]

mod consume;
mod group;
mod list;
mod message;
mod metadata;
mod produce;

use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::NativeClientConfig;
use rdkafka::error::KafkaError;
use rdkafka_sys as rd;
use rdkafka_sys::types::RDKafkaRespErr;
use tracing::{debug, error, trace, warn};

pub(super) use consume::END;
pub(super) use list::Place;
pub(super) use message::{Message, Messages};
pub(super) use produce::{Piece, Topic};

use list::List;

/// How long the end of a client may take. librdkafka joins its threads there, and known bugs let that hang.
const DESTROY_PATIENCE: Duration = Duration::from_secs(5);

/// Why librdkafka or the broker refused something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Fault {
    pub code: Code,
    /// As librdkafka words it; names topics and brokers, never data.
    pub text: String,
    /// The client is of no use any more.
    pub fatal: bool,
}

/// librdkafka's (negative) or the broker's (positive) error code. A number, since brokers may know codes we do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(i32);

/// A consumer or a producer.
#[derive(Debug)]
pub(super) struct Client {
    pointer: NonNull<rd::rd_kafka_t>,
}

// SAFETY: librdkafka's client handle may be used from any thread, and from several at once.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

/// A queue of a client, which lives at least as long.
#[derive(Debug)]
pub(super) struct Queue {
    pointer: NonNull<rd::rd_kafka_queue_t>,
    client: Arc<Client>,
}

// SAFETY: librdkafka's queues lock themselves.
unsafe impl Send for Queue {}

/// What a queue gave.
#[derive(Debug)]
pub(super) enum Polled {
    Assign(Vec<Place>),
    Revoke(Vec<Place>),
    Committed(Result<Vec<Place>, Fault>),
    Deliveries(Deliveries),
    Error(Fault),
    /// Something that nobody asked for.
    Other,
}

/// The fates of some records that were sent.
#[derive(Debug)]
pub(super) struct Deliveries {
    event: Event,
}

#[derive(Debug)]
struct Event {
    pointer: NonNull<rd::rd_kafka_event_t>,
}

impl Client {
    /// A member of a consumer group; rebalances, commits and errors come as events of [`Self::consumer_queue`].
    pub(super) fn consumer(config: &ClientConfig) -> Result<Arc<Self>, Fault> {
        let events = rd::RD_KAFKA_EVENT_REBALANCE
            | rd::RD_KAFKA_EVENT_OFFSET_COMMIT
            | rd::RD_KAFKA_EVENT_ERROR;
        let client = Self::new(rd::rd_kafka_type_t::RD_KAFKA_CONSUMER, config, events)?;
        // SAFETY: the pointer is a live consumer's.
        let redirected = unsafe { rd::rd_kafka_poll_set_consumer(client.pointer()) };
        check(redirected)?;
        Ok(client)
    }

    /// A producer; deliveries and errors come as events of [`Self::main_queue`].
    pub(super) fn producer(config: &ClientConfig) -> Result<Arc<Self>, Fault> {
        let events = rd::RD_KAFKA_EVENT_DR | rd::RD_KAFKA_EVENT_ERROR;
        Self::new(rd::rd_kafka_type_t::RD_KAFKA_PRODUCER, config, events)
    }

    fn new(
        kind: rd::rd_kafka_type_t,
        config: &ClientConfig,
        events: c_int,
    ) -> Result<Arc<Self>, Fault> {
        let native = native(config)?;
        let mut reason: [c_char; 512] = [0; 512];
        // SAFETY: `native` is a live configuration, which the new client takes over; where there is none, it is dropped.
        // `reason` is as long as it is said to be, and librdkafka ends it with a zero.
        unsafe {
            rd::rd_kafka_conf_set_events(native.ptr(), events);
            rd::rd_kafka_conf_set_log_cb(native.ptr(), Some(log));
            let native = ManuallyDrop::new(native);
            let pointer = rd::rd_kafka_new(kind, native.ptr(), reason.as_mut_ptr(), reason.len());
            match NonNull::new(pointer) {
                Some(pointer) => Ok(Arc::new(Self { pointer })),
                None => {
                    drop(ManuallyDrop::into_inner(native));
                    Err(invalid(text(reason.as_ptr())))
                }
            }
        }
    }

    fn pointer(&self) -> *mut rd::rd_kafka_t {
        self.pointer.as_ptr()
    }

    pub(super) fn main_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: the client is live; a client always has a main queue.
        self.queue(unsafe { rd::rd_kafka_queue_get_main(self.pointer()) })
    }

    pub(super) fn consumer_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: the client is live; only consumers call this, and they have one.
        self.queue(unsafe { rd::rd_kafka_queue_get_consumer(self.pointer()) })
    }

    pub(super) fn new_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: the client is live.
        self.queue(unsafe { rd::rd_kafka_queue_new(self.pointer()) })
    }

    fn queue(self: &Arc<Self>, pointer: *mut rd::rd_kafka_queue_t) -> Queue {
        let pointer = NonNull::new(pointer).expect("librdkafka aborts where it has no memory");
        Queue { pointer, client: Arc::clone(self) }
    }

    /// What made the client useless, where something did.
    pub(super) fn fatal(&self) -> Option<Fault> {
        let mut reason: [c_char; 512] = [0; 512];
        // SAFETY: the client is live, and `reason` is as long as it is said to be.
        let code =
            unsafe { rd::rd_kafka_fatal_error(self.pointer(), reason.as_mut_ptr(), reason.len()) };
        let code = Code::of(code);
        // SAFETY: librdkafka ended it with a zero, or left it all zeros.
        (code != Code::NONE).then(|| Fault {
            code,
            text: unsafe { text(reason.as_ptr()) },
            fatal: true,
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        struct Last(NonNull<rd::rd_kafka_t>);
        // SAFETY: nobody else has the pointer any more.
        unsafe impl Send for Last {}
        let last = Last(self.pointer);
        let (done, waited) = mpsc::channel();
        let destroy = move || {
            let Last(pointer) = { last };
            // SAFETY: every queue, message and topic handle held the client alive, so they are all gone. Consumers that
            // ought to leave their group were closed before; closing here could block.
            unsafe { rd::rd_kafka_destroy_flags(pointer.as_ptr(), DESTROY_WITHOUT_CLOSE) };
            // Whoever waited may have given up.
            done.send(()).ok();
        };
        let started = std::thread::Builder::new().name("kafka end".to_owned()).spawn(destroy);
        if started.is_err() || waited.recv_timeout(DESTROY_PATIENCE).is_err() {
            warn!("a kafka client did not end in time and was left behind");
        }
    }
}

/// `RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE`, a macro that the bindings leave out.
const DESTROY_WITHOUT_CLOSE: c_int = 0x8;

impl Queue {
    /// The next event, waiting for one no longer than `wait`.
    pub(super) fn poll(&self, wait: Duration) -> Option<Polled> {
        // SAFETY: the queue is live; the event that comes back is ours.
        let pointer = unsafe { rd::rd_kafka_queue_poll(self.pointer.as_ptr(), millis(wait)) };
        let event = Event { pointer: NonNull::new(pointer)? };
        // SAFETY: the event is live.
        let kind = unsafe { rd::rd_kafka_event_type(pointer) };
        Some(match kind {
            rd::RD_KAFKA_EVENT_DR => Polled::Deliveries(Deliveries { event }),
            rd::RD_KAFKA_EVENT_REBALANCE => {
                let assign = Code::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS);
                match event.code() == assign {
                    true => Polled::Assign(event.places()),
                    false => Polled::Revoke(event.places()),
                }
            }
            rd::RD_KAFKA_EVENT_OFFSET_COMMIT => Polled::Committed(match event.code() {
                // A commit that went through as such may still have failed for single partitions.
                Code::NONE => consume::whole(event.places()),
                _ => Err(event.fault()),
            }),
            rd::RD_KAFKA_EVENT_ERROR => Polled::Error(event.fault()),
            // Whoever ignored it would commit past it.
            rd::RD_KAFKA_EVENT_FETCH => Polled::Error(Fault {
                code: Code::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__STATE),
                text: "a record arrived beside the queue that its partition was pointed to"
                    .to_owned(),
                fatal: true,
            }),
            _ => Polled::Other,
        })
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the queue is live, and so is its client: a queue must go first.
        unsafe { rd::rd_kafka_queue_destroy(self.pointer.as_ptr()) };
    }
}

impl Event {
    fn code(&self) -> Code {
        // SAFETY: the event is live.
        Code::of(unsafe { rd::rd_kafka_event_error(self.pointer.as_ptr()) })
    }

    fn fault(&self) -> Fault {
        // SAFETY: the event is live; its text ends with a zero and lives as long.
        unsafe {
            let fatal = rd::rd_kafka_event_error_is_fatal(self.pointer.as_ptr()) != 0;
            let text = text(rd::rd_kafka_event_error_string(self.pointer.as_ptr()));
            Fault { code: self.code(), text, fatal }
        }
    }

    fn places(&self) -> Vec<Place> {
        // SAFETY: the event is live and owns the list, which is only looked at.
        let list = unsafe { rd::rd_kafka_event_topic_partition_list(self.pointer.as_ptr()) };
        // SAFETY: as above; null where the event has none.
        NonNull::new(list).map(|list| unsafe { list::read(list) }).unwrap_or_default()
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the event is ours and nothing borrowed from it is left.
        unsafe { rd::rd_kafka_event_destroy(self.pointer.as_ptr()) };
    }
}

impl Code {
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn of(code: RDKafkaRespErr) -> Self {
        Self(code as i32)
    }

    pub(super) const fn number(code: i32) -> Self {
        Self(code)
    }

    pub(super) fn fault(self) -> Fault {
        Fault { code: self, text: self.to_string(), fatal: false }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match RDKafkaRespErr::try_from(self.0) {
            // SAFETY: librdkafka gives a static text for each code it knows.
            Ok(known) => f.write_str(&unsafe { text(rd::rd_kafka_err2str(known)) }),
            Err(_) => write!(f, "error {}", self.0),
        }
    }
}

/// A configuration as librdkafka holds it, each property's name and value looked at.
pub(super) fn native(config: &ClientConfig) -> Result<NativeClientConfig, Fault> {
    config.create_native_config().map_err(|err| match err {
        // The value may be a secret, so only the property's name is repeated, and once.
        KafkaError::ClientConfig(_, text, name, _) => {
            let text = text.trim_end().trim_end_matches(&format!(": \"{name}\""));
            invalid(format!("property \"{name}\": {text}"))
        }
        other => invalid(other.to_string()),
    })
}

fn invalid(text: String) -> Fault {
    let code = Code::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__INVALID_ARG);
    Fault { code, text, fatal: true }
}

fn check(code: RDKafkaRespErr) -> Result<(), Fault> {
    match Code::of(code) {
        Code::NONE => Ok(()),
        code => Err(code.fault()),
    }
}

/// Takes over an error object; null is success.
///
/// # Safety
///
/// `error` is null or an error object that nobody else frees.
unsafe fn take_error(error: *mut rd::rd_kafka_error_t) -> Result<(), Fault> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the caller vouches for the object; its text is copied before it goes.
    unsafe {
        let fault = Fault {
            code: Code::of(rd::rd_kafka_error_code(error)),
            text: text(rd::rd_kafka_error_string(error)),
            fatal: rd::rd_kafka_error_is_fatal(error) != 0,
        };
        rd::rd_kafka_error_destroy(error);
        Err(fault)
    }
}

/// Copies a C string; null is empty.
///
/// # Safety
///
/// `pointer` is null or points to bytes that end with a zero.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for it.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// Topic names have no zero byte in Kafka; one that has could not exist, and the empty name does not either.
fn topic_name(name: &str) -> CString {
    CString::new(name).unwrap_or_default()
}

fn millis(duration: Duration) -> c_int {
    c_int::try_from(duration.as_millis()).unwrap_or(c_int::MAX)
}

/// Hands librdkafka's log lines on. It says the same of consumers and producers and retries by itself, so that hardly
/// anything it says asks for someone to act.
unsafe extern "C" fn log(
    _client: *const rd::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    line: *const c_char,
) {
    // SAFETY: librdkafka gives two texts that end with a zero.
    let (facility, line) = unsafe { (text(facility), text(line)) };
    match level {
        // Consumers and producers are given the same properties, and each warns of the other's.
        _ if facility == "CONFWARN" => debug!(facility, line, "librdkafka says"),
        0..=2 => error!(facility, line, "librdkafka says"),
        3..=4 => warn!(facility, line, "librdkafka says"),
        5..=6 => debug!(facility, line, "librdkafka says"),
        _ => trace!(facility, line, "librdkafka says"),
    }
}
