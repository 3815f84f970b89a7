//! Flattened rows through plugins, with the schema around them.

use insta::assert_snapshot;

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::Pipeline as Settings;
use crate::contract::{Answer, Batch, Cells, Edit, Image, Plan, Rename, kind};
use crate::table::Dialect;

const SCHEMA: &str = r#"{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}, {"type":"string","optional":false,"field":"n"},{"type":"string","optional":true,"field":"__deleted"}],"optional":false,"name":"p.t.Value"}"#;

fn flat() -> Settings {
    Settings { dialects: Dialect::DebeziumFlat.into(), ..settings() }
}

fn enveloped(row: &str) -> Given {
    let key = r#"{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}}"#;
    Given::value(format!(r#"{{"schema":{SCHEMA},"payload":{row}}}"#)).key(key.to_owned())
}

fn insert() -> Given {
    enveloped(r#"{"id":1,"n":"a","__deleted":"false"}"#)
}

fn delete() -> Given {
    enveloped(r#"{"id":1,"n":"a","__deleted":"true"}"#)
}

fn both(name: &str) -> Vec<crate::contract::Field> {
    vec![field(Image::Before, name), field(Image::After, name)]
}

#[test]
fn an_untouched_row_leaves_as_it_came() {
    for given in [insert(), delete(), Given::value(r#"{"id":1,"__op":"c"}"#), Given::tombstone("1")]
    {
        let seen = carry(flat(), vec![], std::slice::from_ref(&given));
        let plan = Plan { reads: both("n"), ..Plan::default() };
        let reader = Fake::new(plan, |_| Answer::default());
        assert_eq!(carry(flat(), vec![reader], &[given]), seen);
    }
}

#[test]
fn a_removed_column_leaves_the_schema_of_inserts_and_deletes_alike() {
    let remove = || {
        let plan = Plan { removes: both("n"), ..Plan::default() };
        Fake::new(plan, |_| Answer::default())
    };
    assert_snapshot!(carry(flat(), vec![remove()], &[insert(), delete(), insert()]), @r#"
    forward clean.t-0 key={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}} value={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":true,"field":"__deleted"}],"optional":false,"name":"p.t.Value"},"payload":{"id":1,"__deleted":"false"}}
    forward clean.t-0 key={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}} value={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":true,"field":"__deleted"}],"optional":false,"name":"p.t.Value"},"payload":{"id":1,"__deleted":"true"}}
    forward clean.t-0 key={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}} value={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":true,"field":"__deleted"}],"optional":false,"name":"p.t.Value"},"payload":{"id":1,"__deleted":"false"}}
    "#);
}

#[test]
fn a_renamed_column_is_renamed_in_the_schema() {
    let renames = both("n").into_iter().map(|column| Rename { column, to: "name".into() });
    let plan = Plan { renames: renames.collect(), ..Plan::default() };
    let rename = Fake::new(plan, |_| Answer::default());
    assert_snapshot!(carry(flat(), vec![rename], &[insert(), delete()]), @r#"
    forward clean.t-0 key={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}} value={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}, {"type":"string","optional":false,"field":"name"},{"type":"string","optional":true,"field":"__deleted"}],"optional":false,"name":"p.t.Value"},"payload":{"id":1,"name":"a","__deleted":"false"}}
    forward clean.t-0 key={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}} value={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}, {"type":"string","optional":false,"field":"name"},{"type":"string","optional":true,"field":"__deleted"}],"optional":false,"name":"p.t.Value"},"payload":{"id":1,"name":"a","__deleted":"true"}}
    "#);
}

#[test]
fn a_column_of_another_type_has_another_type_in_the_schema() {
    let plan = Plan { writes: both("id"), ..Plan::default() };
    let becomes_text = Fake::new(plan, |batch| {
        let rows = rows(&batch);
        let edits = [answer(0, &rows, "one"), answer(1, &rows, "one")];
        Answer {
            edits: edits.into_iter().flat_map(|answer| answer.edits).collect(),
            ..Answer::default()
        }
    });
    assert_snapshot!(carry(flat(), vec![becomes_text], &[insert(), delete()]), @r#"
    forward clean.t-0 key={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}} value={"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"id"}, {"type":"string","optional":false,"field":"n"},{"type":"string","optional":true,"field":"__deleted"}],"optional":false,"name":"p.t.Value"},"payload":{"id":"one","n":"a","__deleted":"false"}}
    forward clean.t-0 key={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}} value={"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"id"}, {"type":"string","optional":false,"field":"n"},{"type":"string","optional":true,"field":"__deleted"}],"optional":false,"name":"p.t.Value"},"payload":{"id":"one","n":"a","__deleted":"true"}}
    "#);
}

#[test]
fn a_column_that_becomes_null_becomes_optional() {
    let plan = Plan { writes: both("n"), ..Plan::default() };
    let nulls = Fake::new(plan, |batch| {
        let rows = rows(&batch);
        let cells = Cells {
            kinds: vec![kind::NULL; rows.len()],
            ends: vec![0; rows.len()],
            data: Vec::new(),
        };
        let edits = (0..2).map(|write| Edit { write, rows: rows.clone(), cells: cells.clone() });
        Answer { edits: edits.collect(), ..Answer::default() }
    });
    assert_snapshot!(carry(flat(), vec![nulls], &[insert(), delete()]), @r#"
    forward clean.t-0 key={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}} value={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}, {"type":"string","optional":true,"field":"n"},{"type":"string","optional":true,"field":"__deleted"}],"optional":false,"name":"p.t.Value"},"payload":{"id":1,"n":null,"__deleted":"false"}}
    forward clean.t-0 key={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}} value={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}, {"type":"string","optional":true,"field":"n"},{"type":"string","optional":true,"field":"__deleted"}],"optional":false,"name":"p.t.Value"},"payload":{"id":1,"n":null,"__deleted":"true"}}
    "#);
}

#[test]
fn a_created_column_gets_a_field() {
    let plan = Plan { writes: vec![field(Image::After, "made")], ..Plan::default() };
    let create = Fake::new(plan, |_| answer(0, &[0], "x"));
    assert_snapshot!(carry(flat(), vec![create], &[insert()]), @r#"forward clean.t-0 key={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}]},"payload":{"id":1}} value={"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}, {"type":"string","optional":false,"field":"n"},{"type":"string","optional":true,"field":"__deleted"},{"type":"string","optional":true,"field":"made"}],"optional":false,"name":"p.t.Value"},"payload":{"id":1,"n":"a","__deleted":"false","made":"x"}}"#);
}

fn rows(batch: &Batch<'_>) -> Vec<u32> {
    (0u32..).zip(batch.operations).map(|(row, _)| row).collect()
}
