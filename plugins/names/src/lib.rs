//! Patterns that name tables and columns: one spelling for the settings of plugins and the configuration of the gateway. Pure;
//! knows no contract. A table is the parts of its name, `database`, `schema` and `table`, those left out that it does not have.

use std::fmt;

/// Names tables: `customers`, `public.customers`, `shop.public.customers`, `public.*`.
///
/// The parts stand for the last parts of `database.schema.table`, so that `customers` is that table in every schema. In a part
/// `*` stands for any characters, `?` for one; a backslash takes a character as it is (`my\.table`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableGlob {
    text: String,
    parts: Vec<Part>,
}

/// Names columns, of all tables or of some: `email`, `*_token`, `public.customers.email`, `*.ssn`, `profile#/contact/email`.
///
/// The last part is the column's name, the parts before it name tables as [`TableGlob`] does; what follows a `#` is a JSON
/// pointer into the column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnGlob {
    text: String,
    table: Vec<Part>,
    column: Part,
    pointer: String,
}

/// How closely a [`ColumnGlob`] names what it matches: a column named in full is closer than a pattern, then more parts of the
/// table's name, then fewer patterns among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Closeness {
    exact_column: bool,
    table_parts: usize,
    exact_table_parts: usize,
}

impl TableGlob {
    /// Reads a pattern. The error says what is wrong with it, for the author of the settings.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), parts: parts(text, text)? })
    }

    /// Whether it names `table`.
    pub fn matches(&self, table: &[&str]) -> bool {
        matches_tail(&self.parts, table)
    }
}

impl ColumnGlob {
    /// Reads a pattern. The error says what is wrong with it, for the author of the settings.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (names, pointer) = match unescaped(text, '#') {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let pointer = pointer.strip_prefix('#').unwrap_or(pointer);
        if text.len() > names.len() && !pointer.starts_with('/') {
            return Err(format!(
                "the JSON pointer of {text:?} does not start with \"/\": write it as \"column#/member\""
            ));
        }
        let mut table = parts(names, text)?;
        let column = table.pop().ok_or_else(|| empty_part(text))?;
        Ok(Self { text: text.to_owned(), table, column, pointer: pointer.to_owned() })
    }

    /// Whether it names `column` of `table`.
    pub fn matches(&self, table: &[&str], column: &str) -> bool {
        self.matches_column(column) && self.matches_table(table)
    }

    /// Whether it may name columns of `table`, known or not.
    pub fn matches_table(&self, table: &[&str]) -> bool {
        matches_tail(&self.table, table)
    }

    /// As [`Self::matches_table`] for a table of which the first parts of the name are not known.
    pub fn matches_tail_of_table(&self, table: &[&str]) -> bool {
        self.table.iter().rev().zip(table.iter().rev()).all(|(part, name)| part.matches(name))
    }

    /// Whether it names columns of whichever table.
    pub fn matches_every_table(&self) -> bool {
        let any = |part: &Part| matches!(part, Part::Pattern(tokens) if **tokens == [Token::Any]);
        matches!(self.table.as_slice(), [] | [_]) && self.table.iter().all(any)
    }

    /// The table's own name, where the pattern gives it in full.
    pub fn literal_table(&self) -> Option<&str> {
        self.table.last().and_then(Part::literal)
    }

    /// Whether it names `column`, of a table that it names.
    pub fn matches_column(&self, column: &str) -> bool {
        self.column.matches(column)
    }

    /// The parts of the table's name and the column's, where the pattern gives all of them in full; no parts where it names
    /// no table.
    pub fn literal(&self) -> Option<(Vec<&str>, &str)> {
        let table: Option<Vec<&str>> = self.table.iter().map(Part::literal).collect();
        Some((table?, self.column.literal()?))
    }

    /// The JSON pointer into the column; empty for the whole of it.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The column's name, where the pattern gives it in full.
    pub fn literal_column(&self) -> Option<&str> {
        self.column.literal()
    }

    /// How closely it names what it matches; compare two patterns that match the same column.
    pub fn closeness(&self) -> Closeness {
        Closeness {
            exact_column: self.column.literal().is_some(),
            table_parts: self.table.len(),
            exact_table_parts: self.table.iter().filter(|part| part.literal().is_some()).count(),
        }
    }
}

impl fmt::Display for TableGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for ColumnGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Pattern(Vec<Token>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Any,
}

impl Part {
    fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            tokens.push(match char {
                '*' => Token::Any,
                '?' => Token::One,
                '\\' => Token::Char(chars.next().ok_or("a backslash at its end escapes nothing")?),
                // Other globs know them. A rule that silently matches nothing would leave a column in clear.
                '[' | ']' | '{' | '}' => {
                    return Err(format!(
                        "{text:?} has {char:?}, and only * and ? stand for other characters here; write \\{char} \
                         for the character itself"
                    ));
                }
                other => Token::Char(other),
            });
        }
        let literal: Option<String> = tokens
            .iter()
            .map(|token| match token {
                Token::Char(char) => Some(*char),
                Token::One | Token::Any => None,
            })
            .collect();
        Ok(literal.map_or(Self::Pattern(tokens), Self::Literal))
    }

    fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Pattern(_) => None,
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Literal(text) => text == name,
            Self::Pattern(tokens) => matches_tokens(tokens, name),
        }
    }
}

