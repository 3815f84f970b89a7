//! Records as Kafka held them, one a line of JSON. Knows no client and no gateway, but makes the clients' records.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::client::Record;

/// A record and the topic it stood in. Offsets have gaps where records were left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    pub topic: String,
    pub record: Record,
}

impl Captured {
    /// Reads `{"topic","partition","offset","timestamp","key","value","headers":[[name,value],...]}`; bytes are text, or
    /// `{"base64": "..."}` where they are not UTF-8.
    pub(super) fn parse(line: &str) -> anyhow::Result<Self> {
        let mut members: BTreeMap<String, Value> = serde_json::from_str(line)?;
        let mut take = |name: &str| members.remove(name).with_context(|| format!("no {name:?}"));
        let record = Record {
            partition: i32::try_from(number(&take("partition")?)?)?,
            offset: number(&take("offset")?)?,
            timestamp: Some(number(&take("timestamp")?)?),
            key: bytes(&take("key")?)?,
            value: bytes(&take("value")?)?,
            headers: headers(&take("headers")?)?,
        };
        let topic = take("topic")?.as_str().context("the topic is no text")?.to_owned();
        if let Some((name, _)) = members.first_key_value() {
            bail!("{name:?} is no part of a record");
        }
        Ok(Self { topic, record })
    }
}

fn number(value: &Value) -> anyhow::Result<i64> {
    value.as_i64().context("a number is none")
}

fn bytes(value: &Value) -> anyhow::Result<Option<Vec<u8>>> {
    match (value, value.get("base64").and_then(Value::as_str)) {
        (Value::Null, _) => Ok(None),
        (Value::String(text), _) => Ok(Some(text.clone().into_bytes())),
        (_, Some(encoded)) => Ok(Some(BASE64.decode(encoded)?)),
        _ => bail!("bytes are neither text nor base64"),
    }
}

fn headers(value: &Value) -> anyhow::Result<Vec<(String, Option<Vec<u8>>)>> {
    let header = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
        Some([Value::String(name), value]) => Ok((name.clone(), bytes(value)?)),
        _ => bail!("a header is no pair of a name and a value"),
    };
    value.as_array().context("the headers are no list")?.iter().map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_read_too() {
        let line = r#"{"topic":"t","partition":2,"offset":9,"timestamp":7,"key":{"base64":"/wA="},"value":null,
            "headers":[["a","x"],["a",null],["b",{"base64":"gA=="}]]}"#;
        let captured = Captured::parse(line).unwrap();
        assert_eq!(captured.topic, "t");
        assert_eq!(
            captured.record,
            Record {
                partition: 2,
                offset: 9,
                timestamp: Some(7),
                key: Some(vec![0xff, 0]),
                value: None,
                headers: vec![
                    ("a".to_owned(), Some(b"x".to_vec())),
                    ("a".to_owned(), None),
                    ("b".to_owned(), Some(vec![0x80])),
                ],
            }
        );
    }

    #[test]
    fn a_record_that_lacks_something_is_refused() {
        let error = Captured::parse(r#"{"topic":"t","partition":2,"offset":9,"timestamp":7}"#);
        assert_eq!(error.unwrap_err().to_string(), "no \"key\"");
    }
}
