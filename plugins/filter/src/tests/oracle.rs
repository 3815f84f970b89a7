//! Our evaluator against the interpreter of the `cel` crate, over expressions and rows made up at random.

use std::collections::HashMap;
use std::sync::Arc;

use cel::{Context, Value};
use lockgate_plugin::{Cell, Cells};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::compile;
use crate::evaluate::{Batch, Truth, Values, test};

const COLUMNS: [&str; 4] = ["a", "b", "c", "d"];

/// A value as the gateway hands it over: its kind and its text. Kind 0 is a column that is not there.
type Given = (u8, &'static str);

/// Few, so that they often meet themselves; numbers are such that the interpreter's doubles hold them exactly.
const GIVEN: [Given; 24] = [
    (0, ""),
    (1, ""),
    (2, "true"),
    (2, "false"),
    (3, "0"),
    (3, "-0.0"),
    (3, "1"),
    (3, "1.0"),
    (3, "-7"),
    (3, "2.5"),
    (3, "250e-2"),
    (3, "9007199254740993"),
    (3, "9223372036854775807"),
    (3, "-9223372036854775808"),
    (3, "18446744073709551615"),
    (3, "1e30"),
    (4, ""),
    (4, "a"),
    (4, "ab"),
    (4, "é"),
    (4, "true"),
    (4, "1"),
    (5, r#"["a",1,null]"#),
    (5, r#"{"a":1}"#),
];

const LITERALS: [&str; 16] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "-7",
    "2.5",
    "1u",
    "9007199254740993",
    "9223372036854775807",
    "18446744073709551615u",
    "1e30",
    "''",
    "'a'",
    "\"ab\"",
    "'é'",
];

fn place() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(&COLUMNS[..]).prop_map(|name| format!("after.{name}")),
        1 => prop::sample::select(&COLUMNS[..]).prop_map(|name| format!("after[{name:?}]")),
        1 => Just("op".to_owned()),
    ]
}

fn literal() -> impl Strategy<Value = String> {
    prop::sample::select(&LITERALS[..]).prop_map(str::to_owned)
}

fn operand(test: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    prop_oneof![
        6 => place(),
        4 => literal(),
        1 => place().prop_map(|place| format!("size({place})")),
        1 => place().prop_map(|place| format!("{place}.size()")),
        1 => test.prop_map(|test| format!("({test})")),
    ]
}

fn comparison(test: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let sign = prop::sample::select(&["==", "!=", "<", "<=", ">", ">="][..]);
    let search = prop::sample::select(&["startsWith", "endsWith", "contains"][..]);
    let pattern = prop::sample::select(&["'^a'", "'b$'", "'[0-9]+'", "''", "'.'"][..]);
    let list = prop::collection::vec(prop_oneof![3 => literal(), 1 => place()], 0..4);
    prop_oneof![
        8 => (operand(test.clone()), sign, operand(test.clone())).prop_map(|(l, s, r)| format!("{l} {s} {r}")),
        2 => (operand(test), list).prop_map(|(item, list)| format!("{item} in [{}]", list.join(", "))),
        2 => (place(), search, prop_oneof![literal(), place()])
            .prop_map(|(text, search, wanted)| format!("{text}.{search}({wanted})")),
        1 => (place(), pattern).prop_map(|(text, pattern)| format!("{text}.matches({pattern})")),
        1 => prop::sample::select(&COLUMNS[..]).prop_map(|name| format!("has(after.{name})")),
        1 => place(),
        1 => prop_oneof![Just("true".to_owned()), Just("false".to_owned())],
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = comparison(place().boxed()).boxed();
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l}) && ({r})")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l}) || ({r})")),
            inner.clone().prop_map(|test| format!("!({test})")),
            comparison(inner.boxed()),
        ]
    })
}

fn row() -> impl Strategy<Value = Vec<Given>> {
    prop::collection::vec(prop::sample::select(&GIVEN[..]), COLUMNS.len())
}

/// True, false, or none for an error.
fn ours(expression: &str, row: &[Given]) -> Option<bool> {
    let program = compile::program(expression).unwrap();
    let ends: Vec<u32> = row.iter().map(|(_, text)| u32::try_from(text.len()).unwrap()).collect();
    let columns: Vec<([u8; 1], [u32; 1], &[u8])> =
        row.iter().zip(ends).map(|((kind, text), end)| ([*kind], [end], text.as_bytes())).collect();
    let values = |place: &crate::program::Place| match COLUMNS
        .iter()
        .position(|name| *name == place.field.name)
    {
        Some(at) => Values::Cells(Cells::new(&columns[at].0, &columns[at].1, columns[at].2)),
        None => Values::Same(Cell::String("u")),
    };
    let batch = Batch { rows: 1, places: program.places.iter().map(values).collect() };
    match test(&program.root, &batch)[..] {
        [Truth::True] => Some(true),
        [Truth::False] => Some(false),
        _ => None,
    }
}

fn theirs(expression: &str, row: &[Given]) -> Option<bool> {
    let program = cel::Program::compile(expression).unwrap();
    let present = COLUMNS.iter().zip(row).filter(|(_, (kind, _))| *kind != 0);
    let after: HashMap<String, Value> =
        present.map(|(name, given)| ((*name).to_owned(), value(*given))).collect();
    let mut context = Context::default();
    context.add_variable_from_value("after", after);
    context.add_variable_from_value("op", "u");
    match program.execute(&context) {
        Ok(Value::Bool(value)) => Some(value),
        _ => None,
    }
}

fn value((kind, text): Given) -> Value {
    match (kind, text) {
        (1, _) => Value::Null,
        (2, text) => Value::Bool(text == "true"),
        (3, text) => (text.parse().map(Value::Int))
            .or_else(|_| text.parse().map(Value::UInt))
            .unwrap_or_else(|_| Value::Float(text.parse().unwrap())),
        (4, text) => Value::String(Arc::new(text.to_owned())),
        (_, r#"{"a":1}"#) => HashMap::from([("a".to_owned(), Value::Int(1))]).into(),
        _ => vec![Value::from("a"), Value::Int(1), Value::Null].into(),
    }
}

#[test]
fn our_evaluator_agrees_with_the_interpreter() {
    // The crate's default parser, which its interpreter asks for, needs more stack than a test thread has.
    let oracle = std::thread::Builder::new().stack_size(64 << 20).spawn(|| {
        let config =
            ProptestConfig { cases: 1024, failure_persistence: None, ..Default::default() };
        let agree = |(expression, row): (String, Vec<Given>)| {
            let (ours, theirs) = (ours(&expression, &row), theirs(&expression, &row));
            prop_assert_eq!(ours, theirs, "{} over {:?}", expression, row);
            Ok(())
        };
        TestRunner::new(config).run(&(expression(), row()), agree).unwrap();
    });
    oracle.unwrap().join().unwrap();
}
