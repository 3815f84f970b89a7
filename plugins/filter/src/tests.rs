//! The filter seen through the harness, and its evaluator held against the interpreter of the `cel` crate.

mod oracle;

use lockgate_plugin::testing::{Harness, golden};
use lockgate_plugin::{Column, Field, Table};
use serde_json::{Value, json};

use super::Filter;

#[test]
fn golden_events() {
    golden::<Filter>(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"));
}

/// What becomes of a row with these columns: `"kept"`, `"dropped"` or the reason of its rejection.
fn fate(keep: &str, columns: &str) -> String {
    let after: Value = serde_json::from_str(columns).unwrap();
    fate_of(json!({ "keep": keep }), json!({ "op": "u", "before": null, "after": after }))
}

fn fate_of(settings: Value, event: Value) -> String {
    let left = Harness::<Filter>::new(&settings).unwrap().run(&[event]);
    match left.first() {
        None => "dropped".into(),
        Some(event) => event["rejected"].as_str().unwrap_or("kept").into(),
    }
}

fn refusal(keep: &str) -> String {
    Harness::<Filter>::new(&json!({ "keep": keep })).map(|_| ()).unwrap_err()
}

/// `shop.public.orders` with a key `id` and columns `total` and `profile`.
fn orders() -> Table {
    let column = |name: &str, key| Column { name: name.into(), key, ..Column::default() };
    Table {
        topic: "shop.public.orders".into(),
        database: "shop".into(),
        schema: "public".into(),
        name: "orders".into(),
        columns: vec![column("id", true), column("total", false), column("profile", false)],
        ..Table::default()
    }
}

/// What is read of `orders`; none where the filter is never called for it.
fn reads(keep: &str) -> Option<Vec<Field>> {
    let mut filter = Harness::<Filter>::new(&json!({ "keep": keep })).unwrap();
    filter.open(&orders()).unwrap().map(|plan| plan.reads)
}

#[test]
fn numbers_beyond_2_to_the_53_compare_exactly() {
    for (keep, columns, expected) in [
        ("after.n == 9007199254740993", r#"{"n":9007199254740992}"#, "dropped"),
        ("after.n == 9007199254740993", r#"{"n":9007199254740993}"#, "kept"),
        ("after.n == 9007199254740993", r#"{"n":9007199254740993.000}"#, "kept"),
        ("after.n < 18446744073709551615u", r#"{"n":18446744073709551614}"#, "kept"),
        ("after.n == after.m", r#"{"n":0.10000000000000000000001,"m":0.1}"#, "dropped"),
        (
            "after.n == after.m",
            r#"{"n":123456789876543212345678987654321.110,"m":1.2345678987654321234567898765432111e32}"#,
            "kept",
        ),
        ("after.n == 1.1", r#"{"n":1.10}"#, "kept"),
    ] {
        assert_eq!(fate(keep, columns), expected, "{keep} over {columns}");
    }
}

#[test]
fn sizes_count_characters_and_elements() {
    for columns in [r#"{"x":"é日"}"#, r#"{"x":[1,[2,3]]}"#, r#"{"x":{"a":1,"b":{"c":2}}}"#] {
        assert_eq!(fate("size(after.x) == 2", columns), "kept", "{columns}");
    }
}

#[test]
fn json_is_equal_member_by_member_and_numbers_in_it_by_value() {
    for (columns, expected) in [
        (r#"{"x":{"a":1.0,"b":[null]},"y":{"b":[null],"a":1}}"#, "kept"),
        (r#"{"x":{"a":9007199254740993},"y":{"a":9007199254740992}}"#, "dropped"),
        (r#"{"x":[1,2],"y":[2,1]}"#, "dropped"),
    ] {
        assert_eq!(fate("after.x == after.y", columns), expected, "{columns}");
    }
}

#[test]
fn settings_say_what_is_absent_unavailable_or_a_mismatch() {
    let placeholder = "__debezium_unavailable_value";
    let event = |after: Value| json!({ "op": "u", "before": null, "after": after });
    for (name, after, reason) in [
        (
            "on_absent",
            json!({ "other": 1 }),
            "the expression does not hold without \"after.country\", which the row does not have",
        ),
        (
            "on_unavailable",
            json!({ "country": placeholder }),
            "the expression does not hold without \"after.country\", which the database did not send",
        ),
        (
            "on_mismatch",
            json!({ "country": null }),
            "the expression compares values that do not compare",
        ),
    ] {
        let settings = |verdict: &str| json!({ "keep": "after.country < 'M'", name: verdict });
        // The column has to be known, or the filter would settle the whole table when it opens.
        let known = event(json!({ "country": "A" }));
        let fate = |verdict: &str| {
            let mut filter = Harness::<Filter>::new(&settings(verdict)).unwrap();
            let left = filter.run(&[known.clone(), event(after.clone())]);
            left.get(1).map(|event| event["rejected"].as_str().unwrap_or("kept").to_owned())
        };
        assert_eq!(fate("keep"), Some("kept".into()), "{name}");
        assert_eq!(fate("drop"), None, "{name}");
        assert_eq!(fate("reject"), Some(reason.into()), "{name}");
    }
}

#[test]
fn a_row_is_rejected_unless_the_settings_say_otherwise() {
    let event = json!({ "op": "d", "before": { "country": "DE" }, "after": null });
    assert_eq!(
        fate_of(json!({ "keep": "after.country != 'XX'" }), event.clone()),
        "the expression does not hold without \"after.country\", which the row does not have"
    );
    assert_eq!(fate_of(json!({ "keep": "op == 'd' || after.country != 'XX'" }), event), "kept");
}

#[test]
fn drop_is_the_opposite_of_keep() {
    let event = json!({ "op": "c", "after": { "country": "XX" } });
    assert_eq!(fate_of(json!({ "drop": "after.country == 'XX'" }), event.clone()), "dropped");
    assert_eq!(fate_of(json!({ "drop": "after.country == 'DE'" }), event), "kept");
}

#[test]
fn only_what_the_expression_names_is_read() {
    assert_eq!(
        reads("op != 'd' && (after.total > 3 || before.profile.address.zip == headers['x-zip'])"),
        Some(vec![
            Field::after("total"),
            Field::before("profile").at("/address/zip"),
            Field::header("x-zip"),
        ])
    );
    assert_eq!(
        reads("after['profile'].tags[0] == ''"),
        Some(vec![Field::after("profile").at("/tags/0")])
    );
    assert_eq!(
        reads("key.id == 1 && offset > 2"),
        Some(vec![Field::key("id"), Field::meta("offset")])
    );
    assert_eq!(reads("op == 'c'"), Some(vec![Field::meta("operation")]));
}

#[test]
fn a_table_that_needs_no_look_at_its_rows_costs_nothing() {
    for keep in [
        "table == 'orders'",
        "table != 'customers' || after.total > 3",
        "schema == 'public' && database == 'shop' && topic.endsWith('.orders')",
        "!has(after.unheard_of)",
    ] {
        assert_eq!(reads(keep), None, "{keep}");
    }
    for keep in
        ["table == 'customers'", "table == 'orders' && has(after.total)", "after.unheard_of == 1"]
    {
        assert!(reads(keep).is_some(), "{keep}");
    }
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let supported = "an expression may use ==, !=, <, <=, >, >=, &&, ||, !, in, has, size, startsWith, endsWith, contains, \
                     matches";
    for (keep, name) in [
        ("after.a + 1 > 2", "\"+\""),
        ("-after.a < 2", "\"-\""),
        ("after.a ? true : false", "\"?:\""),
        ("timestamp(after.a) == after.b", "\"timestamp\""),
        ("after.a.lowerAscii() == 'x'", "\"lowerAscii\""),
        (
            "['a'].exists(x, x == after.a)",
            "a macro such as \"all\", \"exists\", \"map\" or \"filter\"",
        ),
        ("after.a == {'x': 1}", "a map"),
        ("after.a == [1]", "a list outside of \"in\""),
        ("startsWith(after.a, 'x')", "\"startsWith\""),
    ] {
        let expected = format!("reading \"keep\": {name} is not supported here: {supported}");
        assert_eq!(refusal(keep), expected, "{keep}");
    }
}

#[test]
fn mistakes_are_refused_where_they_stand() {
    for (keep, reason) in [
        ("after.a in after.b", "\"in\" needs a list that is written out: [\"a\", \"b\"]"),
        ("after.a.matches(after.b)", "\"matches\" needs a pattern that is written out"),
        (
            "afer.a == 1",
            "\"afer\" names nothing of an event: the names are op, table, schema, database, topic, partition, \
          offset, timestamp, before, after, key, header, headers",
        ),
        ("after == null", "\"after\" stands alone: name a field of it, as in after.name"),
        ("op.x == 1", "\"op\" has no fields"),
        ("'a'.b == 1", "a field is asked of something that is none of an event's images"),
        ("after.a && 'x'", "a literal stands where true or false is needed"),
        ("size(after.a)", "\"size\" gives a number where true or false is needed"),
        (
            "after.a == 0.12345678901234567890",
            "the number 0.12345678901234567890 has more digits than a double holds and would \
          be rounded: compare with fewer digits, or with an integer",
        ),
        (
            "after.a ==",
            "line 1, column 11: Syntax error: mismatched input '<EOF>' expecting expression",
        ),
    ] {
        assert_eq!(refusal(keep), format!("reading \"keep\": {reason}"), "{keep}");
    }
    let neither = Harness::<Filter>::new(&json!({})).map(|_| ()).unwrap_err();
    assert_eq!(neither, "settings need either \"keep\" or \"drop\", an expression");
}

#[test]
fn an_expression_without_end_is_refused() {
    assert_eq!(
        refusal(&format!("after{} == 1", ".a".repeat(8000))),
        "reading \"keep\": it is longer than 8192 bytes"
    );
    assert_eq!(
        refusal(&("(!".repeat(500) + "true" + &")".repeat(500))),
        "reading \"keep\": expression recursion limit exceeded: 64"
    );
}
