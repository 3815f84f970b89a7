//! Several of Maxwell's objects in one value: some dropped, each edited as its own table's plan says.

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::Pipeline as Settings;
use crate::contract::{Answer, Image, Plan};
use crate::table::Dialect;

const FIRST: &str =
    "{\"database\":\"d\",\"table\":\"t\",\"type\":\"insert\",\"data\":{\"id\":1,\"n\":\"a\"}}\r\n";
const SECOND: &str =
    "{\"database\":\"d\",\"table\":\"u\",\"type\":\"delete\",\"old\":{\"id\":2,\"n\":\"b\"}}";
const THIRD: &str = "{\"database\":\"d\",\"table\":\"t\",\"type\":\"update\",\"data\":{\"id\":3,\"n\":\"c\"},\"old\":{\"n\":\"x\"}} \n";

fn ticdc() -> Settings {
    Settings { dialects: Dialect::TicdcMaxwell.into(), ..settings() }
}

fn left(plugin: Fake, value: &str) -> String {
    let key = "\0\0\0\0\0\0\0\u{1}".to_owned();
    let seen = carry(ticdc(), vec![plugin], &[Given::value(value).key(key.clone())]);
    let value = seen.strip_prefix(&format!("forward clean.t-0 key={key} value="));
    value.map_or_else(|| seen.clone(), |value| value.strip_suffix('\n').unwrap().to_owned())
}

/// Drops the rows with these ids, whatever their table.
fn dropping(ids: &'static str) -> Fake {
    let reads = vec![field(Image::Before, "id"), field(Image::After, "id")];
    let plan = Plan { reads, ..Plan::default() };
    Fake::new(plan, move |batch| {
        let ids_of = |row: usize| {
            let cell = |number: usize| {
                let cells = &batch.reads[number];
                let start = row.checked_sub(1).map_or(0, |before| cells.ends[before] as usize);
                std::str::from_utf8(&cells.data[start..cells.ends[row] as usize]).unwrap()
            };
            [cell(0), cell(1)]
        };
        let rows = 0..batch.operations.len();
        let goes = |row: &usize| ids_of(*row).iter().any(|id| !id.is_empty() && ids.contains(id));
        let drops = rows.filter(goes).map(|row| u32::try_from(row).unwrap()).collect();
        Answer { drops, ..Answer::default() }
    })
}

/// T40.
#[test]
fn a_dropped_object_leaves_with_the_blanks_behind_it() {
    let value = format!(" {FIRST}{SECOND}{THIRD}");
    for (ids, rest) in [
        ("", format!(" {FIRST}{SECOND}{THIRD}")),
        ("1", format!(" {SECOND}{THIRD}")),
        ("2", format!(" {FIRST}{THIRD}")),
        ("3", format!(" {FIRST}{SECOND}")),
        ("12", format!(" {THIRD}")),
        ("23", format!(" {FIRST}")),
        ("13", format!(" {SECOND}")),
    ] {
        assert_eq!(left(dropping(ids), &value), rest, "without {ids}");
    }
    assert_eq!(left(dropping("123"), &value), "drop Plugin(\"fake\")\n");
}

/// T40, T41.
#[test]
fn every_object_is_edited_as_its_table_has_it() {
    let value = format!("{FIRST}{SECOND}{THIRD}");
    let writes = vec![field(Image::Before, "n"), field(Image::After, "n")];
    let masks = Fake::new(Plan { writes, ..Plan::default() }, |batch| {
        let rows: Vec<u32> = (0u32..).zip(batch.operations).map(|(row, _)| row).collect();
        let edits = (0..2).flat_map(|write| answer(write, &rows, "*").edits);
        Answer { edits: edits.collect(), ..Answer::default() }
    });
    let masked = ["a", "b", "c", "x"].into_iter().fold(value.clone(), |value, cell| {
        value.replace(&format!(r#""n":"{cell}""#), r#""n":"*""#)
    });
    assert_eq!(left(masks, &value), masked);

    let images = [Image::Before, Image::After, Image::Key];
    let removes = images.map(|image| field(image, "n")).to_vec();
    let plan = Plan { removes, ..Plan::default() };
    let only_u = Fake::new(plan, |_| Answer::default()).only_table("d.u");
    assert_eq!(left(only_u, &value), value.replace(r#","n":"b""#, ""));
}

#[test]
fn the_places_beside_a_dropped_object_leave_with_it() {
    let object = |id: u32| {
        format!(
            r#"{{"database":"d","table":"t","type":"insert","primary_key":[{id}],"primary_key_columns":["id"],"data":{{"id":{id},"n":0}}}}"#
        )
    };
    let plan = Plan {
        reads: vec![field(Image::After, "id")],
        removes: vec![field(Image::Before, "id"), field(Image::After, "id")],
        ..Plan::default()
    };
    let drops = Fake::new(plan, |batch| {
        assert_eq!(batch.reads[0].data, b"12");
        Answer { drops: vec![0], ..Answer::default() }
    });
    assert_eq!(
        left(drops, &[object(1), object(2)].concat()),
        r#"{"database":"d","table":"t","type":"insert","primary_key":[],"primary_key_columns":[],"data":{"n":0}}"#
    );
}

#[test]
fn what_is_no_row_stays_as_it_is() {
    let ddl = r#"{"database":"d","table":"t","type":"table-alter","sql":"alter"}"#;
    let value = format!("{ddl}\n{FIRST}{ddl}{THIRD}");
    assert_eq!(left(dropping("1"), &value), format!("{ddl}\n{ddl}{THIRD}"));
}
