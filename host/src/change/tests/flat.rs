//! Rows that Debezium flattened.

use super::Lane;
use crate::table::Dialect;

const TOPIC: &str = "p.public.items";

fn flat(value: &str) -> String {
    Lane::new(Dialect::DebeziumFlat).meets(TOPIC, None, Some(value.as_bytes()))
}

#[test]
fn the_operation_is_told_by_op_then_deleted_then_the_header() {
    let header: &[(&str, &[u8])] = &[("__op", b"u")];
    let quoted: &[(&str, &[u8])] = &[("__op", b"\"r\"")];
    for (value, headers, operation) in [
        (r#"{"id":1,"__op":"r","__deleted":"true"}"#, header, 'r'),
        (r#"{"id":1,"__deleted":"true"}"#, header, 'd'),
        (r#"{"id":1,"__deleted":true}"#, header, 'd'),
        (r#"{"id":1,"__deleted":"false"}"#, header, 'u'),
        (r#"{"id":1}"#, quoted, 'r'),
        (r#"{"id":1,"__op":null}"#, &[], 'c'),
        (r#"{"id":1,"__op":"t"}"#, &[], 'c'),
        (r#"{"id":1}"#, &[], 'c'),
    ] {
        let mut lane = Lane::new(Dialect::DebeziumFlat);
        let seen = lane.meets_with(TOPIC, None, Some(value.as_bytes()), headers);
        assert!(seen.starts_with(&format!("row {operation} public.items ")), "{value}: {seen}");
    }
}

#[test]
fn the_row_of_a_rewritten_delete_is_what_it_was() {
    let value = r#"{"id":1,"n":null,"__deleted":"true"}"#;
    assert_eq!(flat(value), r#"row d public.items before={id:1 n:null __deleted:"true"}"#);
}

#[test]
fn the_table_is_told_by_members_then_headers_then_the_topic() {
    let headers: &[(&str, &[u8])] = &[("__source_table", b"h"), ("__source_schema", b"hs")];
    for (topic, value, headers, table) in [
        ("x", r#"{"__table":"t","__schema":"s","__db":"d"}"#, headers, "d.s.t"),
        ("x", r#"{"__source_table":"t","__source_db":"d"}"#, &[], "d.t"),
        ("x", "{}", headers, "hs.h"),
        ("p.s.t", r#"{"__table":"t"}"#, &[], "s.t"),
        ("p.s.Weird_Na_me", r#"{"__table":"Weird Naïme"}"#, &[], "s.Weird Naïme"),
        ("p.s.routed", r#"{"__table":"t"}"#, &[], "t"),
        ("p.s.t", r#"{"__table":null}"#, &[], "s.t"),
        ("p.s.t", "{}", &[], "s.t"),
    ] {
        let mut lane = Lane::new(Dialect::DebeziumFlat);
        lane.meets_with(topic, None, Some(value.as_bytes()), headers);
        assert_eq!(lane.tables.iter().next().unwrap().1.qualified_name(), table, "{value}");
    }
}

#[test]
fn an_envelope_is_opened_and_its_schema_is_the_rows_own() {
    let schema = r#"{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","name":"io.debezium.data.Json","field":"doc"}]}"#;
    let value = format!(r#"{{"schema":{schema},"payload":{{"id":1,"doc":"[]"}}}}"#);
    let key = r#"{"schema":{"type":"struct"},"payload":{"id":1}}"#;
    let mut lane = Lane::new(Dialect::DebeziumFlat);
    assert_eq!(
        lane.meets(TOPIC, Some(key), Some(value.as_bytes())),
        r#"row c public.items after={id*:1 doc:"[]"} key={id*:1}"#
    );
    let event = lane.events.events[0];
    assert_eq!(event.value_schema.of(value.as_bytes()), schema.as_bytes());
    let columns = &lane.tables.iter().next().unwrap().1.columns;
    let types: Vec<&str> = columns.iter().map(|column| &*column.source_type).collect();
    assert_eq!(types, ["int64 not null", "io.debezium.data.Json"]);
}

#[test]
fn t12_an_envelope_around_null_is_a_tombstone() {
    for value in
        [r#"{"schema":{"type":"struct"},"payload":null}"#, r#"{"schema":null,"payload":null}"#]
    {
        let mut lane = Lane::new(Dialect::DebeziumFlat);
        assert_eq!(
            lane.meets(TOPIC, Some(r#"{"id":1}"#), Some(value.as_bytes())),
            "tombstone d public.items key={id*:1}"
        );
    }
    let mut lane = Lane::new(Dialect::DebeziumFlat);
    assert_eq!(
        lane.meets(TOPIC, Some(r#"{"id":1}"#), None),
        "tombstone d public.items key={id*:1}"
    );
}

#[test]
fn t50_columns_may_be_called_like_anything_of_debeziums() {
    for value in [
        r#"{"op":"c","before":{"a":1},"after":{"a":2}}"#,
        r#"{"op":"c","source":"web","after":1}"#,
        r#"{"id":1,"status":"BEGIN"}"#,
        r#"{"schema":"s","payload":{"a":1},"id":1}"#,
        r#"{"payload":{"a":1}}"#,
        r#"{"schema":{"a":1},"payload":{"a":1}}"#,
        r#"{"schema":"public","payload":{"a":1}}"#,
        r#"{"ts_ms":1}"#,
        r#"{"status":"END","id":1,"event_count":1,"data_collections":[],"ts_ms":1,"mine":1}"#,
    ] {
        let seen = flat(value);
        assert!(seen.starts_with("row c public.items after={"), "{value}: {seen}");
    }
}

#[test]
fn what_debezium_does_not_flatten_keeps_its_class() {
    let source = r#""source":{"connector":"postgresql","db":"d"}"#;
    for (topic, value, class) in [
        ("p.message", format!(r#"{{"op":"m",{source},"message":{{"prefix":"p"}}}}"#), "message"),
        (
            "p",
            format!(r#"{{{source},"databaseName":"d","ddl":"DROP TABLE t","tableChanges":[]}}"#),
            "schema-change",
        ),
        (
            "p.transaction",
            r#"{"status":"BEGIN","id":"1:2","event_count":null,"data_collections":null,"ts_ms":1}"#
                .to_owned(),
            "transaction",
        ),
        ("__debezium-heartbeat.p", r#"{"ts_ms":1}"#.to_owned(), "heartbeat"),
        ("p.x", "[1]".to_owned(), "unknown"),
        ("p.x", "null".to_owned(), "unknown"),
    ] {
        let mut lane = Lane::new(Dialect::DebeziumFlat);
        assert_eq!(lane.meets(topic, None, Some(value.as_bytes())), class, "{value}");
        assert_eq!(lane.tables.len(), 0, "{value}");
    }
}

#[test]
fn an_event_that_was_not_flattened_is_named() {
    let refused =
        flat(r#"{"before":null,"after":{"id":1},"source":{"connector":"mysql"},"op":"c"}"#);
    assert_eq!(
        refused,
        "unknown-class: these look like Debezium events, which dialect \"debezium-flat\" cannot read: give their topics \
         `dialects = { \"TOPIC\" = \"debezium\" }`, or a pipeline of their own"
    );
}

#[test]
fn an_operation_that_stands_twice_is_refused() {
    for name in ["__op", "__deleted"] {
        let refused = flat(&format!(r#"{{"{name}":"c","{name}":"d"}}"#));
        assert!(
            refused.starts_with(&format!("undecodable: the value has the member \"{name}\" twice")),
            "{refused}"
        );
    }
}
