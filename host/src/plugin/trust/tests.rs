//! Which files get in, at the start and at a reload, and what is said of the others.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use tempfile::TempDir;

use super::*;
use crate::config::{Config, PluginFile, PluginMessages};
use crate::plugin::guests::{guest, guest_of_version, setup};
use crate::plugin::{Catalog, Checks, Meanwhile, Options, Runtime, Sources, State, Trial, digest};

const MASK: &str = "20-mask.wasm";
const SIG: &str = "20-mask.wasm.sig";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn signed(seed: u8, bytes: &[u8]) -> [u8; 64] {
    key(seed).sign(bytes).to_bytes()
}

/// Trust in the keys of these seeds.
fn keys(seeds: &[u8]) -> Trust {
    let keys = seeds.iter().map(|seed| key(*seed).verifying_key().to_bytes()).collect();
    Trust { keys, ..Trust::default() }
}

fn digests(files: &[&[u8]]) -> Trust {
    Trust { digests: files.iter().map(|bytes| digest(bytes)).collect(), ..Trust::default() }
}

fn judged(trust: &Trust, bytes: &[u8], seal: &[u8]) -> Result<(), String> {
    let (digest, seal) = (digest(bytes), Seal::parse(seal));
    judge(trust, Candidate { name: MASK, bytes, digest: &digest, seal: &seal })
}

/// A plugin folder, and what it is loaded with.
struct Folder {
    folder: TempDir,
    runtime: Arc<Runtime>,
}

impl Folder {
    fn new(trust: Trust) -> Self {
        let runtime = Runtime::start_with(Options { trust, ..Options::default() }).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), runtime }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, name: &str, bytes: &[u8]) -> &Self {
        fs::write(self.path().join(name), bytes).unwrap();
        self
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    fn load(&self) -> Result<Catalog, String> {
        let read_settings = Box::new(|text: &str, _: &Path| {
            let official = text.strip_prefix("plugin = ").map(|name| name.trim().to_owned());
            Ok(PluginFile { official, ..setup() })
        });
        fn official(name: &str) -> Option<&'static [u8]> {
            (name == "own").then(|| Box::leak(guest("pass").into_boxed_slice()) as &[u8])
        }
        let sources = Sources { read_settings, official, messages: PluginMessages::Show };
        let loaded = Catalog::load(&self.runtime, self.path(), &[], sources);
        loaded.map_err(|err| err.to_string().replace(self.path().to_str().unwrap(), "DIR"))
    }
}

impl Folder {
    fn refusal(&self) -> String {
        self.load().err().expect("the folder does not load")
    }
}

/// The versions that serve, and what is said of files that do not.
fn after_a_look(catalog: &Catalog) -> (Vec<String>, Vec<String>) {
    let trial: Trial<'_> = &|_| Ok(());
    catalog.reload(&Checks { trial, rehearsal: None, meanwhile: &|| Meanwhile::Nothing });
    let plugins = &catalog.current().plugins;
    let serving = plugins.iter().map(|version| version.identity.version.clone()).collect();
    let status = catalog.status();
    let failed = status.iter().filter(|file| file.state != State::Serving);
    (serving, failed.map(|file| file.reason.clone().unwrap()).collect())
}

fn serving(versions: &[&str]) -> (Vec<String>, Vec<String>) {
    (versions.iter().map(|version| (*version).to_owned()).collect(), Vec::new())
}

#[test]
fn where_nothing_is_asked_for_any_file_is_let_in() {
    assert_eq!(judged(&Trust::default(), b"any", b""), Ok(()));
}

#[test]
fn a_file_is_let_in_by_its_digest_and_by_nothing_else() {
    let trust = digests(&[b"other", b"this"]);
    assert_eq!(judged(&trust, b"this", b""), Ok(()));
    insta::assert_snapshot!(judged(&trust, b"thus", b"").unwrap_err(), @"its digest c432b3dedcd6852f1ab51c8a28e24e8bb9f4428717666be42cdacaac07c71a36 is not listed under `digests` of [trust]; list it there once you trust the file");
}

#[test]
fn a_file_is_let_in_by_a_signature_of_any_listed_key() {
    for seed in [1, 2] {
        assert_eq!(judged(&keys(&[1, 2]), b"this", &signed(seed, b"this")), Ok(()));
    }
}

