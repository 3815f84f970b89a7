//! What a member of a consumer group asks of its client.
#![expect(unsafe_code, reason = "as in raw.rs")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys as rd;
use rdkafka_sys::types::RDKafkaRespErr;

use super::{
    Client, Code, Fault, List, Place, Polled, Queue, check, millis, take_error, topic_name,
};

/// `RD_KAFKA_OFFSET_END`, which is what brokers take for the latest timestamp of all.
pub(in crate::kafka) const END: i64 = -1;

impl Client {
    /// Topic names, and patterns that begin with `^`.
    pub(in crate::kafka) fn subscribe(&self, topics: &[Arc<str>]) -> Result<(), Fault> {
        let places: Vec<Place> = topics.iter().map(|topic| Place::new(topic, -1, 0)).collect();
        let list = List::of(&places);
        // SAFETY: the client and the list are live; the list is copied.
        check(unsafe { rd::rd_kafka_subscribe(self.pointer(), list.pointer()) })
    }

    pub(in crate::kafka) fn unsubscribe(&self) -> Result<(), Fault> {
        // SAFETY: the client is live.
        check(unsafe { rd::rd_kafka_unsubscribe(self.pointer()) })
    }

    /// Begins to fetch these partitions, each from its offset.
    pub(in crate::kafka) fn assign(&self, places: &[Place]) -> Result<(), Fault> {
        let list = List::of(places);
        // SAFETY: the client and the list are live; the list is copied, the error is ours.
        unsafe { take_error(rd::rd_kafka_incremental_assign(self.pointer(), list.pointer())) }
    }

    pub(in crate::kafka) fn unassign(&self, places: &[Place]) -> Result<(), Fault> {
        let list = List::of(places);
        // SAFETY: as in `assign`.
        unsafe { take_error(rd::rd_kafka_incremental_unassign(self.pointer(), list.pointer())) }
    }

    /// The partitions being revoked belong to somebody else by now.
    pub(in crate::kafka) fn assignment_lost(&self) -> bool {
        // SAFETY: the client is live.
        unsafe { rd::rd_kafka_assignment_lost(self.pointer()) != 0 }
    }

    /// What the group has committed: a negative offset where nothing.
    pub(in crate::kafka) fn committed(
        &self,
        places: &[Place],
        patience: Duration,
    ) -> Result<Vec<Place>, Fault> {
        let list = List::of(places);
        // SAFETY: the client and the list are live.
        check(unsafe { rd::rd_kafka_committed(self.pointer(), list.pointer(), millis(patience)) })?;
        whole(list.read())
    }

    /// For each partition the first offset whose timestamp is at or after the one given as its offset; negative where
    /// there is none. [`END`] as a timestamp stands for the end.
    pub(in crate::kafka) fn at_times(
        &self,
        places: &[Place],
        patience: Duration,
    ) -> Result<Vec<Place>, Fault> {
        let list = List::of(places);
        // SAFETY: the client and the list are live.
        check(unsafe {
            rd::rd_kafka_offsets_for_times(self.pointer(), list.pointer(), millis(patience))
        })?;
        whole(list.read())
    }

    /// The first offset a partition still has, and the one after its last: asked of the broker.
    pub(in crate::kafka) fn watermarks(
        &self,
        topic: &str,
        partition: i32,
        patience: Duration,
    ) -> Result<(i64, i64), Fault> {
        let (name, mut low, mut high) = (topic_name(topic), 0, 0);
        // SAFETY: the client is live, the name ends with a zero, and the two numbers are ours.
        check(unsafe {
            rd::rd_kafka_query_watermark_offsets(
                self.pointer(),
                name.as_ptr(),
                partition,
                &mut low,
                &mut high,
                millis(patience),
            )
        })?;
        Ok((low, high))
    }

    /// As [`Self::watermarks`], from the latest fetch; none before the first.
    pub(in crate::kafka) fn known_watermarks(
        &self,
        topic: &str,
        partition: i32,
    ) -> Option<(i64, i64)> {
        let (name, mut low, mut high) = (topic_name(topic), -1, -1);
        // SAFETY: as in `watermarks`.
        let code = unsafe {
            rd::rd_kafka_get_watermark_offsets(
                self.pointer(),
                name.as_ptr(),
                partition,
                &mut low,
                &mut high,
            )
        };
        (Code::of(code) == Code::NONE && high >= 0).then_some((low, high))
    }

