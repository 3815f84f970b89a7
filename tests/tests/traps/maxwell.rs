//! T43 to T45, T48, T66: Maxwell's times, keys, transactions and names.

use lockgate::config::DroppedCommits;
use lockgate::table::Dialect;
use lockgate_tests::offline::{Given, Left, Offline};

use super::bench::{CLEAR, MASKED, masking, maxwell, passes, stays};

/// Seconds on rows, milliseconds on DDL, TiCDC's own clock beyond 2^53: nobody here turns any of them into another.
#[test]
fn t43_times_stay_in_the_unit_they_came_in() {
    stays(Dialect::Maxwell, &maxwell(&format!(r#""email":"{CLEAR}""#)));
    let ddl = r#"{"type":"table-create","database":"shop","table":"t","def":{"columns":[]},"ts":1795000000000,"sql":"create table t (id int)"}"#;
    passes(Dialect::Maxwell, ddl);
    passes(Dialect::TicdcMaxwell, &ddl.replace("1795000000000", "464043256649875456"));
}

#[test]
fn t44_keys_of_every_kind_are_read() {
    let value = r#"{"database":"shop","table":"customers","type":"insert","ts":1,"primary_key":["anna@example.com"],"primary_key_columns":["EMAIL"],"data":{"EMAIL":"anna@example.com"}}"#;
    let chain = Offline::new(Dialect::Maxwell).mask("EMAIL", &format!("constant:{MASKED}"));
    for (key, masked) in [
        (
            r#"{"database":"shop","table":"customers","pk.email":"anna@example.com"}"#,
            r#"{"database":"shop","table":"customers","pk.email":"masked"}"#,
        ),
        (
            r#"["shop","customers",[{"EMAIL":"anna@example.com"}]]"#,
            r#"["shop","customers",[{"EMAIL":"masked"}]]"#,
        ),
        (
            r#"{"database":"shop","table":"customers","_uuid":"5d8c3c1e-0000-4000-8000-000000000001"}"#,
            r#"{"database":"shop","table":"customers","_uuid":"5d8c3c1e-0000-4000-8000-000000000001"}"#,
        ),
    ] {
        let left = chain.one(Given::value(value).key(key)).sent();
        assert_eq!(left.key_text(), masked);
        assert_eq!(left.text(), value.replace("anna@example.com", MASKED), "primary_key follows");
    }
    let ddl = r#"{"type":"table-drop","database":"shop","table":"t","ts":1795000000000,"sql":"drop table t"}"#;
    let key = "5d8c3c1e-0000-4000-8000-000000000001";
    assert_eq!(
        chain.one(Given::value(ddl).key(key)).sent().key_text(),
        key,
        "a key that is no JSON"
    );
}

/// The row that ends a transaction can be dropped like any other: a consumer that waits for `commit` has to be told so.
#[test]
fn t45_the_last_row_of_a_transaction_is_kept_where_that_is_asked() {
    let value = maxwell(r#""id":1,"email":"anna@example.com""#);
    let filter = "plugin = \"filter\"\n[settings]\ndrop = 'after.id == 1'\n";
    let left = masking(Dialect::Maxwell).plugin("10-filter", filter).value(&value);
    assert!(matches!(left, Left::Dropped(_)), "{left:?}");
    // The mask comes behind the filter and masks what the filter would have dropped.
    let keeping = masking(Dialect::Maxwell)
        .plugin("10-filter", filter)
        .with(|settings| settings.dropped_commits = DroppedCommits::Keep);
    assert_eq!(keeping.value(&value).text(), value.replace(CLEAR, MASKED));
    let inner = value.replace(r#""commit":true,"#, "");
    assert!(matches!(keeping.value(&inner), Left::Dropped(_)), "it ends no transaction");
}

/// With `output_naming_strategy` Maxwell spells its own members like the columns.
#[test]
fn t48_names_in_camel_case_are_understood() {
    let value = r#"{"database":"shop","table":"customers","type":"insert","ts":1,"serverId":1,"primaryKey":["anna@example.com"],"primaryKeyColumns":["emailAddress"],"data":{"emailAddress":"anna@example.com"}}"#;
    let chain = Offline::new(Dialect::Maxwell).mask("emailAddress", &format!("constant:{MASKED}"));
    let key = r#"{"database":"shop","table":"customers","pk.email_address":"anna@example.com"}"#;
    let left = chain.one(Given::value(value).key(key)).sent();
    assert_eq!(left.text(), value.replace("anna@example.com", MASKED));
    assert_eq!(left.key_text(), key.replace("anna@example.com", MASKED));
}

#[test]
fn t66_a_table_without_a_primary_key_has_no_key() {
    let debezium =
        format!(r#"{{"after":{{"email":"{CLEAR}"}},{},"op":"c"}}"#, super::bench::SOURCE);
    let left = masking(Dialect::Debezium).value(&debezium).sent();
    assert_eq!((left.key, left.partition), (None, Some(0)));
    let canal = super::bench::canal(&format!(r#""email":"{CLEAR}""#));
    let canal = canal.replace(r#""pkNames":["id"]"#, r#""pkNames":null"#);
    stays(Dialect::Canal, &canal);
    let key = r#"{"database":"shop","table":"customers","_uuid":"5d8c"}"#;
    let given = Given::value(maxwell(&format!(r#""email":"{CLEAR}""#))).key(key);
    assert_eq!(masking(Dialect::Maxwell).one(given).sent().key_text(), key);
}