#[test]
fn what_is_not_signed_is_told_how_to_be() {
    let seal = Seal::Missing;
    let candidate = Candidate { name: MASK, bytes: b"this", digest: "", seal: &seal };
    insta::assert_snapshot!(judge(&keys(&[1]), candidate).unwrap_err(), @r#"it is not signed: no file "20-mask.wasm.sig" beside it; sign it with `openssl pkeyutl -sign -rawin -inkey KEY.pem -in 20-mask.wasm -out 20-mask.wasm.sig`, or take `keys` out of [trust]"#);
}

#[test]
fn a_signature_by_another_key_or_of_other_bytes_convinces_nobody() {
    let said = judged(&keys(&[1, 2]), b"this", &signed(3, b"this")).unwrap_err();
    insta::assert_snapshot!(said, @r#"its signature is of none of the 2 keys of [trust]: "20-mask.wasm.sig" was made for other bytes, or with another key; sign it with `openssl pkeyutl -sign -rawin -inkey KEY.pem -in 20-mask.wasm -out 20-mask.wasm.sig`, or list that key"#);
    assert_eq!(judged(&keys(&[1, 2]), b"this", &signed(1, b"that")).unwrap_err(), said);
    let said = judged(&keys(&[1]), b"this", &signed(3, b"this")).unwrap_err();
    assert!(said.starts_with("its signature is not of the one key of [trust]"), "{said}");
}

#[test]
fn any_bit_that_is_changed_undoes_a_signature() {
    let good = signed(1, b"this");
    for bit in 0..good.len() * 8 {
        let mut bad = good;
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(judged(&keys(&[1]), b"this", &bad).is_err(), "bit {bit}");
    }
}

#[test]
fn a_file_of_something_else_is_no_signature() {
    let said = judged(&keys(&[1]), b"this", b"-----BEGIN SIGNATURE-----").unwrap_err();
    insta::assert_snapshot!(said, @r#"its signature is none: "20-mask.wasm.sig" holds no 64 bytes, nor their base64 or hexadecimal; sign it with `openssl pkeyutl -sign -rawin -inkey KEY.pem -in 20-mask.wasm -out 20-mask.wasm.sig`"#);
    let good = signed(1, b"this");
    for other in [&good[..63], &[&good[..], b"\n"].concat(), b"", "é".repeat(64).as_bytes()] {
        assert_eq!(judged(&keys(&[1]), b"this", other).unwrap_err(), said);
    }
}

#[test]
fn digest_and_signature_are_both_asked_for_where_both_are_set() {
    let trust = Trust { digests: digests(&[b"this"]).digests, ..keys(&[1]) };
    assert_eq!(judged(&trust, b"this", &signed(1, b"this")), Ok(()));
    assert!(
        judged(&trust, b"this", &signed(2, b"this")).unwrap_err().contains("not of the one key")
    );
    assert!(judged(&trust, b"that", &signed(1, b"that")).unwrap_err().contains("is not listed"));
}

#[test]
fn a_signature_is_read_raw_and_as_text_that_tools_write() {
    let raw = signed(1, b"this");
    let base64 = STANDARD.encode(raw);
    let (first, rest) = base64.split_at(64);
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let (left, right) = hex.split_at(64);
    for text in [
        base64.clone(),
        format!("{first}\n{rest}\n"),
        hex.clone(),
        format!("{}\r\n", hex.to_uppercase()),
        format!("{left}\n{right}"),
    ] {
        assert_eq!(Seal::parse(text.as_bytes()), Seal::parse(&raw), "{text}");
    }
    assert_eq!(Seal::parse(format!("{}g", hex.get(1..).unwrap()).as_bytes()), Seal::NoSignature);
    assert_eq!(Seal::parse(&raw).signer(&keys(&[2, 1]).keys, b"this"), Some(1));
}

#[test]
fn at_the_start_a_file_that_is_not_trusted_is_an_error_and_is_not_compiled() {
    let folder = Folder::new(keys(&[1]));
    // No compiler has seen this: it would say that it is no WebAssembly.
    folder.put("10-text.wasm", b"no module").put(MASK, &guest("pass"));
    folder.put(SIG, &signed(2, &guest("pass"))).put("30-own.toml", b"plugin = own");
    insta::assert_snapshot!(folder.refusal(), @r#"
    loading plugins from "DIR":
      10-text.wasm: it is not signed: no file "10-text.wasm.sig" beside it; sign it with `openssl pkeyutl -sign -rawin -inkey KEY.pem -in 10-text.wasm -out 10-text.wasm.sig`, or take `keys` out of [trust]
      20-mask.wasm: its signature is not of the one key of [trust]: "20-mask.wasm.sig" was made for other bytes, or with another key; sign it with `openssl pkeyutl -sign -rawin -inkey KEY.pem -in 20-mask.wasm -out 20-mask.wasm.sig`, or list that key
    "#);
    let folder = Folder::new(digests(&[b"none"]));
    folder.put(MASK, b"no module");
    insta::assert_snapshot!(folder.refusal(), @r#"loading plugins from "DIR": 20-mask.wasm: its digest a4a2ad0d3faa1604410f2e4f0b7c91c3b488d59e27a59bc39de57241464a899f is not listed under `digests` of [trust]; list it there once you trust the file"#);
}

#[test]
fn official_plugins_need_neither_digest_nor_signature() {
    let folder = Folder::new(Trust { digests: digests(&[b"none"]).digests, ..keys(&[1]) });
    let catalog = folder.put("30-own.toml", b"plugin = own").load().unwrap();
    assert_eq!(after_a_look(&catalog), serving(&["1.0.0"]));
}

#[test]
fn at_a_reload_the_old_version_serves_on_until_the_signature_arrives() {
    let [one, two] = ["1.0.0", "2.0.0"].map(|version| guest_of_version("pass", version));
    let folder = Folder::new(keys(&[1]));
    let catalog = folder.put(MASK, &one).put(SIG, &signed(1, &one)).load().unwrap();
    folder.put(MASK, &two);
    let (versions, said) = after_a_look(&catalog);
    assert_eq!(versions, ["1.0.0"]);
    assert!(said[0].contains("was made for other bytes"), "{said:?}");
    assert_eq!(catalog.reloads().refused, 1);
    // Only the signature has changed since.
    folder.put(SIG, &signed(1, &two));
    assert_eq!(after_a_look(&catalog), serving(&["2.0.0"]));
    assert_eq!(catalog.reloads().refused, 1);
}

#[test]
fn a_signature_that_goes_is_told_before_the_next_start_would_fail_for_it() {
    let folder = Folder::new(keys(&[1]));
    let bytes = guest("pass");
    let catalog = folder.put(MASK, &bytes).put(SIG, &signed(1, &bytes)).load().unwrap();
    folder.remove(SIG);
    let (versions, said) = after_a_look(&catalog);
    assert_eq!(versions, ["1.0.0"]);
    assert!(said[0].starts_with("it is not signed"), "{said:?}");
    assert!(folder.load().is_err());
    folder.put(SIG, STANDARD.encode(signed(1, &bytes)).as_bytes());
    assert_eq!(after_a_look(&catalog), serving(&["1.0.0"]));
}

#[test]
fn a_signature_alone_is_neither_a_plugin_nor_a_problem() {
    for trust in [Trust::default(), keys(&[1])] {
        let folder = Folder::new(trust);
        let catalog = folder.put(SIG, &[0; 64]).put("other.sig", b"").load().unwrap();
        assert_eq!(after_a_look(&catalog), serving(&[]));
    }
}

#[test]
fn where_no_key_is_asked_for_nobody_reads_what_lies_beside_a_file() {
    let folder = Folder::new(Trust::default());
    fs::create_dir(folder.path().join(SIG)).unwrap();
    let catalog = folder.put(MASK, &guest("pass")).load().unwrap();
    assert_eq!(after_a_look(&catalog), serving(&["1.0.0"]));
    let asking = Folder { runtime: Folder::new(keys(&[1])).runtime, ..folder };
    insta::assert_snapshot!(asking.refusal(), @r#"loading plugins from "DIR": 20-mask.wasm.sig: it is not a file"#);
}

#[test]
fn what_openssl_makes_as_the_page_says_is_understood() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("\n## Trust\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = section.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let commands: Vec<&str> = blocks.flat_map(str::lines).collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: no openssl to make keys and signatures with");
        return;
    }
    let folder = Folder::new(Trust::default());
    folder.put(MASK, &guest("pass"));
    for command in commands {
        let run = Command::new("sh").args(["-c", command]).current_dir(folder.path()).output();
        assert!(run.is_ok_and(|output| output.status.success()), "{command}");
    }
    let public = fs::read_to_string(folder.path().join("signing.pub")).unwrap();
    let text = format!(
        "[trust]\nkeys = [\"\"\"{public}\"\"\"]\n[kafka]\nbrokers = 'b'\n[[pipeline]]\nname = 'p'\nfrom = ['t']\n\
         dialect = 'json'\nto = 'clean.{{topic}}'\n"
    );
    let trust = Config::parse(&text, Path::new("lockgate.toml")).unwrap().trust;
    let folder = Folder { runtime: Folder::new(trust).runtime, ..folder };
    let catalog = folder.load().unwrap();
    assert_eq!(after_a_look(&catalog), serving(&["1.0.0"]));
    folder.put(MASK, &guest_of_version("pass", "2.0.0"));
    assert_eq!(after_a_look(&catalog).0, ["1.0.0"]);
}
