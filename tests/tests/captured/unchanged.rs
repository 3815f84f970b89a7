//! Through an empty chain: everything that can be seen of a record is as it was, and its class is what the index says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use lockgate::change::Class;
use lockgate::config::{self, ClassPolicy};
use lockgate::outcome::Outcome;
use lockgate::pipeline::Pipeline;
use lockgate::record::{Output, Partition, Record};
use lockgate::table::Dialect;
use lockgate_tests::corpora::{Corpora, Listed};

use super::carry::{FILES, borrow, topics};

fn assert_same(record: &Record<'_>, output: &Output<'_>) {
    let position = record.position();
    assert_eq!(output.topic, *record.topic, "{position}");
    assert_eq!(output.partition, Partition::Same(record.partition), "{position}");
    assert_eq!(output.timestamp, record.timestamp, "{position}");
    assert_eq!(output.key.as_deref(), record.key, "{position}");
    assert_eq!(output.value.as_deref(), record.value, "{position}");
    let came = record.headers.iter().map(|header| (header.name, header.value));
    let left = output.headers.iter().map(|header| (&*header.name, header.value.as_deref()));
    assert!(came.eq(left), "{position}: other headers");
}

/// Carries a file as batches of `size` and counts the classes.
fn classes(
    corpora: &Corpora,
    file: &str,
    dialect: Dialect,
    size: usize,
) -> BTreeMap<&'static str, usize> {
    let captured = corpora.captured(file).unwrap();
    let mut settings = config::Pipeline::offline(PathBuf::new(), dialect);
    settings.classes.insert(Class::Unknown, ClassPolicy::Pass);
    let mut pipeline = Pipeline::new(Arc::new(settings), Vec::new());
    let mut classes = BTreeMap::new();
    let topics = topics(&captured);
    let records = borrow(&captured, &topics);
    for batch in records.chunks(size) {
        pipeline.process(batch, |number, about, outcome| {
            let record = &batch[number];
            let Outcome::Forward { record: output, emissions } = outcome else {
                panic!("{}: {outcome:?}", record.position());
            };
            assert!(emissions.is_empty());
            assert_same(record, &output);
            *classes.entry(about.class.as_str()).or_default() += 1;
            true
        });
    }
    classes
}

/// What a kind of the index is to the gateway.
fn class(kind: &str, dialect: Dialect) -> &'static str {
    match (kind, dialect) {
        ("tombstone", _) => "tombstone",
        // A JSON string, which is no row.
        ("not-json", Dialect::Json) => "unknown",
        (_, Dialect::Json) | ("r" | "c" | "u" | "d", _) => "row",
        ("t", _) => "truncate",
        ("m", _) => "message",
        ("other", _) => "heartbeat",
        ("transaction", _) => "transaction",
        ("schema-change", _) => "schema-change",
        _ => panic!("no class is known for {kind:?}"),
    }
}

#[test]
fn captured_records_leave_as_they_came_and_are_what_the_index_says() {
    let Some(corpora) = Corpora::find() else { return };
    let index = corpora.captured_index().unwrap();
    assert_eq!(index.len(), FILES.len());
    for Listed { name: file, kinds, count } in index {
        let (_, dialect) = FILES.into_iter().find(|(name, _)| *name == file).unwrap();
        let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, count) in &kinds {
            *expected.entry(class(kind, dialect)).or_default() += count;
        }
        assert_eq!(expected.values().sum::<usize>(), count, "{file}");
        for size in [1, 7, 1_024] {
            let found = classes(&corpora, &file, dialect, size);
            assert_eq!(found, expected, "{file} in batches of {size}");
        }
    }
}
