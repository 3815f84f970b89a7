//! T28 to T30, T60: key and value, headers, and records that belong together.

use lockgate::table::Dialect;
use lockgate_tests::offline::{Given, Left, Offline};

use super::bench::SOURCE;

const HMAC: &str = "plugin = \"mask\"\n[settings]\nkey = \"a key for the tests only\"\nkey_id = \"k\"\n[settings.columns]\nemail = \"hmac\"\n";

fn row(op: &str, before: &str, after: &str) -> String {
    format!(r#"{{"before":{before},"after":{after},{SOURCE},"op":"{op}"}}"#)
}

fn parsed(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// Compaction works on keys: the same value gives the same key, in key, images and headers alike.
#[test]
fn t28_a_masked_column_is_the_same_in_key_and_value() {
    let image = r#"{"email":"anna@example.com","n":1}"#;
    let given = [
        Given::value(row("c", "null", image)).key(r#"{"email":"anna@example.com"}"#),
        Given::value(row("d", image, "null")).key(r#"{"email":"anna@example.com"}"#),
        Given::tombstone().key(r#"{"email":"anna@example.com"}"#),
        Given::value(row("c", "null", r#"{"email":"other@example.com"}"#))
            .key(r#"{"email":"other@example.com"}"#),
    ];
    let chain = Offline::new(Dialect::Debezium).plugin("20-mask", HMAC);
    let left: Vec<_> = chain.carry(&given).into_iter().map(Left::sent).collect();
    let key = |at: usize| parsed(&left[at].key_text())["email"].clone();
    assert_eq!(key(0), parsed(&left[0].text())["after"]["email"]);
    assert_eq!(key(1), parsed(&left[1].text())["before"]["email"]);
    assert_eq!([key(0), key(0)], [key(1), key(2)]);
    assert_ne!(key(0), key(3));
    assert!(left.iter().all(|sent| !sent.key_text().contains("example.com")));
}

/// A changed primary key is a delete, its tombstone and a create, with the other key in a header of each.
#[test]
fn t29_the_three_records_of_a_changed_key_stay_in_order_and_agree() {
    let (old, new) = (r#"{"email":"anna@example.com"}"#, r#"{"email":"berit@example.com"}"#);
    let given = [
        Given::value(row("d", old, "null")).key(old).header("__debezium.newkey", new),
        Given::tombstone().key(old).header("__debezium.newkey", new),
        Given::value(row("c", "null", new)).key(new).header("__debezium.oldkey", old).partition(1),
    ];
    let chain = Offline::new(Dialect::Debezium).plugin("20-mask", HMAC);
    let left: Vec<_> = chain.carry(&given).into_iter().map(Left::sent).collect();
    assert_eq!(
        left.iter().map(|sent| sent.value.is_some()).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert_eq!(
        left.iter().map(|sent| sent.partition).collect::<Vec<_>>(),
        [Some(0), Some(0), Some(1)]
    );
    assert_eq!(left[0].key, left[1].key);
    assert_eq!(left[0].header("__debezium.newkey"), Some(left[2].key_text()));
    assert_eq!(left[1].header("__debezium.newkey"), Some(left[2].key_text()));
    assert_eq!(left[2].header("__debezium.oldkey"), Some(left[0].key_text()));
}

#[test]
fn t30_a_tombstone_goes_with_the_delete_that_was_dropped() {
    let filter = "plugin = \"filter\"\n[settings]\ndrop = 'op == \"d\" && before.n == 1'\n";
    let chain = Offline::new(Dialect::Debezium).plugin("10-filter", filter);
    let delete = |n: u32| Given::value(row("d", &format!(r#"{{"id":{n},"n":{n}}}"#), "null"));
    let key = |n: u32| format!(r#"{{"id":{n}}}"#);
    let given = [
        delete(1).key(key(1)),
        delete(2).key(key(2)),
        Given::tombstone().key(key(2)),
        Given::tombstone().key(key(1)),
    ];
    let left = chain.carry(&given);
    let gone: Vec<bool> = left.iter().map(|left| matches!(left, Left::Dropped(_))).collect();
    assert_eq!(gone, [true, false, false, true]);
}

#[test]
fn t60_time_and_headers_stay_binary_and_double_ones_too() {
    let mut given = Given::value(row("c", "null", r#"{"email":"anna@example.com"}"#))
        .header("trace", [0x00, 0xff, 0x7f])
        .header("trace", "second")
        .header("", "no name");
    given.record.headers.push(("empty".to_owned(), None));
    given.record.timestamp = Some(1_795_000_000_123);
    let headers = given.record.headers.iter();
    let headers: Vec<_> =
        headers.map(|(name, value)| (name.as_bytes().to_vec(), value.clone())).collect();
    let left = Offline::new(Dialect::Debezium).plugin("20-mask", HMAC).one(given).sent();
    assert_eq!(left.timestamp, Some(1_795_000_000_123));
    assert_eq!(left.headers, headers);
}
