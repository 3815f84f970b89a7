//! The scanner against serde_json, and rewriting by paths.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

fn paths(texts: &[&str]) -> Vec<Path> {
    texts.iter().map(|text| Path::parse(text).unwrap()).collect()
}

/// `json` with each place replaced by the number of its path, in quotes.
fn numbered(json: &str, texts: &[&str]) -> String {
    let mut out = Vec::new();
    let mut number = |path: usize, _: &str, out: &mut Vec<u8>| {
        push_string(&path.to_string(), out);
        true
    };
    rewrite(json, &paths(texts), &mut out, &mut number).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_wildcard_stands_for_every_element_and_every_member() {
    let json = r#"{ "contacts" : [ {"email":"a"}, {"email" : "b", "x":1.50}, 7, null ], "other":"é\u00e9" }"#;
    assert_eq!(
        numbered(json, &["/contacts/*/email"]),
        r#"{ "contacts" : [ {"email":"0"}, {"email" : "0", "x":1.50}, 7, null ], "other":"é\u00e9" }"#
    );
    assert_eq!(
        numbered(r#"{"c":{"home":{"n":1},"work":{"n":2}}}"#, &["/c/*/n"]),
        r#"{"c":{"home":{"n":"0"},"work":{"n":"0"}}}"#
    );
    assert_eq!(numbered("[[1,2],[3]]", &["/*/*"]), r#"[["0","0"],["0"]]"#);
}

#[test]
fn of_paths_to_one_place_the_first_counts_and_several_places_combine() {
    let mut sorted = paths(&["/*/b", "/a/*", "/a/b"]);
    sorted.sort();
    assert_eq!(sorted, paths(&["/a/b", "/a/*", "/*/b"]), "exact segments come first");
    assert_eq!(
        numbered(r#"{"a":{"b":0,"c":0},"d":{"b":0}}"#, &["/a/b", "/a/*", "/*/b"]),
        r#"{"a":{"b":"0","c":"1"},"d":{"b":"2"}}"#
    );
}

#[test]
fn members_whose_name_stands_twice_are_both_places() {
    assert_eq!(numbered(r#"{"a":1,"b":2,"\u0061":3}"#, &["/a"]), r#"{"a":"0","b":2,"\u0061":"0"}"#);
}

#[test]
fn elements_are_named_by_digits_without_a_leading_zero() {
    for (path, left) in [
        ("/0", r#"["0",2]"#),
        ("/1", r#"[1,"0"]"#),
        ("/01", "[1,2]"),
        ("/2", "[1,2]"),
        ("/-", "[1,2]"),
        ("/+1", "[1,2]"),
    ] {
        assert_eq!(numbered("[1,2]", &[path]), left, "{path}");
    }
    assert_eq!(numbered(r#"{"0":1,"01":2}"#, &["/01"]), r#"{"0":1,"01":"0"}"#);
}

#[test]
fn json_in_strings_is_walked_into_and_other_text_is_left() {
    let json =
        r#"{"a":"{\"b\": [\"x\", \"\\u00e9\"]}","c":"{\"b\"","d":"text","e":"{\"z\":\"\u00e9\"}"}"#;
    assert_eq!(
        numbered(json, &["/*/b/0"]),
        r#"{"a":"{\"b\": [\"0\", \"\\u00e9\"]}","c":"{\"b\"","d":"text","e":"{\"z\":\"\u00e9\"}"}"#
    );
}

#[test]
fn a_string_that_is_no_text_cannot_be_looked_into() {
    let mut out = Vec::new();
    let refused = rewrite(r#"{"a":"{\ud800"}"#, &paths(&["/a/b"]), &mut out, &mut |_, _, _| true);
    assert_eq!(refused, Err(Refused { path: 0 }));
    let refused = rewrite("[1]", &paths(&["/x", "/*"]), &mut out, &mut |_, _, _| false);
    assert_eq!(refused, Err(Refused { path: 1 }));
}

#[test]
fn paths_that_cannot_be_meant_are_refused() {
    let reason = |text: &str| Path::parse(text).unwrap_err();
    assert_eq!(reason("a"), r#"the path "a" does not start with "/""#);
    assert_eq!(reason("/a~2"), r#"the path "/a~2" has a tilde that is not followed by 0 or 1"#);
    assert_eq!(
        reason("/a/e*"),
        r#"the path "/a/e*" has "e*": only a whole segment can be "*", any one member or element; write "\*" for the character itself"#
    );
    assert!(Path::parse("/**").is_err());
    assert!(Path::parse(&"/a".repeat(257)).is_err());
}

#[test]
fn a_path_tells_its_pointer_and_how_it_lies_to_others() {
    let path = |text: &str| Path::parse(text).unwrap();
    assert_eq!(path(r"/a~1b/\*/~0").pointer().unwrap(), "/a~1b/*/~0");
    assert_eq!(path("/a/*").pointer(), None);
    assert_eq!(path(r"/a~1b/\*/*/~0").to_string(), r"/a~1b/\*/*/~0");
    assert!(path("/a/*").nests_with(&path("/*/b/c")) && path("").nests_with(&path("/a")));
    assert!(!path("/a/*").nests_with(&path("/b/c/d")) && !path("/a").nests_with(&path("/*")));
    assert_eq!(path("/*/email").below(["0"]), Some(path("/email")));
    assert_eq!(path("/*/email").below(["0", "email", "x"]), Some(path("")));
    assert_eq!(path("/a/email").below(["b"]), None);
}

#[test]
fn a_value_is_a_cell_and_a_cell_a_value() {
    for (json, expected) in [
        (" null", Cell::Null),
        ("true ", Cell::Boolean(true)),
        ("-1.0E10", Cell::Number("-1.0E10")),
        (r#""a\n\"\\\/\b\f\r\t""#, Cell::String("a\n\"\\/\u{8}\u{c}\r\t")),
        (r#""\ud83d\ude00\u00e9é""#, Cell::String("😀éé")),
        ("[1] ", Cell::Json("[1]")),
        (r#""\ud83d""#, Cell::Unknown(4)),
        (r#""\ud83d\u0041""#, Cell::Unknown(4)),
    ] {
        let mut buffer = String::new();
        assert_eq!(cell(json, &mut buffer), expected, "{json}");
    }
    let mut out = Vec::new();
    assert!(push_cell(Cell::String("a\u{1}\u{1f}\n\"\\é"), &mut out));
    assert_eq!(out, r#""a\u0001\u001f\n\"\\é""#.as_bytes());
    assert!(!push_cell(Cell::Bytes(b"x"), &mut out) && !push_cell(Cell::Unknown(9), &mut out));
}

#[test]
fn what_the_grammar_does_not_know_is_not_well_formed() {
    for text in [
        "",
        " ",
        "[1,]",
        "{\"a\":1,}",
        "[,1]",
        "{,}",
        "[1 2]",
        "{\"a\" 1}",
        "{\"a\":}",
        "{a:1}",
        "{1:1}",
        "[1]]",
        "[1}",
        "{\"a\":1]",
        "[",
        "{",
        "\"",
        "\"\\\"",
        "\"\n\"",
        "\"\u{1f}\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "nul",
        "truefalse",
        "1 2",
        "[1],",
        "\u{feff}1",
        "\u{a0}1",
        "'a'",
        "[1]//",
    ] {
        assert!(!is_well_formed(text), "{text:?}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "the oracle agrees on {text:?}");
    }
}

#[test]
fn nesting_costs_no_stack() {
    const DEPTH: usize = 1_000_000;
    let deep = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
    assert!(is_well_formed(&deep) && !is_well_formed(deep.get(1..).unwrap()));
    assert_eq!(elements(&deep).next().unwrap().value, 1..2 * DEPTH - 1);
}

/// Text that is JSON, nearly JSON, or neither.
fn jsonish() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"\\u00e9\"",
        "\"\\x\"",
        "\"",
        "1",
        "-",
        "01",
        "1.5e3",
        "1.",
        "true",
        "nul",
        "null",
        " ",
        "\n",
        "é",
    ]);
    prop::collection::vec(token, 0..8).prop_map(|tokens| tokens.concat())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(".{0,3}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_well_formed_is_so_for_serde_json_too(text in jsonish()) {
        let oracle = serde_json::from_str::<Box<RawValue>>(&text).is_ok();
        prop_assert_eq!(is_well_formed(&text), oracle, "{}", text);
        prop_assert!(members(&text).count() + elements(&text).count() <= text.len(), "it ends");
    }

}

proptest! {
    #[test]
    fn entries_are_those_of_serde_json(json in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&json).unwrap() } else { json.to_string() };
        prop_assert!(is_well_formed(&text));
        let value = |entry: &Entry| serde_json::from_str::<Value>(text.get(entry.value.clone()).unwrap()).unwrap();
        match &json {
            Value::Array(wanted) => prop_assert_eq!(&elements(&text).map(|e| value(&e)).collect::<Vec<_>>(), wanted),
            Value::Object(wanted) => {
                let found = members(&text).map(|entry| {
                    let name = unescape(text.get(entry.name.clone().unwrap()).unwrap()).unwrap().into_owned();
                    (name, value(&entry))
                });
                prop_assert_eq!(found.collect::<Vec<_>>(), wanted.clone().into_iter().collect::<Vec<_>>());
            }
            scalar => {
                let mut buffer = String::new();
                let mut out = Vec::new();
                prop_assert!(push_cell(cell(&text, &mut buffer), &mut out));
                prop_assert_eq!(&serde_json::from_slice::<Value>(&out).unwrap(), scalar);
            }
        }
    }

    #[test]
    fn what_is_put_back_as_it_was_changes_no_byte(json in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&json).unwrap() } else { json.to_string() };
        let mut out = Vec::new();
        let mut same = |_: usize, value: &str, out: &mut Vec<u8>| {
            out.extend_from_slice(value.as_bytes());
            true
        };
        prop_assert_eq!(rewrite(&text, &paths(&["/*/*", "/0"]), &mut out, &mut same), Ok(()));
        prop_assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}
