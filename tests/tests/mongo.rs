//! MongoDB's events through the official plugins: what is masked is masked wherever the event says it.
#![cfg(test)]

use lockgate::table::Dialect;
use lockgate_tests::offline::{Given, Offline};
use serde_json::Value;

const UPDATE: &str = r#"{"before":null,"after":"{\"_id\": {\"$oid\": \"64f0planted\"},\"contact\": {\"email\": \"anna.planted@b.example\",\"city\": \"Oslo\"},\"name\": \"J\u00f6rg Planted\"}","updateDescription":{"removedFields":["fax"],"updatedFields":"{\"contact.email\": \"anna.planted@b.example\",\"name\": \"J\\u00f6rg Planted\"}","truncatedArrays":null},"source":{"connector":"mongodb","db":"shop","collection":"people"},"op":"u"}"#;
const KEY: &str = r#"{"id":"{\"$oid\": \"64f0planted\"}"}"#;
const MASK: &str = r#"
plugin = "mask"
[settings]
key_id = "t1"
[settings.keys]
t1 = "not a secret, only a test"
[settings.columns]
_id = "hmac:canonical"
name = "constant:***"
"contact#/email" = "email"
"#;

fn document(value: &Value) -> Value {
    serde_json::from_str(value.as_str().unwrap()).unwrap()
}

#[test]
fn a_masked_document_is_masked_in_its_update_and_its_key_and_agrees_with_both() {
    let offline = Offline::new(Dialect::Debezium).plugin("20-mask", MASK);
    let given = [
        Given::value(UPDATE).topic("p.shop.people").key(KEY),
        Given::tombstone().topic("p.shop.people").key(KEY),
    ];
    let left: Vec<_> = offline.carry(&given).into_iter().map(|left| left.sent()).collect();
    let [update, tombstone] = &*left else { panic!("{left:?}") };
    let text = update.text();
    assert!(!text.to_lowercase().contains("planted"), "{text}");
    assert!(!update.key_text().contains("planted"), "{}", update.key_text());
    assert_eq!(tombstone.key, update.key, "compaction still finds the document");

    let event: Value = serde_json::from_str(&text).unwrap();
    let (after, updated) =
        (document(&event["after"]), document(&event["updateDescription"]["updatedFields"]));
    let key: Value = serde_json::from_str(&update.key_text()).unwrap();
    assert_eq!(after["_id"], key["id"]);
    assert_eq!(after["contact"]["email"], updated["contact.email"]);
    assert_eq!(after["contact"]["city"], "Oslo");
    assert_eq!((&after["name"], &updated["name"]), (&"***".into(), &"***".into()));
}
