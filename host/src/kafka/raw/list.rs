//! Lists of partitions, as librdkafka takes and gives them.
#![expect(unsafe_code, reason = "as in raw.rs")]

use std::ptr::NonNull;
use std::sync::Arc;

use rdkafka_sys as rd;

use super::{Code, Fault, topic_name};

/// A partition and what is said of it; which fields count depends on the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::kafka) struct Place {
    pub(in crate::kafka) topic: Arc<str>,
    pub(in crate::kafka) partition: i32,
    pub(in crate::kafka) offset: i64,
    /// -1 where unknown.
    pub(in crate::kafka) leader_epoch: i32,
    /// Kept with a committed offset. Other tools may write bytes that are not UTF-8; they are replaced.
    pub(in crate::kafka) metadata: String,
    pub(in crate::kafka) fault: Option<Fault>,
}

impl Place {
    pub(in crate::kafka) fn new(topic: &Arc<str>, partition: i32, offset: i64) -> Self {
        Self {
            topic: Arc::clone(topic),
            partition,
            offset,
            leader_epoch: -1,
            metadata: String::new(),
            fault: None,
        }
    }
}

pub(super) struct List {
    pointer: NonNull<rd::rd_kafka_topic_partition_list_t>,
}

impl List {
    pub(super) fn of(places: &[Place]) -> Self {
        let list = Self::with_capacity(places.len());
        for place in places {
            let name = topic_name(&place.topic);
            // SAFETY: the list is ours; the name and the metadata are copied, the latter into memory that librdkafka
            // frees with the list. The element stays valid until the next one is added.
            unsafe {
                let element = rd::rd_kafka_topic_partition_list_add(
                    list.pointer(),
                    name.as_ptr(),
                    place.partition,
                );
                (*element).offset = place.offset;
                rd::rd_kafka_topic_partition_set_leader_epoch(element, place.leader_epoch);
                if !place.metadata.is_empty() {
                    let copy = rd::rd_kafka_mem_malloc(std::ptr::null_mut(), place.metadata.len());
                    std::ptr::copy_nonoverlapping(
                        place.metadata.as_ptr(),
                        copy.cast(),
                        place.metadata.len(),
                    );
                    (*element).metadata = copy;
                    (*element).metadata_size = place.metadata.len();
                }
            }
        }
        list
    }

    fn with_capacity(len: usize) -> Self {
        let len = i32::try_from(len).unwrap_or(0);
        // SAFETY: a new list is ours.
        let pointer = unsafe { rd::rd_kafka_topic_partition_list_new(len) };
        Self { pointer: NonNull::new(pointer).expect("librdkafka aborts where it has no memory") }
    }

    pub(super) fn pointer(&self) -> *mut rd::rd_kafka_topic_partition_list_t {
        self.pointer.as_ptr()
    }

    /// What a call left in the list.
    pub(super) fn read(&self) -> Vec<Place> {
        // SAFETY: the list is live.
        unsafe { read(self.pointer) }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the list is ours.
        unsafe { rd::rd_kafka_topic_partition_list_destroy(self.pointer()) };
    }
}

/// Copies a list.
///
/// # Safety
///
/// `list` is live.
pub(super) unsafe fn read(list: NonNull<rd::rd_kafka_topic_partition_list_t>) -> Vec<Place> {
    // SAFETY: the caller vouches for the list; it holds `cnt` elements, each with a topic name that ends with a zero and
    // metadata of the length it says. The error is read as a number: brokers may know codes that the enumeration lacks.
    unsafe {
        let list = list.as_ref();
        (0..usize::try_from(list.cnt).unwrap_or(0))
            .map(|at| {
                let element = list.elems.add(at);
                let code = Code((&raw const (*element).err).cast::<i32>().read());
                let metadata = match (*element).metadata.is_null() {
                    true => &[],
                    false => std::slice::from_raw_parts(
                        (*element).metadata.cast::<u8>(),
                        (*element).metadata_size,
                    ),
                };
                Place {
                    topic: super::text((*element).topic).into(),
                    partition: (*element).partition,
                    offset: (*element).offset,
                    leader_epoch: rd::rd_kafka_topic_partition_get_leader_epoch(element),
                    metadata: String::from_utf8_lossy(metadata).into_owned(),
                    fault: (code != Code::NONE).then(|| code.fault()),
                }
            })
            .collect()
    }
}
