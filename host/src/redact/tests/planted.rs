//! For any statement: what was planted as a literal is not in what comes out, and what was no literal is.

use proptest::prelude::*;

use super::super::{SqlFlavour, mentions, sql};
use super::ALL;

/// A literal or a comment in one server's way of writing it, around text of any kind.
#[derive(Clone, Debug)]
struct Planted {
    /// As it stands in the statement.
    written: String,
    /// What must not come out.
    secret: String,
    /// What must stand there instead, where that is certain.
    left: Option<&'static str>,
}

/// Digits of these stand in no template.
fn secret() -> impl Strategy<Value = String> {
    "[A-Z]{2}[0-9]{4}[A-Z]{2}"
}

/// What may stand beside the secret inside quotes: all that could end them, or seem to.
fn around() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        " ", "a", "é", "👩", "--", "-- ", "#", "/*", "*/", "/*!", "$$", "$t$", "`", "\"", "]",
        "q'[", "\n", "'", "\\", "\\'", "[", ",", "(", ")", ";", "E'", "?", "1", ".", "N'", ":x",
    ]);
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn doubled(text: &str, quote: &str) -> String {
    text.replace(quote, &quote.repeat(2))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

fn string(flavour: SqlFlavour) -> impl Strategy<Value = Planted> {
    (secret(), around(), around(), 0..7).prop_map(move |(secret, before, after, form)| {
        let text = format!("{before}{secret}{after}");
        let plain = text.replace('\\', "");
        let untagged = text.replace(['$'], "");
        let written = match (flavour, form) {
            (SqlFlavour::MySql, 0) => format!("'{}'", escaped(&text)),
            (SqlFlavour::MySql, 1) => format!("\"{}\"", doubled(&plain, "\"")),
            (SqlFlavour::MySql, 2) => format!("_utf8mb4'{}'", doubled(&plain, "'")),
            (SqlFlavour::MySql, 3) => format!("'{}'", doubled(&text, "'")),
            (SqlFlavour::PostgreSql, 0) => format!("E'{}'", escaped(&text)),
            (SqlFlavour::PostgreSql, 1) => format!("$x${untagged}$x$"),
            (SqlFlavour::PostgreSql, 2) => format!("$${untagged}$$"),
            (SqlFlavour::PostgreSql, 3) => format!("U&'{}'", doubled(&text, "'")),
            (SqlFlavour::PostgreSql, 4) => format!("E'x''{}'", doubled(&plain, "'")),
            // The second line goes on as the first began.
            (SqlFlavour::PostgreSql, 6) => format!("E'x'\n'{}'", escaped(&text)),
            (SqlFlavour::Oracle, 0) => format!("q'<{}>'", text.replace('>', "")),
            (SqlFlavour::Oracle, 1) => format!("nq'|{text}|'"),
            (SqlFlavour::Oracle, 2) => format!("'{}'", doubled(&text, "'")),
            (_, 5) => format!("N'{}'", doubled(&plain, "'")),
            _ => format!("'{}'", doubled(&plain, "'")),
        };
        // A backslash hangs on the mode; a break inside is another literal.
        let is_certain = !written.contains('\\') && form != 6;
        Planted { written, secret, left: is_certain.then_some("?") }
    })
}

fn number() -> impl Strategy<Value = Planted> {
    let digits = "7[0-9]{7}";
    (digits, 0..7).prop_map(|(secret, form)| {
        let written = match form {
            0 => secret.clone(),
            1 => format!("-{secret}"),
            2 => format!("{secret}.5e-3"),
            3 => format!(".{secret}"),
            4 => format!("0x{secret}"),
            5 => format!("x'{secret}'"),
            _ => format!("+1.{secret}E+2"),
        };
        Planted { written, secret, left: Some("?") }
    })
}

fn comment(flavour: SqlFlavour) -> impl Strategy<Value = Planted> {
    (secret(), around(), 0..4).prop_map(move |(secret, around, form)| {
        let line = format!("{secret}{}", around.replace('\n', ""));
        let block = format!("{secret}{}", around.replace(['*', '/'], ""));
        let written = match (flavour, form) {
            (_, 0) => format!(" null -- {line}\n"),
            (SqlFlavour::MySql, 1) => format!(" null #{line}\n"),
            (SqlFlavour::MySql, 2) => format!("/*!50001 {secret} */ null"),
            (SqlFlavour::PostgreSql, 1) => format!("/* /* {block} */ {secret} */ null"),
            (_, 3) => format!("/*+ {block} */ null"),
            _ => format!("/*{block}*/ null"),
        };
        Planted { written, secret, left: None }
    })
}

fn planted(flavour: SqlFlavour) -> impl Strategy<Value = Planted> {
    prop_oneof![5 => string(flavour), 2 => number(), 1 => comment(flavour)]
}

const TEMPLATES: &[&str] = &[
    "insert into t_one (a, b2, c) values ({}, {}, {})",
    "INSERT INTO s.t_one VALUES ({},{},{}), (null,\n{},x(y))",
    "update t_one set a={}, b2 = {} where c <> {} and d3 is not null",
    "delete from t_one where a in ({}, {}) or b2 between {} and {};",
    "create table t_one (a varchar(20) default {}, b2 decimal(10,2) default {}, c int check (c > {}))",
    "alter table t_one add column c4 char(3) default {}; select {}",
    "set session v5 = {}; update t_one set a = coalesce(a, {})",
    "merge into t_one using (select {} a from dual) on (a = {}) when matched then update set b2 = {}",
];

/// A statement, what was planted in it, and what must come out where that is certain.
fn statement(flavour: SqlFlavour) -> impl Strategy<Value = (String, Vec<Planted>, Option<String>)> {
    let four = prop::collection::vec(planted(flavour), 4);
    (prop::sample::select(TEMPLATES), four).prop_map(|(template, mut planted)| {
        let (mut text, mut expected) = (String::new(), Some(String::new()));
        let parts: Vec<&str> = template.split("{}").collect();
        planted.truncate(parts.len() - 1);
        for (number, part) in parts.iter().enumerate() {
            let one = planted.get(number);
            text += part;
            text += one.map_or("", |one| &one.written);
            let left = one.map_or(Some(""), |one| one.left);
            expected = expected.zip(left).map(|(expected, left)| expected + part + left);
        }
        (text, planted, expected)
    })
}

fn of_any_server() -> impl Strategy<Value = (SqlFlavour, (String, Vec<Planted>, Option<String>))> {
    prop::sample::select(&ALL[..3]).prop_flat_map(|flavour| (Just(flavour), statement(flavour)))
}

/// A text cut and torn as transports do, or none of a database's at all.
fn torn() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        around(),
        Just("E'".to_owned()),
        Just("/*!".to_owned()),
        Just("true ".to_owned()),
        Just("create table a (b char(".to_owned()),
        "[a-z0-9$@#._ +-]{0,4}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn assert_nothing_planted(text: &str, planted: &[Planted], flavour: SqlFlavour) -> String {
    let out = sql(text, flavour);
    for planted in planted {
        assert!(!out.contains(&planted.secret), "{flavour:?}: {text:?} gave {out:?}");
    }
    assert_eq!(sql(&out, flavour), out, "{flavour:?}, again, on {text:?}");
    out.into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_planted_literal_comes_out(
        (flavour, (text, planted, expected)) in of_any_server()
    ) {
        let out = assert_nothing_planted(&text, &planted, flavour);
        if let Some(expected) = expected {
            prop_assert_eq!(out, expected, "{:?} on {:?}", flavour, text);
        }
        assert_nothing_planted(&text, &planted, SqlFlavour::Unknown);
    }

    #[test]
    fn no_planted_literal_comes_out_of_a_text_that_was_cut(
        (flavour, (text, planted, _)) in of_any_server(),
        cut in any::<prop::sample::Index>(),
    ) {
        let text: String = text.chars().take(cut.index(text.len() + 1)).collect();
        assert_nothing_planted(&text, &planted, flavour);
        assert_nothing_planted(&text, &planted, SqlFlavour::Unknown);
    }

    #[test]
    fn what_is_no_literal_stays_byte_for_byte(
        template in prop::sample::select(TEMPLATES),
        literal in "'[a-z ]{0,9}'|[0-9]{1,9}",
        flavour in prop::sample::select(&ALL),
    ) {
        let text = template.replace("{}", &literal);
        prop_assert_eq!(sql(&text, flavour), template.replace("{}", "?"));
    }

    #[test]
    fn any_text_is_read_without_panic_and_gives_the_same_again(
        text in torn(),
        flavour in prop::sample::select(&ALL),
    ) {
        let out = sql(&text, flavour).into_owned();
        prop_assert_eq!(sql(&out, flavour), out.as_str());
        mentions(&text, "a");
        // Without quoted names there is no place for a quote but a literal or a comment.
        if !text.contains(['`', '"', '[']) {
            prop_assert!(!out.contains('\''));
        }
    }
}
