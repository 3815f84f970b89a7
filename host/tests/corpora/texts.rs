//! Real texts to test with, and ways to damage them that are the same in every run.

use std::fs;
use std::path::{Path, PathBuf};

/// Every text of the corpora that could be a value: whole files, their lines, and the keys and values of captured records.
pub(crate) fn corpora() -> Vec<Vec<u8>> {
    let Some(folder) = folder() else {
        eprintln!("skipped: no corpora beside the repository");
        return Vec::new();
    };
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let mut texts = Vec::new();
    for file in files {
        let whole = fs::read(&file).unwrap();
        let captured = file.to_string_lossy().ends_with(".records.jsonl");
        for line in whole.split(|byte| *byte == b'\n') {
            let record = captured.then(|| serde_json::from_slice::<serde_json::Value>(line).ok());
            match record.flatten() {
                Some(record) => {
                    let parts =
                        ["key", "value"].map(|part| record[part].as_str().map(str::to_owned));
                    texts.extend(parts.into_iter().flatten().map(String::into_bytes));
                }
                None => texts.push(line.to_vec()),
            }
        }
        if !captured {
            texts.push(whole);
        }
    }
    assert!(texts.len() > 5_000, "the corpora hold more than that");
    texts
}

pub(crate) fn folder() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut places = here.ancestors().map(|folder| folder.join("shared/corpora"));
    places.find(|folder| folder.is_dir())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

/// One to three wounds of the kinds that transports and bugs make.
pub(crate) fn damage(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    const BYTES: &[u8] = b"\"\\{}[]:,0-.eE+ntf u\n\x00\x1f\x7f\xff\xc3\xa9\xed\xa0 ";
    let mut text = text.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(text.len().max(1));
        let byte = BYTES[dice.below(BYTES.len())];
        match dice.below(6) {
            0 => text.truncate(at),
            1 => text.insert(at.min(text.len()), byte),
            2 => {
                text.splice(at..(at + 1 + dice.below(8)).min(text.len()).max(at), []);
            }
            3 => {
                let end = (at + dice.below(40)).min(text.len()).max(at);
                let piece = text[at.min(text.len())..end].to_vec();
                text.splice(at..at, piece);
            }
            4 => text.splice(at..at, *b"\\ud83d\"").for_each(drop),
            _ => {
                if let Some(place) = text.get_mut(at) {
                    *place = byte;
                }
            }
        }
        if text.is_empty() {
            text.push(byte);
        }
    }
    text
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}
