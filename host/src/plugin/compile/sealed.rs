//! Machine code on its way from the compiler to the gateway, through a pipe or a file: with it goes what it was made from and by
//! which compiler, and a checksum. Must not know pipes or files.

use sha2::{Digest, Sha256};

/// The first bytes, with the version of this format.
const MAGIC: &[u8; 8] = b"lockgc\x00\x01";

/// Lower-case hex of a SHA-256.
const HEX: usize = 64;

const CHECKSUM: usize = 32;

/// Magic, digest of the plugin's file, fingerprint of the compiler, length and checksum of the code.
pub(in crate::plugin) const HEADER: usize = MAGIC.len() + 2 * HEX + 8 + CHECKSUM;

/// More than this is no code: Python's plugin, the largest of any language, has 33 MiB.
pub(in crate::plugin) const CODE_BYTES: usize = 256 << 20;

/// What code was made from, and by which compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plugin) struct Label {
    /// SHA-256 of the plugin's file, lower-case hex.
    pub(in crate::plugin) digest: String,
    /// [`Target::fingerprint`](crate::plugin::engine::Target).
    pub(in crate::plugin) fingerprint: String,
}

impl Label {
    /// The header of `code`.
    fn header(&self, code: &[u8]) -> Vec<u8> {
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(self.digest.as_bytes());
        header.extend_from_slice(self.fingerprint.as_bytes());
        header.extend_from_slice(&(code.len() as u64).to_le_bytes());
        header.extend_from_slice(&Sha256::digest(code));
        header
    }
}

/// Code of which it is known that this program's compiler made it, and that nothing of it was lost on the way. It can be made
/// in two ways only: from the compiler's result, and from bytes that say of themselves that they were such a result.
pub(in crate::plugin) struct Sealed {
    /// The header and the code.
    bytes: Vec<u8>,
}

impl Sealed {
    /// Seals what the compiler has just made.
    pub(super) fn new(label: &Label, code: &[u8]) -> Self {
        let mut bytes = label.header(code);
        bytes.extend_from_slice(code);
        Self { bytes }
    }

    #[cfg(test)]
    pub(in crate::plugin) fn of(label: &Label, code: &[u8]) -> Self {
        Self::new(label, code)
    }

    /// Takes what came out of a pipe or a file, if it is whole and what `label` says; else the reason why not.
    pub(in crate::plugin) fn open(label: &Label, bytes: Vec<u8>) -> Result<Self, &'static str> {
        let (header, code) = bytes.split_at_checked(HEADER).ok_or("it is cut off")?;
        let expected = label.header(code);
        if header == expected {
            return Ok(Self { bytes });
        }
        // The reason is for a person's eyes only, so the first part that differs says enough.
        let parts = [
            (MAGIC.len(), "it is no compiled plugin"),
            (HEX, "it was made from another file"),
            (HEX, "another compiler made it"),
            (8, "its length is not what it says"),
            (CHECKSUM, "its checksum is wrong"),
        ];
        let mut at = 0;
        for (len, reason) in parts {
            if header.get(at..at + len) != expected.get(at..at + len) {
                return Err(reason);
            }
            at += len;
        }
        Err("it is no compiled plugin")
    }

    pub(in crate::plugin) fn code(&self) -> &[u8] {
        self.bytes.get(HEADER..).unwrap_or_default()
    }

    /// Everything, to be written somewhere.
    pub(in crate::plugin) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(in crate::plugin) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        Label { digest: "d".repeat(HEX), fingerprint: "f".repeat(HEX) }
    }

    #[test]
    fn what_was_sealed_opens() {
        let sealed = Sealed::new(&label(), b"code").into_bytes();
        assert_eq!(sealed.len(), HEADER + 4);
        assert_eq!(Sealed::open(&label(), sealed).unwrap().code(), b"code");
    }

    #[test]
    fn any_other_byte_is_noticed() {
        let sealed = Sealed::new(&label(), b"code").into_bytes();
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(Sealed::open(&label(), damaged).is_err(), "byte {at}");
            assert!(Sealed::open(&label(), sealed[..at].to_vec()).is_err(), "cut at {at}");
        }
        let longer = [sealed.as_slice(), b"x"].concat();
        assert_eq!(Sealed::open(&label(), longer).err(), Some("its length is not what it says"));
    }

    #[test]
    fn code_of_another_file_or_compiler_is_told() {
        let sealed = Sealed::new(&label(), b"code").into_bytes();
        let other = Label { digest: "e".repeat(HEX), ..label() };
        let reason = Sealed::open(&other, sealed.clone()).err();
        assert_eq!(reason, Some("it was made from another file"));
        let other = Label { fingerprint: "e".repeat(HEX), ..label() };
        assert_eq!(Sealed::open(&other, sealed).err(), Some("another compiler made it"));
    }
}
