//! TiCDC's own dialects: Canal-JSON with its extension, and Debezium's shape.

use super::Lane;
use crate::change::{Class, SideKind};
use crate::table::Dialect;

fn ticdc(value: &str) -> String {
    Lane::new(Dialect::Ticdc).meets("shop", None, Some(value.as_bytes()))
}

fn message(rest: &str) -> String {
    format!(
        r#"{{"id":0,"database":"shop","table":"items","pkNames":["id"],"isDdl":false,"es":1,"ts":2,"sql":"",{rest}}}"#
    )
}

#[test]
fn a_row_is_read_as_canals_with_or_without_the_extension() {
    let update = r#""type":"UPDATE","old":[{"id":"1","n":"x"}],"data":[{"id":"1","n":"y"}]"#;
    let row = r#"row u shop.items before={id:"1" n:"x"} after={id:"1" n:"y"}"#;
    assert_eq!(ticdc(&message(update)), row);
    assert_eq!(
        ticdc(&message(&format!(r#"{update},"_tidb":{{"commitTs":464043256649875456}}"#))),
        row
    );
}

#[test]
fn t36_a_watermark_has_a_class_of_its_own_however_often_it_comes_and_wherever_it_goes() {
    let mut lane = Lane::new(Dialect::Ticdc);
    for at in [434919270523076621_u64, 434919270523076621, 434919270523076000] {
        let value = format!(
            r#"{{"id":0,"database":"","table":"","pkNames":null,"isDdl":false,"type":"TIDB_WATERMARK","es":1,"ts":2,"sql":"","sqlType":null,"mysqlType":null,"data":null,"old":null,"_tidb":{{"watermarkTs":{at}}}}}"#
        );
        assert_eq!(lane.meets("shop", None, Some(value.as_bytes())), "watermark");
    }
    assert_eq!(lane.tables.len(), 0);
}

#[test]
fn ddl_has_its_sql_beside_it() {
    let value = r#"{"id":0,"database":"shop","table":"items","pkNames":null,"isDdl":true,"type":"ALTER","es":1,"ts":0,"sql":"ALTER TABLE items ADD c INT","sqlType":null,"mysqlType":null,"data":null,"old":null,"_tidb":{"commitTs":1}}"#;
    let mut lane = Lane::new(Dialect::Ticdc);
    assert_eq!(lane.meets("shop", None, Some(value.as_bytes())), "schema-change");
    let event = lane.events.events[0];
    let kinds: Vec<SideKind> = lane.events.sides_of(&event).iter().map(|side| side.kind).collect();
    assert_eq!(kinds, [SideKind::Sql(crate::change::SqlFlavour::MySql)]);
}

#[test]
fn t37_a_row_whose_columns_are_elsewhere_says_so() {
    for (extension, elsewhere) in [
        (r#"{"commitTs":1}"#, false),
        (r#"{"commitTs":1,"onlyHandleKey":true}"#, true),
        (r#"{"commitTs":1,"onlyHandleKey":false}"#, false),
        (r#"{"commitTs":1,"claimCheckLocation":"s3://bucket/1.json"}"#, true),
        (r#"{"commitTs":1,"claimCheckLocation":""}"#, false),
        (r#"{"commitTs":1,"onlyHandleK\u0065y":true}"#, true),
        ("null", false),
    ] {
        let value =
            message(&format!(r#""type":"INSERT","data":[{{"id":"1"}}],"_tidb":{extension}"#));
        let mut lane = Lane::new(Dialect::Ticdc);
        assert_eq!(
            lane.meets("shop", None, Some(value.as_bytes())),
            r#"row c shop.items after={id:"1"}"#
        );
        assert_eq!(lane.events.events[0].elsewhere, elsewhere, "{extension}");
    }
}

/// The types of the columns, after a message whose types are `types`.
fn types(lane: &mut Lane, types: &str) -> String {
    let value = message(&format!(
        r#""mysqlType":{types},"type":"INSERT","data":[{{"a":"1","b":"2","c":"3"}}]"#
    ));
    lane.meets("shop", None, Some(value.as_bytes()));
    let columns = &lane.tables.iter().next().unwrap().1.columns;
    let types: Vec<&str> = columns.iter().map(|column| &*column.source_type).collect();
    types.join(" ")
}

#[test]
fn t05_types_in_another_order_are_the_same_types() {
    let mut lane = Lane::new(Dialect::Ticdc);
    let first = types(&mut lane, r#"{"a":"int","b":"text","c":"date"}"#);
    assert_eq!(first, "int text date");
    let id = lane.tables.version();
    for order in [
        r#"{"b":"text","c":"date","a":"int"}"#,
        r#"{"c":"date","a":"int","b":"text"}"#,
        r#"{ "c" : "date", "b":"text","\u0061":"int"}"#,
        r#"{"a":"int","b":"text","c":"date","d":"json"}"#,
        r#"{"d":"json","a":"int","b":"text","c":"date"}"#,
        r#"{"b":"text"}"#,
        "{}",
    ] {
        assert_eq!(types(&mut lane, order), "int text date", "{order}");
        assert_eq!(lane.tables.version(), id, "{order}");
    }
}

#[test]
fn a_type_that_changed_is_noticed_in_any_order() {
    let mut lane = Lane::new(Dialect::Ticdc);
    for (told, known) in [
        (r#"{"a":"int","b":"text","c":"date"}"#, "int text date"),
        (r#"{"c":"date","a":"bigint","b":"text"}"#, "bigint text date"),
        (r#"{"a":"int","b":"text","c":"date"}"#, "int text date"),
        (r#"{"b":"blob","a":"int","c":"date"}"#, "int blob date"),
        (r#"{"a":"int","b":"text","c":"date"}"#, "int text date"),
        (r#"{"a":"b","b":"a","c":"date"}"#, "b a date"),
    ] {
        assert_eq!(types(&mut lane, told), known, "{told}");
    }
}

#[test]
fn huaweis_init_is_named_and_never_taken_for_an_insert() {
    let refused = ticdc(&message(r#""type":"INIT","data":[{"id":"1"}]"#));
    assert!(refused.starts_with("unknown-class: these look like Huawei DRS events"), "{refused}");
}

const SOURCE: &str = r#""source":{"version":"2.4.0.Final","connector":"TiCDC","name":"c","ts_ms":0,"snapshot":"false","db":"test","table":"t","gtid":null,"file":"","pos":0,"commit_ts":1,"cluster_id":"c"}"#;

#[test]
fn its_debezium_is_read_with_and_without_the_envelope() {
    let payload =
        format!(r#"{{"before":null,"after":{{"tiny":1}},"op":"c",{SOURCE},"transaction":null}}"#);
    for value in [
        payload.clone(),
        format!(r#"{{"payload":{payload}}}"#),
        format!(r#"{{"payload":{payload},"schema":{{"type":"struct"}}}}"#),
    ] {
        let mut lane = Lane::new(Dialect::TicdcDebezium);
        let key = r#"{"payload":{"tiny":1},"schema":{"fields":[]}}"#;
        assert_eq!(
            lane.meets("t", Some(key), Some(value.as_bytes())),
            "row c test.t before=null after={tiny*:1} key={tiny*:1}"
        );
        assert_eq!(lane.tables.iter().next().unwrap().1.dialect, Dialect::TicdcDebezium);
    }
}

#[test]
fn t15_its_watermark_is_a_message_without_a_message() {
    for (value, class) in [
        (
            format!(r#"{{"payload":{{{SOURCE},"op":"m","ts_ms":1,"transaction":null}}}}"#),
            Class::Watermark,
        ),
        (format!(r#"{{{SOURCE},"op":"m"}}"#), Class::Watermark),
        (format!(r#"{{{SOURCE},"op":"m","message":{{"prefix":"p"}}}}"#), Class::Message),
        (
            format!(
                r#"{{"payload":{{{SOURCE},"databaseName":"test","schemaName":null,"ddl":"DROP TABLE t","tableChanges":[]}}}}"#
            ),
            Class::SchemaChange,
        ),
    ] {
        let seen = Lane::new(Dialect::TicdcDebezium).meets("t", None, Some(value.as_bytes()));
        assert_eq!(seen, class.as_str(), "{value}");
    }
}
