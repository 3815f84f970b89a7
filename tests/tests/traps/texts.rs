//! T07 to T10: texts that break parsers.

use lockgate::config::Payload;
use lockgate::table::Dialect;
use lockgate_tests::offline::{Left, Offline};

use super::bench::{CLEAR, MASKED, canal, debezium, masking, refused, stays};

/// Canal reads the bytes of a blob as Latin-1: each becomes a character up to U+00FF, zero included.
#[test]
fn t07_strings_of_bytes_survive() {
    let blob: String = (0x80..=0xffu8).map(char::from).collect();
    stays(Dialect::Canal, &canal(&format!(r#""b":"\u0000\u0010{blob}","email":"{CLEAR}""#)));
    stays(Dialect::Ticdc, &canal(&format!(r#""b":"\u0000\u0010{blob}","email":"{CLEAR}""#)));
}

#[test]
fn t08_what_is_no_utf8_is_undecodable_and_its_bytes_are_kept() {
    let mut value = debezium(r#""id":1,"n":"?""#).into_bytes();
    let at = value.iter().position(|byte| *byte == b'?').unwrap();
    value[at] = 0xff;
    let raw = Offline::new(Dialect::Debezium).with(|s| s.dead_letter_payload = Payload::Raw);
    let Left::Refused { code, kept, .. } = raw.value(&value) else { panic!("not refused") };
    assert_eq!((code.as_str(), kept.value), ("undecodable", Some(value)));
}

/// Half of a surrogate pair is JSON, and no text: untouched it passes as it is, to be masked it is refused.
#[test]
fn t08_half_a_character_passes_untouched_and_is_never_guessed_at() {
    let value = debezium(r#""id":1,"n":"\ud800","email":"anna@example.com""#);
    stays(Dialect::Debezium, &value);
    let value = debezium(r#""id":1,"email":"\ud800""#);
    let refused = masking(Dialect::Debezium).value(value).refusal();
    assert!(refused.starts_with("undecodable"), "{refused}");
}

#[test]
fn t09_blanks_lines_and_a_byte_order_mark_are_accepted() {
    let dms = format!(
        "\u{feff}  {{\r\n\t\"data\":\t{{\n\t\t\"id\": 1,\n\t\t\"email\": \"{CLEAR}\"\n\t}},\n\t\"metadata\":\t{{\n\t\t\"timestamp\":\t\"2026-01-01T00:00:00Z\",\n\t\t\"record-type\":\t\"data\",\n\t\t\"operation\":\t\"load\",\n\t\t\"schema-name\":\t\"public\",\n\t\t\"table-name\":\t\"customers\"\n\t}}\n}}\n"
    );
    stays(Dialect::Dms, &dms);
    let debezium = format!(
        "\u{feff}\n{{ \"op\" : \"c\",\n \"source\" : {{ \"table\" : \"customers\" }} ,\n\"after\" : {{\"email\" : \"{CLEAR}\"}} }}"
    );
    stays(Dialect::Debezium, &debezium);
}

#[test]
fn t10_a_value_nested_a_hundred_thousand_deep_is_no_danger() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    stays(Dialect::Debezium, &debezium(&format!(r#""deep":{deep},"email":"{CLEAR}""#)));
}

#[test]
fn t10_ten_thousand_columns_pass_and_more_than_the_limit_are_refused_by_name() {
    let columns = |count: usize| {
        let columns: Vec<String> =
            (0..count).map(|number| format!(r#""c{number}":{number}"#)).collect();
        debezium(&format!(r#"{},"email":"{CLEAR}""#, columns.join(",")))
    };
    stays(Dialect::Debezium, &columns(10_000));
    let refused = refused(Dialect::Debezium, columns(20_000));
    assert!(refused.starts_with("schema-unknown"), "{refused}");
    assert!(refused.contains("16384 columns"), "{refused}");
}

#[test]
fn t10_a_row_of_eight_megabytes_is_masked_where_the_limit_lets_it() {
    let value = debezium(&format!(r#""n":"{}","email":"{CLEAR}""#, "x".repeat(8 << 20)));
    let large = masking(Dialect::Debezium).with(|s| s.limits.record_bytes = 16 << 20);
    assert_eq!(large.value(&value).text(), value.replace(CLEAR, MASKED));
    let Left::Refused { code, .. } = masking(Dialect::Debezium).value(&value) else {
        panic!("larger than a record may be");
    };
    assert_eq!(code, "too-large");
}

#[test]
fn t10_a_schema_of_five_megabytes_is_carried() {
    let fields: Vec<String> = (0..60_000)
        .map(|n| {
            format!(r#"{{"type":"string","optional":true,"field":"wide_column_name_{n:05}"}}"#)
        })
        .collect();
    let schema = format!(
        r#"{{"type":"struct","fields":[{{"type":"struct","fields":[{},{{"type":"string","optional":true,"field":"email"}}],"optional":true,"field":"after"}}]}}"#,
        fields.join(",")
    );
    assert!(schema.len() > 4_000_000);
    let value = format!(
        r#"{{"schema":{schema},"payload":{}}}"#,
        debezium(&format!(r#""id":1,"email":"{CLEAR}""#))
    );
    let large = masking(Dialect::Debezium).with(|s| s.limits.record_bytes = 16 << 20);
    let masked = large.value(&value).text() == value.replace(CLEAR, MASKED);
    assert!(masked, "too long to be shown");
}
