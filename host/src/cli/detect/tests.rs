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

    tables: 2
           1  public.customers
           2  public.orders

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
           1  schema registry framing (Avro, Protobuf or JSON Schema)
              -> not available in this version; set value.converter to JsonConverter

    for lockgate.toml:

    [[pipeline]]
    name    = "users"
    from    = ["users"]
    dialect = "json"
    to      = "clean.{topic}"
    plugins = "plugins"

    under it 1 of the 4 events would be refused, and dead-lettered
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
    let sample = br#"{"database":"shop","table":"orders","type":"insert","ts":1,"data":{"id":1}}"#;
    assert_snapshot!(report(sample), @r#"
    events: 1
           1  Maxwell events
              -> not a dialect of this version; "json" carries them, each value as one row

    tables: 1
           1  shop.orders

    nothing here can be proposed as a pipeline of this version
    "#);
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
fn an_empty_sample_proposes_nothing() {
    assert!(!look(&b""[..], "sample", 10).unwrap().has_proposal());
}

#[test]
fn no_more_than_the_limit_is_looked_at() {
    assert_eq!(look("{}\n".repeat(50).as_bytes(), "sample", 7).unwrap().events(), 7);
}

#[test]
fn each_foreign_shape_is_named() {
    let canal =
        br#"{"data":[{"id":"1"}],"database":"d","isDdl":false,"table":"t","type":"INSERT"}"#;
    assert_snapshot!(shape(canal), @r#"Canal messages -> not a dialect of this version; "json" carries them, each value as one row"#);
    let ticdc = br#"{"id":0,"database":"d","isDdl":false,"type":"INSERT","_tidb":{"commitTs":1}}"#;
    assert_snapshot!(shape(ticdc), @"TiCDC messages in Canal's JSON -> not a dialect of this version; TiCDC also writes the protocol debezium");
    assert_snapshot!(shape(br#"{"encrypted":{"iv":"a","bytes":"b"}}"#), @"Maxwell events, encrypted -> set encrypt=none in Maxwell, and let a plugin mask what needs it");
    assert_snapshot!(shape(br#"{"table":"O.T","op_type":"I","after":{"A":1}}"#), @r#"GoldenGate events -> not a dialect of this version; "json" carries them, each value as one row"#);
    assert_snapshot!(shape(br#"{"data":{"id":1},"metadata":{"operation":"load"}}"#), @r#"AWS DMS events -> not a dialect of this version; "json" carries them, each value as one row"#);
    assert_snapshot!(shape(br#"{"id":"1","specversion":"1.0","data":{}}"#), @"CloudEvents -> not a dialect of this version; set value.converter to JsonConverter");
    assert_snapshot!(shape(br#"{"op":"m","source":{}}"#), @"Debezium watermarks, as TiCDC writes them");
    assert_snapshot!(shape(br#"{"a":1}{"b":2}"#), @"several JSON values in one -> let TiCDC write the protocol debezium");
    assert_snapshot!(shape(b"[1,2]"), @"JSON, but no objects -> nothing in them can be named, so no plugin sees them");
}

#[test]
fn each_opaque_shape_is_named() {
    assert_snapshot!(shape(b"\0\0\0\0\x2a\x02hello"), @"schema registry framing (Avro, Protobuf or JSON Schema) -> not available in this version; set value.converter to JsonConverter");
    assert_snapshot!(shape(&[&[3, 0], [7; 20].as_slice()].concat()), @"AWS Glue schema registry framing -> not available in this version; set value.converter to JsonConverter");
    assert_snapshot!(shape(b"\x18\x07\x2a\x80\x01"), @"Canal messages in Protobuf -> set canal.mq.flatMessage=true in Canal");
    assert_snapshot!(shape(b"\x82SNAPPY\0"), @"compressed with snappy inside the value -> compress in the producer (compression.type) and not in the value");
    assert_snapshot!(shape(b"\x04\x22\x4d\x18"), @"compressed with lz4 inside the value -> compress in the producer (compression.type) and not in the value");
    assert_snapshot!(shape(b"\x28\xb5\x2f\xfd"), @"compressed with zstd inside the value -> compress in the producer (compression.type) and not in the value");
    assert_snapshot!(shape(b"\x1f\x8b\x08"), @"compressed with gzip inside the value -> compress in the producer (compression.type) and not in the value");
    assert_snapshot!(shape(b"{\"id\":"), @"broken JSON -> one value a line is expected; a value over several lines is not read as one");
    assert_snapshot!(shape(b"Struct{id=1}"), @"text that is not JSON -> an unwrapped or string-converted value?");
    assert_snapshot!(shape(b"\xfe\xff"), @"bytes that are neither text nor known -> encrypted, or compressed without a frame?");
}

#[test]
fn lone_surrogates_and_huge_numbers_are_json() {
    assert_snapshot!(shape(br#"{"a":"\ud800","n":1e400}"#), @"JSON objects of no known shape, each a row as it is");
}

#[test]
fn a_byte_order_mark_is_no_obstacle() {
    assert_snapshot!(shape("\u{feff}{\"id\":1}".as_bytes()), @"JSON objects of no known shape, each a row as it is");
}
