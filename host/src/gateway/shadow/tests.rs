//! Trials of real plugins over small Debezium events: what is told, what is hidden, and what lets a new chain not serve.

mod aside;
mod runs;
mod shows;
mod verdicts;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::config::{ColumnPattern, FaultPolicy, PluginFile, PluginMessages, Template};
use crate::plugin::{Compiled, Limits, Place, Voice, guests};
use crate::record::{Copies, Header, Record};
use crate::table::Dialect;

const LONG: Length = Length { time: Duration::from_secs(600), events: 1_000_000 };

/// A record of topic `t`, owned.
#[derive(Clone, Default)]
struct Given {
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(&'static str, String)>,
}

fn update(id: u32, columns: &str) -> Given {
    let source = r#""source":{"db":"shop","schema":"public","table":"customers"}"#;
    Given {
        key: Some(format!(r#"{{"id":{id}}}"#)),
        value: Some(format!(
            r#"{{"before":null,"after":{{"id":{id},{columns}}},{source},"op":"u"}}"#
        )),
        headers: Vec::new(),
    }
}

fn email(id: u32, email: &str) -> Given {
    update(id, &format!(r#""email":"{email}","note":"n""#))
}

/// The records as the tap would have them.
fn sample(given: &[Given]) -> Arc<Copies> {
    let tap = Arc::new(Tap::default());
    offer(&tap, given);
    Arc::clone(&tap.watch().kept()[0])
}

fn offer(tap: &Tap, given: &[Given]) {
    offer_at(tap, given, Instant::now());
}

fn offer_at(tap: &Tap, given: &[Given], now: Instant) {
    let topic: Arc<str> = "t".into();
    let records = (0i64..).zip(given).map(|(offset, given)| Record {
        topic: &topic,
        partition: 0,
        offset,
        timestamp: Some(1),
        key: given.key.as_deref().map(str::as_bytes),
        value: given.value.as_deref().map(str::as_bytes),
        headers: given
            .headers
            .iter()
            .map(|(name, value)| Header { name: name.as_bytes(), value: Some(value.as_bytes()) })
            .collect(),
    });
    tap.offer(&records.collect::<Vec<_>>(), now);
}

fn settings(protect: &[&str]) -> Arc<config::Pipeline> {
    let messages = if protect.is_empty() { PluginMessages::Show } else { PluginMessages::Withhold };
    Arc::new(config::Pipeline {
        name: "p".into(),
        to: Template { prefix: "clean.".into(), suffix: Some(String::new()) },
        protect: protect.iter().map(|pattern| ColumnPattern::parse(pattern).unwrap()).collect(),
        plugin_messages: messages,
        ..config::Pipeline::offline("plugins".into(), Dialect::Debezium)
    })
}

/// A guest of `tests/guests` under the name `guest`.
fn guest(name: &str) -> Arc<Version> {
    guest_with(name, |_| {})
}

fn guest_with(name: &str, change: impl FnOnce(&mut PluginFile)) -> Arc<Version> {
    let mut setup = guests::setup();
    change(&mut setup);
    // Five characters, as the text of the guests has it.
    let version = format!("{name:-<5.5}");
    guests::configured(&guests::guest_of_version(name, &version), setup).unwrap()
}

/// An official plugin with these settings.
fn official(name: &str, plugin: &str, settings: &str) -> Arc<Version> {
    let setup = PluginFile {
        settings: serde_json::from_str(settings).unwrap(),
        deadline: Duration::from_secs(10),
        ..PluginFile::default()
    };
    let compiled = compiled(plugin, Limits::of(&setup));
    let place =
        Place { order: Some(20), name: name.into(), file: format!("20-{name}.toml").into() };
    let voice = Voice::new(&place.name, PluginMessages::Show);
    Version::configure(&compiled, place, (setup, String::new()), voice).unwrap()
}

/// Compiled once for all tests.
fn compiled(plugin: &str, limits: Limits) -> Arc<Compiled> {
    static KNOWN: Mutex<Vec<(String, Arc<Compiled>)>> = Mutex::new(Vec::new());
    let mut known = lock(&KNOWN);
    if let Some((_, compiled)) = known.iter().find(|(name, _)| name == plugin) {
        return Arc::clone(compiled);
    }
    let bytes = lockgate_plugins::official(plugin).unwrap();
    let compiled = Arc::new(Compiled::load(&guests::runtime(), bytes, limits).unwrap());
    known.push((plugin.to_owned(), Arc::clone(&compiled)));
    compiled
}

fn mask(settings: &str) -> Arc<Version> {
    official("mask", "mask", &format!(r#"{{"columns":{settings}}}"#))
}

/// Runs one batch through both chains: the verdict, and what was found of the first plugin that is another.
fn tried(
    settings: &Arc<config::Pipeline>,
    (old, new): (&[Arc<Version>], &[Arc<Version>]),
    given: &[Given],
) -> (Result<(), String>, Diff) {
    let mut trial = Trial::new(settings, old, new);
    let verdict = trial.batch(&sample(given), &|| false);
    let diff = trial.diffs().next().map(|(_, diff)| diff);
    (verdict, diff.unwrap_or_default())
}

/// As [`tried`], in words; the trial has to be passed.
fn told(
    settings: &Arc<config::Pipeline>,
    chains: (&[Arc<Version>], &[Arc<Version>]),
    given: &[Given],
) -> String {
    let (verdict, diff) = tried(settings, chains, given);
    assert_eq!(verdict, Ok(()));
    words(&diff)
}

fn words(diff: &Diff) -> String {
    let mut told = format!("{} of {}\n", diff.differing, diff.compared);
    for example in &diff.examples {
        let (old, new) = (&example.old_end, &example.new_end);
        writeln!(told, "{}@{} {}: {old} | {new}", example.topic, example.offset, example.table)
            .unwrap();
        for field in &example.fields {
            let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            let values = [&field.source, &field.old, &field.new].map(shown).join(" | ");
            writeln!(told, "  {}: {values}", field.field).unwrap();
        }
    }
    told
}
