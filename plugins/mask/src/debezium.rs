//! The digests of Debezium's own `column.mask.hash`, so that pseudonyms it made before can still be joined. A plain hash with a
//! salt, which is weaker than a keyed one. Pure.

use std::fmt;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::digest::push_hex;

/// How a value is hashed: as `column.mask.hash.ALGORITHM.with.salt.SALT` does (version 1), or `column.mask.hash.v2.…` (2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hash {
    version: Version,
    algorithm: Algorithm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

/// What Java's `ObjectOutputStream` writes before all else.
const STREAM: [u8; 4] = [0xac, 0xed, 0x00, 0x05];
/// It writes a text of less than 64 KiB after this byte and two of length.
const STRING: u8 = 0x74;
/// And a longer one after this byte and eight of length.
const LONG_STRING: u8 = 0x7c;

impl Hash {
    /// The hash of a rule such as `debezium-v2:SHA-256`; none where there is no such.
    pub(crate) fn parse(rule: &str, algorithm: &str) -> Option<Self> {
        let version = match rule {
            "debezium-v1" => Version::V1,
            "debezium-v2" => Version::V2,
            _ => return None,
        };
        let algorithm = match algorithm {
            "MD5" => Algorithm::Md5,
            "SHA-1" => Algorithm::Sha1,
            "SHA-256" => Algorithm::Sha256,
            "SHA-512" => Algorithm::Sha512,
            _ => return None,
        };
        Some(Self { version, algorithm })
    }

    /// Whether it hashes text only, as Debezium did: the first version hashes a Java object, and numbers would be others.
    pub(crate) fn is_of_text_only(self) -> bool {
        self.version == Version::V1
    }

    /// Appends the digest in lower-case hex and in full length. Debezium cuts it to the column's length, which lets different values
    /// meet.
    pub(crate) fn write(self, text: &str, salt: &str, out: &mut Vec<u8>) {
        match self.version {
            Version::V1 => self.digest([salt.as_bytes(), &serialized(text)], out),
            Version::V2 => self.digest([salt.as_bytes(), text.as_bytes()], out),
        }
    }

    fn digest(self, parts: [&[u8]; 2], out: &mut Vec<u8>) {
        match self.algorithm {
            Algorithm::Md5 => push_hex(&digest::<Md5>(parts), out),
            Algorithm::Sha1 => push_hex(&digest::<Sha1>(parts), out),
            Algorithm::Sha256 => push_hex(&digest::<Sha256>(parts), out),
            Algorithm::Sha512 => push_hex(&digest::<Sha512>(parts), out),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.version {
            Version::V1 => "debezium-v1",
            Version::V2 => "debezium-v2",
        })
    }
}

fn digest<D: Digest>(parts: [&[u8]; 2]) -> Vec<u8> {
    let mut digest = D::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().to_vec()
}

/// A text as Java's serialization writes it.
fn serialized(text: &str) -> Vec<u8> {
    let mut utf = Vec::with_capacity(text.len());
    for char in text.chars() {
        modified_utf8(char, &mut utf);
    }
    let mut out = STREAM.to_vec();
    if let Ok(len) = u16::try_from(utf.len()) {
        out.push(STRING);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(LONG_STRING);
        let len = u64::try_from(utf.len()).unwrap_or(u64::MAX);
        out.extend_from_slice(&len.to_be_bytes());
    }
    out.append(&mut utf);
    out
}

/// Java's own UTF-8: a NUL takes two bytes, and a character beyond 16 bits is a pair of surrogates of three bytes each.
fn modified_utf8(char: char, out: &mut Vec<u8>) {
    if char == '\0' {
        return out.extend_from_slice(&[0xc0, 0x80]);
    }
    if char.len_utf8() < 4 {
        return out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    }
    for unit in char.encode_utf16(&mut [0; 2]) {
        let [high, low] = unit.to_be_bytes();
        out.extend_from_slice(&[
            0xe0 | high >> 4,
            0x80 | (high & 0x0f) << 2 | low >> 6,
            0x80 | low & 0x3f,
        ]);
    }
}
