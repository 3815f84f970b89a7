//! How our clients are configured, and which properties a user may not set because a guarantee stands on them.

use std::time::Duration;

use rdkafka::ClientConfig;

use super::{Error, raw};
use crate::config;

/// After this long without a heartbeat a member counts as gone. It bounds how long the partitions of a replica that is
/// taken away for good stand still.
const SESSION_TIMEOUT: Duration = Duration::from_secs(15);

/// The thread a client works for.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    pub pipeline: &'a str,
    pub lane: usize,
}

/// What a client is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role<'a> {
    Source(Member<'a>),
    /// Sends records of up to this many bytes, key, value and headers together.
    Sink(Member<'a>, usize),
    /// Looks at topics and creates them.
    Topics,
    /// Reads a few records and commits nothing. It has the group's name, which librdkafka asks for, and does not join.
    Sample,
}

const CONSUMER: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // Positions are always given; a position that no longer exists must be heard of.
    ("auto.offset.reset", "error"),
    ("isolation.level", "read_committed"),
    ("enable.partition.eof", "false"),
    ("check.crcs", "true"),
    ("allow.auto.create.topics", "false"),
    ("max.poll.interval.ms", "300000"),
    ("queued.max.messages.kbytes", "16384"),
    ("queued.min.messages", "20000"),
    // The default of one second shows as a stall each time pressure ends.
    ("fetch.queue.backoff.ms", "50"),
    ("fetch.wait.max.ms", "100"),
    ("fetch.message.max.bytes", "1048576"),
    ("fetch.max.bytes", "16777216"),
];

/// Not accepted together with `group.protocol = "consumer"`, where the broker decides.
const CLASSIC_GROUP: &[(&str, &str)] = &[
    ("partition.assignment.strategy", "cooperative-sticky"),
    // Members hear of a rebalance in the answer to a heartbeat, and a cooperative one has two rounds: at the default of three
    // seconds a partition that moves would stand still for six.
    ("heartbeat.interval.ms", "1000"),
];

const PRODUCER: &[(&str, &str)] = &[
    ("enable.idempotence", "true"),
    // A record that times out would leave a gap behind; a producer that cannot send stands still instead.
    ("message.timeout.ms", "0"),
    ("linger.ms", "5"),
    ("batch.num.messages", "10000"),
    ("queue.buffering.max.messages", "100000"),
    ("queue.buffering.max.kbytes", "65536"),
    ("compression.type", "lz4"),
    ("partitioner", "murmur2_random"),
    ("delivery.report.only.error", "false"),
];

const EVERYBODY: &[(&str, &str)] = &[
    ("socket.keepalive.enable", "true"),
    ("topic.metadata.refresh.interval.ms", "30000"),
    ("reconnect.backoff.ms", "100"),
    ("reconnect.backoff.max.ms", "10000"),
    ("log_level", "6"),
];

