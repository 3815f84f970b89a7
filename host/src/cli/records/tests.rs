//! Files come back as they were, whatever is in them.

use std::borrow::Cow;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::outcome::{Code, Refusal};
use crate::record::{Header, Output, OutputHeader, Partition, Record};

/// What every record of `input` is, written again without a change, and how many empty lines there were.
fn copy(input: &[u8], format: Format) -> anyhow::Result<(Vec<u8>, u64)> {
    let mut reader = Reader::new(input, format, "events.jsonl");
    let mut writer = Writer::new(Vec::new(), format);
    let mut batch = Batch::default();
    while reader.read(&mut batch)? {
        for record in batch.records() {
            writer.output(&unchanged(&record), &record)?;
        }
    }
    Ok((writer.finish()?, reader.empty_lines()))
}

fn unchanged<'r>(record: &Record<'r>) -> Output<'r> {
    Output {
        topic: Arc::clone(record.topic),
        partition: Partition::Same(record.partition),
        timestamp: record.timestamp,
        key: record.key.map(Cow::Borrowed),
        value: record.value.map(Cow::Borrowed),
        headers: record
            .headers
            .iter()
            .map(|header| OutputHeader {
                name: Cow::Borrowed(header.name),
                value: header.value.map(Cow::Borrowed),
            })
            .collect(),
    }
}

fn refusal(line: &str) -> String {
    copy(line.as_bytes(), Format::Records).unwrap_err().to_string()
}

/// A record that owns its parts.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    topic: String,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl From<&Record<'_>> for Owned {
    fn from(record: &Record<'_>) -> Self {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let headers = record.headers.iter();
        Self {
            topic: record.topic.to_string(),
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key: owned(record.key),
            value: owned(record.value),
            headers: headers.map(|it| (it.name.to_vec(), owned(it.value))).collect(),
        }
    }
}

/// Text of all kinds, and bytes that are none.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        any::<String>().prop_map(String::into_bytes),
        Just(br#"{"a":"\ud800","n":1.0e400}"#.to_vec()),
    ]
}

fn record() -> impl Strategy<Value = Owned> {
    let cell = || proptest::option::of(bytes());
    let headers = proptest::collection::vec((bytes(), cell()), 0..3);
    let place = (any::<String>(), any::<i32>(), any::<i64>(), any::<Option<i64>>());
    (place, cell(), cell(), headers).prop_map(|(place, key, value, headers)| {
        let (topic, partition, offset, timestamp) = place;
        Owned { topic, partition, offset, timestamp, key, value, headers }
    })
}

proptest! {
    #[test]
    fn any_record_survives_its_line(records in proptest::collection::vec(record(), 1..4)) {
        let mut writer = Writer::new(Vec::new(), Format::Records);
        for owned in &records {
            let topic = Arc::from(owned.topic.as_str());
            let headers = owned.headers.iter();
            let headers = headers.map(|(name, value)| Header { name, value: value.as_deref() });
            let record = Record {
                topic: &topic,
                partition: owned.partition,
                offset: owned.offset,
                timestamp: owned.timestamp,
                key: owned.key.as_deref(),
                value: owned.value.as_deref(),
                headers: headers.collect(),
            };
            writer.output(&unchanged(&record), &record).unwrap();
        }
        let text = writer.finish().unwrap();
        let mut batch = Batch::default();
        prop_assert!(Reader::new(text.as_slice(), Format::Records, "x").read(&mut batch).unwrap());
        let read: Vec<Owned> = batch.records().iter().map(Owned::from).collect();
        prop_assert_eq!(&read, &records);
        prop_assert_eq!(copy(&text, Format::Records).unwrap(), (text, 0));
    }

    #[test]
    fn any_file_of_full_lines_survives(lines in proptest::collection::vec("[^\n]*[^\n\r]\r?", 0..5)) {
        let text: Vec<u8> = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
        prop_assert_eq!(copy(&text, Format::Lines).unwrap(), (text, 0));
    }
}

#[test]
fn a_record_is_written_with_its_keys_in_order() {
    let line = concat!(
        r#"{"topic":"t","partition":3,"offset":7,"timestamp":null,"key":{"base64":"/w=="},"#,
        r#""value":"{\"a\": 1}","headers":[["h",null],["h","ø"]]}"#,
        "\n"
    );
    let (text, _) = copy(line.as_bytes(), Format::Records).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), line);
}

