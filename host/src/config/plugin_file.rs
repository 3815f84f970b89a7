//! A plugin's `NAME.toml`: its limits, and its settings turned into JSON. Must not know what any plugin's settings mean.

use std::time::Duration;

use globset::Glob;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Document, Tree};
use super::error::Error;
use super::resolve::one_of;
use super::units::Span;
use super::{FaultPolicy, Length, OnOpen, PluginFile, Reload, Rollout, raw};

/// A lane waits this long at the most, so it must stay far below the five minutes after which Kafka takes its partitions.
const LONGEST_DEADLINE: Duration = Duration::from_secs(60);
/// A version that is neither here nor there for longer is forgotten by the people too.
const LONGEST_STAGE: Duration = Duration::from_secs(24 * 3600);
/// One page of WebAssembly memory, and all that 32-bit addresses reach.
const LEAST_MEMORY: usize = 64 << 10;
const MOST_MEMORY: usize = 4 << 30;

pub(super) const FAULT_POLICIES: [(&str, FaultPolicy); 5] = [
    ("dead-letter", FaultPolicy::DeadLetter),
    ("dead-letter-key", FaultPolicy::DeadLetterKey),
    ("drop", FaultPolicy::Drop),
    ("pass", FaultPolicy::Pass),
    ("halt", FaultPolicy::Halt),
];

pub(super) const ON_OPEN: [(&str, OnOpen); 2] =
    [("halt", OnOpen::Halt), ("bypass", OnOpen::Bypass)];
pub(super) const RELOADS: [(&str, Reload); 2] =
    [("immediate", Reload::Immediate), ("shadow", Reload::Shadow)];

pub(super) fn read(document: &Document<'_>, tree: Tree<'_>) -> Result<PluginFile, Error> {
    let mut file = PluginFile { secret_files: tree.secret_files, ..PluginFile::default() };
    if let Some(settings) = tree.table.get_ref().get("settings") {
        let DeValue::Table(table) = settings.get_ref() else {
            return Err(document.error(settings.span(), "expected a table, as in [settings]"));
        };
        file.settings = object(document, table)?;
    }
    let raw: raw::PluginFile = document.read(tree.table)?;
    file.official = raw.plugin.map(Spanned::into_inner);
    for table in raw.tables {
        file.tables.push(glob(document, &table)?);
    }
    if let Some(deadline) = raw.deadline {
        let span = deadline.span();
        file.deadline = deadline.into_inner().0;
        if file.deadline.is_zero() || file.deadline > LONGEST_DEADLINE {
            return Err(document.error(span, "a deadline lies between 1ms and 60s"));
        }
    }
    if let Some(memory) = raw.memory {
        let span = memory.span();
        file.memory = memory.into_inner().0;
        if !(LEAST_MEMORY..=MOST_MEMORY).contains(&file.memory) {
            return Err(document.error(span, "a plugin's memory lies between 64KiB and 4GiB"));
        }
    }
    if let Some(policy) = raw.on_fault {
        file.on_fault = one_of(document, &policy, &FAULT_POLICIES)?;
    }
    if let Some(policy) = raw.on_open {
        file.on_open = one_of(document, &policy, &ON_OPEN)?;
    }
    file.rollout = Rollout::with_deadline(file.deadline);
    let rollout = &mut file.rollout;
    if let Some(reload) = raw.reload {
        rollout.reload = one_of(document, &reload, &RELOADS)?;
    }
    length(document, (raw.shadow, raw.shadow_events), &mut rollout.shadow)?;
    length(document, (raw.probation, raw.probation_events), &mut rollout.probation)?;
    if let Some(p99) = raw.p99 {
        let span = p99.span();
        rollout.p99 = p99.into_inner().0;
        if rollout.p99.is_zero() || rollout.p99 > file.deadline {
            return Err(document.error(span, "it lies above zero and not above `deadline`"));
        }
    }
    Ok(file)
}

fn length(
    document: &Document<'_>,
    (time, events): (Option<Spanned<Span>>, Option<Spanned<i64>>),
    length: &mut Length,
) -> Result<(), Error> {
    if let Some(time) = time {
        let span = time.span();
        length.time = time.into_inner().0;
        if length.time > LONGEST_STAGE {
            return Err(document.error(span, "it lies between 0s and 24h"));
        }
    }
    if let Some(events) = events {
        let Ok(number) = u64::try_from(*events.get_ref()) else {
            return Err(document.error(events.span(), "expected 0 or more"));
        };
        length.events = number;
    }
    Ok(())
}

pub(super) fn glob(document: &Document<'_>, text: &raw::Text) -> Result<Glob, Error> {
    // The kind alone: globset's whole message quotes the glob, which the caret already shows.
    Glob::new(text.get_ref())
        .map_err(|error| document.error(text.span(), format!("a bad glob: {}", error.kind())))
}

fn object(document: &Document<'_>, table: &DeTable<'_>) -> Result<Value, Error> {
    let mut members = Map::new();
    for (name, value) in table {
        members.insert(name.get_ref().to_string(), json(document, value)?);
    }
    Ok(Value::Object(members))
}

fn json(document: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Result<Value, Error> {
    let number = |text: &str| {
        serde_json::from_str::<Number>(text)
            .map(Value::Number)
            .map_err(|_| document.error(value.span(), "JSON has no such number"))
    };
    match value.get_ref() {
        DeValue::String(text) => Ok(Value::String(text.to_string())),
        DeValue::Boolean(boolean) => Ok(Value::Bool(*boolean)),
        DeValue::Integer(integer) if integer.radix() == 10 => {
            number(integer.as_str().trim_start_matches('+'))
        }
        DeValue::Integer(integer) => {
            let parsed = i128::from_str_radix(integer.as_str(), integer.radix());
            let parsed = parsed.map_err(|_| document.error(value.span(), "a number too large"))?;
            number(&parsed.to_string())
        }
        DeValue::Float(float) => number(float.as_str().trim_start_matches('+')),
        // JSON knows no times: plugins get them as they were typed.
        DeValue::Datetime(time) => Ok(Value::String(time.to_string())),
        DeValue::Array(items) => items
            .iter()
            .map(|item| json(document, item))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        DeValue::Table(table) => object(document, table),
    }
}
