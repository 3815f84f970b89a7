//! Small change events, and what stands in them. Knows no topic.

use crate::client::Record;

/// An update of customer `id`, a row of `public.customers`, on partition `id % partitions`.
pub fn update(id: usize, partitions: usize) -> Record {
    row(id, partitions, &value(id, &format!("anna{id}@example.com"), "NO"))
}

/// Any value under the key of customer `id`.
pub fn row(id: usize, partitions: usize, value: &str) -> Record {
    let partition = i32::try_from(id % partitions).expect("a small number");
    Record::text(partition, &format!(r#"{{"id":{id}}}"#), value)
}

/// The space after the first comma is there to be kept.
pub fn value(id: usize, email: &str, country: &str) -> String {
    format!(
        r#"{{"before":null,"after":{{"id":{id}, "email":"{email}","country":"{country}"}},{SOURCE},"op":"u","ts_ms":1795000000000}}"#
    )
}

pub const SOURCE: &str = r#""source":{"db":"shop","schema":"public","table":"customers"}"#;

/// Settings of mask that put one text in place of every e-mail address.
pub fn constant(text: &str) -> String {
    format!("plugin = \"mask\"\n[settings.columns]\nemail = \"constant:{text}\"\n")
}
