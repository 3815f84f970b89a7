//! Whatever a record holds: a mask that works lets it pass, and a copy of a protected value stops it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fake::{Given, carry};
use super::protected::protecting;
use super::spy::{Copy, Spy};
use crate::config::Pipeline as Settings;
use crate::table::Dialect;

/// Values of the protected column: letters and digits that nothing else here has, so that they are nowhere by chance.
fn secret() -> impl Strategy<Value = Value> {
    let text = "[A-WÄÉ\"\\\\/\n\t😀日本 ]{4,24}".prop_filter("says something", |text| {
        text.trim().len() >= 4 && text.chars().any(|c| c.is_ascii_uppercase())
    });
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        (2_222u64..).prop_filter("no zeros and ones alone", |n| n % 9 > 1).prop_map(Value::from),
    ];
    prop_oneof![
        4 => leaf.clone(),
        1 => prop::collection::vec(leaf.clone(), 1..3).prop_map(Value::from),
        1 => leaf.clone().prop_map(|leaf| json!({ "in": { "it": leaf } })),
        // A document in a string, as most formats keep JSON columns.
        1 => leaf.prop_map(|leaf| Value::from(json!({ "in": leaf }).to_string())),
    ]
}

fn other() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-z .:\"\\\\]{0,40}".prop_map(Value::from),
        (0u16..2_000).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ]
}

/// JSON text as other writers have it: every character of strings that is no letter escaped, slashes too.
fn in_other_words(value: &Value) -> String {
    let text = value.to_string();
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '/' => out.push_str("\\/"),
            c if !c.is_ascii() => {
                let units = c.encode_utf16(&mut [0; 2]).to_vec();
                out.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
            }
            c => out.push(c),
        }
    }
    out
}

#[derive(Clone, Debug)]
struct Case {
    before: Value,
    after: Value,
    others: (Value, Value),
    escapes: bool,
    dialect: Dialect,
}

fn case() -> impl Strategy<Value = Case> {
    let dialects = [Dialect::Debezium, Dialect::Canal, Dialect::Json];
    (secret(), secret(), (other(), other()), any::<bool>(), prop::sample::select(dialects.to_vec()))
        .prop_map(|(before, after, others, escapes, dialect)| Case {
            before,
            after,
            others,
            escapes,
            dialect,
        })
}

impl Case {
    fn record(&self) -> Given {
        let image = |secret: &Value| {
            let (note, doc) = &self.others;
            json!({ "id": 1, "ssn": secret, "note": note, "doc": { "of": doc } })
        };
        let (before, after) = (image(&self.before), image(&self.after));
        let value = match self.dialect {
            Dialect::Debezium => json!({
                "before": before, "after": after, "op": "u", "source": { "db": "shop", "table": "people" },
            }),
            Dialect::Canal => json!({
                "data": [after, image(&Value::Null)], "old": [{ "ssn": self.before }, null], "type": "UPDATE",
                "database": "shop", "table": "people", "pkNames": ["id"], "isDdl": false,
            }),
            _ => after,
        };
        Given::value(if self.escapes { in_other_words(&value) } else { value.to_string() })
    }

    fn carry(&self, copy: Copy) -> String {
        let pattern = if self.dialect == Dialect::Json { "*.ssn" } else { "people.ssn" };
        let settings = Settings { dialects: self.dialect.into(), ..protecting(&[pattern]) };
        carry(settings, vec![Spy::new(copy).fake()], &[self.record()])
    }
}

fn copies() -> impl Strategy<Value = Copy> {
    prop::sample::select(vec![
        Copy::Unmasked,
        Copy::Itself,
        Copy::Column("note"),
        Copy::Column("new"),
        Copy::Json("doc"),
        Copy::Bytes("note"),
        Copy::Header,
        Copy::EmissionValue,
        Copy::EmissionKey,
        Copy::EmissionHeader,
        Copy::InItsPlace,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mask_that_works_lets_every_record_pass(case in case()) {
        let told = case.carry(Copy::Nowhere);
        prop_assert!(told.starts_with("forward"), "{told}");
    }

    #[test]
    fn a_copy_stops_every_record(case in case(), copy in copies()) {
        let told = case.carry(copy);
        prop_assert!(told.starts_with("dead-letter protected-in-clear"), "{told}");
    }
}
