//! Whether what a new chain made of a batch lets it serve: it must fail on nothing that the old one carried. That it does other
//! things is no fault: that is what new versions are for. Pure.

use super::end::End;
use crate::contract::FaultClass;
use crate::outcome::{Code, Refusal};
use crate::record::Record;

/// Why the new chain must not serve, for one record.
pub(super) fn record(record: &Record<'_>, old: &End, new: &End) -> Result<(), String> {
    let Some(refusal) = new.refusal() else { return Ok(()) };
    if refusal.fault == Some(FaultClass::NotRun) {
        return Ok(());
    }
    let is_worse = match old.refusal() {
        // A plugin may refuse a row by decision; anything else is no decision of its own.
        None => refusal.fault.is_some() || refusal.code != Code::PluginRejected,
        Some(before) => refusal.fault.is_some() && before.fault.is_none(),
    };
    if is_worse && !matches!(old, End::Hold) { Err(words(record, refusal)) } else { Ok(()) }
}

fn words(record: &Record<'_>, refusal: &Refusal) -> String {
    let Refusal { code, reason, .. } = refusal;
    let by = refusal.plugin.as_ref();
    let by = by.map_or_else(String::new, |plugin| format!(" by plugin \"{}\"", plugin.name));
    let class = refusal.fault.map_or_else(String::new, |class| format!(" ({})", class.as_str()));
    let at = record.position();
    format!(
        "{at} would be refused{by}, where the old chain let it through: {code}{class}: {reason}"
    )
}

/// The same for a call that failed, whatever became of its records.
pub(super) fn call(
    records: &[Record<'_>],
    plugin: &str,
    (class, message): &(FaultClass, String),
) -> String {
    let place = match records {
        [one] => one.position().to_string(),
        [first, ..] => format!("records from {} on", first.position()),
        [] => "a batch".to_owned(),
    };
    let (code, class) = (class.code(), class.as_str());
    format!(
        "plugin \"{plugin}\" fails on {place}, where nothing failed in the old chain: {code} ({class}): {message}"
    )
}
