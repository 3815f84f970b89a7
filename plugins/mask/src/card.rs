//! Card numbers: the first six digits (the issuer's) and the last four stay. Pure.

use lockgate_plugin::Kind;

use crate::digest::Digest;
use crate::redact;

const FIRST: usize = 6;
const LAST: usize = 4;

/// Keeps digits of a card number apart from what its digest makes of columns.
const PURPOSE: &[u8] = b"card:luhn\0";

/// Covers what lies between with `*`; spaces and hyphens stay. What is no number of 12 to 19 digits is covered whole.
pub(crate) fn cover(text: &str, out: &mut Vec<u8>) {
    match digits(text) {
        Some(digits) => {
            let mut covered = digits.iter().map(|digit| digit + b'0').collect::<Vec<u8>>();
            between(&mut covered).fill(b'*');
            write(text, &covered, out);
        }
        None => redact::text(text, out),
    }
}

/// As [`cover`], but for other digits in place of `*`, which make the number pass the Luhn check. They are drawn by the key where
/// there is one, and otherwise zeros behind a digit that differs from the true one. A number stays a number.
pub(crate) fn luhn(text: &str, kind: Kind, key: Option<&Digest>, out: &mut Vec<u8>) -> Kind {
    let Some(clear) =
        digits(text).filter(|digits| kind == Kind::String || digits.len() == text.len())
    else {
        redact::text(text, out);
        return Kind::String;
    };
    let drawn = key.and_then(|key| drawn(&clear, key));
    let mut digits = drawn.unwrap_or_else(|| zeros(&clear));
    digits.iter_mut().for_each(|digit| *digit += b'0');
    write(text, &digits, out);
    kind
}

/// The values of the digits; none where this is no card number.
fn digits(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'));
    (plain && (12..=19).contains(&digits.len())).then_some(digits)
}

fn between(digits: &mut [u8]) -> &mut [u8] {
    let end = digits.len().saturating_sub(LAST);
    digits.get_mut(FIRST..end).unwrap_or_default()
}

/// Digits by the key, never those that are there; none in the case, next to impossible, that it draws only those.
fn drawn(clear: &[u8], key: &Digest) -> Option<Vec<u8>> {
    (0..=u8::MAX).find_map(|attempt| {
        let mac = key.mac(&[PURPOSE, &[attempt], clear]);
        // Below 250 each digit is as likely as any other.
        let mut fair = mac.iter().filter(|byte| **byte < 250).map(|byte| byte % 10);
        let mut digits = clear.to_vec();
        for digit in between(&mut digits) {
            *digit = fair.next()?;
        }
        adjust(&mut digits);
        (digits != clear).then_some(digits)
    })
}

/// Always other digits than those that are there, at the price of telling whether the first of them is even. To differ only where
/// they would be alike would tell the whole number there.
fn zeros(clear: &[u8]) -> Vec<u8> {
    let mut digits = clear.to_vec();
    let between = between(&mut digits);
    let even = between.first().is_some_and(|first| first % 2 == 0);
    between.fill(0);
    if let Some(first) = between.first_mut() {
        *first = u8::from(even);
    }
    adjust(&mut digits);
    digits
}

/// Sets the last covered digit so that the number passes the Luhn check.
fn adjust(digits: &mut [u8]) {
    for digit in 0..10 {
        if let Some(last) = between(digits).last_mut() {
            *last = digit;
        }
        if passes(digits) {
            return;
        }
    }
}

/// The Luhn check: every second digit from the end counts double, as the sum of its own digits.
pub(crate) fn passes(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit < 5 { digit * 2 } else { digit * 2 - 9 };
    let values = digits.iter().rev().enumerate();
    let sum: u32 = values
        .map(|(at, digit)| u32::from(if at % 2 == 1 { doubled(*digit) } else { *digit }))
        .sum();
    sum.is_multiple_of(10)
}

/// `text` with its digits replaced, one by one.
fn write(text: &str, digits: &[u8], out: &mut Vec<u8>) {
    let mut digits = digits.iter();
    out.extend(text.bytes().map(|byte| match byte {
        b'0'..=b'9' => digits.next().copied().unwrap_or(b'*'),
        _ => byte,
    }));
}
