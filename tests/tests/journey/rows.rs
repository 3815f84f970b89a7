//! Small change events, and what stands in them. Knows no topic.

use lockgate_tests::client::Record;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");

/// An update of customer `id`, a row of `public.customers`.
pub(crate) fn update(partition: i32, id: usize) -> Record {
    Record::text(partition, &key(id), &value(id, &email(id)))
}

pub(crate) fn key(id: usize) -> String {
    format!(r#"{{"id":{id}}}"#)
}

pub(crate) fn email(id: usize) -> String {
    format!("anna{id}@example.com")
}

pub(crate) fn value(id: usize, email: &str) -> String {
    format!(
        r#"{{"before":null,"after":{{"id":{id}, "email":"{email}","country":"NO"}},"source":{{"db":"shop","schema":"public","table":"customers"}},"op":"u","ts_ms":1795000000000}}"#
    )
}
