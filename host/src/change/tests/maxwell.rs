//! Maxwell's objects, alone in a value or several of them.

use super::Lane;
use crate::change::{Class, SideKind};
use crate::table::Dialect;

fn maxwell(value: &str) -> String {
    Lane::new(Dialect::Maxwell).meets("maxwell", None, Some(value.as_bytes()))
}

fn ticdc(value: &str) -> String {
    Lane::new(Dialect::TicdcMaxwell).meets("maxwell", None, Some(value.as_bytes()))
}

/// The beginning of every object here.
fn object(kind: &str, rest: &str) -> String {
    format!(r#"{{"database":"shop","table":"items","type":"{kind}","ts":1,{rest}}}"#)
}

#[test]
fn a_row_is_what_its_type_says() {
    for (kind, rest, row) in [
        ("insert", r#""data":{"id":1}"#, "row c shop.items after={id:1}"),
        ("bootstrap-insert", r#""data":{"id":1}"#, "row r shop.items after={id:1}"),
        ("delete", r#""data":{"id":1}"#, "row d shop.items before={id:1}"),
        (
            "update",
            r#""data":{"id":1,"n":"b"},"old":{"n":"a"}"#,
            r#"row u shop.items before={n:"a"} after={id:1 n:"b"}"#,
        ),
        (
            "update",
            r#""old":{"gone":null},"data":{"doc":{"a":[18446744073709551615]}}"#,
            r#"row u shop.items before={gone:null} after={doc:{"a":[18446744073709551615]}}"#,
        ),
    ] {
        assert_eq!(maxwell(&object(kind, rest)), row);
    }
}

/// T42.
#[test]
fn of_an_update_without_old_nothing_is_known_before_it() {
    let mut lane = Lane::new(Dialect::Maxwell);
    for rest in [r#""data":{"id":1}"#, r#""data":{"id":1},"old":null"#] {
        let seen = lane.meets("t", None, Some(object("update", rest).as_bytes()));
        assert_eq!(seen, "row u shop.items after={id:1}");
        assert!(!lane.events.rows[0].delta, "what is not known is not unchanged");
    }
    let value = object("update", r#""data":{"id":1},"old":{}"#);
    lane.meets("t", None, Some(value.as_bytes()));
    assert!(lane.events.rows[0].delta);
}

/// T43, T46, T47, T49.
#[test]
fn other_objects_are_classed_by_what_they_are() {
    for (value, class) in [
        (object("bootstrap-start", r#""data":{}"#), "snapshot-marker"),
        (object("bootstrap-complete", r#""data":{}"#), "snapshot-marker"),
        (object("bootstrap-complete", r#""data":{"id":1}"#), "unknown"),
        (object("table-alter", r#""old":{"columns":[]},"def":{},"sql":"alter""#), "schema-change"),
        (object("table-create", r#""def":{"columns":[]},"sql":"create""#), "schema-change"),
        (object("table-drop", r#""sql":"drop""#), "schema-change"),
        (r#"{"type":"database-create","database":"d","sql":"create"}"#.into(), "schema-change"),
        (object("table-alter", r#""data":{"id":1}"#), "unknown"),
        (object("insert", r#""encrypted":{"iv":"a","bytes":"b"}"#), "encrypted"),
        (r#"{"encrypted": {"bytes":"b","iv":"a"}}"#.into(), "encrypted"),
        (r#"{"encrypted":{"bytes":"b"},"more":"in clear"}"#.into(), "unknown"),
        (object("insert", r#""data":null"#), "unknown"),
        (object("insert", r#""data":[{"id":1}]"#), "unknown-class: these look like Canal events"),
        (object("upsert", r#""other":{"id":1}"#), "unknown"),
        (r#"{"id":1}"#.into(), "unknown"),
        ("[1]".into(), "unknown"),
    ] {
        let seen = maxwell(&value);
        assert!(seen.starts_with(class), "{value}: {seen}");
        let seen = ticdc(&value);
        assert!(seen.starts_with(class), "{value}: {seen}");
    }
}

#[test]
fn what_both_keeps_data_and_is_encrypted_is_a_row() {
    let value = object("insert", r#""data":{"id":1},"encrypted":{"iv":"a","bytes":"b"}"#);
    assert_eq!(maxwell(&value), "row c shop.items after={id:1}");
}

#[test]
fn a_skeleton_row_of_the_dead_letters_is_a_row() {
    let value = r#"{"database":"MyDatabase","table":"MyTable","type":"insert","reason":"too big","data":{"id":111}}"#;
    assert_eq!(maxwell(value), "row c MyDatabase.MyTable after={id:111}");
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    for (rest, name) in [
        (r#""data":{"id":1},"data":{"id":2}"#, "data"),
        (r#""data":{"id":1},"query":"a","query":"b""#, "query"),
        (r#""data":{"id":1},"primary_key":[1],"primaryKey":[2]"#, "primary_key"),
    ] {
        let refused = maxwell(&object("insert", rest));
        let expected = format!("undecodable: the value has the member \"{name}\" twice");
        assert!(refused.starts_with(&expected), "{refused}");
    }
    assert!(maxwell(&object("insert", r#""data":{},"comment":1,"comment":2"#)).starts_with("row"));
}

#[test]
fn a_delete_that_tells_its_row_twice_is_refused() {
    let refused = maxwell(&object("delete", r#""data":{"id":1},"old":{"id":1}"#));
    assert!(refused.starts_with("undecodable: the value has both"), "{refused}");
}

/// T26 in part: what the SQL side stands for is redacted elsewhere. T48.
#[test]
fn the_places_beside_a_row_are_found_in_either_spelling() {
    for (names, values) in
        [("primary_key_columns", "primary_key"), ("primaryKeyColumns", "primaryKey")]
    {
        let rest = format!(r#""{values}":[1],"query":"q","{names}":["id"],"data":{{"id":1}}"#);
        let value = object("insert", &rest);
        let mut lane = Lane::new(Dialect::Maxwell);
        lane.meets("maxwell", None, Some(value.as_bytes()));
        let sides = lane.events.sides_of(&lane.events.events[0]);
        let found = sides.iter().map(|side| {
            assert_eq!(side.row, Some(0));
            std::str::from_utf8(side.span.of(value.as_bytes())).unwrap()
        });
        assert_eq!(found.collect::<Vec<_>>(), [r#""q""#, r#"["id"]"#, "[1]"]);
        let kinds = [sides[1].kind, sides[2].kind];
        assert_eq!(kinds, [SideKind::Names, SideKind::KeyValues], "values follow their names");
    }
}

#[test]
fn sql_is_found_where_there_is_no_row() {
    for rest in [r#""sql":"alter""#, r#""sql":null,"query":"alter""#] {
        let value = object("table-alter", rest);
        let mut lane = Lane::new(Dialect::Maxwell);
        lane.meets("maxwell", None, Some(value.as_bytes()));
        let sides = lane.events.sides_of(&lane.events.events[0]);
        assert_eq!(sides.len(), 1);
        assert_eq!((sides[0].row, sides[0].span.of(value.as_bytes())), (None, &br#""alter""#[..]));
    }
}

#[test]
fn the_transaction_is_the_xid() {
    let value = object("insert", r#""xid":161,"data":{"id":1}"#);
    let mut lane = Lane::new(Dialect::Maxwell);
    lane.meets("maxwell", None, Some(value.as_bytes()));
    assert_eq!(lane.events.events[0].transaction.of(value.as_bytes()), b"161");
}

/// T40.
#[test]
fn each_object_of_a_value_is_a_row_of_its_own_table() {
    let other = r#"{"database":"shop","table":"people","type":"delete","old":{"ssn":"a"}}"#;
    let value = format!(
        "\u{feff} {}{other}\r\n{} \n",
        object("insert", r#""data":{"id":1}"#),
        object("update", r#""data":{"id":2,"n":1},"old":{"n":0}"#)
    );
    let mut lane = Lane::new(Dialect::TicdcMaxwell);
    for _ in 0..2 {
        assert_eq!(
            lane.meets("t", Some("\0\0\0\0\0\0\0\u{1}"), Some(value.as_bytes())),
            "row c shop.items after={id:1} d shop.people before={ssn:\"a\"} \
             u shop.items before={n:0} after={id:2 n:1}"
        );
        let objects = lane.events.rows.iter().map(|row| row.object.of(value.as_bytes()));
        let objects: Vec<_> = objects.map(|text| String::from_utf8_lossy(text)).collect();
        assert_eq!(objects.concat(), value.trim_start_matches(['\u{feff}', ' ']));
        assert!(objects[1].ends_with("}\r\n") && objects[2].ends_with("} \n"));
    }
}

#[test]
fn a_key_beside_several_objects_is_the_first_ones() {
    let value = [
        r#"{"database":"d","table":"t","type":"insert","data":{"ID":1}}"#,
        r#"{"database":"d","table":"u","type":"insert","data":{"id":1}}"#,
    ];
    let mut lane = Lane::new(Dialect::TicdcMaxwell);
    for (key, read) in [(r#"{"pk.id":1}"#, "{ID*:1}"), ("12345678", "(12345678)")] {
        assert_eq!(
            lane.meets("t", Some(key), Some(value.concat().as_bytes())),
            format!("row c d.t after={{ID*:1}} key={read} c d.u after={{id:1}}")
        );
    }
}

/// T41.
#[test]
fn the_row_of_ticdcs_delete_is_what_it_was() {
    let value = object("delete", r#""old":{"id":1,"n":"a"}"#);
    let mut lane = Lane::new(Dialect::TicdcMaxwell);
    assert_eq!(
        lane.meets("t", None, Some(value.as_bytes())),
        r#"row d shop.items before={id:1 n:"a"}"#
    );
    assert!(!lane.events.rows[0].delta, "it is the whole row");
}

#[test]
fn what_is_no_row_stays_among_rows() {
    let row = object("insert", r#""data":{"id":1}"#);
    let marker = object("bootstrap-start", r#""data":{}"#);
    assert_eq!(ticdc(&format!("{marker}{row}{marker}")), "row c shop.items after={id:1}");
    let ddl = object("table-alter", r#""sql":"alter""#);
    assert_eq!(ticdc(&format!("{ddl}{marker}")), "schema-change");
}

#[test]
fn a_value_of_which_one_object_is_unknown_is_unknown() {
    let row = object("insert", r#""data":{"id":1}"#);
    let unknown = object("upsert", r#""data":{"ssn":"a"}"#);
    for value in [format!("{row}{unknown}"), format!("{unknown}{row}")] {
        let mut lane = Lane::new(Dialect::TicdcMaxwell);
        assert_eq!(lane.meets("t", None, Some(value.as_bytes())), "unknown");
        assert_eq!(lane.events.rows.len(), 0);
        assert_eq!(lane.events.events[0].class, Class::Unknown);
    }
}

#[test]
fn objects_are_told_from_what_is_no_json() {
    let row = object("insert", r#""data":{"id":1}"#);
    for value in [format!("{row}x"), format!("{row},{row}"), format!("{row}{{"), String::new()] {
        let refused = ticdc(&value);
        assert!(refused.starts_with("undecodable: the value is not JSON"), "{value}: {refused}");
    }
    let refused = maxwell(&format!("{row}{row}"));
    assert!(refused.starts_with("undecodable: the value is not JSON"), "{refused}");
}
