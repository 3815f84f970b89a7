//! Which keys are parked, and what a note keeps of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

fn at() -> (Arc<str>, i32) {
    ("t".into(), 0)
}

fn by(name: &str) -> Refusal {
    Refusal::by(Code::PluginTrapped, &named(name), "it failed")
}

/// Parks `key` at `offset`.
fn park(parked: &mut Parked, key: &[u8], offset: i64, plugin: &str) -> Result<(), String> {
    let (topic, partition) = at();
    parked.park(&record(&topic, partition, key, offset), &by(plugin))
}

fn record<'a>(topic: &'a Arc<str>, partition: i32, key: &'a [u8], offset: i64) -> Record<'a> {
    Record {
        topic,
        partition,
        offset,
        timestamp: None,
        key: Some(key),
        value: None,
        headers: Vec::new(),
    }
}

/// The offset that the record with `key` follows.
fn follows(parked: &Parked, partition: i32, key: &[u8]) -> Option<i64> {
    match parked.standing(&record(&"t".into(), partition, key, 1_000)) {
        Standing::Free => None,
        Standing::Follows(refusal) => refusal.follows,
        Standing::Sealed(_) => Some(-1),
    }
}

fn noted(parked: &Parked, below: i64) -> String {
    let (topic, partition) = at();
    parked.note(&topic, partition, below)
}

fn restored(note: &str) -> Parked {
    let mut parked = Parked::default();
    let (topic, partition) = at();
    parked.restore(&topic, partition, note);
    parked
}

fn three() -> Parked {
    let mut parked = Parked::default();
    park(&mut parked, b"a", 10, "mask").unwrap();
    park(&mut parked, b"b", 20, "geo").unwrap();
    park(&mut parked, b"c", 30, "mask").unwrap();
    parked
}

#[test]
fn a_key_is_parked_in_its_partition_alone() {
    let parked = three();
    assert_eq!(follows(&parked, 0, b"a"), Some(10));
    assert_eq!(follows(&parked, 1, b"a"), None);
    assert_eq!(follows(&parked, 0, b"d"), None);
}

#[test]
fn a_note_has_the_keys_that_were_parked_before_its_offset() {
    let parked = three();
    for (below, known) in [(0, 0), (10, 0), (11, 1), (20, 1), (21, 2), (30, 2), (31, 3)] {
        let back = restored(&noted(&parked, below));
        let found = [b"a", b"b", b"c"].map(|key| follows(&back, 0, key));
        let wanted: Vec<Option<i64>> =
            [10, 20, 30].into_iter().enumerate().map(|(n, at)| (n < known).then_some(at)).collect();
        assert_eq!(found.as_slice(), wanted, "below {below}");
        assert_eq!(noted(&parked, below).is_empty(), known == 0);
    }
}

#[test]
fn after_a_restart_the_name_of_who_refused_is_known() {
    let back = restored(&noted(&three(), 100));
    assert_eq!(back.counts(), three().counts());
    let topic: Arc<str> = "t".into();
    let Standing::Follows(refusal) = back.standing(&record(&topic, 0, b"b", 50)) else { panic!() };
    assert_eq!(
        refusal.to_string(),
        "plugin-rejected by plugin \"geo\": its key follows the record at offset 20, which was refused; let it go on with \
         `lockgate plugin release geo`"
    );
}

#[test]
fn a_rewind_forgets_what_records_that_come_again_have_parked() {
    let (topic, partition) = at();
    let mut parked = three();
    parked.rewind(&topic, partition, 20);
    assert_eq!([b"a", b"b", b"c"].map(|key| follows(&parked, 0, key)), [Some(10), None, None]);
    parked.rewind(&topic, partition, 10);
    assert!(parked.partitions.is_empty());
}

#[test]
fn a_partition_that_goes_on_after_lost_records_forgets_nothing() {
    let (topic, partition) = at();
    let mut parked = three();
    parked.jump(&topic, partition, 15);
    parked.rewind(&topic, partition, 15);
    assert_eq!(restored(&noted(&parked, 15)).counts(), three().counts());
}

#[test]
fn a_release_is_of_one_plugin_or_of_all() {
    let mut parked = three();
    assert_eq!(parked.release(Some("other")), []);
    let version = parked.version();
    assert_eq!(parked.release(Some("mask")), [at()]);
    assert!(parked.version() > version);
    assert_eq!([b"a", b"b", b"c"].map(|key| follows(&parked, 0, key)), [None, Some(20), None]);
    assert_eq!(parked.release(None), [at()]);
    assert_eq!(noted(&parked, 100), "");
    assert!(parked.partitions.is_empty());
}

#[test]
fn more_keys_than_a_note_can_name_are_not_parked() {
    let mut parked = Parked::default();
    // Some thousand records apart, as on a busy topic that has been there for years.
    for number in 0..KEYS as i64 {
        let offset = (1 << 40) + number * 5_000;
        park(&mut parked, format!("key {number}").as_bytes(), offset, "mask").unwrap();
    }
    let why = park(&mut parked, b"one more", 1 << 50, "mask").unwrap_err();
    assert_eq!(
        why,
        "its key cannot be parked, since 256 of the partition are, as many as its commit can name; mend the plugin, and let \
         them go on with `lockgate plugin release mask`"
    );
    assert_eq!(follows(&parked, 0, b"one more"), None);
    assert_eq!(follows(&parked, 0, b"key 255"), Some((1 << 40) + 255 * 5_000));
    let note = noted(&parked, i64::MAX);
    assert!(note.len() <= NOTE_BYTES, "{}", note.len());
    assert_eq!(restored(&note).counts(), parked.counts());
}

#[test]
fn keys_far_apart_fill_the_note_before_their_number_does() {
    let mut parked = Parked::default();
    let name = "n".repeat(200);
    let mut number = 0;
    while park(&mut parked, &[number], i64::from(number) << 50, &name).is_ok() {
        number += 1;
    }
    assert!((150..200).contains(&number), "{number}");
    let note = noted(&parked, i64::MAX);
    assert!(note.len() <= NOTE_BYTES, "{}", note.len());
    assert_eq!(restored(&note).counts(), parked.counts());
}

#[test]
fn a_note_that_cannot_be_read_seals_its_partition_until_a_release() {
    let note = noted(&three(), 100);
    let later = URL_SAFE_NO_PAD.encode([2, 0]);
    let cut = note.get(..note.len() - 4).unwrap();
    for unreadable in ["parked by hand", "AQ", &*later, cut] {
        let mut parked = restored(unreadable);
        assert_eq!(follows(&parked, 0, b"a"), Some(-1), "{unreadable}");
        assert_eq!(parked.counts(), [("".into(), 1)].into());
        parked.rewind(&at().0, 0, 0);
        assert_eq!(follows(&parked, 0, b"a"), Some(-1), "{unreadable}");
        assert_eq!(parked.release(Some("any")), [at()]);
        assert!(parked.partitions.is_empty());
    }
}
