//! Records as they stand in librdkafka's memory.
#![expect(unsafe_code, reason = "as in raw.rs")]

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as rd;

use super::{Client, Code, Fault, Queue, millis, text};
use crate::record::Header;

/// Records that librdkafka has handed over. They go back when this is dropped.
#[derive(Debug)]
pub(in crate::kafka) struct Messages {
    list: Vec<*mut rd::rd_kafka_message_t>,
    /// Held so that the messages go first.
    _client: Arc<Client>,
}

/// One of [`Messages`].
#[derive(Clone, Copy)]
pub(in crate::kafka) struct Message<'a> {
    pointer: NonNull<rd::rd_kafka_message_t>,
    owner: PhantomData<&'a Messages>,
}

impl Queue {
    /// Up to `max` records. Gives at once what is there, and only where that is nothing waits up to `wait` for the first.
    pub(in crate::kafka) fn consume(&self, max: usize, wait: Duration) -> Messages {
        let mut list = Vec::with_capacity(max);
        self.fill(&mut list, max, Duration::ZERO);
        if list.is_empty() && !wait.is_zero() {
            // The call with room for many would wait for all of them to come.
            self.fill(&mut list, 1, wait);
            if !list.is_empty() {
                self.fill(&mut list, max, Duration::ZERO);
            }
        }
        Messages { list, _client: Arc::clone(&self.client) }
    }

    fn fill(&self, list: &mut Vec<*mut rd::rd_kafka_message_t>, max: usize, wait: Duration) {
        let room = max.saturating_sub(list.len());
        list.reserve(room);
        // SAFETY: the queue is live and receives nothing but records, the list has room for `room` more, and librdkafka
        // says how many it has written.
        unsafe {
            let end = list.as_mut_ptr().add(list.len());
            let pointer = self.pointer.as_ptr();
            let read = rd::rd_kafka_consume_batch_queue(pointer, millis(wait), end, room);
            list.set_len(list.len() + usize::try_from(read).unwrap_or(0));
        }
    }
}

impl Messages {
    pub(in crate::kafka) fn iter(&self) -> impl Iterator<Item = Message<'_>> {
        self.list.iter().filter_map(|pointer| {
            Some(Message { pointer: NonNull::new(*pointer)?, owner: PhantomData })
        })
    }

    /// Takes out what is no record.
    pub(in crate::kafka) fn take_faults<T>(
        &mut self,
        mut take: impl FnMut(Message<'_>, Fault) -> T,
    ) -> Vec<T> {
        let mut taken = Vec::new();
        self.list.retain(|pointer| {
            let Some(live) = NonNull::new(*pointer) else { return false };
            let message = Message { pointer: live, owner: PhantomData };
            let Some(fault) = message.fault() else { return true };
            taken.push(take(message, fault));
            // SAFETY: the message is ours, leaves the list here, and what was borrowed from it ended with `take`.
            unsafe { rd::rd_kafka_message_destroy(*pointer) };
            false
        });
        taken
    }

    pub(in crate::kafka) fn get(&self, at: usize) -> Option<Message<'_>> {
        let pointer = NonNull::new(*self.list.get(at)?)?;
        Some(Message { pointer, owner: PhantomData })
    }

    pub(in crate::kafka) fn len(&self) -> usize {
        self.list.len()
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        for pointer in self.list.drain(..) {
            // SAFETY: each message is ours, and nothing borrows from it any more.
            unsafe { rd::rd_kafka_message_destroy(pointer) };
        }
    }
}

impl<'a> Message<'a> {
    fn fields(&self) -> &'a rd::rd_kafka_message_t {
        // SAFETY: the message lives as long as its owner, which is borrowed for 'a, and nobody writes to it. Its error is
        // never read through this reference: see `code`.
        unsafe { self.pointer.as_ref() }
    }

    fn code(&self) -> Code {
        // SAFETY: the message is live. Read as a number: brokers may know codes that the enumeration lacks.
        Code(unsafe { (&raw const (*self.pointer.as_ptr()).err).cast::<i32>().read() })
    }

    /// Set where this is no record but something that went wrong with its partition.
    pub(in crate::kafka) fn fault(&self) -> Option<Fault> {
        match self.code() {
            Code::NONE => None,
            code => {
                // SAFETY: the message is live and in error, so its text ends with a zero.
                let text = unsafe { text(rd::rd_kafka_message_errstr(self.pointer.as_ptr())) };
                Some(Fault { code, text, fatal: false })
            }
        }
    }

    /// Two records of one topic in one batch have the same.
    pub(in crate::kafka) fn topic_id(&self) -> usize {
        self.fields().rkt.addr()
    }

    pub(in crate::kafka) fn topic(&self) -> &'a str {
        let topic = self.fields().rkt;
        if topic.is_null() {
            return "";
        }
        // SAFETY: the message keeps its topic alive, whose name ends with a zero.
        unsafe { CStr::from_ptr(rd::rd_kafka_topic_name(topic)) }.to_str().unwrap_or_default()
    }

    pub(in crate::kafka) fn partition(&self) -> i32 {
        self.fields().partition
    }

    pub(in crate::kafka) fn offset(&self) -> i64 {
        self.fields().offset
    }

    /// -1 where the broker gave none.
    pub(in crate::kafka) fn leader_epoch(&self) -> i32 {
        // SAFETY: the message is live.
        unsafe { rd::rd_kafka_message_leader_epoch(self.pointer.as_ptr()) }
    }

    pub(in crate::kafka) fn timestamp(&self) -> Option<i64> {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is live.
        let timestamp = unsafe { rd::rd_kafka_message_timestamp(self.pointer.as_ptr(), &mut kind) };
        (timestamp >= 0).then_some(timestamp)
    }

    pub(in crate::kafka) fn key(&self) -> Option<&'a [u8]> {
        let fields = self.fields();
        // SAFETY: a key that is not null has the length that is said, and lives as long as the message.
        unsafe { bytes(fields.key.cast(), fields.key_len) }
    }

    pub(in crate::kafka) fn value(&self) -> Option<&'a [u8]> {
        let fields = self.fields();
        // SAFETY: as for the key.
        unsafe { bytes(fields.payload.cast(), fields.len) }
    }

    /// The headers in order. A name with a zero byte in it is cut there: librdkafka gives no length.
    pub(in crate::kafka) fn headers(&self) -> Vec<Header<'a>> {
        let mut headers = std::ptr::null_mut();
        // SAFETY: the message is live; the headers stay its own and live as long as it does.
        let found = unsafe { rd::rd_kafka_message_headers(self.pointer.as_ptr(), &mut headers) };
        if Code::of(found) != Code::NONE {
            return Vec::new();
        }
        // SAFETY: the headers are live, and each index is below their number. Names end with a zero, values have the
        // length that is said.
        unsafe {
            (0..rd::rd_kafka_header_cnt(headers))
                .filter_map(|at| {
                    let (mut name, mut value, mut len) = (std::ptr::null(), std::ptr::null(), 0);
                    let code =
                        rd::rd_kafka_header_get_all(headers, at, &mut name, &mut value, &mut len);
                    let known = Code::of(code) == Code::NONE;
                    known.then(|| Header {
                        name: CStr::from_ptr(name).to_bytes(),
                        value: bytes(value.cast(), len),
                    })
                })
                .collect()
        }
    }
}

/// # Safety
///
/// `pointer` is null or points to `len` bytes that nobody writes to during 'a.
unsafe fn bytes<'a>(pointer: *const u8, len: usize) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for it.
    Some(unsafe { std::slice::from_raw_parts(pointer, len) })
}
