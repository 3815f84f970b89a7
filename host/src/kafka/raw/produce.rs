//! Sending, and learning what became of it.
#![expect(unsafe_code, reason = "as in raw.rs")]

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use rdkafka_sys as rd;
use rdkafka_sys::rd_kafka_vtype_t as kind;

use super::{Client, Code, Deliveries, Fault, take_error, text, topic_name};

/// An output topic of a producer.
#[derive(Debug)]
pub(in crate::kafka) struct Topic {
    pointer: NonNull<rd::rd_kafka_topic_t>,
    client: Arc<Client>,
}

// SAFETY: topic handles may be used from any thread.
unsafe impl Send for Topic {}

/// What is sent. librdkafka copies all of it before [`Topic::send`] returns.
pub(in crate::kafka) struct Piece<'a, H> {
    /// None leaves the choice to the partitioner.
    pub(in crate::kafka) partition: Option<i32>,
    pub(in crate::kafka) key: Option<&'a [u8]>,
    pub(in crate::kafka) value: Option<&'a [u8]>,
    /// None is now.
    pub(in crate::kafka) timestamp: Option<i64>,
    pub(in crate::kafka) headers: H,
    /// Comes back with the delivery.
    pub(in crate::kafka) ticket: u64,
}

impl Topic {
    pub(in crate::kafka) fn new(client: &Arc<Client>, name: &str) -> Result<Self, Fault> {
        let name = topic_name(name);
        // SAFETY: the client is live; without a configuration of its own the topic takes the client's.
        let pointer = unsafe {
            rd::rd_kafka_topic_new(client.pointer(), name.as_ptr(), std::ptr::null_mut())
        };
        match NonNull::new(pointer) {
            Some(pointer) => Ok(Self { pointer, client: Arc::clone(client) }),
            // SAFETY: says what the last call on this thread did.
            None => Err(Code::of(unsafe { rd::rd_kafka_last_error() }).fault()),
        }
    }

    pub(super) fn pointer(&self) -> *mut rd::rd_kafka_topic_t {
        self.pointer.as_ptr()
    }

    /// Hands a record to the producer's queue. Its fate comes later, under the ticket.
    pub(in crate::kafka) fn send<'h, H>(&self, piece: Piece<'_, H>) -> Result<(), Fault>
    where
        H: ExactSizeIterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    {
        let headers = headers(piece.headers);
        let copy = rd::RD_KAFKA_MSG_F_COPY;
        let partition = piece.partition.unwrap_or(PARTITIONER_CHOOSES);
        let ticket = usize::try_from(piece.ticket).expect("the gateway runs on 64 bits");
        let mut fields = [
            field(kind::RD_KAFKA_VTYPE_RKT, Value { rkt: self.pointer.as_ptr() }),
            field(kind::RD_KAFKA_VTYPE_PARTITION, Value { i32_: partition }),
            field(kind::RD_KAFKA_VTYPE_MSGFLAGS, Value { i: copy }),
            field(kind::RD_KAFKA_VTYPE_VALUE, memory(piece.value)),
            field(kind::RD_KAFKA_VTYPE_KEY, memory(piece.key)),
            // 0 stands for now, so 1970 itself cannot be kept; nothing older than a millisecond is lost by that.
            field(
                kind::RD_KAFKA_VTYPE_TIMESTAMP,
                Value { i64_: piece.timestamp.map_or(0, |time| time.max(1)) },
            ),
            field(
                kind::RD_KAFKA_VTYPE_OPAQUE,
                Value { ptr: std::ptr::without_provenance_mut(ticket) },
            ),
            field(kind::RD_KAFKA_VTYPE_HEADERS, Value { headers }),
        ];
        let count = fields.len() - usize::from(headers.is_null());
        // SAFETY: the client and the topic are live; every field is of the kind that it says, and what it points to lives
        // through the call, which copies it. The headers go over to librdkafka where the call succeeds, else they stay
        // ours.
        unsafe {
            let client = self.client.pointer();
            let sent = rd::rd_kafka_produceva(client, fields.as_mut_ptr(), count);
            if !sent.is_null() && !headers.is_null() {
                rd::rd_kafka_headers_destroy(headers);
            }
            take_error(sent)
        }
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and its client is alive.
        unsafe { rd::rd_kafka_topic_destroy(self.pointer.as_ptr()) };
    }
}

impl Client {
    /// Records that were sent and whose fate has not been told yet.
    pub(in crate::kafka) fn unsettled(&self) -> usize {
        // SAFETY: the client is live.
        usize::try_from(unsafe { rd::rd_kafka_outq_len(self.pointer()) }).unwrap_or(0)
    }
}

impl Deliveries {
    /// Gives each record's ticket and fate; a failure with the topic and partition it was meant for.
    pub(in crate::kafka) fn for_each(
        &self,
        mut each: impl FnMut(u64, Result<(), (Fault, String, i32)>),
    ) {
        loop {
            // SAFETY: the event is live; the message stays its own and lives as long as it does.
            let message = unsafe { rd::rd_kafka_event_message_next(self.event.pointer.as_ptr()) };
            if message.is_null() {
                return;
            }
            // SAFETY: as above. The error is read as a number: brokers may know codes that the enumeration lacks. The
            // topic outlives its message.
            unsafe {
                let ticket = (*message)._private.addr() as u64;
                match Code((&raw const (*message).err).cast::<i32>().read()) {
                    Code::NONE => each(ticket, Ok(())),
                    code => {
                        let topic = text(rd::rd_kafka_topic_name((*message).rkt));
                        each(ticket, Err((code.fault(), topic, (*message).partition)));
                    }
                }
            }
        }
    }
}

/// `RD_KAFKA_PARTITION_UA`, a macro that the bindings leave out.
const PARTITIONER_CHOOSES: i32 = -1;

use rd::rd_kafka_vu_s__bindgen_ty_1 as Value;

fn field(vtype: kind, u: Value) -> rd::rd_kafka_vu_t {
    rd::rd_kafka_vu_t { vtype, u }
}

/// Null for nothing; an empty slice has an address, which librdkafka takes as empty rather than null.
fn memory(bytes: Option<&[u8]>) -> Value {
    let ptr =
        bytes.map_or(std::ptr::null_mut(), |bytes| bytes.as_ptr().cast_mut().cast::<c_void>());
    let size = bytes.map_or(0, <[u8]>::len);
    Value { mem: rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr, size } }
}

/// Null where there are none.
fn headers<'h>(
    list: impl ExactSizeIterator<Item = (&'h [u8], Option<&'h [u8]>)>,
) -> *mut rd::rd_kafka_headers_t {
    if list.len() == 0 {
        return std::ptr::null_mut();
    }
    // SAFETY: new headers are ours; names and values are copied with the lengths that are given.
    unsafe {
        let headers = rd::rd_kafka_headers_new(list.len());
        for (name, value) in list {
            rd::rd_kafka_header_add(
                headers,
                name.as_ptr().cast(),
                name.len().cast_signed(),
                value.map_or(std::ptr::null(), |value| value.as_ptr().cast()),
                value.map_or(0, <[u8]>::len).cast_signed(),
            );
        }
        headers
    }
}
