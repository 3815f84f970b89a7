//! T32, T33, T35, T58: Canal's messages of many rows.

use lockgate::table::Dialect;
use lockgate_tests::offline::{Left, Offline};

use super::bench::{CLEAR, MASKED, canal, masking, stays};

fn nine(rows: &[usize]) -> String {
    let list = |row: &dyn Fn(usize) -> String| {
        rows.iter().map(|number| row(*number)).collect::<Vec<_>>().join(",")
    };
    let data = list(&|n| format!(r#"{{"id":"{n}","email":"{n}{CLEAR}"}}"#));
    let old = list(&|n| format!(r#"{{"email":"was{n}{CLEAR}"}}"#));
    format!(
        r#"{{"data":[{data}],"database":"shop","es":1,"id":1,"isDdl":false,"mysqlType":{{"id":"int","email":"varchar"}},"old":[{old}],"pkNames":["id"],"sql":"","sqlType":{{"id":4,"email":12}},"table":"customers","ts":1,"type":"UPDATE"}}"#
    )
}

#[test]
fn t32_rows_that_are_dropped_take_what_they_were_along() {
    let all: Vec<usize> = (1..=9).collect();
    let filter = |condition: &str| {
        let text = format!("plugin = \"filter\"\n[settings]\ndrop = '{condition}'\n");
        masking(Dialect::Canal).plugin("10-filter", &text)
    };
    let left = filter(r#"after.id == "2" || after.id == "5""#).value(nine(&all)).text();
    let kept: Vec<usize> = all.iter().copied().filter(|n| ![2, 5].contains(n)).collect();
    let masked = |rows: &[usize]| {
        (1..=9).fold(nine(rows), |text, n| {
            text.replace(&format!("was{n}{CLEAR}"), MASKED).replace(&format!("{n}{CLEAR}"), MASKED)
        })
    };
    assert_eq!(left, masked(&kept));
    let left = filter(r#"after.id != "7""#).value(nine(&all)).text();
    assert_eq!(left, masked(&[7]));
    let left = filter("true").value(nine(&all));
    assert!(matches!(left, Left::Dropped(_)), "a message without rows is none: {left:?}");
}

/// Canal gathers the names of changed columns over all rows of a message: a row's `old` can hold what did not change in it.
#[test]
fn t33_a_column_in_old_has_changed_only_where_its_value_has() {
    let value = r#"{"data":[{"id":"1","n":"a","m":"x"},{"id":"2","n":"b","m":"y"}],"database":"shop","isDdl":false,"old":[{"n":"z"},{"n":"b","m":"w"}],"table":"customers","type":"UPDATE"}"#;
    let text = "plugin = \"filter\"\n[settings]\nkeep = 'before.n != after.n'\n";
    let left = Offline::new(Dialect::Canal).plugin("10-filter", text).value(value).text();
    let expected = r#"{"data":[{"id":"1","n":"a","m":"x"}],"database":"shop","isDdl":false,"old":[{"n":"z"}],"table":"customers","type":"UPDATE"}"#;
    assert_eq!(left, expected);
}

/// What TiCDC and Canal's binlog parser write as an index, others write as text: a filter compares what stands there.
#[test]
fn t35_an_enum_is_compared_as_it_is_written() {
    let text = "plugin = \"filter\"\n[settings]\nkeep = 'after.tier in [\"3\", \"gold\"]'\n";
    let chain = Offline::new(Dialect::Ticdc).plugin("10-filter", text);
    for (tier, kept) in [("3", true), ("gold", true), ("2", false)] {
        let value = canal(&format!(r#""id":"1","tier":"{tier}""#));
        let left = chain.value(&value);
        assert_eq!(matches!(left, Left::Forward { .. }), kept, "{tier}");
    }
}

#[test]
fn t58_an_empty_set_stays_as_each_tool_writes_it() {
    stays(Dialect::Canal, &canal(&format!(r#""tags":"","flags":"2730","email":"{CLEAR}""#)));
    for set in ["[]", r#"[""]"#] {
        let data = format!(r#""tags":{set},"b":4294967296,"email":"{CLEAR}""#);
        stays(Dialect::Maxwell, &super::bench::maxwell(&data));
    }
}
