//! The settings schemas that the official plugins publish: they take the settings of every golden folder and refuse what the
//! plugins would refuse or, worse, overlook.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use lockgate_plugins::NAMES;
use serde_json::{Value, json};

fn plugin(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn accepts(name: &str, settings: &Value) -> bool {
    let schema = read(&plugin(name).join("settings.schema.json"));
    jsonschema::draft202012::new(&schema).unwrap().is_valid(settings)
}

#[test]
fn schemas_are_valid_and_say_which_draft_they_follow() {
    for name in NAMES {
        let schema = read(&plugin(name).join("settings.schema.json"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert_eq!(schema["additionalProperties"], json!(false), "{name}");
        jsonschema::draft202012::meta::validate(&schema).unwrap();
    }
}

#[test]
fn settings_of_every_golden_folder_are_accepted() {
    for name in NAMES {
        for folder in fs::read_dir(plugin(name).join("golden")).unwrap() {
            let path = folder.unwrap().path().join("settings.json");
            assert!(accepts(name, &read(&path)), "{}", path.display());
        }
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (name, settings) in [
        ("filter", json!({})),
        ("filter", json!({ "keep": "true", "drop": "false" })),
        ("filter", json!({ "keep": "true", "on_absnt": "keep" })),
        ("filter", json!({ "keep": "true", "on_absent": "pass" })),
        ("mask", json!({ "columns": {} })),
        ("mask", json!({ "columns": { "a": "redct" } })),
        ("mask", json!({ "columns": { "a": "keep-last:0" } })),
        ("mask", json!({ "columns": { "a": { "constant": null } } })),
        ("mask", json!({ "columns": { "a": "hmac" }, "key": "sixteen bytes ok" })),
        ("mask", json!({ "columns": { "a": "hmac" }, "key": "short", "key_id": "k" })),
        ("mask", json!({ "columns": { "a": "null" }, "colums": {} })),
        ("mask", json!({ "columns": { "a": "number-bucket:1" } })),
        ("mask", json!({ "columns": { "a": "card:lun" } })),
        ("mask", json!({ "columns": { "a": "debezium-v2:SHA256" }, "salt": "s" })),
        (
            "mask",
            json!({ "columns": { "a": "hmac:canon" }, "key": "sixteen bytes ok", "key_id": "k" }),
        ),
        ("mask", json!({ "columns": { "a": "hmac" }, "keys": { "k": "short" }, "key_id": "k" })),
        ("mask", json!({ "columns": { "a": "hmac" }, "keys": { "k": "sixteen bytes ok" } })),
        ("mask", json!({ "columns": { "a": "hmac" }, "key_id": "k" })),
        (
            "mask",
            json!({ "columns": { "a": "hmac" }, "key": "sixteen bytes ok", "keys": { "k": "sixteen bytes ok" }, "key_id": "k" }),
        ),
        ("reshape", json!({})),
        ("reshape", json!({ "remove": "ssn" })),
        ("reshape", json!({ "topic": "a.{column}" })),
        ("reshape", json!({ "removed_key_columns": "drop", "remove": ["a"] })),
    ] {
        assert!(!accepts(name, &settings), "{name}: {settings}");
    }
}
