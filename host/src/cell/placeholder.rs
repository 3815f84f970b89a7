//! Debezium's placeholders for a value that the database did not send (a large column that did not change, say). They are
//! no values: masked or hashed they would turn "unchanged" into a change.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::unescape;
use crate::change::json;

/// What a connector writes in place of a value that it was not sent: Debezium's own text, or the one that
/// `unavailable.value.placeholder` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placeholder {
    custom: Option<Arc<Custom>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Custom {
    bytes: Vec<u8>,
    text: String,
    /// As binary columns have it.
    encoded: [String; 2],
}

impl Placeholder {
    /// As Debezium reads its setting: text, or `hex:` and the bytes. The error says what is wrong with it.
    pub fn parse(setting: &str) -> Result<Self, &'static str> {
        let bytes = match setting.strip_prefix("hex:") {
            Some(digits) => {
                hex(digits).ok_or("after \"hex:\" stand pairs of hexadecimal digits")?
            }
            None => setting.as_bytes().to_vec(),
        };
        if bytes.is_empty() {
            return Err("an empty placeholder would stand for every empty value");
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let encoded = [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)];
        Ok(Self { custom: Some(Arc::new(Custom { bytes, text, encoded })) })
    }

    /// Whether the JSON value `raw` is the placeholder, in any of the shapes that [`is_unavailable`] knows.
    #[inline]
    pub fn is(&self, raw: &[u8]) -> bool {
        match &self.custom {
            None => is_unavailable(raw),
            Some(custom) => custom.is(raw),
        }
    }
}

impl Custom {
    fn is(&self, raw: &[u8]) -> bool {
        // No writer spends more on a byte, escaped twice over and beside blanks.
        if raw.len() > 16 * self.text.len().max(self.bytes.len()) + 64 {
            return false;
        }
        match raw {
            [b'"', inner @ .., b'"'] if !json::is_escaped(inner) => self.is_text(inner),
            [b'"', inner @ .., b'"'] => {
                let mut plain = Vec::with_capacity(inner.len());
                let is_text = unescape(inner, &mut plain).is_ok();
                is_text
                    && (self.is_text(&plain) || json::is_container(&plain) && self.is_map(&plain))
            }
            [b'{', ..] => self.is_map(raw),
            [b'[', ..] => self.is_array(raw),
            _ => false,
        }
    }

    fn is_text(&self, plain: &[u8]) -> bool {
        plain == self.text.as_bytes() || self.encoded.iter().any(|text| plain == text.as_bytes())
    }

    fn is_map(&self, raw: &[u8]) -> bool {
        let mut members = json::members(raw, 0);
        let only = members.next().filter(|_| members.next().is_none());
        only.is_some_and(|(name, value)| {
            let same = |inner: &[u8]| json::unescape(inner) == self.text;
            same(name.of(raw)) && matches!(value.of(raw), [b'"', inner @ .., b'"'] if same(inner))
        })
    }

    /// One element that is the placeholder, or a number for each of its bytes.
    fn is_array(&self, raw: &[u8]) -> bool {
        let mut elements = json::elements(raw, 0).map(|element| element.of(raw));
        let first = elements.clone().next();
        if let Some([b'"', inner @ .., b'"']) = first {
            let mut plain = Vec::with_capacity(inner.len());
            return unescape(inner, &mut plain).is_ok()
                && self.is_text(&plain)
                && elements.nth(1).is_none();
        }
        // Java's bytes have a sign.
        let is_byte = |number: &[u8], byte: u8| {
            number == byte.to_string().as_bytes()
                || number == byte.cast_signed().to_string().as_bytes()
        };
        let mut bytes = self.bytes.iter();
        let same = elements.all(|number| bytes.next().is_some_and(|byte| is_byte(number, *byte)));
        same && bytes.next().is_none()
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}

/// Whether the JSON value `raw` is Debezium's default placeholder, in any of the shapes that column types give it: string,
/// base64, map, map as JSON text, and arrays of one of those or of character codes.
pub fn is_unavailable(raw: &[u8]) -> bool {
    match raw {
        [b'"', ..] => match raw.len() {
            30 => raw == PLAIN,
            42 => raw == BASE64,
            69 => raw == MAP_AS_TEXT,
            _ => false,
        },
        // Longer only by blanks, of which no writer has more than the text itself.
        [b'{', ..] if (63..256).contains(&raw.len()) => same(raw, MAP),
        [b'[', b'"' | b' ' | b'\n' | b'\r' | b'\t' | b'9', ..]
            if (32..512).contains(&raw.len()) =>
        {
            ARRAYS.iter().any(|array| same(raw, array))
        }
        _ => false,
    }
}

const PLAIN: &[u8] = br#""__debezium_unavailable_value""#;
const BASE64: &[u8] = br#""X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==""#;
const MAP: &[u8] = br#"{"__debezium_unavailable_value":"__debezium_unavailable_value"}"#;
const MAP_AS_TEXT: &[u8] =
    br#""{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}""#;
const ARRAYS: [&[u8]; 3] = [
    br#"["__debezium_unavailable_value"]"#,
    br#"["X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="]"#,
    b"[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]",
];

/// Whether two JSON texts differ by nothing but blanks between their tokens; `compact` has none.
fn same(raw: &[u8], compact: &[u8]) -> bool {
    let mut inside = false;
    let tokens = raw.iter().filter(|byte| {
        inside ^= **byte == b'"';
        inside || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
    });
    tokens.eq(compact)
}
