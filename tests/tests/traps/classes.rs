//! T11 to T16, T34, T36, T46, T47, T49, T61: records that are no rows, each of a class of its own.

use lockgate::change::Class;
use lockgate::config::ClassPolicy;
use lockgate::table::Dialect;
use lockgate_tests::offline::{Given, Left, Offline, carry};

use super::bench::{MASKED, SOURCE, debezium, masking, refused};

/// Carries a value whose class alone is dropped: so the class is seen from outside.
fn is_of(dialect: Dialect, class: Class, value: &str) {
    let passed = masking(dialect).value(value).text();
    assert_eq!(passed, value, "{class:?} events pass as they came");
    let dropping = masking(dialect).with(|settings| {
        settings.classes.insert(class, ClassPolicy::Drop);
    });
    let left = dropping.value(value);
    assert!(matches!(left, Left::Dropped(_)), "not of class {class:?}: {value}: {left:?}");
}

#[test]
fn t11_a_tombstone_is_masked_in_its_key_and_follows_its_table() {
    let chain = masking(Dialect::Debezium)
        .plugin("30-route", "plugin = \"reshape\"\n[settings]\ntopic = \"routed.{table}\"\n");
    let delete =
        format!(r#"{{"before":{{"email":"anna@example.com"}},"after":null,{SOURCE},"op":"d"}}"#);
    let key = r#"{"email":"anna@example.com"}"#;
    let given = [Given::value(delete).key(key), Given::tombstone().key(key)];
    let left: Vec<_> = chain.carry(&given).into_iter().map(Left::sent).collect();
    assert_eq!(left[1].value, None);
    assert_eq!(left[1].key_text(), format!(r#"{{"email":"{MASKED}"}}"#));
    assert_eq!((&*left[0].topic, &*left[1].topic), ("routed.customers", "routed.customers"));
    assert_eq!(left[0].key, left[1].key);
}

#[test]
fn t12_an_envelope_around_null_is_a_tombstone() {
    for value in [
        r#"{"schema":{"type":"struct","fields":[]},"payload":null}"#,
        r#"{"schema":null,"payload":null}"#,
    ] {
        let given = Given::value(value).key(r#"{"email":"anna@example.com"}"#);
        let left = masking(Dialect::Debezium).one(given).sent();
        assert_eq!(left.text(), value);
        assert_eq!(left.key_text(), format!(r#"{{"email":"{MASKED}"}}"#));
    }
}

#[test]
fn t13_a_record_without_a_key_keeps_its_partition() {
    let given = Given::value(debezium(r#""id":1"#)).partition(5);
    let left = masking(Dialect::Debezium).one(given).sent();
    assert_eq!((left.key, left.partition), (None, Some(5)));
}

#[test]
fn t14_a_truncate_passes_as_one() {
    let value = format!(r#"{{"before":null,"after":null,{SOURCE},"op":"t","ts_ms":1}}"#);
    is_of(Dialect::Debezium, Class::Truncate, &value);
    is_of(Dialect::Debezium, Class::Truncate, &format!(r#"{{{SOURCE},"op":"t"}}"#));
}

#[test]
fn t15_a_message_and_a_watermark_share_their_letter_and_nothing_else() {
    let message = format!(
        r#"{{"op":"m","ts_ms":1,{SOURCE},"message":{{"prefix":"p","content":"aGVsbG8="}}}}"#
    );
    is_of(Dialect::Debezium, Class::Message, &message);
    let watermark = r#"{"source":{"connector":"TiCDC","commit_ts":3,"cluster_id":"x"},"op":"m","ts_ms":1,"transaction":null}"#;
    is_of(Dialect::Debezium, Class::Watermark, watermark);
    is_of(Dialect::TicdcDebezium, Class::Watermark, watermark);
}

#[test]
fn t16_a_snapshot_row_is_told_by_its_operation_alone() {
    let chain = Offline::new(Dialect::Debezium)
        .plugin("10-filter", "plugin = \"filter\"\n[settings]\ndrop = 'op == \"r\"'\n");
    for (op, snapshot, dropped) in [
        ("r", "\"false\"", true),
        ("r", "true", true),
        ("r", "\"last\"", true),
        ("r", "\"incremental\"", true),
        ("c", "\"true\"", false),
    ] {
        let value = format!(
            r#"{{"after":{{"id":1}},"source":{{"snapshot":{snapshot},"table":"customers"}},"op":"{op}"}}"#
        );
        let left = chain.value(&value);
        assert_eq!(matches!(left, Left::Dropped(_)), dropped, "{value}");
    }
}

#[test]
fn t34_ddl_and_statements_are_classes_and_no_rows() {
    let ddl = r#"{"data":null,"database":"shop","es":1,"id":1,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":"ALTER TABLE customers ADD x INT","sqlType":null,"table":"customers","ts":1,"type":"ALTER"}"#;
    is_of(Dialect::Canal, Class::SchemaChange, ddl);
    let query = r#"{"data":null,"database":"","es":1,"id":1,"isDdl":false,"mysqlType":null,"old":null,"pkNames":null,"sql":"insert into t values (1)","sqlType":null,"table":"","ts":1,"type":"QUERY"}"#;
    is_of(Dialect::Canal, Class::Message, query);
}

/// A watermark of TiCDC's is written to every partition of the topic; each passes in the partition it came in, whatever the
/// rows do, and one that goes back is no row either.
#[test]
fn t36_a_watermark_passes_in_every_partition() {
    let value = |ts: u64| {
        format!(
            r#"{{"id":0,"database":"","table":"","pkNames":null,"isDdl":false,"type":"TIDB_WATERMARK","es":1,"ts":2,"sql":"","sqlType":null,"mysqlType":null,"old":null,"data":null,"_tidb":{{"watermarkTs":{ts}}}}}"#
        )
    };
    is_of(Dialect::Ticdc, Class::Watermark, &value(7));
    let given: Vec<Given> = (0..3)
        .flat_map(|partition| [9u64, 9, 8].map(|ts| Given::value(value(ts)).partition(partition)))
        .collect();
    let left = carry(&mut masking(Dialect::Ticdc).load().unwrap(), &given);
    for (left, given) in left.into_iter().zip(&given) {
        let left = left.sent();
        assert_eq!(left.partition, Some(given.record.partition));
        assert_eq!(left.value, given.record.value);
    }
}

#[test]
fn t46_the_ends_of_a_bootstrap_are_markers() {
    for kind in ["bootstrap-start", "bootstrap-complete"] {
        let value = format!(
            r#"{{"database":"shop","table":"customers","type":"{kind}","ts":1,"data":{{}}}}"#
        );
        is_of(Dialect::Maxwell, Class::SnapshotMarker, &value);
    }
}

#[test]
fn t47_encrypted_events_pass_as_they_are() {
    let part = r#"{"database":"shop","table":"customers","type":"insert","ts":1,"encrypted":{"iv":"aXY=","bytes":"Ynl0ZXM="}}"#;
    is_of(Dialect::Maxwell, Class::Encrypted, part);
    is_of(Dialect::Maxwell, Class::Encrypted, r#"{"encrypted":{"iv":"aXY=","bytes":"Ynl0ZXM="}}"#);
}

/// Aliyun's heartbeats, DRS's first rows, a control record, a code of OGG's that someone configured.
#[test]
fn t49_operations_that_nobody_knows_are_never_dropped_in_silence() {
    for (dialect, value) in [
        (
            Dialect::Canal,
            r#"{"data":[{"id":"1"}],"database":"a","isDdl":false,"table":"t","type":"INIT"}"#,
        ),
        (
            Dialect::Canal,
            r#"{"data":null,"database":"a","isDdl":false,"table":"t","type":"MHEARTBEAT"}"#,
        ),
        (
            Dialect::Dms,
            r#"{"data":{"id":1},"metadata":{"record-type":"data","operation":"merge","schema-name":"a","table-name":"t"}}"#,
        ),
        (Dialect::Ogg, r#"{"table":"O.T","op_type":"X","after":{"ID":1}}"#),
        (
            Dialect::Maxwell,
            r#"{"database":"a","table":"t","type":"upsert","ts":1,"data":{"id":1}}"#,
        ),
        (
            Dialect::Debezium,
            r#"{"before":null,"after":{"id":1},"source":{"table":"t"},"op":"MHEARTBEAT"}"#,
        ),
    ] {
        let refused = refused(dialect, value);
        assert!(refused.starts_with("unknown-class"), "{dialect}: {refused}");
        is_passed_where_allowed(dialect, value);
    }
}

fn is_passed_where_allowed(dialect: Dialect, value: &str) {
    let chain = Offline::new(dialect).with(|settings| {
        settings.classes.insert(Class::Unknown, ClassPolicy::Pass);
    });
    assert_eq!(chain.value(value).text(), value);
}

#[test]
fn t61_the_other_topics_of_a_connector_are_classes_that_pass() {
    let heartbeat = Given::value(r#"{"ts_ms":1795000000000}"#).topic("__debezium-heartbeat.shop");
    let left = masking(Dialect::Debezium).one(heartbeat).sent();
    assert_eq!(left.text(), r#"{"ts_ms":1795000000000}"#);
    is_of(Dialect::Debezium, Class::Heartbeat, r#"{"ts_ms":1795000000000}"#);
    is_of(
        Dialect::Debezium,
        Class::SchemaChange,
        r#"{"source":{"connector":"mysql","db":"shop"},"ts_ms":1,"databaseName":"shop","schemaName":null,"ddl":"CREATE TABLE t (id INT)","tableChanges":[]}"#,
    );
    // The two ends of a PostgreSQL transaction have different ids.
    for status in ["BEGIN", "END"] {
        let value = format!(
            r#"{{"status":"{status}","id":"571:{status}","ts_ms":1,"event_count":null,"data_collections":null}}"#
        );
        is_of(Dialect::Debezium, Class::Transaction, &value);
    }
}
