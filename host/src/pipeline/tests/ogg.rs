//! GoldenGate's operations, masked and losing columns.

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::Pipeline as Settings;
use crate::contract::{Answer, Image, Plan, Rename};
use crate::table::Dialect;

const UPDATE: &str = r#"{"table":"HR.PEOPLE","op_type":"U","primary_keys":["ID", "SSN"],"tokens":{"R":"SSN"},"before":{"ID":1,"SSN":"a"},"after":{"ID":1, "N":2.50}}"#;

fn ogg() -> Settings {
    Settings { dialects: Dialect::Ogg.into(), ..settings() }
}

fn left(plugin: Fake) -> String {
    let seen = carry(ogg(), vec![plugin], &[Given::value(UPDATE)]);
    seen.strip_prefix("forward clean.t-0 value=").unwrap_or(&seen).trim_end().to_owned()
}

fn both(name: &str) -> Vec<crate::contract::Field> {
    vec![field(Image::Before, name), field(Image::After, name)]
}

#[test]
fn a_masked_column_is_masked_where_the_row_has_it() {
    let plan = Plan { writes: vec![field(Image::Before, "SSN")], ..Plan::default() };
    let masks = Fake::new(plan, |_| answer(0, &[0], "*")).only_table("HR.PEOPLE");
    assert_eq!(left(masks), UPDATE.replace(r#""SSN":"a""#, r#""SSN":"*""#));
}

#[test]
fn a_removed_or_renamed_column_goes_from_the_keys_names_too() {
    let plan = Plan { removes: both("SSN"), ..Plan::default() };
    assert_eq!(
        left(Fake::new(plan, |_| Answer::default())),
        UPDATE.replace(r#", "SSN"]"#, "]").replace(r#","SSN":"a""#, "")
    );
    let renames = both("ID").into_iter().map(|column| Rename { column, to: "KEY".into() });
    let plan = Plan { renames: renames.collect(), ..Plan::default() };
    assert_eq!(left(Fake::new(plan, |_| Answer::default())), UPDATE.replace(r#""ID""#, r#""KEY""#));
}

/// T18.
#[test]
fn a_column_that_an_image_lacks_reads_as_absent() {
    let plan = Plan { reads: both("SSN"), ..Plan::default() };
    let reads = Fake::new(plan, |batch| {
        let kinds = [batch.reads[0].kinds[0], batch.reads[1].kinds[0]];
        assert_eq!(kinds, [crate::contract::kind::STRING, crate::contract::kind::ABSENT]);
        Answer::default()
    });
    assert_eq!(left(reads), UPDATE);
}

#[test]
fn a_dropped_row_is_dropped() {
    let plan = Plan { reads: vec![field(Image::After, "ID")], ..Plan::default() };
    let drops = Fake::new(plan, |_| Answer { drops: vec![0], ..Answer::default() });
    assert_eq!(left(drops), "drop Plugin(\"fake\")");
}
