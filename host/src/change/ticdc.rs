//! What TiCDC's Canal-JSON says beside Canal's messages: the `_tidb` extension. Its watermarks stand in every partition of the
//! source topic, and promise something about that partition alone: passing each on in its own partition keeps the promise, and
//! nothing else does.

use super::{Span, json};

/// What a `_tidb` says; nothing where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extension {
    /// Whether the record holds only the key of its row, and the rest is in TiDB (`onlyHandleKey`) or in a file
    /// (`claimCheckLocation`).
    pub(super) elsewhere: bool,
    /// The row's key as TiDB stores it, in base64; empty where it is not said.
    pub(super) row_key: Span,
}

impl Extension {
    /// Reads the object at `span`.
    pub(super) fn read(text: &[u8], span: Span) -> Self {
        let mut extension = Self::default();
        if span.is_empty() {
            return extension;
        }
        for (name, at) in json::members(text, span.start) {
            let value = at.of(text);
            match &*json::unescape(name.of(text)) {
                "onlyHandleKey" => extension.elsewhere |= value != b"false",
                "claimCheckLocation" => {
                    extension.elsewhere |= value != b"\"\"" && value != b"null";
                }
                "rowkey" if extension.row_key.is_empty() => extension.row_key = at,
                _ => {}
            }
        }
        extension
    }
}
