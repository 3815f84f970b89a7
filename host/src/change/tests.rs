//! What each kind of record becomes.

mod canal;
mod cloudevents;
mod debezium_sides;
mod dms;
mod flat;
mod maxwell;
mod maxwell_keys;
mod mongo;
mod ogg;
mod refused;
mod ticdc;

use std::sync::Arc;

use super::*;
use crate::record::{Header, Record};
use crate::table::{Dialect, Tables};

/// A decoder with its tables, and the one batch it fills.
struct Lane {
    decoder: Decoder,
    tables: Tables,
    events: Events,
}

impl Lane {
    fn new(dialect: Dialect) -> Self {
        Self {
            decoder: Decoder::new(dialect),
            tables: Tables::default(),
            events: Events::default(),
        }
    }

    /// Decodes one record and describes what came of it.
    fn meets(&mut self, topic: &str, key: Option<&str>, value: Option<&[u8]>) -> String {
        self.meets_with(topic, key, value, &[])
    }

    /// As [`Self::meets`], for a record with headers.
    fn meets_with(
        &mut self,
        topic: &str,
        key: Option<&str>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> String {
        let topic: Arc<str> = topic.into();
        let key = key.map(str::as_bytes);
        let headers = headers.iter();
        let record = Record {
            topic: &topic,
            partition: 0,
            offset: 0,
            timestamp: None,
            key,
            value,
            headers: headers
                .map(|(name, value)| Header { name: name.as_bytes(), value: Some(value) })
                .collect(),
        };
        self.events.clear();
        let decoded = self.decoder.decode(0, &record, &mut self.tables, &mut self.events);
        assert_eq!(self.events.events.len(), 1, "exactly one event a record");
        let event = self.events.events[0];
        if let Err(refusal) = decoded {
            assert_eq!((event.class, self.events.rows.len()), (Class::Unknown, 0));
            assert!(self.events.members.is_empty(), "a refused record leaves no members");
            return refusal.to_string();
        }
        let mut text = event.class.as_str().to_owned();
        for row in self.events.rows_of(&event) {
            let table = self.tables.get(row.table).unwrap();
            let mark = if row.companion { "+" } else { "" };
            text += &format!(" {mark}{} {}", char::from(row.operation), table.qualified_name());
            text += &self.image("before", row, &row.before, value);
            text += &self.image("after", row, &row.after, value);
            text += &self.image("key", row, &row.key, key);
        }
        text
    }

    fn image(&self, name: &str, row: &Row, image: &RowImage, text: Option<&[u8]>) -> String {
        let text = text.unwrap_or_default();
        let show = |span: Span| String::from_utf8_lossy(span.of(text)).into_owned();
        match image.presence {
            Presence::Missing => String::new(),
            Presence::Null => format!(" {name}=null"),
            Presence::Opaque => format!(" {name}=({})", show(image.span)),
            Presence::Present => {
                let table = self.tables.get(row.table).unwrap();
                let columns = &table.columns;
                // Maxwell's keys have spellings of their own.
                let exact = name != "key" || table.dialect != Dialect::Maxwell;
                let members = self.events.members_of(image).iter().map(|member| {
                    if member.column == NO_COLUMN {
                        return format!("({}):{}", show(member.name), show(member.value));
                    }
                    let column = &columns[usize::from(member.column)];
                    let read = json::unescape(member.name.of(text));
                    match member.form {
                        Form::Plain if &*column.name == "_id" && name == "key" => {
                            assert_eq!(read, "id");
                        }
                        Form::Plain if exact => assert_eq!(read, *column.name),
                        Form::Escaped => assert_eq!(json::unescape(read.as_bytes()), *column.name),
                        _ => {}
                    }
                    let mark = if column.key { "*" } else { "" };
                    format!("{}{mark}:{}", column.name, show(member.value))
                });
                format!(" {name}={{{}}}", members.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

fn debezium(value: &str) -> String {
    Lane::new(Dialect::Debezium).meets("shop.public.items", None, Some(value.as_bytes()))
}

const SOURCE: &str = r#""source":{"db":"shop","schema":"public","table":"items"}"#;

#[test]
fn an_update_has_both_images() {
    let value =
        format!(r#"{{"before":{{"id":1,"n":"a"}},"after":{{"id":1,"n":"b"}},{SOURCE},"op":"u"}}"#);
    assert_eq!(
        Lane::new(Dialect::Debezium).meets(
            "shop.public.items",
            Some(r#"{"id":1}"#),
            Some(value.as_bytes())
        ),
        r#"row u shop.public.items before={id*:1 n:"a"} after={id*:1 n:"b"} key={id*:1}"#
    );
}

#[test]
fn members_may_stand_in_any_order_and_spacing() {
    let value = "\u{feff} {\n \"op\" : \"c\" ,\r\n\t\"source\":{\"table\":\"t\" , \"db\":\"d\"}, \"after\" : { \"b\" : [ 1 , { } ] , \"a\" : { } } } \n";
    assert_eq!(debezium(value), "row c d.t after={b:[ 1 , { } ] a:{ }}");
}

#[test]
fn an_envelope_is_opened_in_value_and_key_alike() {
    let schema = r#"{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","name":"io.debezium.data.Json","field":"doc"}],"field":"after"}]}"#;
    let value = format!(
        r#"{{"schema":{schema},"payload":{{"before":null,"after":{{"id":1,"doc":"[]"}},{SOURCE},"op":"r","transaction":{{"id":"7"}}}}}}"#
    );
    let key = r#"{"schema":{"type":"struct"},"payload":{"id":1}}"#;
    let mut lane = Lane::new(Dialect::Debezium);
    assert_eq!(
        lane.meets("shop.public.items", Some(key), Some(value.as_bytes())),
        r#"row r shop.public.items before=null after={id*:1 doc:"[]"} key={id*:1}"#
    );
    let event = lane.events.events[0];
    assert_eq!(event.value_schema.of(value.as_bytes()), schema.as_bytes());
    assert_eq!(event.key_schema.of(key.as_bytes()), br#"{"type":"struct"}"#);
    assert_eq!(event.transaction.of(value.as_bytes()), br#"{"id":"7"}"#);
    let columns = &lane.tables.iter().next().unwrap().1.columns;
    let types: Vec<&str> = columns.iter().map(|column| &*column.source_type).collect();
    assert_eq!(types, ["int64 not null", "io.debezium.data.Json"]);
}

#[test]
fn an_envelope_may_end_with_its_schema() {
    let value = format!(r#"{{"payload":{{"after":{{"id":1}},{SOURCE},"op":"c"}},"schema":{{}}}}"#);
    let key = r#"{"payload":{"id":1},"schema":null}"#;
    let mut lane = Lane::new(Dialect::Debezium);
    assert_eq!(
        lane.meets("t", Some(key), Some(value.as_bytes())),
        "row c shop.public.items after={id*:1} key={id*:1}"
    );
    assert_eq!(lane.events.events[0].value_schema.of(value.as_bytes()), b"{}");
}

#[test]
fn a_key_whose_columns_are_called_like_an_envelope_is_a_plain_key() {
    let value = format!(r#"{{"after":{{}},{SOURCE},"op":"c"}}"#);
    for (key, read) in [
        (r#"{"schema":"s","payload":1,"id":2}"#, r#"key={schema*:"s" payload*:1 id*:2}"#),
        (r#"{"payload":{"a":1}}"#, r#"key={payload*:{"a":1}}"#),
        (r#"{"schema":1,"schema":2}"#, r#"key={schema*:1 schema*:2}"#),
    ] {
        let text = Lane::new(Dialect::Debezium).meets("t", Some(key), Some(value.as_bytes()));
        assert_eq!(text, format!("row c shop.public.items after={{}} {read}"));
    }
}

#[test]
fn a_key_that_is_no_object_is_opaque_and_no_error() {
    let value = format!(r#"{{"after":{{}},{SOURCE},"op":"c"}}"#);
    for (key, read) in [
        ("plain text", "key=(plain text)"),
        ("42", "key=(42)"),
        ("null", "key=null"),
        (r#"{"id":1"#, r#"key=({"id":1)"#),
        (r#"{"id":1,"id":}"#, r#"key=({"id":1,"id":})"#),
        ("", "key=()"),
        (r#"{"schema":{},"payload":7}"#, "key=(7)"),
    ] {
        let text = Lane::new(Dialect::Debezium).meets("t", Some(key), Some(value.as_bytes()));
        assert_eq!(text, format!("row c shop.public.items after={{}} {read}"));
    }
}

#[test]
fn a_tombstone_is_of_the_topics_last_table() {
    let mut lane = Lane::new(Dialect::Debezium);
    let value = format!(r#"{{"before":{{"id":1}},"after":null,{SOURCE},"op":"d"}}"#);
    lane.meets("t", Some(r#"{"id":1}"#), Some(value.as_bytes()));
    assert_eq!(
        lane.meets("t", Some(r#"{"id":1}"#), None),
        "tombstone d shop.public.items key={id*:1}"
    );
    assert_eq!(
        lane.meets("t", Some(r#"{"id":1}"#), Some(br#"{"schema":{"a":1},"payload":null}"#)),
        "tombstone d shop.public.items key={id*:1}"
    );
}

#[test]
fn a_tombstone_that_comes_first_is_of_the_table_its_topic_names() {
    for (topic, table) in [
        ("p.public.items", "public.items"),
        ("p.x.public.items", "public.items"),
        ("items", "items"),
    ] {
        let mut lane = Lane::new(Dialect::Debezium);
        assert_eq!(
            lane.meets(topic, Some(r#"{"id":1}"#), None),
            format!("tombstone d {table} key={{id*:1}}")
        );
        let table = lane.tables.iter().next().unwrap().1;
        assert_eq!(&*table.database, "");
    }
}

#[test]
fn null_key_and_null_value_are_a_tombstone_without_a_key() {
    assert_eq!(Lane::new(Dialect::Debezium).meets("p.a.b", None, None), "tombstone d a.b");
}

#[test]
fn images_that_are_not_there_are_told_apart() {
    let deleted = format!(r#"{{"before":null,"after":null,{SOURCE},"op":"d"}}"#);
    assert_eq!(debezium(&deleted), "row d shop.public.items before=null after=null");
}

#[test]
fn other_records_are_classed_by_what_they_hold() {
    for (value, class) in [
        (r#"{"before":null,"after":null,"source":{},"op":"t"}"#, "truncate"),
        (r#"{"op":"m","source":{},"message":{"prefix":"p","content":""}}"#, "message"),
        (r#"{"op":"m","source":{"connector":"TiCDC"},"ts_ms":1}"#, "watermark"),
        (r#"{"ts_ms":1}"#, "heartbeat"),
        (r#"{"schema":{},"payload":{"ts_ms":1,"ts_us":2}}"#, "heartbeat"),
        (
            r#"{"status":"BEGIN","id":"1:2","event_count":null,"data_collections":null,"ts_ms":1}"#,
            "transaction",
        ),
        (
            r#"{"source":{},"databaseName":"d","ddl":"DROP TABLE t","tableChanges":[]}"#,
            "schema-change",
        ),
        (r#"{"before":null,"after":{},"source":{},"op":"x"}"#, "unknown"),
        (r#"{"before":null,"after":{},"source":{},"op":["c"]}"#, "unknown"),
        (r#"{"op":"c"}"#, "unknown"),
        (r#"{"id":1,"name":"flat"}"#, "unknown"),
        (r#"{}"#, "unknown"),
        (r#"{"schema":{},"payload":"text"}"#, "unknown"),
        ("[]", "unknown"),
        ("null", "unknown"),
        ("12", "unknown"),
    ] {
        assert_eq!(debezium(value), class, "{value}");
    }
    let heartbeat = br#"{"ts_ms":1,"more":true}"#;
    assert_eq!(
        Lane::new(Dialect::Debezium).meets("__debezium-heartbeat.shop", None, Some(heartbeat)),
        "heartbeat"
    );
}

#[test]
fn a_schema_without_a_payload_is_no_envelope() {
    let value = format!(r#"{{"schema":{{"a":1}},"after":{{}},{SOURCE},"op":"c"}}"#);
    let mut lane = Lane::new(Dialect::Debezium);
    assert_eq!(lane.meets("t", None, Some(value.as_bytes())), "row c shop.public.items after={}");
    assert!(lane.events.events[0].value_schema.is_empty());
}

#[test]
fn a_row_of_any_depth_is_read_without_recursion() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let value = format!(r#"{{"after":{{"a":{deep}}},{SOURCE},"op":"c"}}"#);
    assert!(debezium(&value) == format!("row c shop.public.items after={{a:{deep}}}"));
}

#[test]
fn every_occurrence_of_a_column_is_reported() {
    let value = format!(r#"{{"after":{{"a":1,"\u0061":2,"b":3,"a":4}},{SOURCE},"op":"c"}}"#);
    let mut lane = Lane::new(Dialect::Debezium);
    for _ in 0..3 {
        assert_eq!(
            lane.meets("t", None, Some(value.as_bytes())),
            "row c shop.public.items after={a:1 a:2 b:3 a:4}"
        );
    }
    assert_eq!(lane.tables.iter().next().unwrap().1.columns.len(), 2);
}

#[test]
fn an_image_that_stands_twice_is_refused() {
    let value = format!(
        r#"{{"after":{{"a":1}},"\u0061fter":{{"a":2}},{SOURCE},"op":"c","ts_ms":1,"ts_ms":2}}"#
    );
    assert_eq!(
        debezium(&value),
        "undecodable: the value has the member \"after\" twice, and nobody can say which counts"
    );
}

#[test]
fn tables_that_share_a_topic_keep_their_own_columns() {
    let mut lane = Lane::new(Dialect::Debezium);
    let value = |table: &str, row: &str| {
        format!(r#"{{"after":{row},"source":{{"db":"d","table":"{table}"}},"op":"c"}}"#)
    };
    for _ in 0..3 {
        assert_eq!(
            lane.meets("t", None, Some(value("one", r#"{"a":1,"b":2}"#).as_bytes())),
            "row c d.one after={a:1 b:2}"
        );
        assert_eq!(
            lane.meets("t", None, Some(value("two", r#"{"b":1,"c":2,"a":3}"#).as_bytes())),
            "row c d.two after={b:1 c:2 a:3}"
        );
        assert_eq!(
            lane.meets("t", None, Some(value("one", r#"{"b":2}"#).as_bytes())),
            "row c d.one after={b:2}"
        );
    }
    let columns: Vec<usize> = lane.tables.iter().map(|(_, table)| table.columns.len()).collect();
    assert_eq!(columns, [2, 3]);
}

#[test]
fn a_new_column_gives_the_table_a_new_id_and_nothing_else_does() {
    let mut lane = Lane::new(Dialect::Json);
    let mut ids = Vec::new();
    for value in [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"b":1,"a":1}"#, r#"{"a":1,"b":1}"#, "{}"] {
        lane.meets("t", Some(r#"{"a":1}"#), Some(value.as_bytes()));
        ids.push(lane.tables.iter().next().unwrap().1.id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 2);
}

#[test]
fn a_table_with_too_many_columns_is_refused() {
    let row = |from: usize| {
        let members: Vec<String> = (from..from + 10_000).map(|n| format!("\"c{n}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    let mut lane = Lane::new(Dialect::Json);
    assert!(lane.meets("t", None, Some(row(0).as_bytes())).starts_with("row"));
    assert_eq!(
        lane.meets("t", None, Some(row(10_000).as_bytes())),
        "schema-unknown: table \"t\" has more than 16384 columns: an object used as a map is better kept in one column"
    );
    assert_eq!(lane.meets("t", None, Some(br#"{"c9999":1}"#)), "row c t after={c9999:1}");
}

#[test]
fn a_name_that_utf8_cannot_say_passes_with_a_replacement_character() {
    let value = r#"{"\ud800":1,"b":2}"#;
    let text = Lane::new(Dialect::Json).meets("t", None, Some(value.as_bytes()));
    assert_eq!(text, "row c t after={\u{fffd}:1 b:2}");
}

#[test]
fn in_plain_json_any_object_is_a_row() {
    let meets = |key, value| Lane::new(Dialect::Json).meets("shop.orders", key, value);
    assert_eq!(
        meets(
            Some(r#"{"schema":{},"payload":{}}"#),
            Some(br#"{"op":"u","schema":1,"payload":{}}"#)
        ),
        r#"row c shop.orders after={op:"u" schema*:1 payload*:{}} key={schema*:{} payload*:{}}"#
    );
    assert_eq!(meets(Some(r#"{"id":1}"#), None), "tombstone d shop.orders key={id*:1}");
    assert_eq!(meets(None, Some(b"[1]")), "unknown");
}
