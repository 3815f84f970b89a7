//! Plans and answers of every kind over real events: `fuzz/bodies/outcome.rs` says what must hold.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use crate::outcome::{self, Scene};
use crate::texts::folder;

/// Larger events take long in an unoptimised build and show nothing that small ones do not.
const LARGEST: usize = 4 * 1024;

/// The most events of a table.
const EVENTS: usize = 6;

/// The key and the value of a record.
type Event = (Option<Vec<u8>>, Vec<u8>);

/// One scene for each table of a captured file.
fn captured(file: &str) -> Vec<Scene> {
    let Some(folder) = folder() else {
        eprintln!("skipped: no corpora beside the repository");
        return Vec::new();
    };
    let mut tables: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for line in fs::read_to_string(folder.join("captured").join(file)).unwrap().lines() {
        let captured: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |part: &str| captured[part].as_str().map(|text| text.as_bytes().to_vec());
        let Some(value) = text("value").filter(|value| value.len() < LARGEST) else { continue };
        let known = tables.entry(captured["topic"].as_str().unwrap().to_owned()).or_default();
        // Spread over the file, which begins with one snapshot after the other.
        if known.len() < 10 * EVENTS {
            known.push((text("key"), value));
        }
    }
    let spread = |events: Vec<_>| {
        let step = events.len().div_ceil(EVENTS);
        events.into_iter().step_by(step).collect::<Vec<_>>()
    };
    tables.into_values().filter_map(|events| Scene::of(&spread(events))).collect()
}

/// Tries `cases` strings of choices on each scene, the same in every run.
fn hold(scenes: &[Scene], cases: u32) {
    let config = ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    for scene in scenes {
        let choices = prop::collection::vec(any::<u8>(), 0..160);
        let tried = TestRunner::new(config.clone()).run(&choices, |choices| {
            outcome::check(scene, &choices);
            Ok(())
        });
        if let Err(error) = tried {
            panic!("{error}");
        }
    }
}

#[test]
fn nothing_invalid_of_an_answer_is_applied_to_the_events_of_the_example() {
    hold(&[outcome::example()], 3_000);
}

#[test]
fn nothing_invalid_of_an_answer_is_applied_to_captured_events() {
    for file in ["debezium-postgres.records.jsonl", "debezium-mariadb.records.jsonl"] {
        hold(&captured(file), 200);
    }
}

#[test]
fn nothing_invalid_of_an_answer_is_applied_to_events_with_their_schema() {
    hold(&captured("debezium-postgres-schema.records.jsonl"), 200);
}
