//! Creates topics and asks for their settings, with the safe crate's admin client: it is asked seldom.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka_sys::types::{RDKafkaErrorCode, RDKafkaRespErr as Known};
use tracing::debug;

use crate::kafka::properties::FRAMING_BYTES;
use crate::kafka::raw::{Code, Fault};

const PATIENCE: Duration = Duration::from_secs(20);

/// Creates a topic with the cluster's replication. One that somebody else has created meanwhile is fine.
pub(super) fn create(config: &ClientConfig, topic: &str, partitions: i32) -> Result<(), Fault> {
    let admin = admin(config)?;
    // -1 leaves the number to the cluster.
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
    let options = options();
    let results = wait(admin.create_topics([&new], &options))?.map_err(fault)?;
    match results.into_iter().next() {
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) | Some(Ok(_)) => Ok(()),
        Some(Err((_, code))) => Err(refused(code)),
        None => Err(Code::of(Known::RD_KAFKA_RESP_ERR__FAIL).fault()),
    }
}

/// The largest record that all of these topics take; none where the broker does not say.
pub(super) fn record_bytes(config: &ClientConfig, topics: &[String]) -> Option<usize> {
    if topics.is_empty() {
        return None;
    }
    match describe(config, topics) {
        Ok(smallest) => smallest.map(|bytes| bytes.saturating_sub(FRAMING_BYTES)),
        // Test brokers and some services do not offer the question, or not to everyone. A record that turns out too large
        // is then refused when it is sent.
        Err(fault) => {
            debug!(error = %fault, "the brokers do not tell the largest record");
            None
        }
    }
}

/// The smallest `max.message.bytes` of these topics.
fn describe(config: &ClientConfig, topics: &[String]) -> Result<Option<usize>, Fault> {
    let admin = admin(config)?;
    let resources: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
    let options = options();
    let described = wait(admin.describe_configs(&resources, &options))?.map_err(fault)?;
    let limits = described.iter().filter_map(|topic| {
        topic.as_ref().ok()?.get("max.message.bytes")?.value.as_ref()?.parse::<usize>().ok()
    });
    Ok(limits.min())
}

fn admin(config: &ClientConfig) -> Result<AdminClient<DefaultClientContext>, Fault> {
    config.create().map_err(fault)
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE))
}

fn fault(error: KafkaError) -> Fault {
    let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
    Fault { text: error.to_string(), ..refused(code) }
}

fn refused(code: RDKafkaErrorCode) -> Fault {
    Fault { code: Code::number(code as i32), text: code.to_string(), fatal: false }
}

fn wait<T>(future: impl Future<Output = T>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|err| Fault {
        code: Code::of(Known::RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE),
        text: err.to_string(),
        fatal: false,
    })?;
    Ok(runtime.block_on(future))
}
