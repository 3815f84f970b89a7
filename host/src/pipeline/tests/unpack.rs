//! Values that the source compressed inside its records.

use std::sync::Arc;

use super::fake::{Fake, answer, field, settings};
use crate::compress::Compression;
use crate::config::{ClassPolicy, Limits, Payload, Pipeline as Settings};
use crate::contract::{Answer, Batch, Emission, Image, Plan};
use crate::outcome::Outcome;
use crate::pipeline::Pipeline;
use crate::record::Record;
use crate::table::Dialect;

const BOTH: [Compression; 2] = [Compression::Snappy, Compression::Lz4];

fn ticdc(compression: Compression) -> Settings {
    Settings { dialects: Dialect::Ticdc.into(), compression: Some(compression), ..settings() }
}

fn message(id: usize, email: &str) -> String {
    let filler = "x".repeat(200);
    format!(
        r#"{{"id":0,"database":"shop","table":"items","pkNames":["id"],"isDdl":false,"type":"INSERT","data":[{{"id":"{id}","email":"{email}","filler":"{filler}"}}],"old":null,"_tidb":{{"commitTs":1}}}}"#
    )
}

/// Replaces every e-mail by `***`.
fn mask() -> Fake {
    let plan = Plan { writes: vec![field(Image::After, "email")], ..Plan::default() };
    Fake::new(plan, |batch| answer(0, &rows(&batch), "***"))
}

/// What became of each of the values: what it is called, and the bytes that leave.
fn carry(settings: Settings, plugins: Vec<Fake>, values: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let stages = plugins.into_iter().map(Fake::stage).collect();
    let mut pipeline = Pipeline::new(Arc::new(settings), stages);
    let topic: Arc<str> = "t".into();
    let records = (0i64..).zip(values).map(|(offset, value)| Record {
        topic: &topic,
        partition: 0,
        offset,
        timestamp: None,
        key: None,
        value: Some(value),
        headers: Vec::new(),
    });
    let records: Vec<Record<'_>> = records.collect();
    let mut seen = Vec::new();
    pipeline.process(&records, |number, _, outcome| {
        assert_eq!(number, seen.len(), "one outcome a record, in their order");
        seen.push(match outcome {
            Outcome::Forward { record, emissions } => {
                let emitted: Vec<u8> =
                    emissions.into_iter().flat_map(|e| e.value.unwrap().into_owned()).collect();
                (format!("forward {}", String::from_utf8(emitted).unwrap()), bytes(record.value))
            }
            Outcome::DeadLetter { refusal, kept } => (refusal.to_string(), bytes(kept.value)),
            other => (format!("{other:?}"), Vec::new()),
        });
        true
    });
    seen
}

fn bytes(value: Option<std::borrow::Cow<'_, [u8]>>) -> Vec<u8> {
    value.map(|value| value.into_owned()).unwrap_or_default()
}

