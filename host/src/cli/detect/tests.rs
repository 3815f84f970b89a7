//! Samples, and what is said of them.

use insta::assert_snapshot;

use super::*;

fn report(sample: &[u8]) -> String {
    look(sample, "sample", 1_000).unwrap().to_string()
}

/// The line that names the shape of the only event in `value`, and the advice below it.
fn shape(value: &[u8]) -> String {
    let record = crate::record::Record {
        topic: &"t".into(),
        partition: 0,
        offset: 0,
        timestamp: None,
        key: None,
        value: Some(value),
        headers: Vec::new(),
    };
    let mut findings = Findings::new(Format::Lines);
    findings.add(&record);
    let text = findings.to_string();
    let lines = text.lines().skip(1).take_while(|line| !line.is_empty());
    let lines: Vec<&str> = lines.map(|line| line.trim().trim_start_matches("1  ")).collect();
    lines.join(" ")
}

#[test]
fn values_of_debezium_get_a_pipeline_with_the_topics_it_would_use() {
    let sample = br#"{"before":null,"after":{"id":1},"source":{"name":"shop","db":"d","schema":"public","table":"orders"},"op":"c"}
{"before":null,"after":{"id":2},"source":{"name":"shop","db":"d","schema":"public","table":"customers"},"op":"c"}
{"schema":{},"payload":{"before":{"id":1},"after":null,"source":{"name":"shop","schema":"public","table":"orders"},"op":"d"}}
{"status":"BEGIN","id":"571:53195829"}
{"ts_ms":1}
"#;
    assert_snapshot!(report(sample), @r#"
    events: 5
           2  Debezium rows
           1  Debezium rows, with the schema around them
           1  Debezium heartbeats
           1  Debezium transaction markers

    tables: 3
           1  d.public.customers
           1  d.public.orders
           1  public.orders

    for lockgate.toml:

    [[pipeline]]
    name    = "shop"
    from    = ["shop.public.customers", "shop.public.orders"]
    dialect = "debezium"
    to      = "clean.{topic}"
    plugins = "plugins"
    "#);
}

#[test]
fn records_get_a_pipeline_with_the_topics_they_have() {
    let sample = br#"{"topic":"users","value":"{\"id\":1}","headers":[]}
{"topic":"users","value":"{\"id\":2,\"op\":\"x\"}"}
{"topic":"users","value":null}
{"topic":"junk","value":{"base64":"AAAAAAEC"}}
"#;
    assert_snapshot!(report(sample), @r#"
    events: 4
           2  JSON objects of no known shape, each a row as it is
           1  tombstones
           1  Confluent Schema Registry records (Avro or Protobuf)
              -> let the producer write JSON: set value.converter to org.apache.kafka.connect.json.JsonConverter

    for lockgate.toml:

    [[pipeline]]
    name    = "users"
    from    = ["users"]
    dialect = "json"
    to      = "clean.{topic}"
    plugins = "plugins"

    left out, since nothing in them can be read: "junk"
    "#);
}

#[test]
fn many_topics_are_proposed_as_a_glob() {
    let line = |number| format!("{{\"topic\":\"shop.t{number}\",\"value\":\"{{}}\"}}\n");
    let sample: String = (0..9).map(line).collect();
    assert!(report(sample.as_bytes()).contains("from    = [\"shop.*\"]"));
}

#[test]
fn topics_without_a_common_beginning_are_listed_however_many() {
    let line = |topic| format!("{{\"topic\":\"{topic}\",\"value\":\"{{}}\"}}\n");
    let sample: String = "abcdefghi".chars().map(line).collect();
    assert!(report(sample.as_bytes()).contains("from    = [\"a\", \"b\","));
}

#[test]
fn no_glob_is_proposed_that_takes_what_cannot_be_read() {
    let line = |number| format!("{{\"topic\":\"shop.t{number}\",\"value\":\"{{}}\"}}\n");
    let mut sample: String = (0..9).map(line).collect();
    sample += "{\"topic\":\"shop.avro\",\"value\":{\"base64\":\"AAAAAAEC\"}}\n";
    let text = report(sample.as_bytes());
    assert!(text.contains("from    = [\"shop.t0\", \"shop.t1\","), "{text}");
}

#[test]
fn how_much_of_each_topic_was_looked_at_is_said() {
    use crate::kafka::sample::{Extent, Shortfall};
    let extent = |topic: &str, records, offsets, shortfall| Extent {
        topic: topic.to_owned(),
        records,
        offsets,
        is_whole: records == offsets,
        shortfall,
    };
    let mut findings = Findings::new(Format::Records);
    findings.extents = vec![
        extent("all", 3, 3, None),
        extent("empty", 0, 0, None),
        extent("late", 2, 9, Some(Shortfall::Time)),
        extent("latest", 2, 9, None),
    ];
    findings.extents.extend((0..20).map(|number| extent(&format!("t{number}"), 1, 1, None)));
    let text = findings.to_string();
    let shown: Vec<&str> = text.lines().skip(2).take(6).chain(text.lines().nth(23)).collect();
    assert_snapshot!(shown.join("\n"), @"
    topics: 24
           2  late, not all that was wanted: time ran out
           3  all
           0  empty, which is empty
           2  latest, the latest of 9 offsets
           1  t0
              and 4 more
    ");
}

#[test]
fn internal_topics_are_not_proposed() {
    let sample = br#"{"topic":"__debezium-heartbeat.shop","value":"{\"ts_ms\":1}"}
{"topic":"shop.orders","value":"{\"id\":1}"}
"#;
    let text = report(sample);
    assert!(text.contains("name    = \"shop\"\nfrom    = [\"shop.orders\"]\n"), "{text}");
}

#[test]
fn a_topic_is_guessed_with_the_characters_that_kafka_takes() {
    let sample =
        r#"{"after":{},"source":{"name":"shop","schema":"public","table":"Weird Naïme"},"op":"c"}"#;
    let text = report(sample.as_bytes());
    assert!(text.contains("[\"shop.public.Weird_Na_me\"]"), "{text}");
}

#[test]
fn what_cannot_be_read_gets_no_pipeline_but_advice() {
    let sample = br#"{"topic":"orders","value":{"base64":"AAAAAAcCYQ=="}}"#;
    assert_snapshot!(report(sample), @r#"
    events: 1
           1  Confluent Schema Registry records (Avro or Protobuf)
              -> let the producer write JSON: set value.converter to org.apache.kafka.connect.json.JsonConverter

    nothing here can be proposed as a pipeline
    "#);
}

#[test]
fn every_dialect_is_proposed() {
    for (value, dialect) in [
        (r#"{"op":"c","after":{},"source":{"connector":"TiCDC"}}"#, "ticdc-debezium"),
        (r#"{"id":1,"__deleted":"false"}"#, "debezium-flat"),
        (r#"{"database":"d","table":"t","type":"insert","ts":1,"data":{"a":1}}"#, "maxwell"),
        (r#"{"database":"d","table":"t","type":"delete","ts":1,"old":{"a":1}}"#, "ticdc-maxwell"),
        (r#"{"data":[{}],"database":"d","isDdl":false,"table":"t","type":"INSERT"}"#, "canal"),
        (r#"{"id":0,"database":"d","isDdl":false,"type":"INSERT","_tidb":{}}"#, "ticdc"),
        (r#"{"table":"O.T","op_type":"I","after":{"A":1}}"#, "ogg"),
        (r#"{"data":{"id":1},"metadata":{"operation":"load"}}"#, "dms"),
        (r#"{"id":"1","type":"t","specversion":"1.0","data":{"after":{}}}"#, "cloudevents"),
        (r#"{"op":"c","after":{}}"#, "debezium"),
        (r#"{"id":1}"#, "json"),
    ] {
        let text = report(value.as_bytes());
        assert!(text.contains(&format!("dialect = \"{dialect}\"\n")), "{value}: {text}");
    }
}

/// One record of `topic` a value, in the format of records.
fn records(of: &[(&str, &str)]) -> String {
    let line = |(topic, value): &(&str, &str)| {
        format!("{{\"topic\":\"{topic}\",\"value\":{}}}\n", serde_json::to_string(value).unwrap())
    };
    of.iter().map(line).collect()
}

#[test]
fn topics_of_other_dialects_are_proposed_by_name() {
    let sample = records(&[
        ("a", r#"{"op":"c","after":{"id":1},"source":{}}"#),
        ("a", r#"{"op":"c","after":{"id":2},"source":{}}"#),
        ("b", r#"{"id":1}"#),
        ("c", r#"{"data":[{"id":"1"}],"database":"d","isDdl":false,"table":"t","type":"INSERT"}"#),
        ("a.transaction", r#"{"status":"BEGIN","id":"1"}"#),
    ]);
    assert_snapshot!(report(sample.as_bytes()), @r#"
    events: 5
           2  Debezium rows
           1  Canal rows
           1  Debezium transaction markers
           1  JSON objects of no known shape, each a row as it is

    tables: 2
           2  a
           1  d.t

    for lockgate.toml:

    [[pipeline]]
    name    = "a"
    from    = ["a", "a.transaction", "b", "c"]
    dialect = "debezium"
    dialects = { "b" = "json", "c" = "canal" }
    to      = "clean.{topic}"
    plugins = "plugins"
    "#);
}

#[test]
fn rows_without_a_mark_are_flattened_where_the_others_are() {
    let sample = records(&[
        ("p.a", r#"{"id":1,"__op":"c"}"#),
        ("p.a", r#"{"id":2,"__op":"c"}"#),
        ("p.message", r#"{"op":"m","source":{"connector":"postgresql"},"message":{}}"#),
        ("p.b", r#"{"id":1}"#),
        (
            "p.transaction",
            r#"{"status":"BEGIN","id":"1","event_count":null,"data_collections":null,"ts_ms":1}"#,
        ),
        ("__debezium-heartbeat.p", r#"{"ts_ms":1}"#),
    ]);
    assert_snapshot!(report(sample.as_bytes()), @r#"
    events: 6
           2  flattened Debezium rows
              -> a guess, from members that begin with two underscores or a schema around a row
           1  Debezium messages and statements of the database's log
           1  Debezium heartbeats
           1  Debezium transaction markers
           1  JSON objects of no known shape, each a row as it is

    tables: 1
           2  p.a

    for lockgate.toml:

    [[pipeline]]
    name    = "p"
    from    = ["p.a", "p.b", "p.message", "p.transaction"]
    dialect = "debezium-flat"
    to      = "clean.{topic}"
    plugins = "plugins"
    "#);
}

#[test]
fn compressed_values_are_looked_into() {
    use base64::Engine as _;
    let value = r#"{"id":0,"database":"d","table":"t","pkNames":["id"],"isDdl":false,"type":"INSERT","data":[{"id":"1"}],"_tidb":{"commitTs":1}}"#;
    let packed = crate::compress::Compression::Snappy.pack(value.as_bytes());
    let text = base64::engine::general_purpose::STANDARD.encode(packed);
    let sample = format!("{{\"topic\":\"shop\",\"value\":{{\"base64\":\"{text}\"}}}}\n");
    let text = report(sample.as_bytes());
    assert_snapshot!(text, @r#"
    events: 1
           1  TiCDC's Canal-JSON rows
           1  of them compressed with snappy inside the value

    tables: 1
           1  d.t

    for lockgate.toml:

    [[pipeline]]
    name    = "shop"
    from    = ["shop"]
    dialect = "ticdc"
    compression = "snappy"
    to      = "clean.{topic}"
    plugins = "plugins"
    "#);
    let (_, pipeline) = text.split_once("for lockgate.toml:\n").unwrap();
    let config = crate::config::Config::parse(
        &format!("kafka.brokers = 'b'\n{pipeline}"),
        "lockgate.toml".as_ref(),
    );
    assert!(config.unwrap().pipelines[0].compression.is_some());
}

#[test]
fn a_proposal_is_a_configuration() {
    let text = report(br#"{"topic":"shop.orders","value":"{\"id\":1}"}"#);
    let (_, pipeline) = text.split_once("for lockgate.toml:\n").unwrap();
    let text = format!("kafka.brokers = 'b'\n{pipeline}");
    let config = crate::config::Config::parse(&text, "lockgate.toml".as_ref()).unwrap();
    assert_eq!(config.pipelines[0].name, "shop");
}

#[test]
fn values_over_several_lines_get_no_pipeline() {
    let text =
        report(b"{\n  \"a\": [\n    { \"b\": 1 },\n    { \"c\": 1 },\n    { \"d\": 1 }\n  ]\n}\n");
    assert!(text.contains("a value over several lines is not read as one"), "{text}");
    assert!(text.contains("nothing here can be proposed"), "{text}");
}

#[test]
fn an_empty_sample_proposes_nothing() {
    assert!(!look(&b""[..], "sample", 10).unwrap().has_proposal());
}

#[test]
fn no_more_than_the_limit_is_looked_at() {
    assert_eq!(look("{}\n".repeat(50).as_bytes(), "sample", 7).unwrap().events, 7);
}

#[test]
fn each_shape_is_named() {
    let canal = r#"{"data":[{"id":"1"}],"database":"d","isDdl":false,"table":"t","type":"INSERT"}"#;
    assert_snapshot!(shape(canal.as_bytes()), @r#"Canal rows"#);
    let ddl =
        br#"{"id":0,"database":"d","isDdl":true,"type":"ALTER","sql":"","_tidb":{"commitTs":1}}"#;
    assert_snapshot!(shape(ddl), @r#"TiCDC's Canal-JSON schema changes"#);
    assert_snapshot!(shape(br#"{"op":"m","source":{"connector":"TiCDC"}}"#), @r#"TiCDC's Debezium watermarks"#);
    assert_snapshot!(shape(br#"{"id":"1","type":"t","specversion":"1.0","data":"AAAA"}"#), @r#"CloudEvents that cannot be read -> the CloudEvent's data is no JSON object but encoded text (Avro in base64, mostly); set value.converter.data.serializer.type = json in the connector"#);
    assert_snapshot!(shape(br#"{"schema":{"type":"struct"},"payload":{"id":1}}"#), @r#"flattened Debezium rows, with the schema around them -> a guess, from members that begin with two underscores or a schema around a row"#);
    assert_snapshot!(shape(br#"{"id":1,"__op":"c"}"#), @r#"flattened Debezium rows -> a guess, from members that begin with two underscores or a schema around a row"#);
    assert_snapshot!(shape(br#"{"payload":{"op":"MHEARTBEAT","source":"","sequenceId":"-1","timestamp":{}}}"#), @r#"Aliyun DataWorks events -> dialect "json" carries them, each value as one row"#);
    let init = canal.replace("INSERT", "INIT");
    assert_snapshot!(shape(init.as_bytes()), @r#"Huawei DRS events -> dialect "json" carries them, each value as one row"#);
    assert_snapshot!(shape(br#"{"a":1}{"b":2}"#), @r#"several JSON values in one -> only dialect "ticdc-maxwell" takes more than one object a value"#);
    assert_snapshot!(shape(b"[1,2]"), @r#"JSON, but no objects -> nothing in them can be named, so no plugin sees them"#);
}

#[test]
fn each_opaque_shape_is_named() {
    assert_snapshot!(shape(b"\0\0\0\0\x2a\x02hello"), @r#"Confluent Schema Registry records (Avro or Protobuf) -> let the producer write JSON: set value.converter to org.apache.kafka.connect.json.JsonConverter"#);
    assert_snapshot!(shape(b"\0\0\0\0\0\0\0\0\x2a\x02hello"), @r#"Apicurio Registry records (Avro or Protobuf) -> let the producer write JSON: set value.converter to org.apache.kafka.connect.json.JsonConverter"#);
    assert_snapshot!(shape(&[&[3, 0], [7; 20].as_slice()].concat()), @r#"AWS Glue Schema Registry records -> let the producer write JSON: set value.converter to org.apache.kafka.connect.json.JsonConverter"#);
    assert_snapshot!(shape(b"\x18\x07\x2a\x80\x01"), @r#"Canal protobuf packets (canal.mq.flatMessage = false) -> set canal.mq.flatMessage = true in Canal"#);
    assert_snapshot!(shape(b"\x82SNAPPY\0"), @r#"snappy-compressed values -> compress in the producer (compression.type) and not in the value"#);
    assert_snapshot!(shape(b"\x04\x22\x4d\x18"), @r#"LZ4-compressed values -> damaged, or something else that begins so"#);
    assert_snapshot!(shape(b"\x28\xb5\x2f\xfd"), @r#"zstd-compressed values -> compress in the producer (compression.type) and not in the value"#);
    assert_snapshot!(shape(b"\x1f\x8b\x08"), @r#"gzip-compressed values -> compress in the producer (compression.type) and not in the value"#);
    assert_snapshot!(shape(b"{\"id\":"), @r#"broken JSON -> one value a line is expected; a value over several lines is not read as one"#);
    assert_snapshot!(shape(b"Struct{id=1}"), @r#"text that is not JSON -> an unwrapped or string-converted value?"#);
    assert_snapshot!(shape(b"\xfe\xff"), @r#"bytes that are neither text nor known -> encrypted, or compressed without a frame?"#);
}

#[test]
fn lone_surrogates_and_huge_numbers_are_json() {
    assert_snapshot!(shape(br#"{"a":"\ud800","n":1e400}"#), @"JSON objects of no known shape, each a row as it is");
}

#[test]
fn a_byte_order_mark_is_no_obstacle() {
    assert_snapshot!(shape("\u{feff}{\"id\":1}".as_bytes()), @"JSON objects of no known shape, each a row as it is");
}
