//! One change as every dialect writes it. Knows nothing of the gateway but the dialects' names.

use std::collections::BTreeMap;

use lockgate::table::Dialect;
use serde_json::{Map, Value, json};

/// One change, whatever it was written as.
#[derive(Clone, Debug)]
pub struct Change {
    pub operation: char,
    pub table: String,
    pub before: Option<Map<String, Value>>,
    pub after: Option<Map<String, Value>>,
}

/// The members of an object; none of anything else.
pub fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// A type for each column.
fn types(row: Option<&Map<String, Value>>, of: impl Into<Value> + Clone) -> Value {
    let names = row.into_iter().flat_map(Map::keys);
    names.map(|name| (name.clone(), of.clone().into())).collect()
}

impl Change {
    /// A change of Debezium's, in its envelope or without; the images are taken out of it.
    pub fn of_debezium(event: &mut Value) -> Self {
        let event = match event.get_mut("payload") {
            Some(payload) => payload,
            None => event,
        };
        Self {
            operation: event["op"].as_str().unwrap().chars().next().unwrap(),
            table: event["source"]["table"].as_str().unwrap().to_owned(),
            before: object(event["before"].take()),
            after: object(event["after"].take()),
        }
    }

    /// A message of Canal's with one row.
    pub fn of_canal(event: &mut Value) -> Self {
        let operation = match event["type"].as_str().unwrap() {
            "INSERT" => 'c',
            "UPDATE" => 'u',
            _ => 'd',
        };
        let row = object(event["data"][0].take());
        let old = event.get_mut("old").and_then(|old| old.get_mut(0)).map(Value::take);
        let (before, after) =
            if operation == 'd' { (row, None) } else { (old.and_then(object), row) };
        Self { operation, table: event["table"].as_str().unwrap().to_owned(), before, after }
    }

    /// What tells it from the others.
    pub fn name(&self) -> String {
        let image = |image: &Option<Map<String, Value>>| {
            serde_json::to_string(
                &image.as_ref().map(|image| image.iter().collect::<BTreeMap<_, _>>()),
            )
            .unwrap()
        };
        format!("{} {} {} {}", self.operation, self.table, image(&self.before), image(&self.after))
    }

    /// What of the row was another before.
    fn changed(&self) -> Option<Map<String, Value>> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        Some(
            before
                .iter()
                .filter(|(name, value)| after.get(*name) != Some(value))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }

    /// The change as each dialect writes it.
    pub fn written(&self, dialect: Dialect) -> Value {
        let Self { operation, table, before, after } = self;
        let by = |names: [&str; 3]| match operation {
            'c' => names[0].to_owned(),
            'u' => names[1].to_owned(),
            _ => names[2].to_owned(),
        };
        let row = after.as_ref().or(before.as_ref());
        match dialect {
            Dialect::Debezium | Dialect::TicdcDebezium => json!({
                "before": before, "after": after, "op": operation.to_string(),
                "source": {"db": "shop", "table": table},
            }),
            Dialect::Maxwell => {
                let kind = by(["insert", "update", "delete"]);
                let mut event =
                    json!({"database": "shop", "table": table, "type": kind, "ts": 1, "data": row});
                if let Some(changed) = self.changed() {
                    event["old"] = json!(changed);
                }
                event
            }
            Dialect::TicdcMaxwell => {
                let kind = by(["insert", "update", "delete"]);
                let mut event = json!({"database": "shop", "table": table, "type": kind, "ts": 1});
                match self.changed() {
                    _ if *operation == 'd' => event["old"] = json!(row),
                    Some(changed) => (event["old"], event["data"]) = (json!(changed), json!(row)),
                    None => event["data"] = json!(row),
                }
                event
            }
            Dialect::Canal | Dialect::Ticdc => json!({
                "data": [row], "old": self.changed().map(|changed| [changed]), "isDdl": false,
                "type": by(["INSERT", "UPDATE", "DELETE"]), "database": "shop", "table": table,
                "pkNames": ["id"], "sql": "", "id": 1, "es": 1_795_000_000_000u64, "ts": 1_795_000_000_123u64,
                "mysqlType": types(row, "varchar(255)"), "sqlType": types(row, 12),
            }),
            Dialect::Ogg => json!({
                "table": format!("shop.{table}"), "op_type": by(["I", "U", "D"]), "before": before,
                "after": after, "primary_keys": ["id"],
            }),
            Dialect::Dms => {
                let mut event = json!({"data": row, "metadata": {
                    "record-type": "data", "operation": by(["insert", "update", "delete"]),
                    "schema-name": "shop", "table-name": table,
                }});
                if *operation == 'u' {
                    event["before-image"] = json!(before);
                }
                event
            }
            Dialect::CloudEvents => json!({
                "specversion": "1.0", "id": "1", "source": "/debezium/mysql/shop",
                "type": "io.debezium.connector.mysql.DataChangeEvent",
                "datacontenttype": "application/json", "iodebeziumop": operation.to_string(),
                "iodebeziumdb": "shop", "iodebeziumtable": table,
                "data": {"before": before, "after": after},
            }),
            Dialect::DebeziumFlat | Dialect::Json => json!(row),
        }
    }
}
