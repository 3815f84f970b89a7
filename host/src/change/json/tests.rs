//! The grammar against serde_json, on texts made to be nearly right.

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;

/// Whether serde_json calls `text` a document; without its limit on depth.
fn oracle(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    // serde_json checks strings it ignores for their escapes, but not for UTF-8.
    std::str::from_utf8(text).is_ok() && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

fn agrees(text: &[u8]) {
    let found = document(text);
    assert_eq!(found.is_ok(), oracle(text), "{:?}: {found:?}", String::from_utf8_lossy(text));
    if let Ok(span) = found {
        let value = span.of(text);
        assert_eq!(value.trim_ascii(), value, "the span holds no blanks around the value");
        assert!(oracle(value));
    }
}

/// Texts that are nearly JSON, or only just.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "\u{feff}",
    "\u{feff}\u{feff}1",
    "nul",
    "null",
    "nulll",
    "true ",
    "tru",
    "falsE",
    "NaN",
    "Infinity",
    "+1",
    "0",
    "-0",
    "00",
    "-",
    "-01",
    "1.",
    ".5",
    "1.0",
    "1e",
    "1e+",
    "1E-07",
    "1e5.0",
    "0e0",
    "0x1",
    "1_0",
    "12345678",
    "123456789012345678901234567890",
    "1234567a",
    "12345678a",
    "1.2345678901234567e300",
    "-1 ",
    "\"\"",
    "\"",
    "\"\\\"",
    "\"\\u12G4\"",
    "\"\\u123\"",
    "\"\\u1234\"",
    "\"\\ud800\"",
    "\"\\udfff\\ud800\"",
    "\"\\x\"",
    "\"\\",
    "\"\u{1}\"",
    "\"\u{7f}\"",
    "\"\t\"",
    "\"a\nb\"",
    "[",
    "]",
    "[]",
    "[,]",
    "[1,]",
    "[1,,2]",
    "[1 2]",
    "[1]]",
    "[[]",
    "[\u{b}]",
    "{",
    "}",
    "{}",
    "{,}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":1}}",
    "{\"a\":1]",
    "[1}",
    "{1:2}",
    "{\"a\":1,,\"b\":2}",
    "{\"\":{\"\":[{}]}}",
    "{} {}",
    "{}\0",
    "\0",
    "/**/1",
    "1//",
    "[1,\u{a0}2]",
    "{\"a\"\n:\r1\t}",
    "\u{feff} {}\n",
];

#[test]
fn the_verdict_on_hostile_texts_is_serdes() {
    let long = "x".repeat(40);
    for text in HOSTILE {
        agrees(text.as_bytes());
        agrees(format!("{{\"{long}\":[{text}]}}").as_bytes());
        agrees(format!("\"{long}{text}\"").as_bytes());
        for cut in 0..text.len() {
            agrees(&text.as_bytes()[..cut]);
        }
    }
    for bytes in [
        &b"\"\xff\""[..],
        b"\xc3",
        b"\"\xed\xa0\x80\"",
        b"\"\xf4\x90\x80\x80\"",
        b"{\"\x80\":1}",
        b"\"\xc0\xaf\"",
    ] {
        agrees(bytes);
    }
}

#[test]
fn a_special_byte_is_found_in_every_place_of_a_chunk() {
    for length in 0..24 {
        for special in ["\\n", "\\u00e9", "\"", "\u{1}", "\u{1f}", "\\", "é", "\u{7f}"] {
            agrees(
                format!("\"{}{special}{}\"", "a".repeat(length), "b".repeat(24 - length))
                    .as_bytes(),
            );
        }
        agrees(format!("[{}]", "7".repeat(length)).as_bytes());
        agrees(format!("[1{}x]", "7".repeat(length)).as_bytes());
    }
}

#[test]
fn a_million_levels_are_read_without_recursion() {
    const DEPTH: usize = 1_000_000;
    let open = "[{\"a\":".repeat(DEPTH / 2);
    let close = "}]".repeat(DEPTH / 2);
    assert!(document(format!("{open}0{close}").as_bytes()).is_ok());
    let error = document(format!("{open}0{}", close.replacen('}', "", 1)).as_bytes()).unwrap_err();
    assert_eq!(error.expected(), "a comma or a closing brace");
    assert!(document(open.as_bytes()).is_err());
}

#[test]
fn every_level_remembers_what_it_is() {
    for depth in [63, 64, 65, 127, 128, 129, 200] {
        let arrays = "[".repeat(depth);
        let text = format!("{arrays}{{\"a\":1}}{}", "]".repeat(depth));
        agrees(text.as_bytes());
        agrees(text.replace("}]", "}}").as_bytes());
        let objects = "{\"a\":".repeat(depth);
        agrees(format!("{objects}1{}", "}".repeat(depth)).as_bytes());
        agrees(format!("{objects}1]{}", "}".repeat(depth - 1)).as_bytes());
    }
}

#[test]
fn a_number_is_judged_whole() {
    for number in ["0", "-0", "1.5e-7", "18446744073709551616", "-9223372036854775809"] {
        assert!(is_number(number.as_bytes()), "{number}");
    }
    for other in ["", "-", "01", "1.", "+1", " 1", "1 ", "1,", "NaN", "0x1", "1e", "\"1\""] {
        assert!(!is_number(other.as_bytes()), "{other}");
    }
}

#[test]
fn an_object_or_array_is_judged_whole() {
    for text in ["{}", "[]", r#"{"a":[1]}"#, "[ ]"] {
        assert!(is_container(text.as_bytes()), "{text}");
    }
    for other in ["", "1", "\"{}\"", "{} ", " {}", "\u{feff}{}", "{", "{}{}", "[\"\\x\"]"] {
        assert!(!is_container(other.as_bytes()), "{other}");
    }
    assert!(!is_container(b"[\"\xff\"]"));
}

#[test]
fn removals_leave_one_comma_between_what_stays() {
    let entries = |kept: [bool; 4]| {
        let text = "{ a , b , c , d }";
        let mut removals = Removals::default();
        let mut cuts = Vec::new();
        for (number, kept) in kept.into_iter().enumerate() {
            let start = 2 + number * 4;
            cuts.extend(removals.entry(start..start + 1, !kept));
        }
        cuts.extend(removals.end());
        let mut left = text.to_owned();
        for cut in cuts.into_iter().rev() {
            left.replace_range(cut, "");
        }
        left
    };
    assert_eq!(entries([true; 4]), "{ a , b , c , d }");
    assert_eq!(entries([false, true, true, true]), "{ b , c , d }");
    assert_eq!(entries([true, true, true, false]), "{ a , b , c }");
    assert_eq!(entries([true, false, false, true]), "{ a , d }");
    assert_eq!(entries([false, false, true, false]), "{ c }");
    assert_eq!(entries([false; 4]), "{  }");
}

proptest! {
    #[test]
    fn the_verdict_on_random_texts_is_serdes(text in r#"[\[\]{}:,"\\0-9a-fnrtlseu.+\- \n]{0,48}"#) {
        agrees(text.as_bytes());
    }

    #[test]
    fn the_verdict_on_random_strings_is_serdes(text in prop::collection::vec(any::<u8>(), 0..40)) {
        agrees(&[b"\"", &text[..], b"\""].concat());
    }
}
