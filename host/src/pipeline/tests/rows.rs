//! Records of several rows: some dropped, edited, or losing a column.

use insta::assert_snapshot;

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::Pipeline as Settings;
use crate::contract::{Answer, Image, Plan, Rename};
use crate::table::Dialect;

const MESSAGE: &str = r#"{"data":[{"id":"1","n":"a"}, {"id":"2","n":"b"} ,{"id":"3","n":"c"}],"database":"d","mysqlType":{"id":"int", "n":"text"},"old":[{"n":"x"},null,{"id":"0"}],"pkNames":["id"],"sqlType":{"id":4,"n":12},"table":"t","type":"UPDATE"}"#;

fn canal() -> Settings {
    Settings { dialects: Dialect::Canal.into(), ..settings() }
}

fn dropping(rows: &'static [u32]) -> Fake {
    let plan = Plan { reads: vec![field(Image::After, "id")], ..Plan::default() };
    Fake::new(plan, |_| Answer { drops: rows.to_vec(), ..Answer::default() })
}

#[test]
fn a_dropped_row_leaves_with_what_it_was() {
    assert_snapshot!(carry(canal(), vec![dropping(&[1])], &[Given::value(MESSAGE)]), @r#"forward clean.t-0 value={"data":[{"id":"1","n":"a"} ,{"id":"3","n":"c"}],"database":"d","mysqlType":{"id":"int", "n":"text"},"old":[{"n":"x"},{"id":"0"}],"pkNames":["id"],"sqlType":{"id":4,"n":12},"table":"t","type":"UPDATE"}"#);
    assert_snapshot!(carry(canal(), vec![dropping(&[0, 1])], &[Given::value(MESSAGE)]), @r#"forward clean.t-0 value={"data":[{"id":"3","n":"c"}],"database":"d","mysqlType":{"id":"int", "n":"text"},"old":[{"id":"0"}],"pkNames":["id"],"sqlType":{"id":4,"n":12},"table":"t","type":"UPDATE"}"#);
    assert_snapshot!(carry(canal(), vec![dropping(&[2])], &[Given::value(MESSAGE)]), @r#"forward clean.t-0 value={"data":[{"id":"1","n":"a"}, {"id":"2","n":"b"}],"database":"d","mysqlType":{"id":"int", "n":"text"},"old":[{"n":"x"},null],"pkNames":["id"],"sqlType":{"id":4,"n":12},"table":"t","type":"UPDATE"}"#);
}

#[test]
fn a_message_whose_rows_are_all_dropped_is_dropped() {
    let seen = carry(canal(), vec![dropping(&[0, 1, 2])], &[Given::value(MESSAGE)]);
    assert_snapshot!(seen, @r#"drop Plugin("fake")"#);
}

#[test]
fn a_removed_or_renamed_column_goes_from_types_and_keys_too() {
    let fields = |name: &str| vec![field(Image::Before, name), field(Image::After, name)];
    let plan = Plan { removes: fields("id"), ..Plan::default() };
    let seen =
        carry(canal(), vec![Fake::new(plan, |_| Answer::default())], &[Given::value(MESSAGE)]);
    assert_snapshot!(seen, @r#"forward clean.t-0 value={"data":[{"n":"a"}, {"n":"b"} ,{"n":"c"}],"database":"d","mysqlType":{"n":"text"},"old":[{"n":"x"},null,{}],"pkNames":[],"sqlType":{"n":12},"table":"t","type":"UPDATE"}"#);
    let renames = fields("id").into_iter().map(|column| Rename { column, to: "key".into() });
    let plan = Plan { renames: renames.collect(), ..Plan::default() };
    let seen =
        carry(canal(), vec![Fake::new(plan, |_| Answer::default())], &[Given::value(MESSAGE)]);
    assert_snapshot!(seen, @r#"forward clean.t-0 value={"data":[{"key":"1","n":"a"}, {"key":"2","n":"b"} ,{"key":"3","n":"c"}],"database":"d","mysqlType":{"key":"int", "n":"text"},"old":[{"n":"x"},null,{"key":"0"}],"pkNames":["key"],"sqlType":{"key":4,"n":12},"table":"t","type":"UPDATE"}"#);
}

#[test]
fn an_unchanged_column_reads_as_it_is_now_and_is_not_written_into_what_it_was() {
    let plan = Plan {
        reads: vec![field(Image::Before, "n")],
        writes: vec![field(Image::Before, "n")],
        ..Plan::default()
    };
    let mask = Fake::new(plan, |batch| {
        assert_eq!(batch.reads[0].data, b"xc", "of what the second was nothing is known");
        answer(0, &[0, 1, 2], "*")
    });
    assert_snapshot!(carry(canal(), vec![mask], &[Given::value(MESSAGE)]), @r#"forward clean.t-0 value={"data":[{"id":"1","n":"a"}, {"id":"2","n":"b"} ,{"id":"3","n":"c"}],"database":"d","mysqlType":{"id":"int", "n":"text"},"old":[{"n":"*"},null,{"id":"0"}],"pkNames":["id"],"sqlType":{"id":4,"n":12},"table":"t","type":"UPDATE"}"#);
}
