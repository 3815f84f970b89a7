//! From a file's lines to batches of records.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, Read as _};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{BATCH_BYTES, BATCH_RECORDS, Batch, Format, LONGEST_LINE};
use crate::record::{Header, Record};

/// Reads records in batches.
///
/// A line ends with a newline; the last one may lack it. A line of nothing but a carriage return, or of nothing at all, holds
/// no record: it is counted and left out. In [`Format::Lines`] a carriage return before the newline is part of the value, for
/// which it is white space, so a file with such line ends comes back as it was.
pub struct Reader<R> {
    input: R,
    format: Format,
    /// The input's name: the topic of records that have none.
    name: Arc<str>,
    line: u64,
    /// The line that is being read, for a format that is decoded.
    text: Vec<u8>,
    bytes: u64,
    empty_lines: u64,
}

impl<R: BufRead> Reader<R> {
    pub fn new(input: R, format: Format, name: &str) -> Self {
        Self {
            input,
            format,
            name: name.into(),
            line: 0,
            text: Vec::new(),
            bytes: 0,
            empty_lines: 0,
        }
    }

    /// Bytes of the input read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn empty_lines(&self) -> u64 {
        self.empty_lines
    }

    /// Fills `batch` anew; false once the input has ended. An error names the line: nothing after it is read.
    pub fn read(&mut self, batch: &mut Batch) -> anyhow::Result<bool> {
        batch.clear();
        while batch.len() < BATCH_RECORDS && batch.bytes() < BATCH_BYTES {
            self.text.clear();
            let read = (&mut self.input)
                .take(LONGEST_LINE as u64 + 1)
                .read_until(b'\n', &mut self.text)
                .with_context(|| format!("reading \"{}\"", self.name))?;
            if read == 0 {
                break;
            }
            self.line += 1;
            self.bytes += read as u64;
            if self.text.last() == Some(&b'\n') {
                self.text.pop();
            } else if read > LONGEST_LINE {
                bail!("reading \"{}\": line {} has no end", self.name, self.line);
            }
            if matches!(self.text.as_slice(), [] | [b'\r']) {
                self.empty_lines += 1;
                continue;
            }
            match self.format {
                Format::Lines => self.take_value(batch),
                Format::Records => self.take_record(batch)?,
            }
        }
        Ok(!batch.is_empty())
    }

    fn take_value(&self, batch: &mut Batch) {
        batch.add(&Record {
            topic: &self.name,
            partition: 0,
            offset: i64::try_from(self.line).unwrap_or(i64::MAX),
            timestamp: None,
            key: None,
            value: Some(&self.text),
            headers: Vec::new(),
        });
    }

    fn take_record(&self, batch: &mut Batch) -> anyhow::Result<()> {
        let line: Line<'_> = serde_json::from_slice(&self.text).map_err(|error| {
            let (name, line) = (&self.name, self.line);
            anyhow::anyhow!(
                "reading \"{name}\": line {line}, column {}: {}",
                error.column(),
                without_data(&error)
            )
        })?;
        let headers = line.headers.iter();
        batch.add(&Record {
            topic: &topic(&line.topic, batch),
            partition: line.partition.unwrap_or(0),
            offset: line.offset.unwrap_or(i64::try_from(self.line).unwrap_or(i64::MAX)),
            timestamp: line.timestamp,
            key: part(&line.key),
            value: part(&line.value),
            headers: headers
                .map(|(Bytes(name), value)| Header { name, value: part(value) })
                .collect(),
        });
        Ok(())
    }
}

fn part<'b>(cell: &'b Option<Bytes<'_>>) -> Option<&'b [u8]> {
    cell.as_ref().map(|Bytes(bytes)| &**bytes)
}

/// Files mostly hold runs of one topic, whose name is kept once.
fn topic(name: &str, batch: &Batch) -> Arc<str> {
    match batch.last_topic() {
        Some(last) if **last == *name => Arc::clone(last),
        _ => name.into(),
    }
}

/// What serde says is wrong, without the value that it quotes.
fn without_data(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    match text.rsplit_once(", expected ") {
        Some((start, "i32" | "i64")) if start.starts_with("invalid ") => {
            "expected a whole number that fits".to_owned()
        }
        Some((start, expected)) if start.starts_with("invalid ") => format!("expected {expected}"),
        _ => text.replace('`', "\""),
    }
}

/// One line of [`Format::Records`].
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'l> {
    #[serde(borrow)]
    topic: Cow<'l, str>,
    partition: Option<i32>,
    offset: Option<i64>,
    timestamp: Option<i64>,
    #[serde(borrow, default)]
    key: Option<Bytes<'l>>,
    // A value that was forgotten is not a tombstone, so null has to be written.
    #[serde(borrow, deserialize_with = "present")]
    value: Option<Bytes<'l>>,
    #[serde(borrow, default)]
    headers: Vec<(Bytes<'l>, Option<Bytes<'l>>)>,
    /// What a file of refused records has beside the record, so that it can be read again as it is.
    #[serde(rename = "code")]
    _code: Option<IgnoredAny>,
    #[serde(rename = "reason")]
    _reason: Option<IgnoredAny>,
    #[serde(rename = "said")]
    _said: Option<IgnoredAny>,
    #[serde(rename = "position")]
    _position: Option<IgnoredAny>,
    #[serde(rename = "plugin")]
    _plugin: Option<IgnoredAny>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes<'de>>, D::Error> {
    Option::deserialize(deserializer)
}

/// Text, or `{"base64": "..."}`.
struct Bytes<'l>(Cow<'l, [u8]>);

impl<'de: 'l, 'l> Deserialize<'de> for Bytes<'l> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Bytes<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, null or {\"base64\": \"...\"}")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Bytes<'de>, E> {
        Ok(Bytes(Cow::Borrowed(text.as_bytes())))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes<'de>, E> {
        Ok(Bytes(Cow::Owned(text.as_bytes().to_vec())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bytes<'de>, A::Error> {
        let bad = || de::Error::custom("expected {\"base64\": \"...\"}");
        let (name, text): (Cow<'_, str>, Cow<'_, str>) = map.next_entry()?.ok_or_else(bad)?;
        if name != "base64" || map.next_key::<IgnoredAny>()?.is_some() {
            return Err(bad());
        }
        let bytes = STANDARD.decode(text.as_bytes());
        let bytes = bytes.map_err(|_| de::Error::custom("the text is not base64"))?;
        Ok(Bytes(Cow::Owned(bytes)))
    }
}
