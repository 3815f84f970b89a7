//! Cuts JSON objects out of text that holds other things too: licence blocks, commas and brackets of an array, broken JSON.
//! Knows no kind of event.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The outermost complete objects of `text`, each with its exact bytes. A brace with which no object begins is passed over,
/// so objects inside a broken one are found.
pub(super) fn objects(text: &[u8]) -> Vec<(&[u8], Map<String, Value>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(brace) = rest.iter().position(|byte| *byte == b'{') else { break };
        let rest = rest.get(brace..).unwrap_or_default();
        at += brace;
        match object(rest) {
            Some((bytes, object)) => {
                at += bytes.len();
                found.push((bytes, object));
            }
            None => at += 1,
        }
    }
    found
}

fn object(text: &[u8]) -> Option<(&[u8], Map<String, Value>)> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
    let raw = values.next()?.ok()?.get();
    Some((raw.as_bytes(), serde_json::from_str(raw).ok()?))
}

#[cfg(test)]
mod tests {
    fn check(text: &str, expected: &[&str]) {
        let found = super::objects(text.as_bytes());
        let found: Vec<&str> =
            found.iter().map(|(bytes, _)| std::str::from_utf8(bytes).unwrap()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn several_on_a_line_and_one_over_several_lines() {
        check(
            "{\"a\":1}{\"b\":2} {\"c\" :\r\n 3.0 }\r\n",
            &["{\"a\":1}", "{\"b\":2}", "{\"c\" :\r\n 3.0 }"],
        );
    }

    #[test]
    fn comments_and_arrays_around_them_are_left_out() {
        check("/* {licence} */\n[{\"a\":{\"b\":{}}},\n {}]", &["{\"a\":{\"b\":{}}}", "{}"]);
    }

    #[test]
    fn inside_what_is_broken_the_whole_ones_are_found() {
        check("{a: {\"b\":1}, {\"c\":\"}\"}", &["{\"b\":1}", "{\"c\":\"}\"}"]);
    }
}
