//! Events whose rows are encrypted, and whose keys are not: Maxwell writes the key's columns in clear beside them. Pure.

use crate::change::Span;
use crate::change::json;
use crate::record::Record;

use super::Protection;

/// Members of an encrypted event that hold the key's values, and those that hold their names.
const VALUES: [&str; 2] = ["primary_key", "primaryKey"];
const NAMES: [&str; 2] = ["primary_key_columns", "primaryKeyColumns"];

/// The protected column that an encrypted event has in clear; none where it has none. Which table it is of is not asked: a
/// wholly encrypted event does not say.
pub fn in_clear(record: &Record<'_>, protection: &Protection) -> Option<String> {
    let key = record.key.unwrap_or_default();
    let value = record.value.unwrap_or_default();
    let mut names = Vec::new();
    if let Ok(span) = json::document(key) {
        members(key, span, &mut names);
    }
    if let Ok(span) = json::document(value) {
        beside(value, span, &mut names);
    }
    names.into_iter().find(|name| is_protected(name, protection))
}

/// Maxwell's keys have names in lower case, whatever the columns are called.
fn is_protected(name: &str, protection: &Protection) -> bool {
    protection.patterns().iter().any(|pattern| {
        let same = |column: &str| column.eq_ignore_ascii_case(name);
        pattern.matches_column(name) || pattern.column_name().is_some_and(same)
    })
}

/// The names of a key's columns: members, behind `pk.` or in boxes of their own.
fn members(text: &[u8], span: Span, names: &mut Vec<String>) {
    let mut open = vec![span];
    while let Some(at) = open.pop() {
        for (name, value) in json::members(text, at.start) {
            let name = json::unescape(name.of(text));
            names.push(name.strip_prefix("pk.").unwrap_or(&name).to_owned());
            open.push(value);
        }
        open.extend(json::elements(text, at.start));
    }
}

/// The names of the key's columns beside the encrypted payload, where their values stand there.
fn beside(text: &[u8], span: Span, names: &mut Vec<String>) {
    let of = |wanted: [&str; 2]| {
        let mut members = json::members(text, span.start);
        let is_it = |name: Span| wanted.contains(&&*json::unescape(name.of(text)));
        members.find(|(name, _)| is_it(*name)).map(|(_, value)| value)
    };
    if of(VALUES).is_none() {
        return;
    }
    let listed = of(NAMES).map(|list| json::elements(text, list.start));
    for name in listed.into_iter().flatten() {
        let name = name.of(text);
        let plain = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\""));
        names.push(json::unescape(plain.unwrap_or(name)).into_owned());
    }
}
