//! Through chains that change nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use lockgate::chain::Stage;
use lockgate::change::Class;
use lockgate::contract::{Field, Image, Plan, Rename};
use lockgate::outcome::Outcome;
use lockgate::table::{Column, Dialect, Table};
use lockgate_tests::corpora::{Corpora, Event, File, Kind};

use super::carry::{Plans, carry, carry_joined, pipeline};

/// The images of each column, each with its field.
fn fields(table: &Table) -> impl Iterator<Item = (&Column, Field)> {
    table.columns.iter().flat_map(|column| {
        let key = column.key.then_some(Image::Key);
        [Image::Before, Image::After].into_iter().chain(key).map(move |image| {
            (column, Field { image, name: column.name.to_string(), pointer: String::new() })
        })
    })
}

fn rename(table: &Table, to: impl Fn(&str) -> String) -> Plan {
    let renames =
        fields(table).map(|(column, field)| Rename { column: field, to: to(&column.name) });
    Plan { renames: renames.collect(), ..Plan::default() }
}

pub(super) fn there_and_back() -> Vec<Stage> {
    let there = Plans(|table: &Table| rename(table, |name| format!("{name}~")));
    let back = Plans(|table: &Table| rename(table, |name| name.trim_end_matches('~').to_owned()));
    vec![there.stage(), back.stage()]
}

pub(super) fn reads_everything() -> Vec<Stage> {
    let reads = |table: &Table| fields(table).map(|(_, field)| field).collect();
    vec![Plans(move |table: &Table| Plan { reads: reads(table), ..Plan::default() }).stage()]
}

