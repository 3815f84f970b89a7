//! What becomes of rows whose protected columns nobody covers, and of columns that no one has listed.

use insta::assert_snapshot;

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::{ColumnPattern, FaultPolicy, Payload, Pipeline as Settings, Unlisted};
use crate::contract::{Answer, Image, Plan, Rename};
use crate::table::Dialect;

fn patterns(texts: &[&str]) -> Vec<ColumnPattern> {
    texts.iter().map(|text| ColumnPattern::parse(text).unwrap()).collect()
}

fn protecting(protect: &[&str]) -> Settings {
    Settings { protect: patterns(protect), ..settings() }
}

/// A row of the table, whose after image is `{"id":1` and `more`.
fn row(table: &str, more: &str) -> Given {
    Given::value(format!(
        r#"{{"before":null,"after":{{"id":1{more}}},"source":{{"db":"shop","table":"{table}"}},"op":"c"}}"#
    ))
}

/// Puts `*` in place of the column in the images that are named.
fn masks(column: &str, images: &[Image]) -> Fake {
    let fields: Vec<_> = images.iter().map(|image| field(*image, column)).collect();
    let at = images.iter().position(|image| *image == Image::After);
    let write = u32::try_from(at.unwrap()).unwrap();
    let plan = Plan { reads: fields.clone(), writes: fields, ..Plan::default() };
    Fake::new(plan, move |batch| {
        let rows: Vec<u32> = (0u32..).zip(batch.operations).map(|(row, _)| row).collect();
        answer(write, &rows, "*")
    })
}

const IMAGES: [Image; 2] = [Image::Before, Image::After];

fn first_words(told: &str) -> Vec<String> {
    let words = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    told.lines().map(words).collect()
}

