//! TiCDC's Canal-JSON: Canal's messages, and what the `_tidb` extension says beside them. Its watermarks stand in every partition
//! of the source topic, and promise something about that partition alone: passing each on in its own partition keeps the promise,
//! and nothing else does.

use super::decode::Turn;
use super::{Event, Span, json};
use crate::outcome::Refusal;

impl Turn<'_> {
    /// A message of TiCDC's, with or without its extension.
    pub(super) fn ticdc(&mut self, text: &[u8]) -> Result<Event, Refusal> {
        self.canal(text)
    }
}

/// Whether the `_tidb` at `span` says that the record holds only the key of its row, and the rest is in TiDB
/// (`onlyHandleKey`) or in a file (`claimCheckLocation`).
pub(super) fn is_elsewhere(text: &[u8], span: Span) -> bool {
    !span.is_empty()
        && json::members(text, span.start).any(|(name, value)| {
            let value = value.of(text);
            match &*json::unescape(name.of(text)) {
                "onlyHandleKey" => value != b"false",
                "claimCheckLocation" => value != b"\"\"" && value != b"null",
                _ => false,
            }
        })
}

/// The `rowkey` of the `_tidb` at `span`: the row's key as TiDB stores it, in base64.
pub(super) fn encoded_key(text: &[u8], span: Span) -> Option<Span> {
    if span.is_empty() {
        return None;
    }
    let mut members = json::members(text, span.start);
    members.find(|(name, _)| &*json::unescape(name.of(text)) == "rowkey").map(|(_, value)| value)
}
