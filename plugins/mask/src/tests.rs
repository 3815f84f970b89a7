//! Masks seen through the harness: settings and events in, events out.

use lockgate_plugin::testing::{Harness, golden};
use lockgate_plugin::{Cell, Column, Table};
use serde_json::{Value, json};

use super::Mask;
use super::digest::Secrets;
use super::rule::Rule;

mod nested;
mod partial;
mod pseudonyms;

const EVERY_RULE: [&str; 19] = [
    "null",
    "constant:x",
    "redact",
    "keep-first:4",
    "keep-last:4",
    "keep-domain",
    "email",
    "phone",
    "card",
    "card:luhn",
    "date-year",
    "zip3",
    "number-bucket:10",
    "hmac",
    "hmac:canonical",
    "hmac:base64url:bare",
    "debezium-v1:SHA-256",
    "debezium-v2:SHA-512",
    "debezium-v2:MD5",
];

#[test]
fn golden_events() {
    golden::<Mask>(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"));
}

/// The value that leaves in place of `value` under a rule; the reason where its row is refused.
fn masked(rule: &str, value: Value) -> Value {
    masked_as("", rule, value).unwrap()
}

fn masked_as(source_type: &str, rule: &str, value: Value) -> Result<Value, String> {
    let mut settings = json!({ "columns": { "c": rule } });
    if rule.starts_with("hmac") {
        settings["key"] = json!("a key of 16 bytes or more");
        settings["key_id"] = json!("k1");
    }
    if rule.starts_with("debezium") {
        settings["salt"] = json!("salt123");
    }
    let mut mask = Harness::<Mask>::new(&settings)?.source_type("c", source_type);
    let left = mask.try_run(&[json!({ "op": "c", "before": null, "after": { "c": value } })])?;
    let event = left.first().unwrap();
    Ok(event.get("rejected").unwrap_or(&event["after"]["c"]).clone())
}

fn refusal(settings: Value) -> String {
    Harness::<Mask>::new(&settings).map(|_| ()).unwrap_err()
}

/// Of opening `public.customers` with a key column `id`.
fn open_refusal(settings: Value) -> String {
    let column = |name: &str| Column { name: name.into(), ..Column::default() };
    let table = Table {
        schema: "public".into(),
        name: "customers".into(),
        columns: vec![column("email"), column("profile")],
        ..Table::default()
    };
    Harness::<Mask>::new(&settings).unwrap().open(&table).unwrap_err()
}

#[test]
fn lengths_count_characters_never_bytes() {
    for (rule, clear, covered) in [
        ("redact", "日本語テキスト", "*******"),
        ("redact", "", ""),
        ("keep-first:2", "日本語テキスト", "日本*****"),
        ("keep-last:2", "日本語テキスト", "*****スト"),
        ("keep-first:2", "abcdef", "ab****"),
        ("keep-last:2", "abcdef", "****ef"),
        ("keep-domain", "anna.ødegård@example.no", "************@example.no"),
    ] {
        assert_eq!(masked(rule, json!(clear)), covered, "{rule} of {clear}");
    }
}

#[test]
fn what_is_too_short_to_keep_a_part_of_is_covered_whole() {
    for (rule, clear, covered) in [
        ("keep-first:4", "1234", "****"),
        ("keep-last:4", "1234", "****"),
        ("keep-last:4", "1", "*"),
        ("keep-last:3", "日本語", "***"),
        ("keep-first:3", "日本語", "***"),
        ("keep-last:4", "", ""),
        ("keep-domain", "no address", "**********"),
        ("keep-domain", "a@b@c.example", "***@c.example"),
        ("keep-domain", "@c.example", "**********"),
    ] {
        assert_eq!(masked(rule, json!(clear)), covered, "{rule} of {clear}");
    }
}

#[test]
fn a_redacted_value_stays_of_its_kind() {
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for (clear, covered) in [
        (number("0"), number("1")),
        (number("-12.50"), number("-11.11")),
        (number("18446744073709551615"), number("11111111111111111111")),
        (number("1.0E10"), number("1.1E00")),
        (json!(true), json!(false)),
        (
            json!({ "a": "x", "n": [1, -2.5, null, true] }),
            json!({ "a": "*", "n": [1, -1.1, null, false] }),
        ),
    ] {
        assert_eq!(masked("redact", clear.clone()).to_string(), covered.to_string(), "{clear}");
    }
}

#[test]
fn redacted_json_keeps_its_shape() {
    for (clear, covered) in [
        (r#"{"a": "b\"c", "d":{}}"#, r#"{"a": "***", "d":{}}"#),
        (r#"{"\"k\"" : "v"}"#, r#"{"\"k\"" : "*"}"#),
        (r#"["\u00e9", "\ud83d\ude00", "é", "\\"]"#, r#"["*", "*", "*", "*"]"#),
        (r#"{"a":1,"a":22}"#, r#"{"a":1,"a":11}"#),
        ("[true,null,-0.5e+10]", "[false,null,-1.1e+00]"),
        (r#""text""#, r#""****""#),
    ] {
        let left = masked_as("io.debezium.data.Json", "redact", json!(clear)).unwrap();
        assert_eq!(left, covered);
    }
}

#[test]
fn text_in_a_json_column_that_is_no_json_is_refused() {
    assert_eq!(
        masked_as("json", "redact", json!("{\"a\":")).unwrap(),
        "column \"c\" holds a string, which \"redact\" cannot mask"
    );
}

#[test]
fn a_kind_that_a_rule_cannot_treat_is_refused() {
    for (rule, value, kind) in [
        ("keep-domain", json!(42), "a number"),
        ("keep-domain", json!({ "a": 1 }), "JSON"),
        ("keep-last:4", json!(true), "a boolean"),
        ("keep-first:4", json!([{ "a": "secret" }]), "JSON"),
        ("email", json!(42), "a number"),
        ("phone", json!({ "a": 1 }), "JSON"),
        ("zip3", json!(false), "a boolean"),
    ] {
        assert_eq!(
            masked(rule, value),
            format!("column \"c\" holds {kind}, which {rule:?} cannot mask")
        );
    }
}

#[test]
fn numbers_under_a_keep_rule_become_text() {
    let card = serde_json::from_str("4111111111111234").unwrap();
    assert_eq!(masked("keep-last:4", card), "************1234");
}

#[test]
fn what_holds_no_value_stays_as_it_is() {
    for rule in EVERY_RULE {
        assert_eq!(masked(rule, Value::Null), Value::Null, "{rule}");
        let placeholder = json!("__debezium_unavailable_value");
        assert_eq!(masked(rule, placeholder.clone()), placeholder, "{rule}");
    }
}

#[test]
fn a_digest_names_its_key_and_is_that_of_the_text() {
    // From Python's hmac module.
    let digest = "k1:23d2d0df7e48e6c38bdc4173b47c6157498302d5d3877203d212ddd30feeff36";
    assert_eq!(masked("hmac", json!("42")), digest);
    assert_eq!(masked("hmac", json!(42)), digest);
    assert_eq!(
        masked("hmac:base64url", json!("42")),
        "k1:I9LQ335I5sOL3EFztHxhV0mDAtXTh3ID0hLd0w_u_zY"
    );
}

#[test]
fn constants_are_of_any_kind() {
    assert_eq!(masked("constant:a:b", json!(1)), "a:b");
    let settings = json!({ "columns": { "c": { "constant": 0 } } });
    let event = json!({ "op": "c", "after": { "c": 1234 } });
    let left = Harness::<Mask>::new(&settings).unwrap().run(&[event]);
    assert_eq!(left, [json!({ "op": "c", "after": { "c": 0 } })]);
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    let columns = |rule: &str| json!({ "columns": { "c": rule } });
    assert_eq!(
        refusal(columns("redct")),
        "reading the rule of \"c\": \"redct\" is no rule: they are \"null\", \"constant:TEXT\", \"redact\", \
         \"keep-first:N\", \"keep-last:N\", \"keep-domain\", \"email\", \"phone\", \"card\", \"card:luhn\", \"date-year\", \
         \"zip3\", \"number-bucket:N\", \"hmac\" with options (\"hmac:base64url:canonical\"), \"debezium-v1:ALGORITHM\" \
         and \"debezium-v2:ALGORITHM\""
    );
    assert_eq!(
        refusal(columns("keep-last:0")),
        "reading the rule of \"c\": \"0\" is no number of characters to keep: write 1 or more"
    );
    assert_eq!(
        refusal(columns("hmac")),
        "\"c\" asks for \"hmac\", which needs both \"key\" (or \"keys\") and \"key_id\""
    );
    assert_eq!(
        refusal(json!({ "columns": { "c": "hmac" }, "key": "short", "key_id": "k" })),
        "the key \"k\" is shorter than 16 bytes"
    );
    assert_eq!(
        refusal(json!({ "columns": { "c": "redact" }, "key_id": "k" })),
        "\"key\", \"keys\" or \"key_id\" is set, yet no column asks for \"hmac\""
    );
    assert_eq!(
        refusal(json!({ "columns": {} })),
        "\"columns\" names no column: nothing would be masked"
    );
}

#[test]
fn two_rules_for_one_column_are_refused_unless_one_is_closer() {
    assert_eq!(
        open_refusal(json!({ "columns": { "e*": "redact", "*l": "null" } })),
        "column \"email\" of \"public.customers\" is covered by both \"*l\" and \"e*\": name the column in full in one of \
         them, or drop one"
    );
    assert_eq!(
        open_refusal(json!({ "columns": { "profile": "redact", "profile#/a": "null" } })),
        "column \"profile\" of \"public.customers\" is covered by both \"profile\" and \"profile#/a\": name the column in \
         full in one of them, or drop one"
    );
    let settings = json!({ "columns": { "*": "null", "c": "redact" } });
    let left = Harness::<Mask>::new(&settings)
        .unwrap()
        .run(&[json!({ "op": "c", "after": { "c": "x" } })]);
    assert_eq!(left, [json!({ "op": "c", "after": { "c": "*" } })]);
}

#[test]
fn an_encoding_that_a_mask_would_break_is_refused_when_the_table_opens() {
    let decimal = "org.apache.kafka.connect.data.Decimal";
    assert_eq!(
        masked_as(decimal, "redact", json!("AQ==")).unwrap_err(),
        "column \"c\" of \"events\" is of type \"org.apache.kafka.connect.data.Decimal\", whose values \"redact\" would \
         leave undecodable: use \"null\" or \"constant\""
    );
    assert_eq!(masked_as(decimal, "null", json!("AQ==")), Ok(Value::Null));
    assert!(masked_as("jsonb", "keep-last:4", json!("{}")).is_err());
}

#[test]
fn a_column_that_takes_no_null_is_not_masked_to_null() {
    assert_eq!(
        masked_as("varchar(11) not null", "null", json!("x")).unwrap_err(),
        "column \"c\" of \"events\" is of type \"varchar(11) not null\", and \"null\" would leave it without the value that \
         its readers insist on: use \"constant:TEXT\" or \"redact\""
    );
    assert_eq!(masked_as("varchar(11)", "null", json!("x")), Ok(Value::Null));
    assert_eq!(masked_as("varchar(11) NOT NULL", "redact", json!("x")), Ok(json!("*")));
    assert!(
        masked_as("jsonb not null", "keep-last:4", json!("{}")).is_err(),
        "of a type as before"
    );
}

#[test]
fn a_kind_to_come_never_passes() {
    for rule in EVERY_RULE {
        let rule = Rule::parse(rule).unwrap();
        let mut out = Vec::new();
        assert!(rule.cover(Cell::Unknown(200), &Secrets::default(), &mut out).is_err(), "{rule}");
        assert!(out.is_empty());
    }
}
