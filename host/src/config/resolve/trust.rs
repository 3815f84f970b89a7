//! `[trust]`: which digests and which keys. Must not know files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;

use crate::config::Trust;
use crate::config::document::Document;
use crate::config::error::Error;
use crate::config::raw::{self, Text};

/// What an Ed25519 key in PEM or DER begins with: that it is one, and that 32 bytes follow (RFC 8410).
const DER_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

pub(super) fn resolve(document: &Document<'_>, raw: raw::Trust) -> Result<Trust, Error> {
    let digests = raw.digests.iter().map(|typed| digest(document, typed));
    let keys = raw.keys.iter().map(|typed| key(document, typed));
    Ok(Trust { digests: digests.collect::<Result<_, _>>()?, keys: keys.collect::<Result<_, _>>()? })
}

fn digest(document: &Document<'_>, typed: &Text) -> Result<String, Error> {
    let text = typed.get_ref().strip_prefix("sha256:").unwrap_or(typed.get_ref());
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    let message = "expected the SHA-256 of a file, 64 hexadecimal digits";
    Err(document
        .error(typed.span(), message)
        .help("`sha256sum NAME.wasm` or `lockgate inspect` tells it"))
}

/// A public key as `openssl pkey -pubout` writes it, or its 32 bytes in base64.
fn key(document: &Document<'_>, typed: &Text) -> Result<[u8; 32], Error> {
    let lines = typed.get_ref().lines().filter(|line| !line.starts_with("-----"));
    let text: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
    let bytes = STANDARD.decode(text).unwrap_or_default();
    let bytes = bytes.strip_prefix(&DER_PREFIX).unwrap_or(&bytes);
    let key = <[u8; 32]>::try_from(bytes).ok();
    // Not every 32 bytes are a key: a mistyped one, which nothing could ever be signed with, is told here and not of each file.
    let is_key = |key: &[u8; 32]| VerifyingKey::from_bytes(key).is_ok_and(|key| !key.is_weak());
    key.filter(is_key).ok_or_else(|| {
        let message = "expected an Ed25519 public key, as PEM or its 32 bytes in base64";
        let help = "`openssl pkey -in key.pem -pubout` writes it; \"${file:signing.pub}\" reads it from a file";
        document.error(typed.span(), message).help(help)
    })
}
