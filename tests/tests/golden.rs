//! The official plugins' golden events through their real WebAssembly and the gateway's own pipeline: what the plugins' native tests
//! promise is what leaves.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lockgate::config::Config;
use lockgate::gateway::Loaded;
use lockgate::outcome::{Outcome, Refusal};
use lockgate::pipeline::Pipeline;
use lockgate::plugin::Runtime;
use lockgate::record::{Header, Output, Record};
use serde_json::{Map, Value, json};

fn folders(plugin: &str) -> Vec<PathBuf> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the root");
    let golden = root.join("plugins").join(plugin).join("golden");
    let list = std::fs::read_dir(golden).expect("the plugin has golden events");
    let mut folders: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
}

fn events(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect()
}

fn pipeline(plugin: &str, folder: &Path) -> Pipeline {
    let own = tempfile::tempdir().unwrap();
    let settings = &events(&folder.join("settings.json"))[0];
    let file = json!({ "plugin": plugin, "settings": settings });
    std::fs::write(own.path().join(format!("10-{plugin}.toml")), toml::to_string(&file).unwrap())
        .unwrap();
    let config = format!(
        "[kafka]\nbrokers = \"unused:9092\"\n[[pipeline]]\nname = \"golden\"\nfrom = [\"t\"]\n\
         dialect = \"debezium\"\nto = \"same.{{topic}}\"\nplugins = \"{}\"\ndead_letter = \"dlq\"\n",
        own.path().display()
    );
    let config = Config::parse(&config, &own.path().join("lockgate.toml")).unwrap();
    let loaded = Loaded::load(&Runtime::start().unwrap(), &config.pipelines[0]).unwrap();
    Pipeline::new(Arc::clone(&loaded.settings), loaded.stages())
}

/// An event of a golden file as the bytes of a record.
struct Given {
    topic: Arc<str>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Given {
    fn of(event: &Value) -> Self {
        let bytes = |value: &Value| (!value.is_null()).then(|| value.to_string().into_bytes());
        let Some(value) = event.get("value") else {
            let (key, headers) = (None, Vec::new());
            return Self { topic: "t".into(), key, value: bytes(event), headers };
        };
        let headers = event.get("headers").and_then(Value::as_array).cloned().unwrap_or_default();
        let header = |header: &Value| {
            let name = header[0].as_str().unwrap().to_owned();
            (name, header_bytes(&header[1]))
        };
        Self {
            topic: event.get("topic").and_then(Value::as_str).unwrap_or("t").into(),
            key: event.get("key").and_then(bytes),
            value: bytes(value),
            headers: headers.iter().map(header).collect(),
        }
    }

    fn record(&self, offset: i64) -> Record<'_> {
        Record {
            topic: &self.topic,
            partition: 0,
            offset,
            timestamp: None,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| Header { name: name.as_bytes(), value: value.as_deref() })
                .collect(),
        }
    }
}

fn header_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone().into_bytes()),
        other => {
            let text = other["base64"].as_str().expect("a header is text, null or base64");
            Some(BASE64.decode(text).expect("base64"))
        }
    }
}

/// What left, in the form of the golden files; none for an event that was dropped.
fn seen(like: &Value, outcome: Outcome<'_>) -> Option<Value> {
    match outcome {
        Outcome::Drop(_) => None,
        Outcome::DeadLetter { refusal: Refusal { said, reason, .. }, .. } => {
            Some(json!({ "rejected": said.unwrap_or(reason) }))
        }
        Outcome::Forward { record, .. } => Some(forwarded(like, &record)),
        other => panic!("no golden event ends like this: {other:?}"),
    }
}

fn forwarded(like: &Value, output: &Output<'_>) -> Value {
    let parsed = |bytes: Option<&[u8]>| {
        bytes
            .map_or(Value::Null, |bytes| serde_json::from_slice(bytes).expect("the output is JSON"))
    };
    let value = parsed(output.value.as_deref());
    if like.get("value").is_none() {
        return value;
    }
    let mut event = Map::new();
    for name in like.as_object().unwrap().keys() {
        let part = match name.as_str() {
            "topic" => json!(output.topic.strip_prefix("same.").unwrap_or(&output.topic)),
            "key" => parsed(output.key.as_deref()),
            "value" => value.clone(),
            _ => continue,
        };
        event.insert(name.clone(), part);
    }
    let headers: Vec<_> = output
        .headers
        .iter()
        .map(|header| {
            (
                String::from_utf8_lossy(&header.name).into_owned(),
                header.value.as_deref().map(<[u8]>::to_vec),
            )
        })
        .collect();
    let shown = like.get("headers").and_then(Value::as_array).cloned().unwrap_or_default();
    let expected: Vec<_> = shown
        .iter()
        .map(|header| (header[0].as_str().unwrap().to_owned(), header_bytes(&header[1])))
        .collect();
    assert_eq!(headers, expected, "headers of {like}");
    if let Some(headers) = like.get("headers") {
        event.insert("headers".to_owned(), headers.clone());
    }
    Value::Object(event)
}

/// JSON kept in strings without its white space, which the gateway keeps and the plugins' native harness does not.
fn unspaced(value: &Value) -> Value {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => Value::String(inner.to_string()),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(unspaced).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, it)| (name.clone(), unspaced(it))).collect())
        }
        scalar => scalar.clone(),
    }
}

fn holds(plugin: &str) {
    for folder in folders(plugin) {
        let mut pipeline = pipeline(plugin, &folder);
        let given: Vec<Given> =
            events(&folder.join("before.jsonl")).iter().map(Given::of).collect();
        let records: Vec<Record<'_>> =
            (0i64..).zip(&given).map(|(n, given)| given.record(n)).collect();
        let expected = events(&folder.join("after.jsonl"));
        let mut left = expected.iter();
        pipeline.process(&records, |number, _, outcome| {
            // A dropped event has no line, so the next line is looked at without being taken.
            let like = left.clone().next().unwrap_or(&Value::Null);
            if let Some(seen) = seen(like, outcome) {
                let expected = left.next().map(unspaced);
                assert_eq!(expected, Some(unspaced(&seen)), "{}: event {number}", folder.display());
            }
            true
        });
        assert_eq!(left.next(), None, "{}: too few events left", folder.display());
    }
}

#[test]
fn filter_keeps_its_golden_events_through_the_gateway() {
    holds("filter");
}

#[test]
fn mask_keeps_its_golden_events_through_the_gateway() {
    holds("mask");
}

#[test]
fn reshape_keeps_its_golden_events_through_the_gateway() {
    holds("reshape");
}
