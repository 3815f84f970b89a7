//! The harness with plugins that use everything a row offers.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Harness, counts};
use crate::{Cell, Emission, Field, Plan, Plugin, Read, Rows, Settings, Table, Write, count};

/// Numbers the rows of each table from 1, in a column, and does to a row what its `do` column says.
struct Obedient {
    start: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    start: u32,
}

struct Seen {
    rows: u32,
    what: Read,
    number: Write,
    header: Write,
}

impl Plugin for Obedient {
    const NAME: &'static str = "obedient";
    const VERSION: &'static str = "1.2.3";
    type State = Seen;

    fn configure(settings: Settings) -> Result<Self, String> {
        let Start { start } = settings.parse()?;
        Ok(Self { start })
    }

    fn open(&mut self, table: &Table) -> Result<Option<Plan<Seen>>, String> {
        if table.name == "ignored" {
            return Ok(None);
        }
        let mut plan = Plan::new().dependent();
        let (what, number) = (plan.read(Field::after("do")), plan.write(Field::after("number")));
        let header = plan.write(Field::header("did"));
        Ok(Some(plan.with(Seen { rows: self.start, what, number, header })))
    }

    fn process(&mut self, seen: &mut Seen, rows: &mut Rows<'_>) -> Result<(), String> {
        for row in rows.iter() {
            seen.rows += 1;
            row.set(seen.number, Cell::Number(&seen.rows.to_string()));
            match row.get(seen.what) {
                Cell::String("drop") => row.drop(),
                Cell::String("reject") => row.reject("asked to"),
                Cell::String("emit") => row.emit(Emission {
                    topic: "audit".into(),
                    value: Some(b"{\"n\":1}".to_vec()),
                    headers: vec![("raw".into(), Some(vec![0xff]))],
                    ..Emission::default()
                }),
                Cell::String("fail") => return Err("no more".into()),
                Cell::String("lie") => row.set(seen.number, Cell::Number("one")),
                did => row.set(seen.header, did),
            }
        }
        count("rows", u32::try_from(rows.len()).unwrap());
        Ok(())
    }
}

fn event(table: &str, what: Value) -> Value {
    json!({ "topic": "in", "value": { "op": "c", "after": { "do": what }, "source": { "table": table } } })
}

fn run(events: &[Value]) -> Result<Vec<Value>, String> {
    Harness::<Obedient>::new(&json!({ "start": 0 })).unwrap().try_run(events)
}

/// The `number` of each event, and what left without one.
fn numbers(left: &[Value]) -> Vec<Value> {
    let number = |event: &Value| event.pointer("/value/after/number").unwrap_or(event).clone();
    left.iter().map(number).collect()
}

#[test]
fn rows_leave_in_order_with_what_was_decided_about_each() {
    let asked = ["x", "drop", "reject", "emit"].map(|what| event("a", json!(what)));
    let left = run(&asked).unwrap();
    let emitted = json!({ "topic": "audit", "key": null, "value": { "n": 1 }, "headers": [["raw", { "base64": "/w==" }]] });
    assert_eq!(numbers(&left), [json!(1), json!({ "rejected": "asked to" }), json!(4), emitted]);
    assert_eq!(left[0]["headers"], json!([["did", "x"]]));
}

#[test]
fn each_table_has_a_state_of_its_own() {
    let events = ["a", "b", "a", "ignored"].map(|table| event(table, json!("x")));
    let left = run(&events).unwrap();
    assert_eq!(numbers(&left[..3]), [1, 1, 2]);
    assert_eq!(left[3], events[3]);
}

#[test]
fn what_the_database_did_not_send_cannot_be_written() {
    let left = run(&[event("a", json!("__debezium_unavailable_value"))]).unwrap();
    let reason = "a value that the database did not send cannot be written";
    assert_eq!(left, [json!({ "rejected": reason })]);
}

#[test]
fn an_error_refuses_the_batch_and_a_lie_is_noticed() {
    assert_eq!(run(&[event("a", json!("fail"))]).unwrap_err(), "no more");
    assert_eq!(
        run(&[event("a", json!("lie"))]).unwrap_err(),
        "the answer sets \"number\" to text that is not of its kind"
    );
    let delete = json!({ "op": "d", "before": { "do": "x" }, "after": null });
    assert_eq!(
        run(&[delete]).unwrap_err(),
        "the answer sets \"number\" in a row that has no after image"
    );
}

#[test]
fn counts_add_up() {
    let before = counts().get("rows").copied().unwrap_or(0);
    run(&[event("a", json!("x")), event("a", json!("x")), event("b", json!("x"))]).unwrap();
    assert_eq!(counts()["rows"] - before, 3);
}

#[test]
fn settings_that_do_not_fit_are_refused_with_their_place() {
    let refusal = |settings: Value| Harness::<Obedient>::new(&settings).map(|_| ()).unwrap_err();
    assert_eq!(
        refusal(json!({ "strat": 1 })),
        "reading the settings: unknown field `strat`, expected `start` at line 1 column 8"
    );
}

/// Reads and masks what its settings point to.
struct Pointed;

impl Plugin for Pointed {
    const NAME: &'static str = "pointed";
    const VERSION: &'static str = "1.2.3";
    type State = ();

    fn configure(_: Settings) -> Result<Self, String> {
        Ok(Self)
    }

    fn open(&mut self, _: &Table) -> Result<Option<Plan>, String> {
        let fields = [
            Field::after("doc").at("/a~1b/0"),
            Field::before("doc").at("/gone"),
            Field::key("id"),
            Field::meta("topic"),
        ];
        Ok(Some(Plan::new().reads(fields.clone()).writes(fields).operations(b"u")))
    }

    fn process(&mut self, (): &mut (), rows: &mut Rows<'_>) -> Result<(), String> {
        for number in 0..4 {
            for (row, cell) in (0u32..).zip(rows.cells(Read(number)).iter()) {
                let edit = rows.edit(Write(number));
                match cell {
                    Cell::Absent => {}
                    Cell::String(text) => {
                        edit.set(row, Cell::String(&text.to_uppercase()));
                    }
                    _ => {
                        edit.set(row, Cell::Absent);
                    }
                }
            }
        }
        Ok(())
    }
}

#[test]
fn pointers_reach_into_json_and_json_in_strings() {
    let event = |op: &str, doc: Value| {
        let value = json!({ "op": op, "before": { "doc": { "gone": 1, "x": 2 } }, "after": { "doc": doc } });
        json!({ "topic": "t", "key": { "id": "k" }, "value": value })
    };
    let mut pointed = Harness::<Pointed>::new(&json!({})).unwrap();
    let left = pointed.run(&[
        event("u", json!({ "a/b": ["x", "y"] })),
        event("u", json!("{\"a/b\": [\"x\"], \"n\": 1.50}")),
        event("c", json!({ "a/b": ["x"] })),
    ]);
    assert_eq!(left[0]["value"]["after"]["doc"], json!({ "a/b": ["X", "y"] }));
    assert_eq!(left[1]["value"]["after"]["doc"], json!("{\"a/b\":[\"X\"],\"n\":1.50}"));
    for masked in &left[..2] {
        assert_eq!(masked["value"]["before"]["doc"], json!({ "x": 2 }));
        assert_eq!((&masked["key"]["id"], &masked["topic"]), (&json!("K"), &json!("T")));
    }
    assert_eq!(left[2], event("c", json!({ "a/b": ["x"] })), "not asked for");
}
