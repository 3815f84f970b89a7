//! Whether a file that is no part of the program may be loaded: its digest listed, its bytes signed. Decides over bytes alone; must
//! not know where they come from, or what is in them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};

use crate::config::Trust;

/// What stands beside a plugin's file to vouch for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// There is no such file.
    Missing,
    /// The file holds something else.
    NoSignature,
    Signature(Box<[u8; 64]>),
}

impl Seal {
    /// Reads the 64 bytes of an Ed25519 signature, or their text in base64 or hexadecimal.
    pub fn parse(bytes: &[u8]) -> Self {
        Self::raw(bytes).or_else(|| Self::raw(&of_text(bytes)?)).unwrap_or(Self::NoSignature)
    }

    fn raw(bytes: &[u8]) -> Option<Self> {
        <[u8; 64]>::try_from(bytes).ok().map(|bytes| Self::Signature(Box::new(bytes)))
    }

    /// Which of `keys` signed `bytes`.
    pub fn signer(&self, keys: &[[u8; 32]], bytes: &[u8]) -> Option<usize> {
        let Self::Signature(signature) = self else { return None };
        let signature = Signature::from_bytes(signature);
        let signed = |key: &[u8; 32]| {
            // Strict: nobody else's signature, changed a little, passes as another one of the same file.
            VerifyingKey::from_bytes(key)
                .is_ok_and(|key| key.verify_strict(bytes, &signature).is_ok())
        };
        keys.iter().position(signed)
    }
}

/// Tools wrap their lines, so blanks do not count.
fn of_text(bytes: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = bytes.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    if text.len() == 128 {
        return text.as_chunks::<2>().0.iter().map(|pair| hexadecimal(*pair)).collect();
    }
    STANDARD.decode(text).ok()
}

fn hexadecimal(pair: [u8; 2]) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let [high, low] = pair.map(digit);
    u8::try_from(high? << 4 | low?).ok()
}

/// The name of the file that vouches for the file `name`.
pub fn seal_of(name: &str) -> String {
    format!("{name}.sig")
}

/// A file that asks to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// As its folder has it.
    pub name: &'a str,
    pub bytes: &'a [u8],
    /// SHA-256, lower-case hex.
    pub digest: &'a str,
    pub seal: &'a Seal,
}

/// Why `candidate` may not be loaded, and what to do about it.
pub fn judge(trust: &Trust, candidate: Candidate<'_>) -> Result<(), String> {
    let Candidate { name, bytes, digest, seal } = candidate;
    if !trust.digests.is_empty() && trust.digests.iter().all(|listed| listed != digest) {
        return Err(format!(
            "its digest {digest} is not listed under `digests` of [trust]; list it there once you trust the file"
        ));
    }
    if trust.keys.is_empty() || seal.signer(&trust.keys, bytes).is_some() {
        return Ok(());
    }
    let file = seal_of(name);
    let sign = format!("`openssl pkeyutl -sign -rawin -inkey KEY.pem -in {name} -out {file}`");
    Err(match seal {
        Seal::Missing => format!(
            "it is not signed: no file \"{file}\" beside it; sign it with {sign}, or take `keys` out of [trust]"
        ),
        Seal::NoSignature => format!(
            "its signature is none: \"{file}\" holds no 64 bytes, nor their base64 or hexadecimal; sign it with {sign}"
        ),
        Seal::Signature(_) => format!(
            "its signature is {} of [trust]: \"{file}\" was made for other bytes, or with another key; sign it with {sign}, or \
             list that key",
            match trust.keys.len() {
                1 => "not of the one key".to_owned(),
                keys => format!("of none of the {keys} keys"),
            }
        ),
    })
}

#[cfg(test)]
mod tests;
