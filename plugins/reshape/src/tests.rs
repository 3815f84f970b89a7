//! Shapes seen through the harness.

use lockgate_plugin::testing::{Harness, golden};
use lockgate_plugin::{Column, Field, Plan, Table};
use serde_json::{Value, json};

use super::Reshape;

#[test]
fn golden_events() {
    golden::<Reshape>(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"));
}

/// `public.customers` with a key `id` and columns `email` and `ssn`.
fn customers() -> Table {
    let column = |name: &str, key| Column { name: name.into(), key, ..Column::default() };
    Table {
        topic: "shop.public.customers".into(),
        schema: "public".into(),
        name: "customers".into(),
        columns: vec![column("id", true), column("email", false), column("ssn", false)],
        ..Table::default()
    }
}

fn open(settings: Value) -> Result<Option<Plan>, String> {
    Harness::<Reshape>::new(&settings).unwrap().open(&customers())
}

fn refusal(settings: Value) -> String {
    Harness::<Reshape>::new(&settings).map(|_| ()).unwrap_err()
}

#[test]
fn removes_and_renames_cost_no_call() {
    let plan =
        open(json!({ "rename": { "email": "contact" }, "remove": ["s*"] })).unwrap().unwrap();
    let expected = Plan::new()
        .removes([Field::before("ssn"), Field::after("ssn")])
        .renames(Field::before("email"), "contact")
        .renames(Field::after("email"), "contact");
    assert_eq!(plan, expected);
}

#[test]
fn a_table_that_nothing_is_asked_of_is_left_alone() {
    for settings in [
        json!({ "tables": ["orders"], "remove": ["ssn"] }),
        json!({ "remove": ["orders.ssn", "unheard_of"] }),
        json!({ "keep_only": ["orders.total"] }),
        json!({ "headers": { "x": "unheard_of" } }),
    ] {
        assert_eq!(open(settings.clone()), Ok(None), "{settings}");
    }
}

#[test]
fn a_key_column_is_kept_by_keep_only_and_renamed_in_the_key_too() {
    let plan =
        open(json!({ "keep_only": ["email"], "rename": { "id": "number" } })).unwrap().unwrap();
    assert_eq!(plan.removes, [Field::before("ssn"), Field::after("ssn")]);
    let renamed: Vec<Field> = plan.renames.into_iter().map(|rename| rename.field).collect();
    assert_eq!(renamed, [Field::before("id"), Field::after("id"), Field::key("id")]);
}

#[test]
fn removing_a_key_column_has_to_be_meant() {
    let settings = |policy: &str| json!({ "remove": ["id"], "removed_key_columns": policy });
    let removes = |policy: &str| open(settings(policy)).unwrap().unwrap().removes;
    assert_eq!(
        open(settings("refuse")).unwrap_err(),
        "removing column \"id\" of \"public.customers\", which is part of the record's key: set \"removed_key_columns\" to \
         \"keep\" or \"remove\" to say what becomes of the key"
    );
    assert_eq!(removes("keep"), [Field::before("id"), Field::after("id")]);
    assert_eq!(removes("remove"), [Field::before("id"), Field::after("id"), Field::key("id")]);
}

#[test]
fn shapes_that_contradict_themselves_are_refused_when_the_table_opens() {
    for (settings, reason) in [
        (
            json!({ "rename": { "email": "ssn" } }),
            "columns \"email\" and \"ssn\" of \"public.customers\" would both be called \"ssn\": choose another name for one",
        ),
        (
            json!({ "rename": { "email": "mail" }, "remove": ["e*"] }),
            "column \"email\" of \"public.customers\" is to be removed and renamed to \"mail\": ask for one of both",
        ),
        (
            json!({ "rename": { "*.email": "a", "c*.email": "b" } }),
            "column \"email\" of \"public.customers\" is renamed by both \"*.email\" and \"c*.email\": drop one",
        ),
        (
            json!({ "add": { "email": "x" } }),
            "adding column \"email\" to \"public.customers\", which has one of that name: choose another",
        ),
        (
            json!({ "add": { "customers.new": 1, "new": 2 } }),
            "adding column \"new\" to \"public.customers\", which has one of that name: choose another",
        ),
        (
            json!({ "add": { "mail": 1 }, "rename": { "email": "mail" } }),
            "adding column \"mail\" to \"public.customers\", which has one of that name: choose another",
        ),
        (
            json!({ "topic": "{database}.x" }),
            "the topic's {database} stays empty: the records of \"public.customers\" name no database",
        ),
    ] {
        assert_eq!(open(settings.clone()).unwrap_err(), reason, "{settings}");
    }
}

#[test]
fn columns_may_swap_their_names_or_take_that_of_a_removed_one() {
    assert!(open(json!({ "rename": { "email": "ssn", "ssn": "email" } })).is_ok());
    assert!(open(json!({ "rename": { "email": "ssn" }, "remove": ["ssn"] })).is_ok());
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (settings, reason) in [
        (
            json!({}),
            "settings ask for nothing: they take \"rename\", \"remove\", \"keep_only\", \"add\", \"headers\" and \"topic\"",
        ),
        (
            json!({ "rename": { "e*": "x" } }),
            "reading \"rename\": \"e*\" may name several columns where one is needed: give the column's name in full",
        ),
        (
            json!({ "remove": ["profile#/a"] }),
            "reading \"remove\": \"profile#/a\" names a place inside a column, and only whole columns can be reshaped",
        ),
        (json!({ "rename": { "a": "" } }), "reading \"rename\": a name is empty"),
        (
            json!({ "topic": "a.{column}" }),
            "reading \"topic\": {column} in \"a.{column}\" is no place: they are {table}, {schema}, {database} and {topic}",
        ),
        (
            json!({ "topic": "a{table" }),
            "reading \"topic\": \"a{table\" opens a place that it does not close",
        ),
        (
            json!({ "topic": "a b" }),
            "reading \"topic\": \"a b\" has a ' ', which no topic name may have",
        ),
    ] {
        assert_eq!(refusal(settings.clone()), reason, "{settings}");
    }
}

#[test]
fn a_topic_takes_only_what_kafka_allows() {
    let settings = json!({ "topic": "out.{table}" });
    let event = |table: &str| json!({ "topic": "in", "value": { "op": "c", "after": { "a": 1 }, "source": { "table": table } } });
    let mut reshape = Harness::<Reshape>::new(&settings).unwrap();
    let left = reshape.run(&[event("order lines/ø")]);
    assert_eq!(left[0]["topic"], "out.order_lines__");
}
