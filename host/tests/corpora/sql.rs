//! Real statements: those that events of the corpora carry, and the same damaged.

use std::collections::BTreeSet;

use lockgate::redact::{SqlFlavour, WHOLE, sql};
use serde_json::Value;

use crate::texts::{Dice, corpora, damage};
use crate::{LARGEST, redact};

/// Where the dialects keep statements.
const MEMBERS: [&str; 4] = ["query", "sql", "ddl", "redo_sql"];

/// Every statement in the events of the corpora, once.
fn statements() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in corpora() {
        if let Ok(value) = serde_json::from_slice(&text) {
            collect(&value, &mut found);
        }
    }
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if MEMBERS.contains(&name.as_str()) => {
                        found.insert(text.clone());
                    }
                    value => collect(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// What stands between quotes, found without any of the rules: every other piece.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let between = |quote| text.split(quote).skip(1).step_by(2);
    between('\'').chain(between('"')).filter(|piece| piece.len() >= 4)
}

#[test]
fn nothing_quoted_in_a_real_statement_survives() {
    let statements = statements();
    let (mut pieces, mut whole) = (0, 0);
    for text in &statements {
        for flavour in [SqlFlavour::MySql, SqlFlavour::Unknown] {
            let out = sql(text, flavour);
            for piece in quoted(text) {
                assert!(!out.contains(piece), "{flavour:?}: {text:?} gave {out:?}");
                pieces += 1;
            }
            whole += usize::from(out == WHOLE);
        }
    }
    let skipped = statements.is_empty();
    assert!(skipped || (statements.len() > 70 && pieces > 80), "the corpora hold more than that");
    assert!(whole <= statements.len() / 10, "{whole} of {} cannot be read", statements.len());
}

#[test]
fn real_statements_and_damaged_ones_hold_what_any_text_must() {
    let statements: Vec<String> = statements().into_iter().collect();
    for text in &statements {
        redact::check(text.as_bytes());
    }
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for _ in 0..if statements.is_empty() { 0 } else { 20_000 } {
        let text = &statements[dice.below(statements.len())];
        redact::check(&damage(text.as_bytes(), &mut dice));
    }
}

#[test]
fn events_that_are_no_statements_hold_what_any_text_must() {
    for text in corpora().iter().filter(|text| text.len() < LARGEST) {
        redact::check(text);
    }
}
