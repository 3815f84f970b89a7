//! Debezium's records beyond plain rows: which meet plugins, and what leaves untouched.

use insta::assert_snapshot;

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::cell::Placeholder;
use crate::config::Pipeline as Settings;
use crate::contract::{Answer, Image, Plan, kind};

const SOURCE: &str = r#""source":{"db":"shop","table":"people","query":"insert 'a@x.io'"}"#;

/// Sets `email` of the after image to stars, whatever text is there.
fn masking() -> Fake {
    let email = vec![field(Image::After, "email")];
    let plan = Plan { reads: email.clone(), writes: email, ..Plan::default() };
    Fake::new(plan, |batch| {
        let strings = batch.reads[0].kinds.iter().enumerate().filter(|(_, k)| **k == kind::STRING);
        let rows: Vec<u32> = strings.map(|(row, _)| u32::try_from(row).unwrap()).collect();
        answer(0, &rows, "***")
    })
}

#[test]
fn a_statement_beside_a_row_does_not_hinder_its_edit() {
    let value = format!(r#"{{"before":null,"after":{{"email":"a@x.io"}},{SOURCE},"op":"c"}}"#);
    assert_snapshot!(carry(settings(), vec![masking()], &[Given::value(value)]), @r#"forward clean.t-0 value={"before":null,"after":{"email":"***"},"source":{"db":"shop","table":"people","query":"insert 'a@x.io'"},"op":"c"}"#);
}

#[test]
fn the_pipelines_own_placeholder_is_left_alone() {
    let row = |email: &str| {
        Given::value(format!(
            r#"{{"after":{{"email":{email}}},"source":{{"table":"t"}},"op":"u"}}"#
        ))
    };
    let unavailable = Placeholder::parse("hex:6e6f6e65").unwrap();
    let own = Settings { unavailable, ..settings() };
    let given = [
        row(r#""none""#),
        row(r#""bm9uZQ==""#),
        row(r#""{\"none\":\"none\"}""#),
        row(r#""__debezium_unavailable_value""#),
    ];
    assert_snapshot!(carry(own, vec![masking()], &given), @r#"
    forward clean.t-0 value={"after":{"email":"none"},"source":{"table":"t"},"op":"u"}
    forward clean.t-0 value={"after":{"email":"bm9uZQ=="},"source":{"table":"t"},"op":"u"}
    forward clean.t-0 value={"after":{"email":"{\"none\":\"none\"}"},"source":{"table":"t"},"op":"u"}
    forward clean.t-0 value={"after":{"email":"***"},"source":{"table":"t"},"op":"u"}
    "#);
}

#[test]
fn whatever_the_snapshot_flag_says_a_read_is_a_row() {
    let flags =
        ["true", "\"true\"", "\"first\"", "\"last\"", "\"false\"", "\"incremental\"", "null"];
    let given = flags.map(|flag| {
        Given::value(format!(
            r#"{{"before":null,"after":{{"email":"a@x.io"}},"source":{{"snapshot":{flag},"table":"t"}},"op":"r"}}"#
        ))
    });
    let seen = carry(settings(), vec![masking()], &given);
    assert_eq!(seen.matches(r#""email":"***""#).count(), flags.len(), "{seen}");
}

#[test]
fn what_is_no_row_passes_by_the_plugins() {
    let all = Plan { reads: vec![field(Image::After, "email")], ..Plan::default() };
    let nobody = Fake::new(all, |_| panic!("no plugin sees these"));
    let values = [
        r#"{"op":"t","source":{"table":"people","query":"truncate people"},"before":null,"after":null}"#,
        r#"{"op":"m","source":{"schema":"","table":""},"message":{"prefix":"p","content":"YQ=="}}"#,
        r#"{"ts_ms":1}"#,
        r#"{"status":"END","id":"7:8","event_count":1,"data_collections":[{"data_collection":"people","event_count":1}],"ts_ms":1}"#,
        r#"{"source":{"connector":"mysql"},"databaseName":"shop","ddl":"DROP TABLE people","tableChanges":[]}"#,
    ];
    let seen = carry(settings(), vec![nobody], &values.map(Given::value));
    let passed: String =
        values.iter().map(|value| format!("forward clean.t-0 value={value}\n")).collect();
    assert_eq!(seen, passed);
}

#[test]
fn a_signal_is_a_row_like_any() {
    let value = r#"{"before":null,"after":{"id":"s1","type":"execute-snapshot","data":"{}"},"source":{"db":"shop","schema":"public","table":"debezium_signal"},"op":"c"}"#;
    let plan = Plan { reads: vec![field(Image::After, "type")], ..Plan::default() };
    let drops = Fake::new(plan, |_| Answer { drops: vec![0], ..Answer::default() });
    let chain = vec![drops.only_table("public.debezium_signal")];
    assert_snapshot!(carry(settings(), chain, &[Given::value(value)]), @r#"drop Plugin("fake")"#);
}

#[test]
fn a_changed_primary_key_leaves_as_delete_tombstone_and_create_in_that_order() {
    let source = r#""source":{"table":"people"}"#;
    let (old, new) = (r#"{"id":1}"#, r#"{"id":2}"#);
    let given = [
        Given::value(format!(
            r#"{{"before":{{"id":1,"email":"a@x.io"}},"after":null,{source},"op":"d"}}"#
        ))
        .key(old.into())
        .header("__debezium.newkey", Some(new)),
        Given::tombstone(old).header("__debezium.newkey", Some(new)),
        Given::value(format!(
            r#"{{"before":null,"after":{{"id":2,"email":"a@x.io"}},{source},"op":"c"}}"#
        ))
        .key(new.into())
        .header("__debezium.oldkey", Some(old)),
    ];
    assert_snapshot!(carry(settings(), vec![masking()], &given), @r#"
    forward clean.t-0 key={"id":1} value={"before":{"id":1,"email":"a@x.io"},"after":null,"source":{"table":"people"},"op":"d"} __debezium.newkey={"id":2}
    forward clean.t-0 key={"id":1} value=null __debezium.newkey={"id":2}
    forward clean.t-0 key={"id":2} value={"before":null,"after":{"id":2,"email":"***"},"source":{"table":"people"},"op":"c"} __debezium.oldkey={"id":1}
    "#);
    let plan = Plan { reads: vec![field(Image::Before, "id")], ..Plan::default() };
    let drops = Fake::new(plan, |_| Answer { drops: vec![0], ..Answer::default() });
    let kept = carry(settings(), vec![drops], &given);
    let fates: Vec<&str> = kept.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(fates, ["drop", "drop", "forward"], "a tombstone goes the way of its delete");
}

#[test]
fn a_delete_without_images_passes_and_keeps_its_key() {
    let value = format!(r#"{{"before":null,"after":null,{SOURCE},"op":"d"}}"#);
    let given = [Given::value(value).key(r#"{"id":1}"#.into())];
    assert_snapshot!(carry(settings(), vec![masking()], &given), @r#"forward clean.t-0 key={"id":1} value={"before":null,"after":null,"source":{"db":"shop","table":"people","query":"insert 'a@x.io'"},"op":"d"}"#);
}

#[test]
fn what_a_partial_image_lacks_is_unknown_and_not_null() {
    let value =
        format!(r#"{{"before":{{"id":1}},"after":{{"id":1,"email":"a@x.io"}},{SOURCE},"op":"u"}}"#);
    let plan = Plan {
        reads: vec![field(Image::Before, "email"), field(Image::After, "email")],
        ..Plan::default()
    };
    let reads = Fake::new(plan, |batch| {
        assert_eq!(batch.reads[0].kinds, [kind::ABSENT]);
        assert_eq!(batch.reads[1].kinds, [kind::STRING]);
        Answer::default()
    });
    carry(settings(), vec![reads], &[Given::value(value)]);
}
