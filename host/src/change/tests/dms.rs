//! The Database Migration Service's records.

use super::Lane;
use crate::table::Dialect;

fn dms(value: &str) -> String {
    Lane::new(Dialect::Dms).meets("dms", None, Some(value.as_bytes()))
}

fn record(images: &str, kind: &str, operation: &str) -> String {
    format!(
        r#"{{{images},"metadata":{{"timestamp":"2024-10-27T12:39:03.210671Z","record-type":"{kind}","operation":"{operation}","partition-key-type":"schema-table","schema-name":"shop","table-name":"items","transaction-id":670014899490}}}}"#
    )
}

#[test]
fn a_row_is_what_its_operation_says() {
    for (images, operation, row) in [
        (r#""data":{"id":1}"#, "load", "row r shop.items after={id:1}"),
        (r#""data":{"id":1}"#, "insert", "row c shop.items after={id:1}"),
        (r#""data":{"id":1}"#, "delete", "row d shop.items before={id:1}"),
        (
            r#""data":{"id":1,"n":2},"before-image":{"n":1}"#,
            "update",
            "row u shop.items before={n:1} after={id:1 n:2}",
        ),
        (r#""data":{"id":1},"before-image":null"#, "update", "row u shop.items after={id:1}"),
    ] {
        assert_eq!(dms(&record(images, "data", operation)), row);
    }
}

/// T18.
#[test]
fn a_column_that_the_before_image_lacks_is_not_known() {
    let value = record(r#""data":{"id":1,"n":2},"before-image":{"n":1}"#, "data", "update");
    let mut lane = Lane::new(Dialect::Dms);
    lane.meets("dms", None, Some(value.as_bytes()));
    assert!(!lane.events.rows[0].delta);
    let event = lane.events.events[0];
    assert_eq!(event.transaction.of(value.as_bytes()), b"670014899490");
}

#[test]
fn what_a_deleted_row_was_goes_along_with_it() {
    let value = record(r#""data":{"id":1},"before-image":{"id":1,"n":1}"#, "data", "delete");
    let mut lane = Lane::new(Dialect::Dms);
    let seen = lane.meets("dms", Some(r#"{"id":1}"#), Some(value.as_bytes()));
    assert_eq!(
        seen,
        "row d shop.items before={id*:1} key={id*:1} +d shop.items before={id*:1 n:1}"
    );
    let companions: Vec<bool> = lane.events.rows.iter().map(|row| row.companion).collect();
    assert_eq!(companions, [false, true]);
}

/// T09.
#[test]
fn a_value_over_several_lines_is_read() {
    let value = "\u{feff}{\r\n\t\"metadata\" : {\r\n\t\t\"table-name\" : \"items\",\n \"operation\":\"insert\" , \"record-type\": \"data\"\r\n\t},\r\n\t\"data\" :\t{\r\n\t\t\"id\": 1\r\n\t}\r\n}\r\n";
    assert_eq!(dms(value), "row c items after={id:1}");
}

#[test]
fn tables_may_change_from_record_to_record() {
    let mut lane = Lane::new(Dialect::Dms);
    for (table, column) in [("t", "a"), ("u", "b"), ("t", "a"), ("u", "a")] {
        let value = format!(
            r#"{{"data":{{"{column}":1}},"metadata":{{"record-type":"data","operation":"insert","schema-name":"s","table-name":"{table}"}}}}"#
        );
        let seen = lane.meets("dms", None, Some(value.as_bytes()));
        assert_eq!(seen, format!("row c s.{table} after={{{column}:1}}"));
    }
}

/// T49.
#[test]
fn what_is_no_row_is_told_apart() {
    for (value, class) in [
        (record(r#""control":{}"#, "control", "create-table"), "schema-change"),
        (record(r#""x":1"#, "control", "drop-table"), "schema-change"),
        (record(r#""x":1"#, "control", "add-column"), "schema-change"),
        (record(r#""x":1"#, "control", "rewind"), "unknown"),
        (record(r#""data":{"id":1}"#, "control", "create-table"), "unknown"),
        (record(r#""data":{"id":1}"#, "data", "merge"), "unknown"),
        (record(r#""data":"text""#, "data", "insert"), "unknown"),
        (record(r#""x":1"#, "data", "insert"), "unknown"),
        (r#"{"data":{},"metadata":{}}"#.into(), "unknown"),
        (r#"{"data":{},"metadata":"operation"}"#.into(), "unknown"),
        ("[]".into(), "unknown"),
    ] {
        assert_eq!(dms(&value), class, "{value}");
    }
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    let value = record(r#""data":{"id":1},"data":{"id":2}"#, "data", "insert");
    assert!(dms(&value).starts_with("undecodable: the value has the member \"data\" twice"));
    let value = record(r#""data":{"id":1}"#, "data", r#"insert","operation":"delete"#);
    assert!(dms(&value).starts_with("undecodable: the value has the member \"operation\" twice"));
}
