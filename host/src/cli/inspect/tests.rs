//! What a person is shown of real files.

use std::fs;

use ed25519_dalek::{Signer as _, SigningKey};
use tempfile::TempDir;

use super::*;
use crate::plugin::guests::guest_with;

/// The file of a plugin in a folder of its own.
struct Plugin {
    folder: TempDir,
    bytes: Vec<u8>,
}

impl Plugin {
    fn new() -> Self {
        let producers =
            "(@producers (language \"WebAssembly text\" \"\") (processed-by \"hand\" \"1\"))";
        let bytes = guest_with("pass", producers);
        let plugin = Self { folder: tempfile::tempdir().unwrap(), bytes };
        fs::write(plugin.path(), &plugin.bytes).unwrap();
        plugin
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("20-mask.wasm")
    }

    fn seal(&self, bytes: &[u8]) {
        fs::write(self.folder.path().join("20-mask.wasm.sig"), bytes).unwrap();
    }

    /// What is shown, with the file's digest by name, and without the lines that have nothing to do with trust.
    fn shown(&self, trust: Option<&Trust>) -> String {
        let shown = self.inspect(trust).to_string().replace(&plugin::digest(&self.bytes), "DIGEST");
        let is_other = |line: &&str| {
            ["plugin", "contract", "size", "import", "export", "limit"]
                .iter()
                .any(|name| line.starts_with(&format!("{name} ")))
        };
        shown.lines().filter(|line| !is_other(line)).collect::<Vec<_>>().join("\n")
    }

    fn inspect(&self, trust: Option<&Trust>) -> Inspection {
        let mut inspection = Inspection::of(&Runtime::start().unwrap(), &self.bytes, false);
        inspection.ask_trust(trust, &self.path(), &self.bytes).unwrap();
        inspection
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn keys(seeds: &[u8]) -> Trust {
    let keys = seeds.iter().map(|seed| key(*seed).verifying_key().to_bytes()).collect();
    Trust { keys, ..Trust::default() }
}

#[test]
fn a_file_is_shown_with_what_made_it_and_what_lies_beside_it() {
    let plugin = Plugin::new();
    insta::assert_snapshot!(plugin.shown(None), @r#"
    sha256    DIGEST
    signature no "20-mask.wasm.sig" beside it
    language  WebAssembly text
    made by   hand 1
    verdict   accepted
    "#);
    plugin.seal(&[7; 64]);
    insta::assert_snapshot!(plugin.inspect(None).signature, @r#"in "20-mask.wasm.sig""#);
    plugin.seal(b"soon");
    insta::assert_snapshot!(plugin.inspect(None).signature, @r#"none in "20-mask.wasm.sig""#);
}

#[test]
fn the_key_that_signed_a_file_is_told_by_its_number() {
    let plugin = Plugin::new();
    plugin.seal(&key(2).sign(&plugin.bytes).to_bytes());
    let trust = Trust { digests: vec![plugin::digest(&plugin.bytes)], ..keys(&[1, 2, 3]) };
    insta::assert_snapshot!(plugin.shown(Some(&trust)), @r#"
    sha256    DIGEST
    signature in "20-mask.wasm.sig"
    trust     its digest is listed, signed by key 2 of 3
    language  WebAssembly text
    made by   hand 1
    verdict   accepted
    "#);
}

#[test]
fn a_file_that_is_not_trusted_is_refused_with_the_reason() {
    let plugin = Plugin::new();
    insta::assert_snapshot!(plugin.shown(Some(&keys(&[1]))), @r#"
    sha256    DIGEST
    signature no "20-mask.wasm.sig" beside it
    trust     signed by none of 1 key
    language  WebAssembly text
    made by   hand 1
    verdict   refused
      it is not signed: no file "20-mask.wasm.sig" beside it; sign it with `openssl pkeyutl -sign -rawin -inkey KEY.pem -in 20-mask.wasm -out 20-mask.wasm.sig`, or take `keys` out of [trust]
    "#);
    plugin.seal(&key(2).sign(&plugin.bytes).to_bytes());
    insta::assert_snapshot!(plugin.shown(Some(&keys(&[1, 3]))), @r#"
    sha256    DIGEST
    signature in "20-mask.wasm.sig"
    trust     signed by none of 2 keys
    language  WebAssembly text
    made by   hand 1
    verdict   refused
      its signature is of none of the 2 keys of [trust]: "20-mask.wasm.sig" was made for other bytes, or with another key; sign it with `openssl pkeyutl -sign -rawin -inkey KEY.pem -in 20-mask.wasm -out 20-mask.wasm.sig`, or list that key
    "#);
    let trust = Trust { digests: vec!["ab".repeat(32)], ..Trust::default() };
    insta::assert_snapshot!(plugin.shown(Some(&trust)), @r#"
    sha256    DIGEST
    signature in "20-mask.wasm.sig"
    trust     its digest is not listed
    language  WebAssembly text
    made by   hand 1
    verdict   refused
      its digest DIGEST is not listed under `digests` of [trust]; list it there once you trust the file
    "#);
    insta::assert_snapshot!(plugin.inspect(Some(&Trust::default())).trust.unwrap(), @"[trust] asks for nothing");
}
