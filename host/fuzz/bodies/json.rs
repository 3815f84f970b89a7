//! What must hold of the scanner for any bytes: verdict, spans, order and text are those of serde_json. Run by the fuzzer, and
//! by `host/tests/corpora.rs` over real events and damaged ones.

use std::sync::Arc;

use lockgate::cell;
use lockgate::change::{Class, Decoder, Events, Presence, json};
use lockgate::contract::kind;
use lockgate::record::Record;
use lockgate::table::{Dialect, Tables};
use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

pub(crate) fn check(text: &[u8]) {
    let found = json::document(text);
    let unmarked = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let oracle = serde_json::from_slice::<IgnoredAny>(unmarked);
    if oracle.as_ref().is_err_and(|error| error.to_string().contains("recursion limit")) {
        return;
    }
    let valid = oracle.is_ok() && std::str::from_utf8(text).is_ok();
    assert_eq!(found.is_ok(), valid, "verdict on {} bytes: {found:?}, {oracle:?}", text.len());

    let topic: Arc<str> = "topic".into();
    let (key, value) = (Some(text), Some(text));
    let (partition, offset, timestamp, headers) = (0, 0, None, Vec::new());
    let record = Record { topic: &topic, partition, offset, timestamp, key, value, headers };
    let mut decoder = Decoder::new(Dialect::Json);
    let mut tables = Tables::default();
    let mut events = Events::default();
    // The second time the columns stand as guessed; nothing else may be different.
    for number in [0, 1] {
        let decoded = decoder.decode(number, &record, &mut tables, &mut events);
        assert_eq!(decoded.is_ok(), valid);
    }
    if !valid {
        assert!(events.rows.is_empty() && events.members.is_empty());
        return;
    }
    let is_object = unmarked.trim_ascii_start().starts_with(b"{");
    assert_eq!(events.events.len(), 2);
    for event in &events.events {
        assert_eq!(event.class, if is_object { Class::Row } else { Class::Unknown });
        for row in events.rows_of(event) {
            for image in [&row.after, &row.key] {
                assert_eq!(image.presence, Presence::Present);
                let whole = image.span.of(text);
                assert!(whole.starts_with(b"{") && whole.ends_with(b"}"));
                let found: Vec<(String, &[u8])> = events
                    .members_of(image)
                    .iter()
                    .map(|member| {
                        let name = json::unescape(member.name.of(text)).into_owned();
                        let table = tables.get(row.table).expect("the row's table");
                        assert_eq!(*table.columns[usize::from(member.column)].name, name);
                        (name, member.value.of(text))
                    })
                    .collect();
                compare(&found, unmarked);
            }
        }
    }
}

fn compare(found: &[(String, &[u8])], text: &[u8]) {
    for (_, value) in found {
        let mut out = Vec::new();
        let decoded = cell::decode(value, &mut out);
        if let Ok(string) = serde_json::from_slice::<String>(value) {
            assert_eq!((decoded, out), (Ok(kind::STRING), string.into_bytes()));
        }
    }
    // serde_json has no text for a name with a lone surrogate.
    let Some(expected) = members(text) else { return };
    assert_eq!(found.len(), expected.len());
    for ((name, value), (expected_name, expected_value)) in found.iter().zip(&expected) {
        assert_eq!(name, expected_name);
        assert_eq!(value.as_ptr(), expected_value.get().as_ptr(), "a value starts elsewhere");
        assert_eq!(*value, expected_value.get().as_bytes());
    }
}

/// The members of an object as serde_json sees them, duplicates included.
fn members(text: &[u8]) -> Option<Vec<(String, &RawValue)>> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(member) = map.next_entry()? {
                list.push(member);
            }
            Ok(list)
        }
    }
    serde_json::Deserializer::from_slice(text).deserialize_map(Members).ok()
}