/// Greedy with one point of return: a later `*` never needs what an earlier one gave back.
fn matches_tokens(tokens: &[Token], name: &str) -> bool {
    let (mut tokens, mut name) = (tokens, name.chars());
    let mut retry = None;
    loop {
        if let Some((Token::Any, rest)) = tokens.split_first() {
            tokens = rest;
            retry = Some((rest, name.clone()));
            continue;
        }
        let next = name.next();
        match (tokens.split_first(), next) {
            (None, None) => return true,
            (Some((Token::One, rest)), Some(_)) => tokens = rest,
            (Some((Token::Char(want), rest)), Some(have)) if *want == have => tokens = rest,
            _ => {
                let Some((after, mut from)) = retry.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                tokens = after;
                name = from.clone();
                retry = Some((after, from));
            }
        }
    }
}

fn matches_tail(parts: &[Part], segments: &[&str]) -> bool {
    segments.len() >= parts.len()
        && parts.iter().rev().zip(segments.iter().rev()).all(|(part, name)| part.matches(name))
}

/// The dotted parts of `names`, which is all of `text` or what precedes its pointer.
fn parts(names: &str, text: &str) -> Result<Vec<Part>, String> {
    let mut rest = names;
    let mut parts = Vec::new();
    loop {
        let (part, tail) = match unescaped(rest, '.') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if part.is_empty() {
            return Err(empty_part(text));
        }
        parts.push(Part::parse(part).map_err(|reason| format!("reading {text:?}: {reason}"))?);
        match tail.strip_prefix('.') {
            Some(next) => rest = next,
            None => return Ok(parts),
        }
    }
}

fn empty_part(text: &str) -> String {
    format!("{text:?} has an empty part: write \"column\" or \"table.column\"")
}

fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, char)| {
        let found = char == wanted && !escaped;
        escaped = char == '\\' && !escaped;
        found.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUSTOMERS: [&str; 3] = ["shop", "public", "customers"];

    #[test]
    fn patterns_of_other_globs_are_refused_not_taken_literally() {
        for text in ["toasty.[jt]", "{email,ssn}"] {
            let refusal = ColumnGlob::parse(text).unwrap_err();
            assert!(refusal.contains("only * and ? stand for other characters"), "{refusal}");
        }
        assert!(ColumnGlob::parse(r"odd\[name\]").is_ok());
    }

    fn names(glob: &str, column: &str) -> bool {
        ColumnGlob::parse(glob).unwrap().matches(&CUSTOMERS, column)
    }

    #[test]
    fn a_column_is_named_with_or_without_its_table() {
        for glob in [
            "email",
            "e*",
            "*mail",
            "e??il",
            "*.email",
            "customers.email",
            "public.customers.email",
            "shop.public.customers.email",
            "pub*.cust*.*",
            "*.public.*.email",
        ] {
            assert!(names(glob, "email"), "{glob}");
        }
        for glob in
            ["mail", "e?il", "orders.email", "public.email", "a.shop.public.customers.email"]
        {
            assert!(!names(glob, "email"), "{glob}");
        }
    }

    #[test]
    fn stars_find_the_last_place_that_fits() {
        assert!(names("*a*b", "aab_ab"));
        assert!(names("a*ab*b", "aabab_b"));
        assert!(!names("*a*b", "ba"));
        assert!(names("*", ""));
    }

    #[test]
    fn a_backslash_takes_a_character_as_it_is() {
        assert!(names(r"a\.b", "a.b"));
        assert!(names(r"a\*", "a*"));
        assert!(!names(r"a\*", "ab"));
        assert!(names(r"a\#b", "a#b"));
    }

    #[test]
    fn a_pointer_follows_a_hash() {
        let glob = ColumnGlob::parse("public.customers.profile#/contact/email").unwrap();
        assert_eq!(glob.pointer(), "/contact/email");
        assert_eq!(glob.literal_column(), Some("profile"));
        assert_eq!(glob.literal(), Some((vec!["public", "customers"], "profile")));
        assert_eq!(ColumnGlob::parse("*.ssn").unwrap().literal(), None);
    }

    #[test]
    fn mistakes_are_named() {
        let reason = |text: &str| ColumnGlob::parse(text).unwrap_err();
        assert_eq!(reason("a..b"), r#""a..b" has an empty part: write "column" or "table.column""#);
        assert_eq!(reason(""), r#""" has an empty part: write "column" or "table.column""#);
        assert_eq!(
            reason("a#b"),
            r##"the JSON pointer of "a#b" does not start with "/": write it as "column#/member""##
        );
        assert_eq!(reason("a\\"), r#"reading "a\\": a backslash at its end escapes nothing"#);
    }

    #[test]
    fn a_column_named_in_full_is_closer_than_any_pattern() {
        let closeness = |glob: &str| ColumnGlob::parse(glob).unwrap().closeness();
        let order = ["*", "*.e*", "customers.e*", "email", "*.email", "customers.email"];
        for pair in order.windows(2) {
            assert!(closeness(pair[0]) < closeness(pair[1]), "{pair:?}");
        }
    }
}
