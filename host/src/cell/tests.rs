//! Cells there and back, and places inside them.

use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn decoded(raw: &str) -> (u8, String) {
    let mut out = b"before".to_vec();
    let kind = decode(raw.as_bytes(), &mut out).unwrap();
    (kind, String::from_utf8(out.split_off(6)).unwrap())
}

fn encoded(kind: u8, cell: &[u8]) -> String {
    let mut out = Vec::new();
    encode(kind, cell, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn each_kind_of_json_becomes_its_kind_of_cell() {
    let cells = [
        ("", kind::ABSENT, ""),
        ("null", kind::NULL, ""),
        ("true", kind::BOOLEAN, "true"),
        ("false", kind::BOOLEAN, "false"),
        ("18446744073709551615", kind::NUMBER, "18446744073709551615"),
        ("-1.50E+2", kind::NUMBER, "-1.50E+2"),
        (
            r#""a \"b\" \\ \/ \b\f\n\r\t \u00e9 \uD83D\uDE00 é""#,
            kind::STRING,
            "a \"b\" \\ / \u{8}\u{c}\n\r\t é 😀 é",
        ),
        (r#""\u0000""#, kind::STRING, "\0"),
        (r#"{ "a" : 1.0 }"#, kind::JSON, r#"{ "a" : 1.0 }"#),
        ("[]", kind::JSON, "[]"),
    ];
    for (raw, kind, text) in cells {
        assert_eq!(decoded(raw), (kind, text.to_owned()), "{raw}");
    }
}

#[test]
fn a_lone_surrogate_is_an_error_and_leaves_no_trace() {
    for raw in
        [r#""a\ud800""#, r#""\udc00\ud800""#, r#""\ud800\u0041""#, r#""\ud800x""#, r#""\uDBFF""#]
    {
        let mut out = b"before".to_vec();
        assert_eq!(decode(raw.as_bytes(), &mut out), Err(Error::LoneSurrogate), "{raw}");
        assert_eq!(out, b"before");
    }
}

#[test]
fn what_is_no_json_is_an_error() {
    for raw in ["\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "x", "'a'"] {
        assert_eq!(decode(raw.as_bytes(), &mut Vec::new()), Err(Error::NotJson), "{raw}");
    }
}

#[test]
fn strings_are_escaped_no_more_than_they_must() {
    assert_eq!(encoded(kind::STRING, "é/😀\u{7f}\u{2028}".as_bytes()), "\"é/😀\u{7f}\u{2028}\"");
    assert_eq!(
        encoded(kind::STRING, b"\"\\\x08\x0c\n\r\t\0\x1f"),
        r#""\"\\\b\f\n\r\t\u0000\u001f""#
    );
    assert_eq!(encoded(kind::BYTES, b"\x00\xff\x10"), r#""AP8Q""#);
    assert_eq!(encoded(kind::BYTES, b""), r#""""#);
    assert_eq!(encoded(kind::BYTES, b"a"), r#""YQ==""#);
    assert_eq!(encoded(kind::NULL, b""), "null");
    assert_eq!(encoded(kind::NUMBER, b"1.50"), "1.50");
    assert_eq!(encoded(kind::ABSENT, b""), "");
}

#[test]
fn every_shape_of_the_placeholder_is_known() {
    let codes = "__debezium_unavailable_value".bytes().map(|byte| byte.to_string());
    let codes = codes.collect::<Vec<_>>().join(",");
    for raw in [
        r#""__debezium_unavailable_value""#.to_owned(),
        r#""X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==""#.to_owned(),
        r#"{"__debezium_unavailable_value":"__debezium_unavailable_value"}"#.to_owned(),
        r#"{ "__debezium_unavailable_value" : "__debezium_unavailable_value" }"#.to_owned(),
        r#""{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}""#.to_owned(),
        r#"["__debezium_unavailable_value"]"#.to_owned(),
        r#"["X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="]"#.to_owned(),
        "[\n  \"__debezium_unavailable_value\"\n]".to_owned(),
        format!("[{codes}]"),
        format!("[ {} ]", codes.replace(',', ", ")),
    ] {
        assert!(is_unavailable(raw.as_bytes()), "{raw}");
        assert!(!is_unavailable(raw.replace(['v', '1'], "w").as_bytes()));
    }
    for raw in [
        "",
        "null",
        "\"\"",
        "[]",
        "{}",
        "[95,95]",
        r#"["__debezium_unavailable_value","__debezium_unavailable_value"]"#,
        r#"["__debezium _unavailable_value"]"#,
        r#""__debezium_unavailable_valuf""#,
    ] {
        assert!(!is_unavailable(raw.as_bytes()), "{raw}");
    }
}

#[test]
fn every_shape_of_a_placeholder_of_ones_own_is_known() {
    for (setting, text) in [("n/a \"é\"", "n/a \"é\""), ("hex:6e2f6120", "n/a ")] {
        let placeholder = Placeholder::parse(setting).unwrap();
        let map = json!({ text: text });
        let list = |codes: Vec<String>| format!("[{}]", codes.join(", "));
        let shapes = [
            json!(text).to_string(),
            json!(text).to_string().replace('é', "\\u00e9").replace('/', "\\/"),
            json!(STANDARD.encode(text)).to_string(),
            json!(URL_SAFE.encode(text)).to_string(),
            map.to_string(),
            map.to_string().replace(':', " : "),
            json!(map.to_string()).to_string(),
            json!([text]).to_string(),
            json!([STANDARD.encode(text)]).to_string(),
            list(text.bytes().map(|byte| byte.to_string()).collect()),
            list(text.bytes().map(|byte| byte.cast_signed().to_string()).collect()),
        ];
        for raw in shapes {
            assert!(placeholder.is(raw.as_bytes()), "{raw}");
            assert!(!Placeholder::default().is(raw.as_bytes()), "{raw}");
        }
        for raw in [
            json!(format!("{text}.")).to_string(),
            json!([text, text]).to_string(),
            json!({ text: text, "more": 1 }).to_string(),
            json!({ text: 1 }).to_string(),
            json!(format!("{map} a@x.io")).to_string(),
            json!(format!("{map}{{")).to_string(),
            list(text.bytes().skip(1).map(|byte| byte.to_string()).collect()),
            list(text.bytes().chain([1]).map(|byte| byte.to_string()).collect()),
            r#""__debezium_unavailable_value""#.to_owned(),
            r#""""#.to_owned(),
            "null".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            String::new(),
        ] {
            assert!(!placeholder.is(raw.as_bytes()), "{raw}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_can_stand_for_a_value() {
    let placeholder = Placeholder::parse("hex:FF00").unwrap();
    for raw in [r#""/wA=""#, r#""_wA=""#, "[-1,0]", "[255,0]", "\"\u{fffd}\\u0000\""] {
        assert!(placeholder.is(raw.as_bytes()), "{raw}");
    }
    assert!(!placeholder.is(b"[1,0]"));
}

#[test]
fn a_placeholder_that_cannot_be_one_is_refused() {
    for setting in ["", "hex:", "hex:6", "hex:6g", "hex:é"] {
        assert!(Placeholder::parse(setting).is_err(), "{setting}");
    }
}

proptest! {
    #[test]
    fn a_string_comes_back_as_it_was(text in any::<String>()) {
        let raw = encoded(kind::STRING, text.as_bytes());
        prop_assert_eq!(serde_json::from_str::<Value>(&raw).unwrap(), Value::from(text.clone()));
        prop_assert_eq!(decoded(&raw), (kind::STRING, text));
    }

    #[test]
    fn a_string_is_unescaped_as_serde_json_does(inner in r#"([ -!#-\[\]-~é😀]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|\\ud8[0-9a-f]{2}\\udc[0-9A-F]{2}){0,12}"#) {
        let raw = format!("\"{inner}\"");
        let mut out = Vec::new();
        match serde_json::from_str::<String>(&raw) {
            Ok(text) => prop_assert_eq!(decoded(&raw), (kind::STRING, text)),
            Err(_) => prop_assert_eq!(decode(raw.as_bytes(), &mut out), Err(Error::LoneSurrogate)),
        }
    }
}
