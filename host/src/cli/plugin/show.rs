//! Plugins, and the differences between two versions of one, as a person reads them.

use crate::control::{BreakerView, Diff, Example, PluginView, Stage, VersionView};
use crate::plugin;

/// Digits of a digest that tell versions apart.
const DIGEST_DIGITS: usize = 12;

/// `text` of a gateway's as a terminal may have it: names come from plugins, files and records, which could drive it or forge lines.
pub(super) fn harmless(text: &str) -> String {
    let lines = text.split('\n').map(|line| plugin::tame(line, usize::MAX));
    lines.collect::<Vec<_>>().join("\n")
}

/// One plugin a line, and under it what there is to say.
pub(super) fn list(plugins: &[PluginView]) -> String {
    if plugins.is_empty() {
        return "no plugin serves, and none is on its way; where the gateway has only just started, its log says what it waits for\n".to_owned();
    }
    let head = ["PIPELINE", "PLUGIN", "VERSION", "DIGEST", "STAGE", "BREAKER"].map(str::to_owned);
    let mut rows = vec![(head.to_vec(), Vec::new())];
    rows.extend(plugins.iter().map(|plugin| (cells(plugin), notes(plugin))));
    let mut text = table(&rows);
    let mut chains: Vec<(&str, &str)> =
        plugins.iter().map(|plugin| (&*plugin.pipeline, &*plugin.chain)).collect();
    chains.dedup();
    for (pipeline, chain) in chains.into_iter().filter(|(_, chain)| !chain.is_empty()) {
        text += &format!("chain of pipeline \"{pipeline}\": {chain}\n");
    }
    harmless(&text)
}

fn cells(plugin: &PluginView) -> Vec<String> {
    let serving = plugin.serving.as_ref();
    vec![
        plugin.pipeline.clone(),
        plugin.plugin.clone(),
        serving.map_or_else(|| "-".to_owned(), |version| version.version.clone()),
        serving.map_or_else(|| "-".to_owned(), |version| short(&version.digest).to_owned()),
        plugin.stage.as_str().to_owned(),
        breaker(&plugin.breaker),
    ]
}

fn breaker(breaker: &BreakerView) -> String {
    let mut text = if breaker.state.is_empty() { "-" } else { &*breaker.state }.to_owned();
    if breaker.by_hand {
        text.push_str(" by hand");
    }
    if let Some(seconds) = breaker.next_probe_seconds {
        text += &format!(", tried in {seconds:.1} s");
    }
    text
}

fn notes(plugin: &PluginView) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(cause) = &plugin.breaker.cause {
        notes.push(format!("breaker opened {} times, the last for: {cause}", plugin.breaker.trips));
    }
    if let Some(candidate) = &plugin.candidate {
        let beside = plugin.serving.as_ref();
        let version =
            candidate.version.as_ref().map(|new| beside_of(new, beside, "other settings"));
        let which = version.unwrap_or_else(|| candidate.file.clone());
        let parts = [candidate.stage.as_str(), &which, &candidate.reason];
        notes
            .push(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": "));
    }
    if let Some(previous) = plugin.previous.as_ref().filter(|_| plugin.stage != Stage::Refused) {
        let previous = beside_of(previous, plugin.serving.as_ref(), "its settings before");
        notes.push(format!("a rollback brings back {previous}"));
    }
    if plugin.parked_keys > 0 {
        let keys = plugin.parked_keys;
        notes.push(format!(
            "parked keys: {keys}, whose records follow a refused one to the dead-letter topic until `lockgate plugin release {}`",
            plugin.plugin
        ));
    }
    notes
}

/// A version that goes by the same name as `serving` where only its settings are others, which this says.
fn beside_of(version: &VersionView, serving: Option<&VersionView>, settings: &str) -> String {
    match serving == Some(version) {
        true => format!("{} with {settings}", named(version)),
        false => named(version),
    }
}

/// `1.2.0 (3f2a77c01b9d)`.
fn named(version: &VersionView) -> String {
    if version.version.is_empty() {
        return "none".to_owned();
    }
    format!("{} ({})", version.version, short(&version.digest))
}

fn short(digest: &str) -> &str {
    digest.get(..DIGEST_DIGITS).unwrap_or(digest)
}

/// Two versions over the same records.
pub(super) fn diff(diff: &Diff) -> String {
    let mut text = format!(
        "plugin \"{}\" of pipeline \"{}\": old {}, new {}\n",
        diff.plugin,
        diff.pipeline,
        named(&diff.old),
        beside_of(&diff.new, Some(&diff.old), "other settings")
    );
    text += &format!(
        "{} records went through both, {} came out differently; faults {} and {}, p99 of a call {} and {} us\n",
        diff.compared,
        diff.differing,
        diff.old_faults,
        diff.new_faults,
        diff.old_p99_us,
        diff.new_p99_us
    );
    if diff.unsteady > 0 {
        text += &format!(
            "{} records come out differently each time the new version sees them\n",
            diff.unsteady
        );
    }
    for example in &diff.examples {
        text.push('\n');
        text.push_str(&one(example));
    }
    harmless(&text)
}

fn one(example: &Example) -> String {
    let Example { topic, partition, offset, old_end, new_end, .. } = example;
    let mut text = format!("{topic}-{partition} @ {offset}  {}", example.table);
    text.truncate(text.trim_end().len());
    text.push('\n');
    if old_end != new_end {
        text += &format!("  old: {old_end}\n  new: {new_end}\n");
    }
    if example.fields.is_empty() {
        return text;
    }
    let head = ["  FIELD", "SOURCE", "OLD", "NEW"].map(str::to_owned).to_vec();
    let mut rows = vec![(head, Vec::new())];
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    rows.extend(example.fields.iter().map(|field| {
        let field_name = format!("  {}", field.field);
        (vec![field_name, value(&field.source), value(&field.old), value(&field.new)], Vec::new())
    }));
    text + &table(&rows)
}

/// Rows under each other in columns, each followed by its notes.
fn table(rows: &[(Vec<String>, Vec<String>)]) -> String {
    let columns = rows.iter().map(|(cells, _)| cells.len()).max().unwrap_or_default();
    let width = |column: usize| {
        let widths = rows.iter().filter_map(|(cells, _)| cells.get(column));
        widths.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (cells, notes) in rows {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
        for line in notes.iter().flat_map(|note| note.lines()) {
            text += &format!("  {line}\n");
        }
    }
    text
}
