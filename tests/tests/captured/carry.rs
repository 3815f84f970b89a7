//! Captured records as the pipeline takes them.

use std::sync::Arc;

use lockgate::record::{Header, Record};
use lockgate::table::Dialect;
use lockgate_tests::corpora::Captured;

/// The files of records, each with the dialect that can read it.
pub(crate) const FILES: [(&str, Dialect); 6] = [
    ("debezium-postgres.records.jsonl", Dialect::Debezium),
    ("debezium-postgres-schema.records.jsonl", Dialect::Debezium),
    ("debezium-mariadb.records.jsonl", Dialect::Debezium),
    ("debezium-flat-postgres.records.jsonl", Dialect::Json),
    ("debezium-outbox-postgres.records.jsonl", Dialect::Json),
    ("canal-mariadb.records.jsonl", Dialect::Json),
];

/// One topic name for each record, to be borrowed by [`borrow`].
pub(crate) fn topics(captured: &[Captured]) -> Vec<Arc<str>> {
    captured.iter().map(|one| one.topic.as_str().into()).collect()
}

pub(crate) fn borrow<'c>(captured: &'c [Captured], topics: &'c [Arc<str>]) -> Vec<Record<'c>> {
    let record = |(Captured { record, .. }, topic): (&'c Captured, &'c Arc<str>)| Record {
        topic,
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: record
            .headers
            .iter()
            .map(|(name, value)| Header { name: name.as_bytes(), value: value.as_deref() })
            .collect(),
    };
    captured.iter().zip(topics).map(record).collect()
}
