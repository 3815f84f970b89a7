//! Pointers: what they find, and what a splice leaves alone.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).unwrap()
}

fn found(raw: &str, path: &str) -> (u8, String) {
    let mut out = Vec::new();
    let kind = pointer(path).find(raw.as_bytes(), &mut out).unwrap();
    (kind, String::from_utf8(out).unwrap())
}

fn spliced(raw: &str, path: &str, change: Change<'_>) -> Result<String, Error> {
    let mut out = Vec::new();
    pointer(path).splice(raw.as_bytes(), change, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn set(raw: &str, path: &str, to: &str) -> String {
    spliced(raw, path, Change::Set(to.as_bytes())).unwrap()
}

fn remove(raw: &str, path: &str) -> String {
    spliced(raw, path, Change::Remove).unwrap()
}

#[test]
fn a_pointer_is_parsed_as_rfc_6901_says() {
    let raw = r#"{"":0,"a/b":1,"m~n":2,"~1":3,"k":{"":4}," ":5}"#;
    for (path, number) in
        [("/", "0"), ("/a~1b", "1"), ("/m~0n", "2"), ("/~01", "3"), ("/k/", "4"), ("/ ", "5")]
    {
        assert_eq!(found(raw, path), (kind::NUMBER, number.to_owned()), "{path}");
    }
    assert_eq!(found(raw, ""), (kind::JSON, raw.to_owned()));
    assert_eq!(
        Pointer::parse("a").unwrap_err().to_string(),
        "pointer \"a\" does not start with a slash"
    );
    for path in ["/~", "/a~2", "/~~0", "/x/~a"] {
        assert_eq!(Pointer::parse(path), Err(PointerError::LoneTilde(path.to_owned())));
    }
    assert_eq!(Pointer::parse(&"/a".repeat(257)), Err(PointerError::TooDeep));
    assert!(Pointer::parse(&"/a".repeat(256)).is_ok());
}

#[test]
fn a_place_is_found_in_objects_arrays_and_json_in_strings() {
    let raw =
        r#"{"a":[10,{"b":"x\ny"}],"s":"{\"c\":[null,\"\\u00e9\"],\"t\":\"[1]\"}","a\u0062":true}"#;
    let cases = [
        ("/a/0", kind::NUMBER, "10"),
        ("/a/1/b", kind::STRING, "x\ny"),
        ("/a/1", kind::JSON, r#"{"b":"x\ny"}"#),
        ("/ab", kind::BOOLEAN, "true"),
        ("/s/c/0", kind::NULL, ""),
        ("/s/c/1", kind::STRING, "é"),
        ("/s/t/0", kind::NUMBER, "1"),
        ("/a/2", kind::ABSENT, ""),
        ("/a/01", kind::ABSENT, ""),
        ("/a/-", kind::ABSENT, ""),
        ("/a/0/x", kind::ABSENT, ""),
        ("/ab/x", kind::ABSENT, ""),
        ("/a/1/b/x", kind::ABSENT, ""),
        ("/nothing", kind::ABSENT, ""),
    ];
    for (path, kind, text) in cases {
        assert_eq!(found(raw, path), (kind, text.to_owned()), "{path}");
    }
    assert_eq!(found(r#"{"a":1,"a":2}"#, "/a").1, "2");
}

#[test]
fn a_lone_surrogate_matters_only_where_it_is_asked_for() {
    let raw = r#"{"a":"\ud800","b":1}"#;
    assert_eq!(found(raw, "/b").1, "1");
    assert_eq!(pointer("/a").find(raw.as_bytes(), &mut Vec::new()), Err(Error::LoneSurrogate));
}

#[test]
fn a_splice_keeps_spacing_spelling_and_order() {
    let raw = r#"{ "n" : 1.50 , "\u0061" : "\u00e9" , "l" : [ 1 , 2 ] }"#;
    assert_eq!(set(raw, "/n", "null"), r#"{ "n" : null , "\u0061" : "\u00e9" , "l" : [ 1 , 2 ] }"#);
    assert_eq!(set(raw, "/a", "0"), r#"{ "n" : 1.50 , "\u0061" : 0 , "l" : [ 1 , 2 ] }"#);
    assert_eq!(set(raw, "/l/1", "9"), r#"{ "n" : 1.50 , "\u0061" : "\u00e9" , "l" : [ 1 , 9 ] }"#);
    assert_eq!(
        set(raw, "/l/-", "9"),
        r#"{ "n" : 1.50 , "\u0061" : "\u00e9" , "l" : [ 1 , 2,9 ] }"#
    );
    assert_eq!(set(raw, "/l/2", "9"), set(raw, "/l/-", "9"));
    assert_eq!(
        set(raw, "/q\"", "9"),
        r#"{ "n" : 1.50 , "\u0061" : "\u00e9" , "l" : [ 1 , 2 ],"q\"":9 }"#
    );
    assert_eq!(remove(raw, "/n"), r#"{ "\u0061" : "\u00e9" , "l" : [ 1 , 2 ] }"#);
    assert_eq!(remove(raw, "/l"), r#"{ "n" : 1.50 , "\u0061" : "\u00e9" }"#);
    assert_eq!(remove(raw, "/l/0"), r#"{ "n" : 1.50 , "\u0061" : "\u00e9" , "l" : [ 2 ] }"#);
    assert_eq!(remove(raw, "/none"), raw);
    assert_eq!(remove("[1]", "/0"), "[]");
    assert_eq!(set("{ }", "/a", "1"), r#"{"a":1 }"#);
    assert_eq!(set("[]", "/0", "1"), "[1]");
    assert_eq!(set("12", "", "{}"), "{}");
}

#[test]
fn a_splice_in_a_string_keeps_how_the_rest_is_escaped() {
    let raw = r#""{\u0022a\": \"\\u00e9\", \"b\":\"x\/y\",\"c\":1}""#;
    assert_eq!(set(raw, "/b", r#""z\n""#), r#""{\u0022a\": \"\\u00e9\", \"b\":\"z\\n\",\"c\":1}""#);
    assert_eq!(remove(raw, "/a"), r#""{\"b\":\"x\/y\",\"c\":1}""#);
    assert_eq!(
        set(raw, "/d", "[]"),
        r#""{\u0022a\": \"\\u00e9\", \"b\":\"x\/y\",\"c\":1,\"d\":[]}""#
    );
    let wide = r#""{\"\u00e9\":\"\ud83d\ude00é\\\u006e\",\"b\":1}""#;
    assert_eq!(set(wide, "/b", "2"), wide.replace(":1", ":2"));
    assert_eq!(set(wide, "/é", "0"), r#""{\"\u00e9\":0,\"b\":1}""#);
    let twice = r#""  {\"in\":\"{\\\"ssn\\\":\\\"1-2\\\",\\\"k\\\":0}\"} ""#;
    assert_eq!(
        set(twice, "/in/ssn", r#""*""#),
        r#""  {\"in\":\"{\\\"ssn\\\":\\\"*\\\",\\\"k\\\":0}\"} ""#
    );
    assert_eq!(found(&set(twice, "/in/ssn", r#""*""#), "/in/ssn").1, "*");
}

#[test]
fn every_occurrence_is_changed() {
    let raw = r#"{"a":{"b":1,"b":2},"a":{"b":3}}"#;
    assert_eq!(set(raw, "/a/b", "0"), r#"{"a":{"b":0,"b":0},"a":{"b":0}}"#);
    assert_eq!(remove(raw, "/a/b"), r#"{"a":{},"a":{}}"#);
    assert_eq!(remove(raw, "/a"), "{}");
}

#[test]
fn a_change_whose_parent_is_not_there_is_refused() {
    for (raw, path) in [
        ("{}", "/a/b"),
        ("[1]", "/3"),
        ("[1]", "/x"),
        ("1", "/a"),
        (r#""text""#, "/a"),
        ("[]", "/-/a"),
    ] {
        assert_eq!(spliced(raw, path, Change::Set(b"1")), Err(Error::NoPlace), "{raw} {path}");
        assert_eq!(remove(raw, path), raw);
    }
}

/// A value of a few levels whose strings may hold JSON themselves.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "[ -~é]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[ab/~\"é]", inner.clone()), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

/// The same change on a tree.
fn model(value: &mut Value, tokens: &[Box<str>], to: Option<&Value>) -> bool {
    let Some((token, rest)) = tokens.split_first() else { return false };
    if let Value::String(text) = value {
        let Ok(mut inner) = serde_json::from_str::<Value>(text) else { return to.is_none() };
        let done = model(&mut inner, tokens, to);
        *value = Value::from(inner.to_string());
        return done;
    }
    match (value, rest, to) {
        (Value::Object(members), [], Some(to)) => {
            members.insert(token.to_string(), to.clone());
            true
        }
        (Value::Object(members), [], None) => {
            members.shift_remove(&**token);
            true
        }
        (Value::Array(list), [], Some(to)) => {
            let at =
                if &**token == "-" { list.len() } else { position(token).unwrap_or(usize::MAX) };
            if at == list.len() {
                list.push(to.clone());
            } else if let Some(place) = list.get_mut(at) {
                *place = to.clone();
            } else {
                return false;
            }
            true
        }
        (Value::Array(list), [], None) => {
            if let Some(at) = position(token).filter(|at| *at < list.len()) {
                list.remove(at);
            }
            true
        }
        (Value::Object(members), ..) => match members.get_mut(&**token) {
            Some(inner) => model(inner, rest, to),
            None => to.is_none(),
        },
        (Value::Array(list), ..) => match position(token).and_then(|at| list.get_mut(at)) {
            Some(inner) => model(inner, rest, to),
            None => to.is_none(),
        },
        _ => to.is_none(),
    }
}

proptest! {
    #[test]
    fn a_splice_is_the_same_edit_on_a_tree(
        value in value(),
        tokens in prop::collection::vec(prop_oneof!["[ab/~\"é]", "[0-3]", Just("-".to_owned())], 1..4),
        to in prop::option::of(value()),
    ) {
        let path: String = tokens.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect();
        let raw = value.to_string();
        let text = to.as_ref().map(Value::to_string);
        let change = text.as_ref().map_or(Change::Remove, |text| Change::Set(text.as_bytes()));
        let mut expected = value.clone();
        let done = model(&mut expected, &pointer(&path).tokens, to.as_ref());
        match spliced(&raw, &path, change) {
            Ok(after) => {
                prop_assert!(done);
                prop_assert_eq!(after, expected.to_string());
            }
            Err(error) => prop_assert!(!done && error == Error::NoPlace),
        }
    }
}
