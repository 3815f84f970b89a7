//! Finds number literals that a double could not hold as they are written. The parser rounds them, and a rounded number
//! compares with the wrong rows.

use std::cmp::Ordering;

use crate::decimal;

/// Refuses an expression with such a literal.
pub(crate) fn check(expression: &str) -> Result<(), String> {
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '"' | '\'' => quoted_len(rest, first),
            '0'..='9' | '.' => number_len(rest),
            _ if is_name(first) => rest.find(|char| !is_name(char)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at_checked(len).unwrap_or((rest, ""));
        let fractional = token.contains(['.', 'e', 'E']) && !token.starts_with("0x");
        if token.starts_with(|char: char| char.is_ascii_digit() || char == '.') && fractional {
            exact(token)?;
        }
        rest = after;
    }
    Ok(())
}

fn exact(literal: &str) -> Result<(), String> {
    // A lone dot is a selection.
    let Ok(double) = literal.parse::<f64>() else { return Ok(()) };
    if decimal::compare(literal, &double.to_string()) == Some(Ordering::Equal) {
        return Ok(());
    }
    Err(format!(
        "the number {literal} has more digits than a double holds and would be rounded: compare with fewer digits, or with an \
         integer"
    ))
}

fn is_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Digits, a fraction, an exponent, a suffix.
fn number_len(rest: &str) -> usize {
    let mut before = ' ';
    let end = rest.find(|char: char| {
        let sign_of_exponent = matches!(char, '+' | '-') && matches!(before, 'e' | 'E');
        before = char;
        !(char.is_ascii_alphanumeric() || char == '.' || sign_of_exponent)
    });
    end.unwrap_or(rest.len())
}

/// A string with its quotes, which may be tripled. Raw strings end at the same places, but for a backslash before a quote:
/// there the rest of the expression is taken for more of the string, and the parser's own reading decides.
fn quoted_len(rest: &str, quote: char) -> usize {
    let triple: String = [quote; 3].iter().collect();
    let (open, close) = match rest.starts_with(&triple) {
        true => (3, triple),
        false => (1, quote.to_string()),
    };
    let mut at = open;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with(&close) {
            return at + close.len();
        }
        let mut chars = tail.chars();
        at += match chars.next() {
            Some('\\') => 1 + chars.next().map_or(0, char::len_utf8),
            Some(char) => char.len_utf8(),
            None => 0,
        };
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn numbers_that_a_double_holds_as_written_pass() {
        for expression in [
            "after.x == 0.1",
            "after.x < 1.50 && after.y > -2.5e-3",
            "after.x == 9007199254740993",
            "after.x == 18446744073709551615u",
            "after.tags[0] == 'x'",
            "after.x == 0x1e5",
            "after.x == '0.12345678901234567890123'",
            "after.x == \"a\\\"0.12345678901234567890123\"",
            "after.e1.e2 == 1",
        ] {
            assert_eq!(check(expression), Ok(()), "{expression}");
        }
    }

    #[test]
    fn numbers_that_would_be_rounded_are_refused() {
        for literal in
            ["0.12345678901234567890123", "9007199254740993.0", "1e999", "1.00000000000000000001e3"]
        {
            let refusal =
                check(&format!("after.y == 'x' && after.x < {literal} || false")).unwrap_err();
            assert!(
                refusal.starts_with(&format!("the number {literal} has more digits")),
                "{refusal}"
            );
        }
    }
}
