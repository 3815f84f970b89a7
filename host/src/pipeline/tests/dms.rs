//! The Database Migration Service's records, masked and losing columns.

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::Pipeline as Settings;
use crate::contract::{Answer, Image, Plan};
use crate::table::Dialect;

fn dms() -> Settings {
    Settings { dialects: Dialect::Dms.into(), ..settings() }
}

fn left(plugin: Fake, value: &str) -> String {
    let given = [Given::value(value).key("shop.items".to_owned())];
    let seen = carry(dms(), vec![plugin], &given);
    let value = seen.strip_prefix("forward clean.t-0 key=shop.items value=");
    value.map_or_else(|| seen.clone(), |value| value.strip_suffix('\n').unwrap().to_owned())
}

fn record(images: &str, operation: &str) -> String {
    format!(
        "{{\r\n\t{images},\r\n\t\"metadata\":\t{{\r\n\t\t\"record-type\":\t\"data\",\r\n\t\t\"operation\":\t\"{operation}\",\r\n\t\t\"schema-name\":\t\"shop\",\r\n\t\t\"table-name\":\t\"items\"\r\n\t}}\r\n}}"
    )
}

/// Writes `*` into column `ssn` of both images, in every row.
fn masks() -> Fake {
    let writes = vec![field(Image::Before, "ssn"), field(Image::After, "ssn")];
    let plan = Plan { writes, ..Plan::default() };
    let masks = Fake::new(plan, |batch| {
        let rows: Vec<u32> = (0u32..).zip(batch.operations).map(|(row, _)| row).collect();
        let edits = (0..2).flat_map(|write| answer(write, &rows, "*").edits);
        Answer { edits: edits.collect(), ..Answer::default() }
    });
    masks.only_table("shop.items")
}

/// T09.
#[test]
fn a_value_over_several_lines_keeps_its_lines() {
    let value = record(
        "\"data\":\t{\r\n\t\t\"id\":\t1,\r\n\t\t\"ssn\":\t\"a\"\r\n\t},\r\n\t\"before-image\":\t{\"ssn\":\t\"a\"}",
        "update",
    );
    assert_eq!(left(masks(), &value), value.replace("\"a\"", "\"*\""));
    let removes = vec![field(Image::Before, "ssn"), field(Image::After, "ssn")];
    let plan = Plan { removes, ..Plan::default() };
    let removed = value.replace(",\r\n\t\t\"ssn\":\t\"a\"", "").replace("{\"ssn\":\t\"a\"}", "{}");
    assert_eq!(left(Fake::new(plan, |_| Answer::default()), &value), removed);
}

#[test]
fn what_a_deleted_row_was_is_masked_with_it_and_dropped_with_it() {
    let value = record(r#""data":{"id":1,"ssn":"a"},"before-image":{"id":1,"ssn":"a"}"#, "delete");
    assert_eq!(left(masks(), &value), value.replace("\"a\"", "\"*\""));
    let plan = Plan { reads: vec![field(Image::Before, "id")], ..Plan::default() };
    let drops = Fake::new(plan, |_| Answer { drops: vec![0], ..Answer::default() });
    assert_eq!(left(drops, &value), "drop Plugin(\"fake\")\n");
}

/// T49.
#[test]
fn a_control_record_passes_and_an_unknown_operation_is_refused() {
    let control = r#"{"metadata":{"record-type":"control","operation":"create-table","schema-name":"","table-name":"t"}}"#;
    assert_eq!(left(masks(), control), control);
    let refused = left(masks(), &record(r#""data":{"ssn":"a"}"#, "merge"));
    assert!(
        refused.starts_with("dead-letter unknown-class: the value is one of AWS DMS events"),
        "{refused}"
    );
}
