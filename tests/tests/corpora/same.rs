//! The same change is the same to a plugin, whoever wrote it: 20 changes that one tool wrote in three encodings, and here in
//! every other dialect besides, through one chain with one set of settings.

use std::collections::BTreeMap;

use lockgate::table::Dialect;
use lockgate_tests::changes::{Change, object};
use lockgate_tests::corpora::Corpora;
use lockgate_tests::offline::{Left, Offline, Sent};
use serde_json::{Value, json};

const FOLDER: &str = "apache/flink-cdc/flink-cdc-e2e-tests/flink-cdc-pipeline-e2e-tests/src/test/resources/expectedEvents/mysqlToKafka";

const FILTER: &str = "plugin = \"filter\"\n[settings]\ndrop = 'table == \"products\" && (after.weight == 5.17 || has(before.weight) && before.weight == 5.3)'\non_absent = \"keep\"\n";
const MASK: &str = "plugin = \"mask\"\n[settings]\nkey = \"a key for the tests only\"\nkey_id = \"k\"\n[settings.columns]\n\"customers.phone_number\" = \"hmac\"\n\"products.description\" = \"keep-last:4\"\nname = \"redact\"\n";

/// What a chain made of a change: none where it dropped it.
type Decision = Option<(Option<Value>, Option<Value>)>;

/// Before and after of an event whose `old` holds what changed of its `data`.
fn merged(event: &mut Value, delete: bool) -> (Value, Value) {
    let row = event["data"].take();
    let old = event.get_mut("old").map(Value::take).unwrap_or_default();
    if delete {
        return (row, Value::Null);
    }
    let before = object(old).map(|old| {
        let mut before = row.as_object().unwrap().clone();
        before.extend(old);
        Value::Object(before)
    });
    (before.unwrap_or_default(), row)
}

/// The change that left, read by what wrote it.
fn read(dialect: Dialect, sent: &Sent) -> (Option<Value>, Option<Value>) {
    let mut event: Value = serde_json::from_str(&sent.text()).unwrap();
    let (before, after) = match dialect {
        Dialect::Debezium | Dialect::TicdcDebezium => {
            let change = Change::of_debezium(&mut event);
            (json!(change.before), json!(change.after))
        }
        Dialect::Maxwell => {
            let delete = sent.text().contains(r#""type":"delete""#);
            merged(&mut event, delete)
        }
        Dialect::TicdcMaxwell if event["type"] == "delete" => (event["old"].take(), Value::Null),
        Dialect::TicdcMaxwell => merged(&mut event, false),
        Dialect::Canal | Dialect::Ticdc => {
            let Change { before, after, .. } = Change::of_canal(&mut event);
            let before = before.map(|old| {
                let mut before = after.clone().unwrap_or_default();
                before.extend(old);
                before
            });
            (json!(before), json!(after))
        }
        Dialect::Ogg => (event["before"].take(), event["after"].take()),
        Dialect::Dms if event["metadata"]["operation"] == "delete" => {
            (event["data"].take(), Value::Null)
        }
        Dialect::Dms => {
            let before = event.get_mut("before-image").map(Value::take).unwrap_or_default();
            (before, event["data"].take())
        }
        Dialect::CloudEvents => (event["data"]["before"].take(), event["data"]["after"].take()),
        Dialect::DebeziumFlat | Dialect::Json => (Value::Null, event),
    };
    let some = |value: Value| (!value.is_null()).then_some(value);
    (some(before), some(after))
}

fn decided(dialect: Dialect, value: &str) -> Decision {
    let chain = Offline::new(dialect).plugin("10-filter", FILTER).plugin("20-mask", MASK);
    match chain.value(value) {
        Left::Forward { record, .. } => Some(read(dialect, &record)),
        Left::Dropped(_) => None,
        other => panic!("{dialect}: {other:?}"),
    }
}

fn events(corpora: &Corpora, file: &str) -> Vec<String> {
    let name = format!("{FOLDER}/{file}");
    let files = corpora.files().unwrap();
    let file = files.into_iter().find(|file| file.listed.name == name).expect("it is listed");
    let events = file.events();
    events.iter().map(|event| String::from_utf8(event.text.to_vec()).unwrap()).collect()
}

#[test]
fn one_change_meets_one_decision_in_every_dialect() {
    let Some(corpora) = Corpora::find() else { return };
    let mut by_name: BTreeMap<String, (Change, Decision)> = BTreeMap::new();
    for text in events(&corpora, "debezium-json.txt") {
        let change = Change::of_debezium(&mut serde_json::from_str(&text).unwrap());
        by_name.insert(change.name(), (change, decided(Dialect::Debezium, &text)));
    }
    assert_eq!(by_name.len(), 20);
    let dropped = by_name.values().filter(|(_, decision)| decision.is_none()).count();
    assert_eq!(dropped, 2, "the filter has something to say");
    for text in events(&corpora, "debezium-json-with-schema.txt") {
        let change = Change::of_debezium(&mut serde_json::from_str(&text).unwrap());
        assert_eq!(decided(Dialect::Debezium, &text), by_name[&change.name()].1, "{text}");
    }
    for text in events(&corpora, "canal-json.txt") {
        let change = Change::of_canal(&mut serde_json::from_str(&text).unwrap());
        assert_eq!(decided(Dialect::Canal, &text), by_name[&change.name()].1, "{text}");
    }
    for (change, decision) in by_name.values() {
        for dialect in Dialect::ALL {
            if matches!(dialect, Dialect::DebeziumFlat | Dialect::Json) {
                // These know neither the operation nor what was before.
                continue;
            }
            let value = change.written(dialect).to_string();
            assert_eq!(&decided(dialect, &value), decision, "{dialect}: {value}");
        }
    }
}