    /// Goes on at each partition's offset; what was fetched from elsewhere is thrown away.
    pub(in crate::kafka) fn seek(&self, places: &[Place], patience: Duration) -> Result<(), Fault> {
        let list = List::of(places);
        // SAFETY: the client and the list are live; the error is ours.
        unsafe {
            let pointer = self.pointer();
            take_error(rd::rd_kafka_seek_partitions(pointer, list.pointer(), millis(patience)))?;
        }
        whole(list.read()).map(drop)
    }

    pub(in crate::kafka) fn pause(&self, places: &[Place]) -> Result<(), Fault> {
        let list = List::of(places);
        // SAFETY: the client and the list are live.
        check(unsafe { rd::rd_kafka_pause_partitions(self.pointer(), list.pointer()) })?;
        whole(list.read()).map(drop)
    }

    pub(in crate::kafka) fn resume(&self, places: &[Place]) -> Result<(), Fault> {
        let list = List::of(places);
        // SAFETY: the client and the list are live.
        check(unsafe { rd::rd_kafka_resume_partitions(self.pointer(), list.pointer()) })?;
        whole(list.read()).map(drop)
    }

    /// Sets what the next commit says of these partitions. One that is not assigned is refused, alone.
    pub(in crate::kafka) fn store(&self, places: &[Place]) -> Vec<Place> {
        let list = List::of(places);
        // SAFETY: the client and the list are live. The code repeats what the list says of each partition.
        unsafe { rd::rd_kafka_offsets_store(self.pointer(), list.pointer()) };
        list.read()
    }

    /// Commits what is stored; the result comes as an event of `queue`. A commit that names no queue is never heard of again:
    /// librdkafka posts its result only to a callback, whatever events are asked for.
    pub(in crate::kafka) fn commit(&self, queue: &Queue) -> Result<(), Fault> {
        self.commit_to(None, queue)
    }

    /// Commits `places`, or what is stored, and waits for the result, but not beyond `deadline`.
    pub(in crate::kafka) fn commit_by(
        self: &Arc<Self>,
        places: Option<&[Place]>,
        deadline: Instant,
    ) -> Result<(), Fault> {
        let queue = self.new_queue();
        self.commit_to(places, &queue)?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match queue.poll(left) {
                Some(Polled::Committed(result)) => return result.map(drop),
                Some(_) => {}
                None => {
                    return Err(Code::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT).fault());
                }
            }
        }
    }

    fn commit_to(&self, places: Option<&[Place]>, queue: &Queue) -> Result<(), Fault> {
        let list = places.map(List::of);
        // SAFETY: the client and the queue are live, and so is the list, which is copied; without a list what is stored counts,
        // and without a callback the result comes as an event of the queue.
        check(unsafe {
            rd::rd_kafka_commit_queue(
                self.pointer(),
                list.as_ref().map_or(std::ptr::null(), |list| list.pointer().cast_const()),
                queue.pointer.as_ptr(),
                None,
                std::ptr::null_mut(),
            )
        })
    }

    /// Lets what is fetched of a partition come out of `queue`.
    pub(in crate::kafka) fn forward(&self, topic: &str, partition: i32, queue: &Queue) {
        let name = topic_name(topic);
        // SAFETY: the client and the queue are live; our reference to the partition's queue is given back at once.
        unsafe {
            let source = rd::rd_kafka_queue_get_partition(self.pointer(), name.as_ptr(), partition);
            if !source.is_null() {
                rd::rd_kafka_queue_forward(source, queue.pointer.as_ptr());
                rd::rd_kafka_queue_destroy(source);
            }
        }
    }

    /// Begins to leave; what is left to be done comes as events of `queue`.
    pub(in crate::kafka) fn close(&self, queue: &Queue) -> Result<(), Fault> {
        // SAFETY: the client and the queue are live; the error is ours.
        unsafe {
            take_error(rd::rd_kafka_consumer_close_queue(self.pointer(), queue.pointer.as_ptr()))
        }
    }

    pub(in crate::kafka) fn is_closed(&self) -> bool {
        // SAFETY: the client is live.
        unsafe { rd::rd_kafka_consumer_closed(self.pointer()) != 0 }
    }
}

/// The list, where nothing went wrong with any of it.
pub(super) fn whole(places: Vec<Place>) -> Result<Vec<Place>, Fault> {
    match places.iter().find_map(|place| place.fault.clone()) {
        Some(fault) => Err(fault),
        None => Ok(places),
    }
}
