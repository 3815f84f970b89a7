//! What must hold of SQL text for any text: redacting again changes nothing, what stands outside literals stays, and a literal
//! added behind what was let through goes. Run by the fuzzer, and by `host/tests/corpora/sql.rs`.

use std::borrow::Cow;

use lockgate::redact::{SqlFlavour, WHOLE, mentions, sql};

const FLAVOURS: [SqlFlavour; 4] =
    [SqlFlavour::MySql, SqlFlavour::PostgreSql, SqlFlavour::Oracle, SqlFlavour::Unknown];

pub(crate) fn check(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    for flavour in FLAVOURS {
        let out = sql(text, flavour);
        assert_eq!(sql(&out, flavour), out, "{flavour:?}: again");
        if let Cow::Borrowed(out) = out {
            assert!(out == text || out == WHOLE, "{flavour:?}: borrowed is untouched or whole");
        }
        if !text.contains(['`', '"', '[']) {
            assert!(!out.contains('\''), "{flavour:?}: a quote is left");
        }
        if out != WHOLE {
            assert!(is_what_is_left(text, &out), "{flavour:?}: more than literals has gone");
            // Whatever comes before: eight digits are no length of a type, and no name.
            let out = sql(&format!("{text} , 73310517 , '73310517x' , (-73310517)"), flavour)
                .into_owned();
            let is_planted = !text.contains("73310517");
            assert!(!(is_planted && out.contains("73310517")), "{flavour:?}: a literal is left");
        }
    }
    let word = text.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| !word.is_empty());
    if let Some(word) = word.filter(|_| !text.contains(['\'', '"', '`', '[', '.', '_', '$', '#'])) {
        let is_bare = text.is_ascii() && word.starts_with(|c: char| c.is_ascii_alphabetic());
        assert!(!is_bare || mentions(text, &word.to_uppercase()), "a bare name is mentioned");
    }
}

/// Whether `out` is `text` with pieces replaced: what stands between the replacements comes in the same order.
fn is_what_is_left(text: &str, out: &str) -> bool {
    let mut rest = text;
    out.replace("/* ? */", "?").split('?').filter(|piece| !piece.is_empty()).all(|piece| {
        let found = rest.find(piece).map(|at| at + piece.len());
        rest = found.and_then(|end| rest.get(end..)).unwrap_or_default();
        found.is_some()
    })
}
