//! T17, T18, T31, T42: images that are missing, or hold less than the row.

use lockgate::table::Dialect;
use lockgate_tests::offline::{Left, Offline};

use super::bench::{MASKED, SOURCE, masking, passes};

#[test]
fn t17_a_delete_without_any_image_passes() {
    let value = format!(r#"{{"before":null,"after":null,{SOURCE},"op":"d"}}"#);
    passes(Dialect::Debezium, &value);
    let value = format!(r#"{{"after":null,{SOURCE},"op":"d"}}"#);
    passes(Dialect::Debezium, &value);
}

/// With the default replica identity `before` holds the key alone: what it does not hold is not known, and not null.
#[test]
fn t18_a_column_that_an_image_lacks_is_unknown_and_not_null() {
    let value = format!(
        r#"{{"before":{{"id":1}},"after":{{"id":1,"email":"anna@example.com"}},{SOURCE},"op":"u"}}"#
    );
    let left = masking(Dialect::Debezium).value(&value).text();
    assert_eq!(left, value.replace("anna@example.com", MASKED), "nothing is added to before");
    let asks = |on_absent: &str| {
        let text = format!(
            "plugin = \"filter\"\n[settings]\ndrop = 'before.email == null'\non_absent = \"{on_absent}\"\n"
        );
        Offline::new(Dialect::Debezium).plugin("10-filter", &text)
    };
    assert_eq!(asks("keep").value(&value).text(), value);
    let refused = asks("reject").value(&value).refusal();
    assert!(refused.starts_with("plugin-rejected"), "{refused}");
}

/// A filter may look at both images: whoever wants the update that takes a row out of it says so.
#[test]
fn t31_an_update_that_leaves_the_filter_is_kept_by_those_who_ask_for_it() {
    let value = format!(
        r#"{{"before":{{"id":1,"country":"NO"}},"after":{{"id":1,"country":"SE"}},{SOURCE},"op":"u"}}"#
    );
    let keeps = |expression: &str| {
        let text = format!("plugin = \"filter\"\n[settings]\nkeep = '{expression}'\n");
        Offline::new(Dialect::Debezium).plugin("10-filter", &text)
    };
    let now = keeps(r#"after.country == "NO""#).value(&value);
    assert!(matches!(now, Left::Dropped(_)), "{now:?}");
    let either = keeps(r#"after.country == "NO" || before.country == "NO""#).value(&value);
    assert_eq!(either.text(), value);
}

/// With a minimal row image Maxwell writes no `old`, and `data` is part of the row.
#[test]
fn t42_an_update_without_old_is_an_update() {
    let value = r#"{"database":"shop","table":"customers","type":"update","ts":1,"data":{"id":1,"email":"anna@example.com"}}"#;
    let left = masking(Dialect::Maxwell).value(value).text();
    assert_eq!(left, value.replace("anna@example.com", MASKED));
    let asks = "plugin = \"filter\"\n[settings]\ndrop = 'op == \"u\" && before.email == \"x\"'\non_absent = \"keep\"\n";
    let left = Offline::new(Dialect::Maxwell).plugin("10-filter", asks).value(value);
    assert_eq!(left.text(), value);
}
