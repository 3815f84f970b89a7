//! Places inside JSON: wildcards, arrays, JSON in strings, MongoDB's documents and the dotted names of their parts.

use lockgate_plugin::json::Path;
use lockgate_plugin::testing::Harness;
use lockgate_plugin::{Cell, Column, Image, Table};
use serde_json::{Value, json};

use super::{Mask, masked, open_refusal};
use crate::places::check;

/// The columns that leave in place of `after`.
fn run(columns: Value, after: Value) -> Value {
    let mut settings = json!({ "columns": columns });
    if settings.to_string().contains("hmac") {
        settings["key"] = json!("a key of 16 bytes or more");
        settings["key_id"] = json!("k1");
    }
    let left =
        Harness::<Mask>::new(&settings).unwrap().run(&[json!({ "op": "c", "after": after })]);
    left[0].get("rejected").unwrap_or(&left[0]["after"]).clone()
}

#[test]
fn a_wildcard_reaches_every_element_in_json_and_in_strings() {
    let columns = json!({ "p#/contacts/*/email": "email", "p#/contacts/*/tags/*": "redact" });
    let profile = json!({
        "contacts": [
            { "email": "anna@x.example", "tags": ["vip", 7, null] },
            { "email": null },
            "text",
            { "email": ["bo@x.example", "c@x.example"] },
        ],
        "email": "shop@x.example",
    });
    let covered = json!({
        "contacts": [
            { "email": "a***@x.example", "tags": ["***", 1, null] },
            { "email": null },
            "text",
            { "email": ["b*@x.example", "*@x.example"] },
        ],
        "email": "shop@x.example",
    });
    assert_eq!(run(columns.clone(), json!({ "p": profile })), json!({ "p": covered }));
    let text = json!({ "p": profile.to_string() });
    assert_eq!(run(columns, text), json!({ "p": covered.to_string() }));
}

#[test]
fn what_is_not_masked_keeps_its_bytes() {
    let text = "{ \"n\" : 1.50 , \"a\":[ {\"e\":\"x\", \"u\":\"\\u00e9\\/\"} ], \"n\":2e5 }\n";
    assert_eq!(
        run(json!({ "p#/a/*/e": "redact" }), json!({ "p": text }))["p"],
        text.replace("\"x\"", "\"*\"")
    );
}

#[test]
fn exact_places_and_wildcards_combine_and_the_exact_one_counts() {
    let columns = json!({ "p#/*/email": "redact", "p#/0/email": "null", "p#/0/phone": "keep-last:2", "p#/*/note": { "constant": [1] } });
    let clear = json!([{ "email": "a@b", "phone": "1234", "note": "x" }, { "email": "c@d", "phone": "5678" }]);
    let covered = json!([{ "email": null, "phone": "**34", "note": [1] }, { "email": "***", "phone": "5678" }]);
    assert_eq!(run(columns, json!({ "p": clear })), json!({ "p": covered }));
}

#[test]
fn places_inside_one_another_are_refused_with_wildcards_too() {
    assert_eq!(
        open_refusal(json!({ "columns": { "profile#/*": "redact", "profile#/a/b": "null" } })),
        "column \"profile\" of \"public.customers\" is covered by both \"profile#/*\" and \"profile#/a/b\": name the column in \
         full in one of them, or drop one"
    );
    let refusal = Harness::<Mask>::new(&json!({ "columns": { "p#/a*/b": "redact" } })).map(|_| ());
    assert_eq!(
        refusal.unwrap_err(),
        "reading \"columns\": the path \"/a*/b\" has \"a*\": only a whole segment can be \"*\", any one member or element; \
         write \"\\*\" for the character itself"
    );
}

#[test]
fn text_that_is_no_json_never_passes_where_a_place_in_it_is_to_be_masked() {
    for path in ["p#/a", "p#/*/a"] {
        for (clear, kind) in [
            (json!("call a@b.example"), "a string"),
            (json!("{\"a\":"), "a string"),
            (json!("\"a\""), "a string"),
            (json!("12345678901"), "a string"),
            (json!(42), "a number"),
            (json!(true), "a boolean"),
        ] {
            assert_eq!(
                run(json!({ path: "redact" }), json!({ "p": clear })),
                format!(
                    "column \"p\" holds {kind} that is no JSON object or array, and rules are for places inside it"
                ),
                "{path}"
            );
        }
        for empty in [
            json!(null),
            json!(""),
            json!("null"),
            json!({}),
            json!([]),
            json!("[]"),
            json!("__debezium_unavailable_value"),
        ] {
            assert_eq!(
                run(json!({ path: "redact" }), json!({ "p": empty })),
                json!({ "p": empty }),
                "{path}"
            );
        }
    }
}

