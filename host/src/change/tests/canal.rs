//! Canal's messages: many rows, and the places beside them.

use super::Lane;
use crate::change::Class;
use crate::table::Dialect;

fn canal(value: &str) -> String {
    Lane::new(Dialect::Canal).meets("canal", None, Some(value.as_bytes()))
}

#[test]
fn every_row_of_a_message_stands_beside_what_it_was() {
    let value = r#"{"data":[{"id":"1","n":"a"},{"id":"2","n":"b"}],"database":"shop","isDdl":false,"old":[{"n":"x"},{"n":"y"}],"table":"items","type":"UPDATE"}"#;
    assert_eq!(
        canal(value),
        r#"row u shop.items before={n:"x"} after={id:"1" n:"a"} u shop.items before={n:"y"} after={id:"2" n:"b"}"#
    );
}

#[test]
fn the_row_of_a_delete_is_what_it_was() {
    let value = r#"{"data":[{"id":"1"}],"database":"shop","old":null,"pkNames":["id"],"table":"items","type":"DELETE"}"#;
    assert_eq!(canal(value), r#"row d shop.items before={id:"1"}"#);
}

#[test]
fn ddl_statements_and_truncates_have_no_rows() {
    for (value, class) in [
        (
            r#"{"data":null,"database":"a","isDdl":true,"old":null,"sql":"alter","table":"t","type":"ALTER"}"#,
            "schema-change",
        ),
        (
            r#"{"data":null,"database":"","isDdl":false,"old":null,"sql":"insert","table":"","type":"QUERY"}"#,
            "message",
        ),
        (
            r#"{"data":null,"database":"a","isDdl":true,"old":null,"sql":"truncate","table":"t","type":"TRUNCATE"}"#,
            "truncate",
        ),
        (
            r#"{"data":null,"database":"a","isDdl":false,"old":null,"table":"t","type":"MHEARTBEAT"}"#,
            "unknown",
        ),
        (r#"[1]"#, "unknown"),
    ] {
        assert_eq!(canal(value), class, "{value}");
    }
}

#[test]
fn rows_that_do_not_pair_with_what_they_were_are_refused() {
    let value = r#"{"data":[{"id":"1"},{"id":"2"}],"database":"a","old":[{"id":"0"}],"table":"t","type":"UPDATE"}"#;
    let refused = canal(value);
    assert!(refused.starts_with("undecodable: the value has as many elements"), "{refused}");
    let value =
        r#"{"data":[{"id":"1"},null],"database":"a","old":null,"table":"t","type":"INSERT"}"#;
    let refused = canal(value);
    assert!(refused.starts_with("undecodable: the value has an element of \"data\""), "{refused}");
}

#[test]
fn the_columns_types_are_what_the_source_calls_them() {
    let value = r#"{"mysqlType":{"id":"bigint","n":"varchar(8)"},"data":[{"id":"1","n":"a"}],"database":"a","table":"t","type":"INSERT","sqlType":{"id":-5,"n":12}}"#;
    let mut lane = Lane::new(Dialect::Canal);
    lane.meets("canal", None, Some(value.as_bytes()));
    let columns = &lane.tables.iter().next().unwrap().1.columns;
    let types: Vec<&str> = columns.iter().map(|column| &*column.source_type).collect();
    assert_eq!(types, ["bigint", "varchar(8)"]);
    assert_eq!(lane.events.sides_of(&lane.events.events[0]).len(), 2);
    assert_eq!(lane.events.events[0].class, Class::Row);
}

#[test]
fn tables_may_change_from_message_to_message() {
    let mut lane = Lane::new(Dialect::Canal);
    for (table, column) in [("t", "a"), ("u", "b"), ("t", "a"), ("u", "a")] {
        let value = format!(
            r#"{{"data":[{{"{column}":"1"}}],"database":"d","table":"{table}","type":"INSERT"}}"#
        );
        let seen = lane.meets("canal", None, Some(value.as_bytes()));
        assert_eq!(seen, format!(r#"row c d.{table} after={{{column}:"1"}}"#));
    }
}