/// Carries the chosen events and asserts that each leaves as it came; returns how many of each kind were of each class.
pub(super) fn classes(
    dialect: Dialect,
    stages: Vec<Stage>,
    chosen: impl Fn(&Event<'_>) -> bool,
) -> Option<String> {
    let corpora = Corpora::find()?;
    let mut classes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut pipeline = pipeline(dialect, stages);
    carry(&corpora, &mut pipeline, chosen, |file, event, about, outcome| {
        let Outcome::Forward { record, emissions } = outcome else {
            panic!("{file}: {outcome:?}");
        };
        assert!(emissions.is_empty());
        for (part, bytes) in [("value", &record.value), ("key", &record.key)] {
            let same = bytes.as_deref() == Some(event.text);
            assert!(same, "{file}: another {part} of {}", String::from_utf8_lossy(event.text));
            assert!(matches!(bytes, Some(Cow::Borrowed(_))), "{file}: a copied {part}");
        }
        *classes.entry((event.kind.as_str(), about.class.as_str())).or_default() += 1;
    });
    let line = |mut text: String, ((kind, class), count)| {
        writeln!(text, "{count} {kind}: {class}").unwrap();
        text
    };
    Some(classes.into_iter().fold(String::new(), line))
}

/// The three unknown ones are Aliyun's (`"op":"INSERT"`), which the index counts as Debezium's; the others are keys and
/// flattened rows, which say nothing of a change.
#[test]
fn debezium_events_leave_an_empty_chain_as_they_came() {
    let found = classes(Dialect::Debezium, Vec::new(), |event| event.kind.is_debezium());
    if let Some(found) = found {
        insta::assert_snapshot!(found, @r"
        50 debezium-env: row
        3 debezium-env: unknown
        1 debezium-env: watermark
        29 debezium-flat-or-key-env: unknown
        1 debezium-plain: message
        1906 debezium-plain: row
        3 debezium-schema-change: schema-change
        ");
    }
}

/// The dialects with events of their own in the corpora, beside Debezium.
const OTHERS: [(Dialect, Kind); 4] = [
    (Dialect::Canal, Kind::Canal),
    (Dialect::Maxwell, Kind::Maxwell),
    (Dialect::Ogg, Kind::GoldenGate),
    (Dialect::Dms, Kind::Dms),
];

/// The watermarks are TiCDC's, which the index counts as Canal's.
#[test]
fn events_of_each_other_dialect_leave_an_empty_chain_as_they_came() {
    let mut found = String::new();
    for (dialect, kind) in OTHERS {
        let Some(classes) = classes(dialect, Vec::new(), |event| event.kind == kind) else {
            return;
        };
        found += &classes;
    }
    insta::assert_snapshot!(found, @r"
    145 canal: row
    27 canal: schema-change
    2 canal: watermark
    2 maxwell: encrypted
    192 maxwell: row
    20 maxwell: snapshot-marker
    43 ogg: row
    38 aws-dms: row
    ");
}

#[test]
fn every_event_that_the_index_counts_is_decoded_under_its_own_dialect() {
    let Some(corpora) = Corpora::find() else { return };
    for (dialect, kind) in OTHERS {
        let files = corpora.files().unwrap();
        let of_kind = |file: &File| file.listed.kinds.get(kind.as_str()).copied();
        let listed: usize = files.iter().filter_map(of_kind).sum();
        let mut pipeline = pipeline(dialect, Vec::new());
        let mut known = 0;
        carry(
            &corpora,
            &mut pipeline,
            |event| event.kind == kind,
            |file, event, about, _| {
                let text = String::from_utf8_lossy(event.text);
                assert_ne!(about.class, Class::Unknown, "{file}: {text}");
                known += 1;
            },
        );
        assert_eq!(known, listed, "{dialect}");
    }
}

/// T40.
#[test]
fn maxwell_events_leave_as_they_came_also_when_one_value_holds_a_files_all() {
    let Some(corpora) = Corpora::find() else { return };
    for separator in ["", "\r\n", " "] {
        let mut pipeline = pipeline(Dialect::TicdcMaxwell, there_and_back());
        let maxwell = |event: &Event<'_>| event.kind == Kind::Maxwell;
        let files = carry_joined(
            &corpora,
            &mut pipeline,
            maxwell,
            separator,
            |file, value, about, outcome| {
                let Outcome::Forward { record, .. } = outcome else {
                    panic!("{file}: {outcome:?}")
                };
                assert!(record.value.as_deref() == Some(value), "{file}");
                let classes = [Class::Row, Class::Encrypted, Class::SnapshotMarker];
                assert!(classes.contains(&about.class), "{file}: {}", about.class.as_str());
            },
        );
        assert_eq!(files, 70);
    }
}

#[test]
fn any_object_leaves_an_empty_chain_as_it_came() {
    if let Some(found) = classes(Dialect::Json, Vec::new(), |_| true) {
        insta::assert_snapshot!(found, @r"
        38 aws-dms: row
        174 canal: row
        2 cloudevents: row
        54 debezium-env: row
        29 debezium-flat-or-key-env: row
        1907 debezium-plain: row
        3 debezium-schema-change: row
        214 maxwell: row
        43 ogg: row
        323 other-json-object: row
        ");
    }
}

/// The tombstone is an envelope around null.
#[test]
fn events_of_other_dialects_pass_as_they_came_where_that_is_allowed() {
    if let Some(found) = classes(Dialect::Debezium, Vec::new(), |event| !event.kind.is_debezium()) {
        insta::assert_snapshot!(found, @r"
        38 aws-dms: unknown
        174 canal: unknown
        2 cloudevents: unknown
        214 maxwell: unknown
        43 ogg: unknown
        1 other-json-object: tombstone
        322 other-json-object: unknown
        ");
    }
}

#[test]
fn columns_renamed_there_and_back_leave_the_event_as_it_came() {
    let debezium = |event: &Event<'_>| event.kind.is_debezium();
    if let Some(found) = classes(Dialect::Debezium, there_and_back(), debezium) {
        assert_eq!(Some(found), classes(Dialect::Debezium, Vec::new(), debezium));
        let found = classes(Dialect::Json, there_and_back(), |_| true);
        assert_eq!(found, classes(Dialect::Json, Vec::new(), |_| true));
    }
    for (dialect, kind) in OTHERS {
        let own = |event: &Event<'_>| event.kind == kind;
        assert_eq!(classes(dialect, there_and_back(), own), classes(dialect, Vec::new(), own));
    }
}

#[test]
fn a_plugin_that_reads_every_cell_leaves_the_event_as_it_came() {
    let debezium = |event: &Event<'_>| event.kind.is_debezium();
    if let Some(found) = classes(Dialect::Debezium, reads_everything(), debezium) {
        assert_eq!(Some(found), classes(Dialect::Debezium, Vec::new(), debezium));
        let found = classes(Dialect::Json, reads_everything(), |_| true);
        assert_eq!(found, classes(Dialect::Json, Vec::new(), |_| true));
    }
    for (dialect, kind) in OTHERS {
        let own = |event: &Event<'_>| event.kind == kind;
        assert_eq!(classes(dialect, reads_everything(), own), classes(dialect, Vec::new(), own));
    }
}