#[test]
fn a_place_that_its_rule_cannot_treat_is_refused() {
    assert_eq!(
        run(json!({ "p#/*/a": "email" }), json!({ "p": [{ "a": { "b": "x@y.example" } }] })),
        "column \"p\" holds a value at \"/*/a\" that \"email\" cannot mask"
    );
    assert_eq!(
        run(json!({ "p#/*/a": "keep-last:2" }), json!({ "p": "[{\"a\":\"\\ud800\"}]" })),
        "column \"p\" holds a value at \"/*/a\" that \"keep-last:2\" cannot mask"
    );
}

#[test]
fn names_that_stand_twice_are_masked_twice() {
    assert_eq!(
        run(json!({ "p#/*/a": "redact" }), json!({ "p": "[{\"a\":\"x\",\"a\":\"yz\"}]" }))["p"],
        "[{\"a\":\"*\",\"a\":\"**\"}]"
    );
}

/// The gateway's pointers look into the last of two members of one name, and the harness keeps only that.
#[test]
fn a_place_hidden_by_a_name_that_stands_twice_never_passes() {
    let path = |text: &str| Path::parse(text).unwrap();
    let cell = Cell::String("{\"a\":{\"x\":\"secret\"},\"a\":{}}");
    assert_eq!(check(cell, [path("/a/y")].iter()), Ok(()));
    let refusal = check(cell, [path("/b"), path("/a/x")].iter()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "holds a value at \"/a/x\" beside a name that stands twice, where it cannot be masked"
    );
}

#[test]
fn a_member_that_is_named_as_the_wildcard_is_no_wildcard() {
    let clear = json!({ "p": { "*": "ab", "b": "c" } });
    assert_eq!(run(json!({ r"p#/\*": "redact" }), clear), json!({ "p": { "*": "**", "b": "c" } }));
    let clear = json!({ "p": { "b": "c" } });
    assert_eq!(run(json!({ r"p#/\*": "redact" }), clear.clone()), clear);
}

#[test]
fn of_an_array_each_element_is_masked_as_if_it_stood_alone() {
    for (rule, clear, covered) in [
        (
            "email",
            json!(["anna@x.example", "b@y.example"]),
            json!(["a***@x.example", "*@y.example"]),
        ),
        ("phone", json!(["+47 900 45 678", null]), json!(["+47 *** ** *78", null])),
        ("keep-last:2", json!([1234, ["abcd", []]]), json!(["**34", ["**cd", []]])),
        ("date-year", json!(["2020-05-17"]), json!(["2020-01-01"])),
        ("number-bucket:10", json!([42, "17"]), json!([40, "10"])),
        ("null", json!(["a"]), Value::Null),
    ] {
        assert_eq!(masked(rule, clear.clone()), covered, "{rule} of {clear}");
    }
    let one = masked("hmac", json!("a@x"));
    assert_eq!(masked("hmac", json!(["a@x", "b@y"])), json!([one, masked("hmac", json!("b@y"))]));
    let deep = serde_json::from_str(&("[".repeat(100) + &"]".repeat(100))).unwrap();
    assert_eq!(masked("hmac", deep), "column \"c\" holds JSON, which \"hmac\" cannot mask");
}

#[test]
fn typed_scalars_of_mongodb_are_masked_as_what_they_stand_for() {
    for (rule, clear, covered) in [
        (
            "keep-last:2",
            json!({ "$oid": "596e275826f08b2730779e1f" }),
            json!("**********************1f"),
        ),
        ("keep-last:2", json!({ "$numberLong": "1234" }), json!("**34")),
        ("number-bucket:10", json!({ "$numberLong": "42" }), json!(40)),
        (
            "number-bucket:10",
            json!({ "$numberDecimal": "42.50" }),
            serde_json::from_str("40.00").unwrap(),
        ),
        ("number-bucket:10", json!({ "$numberInt": 42 }), json!(40)),
        (
            "date-year",
            json!({ "$date": "2020-05-17T10:11:12.123Z" }),
            json!("2020-01-01T00:00:00.000Z"),
        ),
        ("date-year", json!({ "$date": 1_589_710_272_123_i64 }), json!(1_577_836_800_000_i64)),
        (
            "date-year",
            json!({ "$date": { "$numberLong": "1589710272123" } }),
            json!(1_577_836_800_000_i64),
        ),
        ("email", json!({ "$symbol": "anna@x.example" }), json!("a***@x.example")),
        (
            "keep-first:4",
            json!({ "$uuid": "3b241101-e2bb-4255-8caf-4136c566a962" }),
            json!("3b24********************************"),
        ),
    ] {
        assert_eq!(
            masked(rule, clear.clone()).to_string(),
            covered.to_string(),
            "{rule} of {clear}"
        );
    }
    for none in [
        json!({ "$oid": "5f", "x": 1 }),
        json!({ "$other": "5f" }),
        json!({ "$oid": ["5f"] }),
        json!({}),
    ] {
        let refusal = "column \"c\" holds JSON, which \"keep-last:2\" cannot mask";
        assert_eq!(masked("keep-last:2", none.clone()), refusal, "{none}");
    }
}

