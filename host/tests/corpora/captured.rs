//! Records that real tools wrote, topics and keys included: each is what its index says it is.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use lockgate::change::{Class, Decoder, Events, Presence};
use lockgate::record::Record;
use lockgate::table::{Dialect, Tables};
use serde_json::Value;

use crate::texts::folder;

/// Counts the records of a captured file by class, rows by operation, and lists the tables with their key columns.
fn summary(file: &str, dialect: Dialect) -> Option<String> {
    let Some(folder) = folder() else {
        eprintln!("skipped: no corpora beside the repository");
        return None;
    };
    let mut decoder = Decoder::new(dialect);
    let mut tables = Tables::default();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for line in fs::read_to_string(folder.join("captured").join(file)).unwrap().lines() {
        let captured: Value = serde_json::from_str(line).unwrap();
        let topic: Arc<str> = captured["topic"].as_str().unwrap().into();
        let bytes = |part: &str| captured[part].as_str().map(str::as_bytes);
        let (key, value) = (bytes("key"), bytes("value"));
        let (partition, offset, timestamp, headers) = (0, 0, None, Vec::new());
        let record = Record { topic: &topic, partition, offset, timestamp, key, value, headers };
        let mut events = Events::default();
        let name = match decoder.decode(0, &record, &mut tables, &mut events) {
            Err(refusal) => refusal.to_string(),
            Ok(()) => match (events.events[0].class, events.rows.first()) {
                (Class::Row, Some(row)) => {
                    let image = if row.operation == b'd' { row.before } else { row.after };
                    assert_eq!(image.presence, Presence::Present);
                    char::from(row.operation).to_string()
                }
                (class, _) => class.as_str().to_owned(),
            },
        };
        *counts.entry(name).or_default() += 1;
    }
    let mut lines: Vec<String> =
        counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    lines.extend(tables.iter().map(|(_, table)| {
        let keys = table.columns.iter().filter(|column| column.key).map(|column| &*column.name);
        let keys: Vec<&str> = keys.collect();
        format!("{}: {} columns, key {keys:?}", table.qualified_name(), table.columns.len())
    }));
    Some(lines.join("\n"))
}

#[test]
fn debezium_on_postgresql() {
    let Some(plain) = summary("debezium-postgres.records.jsonl", Dialect::Debezium) else { return };
    insta::assert_snapshot!(plain, @r#"
    513 c
    13 d
    60 heartbeat
    2 message
    31 r
    13 tombstone
    60 transaction
    3 truncate
    94 u
    shop.public.customers: 25 columns, key ["id"]
    shop.public.heartbeat_tbl: 2 columns, key ["id"]
    shop.public.orders: 8 columns, key ["id"]
    shop.public.composite_pk: 3 columns, key ["tenant_id", "code"]
    shop.public.audit_nopk: 3 columns, key []
    shop.public.Weird Naïme: 3 columns, key ["Köln id"]
    shop.public.outbox: 5 columns, key ["id"]
    shop.public.toasty: 16 columns, key ["id"]
    "#);
}

#[test]
fn debezium_on_postgresql_with_schemas() {
    let Some(with_schema) = summary("debezium-postgres-schema.records.jsonl", Dialect::Debezium)
    else {
        return;
    };
    insta::assert_snapshot!(with_schema, @r#"
    73 c
    13 d
    60 heartbeat
    2 message
    31 r
    13 tombstone
    60 transaction
    3 truncate
    94 u
    shop.public.customers: 25 columns, key ["id"]
    shop.public.heartbeat_tbl: 2 columns, key ["id"]
    shop.public.orders: 8 columns, key ["id"]
    shop.public.composite_pk: 3 columns, key ["tenant_id", "code"]
    shop.public.audit_nopk: 3 columns, key []
    shop.public.Weird Naïme: 3 columns, key ["Köln id"]
    shop.public.outbox: 5 columns, key ["id"]
    shop.public.toasty: 16 columns, key ["id"]
    "#);
}

#[test]
fn debezium_on_mariadb() {
    let Some(mariadb) = summary("debezium-mariadb.records.jsonl", Dialect::Debezium) else {
        return;
    };
    insta::assert_snapshot!(mariadb, @r#"
    201 c
    7 d
    4 heartbeat
    30 r
    15 schema-change
    7 tombstone
    46 transaction
    1 truncate
    25 u
    shop.customers: 25 columns, key ["id"]
    shop.orders: 6 columns, key ["id"]
    shop.composite_pk: 3 columns, key ["tenant_id", "code"]
    shop.nopk: 2 columns, key []
    shop.composite_pk2: 3 columns, key ["tenant_id", "code"]
    "#);
}

#[test]
fn flattened_debezium_as_plain_json() {
    let Some(flat) = summary("debezium-flat-postgres.records.jsonl", Dialect::Json) else { return };
    insta::assert_snapshot!(flat, @r#"
    357 c
    11 tombstone
    public.customers: 30 columns, key ["id"]
    public.heartbeat_tbl: 7 columns, key ["id"]
    public.orders: 13 columns, key ["id"]
    __debezium-heartbeat.pgunwrap: 2 columns, key ["serverName"]
    pgunwrap.transaction: 5 columns, key ["id"]
    public.composite_pk: 8 columns, key ["tenant_id", "code"]
    public.audit_nopk: 8 columns, key []
    public.Weird_Na_me: 8 columns, key ["Köln id"]
    public.outbox: 10 columns, key ["id"]
    pgunwrap.message: 6 columns, key ["prefix"]
    "#);
}

#[test]
fn canal_where_debezium_was_expected() {
    let Some(canal) = summary("canal-mariadb.records.jsonl", Dialect::Debezium) else { return };
    insta::assert_snapshot!(
        canal,
        @r#"61 unknown-class: these look like Canal events, which dialect "debezium" cannot read: give their topics `dialects = { "TOPIC" = "canal" }`, or a pipeline of their own"#
    );
}
