//! T52, T53: envelopes whose schema must describe what leaves.

use lockgate::table::Dialect;
use lockgate_tests::offline::{Given, Left, Offline};
use serde_json::Value;

const ENVELOPE: &str = r#"{"schema":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":false,"field":"email"},{"type":"string","optional":true,"field":"phone"}],"optional":true,"name":"shop.customers.Value","field":"before"},{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":false,"field":"email"},{"type":"string","optional":true,"field":"phone"}],"optional":true,"name":"shop.customers.Value","field":"after"},{"type":"string","optional":false,"field":"op"}],"optional":false,"name":"shop.customers.Envelope"},"payload":{"before":null,"after":{"id":1,"email":"anna@example.com","phone":"1"},"source":{"table":"customers"},"op":"c"}}"#;

#[test]
fn t52_a_column_that_goes_goes_from_the_schema_too() {
    let reshape =
        "plugin = \"reshape\"\n[settings]\nremove = [\"phone\"]\nrename = { email = \"mail\" }\n";
    let left = Offline::new(Dialect::Debezium).plugin("30-reshape", reshape).value(ENVELOPE).text();
    let left: Value = serde_json::from_str(&left).unwrap();
    assert_eq!(left["payload"]["after"].to_string(), r#"{"id":1,"mail":"anna@example.com"}"#);
    for image in [0, 1] {
        let fields = left["schema"]["fields"][image]["fields"].as_array().unwrap();
        let names: Vec<&str> =
            fields.iter().map(|field| field["field"].as_str().unwrap()).collect();
        assert_eq!(names, ["id", "mail"]);
    }
}

#[test]
fn t53_what_may_not_be_null_is_not_masked_to_null() {
    let chain = |column: &str| Offline::new(Dialect::Debezium).mask(column, "null");
    let Left::Halted(refusal) = chain("email").value(ENVELOPE) else { panic!("masked to null") };
    assert!(refusal.contains("email") && refusal.contains("null"), "{refusal}");
    let left = chain("phone").one(Given::value(ENVELOPE)).text();
    assert_eq!(left, ENVELOPE.replace(r#""phone":"1""#, r#""phone":null"#));
}
