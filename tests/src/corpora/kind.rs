//! Which tool an object comes from, by the names of its members, as `INDEX.tsv` counts them. A rule of its own, inferred from
//! the index: the gateway's recognition is not used, so that the two can disagree.

use serde_json::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A change event of Debezium's.
    DebeziumPlain,
    /// The same as the payload beside a schema.
    DebeziumEnvelope,
    DebeziumSchemaChange,
    /// A key, or a flattened row, as the payload beside a schema.
    FlatOrKeyEnvelope,
    Canal,
    Maxwell,
    GoldenGate,
    Dms,
    CloudEvents,
    Other,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DebeziumPlain => "debezium-plain",
            Self::DebeziumEnvelope => "debezium-env",
            Self::DebeziumSchemaChange => "debezium-schema-change",
            Self::FlatOrKeyEnvelope => "debezium-flat-or-key-env",
            Self::Canal => "canal",
            Self::Maxwell => "maxwell",
            Self::GoldenGate => "ogg",
            Self::Dms => "aws-dms",
            Self::CloudEvents => "cloudevents",
            Self::Other => "other-json-object",
        }
    }

    pub fn is_debezium(self) -> bool {
        matches!(
            self,
            Self::DebeziumPlain
                | Self::DebeziumEnvelope
                | Self::DebeziumSchemaChange
                | Self::FlatOrKeyEnvelope
        )
    }

    pub(super) fn of(object: &Map<String, Value>) -> Self {
        let has = |name: &str| object.contains_key(name);
        let row_lists = || has("isDdl") || has("mysqlType") || has("pkNames");
        match object.get("payload") {
            Some(payload) if has("schema") => return Self::in_envelope(payload),
            Some(Value::Object(payload)) if is_change(payload) => return Self::DebeziumEnvelope,
            _ => {}
        }
        if is_change(object) {
            return Self::DebeziumPlain;
        }
        if is_schema_change(object) {
            return Self::DebeziumSchemaChange;
        }
        if has("database") && has("type") {
            if row_lists() || object.get("data").is_some_and(Value::is_array) {
                return Self::Canal;
            }
            if has("table") {
                return Self::Maxwell;
            }
        }
        if has("op_type") && has("table") {
            return Self::GoldenGate;
        }
        if object.get("metadata").is_some_and(|metadata| metadata.get("operation").is_some()) {
            return Self::Dms;
        }
        if has("specversion") { Self::CloudEvents } else { Self::Other }
    }

    fn in_envelope(payload: &Value) -> Self {
        match payload {
            Value::Object(payload) if is_change(payload) => Self::DebeziumEnvelope,
            Value::Object(payload) if is_schema_change(payload) => Self::DebeziumSchemaChange,
            Value::Null => Self::Other,
            _ => Self::FlatOrKeyEnvelope,
        }
    }
}

fn is_change(object: &Map<String, Value>) -> bool {
    let has = |name: &str| object.contains_key(name);
    has("op") && (has("source") || has("before") || has("after"))
}

fn is_schema_change(object: &Map<String, Value>) -> bool {
    object.contains_key("ddl") && object.contains_key("tableChanges")
}
