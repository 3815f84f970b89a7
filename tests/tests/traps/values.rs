//! T01 to T06, T20 to T24, T59, T63, T64: values that lose something when they are parsed and printed again.

use lockgate::table::Dialect;
use lockgate_tests::offline::{Given, Left, Offline, carry};

use super::bench::{CLEAR, MASKED, canal, debezium, masking, maxwell, passes, stays};

/// Larger than any signed 64-bit number, and than what a double holds.
#[test]
fn t01_the_largest_unsigned_number_keeps_its_digits() {
    stays(Dialect::Maxwell, &maxwell(&format!(r#""n":18446744073709551615,"email":"{CLEAR}""#)));
    stays(Dialect::Debezium, &debezium(&format!(r#""n":18446744073709551615,"email":"{CLEAR}""#)));
}

#[test]
fn t02_numbers_beyond_two_to_the_53_keep_their_digits() {
    let value = format!(
        r#"{{"id":0,"database":"shop","table":"customers","pkNames":["id"],"isDdl":false,"type":"INSERT","es":1,"ts":2,"sql":"","sqlType":{{"id":4,"email":12}},"mysqlType":{{"id":"int","email":"varchar"}},"old":null,"data":[{{"id":"1","email":"{CLEAR}"}}],"_tidb":{{"commitTs":464043256649875456}}}}"#
    );
    stays(Dialect::Ticdc, &value);
    let value = format!(
        r#"{{"after":{{"id":1,"email":"{CLEAR}"}},"source":{{"db":"shop","schema":"public","table":"customers","lsn":-9223372036854775808}},"op":"r","ts_ns":1795000000000000001}}"#
    );
    stays(Dialect::Debezium, &value);
}

#[test]
fn t03_a_decimal_of_36_digits_keeps_its_last_zero() {
    stays(
        Dialect::Maxwell,
        &maxwell(&format!(r#""d":123456789876543212345678987654321.110,"email":"{CLEAR}""#)),
    );
    stays(
        Dialect::Canal,
        &canal(&format!(r#""d":"123456789876543212345678987654321.110","email":"{CLEAR}""#)),
    );
}

#[test]
fn t04_floats_stay_as_they_were_printed() {
    let after =
        format!(r#""a":1.0E10,"b":-0.0,"c":3.140000104904175,"d":4.9E-324,"email":"{CLEAR}""#);
    stays(Dialect::Debezium, &debezium(&after));
}

/// TiCDC writes `mysqlType` by walking a map: two events of one table differ in its order, and it is the same table still.
#[test]
fn t05_types_in_another_order_are_the_same_types() {
    let value = |types: &str| {
        format!(
            r#"{{"id":0,"database":"shop","table":"customers","pkNames":["id"],"isDdl":false,"type":"INSERT","es":1,"ts":2,"sql":"","sqlType":{{}},"mysqlType":{{{types}}},"old":null,"data":[{{"id":"1","email":"{CLEAR}"}}]}}"#
        )
    };
    let (one, other) = (r#""id":"int","email":"varchar""#, r#""email":"varchar","id":"int""#);
    stays(Dialect::Ticdc, &value(other));
    let mut pipeline = masking(Dialect::Ticdc).load().unwrap();
    carry(&mut pipeline, &[Given::value(value(one))]);
    let version = pipeline.tables_version();
    let left = carry(&mut pipeline, &[Given::value(value(other)), Given::value(value(one))]);
    assert_eq!(pipeline.tables_version(), version, "nothing new is known of the table");
    assert_eq!(left.len(), 2);
    let mut texts = left.into_iter().map(Left::text);
    assert_eq!(texts.next().unwrap(), value(other).replace(CLEAR, MASKED));
}

/// Of two members of one name most readers take the last, some the first: a mask treats both.
#[test]
fn t06_names_that_stand_twice_are_kept_and_masked_twice() {
    let value = format!(
        r#"{{"after":{{"email":"{CLEAR}","id":1,"email":"{CLEAR}"}},"op":"c","ts_ms":1,"source":{{"table":"customers"}},"ts_ms":2,"ts_ms":3}}"#
    );
    stays(Dialect::Debezium, &value);
}

/// The scale stands in the schema alone: without it nobody can tell the number, and nothing pretends to.
#[test]
fn t20_a_decimal_in_base64_is_no_number_to_round() {
    let chain = Offline::new(Dialect::Debezium).mask("balance", "number-bucket:10");
    let refused = chain.value(debezium(r#""id":1,"balance":"AQ==""#)).refusal();
    assert!(refused.contains("number-bucket"), "{refused}");
    passes(Dialect::Debezium, &debezium(r#""id":1,"balance":"AQ==""#));
}

#[test]
fn t21_a_decimal_of_variable_scale_is_one_column() {
    let value = debezium(r#""id":1,"balance":{"scale":0,"value":"AQ=="}"#);
    let chain = Offline::new(Dialect::Debezium).mask("balance", "null");
    assert_eq!(chain.value(&value).text(), debezium(r#""id":1,"balance":null"#));
    let chain = Offline::new(Dialect::Debezium).mask("balance#/value", "constant:x");
    let left = chain.value(&value).text();
    assert_eq!(left, debezium(r#""id":1,"balance":{"scale":0,"value":"x"}"#));
}

/// 19000 may be days, milliseconds or microseconds: only the schema says.
#[test]
fn t22_a_number_without_its_unit_is_no_date() {
    let chain = Offline::new(Dialect::Debezium).mask("born", "date-year");
    let refused = chain.value(debezium(r#""id":1,"born":19000"#)).refusal();
    assert!(refused.contains("date-year"), "{refused}");
}

#[test]
fn t23_infinite_times_and_not_a_number_stay() {
    let after = format!(
        r#""a":9223372036825200000,"b":-9223372036832400000,"c":"NaN","d":"-infinity","email":"{CLEAR}""#
    );
    stays(Dialect::Debezium, &debezium(&after));
}

/// Debezium has JSON columns as strings, Maxwell as they are: one path works in both.
#[test]
fn t24_a_path_leads_into_json_and_into_strings_of_json() {
    let chain = |dialect| Offline::new(dialect).mask("profile#/email", "constant:x");
    let text = debezium(r#""profile":"{\"a\": [1], \"email\": \"anna@example.com\"}""#);
    let expected = text.replace("anna@example.com", "x");
    assert_eq!(chain(Dialect::Debezium).value(&text).text(), expected);
    let raw = maxwell(r#""profile":{"a": [1], "email": "anna@example.com"}"#);
    let expected = raw.replace("anna@example.com", "x");
    assert_eq!(chain(Dialect::Maxwell).value(&raw).text(), expected);
}

#[test]
fn t59_dates_that_are_none_pass_as_the_strings_they_are() {
    let after = format!(r#""a":"0000-00-00 00:00:00","b":"0003-00-00","email":"{CLEAR}""#);
    stays(Dialect::Maxwell, &maxwell(&after));
    stays(Dialect::Canal, &canal(&after));
}

/// Debezium's own fixed mask makes stars of it.
#[test]
fn t63_null_stays_null() {
    for dialect in [Dialect::Debezium, Dialect::Json] {
        let value = match dialect {
            Dialect::Json => r#"{"id":1,"email":null}"#.to_owned(),
            _ => debezium(r#""id":1,"email":null"#),
        };
        passes(dialect, &value);
    }
}

/// Cut to the ten characters of its column it would be a hash of 40 bits.
#[test]
fn t64_a_hash_is_never_cut_to_its_column() {
    let text = "plugin = \"mask\"\n[settings]\nkey = \"a key for the tests only\"\nkey_id = \"k\"\n[settings.columns]\nemail = \"hmac\"\n";
    let value = format!(
        r#"{{"data":[{{"email":"{CLEAR}"}}],"database":"shop","isDdl":false,"mysqlType":{{"email":"varchar(10)"}},"old":null,"pkNames":null,"sqlType":{{"email":12}},"table":"customers","type":"INSERT"}}"#
    );
    let left = Offline::new(Dialect::Canal).plugin("20-mask", text).value(value).text();
    let left: serde_json::Value = serde_json::from_str(&left).unwrap();
    let digest = left["data"][0]["email"].as_str().unwrap().strip_prefix("k:").unwrap();
    assert_eq!(digest.len(), 64, "{digest}");
}