/// Property, why it is not the user's to set.
const REFUSED: &[(&str, &str)] = &[
    ("bootstrap.servers", "set \"brokers\" under [kafka] instead"),
    ("metadata.broker.list", "set \"brokers\" under [kafka] instead"),
    ("group.id", "set \"group\" under [kafka] instead"),
    ("group.instance.id", "each lane needs its own; set \"membership\" and \"instance\" instead"),
    ("enable.auto.commit", "offsets are committed when every output of a record is acknowledged"),
    (
        "enable.auto.offset.store",
        "offsets are committed when every output of a record is acknowledged",
    ),
    (
        "auto.commit.interval.ms",
        "offsets are committed when every output of a record is acknowledged",
    ),
    (
        "auto.offset.reset",
        "records could be skipped silently; set \"start\" and \"on_lost_offsets\" of the pipeline instead",
    ),
    ("isolation.level", "records of aborted transactions must not be read"),
    ("enable.partition.eof", "the end of a partition is no event here"),
    ("check.crcs", "corrupt records would pass as whole ones"),
    (
        "partition.assignment.strategy",
        "lanes hand partitions over one by one, which needs \"cooperative-sticky\"",
    ),
    (
        "consume.callback.max.messages",
        "records are read in batches; set \"batch_records\" of the pipeline instead",
    ),
    ("enable.idempotence", "without it a retry can change the order of records"),
    ("acks", "a record counts as written when every in-sync replica has it"),
    ("request.required.acks", "a record counts as written when every in-sync replica has it"),
    ("max.in.flight", "more than five could change the order of records"),
    ("max.in.flight.requests.per.connection", "more than five could change the order of records"),
    ("retries", "giving up would leave a gap behind"),
    ("message.send.max.retries", "giving up would leave a gap behind"),
    ("message.timeout.ms", "giving up would leave a gap behind"),
    ("delivery.timeout.ms", "giving up would leave a gap behind"),
    ("delivery.report.only.error", "offsets are committed on reports of success"),
    ("enable.gapless.guarantee", "gaps are closed by reading the partition again"),
    ("queuing.strategy", "order within a partition must hold"),
    ("transactional.id", "transactions belong to the gateway"),
    ("transaction.timeout.ms", "transactions belong to the gateway"),
    ("partitioner", "set \"partition\" of the pipeline instead"),
    ("message.max.bytes", "set \"record_bytes\" under \"limits\" of the pipeline instead"),
    ("plugin.library.paths", "native code in the gateway's process could break every guarantee"),
    ("test.mock.num.brokers", "the gateway would talk to a broker that keeps nothing"),
];

/// Why a librdkafka property may not be set under `[kafka.properties]`; none where it may.
pub fn refused_property(name: &str) -> Option<&'static str> {
    // librdkafka takes topic properties with this prefix as well.
    let name = name.strip_prefix("topic.").filter(|rest| is_refused(rest)).unwrap_or(name);
    REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, reason)| *reason)
}

fn is_refused(name: &str) -> bool {
    REFUSED.iter().any(|(refused, _)| *refused == name)
}

/// Whether a member of the group works out who owns what, in rounds; with `group.protocol = "consumer"` the broker does.
pub fn members_assign(kafka: &config::Kafka) -> bool {
    kafka.properties.get("group.protocol").is_none_or(|protocol| protocol != "consumer")
}

/// Has librdkafka look at the names and values of the user's properties, without a client that would connect.
pub fn check_properties(kafka: &config::Kafka) -> Result<(), Error> {
    let config = client_config(kafka, Role::Topics);
    raw::native(&config)
        .map(drop)
        .map_err(|cause| Error::new("reading [kafka] and [kafka.properties]", cause))
}

/// The one place where a client's configuration is made. The user's properties go over our defaults.
#[expect(clippy::disallowed_methods, reason = "this is the place that the others are told to use")]
pub(super) fn client_config(kafka: &config::Kafka, role: Role<'_>) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &kafka.brokers);
    set(&mut config, EVERYBODY);
    match role {
        Role::Source(Member { pipeline, lane }) => {
            set(&mut config, CONSUMER);
            config.set("client.id", format!("lockgate-{pipeline}-{lane}"));
            config.set("group.id", &kafka.group);
            if members_assign(kafka) {
                set(&mut config, CLASSIC_GROUP);
                config.set("session.timeout.ms", SESSION_TIMEOUT.as_millis().to_string());
            }
            if let config::Membership::Static { instance } = &kafka.membership {
                config.set("group.instance.id", format!("{instance}-{pipeline}-{lane}"));
            }
        }
        Role::Sink(Member { pipeline, lane }, record_bytes) => {
            set(&mut config, PRODUCER);
            config.set("client.id", format!("lockgate-{pipeline}-{lane}"));
            let largest = record_bytes.clamp(1_000, MAX_MESSAGE_BYTES);
            config.set("message.max.bytes", (largest + FRAMING_BYTES).to_string());
            config.set("batch.size", largest.min(1_000_000).to_string());
        }
        Role::Topics => {
            config.set("client.id", "lockgate");
        }
        Role::Sample => {
            set(&mut config, CONSUMER);
            config.set("client.id", "lockgate-detect").set("group.id", &kafka.group);
            // The end of a partition ends its sample: offsets alone do not show it, since not each of them is a record.
            config.set("enable.partition.eof", "true");
        }
    }
    config.extend(kafka.properties.clone());
    config
}

