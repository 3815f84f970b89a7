//! Whether each cell of an edit holds what its kind says. Pure; lengths are checked before it comes here.

use serde_json::value::RawValue;

use crate::contract::{Edit, kind};

/// Calls `visit` with row number, kind and bytes of each cell, until it finds something wrong.
pub(super) fn each(
    edit: &Edit,
    mut visit: impl FnMut(u32, u8, &[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let cells = &edit.cells;
    let mut start = 0;
    for ((row, code), end) in edit.rows.iter().zip(&cells.kinds).zip(&cells.ends) {
        let end = *end as usize;
        let cell = cells.data.get(start..end).ok_or_else(|| format!("row {row}: no such bytes"))?;
        visit(*row, *code, cell)?;
        start = end;
    }
    Ok(())
}

/// Checks every cell of an edit of a column or header.
pub(super) fn check(edit: &Edit) -> Result<(), String> {
    // Validating all text at once costs a fraction of validating it cell by cell; then only the cuts are left to look at.
    let data = edit.cells.data.as_slice();
    let text = simdutf8::basic::from_utf8(data).ok();
    let mut start = 0;
    each(edit, |row, code, cell| {
        let end = start + cell.len();
        let whole = match (code, text) {
            (kind::STRING, Some(text)) => {
                text.is_char_boundary(start) && text.is_char_boundary(end)
            }
            (kind::STRING, None) => simdutf8::basic::from_utf8(cell).is_ok(),
            _ => true,
        };
        start = end;
        if !whole {
            return Err(format!("row {row}: the string is not UTF-8"));
        }
        check_cell(code, cell).map_err(|problem| format!("row {row}: {problem}"))
    })
}

fn check_cell(code: u8, cell: &[u8]) -> Result<(), String> {
    let problem = match code {
        kind::ABSENT | kind::NULL if !cell.is_empty() => "an absent or null cell has bytes",
        kind::BOOLEAN if !matches!(cell, b"true" | b"false") => {
            "the boolean is neither \"true\" nor \"false\""
        }
        kind::NUMBER if !is_number(cell) => "the number is none in JSON",
        kind::JSON if !is_document(cell) => "the json is no well-formed object or array",
        kind::ABSENT..=kind::BYTES => return Ok(()),
        kind::UNAVAILABLE => "a cell cannot be made unavailable; leave its row out",
        _ => return Err(format!("there is no kind {code}")),
    };
    Err(problem.to_owned())
}

/// Whether `text` is a number in JSON's grammar, of any length.
fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, rest) = digits(text);
    let leading_zero = whole.len() > 1 && whole.starts_with(b"0");
    if whole.is_empty() || leading_zero {
        return false;
    }
    let rest = match rest.strip_prefix(b".") {
        Some(rest) => match digits(rest) {
            ([], _) => return false,
            (_, rest) => rest,
        },
        None => rest,
    };
    let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) else {
        return rest.is_empty();
    };
    let unsigned = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-"));
    let (power, rest) = digits(unsigned.unwrap_or(exponent));
    !power.is_empty() && rest.is_empty()
}

/// The digits `text` begins with, and what follows them.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
    text.split_at(len)
}

/// Whether `text` is one well-formed JSON object or array.
fn is_document(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
        && serde_json::from_slice::<&RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_those_of_json() {
        for number in ["0", "-0", "10", "-1.50", "1e9", "1E+9", "0.0e-0", "18446744073709551615"] {
            assert!(is_number(number.as_bytes()), "{number}");
        }
        for other in [
            "", "-", "+1", "01", "1.", ".5", "1e", "1e+", "NaN", "Infinity", "0x1", " 1", "1 ",
            "1_0", "--1",
        ] {
            assert!(!is_number(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn documents_are_whole_objects_and_arrays() {
        for document in ["{}", "[]", " {\"a\":[1,{}]}\n", "[\"\\ud800\"]"] {
            assert!(is_document(document.as_bytes()), "{document}");
        }
        for other in ["", "1", "\"a\"", "null", "{", "{}x", "[1,]", "{\"a\":01}", "{'a':1}"] {
            assert!(!is_document(other.as_bytes()), "{other}");
        }
        assert!(!is_document(b"[\"\xff\"]"));
    }

    proptest! {
        #[test]
        fn numbers_are_what_serde_json_takes_for_numbers(text in "[-+0-9.eE]{0,8}") {
            let oracle = serde_json::from_str::<&RawValue>(&text).is_ok();
            prop_assert_eq!(is_number(text.as_bytes()), oracle);
        }
    }
}
