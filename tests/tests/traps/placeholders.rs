//! T19: what stands where the database sent no value, in the shapes that column types give it.

use lockgate::cell::Placeholder;
use lockgate::table::Dialect;
use lockgate_tests::offline::Offline;

use super::bench::debezium;

const CODES: &str = "[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]";

const SHAPES: [&str; 6] = [
    r#""__debezium_unavailable_value""#,
    r#""X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==""#,
    r#"{"__debezium_unavailable_value":"__debezium_unavailable_value"}"#,
    r#""{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}""#,
    r#"["__debezium_unavailable_value"]"#,
    CODES,
];

const RULES: [&str; 8] =
    ["hmac", "redact", "null", "constant:x", "keep-last:4", "email", "phone", "zip3"];

#[test]
fn t19_a_value_that_was_not_sent_is_never_masked() {
    for rule in RULES {
        let text = format!(
            "plugin = \"mask\"\n[settings]\nkey = \"a key for the tests only\"\nkey_id = \"k\"\n[settings.columns]\nother = \"hmac\"\nnotes = \"{rule}\"\n"
        );
        let chain = Offline::new(Dialect::Debezium).plugin("20-mask", &text);
        for shape in SHAPES {
            let value = debezium(&format!(r#""id":1,"notes":{shape}"#));
            assert_eq!(chain.value(&value).text(), value, "{rule}: {shape}");
        }
        let value = debezium(r#""id":1,"notes":"sent""#);
        assert_ne!(chain.value(&value).text(), value, "{rule} masks what was sent");
    }
}

/// The seventh: a text of the connector's own, in bytes that `unavailable.value.placeholder` gives in hex.
#[test]
fn t19_a_placeholder_of_its_own_is_known_where_it_is_configured() {
    let own = Placeholder::parse("hex:6e6f742073656e74").unwrap();
    let chain = Offline::new(Dialect::Debezium)
        .mask("notes", "constant:masked")
        .with(|settings| settings.unavailable = own);
    for shape in [
        r#""not sent""#,
        r#""bm90IHNlbnQ=""#,
        r#"["not sent"]"#,
        "[110,111,116,32,115,101,110,116]",
        r#"{"not sent":"not sent"}"#,
    ] {
        let value = debezium(&format!(r#""id":1,"notes":{shape}"#));
        assert_eq!(chain.value(&value).text(), value, "{shape}");
    }
    let value = debezium(r#""id":1,"notes":"__debezium_unavailable_value""#);
    assert_ne!(chain.value(&value).text(), value, "another connector's is a value like any other");
}
