//! Records that cannot be read, and what the refusal says of them.

use super::{Lane, debezium};
use crate::change::recognise;
use crate::table::Dialect;

#[test]
fn what_is_not_json_is_refused_with_the_place() {
    for (value, reason) in [
        (&b"{\"a\":1,}"[..], "expected a name in double quotes at byte 7"),
        (b"{\"a\" 1}", "expected a colon at byte 5"),
        (b"{\"after\":{\"a\":01}}", "expected a comma or a closing brace at byte 15"),
        (b"{\"after\":[1 2]}", "expected a comma or a closing bracket at byte 12"),
        (b"{\"after\":{\"a\":tru}}", "expected a value at byte 14"),
        (b"{\"after\":{\"a\":\"\\x\"}}", "expected an escape that JSON knows at byte 15"),
        (b"{\"after\":{\"a\":\"b", "expected the end of the string at byte 16"),
        (b"{\"a\":-}", "expected a digit at byte 6"),
        (b"{\"a\":\"\xff\"}", "expected UTF-8 at byte 6"),
        (b"{}x", "expected nothing after the value at byte 2"),
        (b"", "expected a value at byte 0"),
        (b"  ", "expected a value at byte 2"),
    ] {
        for dialect in Dialect::ALL {
            assert_eq!(
                Lane::new(dialect).meets("t", None, Some(value)),
                format!("undecodable: the value is not JSON: {reason}")
            );
        }
    }
}

#[test]
fn two_values_in_one_are_refused_where_the_dialect_has_no_such_thing() {
    for dialect in Dialect::ALL.into_iter().filter(|dialect| *dialect != Dialect::TicdcMaxwell) {
        assert_eq!(
            Lane::new(dialect).meets("t", None, Some(b"{}{}")),
            "undecodable: the value is not JSON: expected nothing after the value at byte 2"
        );
    }
}

#[test]
fn other_dialects_are_named() {
    for (value, family) in [
        (r#"{"database":"d","table":"t","type":"insert","ts":1,"data":{"a":1}}"#, "Maxwell events"),
        (
            r#"{"data":[{"a":"1"}],"database":"d","isDdl":false,"mysqlType":{},"old":null,"pkNames":["a"],"table":"t","type":"INSERT"}"#,
            "Canal events",
        ),
        (r#"{"table":"A.B","op_type":"I","op_ts":"","after":{}}"#, "Oracle GoldenGate events"),
        (
            r#"{"data":{"a":1},"metadata":{"record-type":"data","operation":"insert"}}"#,
            "AWS DMS events",
        ),
        (r#"{"id":"1","source":"/s","specversion":"1.0","type":"t","data":{}}"#, "CloudEvents"),
    ] {
        assert_eq!(recognise(value.as_bytes()), Some(family));
        assert_eq!(
            debezium(value),
            format!(
                "unknown-class: these look like {family}, which dialect \"debezium\" cannot read: give their topics a pipeline \
                 with the dialect they are written in"
            )
        );
    }
    assert_eq!(recognise(br#"{"op":"c","after":{}}"#), Some("Debezium events"));
    assert_eq!(
        recognise(br#"{"schema":null,"payload":{"op":"c","after":{}}}"#),
        Some("Debezium events")
    );
    assert_eq!(recognise(br#"{"id":1}"#), None);
    assert_eq!(recognise(b"{"), None);
}

#[test]
fn bytes_that_are_no_json_are_named() {
    for (value, family) in [
        (&b"\x00\x00\x00\x00\x07\x02a"[..], "Confluent Schema Registry records (Avro or Protobuf)"),
        (b"\x03\x00................body", "AWS Glue Schema Registry records"),
        (b"\x1f\x8b\x08\x00", "gzip-compressed values"),
        (b"\x28\xb5\x2f\xfd\x00", "zstd-compressed values"),
        (b"\x04\x22\x4d\x18\x64", "LZ4-compressed values"),
        (b"\x82SNAPPY\x00", "snappy-compressed values"),
        (b"\x0b\x28{\"a\":12345}", "snappy-compressed values"),
        (
            b"\x18\x07\x2a\x05\x08\x01\x12\x01\x00",
            "Canal protobuf packets (canal.mq.flatMessage = false)",
        ),
    ] {
        assert_eq!(recognise(value), Some(family));
        assert_eq!(
            Lane::new(Dialect::Debezium).meets("t", None, Some(value)),
            format!("undecodable: the value is not JSON: it looks like one of {family}")
        );
    }
}
