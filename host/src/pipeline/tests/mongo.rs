//! Documents in strings: edits reach the document, what it says of its update, and its key, and nothing else.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::FaultPolicy;
use crate::contract::{Answer, FaultClass, Image, Plan, Rename, kind};

const UPDATE: &str = r#"{"before":null, "after":"{\"_id\": {\"$oid\": \"5\"}, \"contact\": {\"email\": \"a@x.io\"},\"na\\u006de\" : \"J\u00f6rg \\\"J\\\" \ud83d\ude00\"}","updateDescription":{"removedFields":["phone","contact.fax"],"updatedFields":"{\"contact.email\": \"a@x.io\", \"name\": \"J\"}","truncatedArrays":[{"field":"tags","size":2}]},"source":{"connector":"mongodb","db":"shop","collection":"people"},"op":"u"}"#;
const KEY: &str = r#"{"id":"{\"$oid\": \"5\"}"}"#;

fn given() -> Given {
    Given::value(UPDATE).key(KEY.to_owned())
}

/// A stand-in whose plan needs no call.
fn planned(plan: Plan) -> Fake {
    Fake::new(plan, |_| panic!("a plan without reads and writes costs no call"))
}

/// Sets `column` of `image` to `text` wherever it is text.
fn masking(image: Image, column: &str, text: &'static str) -> Fake {
    let cell = vec![field(image, column)];
    let plan = Plan { reads: cell.clone(), writes: cell, ..Plan::default() };
    Fake::new(plan, move |batch| {
        let strings = batch.reads[0].kinds.iter().enumerate().filter(|(_, k)| **k == kind::STRING);
        let rows: Vec<u32> = strings.map(|(row, _)| u32::try_from(row).unwrap()).collect();
        answer(0, &rows, text)
    })
}

fn both(name: &str) -> Vec<crate::contract::Field> {
    vec![field(Image::Before, name), field(Image::After, name)]
}

#[test]
fn nobodys_edit_leaves_every_byte() {
    let reads = Plan { reads: both("name"), ..Plan::default() };
    let seen = carry(settings(), vec![Fake::new(reads, |_| Answer::default())], &[given()]);
    assert_eq!(seen, format!("forward clean.t-0 key={KEY} value={UPDATE}\n"));
}

#[test]
fn a_plugin_reads_the_text_that_the_document_says() {
    let plan = Plan { reads: vec![field(Image::After, "name")], ..Plan::default() };
    let reader = Fake::new(plan, |batch| {
        assert_eq!(batch.reads[0].data, "Jörg \"J\" 😀J".as_bytes(), "of both documents");
        Answer::default()
    });
    carry(settings(), vec![reader], &[given()]);
}

