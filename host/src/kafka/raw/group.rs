//! What a consumer group's coordinator says of its members.
#![expect(unsafe_code, reason = "as in raw.rs")]

use std::ffi::CString;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as rd;
use rdkafka_sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS as DESCRIBE;
use rdkafka_sys::rd_kafka_consumer_group_state_t::RD_KAFKA_CONSUMER_GROUP_STATE_STABLE as STABLE;
use rdkafka_sys::types::RDKafkaRespErr;

use super::{Client, Code, Event, Fault, Place, list, millis, text};

impl Client {
    /// Every partition that a member of `group` is assigned. None where the group is not settled: it is rebalancing, or has
    /// no members.
    pub(in crate::kafka) fn assignments(
        self: &Arc<Self>,
        group: &str,
        patience: Duration,
    ) -> Result<Option<Vec<Place>>, Fault> {
        // A name with a zero byte could not exist, and the empty one does not either.
        let name = CString::new(group).unwrap_or_default();
        let queue = self.new_queue();
        // SAFETY: the client, the queue and the name are live; the options are ours, and copied by the request. A timeout that
        // librdkafka finds out of range leaves its own, so the code says nothing of use.
        let answer = unsafe {
            let options = rd::rd_kafka_AdminOptions_new(self.pointer(), DESCRIBE);
            let none = std::ptr::null_mut();
            rd::rd_kafka_AdminOptions_set_request_timeout(options, millis(patience), none, 0);
            let mut names = [name.as_ptr()];
            let (groups, queue) = (names.as_mut_ptr(), queue.pointer.as_ptr());
            rd::rd_kafka_DescribeConsumerGroups(self.pointer(), groups, 1, options, queue);
            rd::rd_kafka_AdminOptions_destroy(options);
            // The request ends by itself at its timeout, so this waits a little longer.
            rd::rd_kafka_queue_poll(queue, millis(patience * 2))
        };
        let timed_out = || Code::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT).fault();
        let event = Event { pointer: NonNull::new(answer).ok_or_else(timed_out)? };
        match event.code() {
            // SAFETY: the queue is asked for nothing else, so the event is the answer to this request.
            Code::NONE => unsafe { read(&event) },
            _ => Err(event.fault()),
        }
    }
}

/// # Safety
///
/// `event` is the result of describing one consumer group.
unsafe fn read(event: &Event) -> Result<Option<Vec<Place>>, Fault> {
    // SAFETY: the event owns all that is read here, which is copied; there are as many groups and members as it says.
    unsafe {
        let result = rd::rd_kafka_event_DescribeConsumerGroups_result(event.pointer.as_ptr());
        let mut count = 0;
        let groups = rd::rd_kafka_DescribeConsumerGroups_result_groups(result, &mut count);
        if count == 0 {
            return Ok(None);
        }
        let group = *groups;
        let error = rd::rd_kafka_ConsumerGroupDescription_error(group);
        if !error.is_null() {
            let code = Code::of(rd::rd_kafka_error_code(error));
            if code != Code::NONE {
                let text = text(rd::rd_kafka_error_string(error));
                return Err(Fault { code, text, fatal: false });
            }
        }
        if rd::rd_kafka_ConsumerGroupDescription_state(group) != STABLE {
            return Ok(None);
        }
        let mut places = Vec::new();
        for at in 0..rd::rd_kafka_ConsumerGroupDescription_member_count(group) {
            let member = rd::rd_kafka_ConsumerGroupDescription_member(group, at);
            let assignment = rd::rd_kafka_MemberDescription_assignment(member);
            let partitions = rd::rd_kafka_MemberAssignment_partitions(assignment);
            if let Some(partitions) = NonNull::new(partitions.cast_mut()) {
                places.extend(list::read(partitions));
            }
        }
        Ok(Some(places))
    }
}
