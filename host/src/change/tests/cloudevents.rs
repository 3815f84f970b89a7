//! Debezium's events inside CloudEvents.

use super::Lane;
use crate::change::{SideKind, SqlFlavour};
use crate::table::Dialect;

fn cloud(value: &str) -> String {
    Lane::new(Dialect::CloudEvents).meets("p.s1.a", None, Some(value.as_bytes()))
}

/// An event with those members, between its own first and last.
fn event(members: &str) -> String {
    format!(
        r#"{{"id":"name:p;lsn:1;txId:5","source":"/debezium/postgresql/p","specversion":"1.0","type":"io.debezium.connector.postgresql.DataChangeEvent","datacontenttype":"application/json",{members},"time":"2020-01-13T13:55:39.738Z"}}"#
    )
}

const PLACE: &str = r#""iodebeziumdb":"postgres","iodebeziumschema":"s1","iodebeziumtable":"a""#;

#[test]
fn operation_and_table_are_attributes() {
    let value = event(&format!(
        r#""iodebeziumop":"r",{PLACE},"data":{{"before":null,"after":{{"pk":1}}}}"#
    ));
    let mut lane = Lane::new(Dialect::CloudEvents);
    for _ in 0..2 {
        assert_eq!(
            lane.meets("p.s1.a", Some(r#"{"pk":1}"#), Some(value.as_bytes())),
            "row r postgres.s1.a before=null after={pk*:1} key={pk*:1}"
        );
    }
}

#[test]
fn operation_and_table_may_stand_in_the_data() {
    let value = event(
        r#""data":{"before":{"pk":1},"after":null,"op":"d","source":{"db":"shop","table":"t"}}"#,
    );
    assert_eq!(cloud(&value), "row d shop.t before={pk:1} after=null");
    let value = event(r#""data":{"before":null,"after":{"pk":1},"op":"c"}"#);
    assert_eq!(cloud(&value), "row c s1.a before=null after={pk:1}");
}

#[test]
fn the_schema_is_inside_the_data() {
    let schema = r#"{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int64","field":"pk"}],"field":"after"}]}"#;
    let value = event(&format!(
        r#""data":{{"schema":{schema},"payload":{{"after":{{"pk":1}}}}}},"iodebeziumop":"c",{PLACE}"#
    ));
    let mut lane = Lane::new(Dialect::CloudEvents);
    let seen = lane.meets("t", None, Some(value.as_bytes()));
    assert_eq!(seen, "row c postgres.s1.a after={pk:1}");
    assert_eq!(lane.events.events[0].value_schema.of(value.as_bytes()), schema.as_bytes());
    assert_eq!(&*lane.tables.iter().next().unwrap().1.columns[0].source_type, "int64");
}

#[test]
fn sql_in_attributes_is_found() {
    let value = event(&format!(
        r#""iodebeziumop":"c","iodebeziumredosql":"insert into a","data":{{"after":{{"pk":1}}}},"iodebeziumquery":"INSERT","iodebeziumrow":"0",{PLACE}"#
    ));
    let mut lane = Lane::new(Dialect::CloudEvents);
    lane.meets("t", None, Some(value.as_bytes()));
    let found = lane.events.sides_of(&lane.events.events[0]).iter();
    let found: Vec<(SideKind, &[u8], Option<u32>)> =
        found.map(|side| (side.kind, side.span.of(value.as_bytes()), side.row)).collect();
    let (oracle, mysql) = (SideKind::Sql(SqlFlavour::Oracle), SideKind::Sql(SqlFlavour::MySql));
    assert_eq!(
        found,
        [(oracle, &b"\"insert into a\""[..], Some(0)), (mysql, b"\"INSERT\"", Some(0))]
    );
    // Written as null where there is none.
    let value = event(r#""iodebeziumop":"c","iodebeziumquery":null,"data":{"after":{"pk":1}}"#);
    lane.meets("t", None, Some(value.as_bytes()));
    assert!(lane.events.sides_of(&lane.events.events[0]).is_empty());
}

#[test]
fn data_that_is_encoded_is_refused_by_name() {
    for members in [
        r#""iodebeziumop":"r","data":"AAAAAAEAAgICAg==""#,
        r#""iodebeziumop":"r","data_base64":"AAAA""#,
    ] {
        let refused = cloud(&event(members));
        assert!(
            refused.starts_with(
                "undecodable: the CloudEvent's data is no JSON object but encoded text (Avro"
            ),
            "{refused}"
        );
    }
}

#[test]
fn events_without_a_row_keep_their_class() {
    for (members, class) in [
        (r#""iodebeziumop":"t","data":{"before":null,"after":null}"#, "truncate"),
        (r#""iodebeziumop":"m","data":{"message":{"prefix":"p"}}"#, "message"),
        (r#""iodebeziumop":"x","data":{"after":{}}"#, "unknown"),
        (r#""data":{"after":{}}"#, "unknown"),
        (r#""iodebeziumop":"c","data":{"order":1}"#, "unknown"),
        (r#""iodebeziumop":"c","data":null"#, "unknown"),
        (r#""iodebeziumop":"c""#, "unknown"),
    ] {
        assert_eq!(cloud(&event(members)), class, "{members}");
    }
    for (value, class) in [
        (r#"{"ts_ms":1}"#, "heartbeat"),
        (
            r#"{"status":"END","id":"1:2","event_count":1,"data_collections":[],"ts_ms":1}"#,
            "transaction",
        ),
        (
            r#"{"source":{},"databaseName":"d","ddl":"DROP TABLE t","tableChanges":[]}"#,
            "schema-change",
        ),
        ("{}", "unknown"),
        ("[]", "unknown"),
    ] {
        assert_eq!(cloud(value), class, "{value}");
    }
}

#[test]
fn an_event_that_is_no_cloud_event_is_named() {
    let refused = cloud(r#"{"before":null,"after":{"pk":1},"source":{"db":"d"},"op":"c"}"#);
    assert!(refused.starts_with("unknown-class: these look like Debezium events"), "{refused}");
}

#[test]
fn what_decides_may_not_stand_twice() {
    for (members, name) in [
        (r#""data":{"after":{"a":1}},"data":{"after":{"a":2}},"iodebeziumop":"c""#, "data"),
        (r#""data":{"after":{"a":1}},"iodebeziumop":"c","iodebeziumop":"d""#, "iodebeziumop"),
        (r#""data":{"after":{"a":1},"after":{"a":2}},"iodebeziumop":"c""#, "after"),
    ] {
        let refused = cloud(&event(members));
        assert!(
            refused.starts_with(&format!("undecodable: the value has the member \"{name}\" twice")),
            "{refused}"
        );
    }
}