#[test]
fn an_edit_reaches_the_document_and_what_changed_in_it() {
    assert_snapshot!(carry(settings(), vec![masking(Image::After, "name", "\"\\é")], &[given()]), @r#"forward clean.t-0 key={"id":"{\"$oid\": \"5\"}"} value={"before":null, "after":"{\"_id\": {\"$oid\": \"5\"}, \"contact\": {\"email\": \"a@x.io\"},\"na\\u006de\" : \"\\\"\\\\é\"}","updateDescription":{"removedFields":["phone","contact.fax"],"updatedFields":"{\"contact.email\": \"a@x.io\", \"name\": \"\\\"\\\\é\"}","truncatedArrays":[{"field":"tags","size":2}]},"source":{"connector":"mongodb","db":"shop","collection":"people"},"op":"u"}"#);
}

#[test]
fn an_edit_inside_a_field_stays_inside() {
    let cell = vec![crate::contract::Field {
        pointer: "/email".to_owned(),
        ..field(Image::After, "contact")
    }];
    let plan = Plan { reads: cell.clone(), writes: cell, ..Plan::default() };
    assert_snapshot!(carry(settings(), vec![Fake::new(plan, |_| answer(0, &[0], "*"))], &[given()]), @r#"forward clean.t-0 key={"id":"{\"$oid\": \"5\"}"} value={"before":null, "after":"{\"_id\": {\"$oid\": \"5\"}, \"contact\": {\"email\": \"*\"},\"na\\u006de\" : \"J\u00f6rg \\\"J\\\" \ud83d\ude00\"}","updateDescription":{"removedFields":["phone","contact.fax"],"updatedFields":"{\"contact.email\": \"a@x.io\", \"name\": \"J\"}","truncatedArrays":[{"field":"tags","size":2}]},"source":{"connector":"mongodb","db":"shop","collection":"people"},"op":"u"}"#);
}

#[test]
fn the_id_is_edited_in_the_key_under_the_keys_own_name() {
    let renames = vec![
        Rename { column: field(Image::Key, "_id"), to: "number".into() },
        Rename { column: field(Image::After, "_id"), to: "number".into() },
    ];
    let chain =
        vec![masking(Image::Key, "_id", "hash"), planned(Plan { renames, ..Plan::default() })];
    assert_snapshot!(carry(settings(), chain, &[given()]), @r#"forward clean.t-0 key={"id":"hash"} value={"before":null, "after":"{\"number\": {\"$oid\": \"5\"}, \"contact\": {\"email\": \"a@x.io\"},\"na\\u006de\" : \"J\u00f6rg \\\"J\\\" \ud83d\ude00\"}","updateDescription":{"removedFields":["phone","contact.fax"],"updatedFields":"{\"contact.email\": \"a@x.io\", \"name\": \"J\"}","truncatedArrays":[{"field":"tags","size":2}]},"source":{"connector":"mongodb","db":"shop","collection":"people"},"op":"u"}"#);
}

#[test]
fn a_tombstone_has_the_key_of_its_document() {
    let given = [given(), Given::tombstone(KEY)];
    let seen = carry(settings(), vec![masking(Image::Key, "_id", "hash")], &given);
    let keys: Vec<&str> = seen.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(keys, [r#"key={"id":"hash"}"#; 2]);
}

#[test]
fn a_removed_field_takes_what_is_inside_it_along() {
    let removes = [both("contact"), both("phone")].concat();
    assert_snapshot!(carry(settings(), vec![planned(Plan { removes, ..Plan::default() })], &[given()]), @r#"forward clean.t-0 key={"id":"{\"$oid\": \"5\"}"} value={"before":null, "after":"{\"_id\": {\"$oid\": \"5\"},\"na\\u006de\" : \"J\u00f6rg \\\"J\\\" \ud83d\ude00\"}","updateDescription":{"removedFields":[],"updatedFields":"{\"name\": \"J\"}","truncatedArrays":[{"field":"tags","size":2}]},"source":{"connector":"mongodb","db":"shop","collection":"people"},"op":"u"}"#);
}

#[test]
fn a_renamed_field_is_renamed_wherever_it_is_spoken_of() {
    let rename = |(from, to): (&str, &str)| {
        let columns = both(from).into_iter();
        columns.map(|column| Rename { column, to: to.into() }).collect::<Vec<_>>()
    };
    let renames = [("contact", "con\"tact"), ("tags", "labels"), ("name", "who")];
    let renames = renames.into_iter().flat_map(rename).collect();
    assert_snapshot!(carry(settings(), vec![planned(Plan { renames, ..Plan::default() })], &[given()]), @r#"forward clean.t-0 key={"id":"{\"$oid\": \"5\"}"} value={"before":null, "after":"{\"_id\": {\"$oid\": \"5\"}, \"con\\\"tact\": {\"email\": \"a@x.io\"},\"who\" : \"J\u00f6rg \\\"J\\\" \ud83d\ude00\"}","updateDescription":{"removedFields":["phone","con\"tact.fax"],"updatedFields":"{\"con\\\"tact.email\": \"a@x.io\", \"who\": \"J\"}","truncatedArrays":[{"field":"labels","size":2}]},"source":{"connector":"mongodb","db":"shop","collection":"people"},"op":"u"}"#);
}

#[test]
fn a_new_field_comes_into_both_documents_and_an_unchanged_one_only_into_the_whole() {
    let plan = Plan {
        reads: vec![field(Image::After, "_id")],
        writes: vec![field(Image::After, "email_hash"), field(Image::After, "phone")],
        ..Plan::default()
    };
    let adds = Fake::new(plan, |_| {
        let mut answers = answer(0, &[0, 1], "h");
        answers.edits.extend(answer(1, &[0, 1], "***").edits);
        answers
    });
    assert_snapshot!(carry(settings(), vec![adds], &[given()]), @r#"forward clean.t-0 key={"id":"{\"$oid\": \"5\"}"} value={"before":null, "after":"{\"_id\": {\"$oid\": \"5\"}, \"contact\": {\"email\": \"a@x.io\"},\"na\\u006de\" : \"J\u00f6rg \\\"J\\\" \ud83d\ude00\",\"phone\":\"***\",\"email_hash\":\"h\"}","updateDescription":{"removedFields":["phone","contact.fax"],"updatedFields":"{\"contact.email\": \"a@x.io\", \"name\": \"J\",\"email_hash\":\"h\"}","truncatedArrays":[{"field":"tags","size":2}]},"source":{"connector":"mongodb","db":"shop","collection":"people"},"op":"u"}"#);
}

#[test]
fn a_document_that_becomes_empty_or_was_can_take_a_field() {
    let value = r#"{"after":"{ }","source":{"db":"d","collection":"c"},"op":"c"}"#;
    let plan = Plan {
        reads: vec![field(Image::After, "x")],
        writes: vec![field(Image::After, "x")],
        ..Plan::default()
    };
    let adds = Fake::new(plan, |_| answer(0, &[0], "1"));
    assert_snapshot!(carry(settings(), vec![adds], &[Given::value(value)]), @r#"forward clean.t-0 value={"after":"{\"x\":\"1\" }","source":{"db":"d","collection":"c"},"op":"c"}"#);
}

#[test]
fn a_filter_decides_by_the_document_and_not_by_what_changed() {
    let dropping = |rows: &'static [u32]| {
        let plan = Plan { reads: vec![field(Image::After, "name")], ..Plan::default() };
        Fake::new(plan, |_| Answer { drops: rows.to_vec(), ..Answer::default() })
    };
    assert_snapshot!(carry(settings(), vec![dropping(&[0])], &[given()]), @r#"drop Plugin("fake")"#);
    let seen = carry(settings(), vec![dropping(&[1])], &[given()]);
    assert_eq!(seen, format!("forward clean.t-0 key={KEY} value={UPDATE}\n"));
}

#[test]
fn no_document_passes_without_what_goes_with_it() {
    // Of the two documents only the second has a name of one letter: where its plugin fails, neither passes.
    let plan = Plan { reads: vec![field(Image::After, "name")], ..Plan::default() };
    let rejects = Fake::new(plan, |_| Answer {
        rejections: vec![crate::contract::Rejection { row: 1, reason: "no".into() }],
        ..Answer::default()
    });
    assert_snapshot!(carry(settings(), vec![rejects.on_fault(FaultPolicy::Drop)], &[given()]), @r#"drop Policy"#);
    let plan = Plan { reads: vec![field(Image::After, "name")], ..Plan::default() };
    let fails = Fake::faulting(plan, FaultClass::Trap).on_fault(FaultPolicy::Drop);
    assert_snapshot!(carry(settings(), vec![fails], &[given()]), @r#"drop Policy"#);
}

#[test]
fn the_schema_of_a_document_in_a_string_stays() {
    let schema = r#"{"type":"struct","fields":[{"type":"string","optional":true,"name":"io.debezium.data.Json","field":"after"}]}"#;
    let key_schema = r#"{"type":"struct","fields":[{"type":"string","optional":false,"field":"id"}],"optional":false}"#;
    let value = format!(r#"{{"schema":{schema},"payload":{UPDATE}}}"#);
    let key = format!(r#"{{"schema":{key_schema},"payload":{KEY}}}"#);
    let renames = vec![Rename { column: field(Image::Key, "_id"), to: "number".into() }];
    let chain = vec![
        masking(Image::After, "name", "*"),
        masking(Image::Key, "_id", "hash"),
        planned(Plan { renames, removes: both("contact"), ..Plan::default() }),
    ];
    let seen = carry(settings(), chain, &[Given::value(value).key(key)]);
    assert!(seen.contains(&format!(r#"value={{"schema":{schema},"#)), "{seen}");
    assert!(
        seen.contains(&format!(r#"key={{"schema":{key_schema},"payload":{{"id":"hash"}}}}"#)),
        "{seen}"
    );
    let null = Plan {
        writes: vec![field(Image::Key, "_id")],
        reads: vec![field(Image::Key, "_id")],
        ..Plan::default()
    };
    let null = Fake::new(null, |_| {
        let mut nulls = answer(0, &[0], "");
        nulls.edits[0].cells.kinds = vec![kind::NULL];
        nulls
    });
    let key = format!(r#"{{"schema":{key_schema},"payload":{KEY}}}"#);
    let seen = carry(settings(), vec![null], &[Given::value(UPDATE).key(key)]);
    assert!(
        seen.contains(r#""optional":true,"field":"id"}],"optional":false},"payload":{"id":null}}"#),
        "{seen}"
    );
}

/// A document's text as a JSON string holds it, and where in that each field's value stands.
#[derive(Debug, Default)]
struct Spelt {
    text: String,
    values: Vec<std::ops::Range<usize>>,
}

impl Spelt {
    /// Spells a document, as the choices have it: which characters are escaped, and how, in the document and again in the string.
    fn new(
        document: &[(String, serde_json::Value)],
        mut choices: impl Iterator<Item = u8>,
    ) -> Self {
        let mut spelt = Self::default();
        spelt.string("{", &mut choices);
        for (number, (name, value)) in document.iter().enumerate() {
            spelt.string(if number > 0 { ", " } else { " " }, &mut choices);
            let name = respelt(&serde_json::to_string(name).unwrap(), &mut choices);
            spelt.string(&name, &mut choices);
            spelt.string(" : ", &mut choices);
            let start = spelt.text.len();
            let value = respelt(&value.to_string(), &mut choices);
            spelt.string(&value, &mut choices);
            spelt.values.push(start..spelt.text.len());
        }
        spelt.string("}", &mut choices);
        spelt
    }

    fn string(&mut self, text: &str, choices: &mut impl Iterator<Item = u8>) {
        for character in text.chars() {
            let choice = choices.next().unwrap_or_default() % 4;
            match (character, choice) {
                ('"', _) => self.text += "\\\"",
                ('/', 1) => self.text += "\\/",
                ('\\', 0..=2) => self.text += "\\\\",
                // Edits build on this brace.
                ('{', _) => self.text.push('{'),
                (_, 3) | (..=' ', 1) => self.text += &by_number(character),
                ('\n', _) => self.text += "\\n",
                (..' ', _) => self.text += &by_number(character),
                _ => self.text.push(character),
            }
        }
    }
}

fn by_number(character: char) -> String {
    let units = character.encode_utf16(&mut [0; 2]).to_vec();
    units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// JSON text with some letters of its strings, which no other token has here, escaped by their numbers.
fn respelt(json: &str, choices: &mut impl Iterator<Item = u8>) -> String {
    let spell = |character: char| match character {
        'é' | '😀' | 'x' | '.' if choices.next().unwrap_or_default() % 3 == 1 => {
            by_number(character)
        }
        _ => character.to_string(),
    };
    json.chars().map(spell).collect()
}

fn name() -> impl Strategy<Value = String> {
    "[ax/ \"\\\\é😀\u{1}\n{}:,$]{0,6}"
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        proptest::bool::ANY.prop_map(serde_json::Value::from),
        proptest::num::i64::ANY.prop_map(serde_json::Value::from),
        name().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
            proptest::collection::btree_map(name(), inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn an_edit_replaces_one_value_of_a_document_however_it_is_spelt(
        fields in proptest::collection::btree_map(name(), value(), 1..5),
        choices in proptest::collection::vec(0u8..12, 1..60),
        which in proptest::sample::Index::arbitrary(),
        mask in "[a/\"\\\\é😀\n]{0,5}",
    ) {
        let fields: Vec<(String, serde_json::Value)> = fields.into_iter().collect();
        let spelt = Spelt::new(&fields, choices.into_iter().cycle());
        let which = which.index(fields.len());
        let value = |document: &str| {
            format!(r#"{{"after":"{document}","source":{{"db":"d","collection":"c"}},"op":"c"}}"#)
        };
        let read = |value: &str| -> serde_json::Value {
            let event: serde_json::Value = serde_json::from_str(value).unwrap();
            serde_json::from_str(event["after"].as_str().unwrap()).unwrap()
        };
        let was = read(&value(&spelt.text));
        prop_assert_eq!(was.as_object().unwrap().len(), fields.len());

        let cell = vec![field(Image::After, &fields[which].0)];
        let plan = Plan { reads: cell.clone(), writes: cell, ..Plan::default() };
        let (wanted, text) = (fields[which].1.clone(), mask.clone());
        let masks = Fake::new(plan, move |batch| {
            let cells = &batch.reads[0];
            let data = std::str::from_utf8(&cells.data).unwrap();
            let read = match cells.kinds[0] {
                kind::STRING => serde_json::Value::from(data),
                kind::NULL => serde_json::Value::Null,
                _ => serde_json::from_str(data).unwrap(),
            };
            assert_eq!(read, wanted);
            answer(0, &[0], &text)
        });
        let left = carry(settings(), vec![masks], &[Given::value(value(&spelt.text))]);
        let left = left.trim_end().strip_prefix("forward clean.t-0 value=").unwrap();

        let mut masked = was;
        masked[&fields[which].0] = mask.clone().into();
        prop_assert_eq!(read(left), masked);
        let string = serde_json::to_string(&serde_json::to_string(&mask).unwrap()).unwrap();
        let inner = string.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap();
        let mut bytes = spelt.text;
        bytes.replace_range(spelt.values[which].clone(), inner);
        prop_assert_eq!(left, value(&bytes), "what nobody edited stays byte for byte");
    }
}
