//! TiCDC's messages through plugins.

use insta::assert_snapshot;

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::{ClassPolicy, Pipeline as Settings};
use crate::contract::{Answer, Image, Plan};
use crate::table::Dialect;

const UPDATE: &str = r#"{"id":0,"database":"shop","table":"items","pkNames":["id"],"isDdl":false,"type":"UPDATE","es":1,"ts":2,"sql":"","sqlType":{"id":4,"n":12},"mysqlType":{"n":"varchar","id":"int"},"old":[{"id":"7","n":"x"}],"data":[{"id":"7","n":"y"}],"_tidb":{"commitTs":464074446196178963}}"#;

const WATERMARK: &str = r#"{"id":0,"database":"","table":"","pkNames":null,"isDdl":false,"type":"TIDB_WATERMARK","es":1,"ts":2,"sql":"","sqlType":null,"mysqlType":null,"data":null,"old":null,"_tidb":{"watermarkTs":434919270523076621}}"#;

fn ticdc() -> Settings {
    Settings { dialects: Dialect::Ticdc.into(), ..settings() }
}

#[test]
fn t36_a_watermark_passes_in_its_own_partition_each_time_it_comes() {
    let given = [Given::value(WATERMARK), Given::value(UPDATE), Given::value(WATERMARK)];
    let plan = Plan { reads: vec![field(Image::After, "n")], ..Plan::default() };
    let drops = Fake::new(plan, |_| Answer { drops: vec![0], ..Answer::default() });
    let passes = format!("forward clean.t-0 value={WATERMARK}\n");
    let expected = format!("{passes}drop Plugin(\"fake\")\n{passes}");
    assert_eq!(carry(ticdc(), vec![drops], &given), expected);
}

#[test]
fn a_watermark_may_be_refused_by_policy() {
    let mut classes = ClassPolicy::defaults();
    classes.insert(crate::change::Class::Watermark, ClassPolicy::Drop);
    let settings = Settings { classes, ..ticdc() };
    assert_eq!(carry(settings, vec![], &[Given::value(WATERMARK)]), "drop Policy\n");
}

#[test]
fn a_column_leaves_with_its_types_whatever_their_order() {
    let fields = |name: &str| vec![field(Image::Before, name), field(Image::After, name)];
    let plan = Plan { removes: fields("n"), ..Plan::default() };
    let removes = Fake::new(plan, |_| Answer::default());
    assert_snapshot!(carry(ticdc(), vec![removes], &[Given::value(UPDATE)]), @r#"forward clean.t-0 value={"id":0,"database":"shop","table":"items","pkNames":["id"],"isDdl":false,"type":"UPDATE","es":1,"ts":2,"sql":"","sqlType":{"id":4},"mysqlType":{"id":"int"},"old":[{"id":"7"}],"data":[{"id":"7"}],"_tidb":{"commitTs":464074446196178963}}"#);
}

#[test]
fn a_mask_reaches_data_and_old() {
    let plan = Plan {
        writes: vec![field(Image::Before, "n"), field(Image::After, "n")],
        ..Plan::default()
    };
    let mask = Fake::new(plan, |_| {
        let edits = [answer(0, &[0], "*"), answer(1, &[0], "*")];
        Answer {
            edits: edits.into_iter().flat_map(|answer| answer.edits).collect(),
            ..Answer::default()
        }
    });
    assert_snapshot!(carry(ticdc(), vec![mask], &[Given::value(UPDATE)]), @r#"forward clean.t-0 value={"id":0,"database":"shop","table":"items","pkNames":["id"],"isDdl":false,"type":"UPDATE","es":1,"ts":2,"sql":"","sqlType":{"id":4,"n":12},"mysqlType":{"n":"varchar","id":"int"},"old":[{"id":"7","n":"*"}],"data":[{"id":"7","n":"*"}],"_tidb":{"commitTs":464074446196178963}}"#);
}
