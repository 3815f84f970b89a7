//! Telephone numbers: country code and last two digits stay, and so does the punctuation. Pure.

use crate::redact;

/// Digits that stay at the end.
const LAST: usize = 2;

/// With fewer digits after the country code the two that stay would tell too much of it.
const SHORTEST: usize = 6;

/// Country codes of one and of two digits (ITU-T E.164); all others have three.
const ONE_DIGIT: [&str; 2] = ["1", "7"];
const TWO_DIGITS: [&str; 44] = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47",
    "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65",
    "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];

/// Covers the digits between the country code, which follows a `+` or `00`, and the last two. What is neither digit nor
/// punctuation is covered too, and what has too few digits for a number is covered whole.
pub(crate) fn cover(text: &str, out: &mut Vec<u8>) {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let international = text.trim_start_matches([' ', '(']);
    let head = if international.starts_with('+') {
        country_len(&digits)
    } else if international.starts_with("00") {
        2 + country_len(digits.get(2..).unwrap_or_default())
    } else {
        0
    };
    if digits.len() < head + SHORTEST {
        return redact::text(text, out);
    }
    let mut seen = 0;
    out.extend(text.chars().map(|c| {
        let digit = u8::try_from(c).unwrap_or(b'*');
        match c {
            '0'..='9' => {
                seen += 1;
                if seen <= head || seen > digits.len() - LAST { digit } else { b'*' }
            }
            ' ' | '(' | ')' | '-' | '.' | '/' | '+' => digit,
            _ => b'*',
        }
    }));
}

fn country_len(digits: &str) -> usize {
    let starts = |codes: &[&str]| codes.iter().any(|code| digits.starts_with(code));
    if starts(&ONE_DIGIT) {
        1
    } else if starts(&TWO_DIGITS) {
        2
    } else {
        3
    }
}
