//! Which rules fit a column's type, as the source names it. Must not know values.

use crate::date::Unit;
use crate::rule::Rule;

/// Types whose strings hold JSON, in lower case.
const JSON_TEXT: [&str; 3] = ["io.debezium.data.json", "json", "jsonb"];

/// Types whose strings are base64, or hold some, in lower case: text put in their place would decode to something else.
const ENCODED: [&str; 5] = [
    "bytes",
    "org.apache.kafka.connect.data.decimal",
    "io.debezium.data.bits",
    "io.debezium.data.variablescaledecimal",
    "io.debezium.data.geometry.",
];

/// Types whose values name no day, in lower case, by how they start: numbers that count nothing that is told, and times of day.
const DATELESS: [&str; 14] = [
    "int",
    "bigint",
    "smallint",
    "mediumint",
    "tinyint",
    "float",
    "double",
    "bool",
    "io.debezium.time.year",
    "io.debezium.time.time",
    "io.debezium.time.microtime",
    "io.debezium.time.nanotime",
    "io.debezium.time.zonedtime",
    "io.debezium.time.interval",
];

/// How the gateway marks a column that has a value in every row.
const NOT_NULL: &str = " not null";

/// Why a rule does not fit a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Masked values would break the type's encoding.
    Encoding,
    /// The column takes no null.
    NotNull,
    /// The values name no day.
    NoDate,
}

/// The rule as it is for a column of a type; empty where the format says nothing.
pub(crate) fn fit(rule: &Rule, source_type: &str) -> Result<Rule, Unfit> {
    let lower = source_type.to_ascii_lowercase();
    let (name, not_null) = match lower.strip_suffix(NOT_NULL) {
        Some(name) => (name.trim_end(), true),
        None => (&*lower, false),
    };
    let holds_json = JSON_TEXT.contains(&name);
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    match rule {
        Rule::Null if not_null => Err(Unfit::NotNull),
        Rule::Null | Rule::Constant { .. } => Ok(rule.clone()),
        Rule::Redact if holds_json => Ok(Rule::RedactJsonText),
        _ if holds_json || starts(&ENCODED) => Err(Unfit::Encoding),
        Rule::DateYear(_) => match Unit::of(name) {
            None if starts(&DATELESS) && !is_timestamp(name) => Err(Unfit::NoDate),
            unit => Ok(Rule::DateYear(unit)),
        },
        _ => Ok(rule.clone()),
    }
}

/// `io.debezium.time.ZonedTimestamp` starts as `io.debezium.time.ZonedTime` does.
fn is_timestamp(name: &str) -> bool {
    name.starts_with("io.debezium.time.") && name.ends_with("timestamp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_null_is_no_part_of_a_types_name() {
        let date_year = Rule::DateYear(None);
        assert_eq!(
            fit(&date_year, "io.debezium.time.Date NOT NULL"),
            Ok(Rule::DateYear(Some(Unit::Days)))
        );
        assert_eq!(fit(&Rule::Redact, "JSONB not null"), Ok(Rule::RedactJsonText));
        assert_eq!(fit(&Rule::Redact, "bytes not null"), Err(Unfit::Encoding));
        assert_eq!(fit(&Rule::Null, "varchar(9) Not Null"), Err(Unfit::NotNull));
        assert_eq!(fit(&Rule::Null, "varchar(9)"), Ok(Rule::Null));
        assert_eq!(
            fit(&Rule::Null, " not null"),
            Err(Unfit::NotNull),
            "of a type that is not told"
        );
    }

    #[test]
    fn a_year_is_cut_from_dates_only() {
        let date_year = Rule::DateYear(None);
        for (name, unit) in [
            ("io.debezium.time.Date", Some(Unit::Days)),
            ("org.apache.kafka.connect.data.Timestamp", Some(Unit::Milliseconds)),
            ("io.debezium.time.Timestamp", Some(Unit::Milliseconds)),
            ("io.debezium.time.MicroTimestamp", Some(Unit::Microseconds)),
            ("io.debezium.time.NanoTimestamp", Some(Unit::Nanoseconds)),
            ("io.debezium.time.ZonedTimestamp", None),
            ("timestamp(6)", None),
            ("date", None),
            ("", None),
        ] {
            assert_eq!(fit(&date_year, name), Ok(Rule::DateYear(unit)), "{name}");
        }
        for name in [
            "int32",
            "INT64 not null",
            "bigint(20)",
            "io.debezium.time.MicroTime",
            "io.debezium.time.Year",
            "double",
        ] {
            assert_eq!(fit(&date_year, name), Err(Unfit::NoDate), "{name}");
        }
    }
}