#[test]
fn lines_keep_their_carriage_returns_and_lose_only_empty_ones() {
    let (text, empty) = copy(b"{\"a\":1}\r\n\n\r\nnot json\n{\"a\":2}", Format::Lines).unwrap();
    assert_eq!(text, b"{\"a\":1}\r\nnot json\n{\"a\":2}\n");
    assert_eq!(empty, 2);
}

#[test]
fn the_offset_of_a_value_is_the_number_of_its_line() {
    let mut batch = Batch::default();
    Reader::new(&b"1\n\n3"[..], Format::Lines, "events.jsonl").read(&mut batch).unwrap();
    let positions: Vec<String> =
        batch.records().iter().map(|record| record.position().to_string()).collect();
    assert_eq!(positions, ["events.jsonl-0@1", "events.jsonl-0@3"]);
}

#[test]
fn batches_are_bounded_by_records_and_by_bytes() {
    let mut batch = Batch::default();
    let lines = "1\n".repeat(BATCH_RECORDS + 1);
    let mut reader = Reader::new(lines.as_bytes(), Format::Lines, "x");
    reader.read(&mut batch).unwrap();
    assert_eq!(batch.records().len(), BATCH_RECORDS);
    let long = format!("{}\n", "1".repeat(BATCH_BYTES / 2)).repeat(3);
    Reader::new(long.as_bytes(), Format::Lines, "x").read(&mut batch).unwrap();
    assert_eq!(batch.records().len(), 2);
}

#[test]
fn a_refused_record_is_told_with_its_reason_and_can_be_read_again() {
    let mut batch = Batch::default();
    Reader::new(&b"{broken"[..], Format::Lines, "x").read(&mut batch).unwrap();
    let mut writer = Writer::new(Vec::new(), Format::Records);
    let reason = Refusal::new(Code::Undecodable, "no \":\" at byte 7");
    writer.refused(&batch.records()[0], &reason).unwrap();
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    insta::assert_snapshot!(text, @r#"{"topic":"x","partition":0,"offset":1,"timestamp":null,"key":null,"value":"{broken","headers":[],"code":"undecodable","reason":"no \":\" at byte 7","said":null,"plugin":null,"position":"x-0@1"}"#);
    let (again, _) = copy(text.as_bytes(), Format::Records).unwrap();
    assert!(text.starts_with(std::str::from_utf8(&again).unwrap().trim_end_matches("}\n")));
}

#[test]
fn what_is_no_record_is_refused_by_line_without_quoting_it() {
    let good = r#"{"topic":"t","value":null}"#;
    insta::assert_snapshot!(refusal(&format!("{good}\n{{\"topic\":")), @r#"reading "events.jsonl": line 2, column 9: EOF while parsing a value"#);
    insta::assert_snapshot!(refusal(r#"{"topic":"t"}"#), @r#"reading "events.jsonl": line 1, column 13: missing field "value""#);
    insta::assert_snapshot!(refusal(r#"{"topic":"t","valeu":null}"#), @r#"reading "events.jsonl": line 1, column 20: unknown field "valeu", expected one of "topic", "partition", "offset", "timestamp", "key", "value", "headers", "code", "reason", "said", "position", "plugin""#);
    insta::assert_snapshot!(refusal(r#"{"topic":"t","value":1234}"#), @r#"reading "events.jsonl": line 1, column 25: expected text, null or {"base64": "..."}"#);
    insta::assert_snapshot!(refusal(r#"{"topic":"t","value":{"hex":"00"}}"#), @r#"reading "events.jsonl": line 1, column 33: expected {"base64": "..."}"#);
    insta::assert_snapshot!(refusal(r#"{"topic":"t","value":{"base64":"?"}}"#), @r#"reading "events.jsonl": line 1, column 35: the text is not base64"#);
    insta::assert_snapshot!(refusal(r#"{"topic":"t","value":null,"offset":"secret"}"#), @r#"reading "events.jsonl": line 1, column 43: expected a whole number that fits"#);
}

#[test]
fn a_value_with_a_line_break_does_not_fit_a_line() {
    let line = r#"{"topic":"t","offset":9,"value":"a\nb"}"#;
    let mut batch = Batch::default();
    Reader::new(line.as_bytes(), Format::Records, "x").read(&mut batch).unwrap();
    let record = &batch.records()[0];
    let mut writer = Writer::new(Vec::new(), Format::Lines);
    let error = writer.output(&unchanged(record), record).unwrap_err().to_string();
    let expected =
        "writing an output of t-0@9: its value has a line break; --format records can hold it";
    assert_eq!(error, expected);
}
