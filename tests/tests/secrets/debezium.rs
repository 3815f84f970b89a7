//! Debezium's records, with and without their envelope.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lockgate_tests::client::Record;

use super::plant::Planted;

const ENVELOPE: &str = r#"{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":true,"field":"email"},{"type":"int64","optional":true,"field":"phone"},{"type":"string","optional":true,"name":"io.debezium.data.Json","field":"profile"}],"optional":true,"field":"before"},{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":true,"field":"email"},{"type":"int64","optional":true,"field":"phone"},{"type":"string","optional":true,"name":"io.debezium.data.Json","field":"profile"}],"optional":true,"field":"after"}],"optional":false,"name":"shop.customers.Envelope"}"#;

/// A row's image with a secret in each protected place.
fn image(plant: &mut Planted, place: &str) -> String {
    let email = plant.secret(&format!("{place}.email"));
    let phone = plant.number(&format!("{place}.phone"));
    let inner = plant.secret(&format!("{place}.profile#/contact/email"));
    format!(
        r#"{{"id":1,"email":"{email}","phone":{phone},"profile":"{{\"contact\": {{\"email\": \"{inner}\"}}, \"n\": 1}}","city":"Oslo"}}"#
    )
}

fn source(query: Option<&str>, redo: Option<&str>) -> String {
    let text = |name: &str, sql: Option<&str>| match sql {
        Some(sql) => format!(r#","{name}":"{sql}""#),
        None => String::new(),
    };
    format!(
        r#"{{"connector":"mysql","name":"shop","db":"shop","schema":"public","table":"customers"{}{}}}"#,
        text("query", query),
        text("redo_sql", redo)
    )
}

pub(crate) fn planted() -> Vec<Planted> {
    vec![plain(), enveloped(), side_channels(), schema_changes()]
}

fn plain() -> Planted {
    let mut plant = Planted::new("debezium", "debezium");
    let mut rows = Vec::new();
    for op in ["c", "u", "d", "r"] {
        let before = if matches!(op, "u" | "d") {
            image(&mut plant, &format!("{op} before"))
        } else {
            "null".into()
        };
        let after =
            if op == "d" { "null".into() } else { image(&mut plant, &format!("{op} after")) };
        rows.push(format!(
            r#"{{"before":{before},"after":{after},"source":{},"op":"{op}","ts_ms":1795000000000}}"#,
            source(None, None)
        ));
    }
    for row in &rows {
        let key = plant.secret("key");
        plant.write(Some(&format!(r#"{{"email":"{key}"}}"#)), row);
    }
    let key = plant.secret("tombstone's key");
    plant.write(Some(&format!(r#"{{"email":"{key}"}}"#)), "").value = None;
    for header in ["__debezium.oldkey", "__debezium.newkey"] {
        let old = plant.secret(header);
        let enveloped = plant.secret(&format!("{header} in an envelope"));
        for text in [
            format!(r#"{{"email":"{old}"}}"#),
            format!(r#"{{"schema":{{"type":"struct"}},"payload":{{"email":"{enveloped}"}}}}"#),
        ] {
            let value = format!(
                r#"{{"before":null,"after":{{"id":1,"email":null}},"source":{},"op":"c"}}"#,
                source(None, None)
            );
            let record = plant.write(Some(r#"{"email":null}"#), value);
            record.headers.push((header.to_owned(), Some(text.into_bytes())));
        }
    }
    plant
}

fn enveloped() -> Planted {
    let mut plant = Planted::new("enveloped", "debezium");
    let (before, after) = (image(&mut plant, "before"), image(&mut plant, "after"));
    let key = plant.secret("key");
    let value = format!(
        r#"{{"schema":{ENVELOPE},"payload":{{"before":{before},"after":{after},"source":{},"op":"u"}}}}"#,
        source(None, None)
    );
    let key = format!(
        r#"{{"schema":{{"type":"struct","fields":[{{"type":"string","optional":false,"field":"email"}}],"optional":false}},"payload":{{"email":"{key}"}}}}"#
    );
    plant.write(Some(&key), value);
    plant.write(Some(&key), r#"{"schema":null,"payload":null}"#);
    plant
}

fn side_channels() -> Planted {
    let mut plant = Planted::new("sides", "debezium");
    for (number, sql) in [
        "update customers set email = '{}' where id = 1",
        "insert into customers values (1, \\\"{}\\\", 0x00)",
        "/* {} */ delete from customers -- and no more",
        "update customers set email = '{} is never closed",
    ]
    .into_iter()
    .enumerate()
    {
        let query = sql.replace("{}", &plant.secret(&format!("source.query {number}")));
        // What stands between double quotes is a name to Oracle.
        let redo = sql.replace("\\\"", "'");
        let redo = redo.replace("{}", &plant.secret(&format!("source.redo_sql {number}")));
        for source in [source(Some(&query), None), source(None, Some(&redo))] {
            let value = format!(
                r#"{{"before":null,"after":{{"id":1,"email":null}},"source":{source},"op":"c"}}"#
            );
            plant.write(None, value);
        }
    }
    let content = BASE64.encode(plant.secret("message.content"));
    let value = format!(
        r#"{{"op":"m","ts_ms":1,"source":{{"db":"shop","schema":"","table":""}},"message":{{"prefix":"p","content":"{content}"}}}}"#
    );
    plant.write(Some(r#"{"prefix":"p"}"#), value);
    plant
}

fn schema_changes() -> Planted {
    let mut plant = Planted::new("ddl", "debezium");
    let (default, comment) = (plant.secret("DEFAULT in ddl"), plant.secret("COMMENT in ddl"));
    let expression = plant.secret("tableChanges defaultValueExpression");
    let (column, table) =
        (plant.secret("tableChanges comment"), plant.secret("tableChanges table comment"));
    let value = format!(
        r#"{{"source":{{"connector":"mysql","db":"shop","table":"customers"}},"ts_ms":1,"databaseName":"shop","schemaName":null,"ddl":"ALTER TABLE customers ADD email VARCHAR(255) DEFAULT '{default}' COMMENT '{comment}'","tableChanges":[{{"type":"ALTER","id":"\"shop\".\"customers\"","table":{{"defaultCharsetName":"utf8","primaryKeyColumnNames":["id"],"comment":"{table}","columns":[{{"name":"email","jdbcType":12,"typeName":"VARCHAR","length":255,"position":2,"optional":true,"defaultValueExpression":"{expression}","comment":"{column}","hasDefaultValue":true,"enumValues":[]}}]}}}}]}}"#
    );
    plant.write(Some(r#"{"databaseName":"shop"}"#), value);
    plant
}

/// One row, of `shop.public.customers`, with an e-mail address.
pub(crate) fn row(plant: &mut Planted, place: &str) -> Record {
    let email = plant.secret(place);
    let value = format!(
        r#"{{"before":null,"after":{{"id":1,"email":"{email}"}},"source":{},"op":"c"}}"#,
        source(None, None)
    );
    plant.write(None, value).clone()
}
