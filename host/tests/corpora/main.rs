//! The scanner and the renderer against serde_json, and SQL text, over real events, and over the same events damaged; and what
//! plugins may answer, over the same.
#![cfg(test)]

#[path = "../../fuzz/bodies/json.rs"]
mod json;
#[path = "../../fuzz/bodies/render.rs"]
mod render;
#[path = "../../fuzz/bodies/redact.rs"]
mod redact;
#[path = "../../fuzz/bodies/outcome.rs"]
mod outcome;
mod texts;
mod outcomes;
mod memory;
mod captured;
mod connectors;
mod sql;

use proptest::prelude::*;
use texts::{Dice, corpora, damage};

/// Large texts take long in an unoptimised build and show nothing that small ones do not.
const LARGEST: usize = 16 * 1024;

#[test]
fn every_text_of_the_corpora_reads_as_serde_json_reads_it() {
    for text in corpora() {
        json::check(&text);
    }
}

#[test]
fn every_event_of_the_corpora_leaves_as_the_same_edit_on_a_tree() {
    let texts = corpora();
    for text in texts.iter().filter(|text| text.len() < LARGEST) {
        render::check(text);
    }
}

#[test]
fn damaged_events_are_judged_as_serde_json_judges_them() {
    let texts = corpora();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c88);
    let mut checked = 0;
    while checked < 40_000 && !texts.is_empty() {
        let text = &texts[dice.below(texts.len())];
        if (1..8 * 1024).contains(&text.len()) {
            let damaged = damage(text, &mut dice);
            json::check(&damaged);
            if checked % 2 == 0 {
                render::check(&damaged);
            }
            checked += 1;
        }
    }
}

/// A JSON value with blanks anywhere, names that stand twice, and escapes.
fn value() -> impl Strategy<Value = String> {
    let string = r#"([ -!#-\[\]-~é😀]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){0,12}"#;
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,19})([.][0-9]{1,12})?([eE][+-]?[0-9]{1,3})?",
        string.prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![list("[", inner.clone(), "]"), list("{", named(inner), "}")]
    })
}

fn named(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let name = prop_oneof!["[a-f]", Just(r"\u0061".to_owned()), Just(String::new())];
    (name, "[ \n]?", "[ \t]{0,2}", value)
        .prop_map(|(name, before, after, value)| format!("\"{name}\"{before}:{after}{value}"))
}

fn list(
    open: &'static str,
    item: impl Strategy<Value = String>,
    close: &'static str,
) -> impl Strategy<Value = String> {
    (prop::collection::vec((item, "[ \r\n]{0,2}"), 0..6), "[ \t]{0,2}").prop_map(
        move |(items, start)| {
            let items: Vec<String> =
                items.iter().map(|(item, blank)| format!("{blank}{item}{blank}")).collect();
            format!("{open}{start}{}{close}", items.join(","))
        },
    )
}

fn row() -> impl Strategy<Value = String> {
    prop_oneof![4 => list("{", named(value()), "}"), 1 => Just("null".to_owned()), 1 => value()]
}

proptest! {
    #[test]
    fn any_json_reads_as_serde_json_reads_it(text in list("{", named(value()), "}")) {
        json::check(text.as_bytes());
        render::check(text.as_bytes());
    }

    #[test]
    fn any_event_leaves_as_the_same_edit_on_a_tree(
        before in row(),
        after in row(),
        operation in "[cudrx]",
        blank in "[ \n]{0,2}",
    ) {
        let source = r#""source":{"db":"d","table":"t"}"#;
        let text = format!(
            r#"{blank}{{"op":"{operation}",{blank}"before":{before}{blank},{source},"after":{blank}{after}}}"#
        );
        json::check(text.as_bytes());
        render::check(text.as_bytes());
        render::check(format!(r#"{{"payload":{text},"schema":null}}"#).as_bytes());
    }

    #[test]
    fn any_row_of_another_dialect_leaves_with_the_lists_beside_it_in_step(
        data in row(),
        old in row(),
        rows in prop::collection::vec((row(), row()), 0..4),
        names in list("[", r#""[a-fA-F]""#, "]"),
        values in list("[", value(), "]"),
        types in list("{", named(r#""x""#), "}"),
        kind in "insert|update|delete|bootstrap-insert|x",
        blank in "[ \r\n]{0,2}",
    ) {
        let maxwell = format!(
            r#"{blank}{{"database":"d","primary_key":{values},"table":"t","type":"{kind}",{blank}"data":{data},"old":{old},"primary_key_columns":{names}}}"#
        );
        let nameless = format!(
            r#"{{"database":"d","table":"u","pk.a":1,"type":"{kind}","old":{old}{blank},"primary_key":{values}}}"#
        );
        let all: [Vec<&str>; 2] = [
            rows.iter().map(|(row, _)| &**row).collect(),
            rows.iter().map(|(_, row)| &**row).collect(),
        ];
        let [rows, were] = all.map(|rows| rows.join(&format!("{blank},")));
        let canal = format!(
            r#"{{"data":[{rows}],"mysqlType":{types},"database":"d","old":[{were}],"pkNames":{names},"table":"t","type":"{}"}}"#,
            kind.to_uppercase()
        );
        let operation = kind.to_uppercase();
        let ogg = format!(
            r#"{{"table":"O.T","op_type":"{}","before":{data}{blank},"after":{old},"primary_keys":{names}}}"#,
            operation.get(..1).unwrap_or_default()
        );
        let dms = format!(
            r#"{{"before-image":{old},"metadata":{{"record-type":"data","operation":"{kind}","table-name":"t"}},{blank}"data":{data}}}"#
        );
        let joined = [&*maxwell, &nameless, &maxwell].concat();
        for text in [&maxwell, &nameless, &joined, &canal, &ogg, &dms] {
            render::check(text.as_bytes());
        }
    }
}
