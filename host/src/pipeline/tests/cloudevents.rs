//! CloudEvents through plugins.

use insta::assert_snapshot;

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::Pipeline as Settings;
use crate::contract::{Answer, Image, Plan};
use crate::table::Dialect;

fn cloud() -> Settings {
    Settings { dialects: Dialect::CloudEvents.into(), ..settings() }
}

fn event(data: &str) -> Given {
    Given::value(format!(
        r#"{{"id":"1","source":"/debezium/mysql/p","specversion":"1.0","type":"io.debezium.connector.mysql.DataChangeEvent","iodebeziumop":"u","iodebeziumdb":"d","iodebeziumtable":"t", "data":{data} ,"iodebeziumtsms":"1"}}"#
    ))
}

const PLAIN: &str = r#"{"before":{"id":1,"n":"x"},"after":{"id":1,"n":"y"}}"#;

const ENVELOPED: &str = r#"{"schema":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int64","field":"id"},{"type":"string","optional":true,"field":"n"}],"field":"before"},{"type":"struct","fields":[{"type":"int64","field":"id"},{"type":"string","optional":true,"field":"n"}],"field":"after"}]},"payload":{"before":{"id":1,"n":"x"},"after":{"id":1,"n":"y"}}}"#;

#[test]
fn a_mask_reaches_both_images_and_nothing_else() {
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
    assert_snapshot!(carry(cloud(), vec![mask], &[event(PLAIN)]), @r#"forward clean.t-0 value={"id":"1","source":"/debezium/mysql/p","specversion":"1.0","type":"io.debezium.connector.mysql.DataChangeEvent","iodebeziumop":"u","iodebeziumdb":"d","iodebeziumtable":"t", "data":{"before":{"id":1,"n":"*"},"after":{"id":1,"n":"*"}} ,"iodebeziumtsms":"1"}"#);
}

#[test]
fn a_removed_column_leaves_the_schema_inside_the_data() {
    let fields = vec![field(Image::Before, "n"), field(Image::After, "n")];
    let plan = Plan { removes: fields, ..Plan::default() };
    let remove = Fake::new(plan, |_| Answer::default());
    assert_snapshot!(carry(cloud(), vec![remove], &[event(ENVELOPED)]), @r#"forward clean.t-0 value={"id":"1","source":"/debezium/mysql/p","specversion":"1.0","type":"io.debezium.connector.mysql.DataChangeEvent","iodebeziumop":"u","iodebeziumdb":"d","iodebeziumtable":"t", "data":{"schema":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int64","field":"id"}],"field":"before"},{"type":"struct","fields":[{"type":"int64","field":"id"}],"field":"after"}]},"payload":{"before":{"id":1},"after":{"id":1}}} ,"iodebeziumtsms":"1"}"#);
}

#[test]
fn avro_inside_is_dead_lettered_without_its_data() {
    let given = event(r#""AAAAAAEAAgICAg==""#);
    let plan = Plan { writes: vec![field(Image::After, "n")], ..Plan::default() };
    let mask = Fake::new(plan, |_| Answer::default());
    assert_snapshot!(carry(cloud(), vec![mask], &[given]), @r#"dead-letter undecodable: the CloudEvent's data is no JSON object but encoded text (Avro in base64, mostly); set value.converter.data.serializer.type = json in the connector (omitted)"#);
}
