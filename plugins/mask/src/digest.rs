//! HMAC-SHA-256 with the key of the settings. Must not know columns or cells.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A shorter key could be found by trying.
const SHORTEST_KEY: usize = 16;
const LONGEST_KEY_ID: usize = 64;

/// How a digest is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Hex,
    Base64Url,
}

/// Digests under one key, written as `key-id:digest`.
pub(crate) struct Digest {
    /// Has taken in the key, so that a value costs its own length only.
    keyed: Hmac<Sha256>,
    prefix: String,
}

impl Digest {
    pub(crate) fn new(key: &str, key_id: &str) -> Result<Self, String> {
        if key.len() < SHORTEST_KEY {
            return Err(format!("\"key\" is shorter than {SHORTEST_KEY} bytes"));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if key_id.is_empty() || key_id.len() > LONGEST_KEY_ID || !key_id.bytes().all(fits) {
            return Err(format!(
                "\"key_id\" is not 1 to {LONGEST_KEY_ID} letters, digits, \".\", \"_\" or \"-\""
            ));
        }
        let keyed = Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
        Ok(Self { keyed, prefix: format!("{key_id}:") })
    }

    pub(crate) fn write(&self, value: &[u8], encoding: Encoding, out: &mut Vec<u8>) {
        let mut hmac = self.keyed.clone();
        hmac.update(value);
        let digest: [u8; 32] = hmac.finalize().into_bytes().into();
        out.extend_from_slice(self.prefix.as_bytes());
        match encoding {
            Encoding::Hex => {
                let digit =
                    |nibble: u8| char::from_digit(nibble.into(), 16).map_or(b'0', |c| c as u8);
                out.extend(digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
            }
            Encoding::Base64Url => {
                out.extend_from_slice(URL_SAFE_NO_PAD.encode(digest).as_bytes());
            }
        }
    }
}

impl fmt::Debug for Digest {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
