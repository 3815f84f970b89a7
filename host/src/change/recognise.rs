//! Which tool a value comes from, where it is not what the pipeline was told to expect. For diagnoses and `detect` only: a
//! pipeline's dialect is pinned, since a row may have columns of any name.

use super::json;
use crate::table::Dialect;

/// What the value looks like, in the plural; none where it looks like nothing known.
pub fn recognise(value: &[u8]) -> Option<&'static str> {
    framing(value).or_else(|| json_family(value))
}

/// JSON of another dialect than `dialect`.
pub(super) fn foreign(value: &[u8], dialect: Dialect) -> Option<&'static str> {
    json_family(value).filter(|family| Some(*family) != own(dialect))
}

/// What [`recognise`] says of a dialect's own values.
fn own(dialect: Dialect) -> Option<&'static str> {
    Some(match dialect {
        Dialect::Debezium | Dialect::TicdcDebezium => DEBEZIUM,
        Dialect::Maxwell | Dialect::TicdcMaxwell => "Maxwell events",
        Dialect::Canal | Dialect::Ticdc => "Canal events",
        Dialect::Ogg => "Oracle GoldenGate events",
        Dialect::Dms => "AWS DMS events",
        Dialect::CloudEvents => "CloudEvents",
        Dialect::DebeziumFlat | Dialect::Json => return None,
    })
}

/// What [`recognise`] says of Debezium's own.
pub const DEBEZIUM: &str = "Debezium events";

/// What is not JSON at all, by its first bytes.
pub(super) fn framing(value: &[u8]) -> Option<&'static str> {
    match value {
        [0x00, _, _, _, _, _, ..] => Some("Confluent Schema Registry records (Avro or Protobuf)"),
        [0x03, 0x00 | 0x05, rest @ ..] if rest.len() > 16 => {
            Some("AWS Glue Schema Registry records")
        }
        [0x1f, 0x8b, ..] => Some("gzip-compressed values"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd-compressed values"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("LZ4-compressed values"),
        [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', ..]
        | [0xff, 0x06, 0x00, 0x00, b's', b'N', b'a', b'P', b'p', b'Y', ..] => Some(SNAPPY),
        // A packet of type "messages" (field 3 = 7) whose body (field 5) follows, perhaps after magic number and version.
        [0x18, 0x07, 0x2a, ..] | [0x08, 0x11, 0x10, 0x01, 0x18, 0x07, ..] => {
            Some("Canal protobuf packets (canal.mq.flatMessage = false)")
        }
        _ if is_raw_snappy(value) => Some(SNAPPY),
        _ => None,
    }
}

const SNAPPY: &str = "snappy-compressed values";

/// Snappy without a frame: the length as a varint, then a literal that opens an object.
fn is_raw_snappy(value: &[u8]) -> bool {
    let Some(length) = value.iter().take(5).position(|byte| byte & 0x80 == 0) else { return false };
    match value.get(length + 1..) {
        Some([tag, b'{', ..]) => tag & 3 == 0 && tag >> 2 < 60,
        Some([0xf0, _, b'{', ..] | [0xf4, _, _, b'{', ..]) => true,
        _ => false,
    }
}

fn json_family(value: &[u8]) -> Option<&'static str> {
    let start = json::document(value).ok()?.start;
    let payload = json::members(value, start)
        .find(|(name, _)| name.of(value) == b"payload")
        .map(|(_, payload)| payload.start);
    payload.and_then(|at| family(value, at)).or_else(|| family(value, start))
}

fn family(value: &[u8], object: u32) -> Option<&'static str> {
    let member = |wanted: &str| {
        let mut members = json::members(value, object);
        members
            .find(|(name, _)| json::unescape(name.of(value)) == wanted)
            .map(|(_, at)| at.of(value))
    };
    let has = |names: &[&str]| names.iter().all(|name| member(name).is_some());
    let any = |names: &[&str]| names.iter().any(|name| member(name).is_some());
    let starts =
        |name: &str, first: u8| member(name).is_some_and(|value| value.first() == Some(&first));
    if has(&["op"]) && any(&["source", "before", "after"]) {
        return Some(if starts("before", b'{') && any(&["sequenceId"]) {
            "Aliyun DataWorks events"
        } else {
            DEBEZIUM
        });
    }
    if has(&["specversion", "id", "type"]) {
        return Some("CloudEvents");
    }
    if has(&["op_type", "table"]) {
        return Some("Oracle GoldenGate events");
    }
    if has(&["metadata"]) && any(&["data", "control"]) {
        let metadata = member("metadata")?;
        let mut names = json::members(metadata, 0).map(|(name, _)| name.of(metadata));
        return names
            .any(|name| name == b"record-type" || name == b"operation")
            .then_some("AWS DMS events");
    }
    if has(&["data", "old", "type"])
        && (any(&["isDdl", "mysqlType", "pkNames"]) || starts("data", b'['))
    {
        return Some("Canal events");
    }
    if has(&["database", "type"]) {
        if any(&["isDdl", "mysqlType", "pkNames"]) || starts("data", b'[') {
            return Some("Canal events");
        }
        if has(&["table"]) && any(&["data", "def", "old", "encrypted"]) {
            return Some("Maxwell events");
        }
    }
    None
}
