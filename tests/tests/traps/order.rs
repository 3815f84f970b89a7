//! T55 to T57: coordinates that repeat. Nothing here drops a record because another looks like it.

use lockgate::table::Dialect;
use lockgate_tests::offline::{Given, Left};

use super::bench::masking;

fn all_pass(dialect: Dialect, values: &[String]) {
    let given: Vec<Given> = values.iter().map(Given::value).collect();
    let left = masking(dialect).carry(&given);
    let texts: Vec<String> = left.into_iter().map(Left::text).collect();
    assert_eq!(texts, values);
}

#[test]
fn t55_rows_that_share_their_coordinates_all_pass() {
    let row = |id: u32| {
        format!(
            r#"{{"after":{{"id":{id}}},"source":{{"db":"s","schema":"p","table":"t","lsn":7,"txId":1}},"op":"c"}}"#
        )
    };
    all_pass(Dialect::Debezium, &[row(1), row(2), row(3), row(3)]);
    let event = |id: u32| {
        format!(
            r#"{{"id":"name:shop;file:a;pos:7","source":"/debezium/mysql/shop","specversion":"1.0","type":"io.debezium.connector.mysql.DataChangeEvent","datacontenttype":"application/json","iodebeziumop":"c","iodebeziumdb":"shop","iodebeziumtable":"t","data":{{"before":null,"after":{{"id":{id}}}}}}}"#
        )
    };
    all_pass(Dialect::CloudEvents, &[event(1), event(2), event(2)]);
}

#[test]
fn t56_rows_without_coordinates_all_pass() {
    let row = |id: u32| {
        format!(
            r#"{{"after":{{"id":{id}}},"source":{{"db":"s","table":"t","file":"","pos":0,"row":0,"ts_ms":0}},"op":"r"}}"#
        )
    };
    all_pass(Dialect::Debezium, &[row(1), row(2), row(3)]);
}

#[test]
fn t57_rows_that_come_again_pass_again() {
    let row = |xid: u32, id: u32| {
        format!(
            r#"{{"database":"s","table":"t","type":"insert","ts":1,"xid":{xid},"data":{{"id":{id}}}}}"#
        )
    };
    all_pass(Dialect::Maxwell, &[row(1, 1), row(2, 2), row(1, 1), row(1, 3), row(2, 2)]);
}
