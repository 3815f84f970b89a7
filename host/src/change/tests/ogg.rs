//! GoldenGate's operations.

use super::Lane;
use crate::change::SideKind;
use crate::table::Dialect;

fn ogg(value: &str) -> String {
    Lane::new(Dialect::Ogg).meets("ogg", None, Some(value.as_bytes()))
}

fn operation(kind: &str, rest: &str) -> String {
    format!(
        r#"{{"table":"OGG.EVENT","op_type":"{kind}","op_ts":"2020-05-13 15:40:06.000000","pos":"00000000000000000000143","tokens":{{"R":"AA"}},{rest}}}"#
    )
}

#[test]
fn a_row_is_what_its_operation_says() {
    for (kind, rest, row) in [
        ("I", r#""after":{"ID":1}"#, "row c OGG.EVENT after={ID:1}"),
        (
            "U",
            r#""before":{"ID":1},"after":{"ID":1,"N":2}"#,
            "row u OGG.EVENT before={ID:1} after={ID:1 N:2}",
        ),
        ("D", r#""before":{"ID":1},"after":null"#, "row d OGG.EVENT before={ID:1}"),
        ("D", r#""before":null"#, "row d OGG.EVENT"),
    ] {
        assert_eq!(ogg(&operation(kind, rest)), row);
    }
}

/// T18.
#[test]
fn a_column_that_an_image_lacks_is_not_known() {
    let value = operation("U", r#""before":{"ID":1},"after":{"ID":1,"N":2}"#);
    let mut lane = Lane::new(Dialect::Ogg);
    lane.meets("ogg", None, Some(value.as_bytes()));
    assert!(!lane.events.rows[0].delta);
}

#[test]
fn a_tables_name_has_up_to_three_parts() {
    for (name, parts) in [
        ("T", ["", "", "T"]),
        ("OWNER.T", ["", "OWNER", "T"]),
        ("CATALOG.OWNER.T", ["CATALOG", "OWNER", "T"]),
        ("CATALOG.OWNER.T.U", ["CATALOG", "OWNER", "T.U"]),
        ("caf\\u00e9.T", ["", "café", "T"]),
    ] {
        let value = format!(r#"{{"table":"{name}","op_type":"I","after":{{"ID":1}}}}"#);
        let mut lane = Lane::new(Dialect::Ogg);
        for _ in 0..2 {
            lane.meets("ogg", None, Some(value.as_bytes()));
        }
        assert_eq!(lane.tables.len(), 1);
        let table = lane.tables.iter().next().unwrap().1;
        assert_eq!([&*table.database, &*table.schema, &*table.name], parts);
    }
}

/// T49.
#[test]
fn what_is_no_row_is_told_apart() {
    for (value, class) in [
        (operation("T", r#""x":1"#), "truncate"),
        (operation("T", r#""before":{"ID":1}"#), "unknown"),
        (operation("MERGE", r#""after":{"ID":1}"#), "unknown"),
        (operation("I", r#""ID":1"#), "unknown"),
        (operation("I", r#""after":[{"ID":1}]"#), "unknown"),
        (operation("I", r#""after":"text""#), "unknown"),
        ("1".into(), "unknown"),
        (
            operation("I", r#""after":{},"after":{}"#),
            "undecodable: the value has the member \"after\" twice, and nobody can say which counts",
        ),
        (
            r#"{"database":"d","table":"t","type":"insert","data":{}}"#.into(),
            "unknown-class: these look like Maxwell events, which dialect \"ogg\" cannot read: give their topics \
             `dialects = { \"TOPIC\" = \"maxwell\" }`, or a pipeline of their own",
        ),
    ] {
        assert_eq!(ogg(&value), class, "{value}");
    }
}

#[test]
fn the_keys_names_are_found() {
    let value = operation("I", r#""primary_keys":["ID"],"after":{"ID":1}"#);
    let mut lane = Lane::new(Dialect::Ogg);
    lane.meets("ogg", None, Some(value.as_bytes()));
    let sides = lane.events.sides_of(&lane.events.events[0]);
    assert_eq!((sides.len(), sides[0].kind, sides[0].row), (1, SideKind::Names, Some(0)));
    assert_eq!(sides[0].span.of(value.as_bytes()), br#"["ID"]"#);
}