#[test]
fn redacted_typed_scalars_can_be_read_as_what_they_were() {
    let clear = json!({
        "_id": { "$oid": "596e275826f08b2730779e1f" },
        "n": [{ "$numberLong": "-42" }, { "$numberDecimal": "1.5E+10" }, { "$numberDouble": "NaN" }],
        "at": { "$date": "2020-05-17T10:11:12.123Z" },
        "u": { "$uuid": "3b241101-e2bb-4255-8caf-4136c566a962" },
        "s": "text",
    });
    let covered = json!({
        "_id": { "$oid": "111111111111111111111111" },
        "n": [{ "$numberLong": "-11" }, { "$numberDecimal": "1.1E+00" }, { "$numberDouble": "111" }],
        "at": { "$date": "1111-11-11T11:11:11.111Z" },
        "u": { "$uuid": "11111111-1111-1111-1111-111111111111" },
        "s": "****",
    });
    assert_eq!(masked("redact", clear), covered);
}

#[test]
fn a_rule_with_a_path_covers_columns_with_dotted_names_too() {
    let columns = json!({
        "contact#/email": "email",
        "contacts#/*/email": "redact",
        "contact#/address": "redact",
        "ssn": "null",
    });
    for (column, clear, covered) in [
        ("contact.email", json!("anna@x.example"), json!("a***@x.example")),
        ("contacts.0.email", json!("ab"), json!("**")),
        ("contacts.1", json!({ "email": "ab", "n": "c" }), json!({ "email": "**", "n": "c" })),
        ("contacts", json!([{ "email": "ab" }]), json!([{ "email": "**" }])),
        ("contact.address.street", json!("ab"), json!("**")),
        ("contact.name", json!("ab"), json!("ab")),
        ("other.contact.email", json!("ab"), json!("ab")),
        ("ssn.0", json!("12"), Value::Null),
        ("ssn2", json!("12"), json!("12")),
    ] {
        assert_eq!(
            run(columns.clone(), json!({ column: clear })),
            json!({ column: covered }),
            "{column}"
        );
    }
}

#[test]
fn of_rules_that_reach_a_dotted_name_the_closest_counts() {
    let columns = json!({ "c.contact#/email": "null", "contact#/email": "redact", r"contact\.phone": "keep-last:1", "contact#/phone": "null" });
    let left = Harness::<Mask>::new(&json!({ "columns": columns })).unwrap().run(&[json!({
        "op": "u",
        "after": { "contact.email": "ab", "contact.phone": "12" },
        "source": { "table": "c" },
    })]);
    assert_eq!(left[0]["after"], json!({ "contact.email": null, "contact.phone": "*2" }));
}

#[test]
fn a_place_inside_the_key_is_masked_in_the_headers_too() {
    let settings = json!({ "columns": { "id#/email": "redact", "tags": "redact" } });
    let header = "{ \"id\":{\"email\":\"a@b\",\"n\":1.0},\"id\": \"{\\\"email\\\":\\\"c\\\"}\", \"tags\":[\"x\"] }";
    let event = json!({
        "key": { "id": { "email": "a@b" }, "tags": ["x"] },
        "value": { "op": "d", "before": null, "after": null, "source": { "table": "t" } },
        "headers": [["__debezium.newkey", header]],
    });
    let left = Harness::<Mask>::new(&settings).unwrap().run(&[event]);
    assert_eq!(left[0]["key"], json!({ "id": { "email": "***" }, "tags": ["*"] }));
    assert_eq!(
        left[0]["headers"],
        json!([[
            "__debezium.newkey",
            "{ \"id\":{\"email\":\"***\",\"n\":1.0},\"id\": \"{\\\"email\\\":\\\"*\\\"}\", \"tags\":[\"*\"] }"
        ]])
    );
}

#[test]
fn places_that_pointers_can_name_are_left_to_the_gateway() {
    let fields = |columns: Value| {
        let table = Table {
            columns: vec![Column { name: "p".into(), ..Column::default() }],
            ..Table::default()
        };
        let mut mask = Harness::<Mask>::new(&json!({ "columns": columns })).unwrap();
        let plan = mask.open(&table).unwrap().unwrap();
        let after = plan.writes.into_iter().filter(|field| field.image == Image::After);
        after.map(|field| field.pointer).collect::<Vec<_>>()
    };
    assert_eq!(fields(json!({ "p#/a~1b": "redact", r"p#/\*": "redact" })), ["/*", "/a~1b"]);
    assert_eq!(
        fields(json!({ "p#/a": "redact", "p#/b/*": "redact" })),
        [""],
        "one write of the cell"
    );
}
