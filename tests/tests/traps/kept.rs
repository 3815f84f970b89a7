//! T62, T65, T67: what a failure may say and send.

use lockgate::table::Dialect;
use lockgate_tests::corpora::Corpora;
use lockgate_tests::gateway::guest_module;
use lockgate_tests::offline::{Left, Offline};

use super::bench::{CLEAR, debezium};

#[test]
fn t62_an_output_larger_than_kafka_takes_is_refused_before_it_is_sent() {
    let mask = format!("constant:{}", "x".repeat(2_000));
    let chain = Offline::new(Dialect::Debezium)
        .mask("email", &mask)
        .with(|settings| settings.limits.record_bytes = 1_000);
    let Left::Refused { code, .. } = chain.value(debezium(&format!(r#""email":"{CLEAR}""#))) else {
        panic!("sent");
    };
    assert_eq!(code, "too-large");
    let left = chain.value(debezium(r#""id":1"#));
    assert!(matches!(left, Left::Forward { .. }), "others go on");
}

/// A plugin's own words may quote the record: here the reason of a rejection is the cell itself.
#[test]
fn t65_what_a_plugin_says_never_carries_a_protected_value() {
    let guest = guest_module("quotes", "1.0.0").unwrap();
    let chain = Offline::new(Dialect::Debezium)
        .mask("email", "constant:masked")
        .guest("10-quotes", &guest, None)
        .protect(&["customers.email"]);
    let Left::Refused { refusal, kept, .. } =
        chain.value(debezium(&format!(r#""id":1,"email":"{CLEAR}""#)))
    else {
        panic!("not refused");
    };
    assert!(!refusal.contains(CLEAR), "{refusal}");
    assert!(!format!("{kept:?}").contains(CLEAR));
    let open = Offline::new(Dialect::Debezium).guest("10-quotes", &guest, None);
    let refusal = open.value(debezium(&format!(r#""id":1,"email":"{CLEAR}""#))).refusal();
    assert!(refusal.contains(CLEAR), "without protection the plugin is quoted: {refusal}");
}

#[test]
fn t67_every_event_of_every_file_is_found() {
    let Some(corpora) = Corpora::find() else { return };
    for file in corpora.files().unwrap() {
        let known: usize = file
            .listed
            .kinds
            .iter()
            .filter(|(kind, _)| *kind != "other-json-object")
            .map(|(_, count)| count)
            .sum();
        let found = file.events();
        let found = found.iter().filter(|event| event.kind.as_str() != "other-json-object").count();
        assert_eq!(found, known, "{}", file.listed.name);
    }
}
