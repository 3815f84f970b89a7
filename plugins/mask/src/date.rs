//! Dates and timestamps, cut down to their year. Pure; knows no clock.

use lockgate_plugin::{Cell, Kind};

use crate::rule::Untreatable;

/// What a number in a column of dates counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Days,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

/// PostgreSQL's infinities, as Debezium writes them in text and in microseconds: they name no day.
const INFINITE: [&str; 4] =
    ["infinity", "-infinity", "9223372036825200000", "-9223372036832400000"];

impl Unit {
    /// Of a column type in lower case; none where its numbers count no time that can be told.
    pub(crate) fn of(source_type: &str) -> Option<Self> {
        match source_type {
            "io.debezium.time.date" | "org.apache.kafka.connect.data.date" => Some(Self::Days),
            "io.debezium.time.timestamp" | "org.apache.kafka.connect.data.timestamp" => {
                Some(Self::Milliseconds)
            }
            "io.debezium.time.microtimestamp" => Some(Self::Microseconds),
            "io.debezium.time.nanotimestamp" => Some(Self::Nanoseconds),
            _ => None,
        }
    }

    fn per_day(self) -> i64 {
        match self {
            Self::Days => 1,
            Self::Milliseconds => 86_400_000,
            Self::Microseconds => 86_400_000_000,
            Self::Nanoseconds => 86_400_000_000_000,
        }
    }
}

/// The first of January of the year, at the same shape and precision.
pub(crate) fn year(
    cell: Cell<'_>,
    unit: Option<Unit>,
    out: &mut Vec<u8>,
) -> Result<Kind, Untreatable> {
    let (text, kind) = match cell {
        Cell::String(text) => (text, Kind::String),
        Cell::Number(text) => (text, Kind::Number),
        _ => return Err(Untreatable),
    };
    if INFINITE.contains(&text) {
        out.extend_from_slice(text.as_bytes());
    } else if kind == Kind::String {
        year_of_text(text, out).ok_or(Untreatable)?;
    } else {
        let start = number(text, unit.ok_or(Untreatable)?).ok_or(Untreatable)?;
        out.extend_from_slice(start.to_string().as_bytes());
    }
    Ok(kind)
}

fn number(text: &str, unit: Unit) -> Option<i64> {
    let day = text.parse::<i64>().ok()?.div_euclid(unit.per_day());
    start_of_year(year_of_day(day)?).checked_mul(unit.per_day())
}

/// Days of the 400 years after which the calendar repeats.
const ERA: i64 = 146_097;

/// The year that a day since 1970 lies in, in the Gregorian calendar; none further than any date type reaches.
fn year_of_day(day: i64) -> Option<i64> {
    const FURTHEST: i64 = 1 << 40;
    if !(-FURTHEST..FURTHEST).contains(&day) {
        return None;
    }
    // Never off by more than a year: both sides of the division are exact over an era.
    let guess = 1970 + (day * 400).div_euclid(ERA);
    (guess - 1..=guess + 1).rev().find(|year| start_of_year(*year) <= day)
}

/// The day since 1970 on which a year starts.
fn start_of_year(year: i64) -> i64 {
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    // Up to 1970 there were 477 of them.
    (year - 1970) * 365 + leap_days - 477
}

/// Appends `YYYY-01-01` and, where there is one, the time as zeros and the zone as it is. A month that is zero, as in MySQL's
/// `0000-00-00`, stays zero, and so does its day.
fn year_of_text(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (year, rest) = unsigned.split_once('-')?;
    let (month, rest) = rest.split_once('-')?;
    let (day, rest) = rest.split_at_checked(2)?;
    let within = |text: &str, most: u8| {
        digits(text) && text.len() == 2 && text.parse().is_ok_and(|number: u8| number <= most)
    };
    if !digits(year) || year.len() < 4 || !within(month, 12) || !within(day, 31) {
        return None;
    }
    let date = text.get(..text.len() - unsigned.len() + year.len())?;
    let zero = month == "00";
    let (time, zone) = rest.split_at(time_len(rest));
    if !is_zone(zone) {
        return None;
    }
    out.extend_from_slice(date.as_bytes());
    out.extend_from_slice(if zero { b"-00-00" } else { b"-01-01" });
    out.extend(time.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }));
    out.extend_from_slice(zone.as_bytes());
    Some(())
}

/// The length of `T10:11:12.123` at the start of a text; 0 where there is no time.
fn time_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let two =
        |at: usize| bytes.get(at..at + 2).is_some_and(|pair| pair.iter().all(u8::is_ascii_digit));
    if !matches!(bytes.first(), Some(b'T' | b't' | b' ' | b':')) || !two(1) {
        return 0;
    }
    if bytes.get(3) != Some(&b':') || !two(4) {
        return 0;
    }
    if bytes.get(6) != Some(&b':') || !two(7) {
        return 6;
    }
    let fraction = bytes.get(10..).unwrap_or_default();
    match fraction.iter().take_while(|byte| byte.is_ascii_digit()).count() {
        digits if digits > 0 && matches!(bytes.get(9), Some(b'.' | b',')) => 10 + digits,
        _ => 9,
    }
}

/// Nothing, `Z`, ` UTC`, `+02`, `+0200`, `+02:00`, and an era after it.
fn is_zone(text: &str) -> bool {
    let text = text.strip_suffix(" BC").or_else(|| text.strip_suffix(" AD")).unwrap_or(text);
    let text = text.strip_prefix(' ').unwrap_or(text);
    match text.strip_prefix(['+', '-']) {
        Some(offset) => {
            let pairs = offset.replace(':', "");
            pairs.bytes().all(|byte| byte.is_ascii_digit()) && matches!(pairs.len(), 2 | 4 | 6)
        }
        None => matches!(text, "" | "Z" | "z" | "UTC" | "GMT"),
    }
}
