//! Events of the tools that write as Canal and Debezium do, under the dialects that are theirs.

use std::borrow::Cow;
use std::sync::Arc;

use lockgate::chain::Stage;
use lockgate::change::Class;
use lockgate::compress::Compression;
use lockgate::config;
use lockgate::outcome::Outcome;
use lockgate::pipeline::Pipeline;
use lockgate::record::{Header, Record};
use lockgate::table::Dialect;
use lockgate_tests::corpora::{Corpora, Event, Kind};

use super::carry::{carry, pipeline};
use super::identity::{classes, reads_everything, there_and_back};

const STAGES: [fn() -> Vec<Stage>; 3] = [Vec::new, there_and_back, reads_everything];

fn is_canal(event: &Event<'_>) -> bool {
    event.kind == Kind::Canal
}

#[test]
fn ticdc_and_canal_read_each_others_messages_alike() {
    for stages in STAGES {
        let Some(found) = classes(Dialect::Ticdc, stages(), is_canal) else { return };
        assert_eq!(Some(found), classes(Dialect::Canal, stages(), is_canal));
    }
}

#[test]
fn ticdcs_debezium_is_debeziums() {
    for stages in STAGES {
        let debezium = |event: &Event<'_>| event.kind.is_debezium();
        let Some(found) = classes(Dialect::TicdcDebezium, stages(), debezium) else { return };
        assert_eq!(Some(found), classes(Dialect::Debezium, stages(), debezium));
    }
}

/// The classes of the events of TiCDC's own files, in their order.
fn of_ticdc(dialect: Dialect, is_meant: fn(&Event<'_>) -> bool) -> Option<Vec<Class>> {
    let corpora = Corpora::find()?;
    let mut found = Vec::new();
    carry(&corpora, &mut pipeline(dialect, Vec::new()), is_meant, |file, _, about, _| {
        if file.starts_with("pingcap/") {
            found.push(about.class);
        }
    });
    Some(found)
}

#[test]
fn ticdcs_own_files_are_rows_watermarks_and_ddl() {
    let Some(found) = of_ticdc(Dialect::Ticdc, is_canal) else { return };
    let count = |found: &[Class], class| found.iter().filter(|found| **found == class).count();
    assert_eq!(
        (count(&found, Class::Row), count(&found, Class::Watermark), found.len()),
        (10, 2, 12)
    );
    let is_event =
        |event: &Event<'_>| event.kind.is_debezium() && event.kind != Kind::FlatOrKeyEnvelope;
    let Some(found) = of_ticdc(Dialect::TicdcDebezium, is_event) else { return };
    let known =
        [Class::Row, Class::Watermark, Class::SchemaChange].map(|class| count(&found, class));
    assert_eq!((known, found.len()), ([8, 1, 1], 10));
}

#[test]
fn flattened_rows_leave_as_they_came() {
    let enveloped = |event: &Event<'_>| event.kind == Kind::FlatOrKeyEnvelope;
    for stages in STAGES {
        let Some(found) = classes(Dialect::DebeziumFlat, stages(), enveloped) else { return };
        assert!(
            found.lines().count() == 1 && found.ends_with("debezium-flat-or-key-env: row\n"),
            "{found}"
        );
    }
}

#[test]
fn cloud_events_leave_as_they_came_and_avro_inside_is_no_row() {
    let cloud = |event: &Event<'_>| event.kind == Kind::CloudEvents;
    for stages in STAGES {
        let Some(found) = classes(Dialect::CloudEvents, stages(), cloud) else { return };
        assert_eq!(found, "1 cloudevents: row\n1 cloudevents: unknown\n");
    }
}

#[test]
fn what_debezium_flattened_for_real_is_read_with_its_operations_and_tables() {
    let Some(corpora) = Corpora::find() else { return };
    let records = corpora.captured("debezium-flat-postgres.records.jsonl").unwrap();
    for stages in STAGES {
        let settings = config::Pipeline::offline("".into(), Dialect::DebeziumFlat);
        let mut pipeline = Pipeline::new(Arc::new(settings), stages());
        let mut counts = std::collections::BTreeMap::new();
        for captured in &records {
            let topic: Arc<str> = captured.topic.as_str().into();
            let headers = captured.record.headers.iter();
            let record = Record {
                topic: &topic,
                partition: 0,
                offset: 0,
                timestamp: None,
                key: captured.record.key.as_deref(),
                value: captured.record.value.as_deref(),
                headers: headers
                    .map(|(name, value)| Header { name: name.as_bytes(), value: value.as_deref() })
                    .collect(),
            };
            pipeline.process(std::slice::from_ref(&record), |_, about, outcome| {
                let table = about.table.map(|table| table.qualified_name()).unwrap_or_default();
                *counts.entry((about.class.as_str(), table)).or_insert(0) += 1;
                let Outcome::Forward { record: left, .. } = outcome else { panic!("{outcome:?}") };
                assert_eq!(left.value.as_deref(), record.value);
                assert_eq!(left.key.as_deref(), record.key);
                true
            });
        }
        let table = |class: &str, name: &str| counts[&(class, name.to_owned())];
        assert_eq!(table("row", "public.customers"), 67);
        assert_eq!(table("row", "public.orders"), 119);
        assert_eq!(table("row", "public.Weird Naïme"), 2);
        assert_eq!(table("transaction", ""), 60);
        assert_eq!(table("heartbeat", ""), 31);
        assert_eq!(table("message", ""), 2);
    }
}

#[test]
fn compressed_messages_leave_in_the_bytes_they_came_in() {
    let Some(corpora) = Corpora::find() else { return };
    for compression in [Compression::Snappy, Compression::Lz4] {
        let settings = config::Pipeline {
            compression: Some(compression),
            ..config::Pipeline::offline("".into(), Dialect::Ticdc)
        };
        let mut pipeline = Pipeline::new(Arc::new(settings), there_and_back());
        let mut carried = 0;
        for file in corpora.files().unwrap() {
            for event in file.events().iter().filter(|event| is_canal(event)) {
                let packed = compression.pack(event.text);
                let record = Record {
                    topic: &"t".into(),
                    partition: 0,
                    offset: 0,
                    timestamp: None,
                    key: None,
                    value: Some(&packed),
                    headers: Vec::new(),
                };
                pipeline.process(&[record], |_, _, outcome| {
                    let Outcome::Forward { record, .. } = outcome else { panic!("{outcome:?}") };
                    assert!(
                        matches!(&record.value, Some(Cow::Borrowed(left)) if **left == *packed)
                    );
                    carried += 1;
                    true
                });
            }
        }
        assert!(carried > 100, "{carried}");
    }
}
