//! The three official plugins over a whole file, and what became of each of its records.

use std::fs;
use std::sync::{Arc, OnceLock};

use lockgate::config;
use lockgate::gateway::Loaded;
use lockgate::outcome::Outcome;
use lockgate::pipeline::Pipeline;
use lockgate::plugin::Runtime;
use lockgate::record::Output;
use lockgate::table::Dialect;
use lockgate_tests::client::Record;
use lockgate_tests::corpora::{Captured, Corpora};
use tempfile::TempDir;

use super::carry::{borrow, topics};

const FILTER: &str = r#"
plugin = "filter"
[settings]
drop = 'table == "heartbeat_tbl" || op == "d" && table == "outbox" || after.who == "bob"'
on_absent = "keep"
"#;

const MASK: &str = r#"
plugin = "mask"
[settings]
key = "a key for the tests only"
key_id = "k1"
[settings.columns]
"customers.id" = "hmac"
"composite_pk.code" = "hmac"
email = "keep-domain"
phone = "keep-last:4"
ssn = "redact"
"customers.full_name" = "redact"
birth_date = "constant:withheld"
"customers.balance" = "null"
"profile#/pan" = "keep-last:4"
"profile#/nested/deep/ssn" = "redact"
"payload#/email" = "keep-domain"
card_number = "keep-last:4"
"toasty.j" = "redact"
"toasty.t" = "redact"
"toasty.arr" = "redact"
"toasty.b" = "null"
"Ünïcode col 漢字" = "redact"
"#;

const RESHAPE: &str = r#"
plugin = "reshape"
[settings]
tables = ["customers"]
rename = { full_name = "name" }
remove = ["avatar", "xmlcol"]
add = { region = "eu" }
headers = { customer = "uid" }
topic = "pii.{table}"
"#;

/// A record that left, or why it did not.
pub(crate) type Left = Result<Captured, String>;

/// A file's records beside what became of them.
pub(crate) struct Carried {
    pub(crate) came: Vec<Captured>,
    pub(crate) left: Vec<Left>,
}

pub(crate) fn postgres() -> Option<&'static Carried> {
    static CARRIED: OnceLock<Carried> = OnceLock::new();
    carried(&CARRIED, "debezium-postgres.records.jsonl")
}

pub(crate) fn postgres_with_schema() -> Option<&'static Carried> {
    static CARRIED: OnceLock<Carried> = OnceLock::new();
    carried(&CARRIED, "debezium-postgres-schema.records.jsonl")
}

pub(crate) fn mariadb() -> Option<&'static Carried> {
    static CARRIED: OnceLock<Carried> = OnceLock::new();
    carried(&CARRIED, "debezium-mariadb.records.jsonl")
}

/// Carries a file once for all tests; each of them says so where it is skipped.
fn carried(once: &'static OnceLock<Carried>, file: &str) -> Option<&'static Carried> {
    let corpora = Corpora::find()?;
    Some(once.get_or_init(|| carry(corpora.captured(file).unwrap())))
}

fn carry(came: Vec<Captured>) -> Carried {
    let folder = TempDir::new().unwrap();
    for (name, text) in [("10-filter", FILTER), ("20-mask", MASK), ("30-reshape", RESHAPE)] {
        fs::write(folder.path().join(name).with_extension("toml"), text).unwrap();
    }
    let settings = config::Pipeline::offline(folder.path().to_owned(), Dialect::Debezium);
    let loaded = Loaded::load(&Runtime::start().unwrap(), &settings).unwrap();
    let mut pipeline = Pipeline::new(Arc::clone(&loaded.settings), loaded.stages());
    let topics = topics(&came);
    let mut left = Vec::new();
    for batch in borrow(&came, &topics).chunks(100) {
        pipeline.process(batch, |number, _, outcome| {
            left.push(taken(outcome, batch[number].offset));
            true
        });
    }
    Carried { came, left }
}

fn taken(outcome: Outcome<'_>, offset: i64) -> Left {
    match outcome {
        Outcome::Forward { record, emissions } if emissions.is_empty() => Ok(owned(record, offset)),
        Outcome::Drop(cause) => Err(format!("{cause:?}")),
        Outcome::DeadLetter { refusal, .. } => Err(refusal.to_string()),
        other => Err(format!("{other:?}")),
    }
}

fn owned(output: Output<'_>, offset: i64) -> Captured {
    let lockgate::record::Partition::Same(partition) = output.partition else {
        panic!("another partition");
    };
    let header = |header: &lockgate::record::OutputHeader<'_>| {
        let name = String::from_utf8(header.name.to_vec()).unwrap();
        (name, header.value.as_deref().map(<[u8]>::to_vec))
    };
    Captured {
        topic: output.topic.to_string(),
        record: Record {
            partition,
            offset,
            timestamp: output.timestamp,
            key: output.key.map(std::borrow::Cow::into_owned),
            value: output.value.map(std::borrow::Cow::into_owned),
            headers: output.headers.iter().map(header).collect(),
        },
    }
}

/// What becomes of a record: how often a text stands in it, the text, and what stands there instead.
#[derive(Default)]
pub(crate) struct Changes<'e> {
    pub(crate) topic: Option<&'e str>,
    pub(crate) key: &'e [(usize, &'e str, &'e str)],
    pub(crate) value: &'e [(usize, &'e str, &'e str)],
    /// New values of headers, at the end where there was none of that name.
    pub(crate) headers: &'e [(&'e str, &'e str)],
}

impl Carried {
    /// The number of the record at `topic`-`partition`@`offset`.
    fn find(&self, (topic, partition, offset): (&str, i32, i64)) -> usize {
        let is_it = |one: &Captured| {
            one.topic == topic && one.record.partition == partition && one.record.offset == offset
        };
        self.came.iter().position(is_it).expect("the record is in the corpora")
    }

    /// Asserts that a record left with these changes and no other.
    pub(crate) fn check(&self, position: (&str, i32, i64), changes: &Changes<'_>) {
        let number = self.find(position);
        let mut expected = self.came[number].clone();
        if let Some(topic) = changes.topic {
            expected.topic = topic.to_owned();
        }
        let Record { key, value, headers, .. } = &mut expected.record;
        edit(key, changes.key);
        edit(value, changes.value);
        for (name, value) in changes.headers {
            let value = Some(value.as_bytes().to_vec());
            match headers.iter_mut().find(|(known, _)| known == name) {
                Some((_, old)) => *old = value,
                None => headers.push(((*name).to_owned(), value)),
            }
        }
        let left = self.left[number].as_ref().expect("the record leaves");
        assert_eq!(text(&left.record.value), text(&expected.record.value));
        assert_eq!(text(&left.record.key), text(&expected.record.key));
        assert_eq!(*left, expected);
    }

    /// Asserts why a record did not leave.
    pub(crate) fn check_ended(&self, position: (&str, i32, i64), reason: &str) {
        let left = &self.left[self.find(position)];
        assert_eq!(left.as_ref().expect_err("the record ends here"), reason);
    }
}

fn edit(bytes: &mut Option<Vec<u8>>, changes: &[(usize, &str, &str)]) {
    if changes.is_empty() {
        return;
    }
    let mut edited = text(bytes).to_owned();
    for (times, from, to) in changes {
        assert_eq!(edited.matches(from).count(), *times, "of {from} in {edited}");
        edited = edited.replace(from, to);
    }
    *bytes = Some(edited.into_bytes());
}

pub(crate) fn text(bytes: &Option<Vec<u8>>) -> &str {
    std::str::from_utf8(bytes.as_deref().unwrap_or_default()).expect("these records are text")
}
