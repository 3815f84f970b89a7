//! Records that cannot be read, and what the refusal says of them.

use super::{Lane, debezium};
use crate::change::{Looks, recognise};
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

/// A value, what it looks like, and the dialect to read it with.
const FOREIGN: [(&str, Looks, &str, Option<&str>); 9] = [
    (
        r#"{"database":"d","table":"t","type":"insert","ts":1,"data":{"a":1}}"#,
        Looks::Maxwell,
        "Maxwell events",
        Some("maxwell"),
    ),
    (
        r#"{"database":"d","table":"t","type":"delete","ts":1,"old":{"a":1}}"#,
        Looks::TicdcMaxwell,
        "TiCDC's Maxwell events",
        Some("ticdc-maxwell"),
    ),
    (
        r#"{"data":[{"a":"1"}],"database":"d","isDdl":false,"mysqlType":{},"old":null,"pkNames":["a"],"table":"t","type":"INSERT"}"#,
        Looks::Canal,
        "Canal events",
        Some("canal"),
    ),
    (
        r#"{"id":0,"database":"d","table":"t","pkNames":null,"isDdl":false,"type":"INSERT","data":[{}],"_tidb":{"commitTs":1}}"#,
        Looks::Ticdc,
        "TiCDC's Canal-JSON events",
        Some("ticdc"),
    ),
    (
        r#"{"data":[{"a":"1"}],"database":"d","isDdl":false,"mysqlType":{},"old":null,"table":"t","type":"INIT"}"#,
        Looks::Drs,
        "Huawei DRS events",
        None,
    ),
    (
        r#"{"table":"A.B","op_type":"I","op_ts":"","after":{}}"#,
        Looks::GoldenGate,
        "Oracle GoldenGate events",
        Some("ogg"),
    ),
    (
        r#"{"data":{"a":1},"metadata":{"record-type":"data","operation":"insert"}}"#,
        Looks::Dms,
        "AWS DMS events",
        Some("dms"),
    ),
    (
        r#"{"id":"1","source":"/s","specversion":"1.0","type":"t","data":{}}"#,
        Looks::CloudEvents,
        "CloudEvents",
        Some("cloudevents"),
    ),
    (
        r#"{"id":1,"__deleted":"false"}"#,
        Looks::DebeziumFlat,
        "flattened Debezium events",
        Some("debezium-flat"),
    ),
];

#[test]
fn other_dialects_are_named() {
    for (value, looks, family, dialect) in FOREIGN {
        assert_eq!(recognise(value.as_bytes()), Some(looks));
        let help = match dialect {
            Some(dialect) => format!(
                "give their topics `dialects = {{ \"TOPIC\" = \"{dialect}\" }}`, or a pipeline of their own"
            ),
            None => "dialect \"json\" carries them, each value as one row".to_owned(),
        };
        assert_eq!(
            debezium(value),
            format!(
                "unknown-class: these look like {family}, which dialect \"debezium\" cannot read: {help}"
            )
        );
    }
}

#[test]
fn debeziums_events_are_told_from_those_that_look_like_them() {
    for (value, looks) in [
        (r#"{"op":"c","after":{}}"#, Some(Looks::Debezium)),
        (r#"{"schema":null,"payload":{"op":"c","after":{}}}"#, Some(Looks::Debezium)),
        (r#"{"op":"m","source":{"connector":"TiCDC"}}"#, Some(Looks::TicdcDebezium)),
        (
            r#"{"schema":{},"payload":{"before":null,"after":{"dataColumn":{}},"sequenceId":"1","timestamp":{"eventTime":1},"op":"INSERT"},"version":"0.1"}"#,
            Some(Looks::DataWorks),
        ),
        (
            r#"{"database":"d","table":"t","type":"insert","data":{"a":1}}{"database":"d","table":"t","type":"insert","data":{"a":2}}"#,
            Some(Looks::TicdcMaxwell),
        ),
        (r#"{"encrypted":{"iv":"a","bytes":"b"}}"#, Some(Looks::Maxwell)),
        (
            r#"{"schema":{"type":"struct","fields":[]},"payload":{"id":1}}"#,
            Some(Looks::DebeziumFlat),
        ),
        (r#"{"schema":{"type":"struct","fields":[]},"payload":{"ts_ms":1}}"#, None),
        (
            r#"{"schema":{"type":"struct"},"payload":{"status":"END","id":"1","event_count":1}}"#,
            None,
        ),
        (r#"{"schema":"public","payload":{"id":1}}"#, None),
        (r#"{"id":1}{"id":2}"#, None),
        (r#"{"id":1}"#, None),
        (r#"{"metadata":{"operation":"x"}}"#, None),
        ("{", None),
    ] {
        assert_eq!(recognise(value.as_bytes()), looks, "{value}");
    }
}

#[test]
fn bytes_that_are_no_json_are_named_with_what_to_do() {
    let converter = "let the producer write JSON: set value.converter to org.apache.kafka.connect.json.JsonConverter";
    let producer = "compress in the producer (compression.type) and not in the value";
    let confluent = "Confluent Schema Registry records (Avro or Protobuf)";
    for (value, family, help) in [
        (&b"\x00\x00\x00\x00\x07\x02a"[..], confluent, converter),
        (b"\x00\x00\x00\x00\x07\x02abcdefg", confluent, converter),
        (
            b"\x00\x00\x00\x00\x00\x00\x00\x00\x07\x02a",
            "Apicurio Registry records (Avro or Protobuf)",
            converter,
        ),
        (b"\x03\x00................body", "AWS Glue Schema Registry records", converter),
        (b"\x1f\x8b\x08\x00", "gzip-compressed values", producer),
        (b"\x28\xb5\x2f\xfd\x00", "zstd-compressed values", producer),
        (b"\x04\x22\x4d\x18\x64", "LZ4-compressed values", "`compression = \"lz4\"` unpacks them"),
        (b"\x82SNAPPY\x00", "snappy-compressed values", producer),
        (
            b"\x0b\x28{\"a\":12345}",
            "snappy-compressed values",
            "`compression = \"snappy\"` unpacks them",
        ),
        (
            b"\x18\x07\x2a\x05\x08\x01\x12\x01\x00",
            "Canal protobuf packets (canal.mq.flatMessage = false)",
            "set canal.mq.flatMessage = true in Canal",
        ),
    ] {
        assert_eq!(
            Lane::new(Dialect::Debezium).meets("t", None, Some(value)),
            format!("undecodable: the value is not JSON: it looks like one of {family}; {help}")
        );
    }
}

#[test]
fn a_registry_that_writes_into_headers_is_named() {
    let mut lane = Lane::new(Dialect::Debezium);
    for (header, family) in [
        ("__value_schema_id", "Confluent Schema Registry records (Avro or Protobuf)"),
        ("apicurio.value.globalId", "Apicurio Registry records (Avro or Protobuf)"),
    ] {
        assert_eq!(
            lane.meets_with("t", None, Some(b"\x02\x04ab"), &[(header, b"\x01guid")]),
            format!(
                "undecodable: the value is not JSON: expected a value at byte 0; its headers say it is one of {family}"
            )
        );
        // JSON Schema is a registry's, too, and stays readable.
        let read = lane.meets_with("t", None, Some(b"{\"ts_ms\":1}"), &[(header, b"\x01guid")]);
        assert_eq!(read, "heartbeat");
    }
}
