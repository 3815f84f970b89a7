//! The librdkafka properties that a configuration may not set, because a guarantee rests on them or a key of our own sets them.

/// Why `name` is refused; none where it may be set.
pub fn refused_property(name: &str) -> Option<&'static str> {
    Some(match name {
        "bootstrap.servers" | "metadata.broker.list" => "set it as \"brokers\" under [kafka]",
        "group.id" => "set it as \"group\" under [kafka]",
        "group.instance.id" => "set \"instance\" and \"membership\" under [kafka]",
        "group.protocol" | "partition.assignment.strategy" => {
            "partitions are handed over in the one way that is tested"
        }
        "enable.auto.commit" | "auto.commit.enable" | "auto.commit.interval.ms" => {
            "an offset is committed once its record is settled, never by a clock"
        }
        "enable.auto.offset.store" => "an offset is stored once its record is settled",
        "auto.offset.reset" => "set \"start\" and \"on_lost_offsets\" of the pipeline",
        "isolation.level" => "records of transactions that were rolled back never happened",
        "enable.partition.eof" => "the end of a partition is no record",
        "check.crcs" => "a damaged record must not pass as a good one",
        "acks" | "request.required.acks" | "enable.idempotence" => {
            "outputs are written once, in order, by every replica that is in sync"
        }
        "message.timeout.ms" | "delivery.timeout.ms" | "message.send.max.retries" | "retries" => {
            "an output that is given up would leave a gap; it is tried until the broker takes it"
        }
        "max.in.flight.requests.per.connection" | "max.in.flight" => {
            "more requests at a time would break the order of outputs"
        }
        "delivery.report.only.error" => "every output's acknowledgement is waited for",
        "enable.gapless.guarantee" => "a gap is closed by reading again, not by a fatal error",
        "transactional.id" | "transaction.timeout.ms" => {
            "transactions are not available in this version"
        }
        "partitioner" | "sticky.partitioning.linger.ms" => "set \"partition\" of the pipeline",
        "message.max.bytes" => "set \"record_bytes\" under [pipeline.limits]",
        "allow.auto.create.topics" => "set \"create_topics\" of the pipeline",
        "plugin.library.paths" => "it would load native code into the gateway",
        _ => return None,
    })
}