#[test]
fn a_table_that_is_not_proven_halts_and_the_others_go_on() {
    let given = [row("people", r#","ssn":"078-05-1120""#), row("orders", ""), row("people", "")];
    let told = carry(protecting(&["people.ssn"]), vec![masks("email", &IMAGES)], &given);
    assert_eq!(
        first_words(&told),
        ["halt protected-in-clear:", "forward clean.t-0", "halt protected-in-clear:"]
    );
    assert_snapshot!(told.lines().next().unwrap(), @r#"halt protected-in-clear: table "shop.people" would leave protected columns in clear: "ssn" in before image, after image, where no plugin writes or removes it; a plugin has to write or remove them there for every operation, as mask does; `lockgate check --proof` shows all"#);
    assert!(!told.contains("078-05-1120"));
}

#[test]
fn a_table_that_is_proven_goes_on_masked() {
    let given = [row("people", r#","ssn":"078-05-1120""#)];
    let told = carry(protecting(&["people.ssn"]), vec![masks("ssn", &IMAGES)], &given);
    assert_eq!(first_words(&told), ["forward clean.t-0"]);
    assert!(told.contains(r#""ssn":"*""#));
}

#[test]
fn one_image_that_nobody_covers_is_enough() {
    let given = [row("people", r#","ssn":"078-05-1120""#)];
    let told = carry(protecting(&["*.ssn"]), vec![masks("ssn", &[Image::After])], &given);
    assert!(told.contains(r#""ssn" in before image, where"#), "{told}");
}

#[test]
fn a_plugin_that_passes_its_faults_proves_nothing() {
    let given = [row("people", r#","ssn":"078-05-1120""#)];
    let passes = masks("ssn", &IMAGES).on_fault(FaultPolicy::Pass);
    let told = carry(protecting(&["*.ssn"]), vec![passes], &given);
    assert!(told.starts_with("halt protected-in-clear"), "{told}");
    assert!(
        told.contains("on_fault = \"pass\" lets records by when plugin \"fake\" fails"),
        "{told}"
    );
}

#[test]
fn a_column_that_comes_later_halts_its_table_then() {
    let mut lane = super::fake::Lane::new(protecting(&["*.ssn"]), vec![masks("email", &IMAGES)]);
    let early = lane.carry(&[row("people", r#","email":"a@x.io""#), row("orders", "")]);
    assert_eq!(first_words(&early), ["forward clean.t-0", "forward clean.t-0"]);
    let late = lane.carry(&[row("people", r#","ssn":"078-05-1120""#), row("orders", "")]);
    assert_eq!(first_words(&late), ["halt protected-in-clear:", "forward clean.t-0"]);
    // It does not heal by itself, and does with a plugin that covers the column.
    let again = lane.carry(&[row("people", ""), row("orders", "")]);
    assert_eq!(first_words(&again), ["halt protected-in-clear:", "forward clean.t-0"]);
    lane.replace(vec![masks("ssn", &IMAGES)]);
    let healed = lane.carry(&[row("people", r#","ssn":"078-05-1120""#)]);
    assert!(healed.contains(r#""ssn":"*""#), "{healed}");
}

#[test]
fn a_protected_key_is_looked_for_in_tombstones_too() {
    let given = [Given::tombstone(r#"{"ssn":"078-05-1120"}"#)];
    let told = carry(protecting(&["*.ssn"]), vec![masks("ssn", &IMAGES)], &given);
    assert!(told.contains(r#""ssn" in key, tombstone key, where"#), "{told}");
}

fn unlisted(policy: Unlisted, listed: &[&str]) -> Settings {
    Settings { unlisted: policy, listed: patterns(listed), ..settings() }
}

#[test]
fn an_unlisted_column_is_removed_from_every_image_and_the_key() {
    let value = r#"{"before":{"id":1,"fax":"7"},"after":{"id":1,"fax":"8"},"source":{"db":"shop","table":"people"},"op":"u"}"#;
    let given = [Given::value(value).key(r#"{"id":1,"fax":"8"}"#.to_owned())];
    let told = carry(unlisted(Unlisted::Remove, &["people.id"]), vec![], &given);
    assert_snapshot!(told, @r#"forward clean.t-0 key={"id":1} value={"before":{"id":1},"after":{"id":1},"source":{"db":"shop","table":"people"},"op":"u"}"#);
}

#[test]
fn an_unlisted_column_refuses_the_rows_that_hold_it() {
    let given = [row("people", r#","fax":"8""#), row("people", ""), row("orders", "")];
    let told = carry(unlisted(Unlisted::DeadLetter, &["*.id"]), vec![], &given);
    assert_snapshot!(told, @r#"
    dead-letter schema-unknown: nobody has listed column "fax" of table "shop.people"; name it under `listed`, or let a plugin write or remove it (masked) value={"before":null,"after":{"id":1,"fax":"[redacted]"},"source":{"db":"shop","table":"people"},"op":"c"}
    forward clean.t-0 value={"before":null,"after":{"id":1},"source":{"db":"shop","table":"people"},"op":"c"}
    forward clean.t-0 value={"before":null,"after":{"id":1},"source":{"db":"shop","table":"orders"},"op":"c"}
    "#);
    let told = carry(unlisted(Unlisted::Halt, &["*.id"]), vec![], &given);
    assert_eq!(
        first_words(&told),
        ["halt schema-unknown:", "forward clean.t-0", "forward clean.t-0"]
    );
}

#[test]
fn what_a_plugin_changes_is_listed_and_what_it_only_reads_is_not() {
    let rename = Plan {
        renames: vec![Rename { column: field(Image::After, "fax"), to: "phone".into() }],
        ..Plan::default()
    };
    let reads = Plan { reads: vec![field(Image::After, "fax")], ..Plan::default() };
    let removes = Plan { removes: vec![field(Image::Before, "fax")], ..Plan::default() };
    let given = [row("people", r#","fax":"8""#)];
    for (plan, fate) in [
        (rename, "forward clean.t-0"),
        (removes, "forward clean.t-0"),
        (reads, "halt schema-unknown:"),
    ] {
        let plugin = Fake::new(plan, |_| Answer::default());
        let told = carry(unlisted(Unlisted::Halt, &["people.id"]), vec![plugin], &given);
        assert_eq!(first_words(&told), [fate]);
    }
    let protect = Settings { protect: patterns(&["*.fax"]), ..unlisted(Unlisted::Halt, &["*.id"]) };
    let told = carry(protect, vec![masks("id", &IMAGES)], &given);
    assert!(told.starts_with("halt protected-in-clear"), "{told}");
}

#[test]
fn a_protected_column_that_nobody_lists_is_removed_with_the_others() {
    let settings =
        Settings { protect: patterns(&["*.fax"]), ..unlisted(Unlisted::Remove, &["*.id"]) };
    let told = carry(settings, vec![], &[row("people", r#","fax":"8""#)]);
    assert_snapshot!(told, @r#"forward clean.t-0 value={"before":null,"after":{"id":1},"source":{"db":"shop","table":"people"},"op":"c"}"#);
}

#[test]
fn a_part_of_a_listed_field_is_listed() {
    let given = [row("people", r#","contact":"{}","contact.email":"a@x.io""#)];
    let listed = unlisted(Unlisted::Halt, &["*.id", "*.contact"]);
    assert_eq!(first_words(&carry(listed.clone(), vec![], &given)), ["forward clean.t-0"]);
    // Where dots are part of names it is a column of its own.
    let given = [Given::value(r#"{"id":1,"contact.email":"a@x.io"}"#)];
    let json = Settings { dialects: Dialect::Json.into(), ..listed };
    assert_eq!(first_words(&carry(json, vec![], &given)), ["halt schema-unknown:"]);
}

#[test]
fn an_opaque_key_is_refused_where_something_of_keys_is_removed() {
    let key = |key: &str| row("people", "").key(key.to_owned());
    let settings = unlisted(Unlisted::Remove, &["*.id"]);
    let told = carry(settings, vec![], &[key(r#"{"fax":"8"}"#), key("8")]);
    let words = ["forward clean.t-0", "dead-letter undecodable:"];
    assert_eq!(first_words(&told), words, "{told}");
    assert!(told.contains("yet the gateway changes a column of the key"), "{told}");
}

#[test]
fn dead_letters_of_any_cause_hide_what_nobody_lists() {
    let reads = Plan { reads: vec![field(Image::After, "id")], ..Plan::default() };
    let rejects = Fake::faulting(reads, crate::contract::FaultClass::Rejected);
    let settings =
        Settings { dead_letter_payload: Payload::Masked, ..unlisted(Unlisted::Remove, &["*.id"]) };
    let told = carry(settings, vec![rejects], &[row("people", r#","fax":"8""#)]);
    assert!(told.contains(r#""fax":"[redacted]""#), "{told}");
}
