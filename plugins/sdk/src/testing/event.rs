//! An event of a test: read from JSON, written back in the form it came in.

use serde_json::{Map, Value, json};

use crate::plan::Image;
use crate::table::Table;

/// Of an event that does not name its topic.
const DEFAULT_TOPIC: &str = "events";

/// What tells one table from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TableName<'a> {
    topic: &'a str,
    database: &'a str,
    schema: &'a str,
    name: &'a str,
}

impl TableName<'_> {
    pub(super) fn table(self, id: u32) -> Table {
        Table {
            id,
            topic: self.topic.into(),
            dialect: "debezium".into(),
            database: self.database.into(),
            schema: self.schema.into(),
            name: self.name.into(),
            columns: Vec::new(),
        }
    }
}

pub(super) fn names(table: &Table) -> TableName<'_> {
    TableName {
        topic: &table.topic,
        database: &table.database,
        schema: &table.schema,
        name: &table.name,
    }
}

#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Written back as a whole record rather than as its value.
    whole: bool,
    /// The value is a row and nothing around it.
    plain: bool,
    pub(super) topic: String,
    partition: Value,
    offset: Value,
    timestamp: Value,
    pub(super) key: Value,
    pub(super) value: Value,
    pub(super) headers: Vec<(String, Value)>,
}

impl Event {
    pub(super) fn read(json: &Value) -> Result<Self, String> {
        let object = json.as_object().ok_or("an event is a JSON object")?;
        let whole = object.contains_key("value") && !object.contains_key("op");
        let member = |name: &str| object.get(name).cloned().unwrap_or(Value::Null);
        let value = if whole { member("value") } else { json.clone() };
        let member = |name: &str| if whole { member(name) } else { Value::Null };
        Ok(Self {
            whole,
            plain: !value.is_null() && value.get("op").is_none(),
            topic: member("topic").as_str().unwrap_or(DEFAULT_TOPIC).to_owned(),
            partition: member("partition"),
            offset: member("offset"),
            timestamp: member("timestamp"),
            key: member("key"),
            value,
            headers: headers(&member("headers"))?,
        })
    }

    pub(super) fn write(&self) -> Value {
        if !self.whole && self.headers.is_empty() && self.topic == DEFAULT_TOPIC {
            return self.value.clone();
        }
        let mut record = Map::new();
        if self.topic != DEFAULT_TOPIC {
            record.insert("topic".into(), self.topic.clone().into());
        }
        let positions = [
            ("partition", &self.partition),
            ("offset", &self.offset),
            ("timestamp", &self.timestamp),
        ];
        for (name, value) in positions.into_iter().filter(|(_, value)| !value.is_null()) {
            record.insert(name.into(), value.clone());
        }
        if !self.key.is_null() {
            record.insert("key".into(), self.key.clone());
        }
        record.insert("value".into(), self.value.clone());
        let headers: Vec<Value> =
            self.headers.iter().map(|(name, value)| json!([name, value])).collect();
        if !headers.is_empty() {
            record.insert("headers".into(), headers.into());
        }
        Value::Object(record)
    }

    pub(super) fn table_name(&self) -> TableName<'_> {
        let source = |name: &str| self.value.pointer(&format!("/source/{name}"));
        let source = |name: &str| source(name).and_then(Value::as_str).unwrap_or_default();
        TableName {
            topic: &self.topic,
            database: source("db"),
            schema: source("schema"),
            name: source("table"),
        }
    }

    pub(super) fn operation(&self) -> u8 {
        if self.value.is_null() {
            return b'd';
        }
        let op = self.value.get("op").and_then(Value::as_str).and_then(|op| op.bytes().next());
        op.unwrap_or(b'c')
    }

    /// The names of its columns, and whether each is part of the key.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&str, bool)> {
        [Image::Before, Image::After, Image::Key].into_iter().flat_map(|image| {
            let columns = self.image(image).into_iter().flat_map(Map::keys);
            columns.map(move |name| (&**name, image == Image::Key))
        })
    }

    pub(super) fn image(&self, image: Image) -> Option<&Map<String, Value>> {
        match image {
            Image::Before => self.value.get("before")?.as_object(),
            Image::After if self.plain => self.value.as_object(),
            Image::After => self.value.get("after")?.as_object(),
            Image::Key => self.key.as_object(),
            Image::Header | Image::Meta => None,
        }
    }

    pub(super) fn image_mut(&mut self, image: Image) -> Option<&mut Map<String, Value>> {
        match image {
            Image::Before => self.value.get_mut("before")?.as_object_mut(),
            Image::After if self.plain => self.value.as_object_mut(),
            Image::After => self.value.get_mut("after")?.as_object_mut(),
            Image::Key => self.key.as_object_mut(),
            Image::Header | Image::Meta => None,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&Value> {
        self.headers.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// What the gateway knows of the record under `name`; none where it does not.
    pub(super) fn meta(&self, name: &str) -> Option<Value> {
        let table = self.table_name();
        let named = |text: &str| (!text.is_empty()).then(|| Value::from(text));
        let known = |value: &Value| (!value.is_null()).then(|| value.clone());
        match name {
            "topic" => named(&self.topic),
            "partition" => known(&self.partition),
            "offset" => known(&self.offset),
            "timestamp" => known(&self.timestamp),
            "operation" => Some(char::from(self.operation()).to_string().into()),
            "database" => named(table.database),
            "schema" => named(table.schema),
            "table" => named(table.name),
            "transaction" => self.value.pointer("/transaction/id").cloned(),
            "value" => Some(self.value.clone()),
            _ => None,
        }
    }
}

fn headers(list: &Value) -> Result<Vec<(String, Value)>, String> {
    let header = |header: &Value| match header.as_array().map(Vec::as_slice) {
        Some([Value::String(name), value]) => Ok((name.clone(), value.clone())),
        _ => Err(format!("reading the header {header}: it is not a list of name and value")),
    };
    list.as_array().map_or(Ok(Vec::new()), |list| list.iter().map(header).collect())
}
