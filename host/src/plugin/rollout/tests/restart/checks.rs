//! What a settled version has to pass before it stands in for a file that is known to be bad.

use std::cell::Cell;

use ed25519_dalek::{Signer as _, SigningKey};

use super::*;
use crate::config::Trust;
use crate::plugin::Options;

#[test]
fn what_stands_in_has_to_be_proven_as_anything_else() {
    let mut starts = Starts::new();
    starts.goes_wrong("2.0.0");
    let tried = Cell::new(0);
    let refuse = |chain: &[Arc<Version>]| {
        tried.set(tried.get() + 1);
        assert_eq!(names(chain), ["a@1.0.0"]);
        Err("a column is not covered".to_owned())
    };
    starts.restart_with(&runtime(), &refuse);
    assert_eq!((tried.get(), starts.serving()), (1, vec!["a@2.0.0".to_owned()]));
    starts.reload();
    assert_eq!((starts.serving(), starts.failing()), (vec!["a@2.0.0".to_owned()], vec![]));
    // Nothing is forgotten over it: it may stand in again where it covers what it has to.
    starts.restart();
    assert_eq!(starts.serving(), ["a@1.0.0"]);
}

#[test]
fn what_stands_in_has_to_be_trusted_now() {
    let signed =
        |seed: u8, bytes: &[u8]| SigningKey::from_bytes(&[seed; 32]).sign(bytes).to_bytes();
    let key = |seed: u8| SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
    let runtime = |trust: Trust| Runtime::start_with(Options { trust, ..Options::default() });
    let keys = |seeds: &[u8]| {
        let keys = seeds.iter().map(|seed| key(*seed)).collect();
        runtime(Trust { keys, ..Trust::default() }).unwrap()
    };
    let digests = |versions: &[&str]| {
        let digests = versions.iter().map(|version| digest(&pass(version))).collect();
        runtime(Trust { digests, ..Trust::default() }).unwrap()
    };
    let mut starts = Starts::new();
    let sign = |starts: &Starts, seed: u8, version: &str| {
        starts.folder.put("10-a.wasm.sig", &signed(seed, &pass(version)));
    };
    sign(&starts, 1, "1.0.0");
    starts.restart_with(&keys(&[1]), FINE);
    sign(&starts, 1, "2.0.0");
    starts.goes_wrong("2.0.0");

    // The signature of the old file is replaced in the folder, and kept beside it.
    starts.restart_with(&keys(&[1]), FINE);
    assert_eq!(starts.serving(), ["a@1.0.0"]);
    sign(&starts, 2, "2.0.0");
    starts.restart_with(&keys(&[2]), FINE);
    assert_eq!(starts.serving(), ["a@2.0.0"]);
    starts.restart_with(&keys(&[2, 1]), FINE);
    assert_eq!(starts.serving(), ["a@1.0.0"]);
    starts.restart_with(&digests(&["2.0.0"]), FINE);
    assert_eq!(starts.serving(), ["a@2.0.0"]);
    starts.restart_with(&digests(&["1.0.0", "2.0.0"]), FINE);
    assert_eq!(starts.serving(), ["a@1.0.0"]);
    // A bad file that is trusted no more keeps a gateway from starting, as any such file.
    let refused = start(&digests(&["1.0.0"]), &starts.folder, starts.cache.path(), FINE);
    assert!(refused.is_err_and(|reason| reason.contains("is not listed under `digests`")));
}

#[test]
fn of_two_bad_files_one_serves_where_nothing_can_stand_in_for_it() {
    let mut starts = Starts::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.1.0")]);
    starts.put("10-a.wasm", "2.0.0");
    starts.put("20-b.wasm", "2.1.0");
    starts.reload();
    trip(&starts.version("a"));
    trip(&starts.version("b"));
    starts.after(SOON);
    starts.restart();
    assert_eq!(starts.serving(), ["a@1.0.0", "b@1.1.0"]);
    let file = starts.kept_as(&pass("1.0.0"));
    let mut damaged = fs::read(&file).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&file, damaged).unwrap();
    starts.restart();
    assert_eq!(starts.serving(), ["a@2.0.0", "b@1.1.0"]);
    fs::remove_file(starts.kept_as(&pass("1.1.0"))).unwrap();
    starts.restart();
    assert_eq!(starts.serving(), ["a@2.0.0", "b@2.1.0"]);
}

#[test]
fn another_broken_file_still_keeps_a_gateway_from_starting() {
    let starts = Starts::new();
    starts.goes_wrong("2.0.0");
    starts.folder.put("20-b.wasm", b"no plugin");
    let refused = start(&runtime(), &starts.folder, starts.cache.path(), FINE);
    let reason = refused.err().unwrap();
    assert!(reason.contains("20-b.wasm") && !reason.contains("10-a"), "{reason}");
}