/// What a batch of one record adds to it, with room to spare.
pub(super) const FRAMING_BYTES: usize = 512;

/// The most that librdkafka accepts for `message.max.bytes`, less the framing.
const MAX_MESSAGE_BYTES: usize = 1_000_000_000 - FRAMING_BYTES;

fn set(config: &mut ClientConfig, properties: &[(&str, &str)]) {
    for (name, value) in properties {
        config.set(*name, *value);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn kafka(membership: config::Membership, properties: &[(&str, &str)]) -> config::Kafka {
        let properties = properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        config::Kafka {
            brokers: "localhost:9092".to_owned(),
            group: "lockgate".to_owned(),
            membership,
            properties: BTreeMap::from_iter(properties),
        }
    }

    const LANE: Member<'static> = Member { pipeline: "shop", lane: 1 };

    #[test]
    fn properties_that_break_a_guarantee_are_refused_with_the_reason() {
        assert_eq!(refused_property("acks"), REFUSED_ACKS);
        assert_eq!(refused_property("topic.acks"), REFUSED_ACKS);
        assert_eq!(refused_property("sasl.password"), None);
        assert_eq!(refused_property("topic.metadata.refresh.interval.ms"), None);
    }

    const REFUSED_ACKS: Option<&str> =
        Some("a record counts as written when every in-sync replica has it");

    #[test]
    fn librdkafka_knows_every_property_we_name() {
        let dynamic = kafka(config::Membership::Dynamic, &[]);
        for role in [Role::Source(LANE), Role::Sink(LANE, 1_000_000), Role::Topics, Role::Sample] {
            client_config(&dynamic, role).create_native_config().unwrap();
        }
        let unknown = |name: &str| {
            let mut config = client_config(&dynamic, Role::Topics);
            let error = config.set(name, "1").create_native_config().err();
            error.is_some_and(|err| err.to_string().contains("No such configuration property"))
        };
        let misspelt: Vec<_> = REFUSED.iter().filter(|(name, _)| unknown(name)).collect();
        assert!(misspelt.is_empty(), "{misspelt:?}");
    }

    #[test]
    fn a_static_member_is_named_after_instance_pipeline_and_lane() {
        let instance = "host-a".to_owned();
        let config =
            client_config(&kafka(config::Membership::Static { instance }, &[]), Role::Source(LANE));
        assert_eq!(config.get("group.instance.id"), Some("host-a-shop-1"));
        assert_eq!(config.get("session.timeout.ms"), Some("15000"));
        let dynamic = client_config(&kafka(config::Membership::Dynamic, &[]), Role::Source(LANE));
        assert_eq!(dynamic.get("group.instance.id"), None);
    }

    #[test]
    fn the_users_properties_go_over_our_defaults() {
        let own = kafka(config::Membership::Dynamic, &[("linger.ms", "0")]);
        let config = client_config(&own, Role::Sink(LANE, 5_000));
        assert_eq!(config.get("linger.ms"), Some("0"));
        assert_eq!(config.get("message.max.bytes"), Some("5512"));
    }

    #[test]
    fn the_new_group_protocol_goes_without_what_it_does_not_accept() {
        let own = kafka(config::Membership::Dynamic, &[("group.protocol", "consumer")]);
        let config = client_config(&own, Role::Source(LANE));
        assert_eq!(config.get("session.timeout.ms"), None);
        assert_eq!(config.get("partition.assignment.strategy"), None);
        assert!(!members_assign(&own));
        assert!(members_assign(&kafka(config::Membership::Dynamic, &[])));
    }
}
