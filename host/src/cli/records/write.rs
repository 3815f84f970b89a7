//! From records and outputs to a file's lines.

use std::io::{self, Write};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Format;
use crate::outcome::Refusal;
use crate::record::{Output, Partition, Record};

/// Writes one line for each record.
pub struct Writer<W> {
    out: W,
    format: Format,
    /// The line in the making, so that a line is written at once or not at all.
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W, format: Format) -> Self {
        Self { out, format, line: Vec::new() }
    }

    /// Writes an output of `record`. In [`Format::Lines`] a null value is written as `null`, and a value that holds a line
    /// break is an error.
    pub fn output(&mut self, output: &Output<'_>, record: &Record<'_>) -> anyhow::Result<()> {
        self.line.clear();
        match self.format {
            Format::Lines => {
                let value = output.value.as_deref().unwrap_or(b"null");
                ensure!(
                    memchr::memchr(b'\n', value).is_none(),
                    "writing an output of {}: its value has a line break; --format records can hold it",
                    record.position()
                );
                self.line.extend_from_slice(value);
            }
            Format::Records => {
                let partition = match output.partition {
                    Partition::Same(number) => Some(number),
                    Partition::ByKey => None,
                };
                let headers = output.headers.iter();
                let headers = headers.map(|header| (header.name.as_ref(), header.value.as_deref()));
                let fields = Fields {
                    topic: &output.topic,
                    partition,
                    offset: record.offset,
                    timestamp: output.timestamp,
                    key: output.key.as_deref(),
                    value: output.value.as_deref(),
                };
                fields.write(headers, &mut self.line);
                self.line.push(b'}');
            }
        }
        self.end_line().context("writing the outputs")
    }

    /// Writes a record with the reason for which it was refused; always as [`Format::Records`].
    pub fn refused(&mut self, record: &Record<'_>, refusal: &Refusal) -> anyhow::Result<()> {
        self.line.clear();
        let fields = Fields {
            topic: record.topic,
            partition: Some(record.partition),
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key,
            value: record.value,
        };
        let headers = record.headers.iter().map(|header| (header.name, header.value));
        fields.write(headers, &mut self.line);
        let plugin = refusal.plugin.as_ref().map(|plugin| &*plugin.name);
        for (name, text) in [
            ("code", Some(refusal.code.as_str())),
            ("reason", Some(refusal.reason.as_str())),
            ("said", refusal.said.as_deref()),
            ("plugin", plugin),
            ("position", Some(record.position().to_string().as_str())),
        ] {
            member(name, &mut self.line);
            cell(text.map(str::as_bytes), &mut self.line);
        }
        self.line.push(b'}');
        self.end_line().context("writing the refused records")
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    /// What was written to, with nothing held back.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A record without its headers, however it is held.
struct Fields<'f> {
    topic: &'f str,
    partition: Option<i32>,
    offset: i64,
    timestamp: Option<i64>,
    key: Option<&'f [u8]>,
    value: Option<&'f [u8]>,
}

impl Fields<'_> {
    /// Everything but the closing brace.
    fn write<'h>(
        &self,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>,
        line: &mut Vec<u8>,
    ) {
        line.extend_from_slice(b"{\"topic\":");
        text(self.topic, line);
        member("partition", line);
        number(self.partition.map(i64::from), line);
        member("offset", line);
        number(Some(self.offset), line);
        member("timestamp", line);
        number(self.timestamp, line);
        member("key", line);
        cell(self.key, line);
        member("value", line);
        cell(self.value, line);
        member("headers", line);
        line.push(b'[');
        for (index, (name, value)) in headers.enumerate() {
            line.extend_from_slice(if index == 0 { b"[" } else { b",[" });
            cell(Some(name), line);
            line.push(b',');
            cell(value, line);
            line.push(b']');
        }
        line.push(b']');
    }
}

fn member(name: &str, line: &mut Vec<u8>) {
    line.push(b',');
    text(name, line);
    line.push(b':');
}

fn number(number: Option<i64>, line: &mut Vec<u8>) {
    match number {
        Some(number) => line.extend_from_slice(number.to_string().as_bytes()),
        None => line.extend_from_slice(b"null"),
    }
}

/// Text where the bytes are UTF-8, else `{"base64":"..."}`.
fn cell(bytes: Option<&[u8]>, line: &mut Vec<u8>) {
    let Some(bytes) = bytes else { return line.extend_from_slice(b"null") };
    match simdutf8::basic::from_utf8(bytes) {
        Ok(utf8) => text(utf8, line),
        Err(_) => {
            line.extend_from_slice(b"{\"base64\":\"");
            line.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            line.extend_from_slice(b"\"}");
        }
    }
}

fn text(text: &str, line: &mut Vec<u8>) {
    serde_json::to_writer(line, text).expect("text is written to memory without an error");
}
