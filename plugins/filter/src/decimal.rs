//! Compares decimal numbers by their text, exactly. Pure, and without allocating.

use std::cmp::Ordering;

/// The order of two JSON numbers of any length; none where an exponent exceeds 64 bits.
pub(crate) fn compare(left: &str, right: &str) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (small(left), small(right)) {
        return Some(left.cmp(&right));
    }
    let (left, right) = (Decimal::read(left)?, Decimal::read(right)?);
    let order = match (left.is_zero(), right.is_zero()) {
        (true, true) => Ordering::Equal,
        (true, false) => right.sign().reverse(),
        (false, true) => left.sign(),
        (false, false) if left.negative != right.negative => left.sign(),
        (false, false) if left.negative => right.magnitude(&left),
        (false, false) => left.magnitude(&right),
    };
    Some(order)
}

/// A plain integer of at most 18 digits: by far the most of them.
fn small(text: &str) -> Option<i64> {
    if text.len() > 19 {
        return None;
    }
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 18 || digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// `0.DIGITS` times ten to the `exponent`; the digits start with none but zeros left out.
struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Decimal<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let exponent = exponent.checked_add(i64::try_from(whole.len()).ok()?)?;
        if !whole.is_empty() {
            return Some(Self {
                negative,
                whole: whole.as_bytes(),
                fraction: fraction.as_bytes(),
                exponent,
            });
        }
        let digits = fraction.trim_start_matches('0');
        let zeros = i64::try_from(fraction.len() - digits.len()).ok()?;
        let exponent = exponent.checked_sub(zeros)?;
        Some(Self { negative, whole: &[], fraction: digits.as_bytes(), exponent })
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).copied()
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    /// How a number other than zero stands to zero.
    fn sign(&self) -> Ordering {
        if self.negative { Ordering::Less } else { Ordering::Greater }
    }

    /// Compares without the signs; neither number is zero.
    fn magnitude(&self, other: &Self) -> Ordering {
        self.exponent.cmp(&other.exponent).then_with(|| {
            let (mut left, mut right) = (self.digits(), other.digits());
            loop {
                // A digit that is not there is a zero.
                match (left.next(), right.next()) {
                    (None, None) => return Ordering::Equal,
                    (left, right) => match left.unwrap_or(b'0').cmp(&right.unwrap_or(b'0')) {
                        Ordering::Equal => {}
                        unequal => return unequal,
                    },
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_their_exact_order() {
        let ascending = [
            "-1e400",
            "-9223372036854775809",
            "-9223372036854775808",
            "-2",
            "-1.5",
            "-1e-400",
            "0",
            "1e-400",
            "0.09",
            "0.1",
            "0.10000000000000000000000000000000000001",
            "1",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "18446744073709551615",
            "18446744073709551616",
            "123456789876543212345678987654321.110",
            "123456789876543212345678987654321.111",
            "1e400",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (than, right) in ascending.iter().enumerate() {
                assert_eq!(compare(left, right), Some(at.cmp(&than)), "{left} and {right}");
            }
        }
    }

    #[test]
    fn spellings_of_one_number_are_equal() {
        for group in [
            &["0", "-0", "0.0", "0e5", "-0.00E-3"][..],
            &["100", "1e2", "1.00E+2", "0.1e3", "1000e-1", "100.000"],
            &["0.001", "1e-3", "0.00100", "10.0e-4"],
            &["-12.5", "-1.25e1", "-125e-1"],
        ] {
            for (left, right) in group.iter().flat_map(|l| group.iter().map(move |r| (l, r))) {
                assert_eq!(compare(left, right), Some(Ordering::Equal), "{left} and {right}");
            }
        }
    }

    #[test]
    fn an_exponent_beyond_64_bits_does_not_compare() {
        assert_eq!(compare("1e99999999999999999999", "1"), None);
    }
}
