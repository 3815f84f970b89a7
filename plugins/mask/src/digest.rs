//! HMAC-SHA-256 with the keys of the settings, and the salt. Must not know columns or cells.

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

/// What the settings hold and no record may: keys by id, one of them the current, and Debezium's salt.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    keys: Vec<Digest>,
    current: usize,
    pub(crate) salt: Option<Salt>,
}

/// Debezium's salt.
pub(crate) struct Salt(pub(crate) String);

/// Digests under one key.
pub(crate) struct Digest {
    /// Has taken in the key, so that a value costs its own length only.
    keyed: Hmac<Sha256>,
    id: String,
}

impl Secrets {
    /// The keys, and the id of the one that rules use unless they name another.
    pub(crate) fn new(keys: Vec<Digest>, current: &str) -> Result<Self, String> {
        let current = keys.iter().position(|key| key.id == current).ok_or_else(|| {
            format!("\"key_id\" is {current:?}, which names none of \"keys\": add it there")
        })?;
        Ok(Self { keys, current, salt: None })
    }

    /// The key of an id, or the current one.
    pub(crate) fn key(&self, id: Option<&str>) -> Option<&Digest> {
        match id {
            None => self.keys.get(self.current),
            Some(id) => self.keys.iter().find(|key| key.id == id),
        }
    }
}

impl Digest {
    pub(crate) fn new(key: &str, id: &str) -> Result<Self, String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if id.is_empty() || id.len() > LONGEST_KEY_ID || !id.bytes().all(fits) {
            return Err(format!(
                "a key's id is not 1 to {LONGEST_KEY_ID} letters, digits, \".\", \"_\" or \"-\""
            ));
        }
        if key.len() < SHORTEST_KEY {
            return Err(format!("the key {id:?} is shorter than {SHORTEST_KEY} bytes"));
        }
        let keyed = Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
        Ok(Self { keyed, id: id.to_owned() })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The digest of all parts, one after the other.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hmac = self.keyed.clone();
        for part in parts {
            hmac.update(part);
        }
        hmac.finalize().into_bytes().into()
    }

    pub(crate) fn write(&self, value: &[u8], encoding: Encoding, out: &mut Vec<u8>) {
        let digest = self.mac(&[value]);
        match encoding {
            Encoding::Hex => push_hex(&digest, out),
            Encoding::Base64Url => {
                out.extend_from_slice(URL_SAFE_NO_PAD.encode(digest).as_bytes());
            }
        }
    }
}

/// Appends bytes as lower-case hex.
pub(crate) fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).map_or(b'0', |c| c as u8);
    out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

impl fmt::Debug for Digest {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Salt {
    /// Without the salt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Salt").finish_non_exhaustive()
    }
}
