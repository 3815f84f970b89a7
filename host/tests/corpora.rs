//! The scanner and the renderer against serde_json, over real events, and over the same events damaged.
#![cfg(test)]

#[path = "../fuzz/bodies/json.rs"]
mod json;
#[path = "../fuzz/bodies/render.rs"]
mod render;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

/// Every text of the corpora that could be a value: whole files, their lines, and the keys and values of captured records.
fn corpora() -> Vec<Vec<u8>> {
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

fn folder() -> Option<PathBuf> {
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

/// Large texts take long in an unoptimised build and show nothing that small ones do not.
const LARGEST: usize = 16 * 1024;

#[test]
fn every_text_of_the_corpora_reads_as_serde_json_reads_it() {
    for text in corpora() {
        json::check(&text);
    }
}

#[test]
fn every_event_of_the_corpora_leaves_as_the_same_edit_on_a_tree() {
    let texts = corpora();
    for text in texts.iter().filter(|text| text.len() < LARGEST) {
        render::check(text);
    }
}

#[test]
fn damaged_events_are_judged_as_serde_json_judges_them() {
    let texts = corpora();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c88);
    let mut checked = 0;
    while checked < 40_000 && !texts.is_empty() {
        let text = &texts[dice.below(texts.len())];
        if (1..8 * 1024).contains(&text.len()) {
            let damaged = damage(text, &mut dice);
            json::check(&damaged);
            if checked % 2 == 0 {
                render::check(&damaged);
            }
            checked += 1;
        }
    }
}

/// A JSON value with blanks anywhere, names that stand twice, and escapes.
fn value() -> impl Strategy<Value = String> {
    let string = r#"([ -!#-\[\]-~é😀]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){0,12}"#;
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,19})([.][0-9]{1,12})?([eE][+-]?[0-9]{1,3})?",
        string.prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![list("[", inner.clone(), "]"), list("{", named(inner), "}")]
    })
}

fn named(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let name = prop_oneof!["[a-f]", Just(r"\u0061".to_owned()), Just(String::new())];
    (name, "[ \n]?", "[ \t]{0,2}", value)
        .prop_map(|(name, before, after, value)| format!("\"{name}\"{before}:{after}{value}"))
}

fn list(
    open: &'static str,
    item: impl Strategy<Value = String>,
    close: &'static str,
) -> impl Strategy<Value = String> {
    (prop::collection::vec((item, "[ \r\n]{0,2}"), 0..6), "[ \t]{0,2}").prop_map(
        move |(items, start)| {
            let items: Vec<String> =
                items.iter().map(|(item, blank)| format!("{blank}{item}{blank}")).collect();
            format!("{open}{start}{}{close}", items.join(","))
        },
    )
}

fn row() -> impl Strategy<Value = String> {
    prop_oneof![4 => list("{", named(value()), "}"), 1 => Just("null".to_owned()), 1 => value()]
}

proptest! {
    #[test]
    fn any_json_reads_as_serde_json_reads_it(text in list("{", named(value()), "}")) {
        json::check(text.as_bytes());
        render::check(text.as_bytes());
    }

    #[test]
    fn any_event_leaves_as_the_same_edit_on_a_tree(
        before in row(),
        after in row(),
        operation in "[cudrx]",
        blank in "[ \n]{0,2}",
    ) {
        let source = r#""source":{"db":"d","table":"t"}"#;
        let text = format!(
            r#"{blank}{{"op":"{operation}",{blank}"before":{before}{blank},{source},"after":{blank}{after}}}"#
        );
        json::check(text.as_bytes());
        render::check(text.as_bytes());
        render::check(format!(r#"{{"payload":{text},"schema":null}}"#).as_bytes());
    }
}

/// One to three wounds of the kinds that transports and bugs make.
fn damage(text: &[u8], dice: &mut Dice) -> Vec<u8> {
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
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}