fn unpacked(compression: Compression, value: &[u8]) -> String {
    let mut out = Vec::new();
    compression.unpack(value, 1 << 20, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// As another writer packs it: nothing of this project's would choose these bytes.
fn packed_otherwise(text: &str) -> Vec<u8> {
    let mut packed = vec![];
    let mut length = text.len();
    while length > 0x7f {
        packed.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    packed.push(u8::try_from(length).unwrap());
    for chunk in text.as_bytes().chunks(60) {
        packed.push(u8::try_from((chunk.len() - 1) << 2).unwrap());
        packed.extend_from_slice(chunk);
    }
    packed
}

#[test]
fn t38_an_untouched_value_leaves_in_the_bytes_it_came_in() {
    let packed = packed_otherwise(&message(1, "a@x.io"));
    assert_ne!(packed, Compression::Snappy.pack(message(1, "a@x.io").as_bytes()));
    let reads = Plan { reads: vec![field(Image::After, "email")], ..Plan::default() };
    let reader = || {
        Fake::new(reads.clone(), |batch| {
            assert_eq!(batch.reads[0].data, b"a@x.io");
            Answer::default()
        })
    };
    for plugins in [vec![], vec![reader()]] {
        let seen = carry(ticdc(Compression::Snappy), plugins, std::slice::from_ref(&packed));
        assert_eq!(seen, [("forward ".to_owned(), packed.clone())]);
    }
}

#[test]
fn t38_a_changed_value_is_packed_again_the_same_way() {
    for compression in BOTH {
        let packed = compression.pack(message(1, "a@x.io").as_bytes());
        let seen = carry(ticdc(compression), vec![mask()], &[packed]);
        assert_eq!(seen[0].0, "forward ");
        assert_eq!(unpacked(compression, &seen[0].1), message(1, "***"));
    }
}

#[test]
fn a_value_that_was_not_compressed_stays_so() {
    for compression in BOTH {
        for (plugins, email) in [(vec![], "a@x.io"), (vec![mask()], "***")] {
            let text = format!("\u{feff} {}", message(1, "a@x.io"));
            let seen = carry(ticdc(compression), plugins, &[text.into_bytes()]);
            let left = format!("\u{feff} {}", message(1, email));
            assert_eq!(seen, [("forward ".to_owned(), left.into_bytes())]);
        }
    }
}

#[test]
fn a_packed_value_may_begin_like_an_object() {
    let text = r#"{"database":"d","table":"t","type":"INSERT","isDdl":false,"data":[{"id":"1","email":"a@x.io"}],"old":null}"#;
    let text = format!("{text:<123}");
    let packed = packed_otherwise(&text);
    assert_eq!(packed.first(), Some(&b'{'), "the length, 123");
    let seen = carry(ticdc(Compression::Snappy), vec![mask()], &[packed]);
    let left = unpacked(Compression::Snappy, &seen[0].1);
    assert_eq!(left, text.replace("a@x.io", "***"));
}

#[test]
fn a_value_that_unpacks_to_too_much_is_refused_by_name_and_the_others_pass() {
    for compression in BOTH {
        let limits = Limits { in_flight_bytes: 1_000, ..Limits::default() };
        let settings = Settings { limits, ..ticdc(compression) };
        let bomb = compression.pack(&vec![b' '; 1_001]);
        let small = compression.pack(message(1, "a@x.io").as_bytes());
        let seen = carry(settings, vec![mask()], &[small.clone(), bomb, small]);
        assert_eq!(
            seen[1].0,
            format!(
                "too-large: the value, compressed with {}, has more than 1000 bytes when it is unpacked; raise in_flight_bytes",
                compression.as_str()
            )
        );
        assert!(seen[1].1.is_empty(), "what could not be read is not shown");
        for number in [0, 2] {
            assert_eq!(unpacked(compression, &seen[number].1), message(1, "***"));
        }
    }
}

#[test]
fn more_values_than_may_be_unpacked_at_a_time_are_carried_in_turn() {
    for compression in BOTH {
        let limits = Limits { in_flight_bytes: 1_000, ..Limits::default() };
        let settings = Settings { limits, ..ticdc(compression) };
        let values: Vec<Vec<u8>> =
            (0..20).map(|id| compression.pack(message(id, "a@x.io").as_bytes())).collect();
        let mask = mask();
        let calls = Arc::clone(&mask.calls);
        let seen = carry(settings, vec![mask], &values);
        for (id, (_, left)) in seen.iter().enumerate() {
            assert_eq!(unpacked(compression, left), message(id, "***"));
        }
        let calls = calls.load(std::sync::atomic::Ordering::Relaxed);
        assert!((5..=10).contains(&calls), "{calls} calls");
    }
}

#[test]
fn what_is_neither_json_nor_compressed_so_is_refused_by_name() {
    for compression in BOTH {
        for damaged in [&b"\xff\xff\xff"[..], b"garbage", b""] {
            let seen = carry(ticdc(compression), vec![mask()], &[damaged.to_vec()]);
            assert!(
                seen[0].0.starts_with("undecodable: the value is neither JSON nor compressed with"),
                "{seen:?}"
            );
        }
        let seen = carry(ticdc(compression), vec![mask()], &[b"{\"a\":".to_vec()]);
        assert!(seen[0].0.starts_with("undecodable: the value is not JSON: "), "{seen:?}");
    }
}

#[test]
fn a_policy_that_passes_what_cannot_be_read_passes_its_bytes() {
    let mut classes = ClassPolicy::defaults();
    classes.insert(crate::change::Class::Unknown, ClassPolicy::Pass);
    let settings = Settings { classes, ..ticdc(Compression::Lz4) };
    let seen = carry(settings, vec![mask()], &[b"garbage".to_vec()]);
    assert_eq!(seen, [("forward ".to_owned(), b"garbage".to_vec())]);
}

#[test]
fn a_dead_letter_shows_what_it_may_packed_as_it_came() {
    let refuse = || {
        let plan = Plan { writes: vec![field(Image::After, "email")], ..Plan::default() };
        Fake::faulting(plan, crate::contract::FaultClass::Trap)
    };
    for compression in BOTH {
        let packed = compression.pack(message(1, "a@x.io").as_bytes());
        let seen = carry(ticdc(compression), vec![refuse()], std::slice::from_ref(&packed));
        assert!(seen[0].0.starts_with("plugin-trapped"), "{seen:?}");
        assert_eq!(unpacked(compression, &seen[0].1), message(1, "[redacted]"));
        let raw = Settings { dead_letter_payload: Payload::Raw, ..ticdc(compression) };
        assert_eq!(carry(raw, vec![refuse()], std::slice::from_ref(&packed))[0].1, packed);
    }
}

#[test]
fn what_a_plugin_emits_stays_as_it_wrote_it() {
    let emit =
        Fake::new(Plan { reads: vec![field(Image::After, "id")], ..Plan::default() }, |_| {
            let emission = Emission {
                row: 0,
                topic: "events".into(),
                key: None,
                value: Some(b"emitted".to_vec()),
                headers: Vec::new(),
            };
            Answer { emissions: vec![emission], ..Answer::default() }
        });
    let packed = Compression::Lz4.pack(message(1, "a@x.io").as_bytes());
    let seen = carry(ticdc(Compression::Lz4), vec![emit], std::slice::from_ref(&packed));
    assert_eq!(seen, [("forward emitted".to_owned(), packed)]);
}

#[test]
fn a_batch_that_is_left_alone_midway_is_left_alone() {
    let limits = Limits { in_flight_bytes: 1_000, ..Limits::default() };
    let settings = Settings { limits, ..ticdc(Compression::Lz4) };
    let mut pipeline = Pipeline::new(Arc::new(settings), Vec::new());
    let topic: Arc<str> = "t".into();
    let value = Compression::Lz4.pack(message(1, "a@x.io").as_bytes());
    let record = Record {
        topic: &topic,
        partition: 0,
        offset: 0,
        timestamp: None,
        key: None,
        value: Some(&value),
        headers: Vec::new(),
    };
    let mut settled = Vec::new();
    pipeline.process(&vec![record; 20], |number, _, _| {
        settled.push(number);
        number < 7
    });
    assert_eq!(settled, [0, 1, 2, 3, 4, 5, 6, 7]);
}

fn rows(batch: &Batch<'_>) -> Vec<u32> {
    (0u32..).zip(batch.operations).map(|(row, _)| row).collect()
}
