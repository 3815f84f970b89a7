//! Durations and sizes as they are typed: always text with a unit, so that no bare number is ever taken for the wrong one.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// `"50ms"`, `"1m 30s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

/// `"64MiB"`, `"1MB"`; in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) usize);

const SPAN: &str = "a duration with its unit, such as \"50ms\" or \"2s\"";
const SIZE: &str = "a size with its unit, such as \"64MiB\" or \"1MB\"";

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text { expected: SPAN, parse: duration }).map(Self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text { expected: SIZE, parse: bytes }).map(Self)
    }
}

struct Text<T> {
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::custom(format_args!("expected {}", self.expected)))
    }
}

fn duration(text: &str) -> Option<Duration> {
    // Humantime takes a bare zero; a unit is asked for all the same.
    let has_unit = text.ends_with(char::is_alphabetic);
    has_unit.then(|| humantime::parse_duration(text).ok()).flatten()
}

fn bytes(text: &str) -> Option<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let factor: usize = match unit.trim_start() {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_know_decimal_and_binary_units() {
        assert_eq!(bytes("64MiB"), Some(64 << 20));
        assert_eq!(bytes("1 MB"), Some(1_000_000));
        assert_eq!(bytes("0B"), Some(0));
    }

    #[test]
    fn sizes_without_a_known_unit_are_none() {
        for text in ["", "64", "64Mib", "MiB", "-1MB", "1.5MB", "99999999999999999GiB"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("1m 30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("0ms"), Some(Duration::ZERO));
        for text in ["", "0", "50", "5 parsecs", "-1s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
