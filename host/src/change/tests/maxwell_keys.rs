//! Maxwell's keys.

use super::Lane;
use crate::table::Dialect;

/// What is read of a key beside a row of columns `ID`, `UserId` and `doc`.
fn key(key: &str) -> String {
    let value =
        r#"{"database":"d","table":"t","type":"insert","data":{"ID":1,"UserId":2,"doc":{}}}"#;
    let mut lane = Lane::new(Dialect::Maxwell);
    let seen = lane.meets("maxwell", Some(key), Some(value.as_bytes()));
    let again = lane.meets("maxwell", Some(key), Some(value.as_bytes()));
    // What the first learnt of the key stands beside the row's columns, too.
    let key_of = |seen: &str| seen.split_once(" key=").map(|(_, key)| key.to_owned()).unwrap();
    assert_eq!(key_of(&seen), key_of(&again));
    key_of(&seen)
}

/// T44.
#[test]
fn a_hash_names_columns_however_they_are_spelt() {
    for (text, read) in [
        (r#"{"database":"d","table":"t","pk.ID":1}"#, r#"{(database):"d" (table):"t" ID*:1}"#),
        (r#"{"database":"d","table":"t","pk.id":1}"#, r#"{(database):"d" (table):"t" ID*:1}"#),
        (
            r#"{"database":"d","table":"t","pk.id":1,"pk.user_id":"x"}"#,
            r#"{(database):"d" (table):"t" ID*:1 UserId*:"x"}"#,
        ),
        (r#"{"database":"d","table":"t","pk.new":1}"#, r#"{(database):"d" (table):"t" new*:1}"#),
        (
            r#"{"database":"d","table":"t","_uuid":"6a0b"}"#,
            r#"{(database):"d" (table):"t" (_uuid):"6a0b"}"#,
        ),
        (r#" {"pk.database" : 1 } "#, "{database*:1}"),
        (r#"{"id":1}"#, "{ID*:1}"),
        ("{}", "{}"),
    ] {
        assert_eq!(key(text), read, "{text}");
    }
}

/// T44.
#[test]
fn an_array_names_them_too() {
    for (text, read) in [
        (r#"["d","t",[{"id":1},{"user_id":"x"}]]"#, r#"{ID*:1 UserId*:"x"}"#),
        (r#"[ "d" , "t" , [ {"id": 1} , {"doc" :{"a":[]}} ] ] "#, r#"{ID*:1 doc*:{"a":[]}}"#),
        (r#"["d","t",[]]"#, "{}"),
    ] {
        assert_eq!(key(text), read, "{text}");
    }
}

/// T44.
#[test]
fn any_other_key_is_opaque_and_no_error() {
    for text in [
        "6a0b4d4c-0c3f-4a08-9a39-3c6f2ac2a6ce",
        r#"["d","t",[{ "id":1}]]"#,
        r#"["d","t",[{"id":1 }]]"#,
        r#"["d","t",[{"id":1,"n":2}]]"#,
        r#"["d","t",[{}]]"#,
        r#"["d","t",[1]]"#,
        r#"["d","t",{"id":1}]"#,
        r#"["d",[{"id":1}]]"#,
        r#"["d","t",[{"id":1}],1]"#,
        r#"["d","t",[{"id":1}]"#,
        r#"{"pk.id":1"#,
        r#"{"pk.id":1}x"#,
        "12",
    ] {
        assert_eq!(key(text), format!("({text})"));
    }
    assert_eq!(key("null"), "null");
}

#[test]
fn only_camel_case_is_taken_for_a_name_without_its_underscores() {
    let value = |row: &str| {
        format!(r#"{{"database":"d","table":"t","type":"insert","data":{row}}}"#).into_bytes()
    };
    for (row, read) in [
        (r#"{"userId":1}"#, "{userId*:1}"),
        (r#"{"userid":1}"#, "{user_id*:1}"),
        (r#"{"user_Id":1,"userID":2}"#, "{user_Id*:1}"),
    ] {
        let mut lane = Lane::new(Dialect::Maxwell);
        let seen = lane.meets("maxwell", Some(r#"{"pk.user_id":1}"#), Some(&value(row)));
        assert_eq!(seen.split_once(" key=").unwrap().1, read);
    }
}

#[test]
fn a_column_in_its_own_spelling_goes_before_one_that_is_like_it() {
    let mut lane = Lane::new(Dialect::Maxwell);
    let value = |row: &str| {
        format!(r#"{{"database":"d","table":"t","type":"insert","data":{row}}}"#).into_bytes()
    };
    let read = |lane: &mut Lane, row: &str| {
        let seen = lane.meets("maxwell", Some(r#"{"pk.id":1}"#), Some(&value(row)));
        seen.split_once(" key=").unwrap().1.to_owned()
    };
    assert_eq!(read(&mut lane, r#"{"ID":1}"#), "{ID*:1}");
    assert_eq!(read(&mut lane, r#"{"ID":1,"id":2}"#), "{id*:1}");
    assert_eq!(read(&mut lane, r#"{"ID":1}"#), "{id*:1}");
}
