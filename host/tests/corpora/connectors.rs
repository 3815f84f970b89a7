//! The example events of Debezium's documentation, connector by connector, and MongoDB's events from elsewhere: each row is found
//! with its table.

use std::fs;
use std::sync::Arc;

use lockgate::change::{Class, Decoder, Events, Form};
use lockgate::record::Record;
use lockgate::table::{Dialect, Tables};

use crate::texts::folder;

const DOCUMENTATION: &str = "debezium/debezium/documentation-examples";
const BSON: &str = "apache/paimon/paimon-flink/paimon-flink-cdc/src/test/resources/kafka/debezium-bson/table/event";

/// The class of each event in a file of the corpora, rows with their operation and table; what is no event is left out.
fn told(path: &str) -> Option<String> {
    let Some(folder) = folder() else {
        eprintln!("skipped: no corpora beside the repository");
        return None;
    };
    let mut told = Vec::new();
    let text = fs::read_to_string(folder.join(path)).unwrap();
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let topic: Arc<str> = "topic".into();
        let (mut tables, mut events) = (Tables::default(), Events::default());
        let (partition, offset, timestamp, headers) = (0, 0, None, Vec::new());
        let (key, value) = (None, Some(line.as_bytes()));
        let record = Record { topic: &topic, partition, offset, timestamp, key, value, headers };
        let decoded = Decoder::new(Dialect::Debezium).decode(0, &record, &mut tables, &mut events);
        let class = events.events[0].class;
        match (decoded, events.rows.first()) {
            (Err(refusal), _) => told.push(refusal.to_string()),
            (Ok(()), Some(row)) => {
                let table = tables.get(row.table).unwrap();
                let document = if row.after.form == Form::Escaped { " document" } else { "" };
                let (operation, name) = (char::from(row.operation), table.qualified_name());
                let columns = table.columns.len();
                told.push(format!("{operation} {name} {columns} columns{document}"));
            }
            (Ok(()), None) if class == Class::Unknown => {}
            (Ok(()), None) => told.push(class.as_str().to_owned()),
        }
    }
    Some(told.join("\n"))
}

fn documented(connector: &str) -> Option<String> {
    told(&format!("{DOCUMENTATION}/{connector}.jsonl"))
}

#[test]
fn documented_cassandra() {
    let Some(told) = documented("pages__connectors__cassandra") else { return };
    insta::assert_snapshot!(told, @r#"
    c inventory.customers 5 columns
    u inventory.customers 5 columns
    d inventory.customers 5 columns
    "#);
}

#[test]
fn documented_informix() {
    let Some(told) = documented("pages__connectors__informix") else { return };
    insta::assert_snapshot!(told, @r#"c mydatabase.myschema.customers 4 columns"#);
}

#[test]
fn documented_oracle() {
    let Some(told) = documented("pages__connectors__oracle") else { return };
    insta::assert_snapshot!(told, @r#"c topic 4 columns"#);
}

#[test]
fn documented_postgresql() {
    let Some(told) = documented("pages__connectors__postgresql") else { return };
    insta::assert_snapshot!(told, @r#"c postgres.public.customers 4 columns"#);
}

#[test]
fn documented_sqlserver() {
    let Some(told) = documented("pages__connectors__sqlserver") else { return };
    insta::assert_snapshot!(told, @r#"c testDB.dbo.customers 4 columns"#);
}

#[test]
fn documented_vitess() {
    let Some(told) = documented("pages__connectors__vitess") else { return };
    insta::assert_snapshot!(told, @r#"c commerce.customers 4 columns"#);
}

#[test]
fn documented_yashandb() {
    let Some(told) = documented("pages__connectors__yashandb") else { return };
    insta::assert_snapshot!(told, @r#"c DEBEZIUM.CUSTOMERS 2 columns"#);
}

#[test]
fn documented_mariadb_and_mysql() {
    let Some(told) = documented("partials__modules__all-connectors__shared-mariadb-mysql") else {
        return;
    };
    insta::assert_snapshot!(told, @r#"
    schema-change
    c inventory.customers 4 columns
    "#);
}

#[test]
fn documented_in_the_tutorial() {
    let Some(told) = documented("partials__modules__tutorial__proc-viewing-create-event") else {
        return;
    };
    insta::assert_snapshot!(told, @r#"r inventory.customers 4 columns"#);
}

#[test]
fn documented_delete_in_the_tutorial() {
    let Some(told) = documented(
        "partials__modules__tutorial__proc-deleting-record-database-viewing-delete-event",
    ) else {
        return;
    };
    insta::assert_snapshot!(told, @r#"d topic 0 columns"#);
}

#[test]
fn mongodb_insert() {
    let Some(told) = told(&format!("{BSON}/event-insert.txt")) else { return };
    insta::assert_snapshot!(told, @r#"c bigdata_test.sync_test_table 5 columns document"#);
}

#[test]
fn mongodb_update() {
    let Some(told) = told(&format!("{BSON}/event-update.txt")) else { return };
    insta::assert_snapshot!(told, @r#"
    u bigdata_test.sync_test_table 5 columns document
    u bigdata_test.sync_test_table 5 columns document
    "#);
}

#[test]
fn mongodb_delete() {
    let Some(told) = told(&format!("{BSON}/event-delete.txt")) else { return };
    insta::assert_snapshot!(told, @r#"
    d bigdata_test.sync_test_table 0 columns
    d bigdata_test.sync_test_table 0 columns
    d bigdata_test.sync_test_table 5 columns
    "#);
}
