//! SQL text inside change events: the statement as it was, without the values it speaks of. Decision 0008 says why the lexer is
//! our own. Pure. Must not know events, tables or where in a record the text stands.
//!
//! Most of what decides how a text reads is not in the text: which server wrote it, and in which mode. So a text is read in every
//! way that its [`SqlFlavour`] allows, and only what all of them agree on is let through.

mod lexer;
mod lengths;
mod reading;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use lengths::Lengths;
use lexer::{InDoubt, Kind, Lexer, Token};
use reading::{Doubles, Reading};

/// What stands for a whole text that could not be read with certainty.
pub const WHOLE: &str = "[redacted]";

const LITERAL: &str = "?";
const COMMENT: &str = "/* ? */";

/// Which server's lexical rules a text follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlFlavour {
    /// MySQL, MariaDB, TiDB: `"…"` is taken for a value, since `ANSI_QUOTES` cannot be seen.
    MySql,
    PostgreSql,
    Oracle,
    /// None known: only what reads the same in these three and in SQL Server; `"…"` is taken for a value.
    Unknown,
}

/// `text` with every literal replaced by `?` and every comment by `/* ? */`; borrowed where there was none. TRUE and FALSE are
/// literals, NULL is not. Signs go with their numbers; so do unquoted identifiers that begin with a digit. The lengths of column
/// types in CREATE TABLE and ALTER TABLE stay.
///
/// Where in doubt (an unterminated quote, a byte no server reads, a text that reads differently in a mode its server may have
/// been in) it is [`WHOLE`]. Applied twice it gives what it gave once.
pub fn sql(text: &str, flavour: SqlFlavour) -> Cow<'_, str> {
    agreed(text, flavour).unwrap_or(Cow::Borrowed(WHOLE))
}

/// Whether `identifier` occurs in `text` as an identifier: bare or quoted, in any case. Also true where that is in doubt, and
/// where it stands inside a dollar string or a comment, which may hold statements; not inside other strings. A statement can speak of a column without naming
/// it: `INSERT` without a column list does.
pub fn mentions(text: &str, identifier: &str) -> bool {
    let found = |reading: &Reading| names(text, identifier, *reading).unwrap_or(true);
    is_damaged(text) || Reading::of(SqlFlavour::Unknown, text).iter().any(found)
}

fn agreed(text: &str, flavour: SqlFlavour) -> Result<Cow<'_, str>, InDoubt> {
    if is_damaged(text) {
        return Err(InDoubt);
    }
    let doubles = Doubles::of(flavour);
    let mut readings = Reading::of(flavour, text).iter();
    let first = readings.next().ok_or(InDoubt)?;
    let agreed = redacted(text, *first, doubles)?;
    for reading in readings {
        if redacted(text, *reading, doubles)? != agreed {
            return Err(InDoubt);
        }
    }
    Ok(agreed)
}

/// Whether bytes were lost on the way: after a replacement character, a backslash may be the second half of another.
fn is_damaged(text: &str) -> bool {
    text.contains(['\0', char::REPLACEMENT_CHARACTER])
}

/// `text` as one reading would have it.
fn redacted(text: &str, reading: Reading, doubles: Doubles) -> Result<Cow<'_, str>, InDoubt> {
    let mut out = String::new();
    let mut copied = 0;
    let mut context = Context::default();
    for token in Lexer::new(text, reading, doubles) {
        let token = token?;
        let Some((start, replacement)) = context.replacement(text, token)? else { continue };
        if text.get(start..token.end) == Some(replacement) {
            continue;
        }
        out.push_str(text.get(copied..start).ok_or(InDoubt)?);
        out.push_str(replacement);
        copied = token.end;
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(text));
    }
    out.push_str(text.get(copied..).ok_or(InDoubt)?);
    Ok(Cow::Owned(out))
}

/// What came before a token, as far as it says what the token means.
#[derive(Default)]
struct Context {
    lengths: Lengths,
    /// Whether a sign here would stand between two operands.
    after_operand: bool,
    /// Where a sign stands that belongs to the number behind it.
    sign: Option<usize>,
    /// Whether a word here is part of a name: behind `.`, `@` or `:`.
    in_name: bool,
}

impl Context {
    /// What replaces a token, and from where on; none for what stays.
    fn replacement(
        &mut self,
        text: &str,
        token: Token,
    ) -> Result<Option<(usize, &'static str)>, InDoubt> {
        let word = token.of(text);
        match token.kind {
            Kind::Blank => return Ok(None),
            Kind::Comment => return Ok(Some((token.start, COMMENT))),
            // What follows `COPY … FROM STDIN` is data, in no quotes at all.
            Kind::Word if word.eq_ignore_ascii_case("stdin") => return Err(InDoubt),
            _ => {}
        }
        let is_kept = self.lengths.keeps(token, text);
        let sign = self.sign.take().filter(|sign| sign.checked_add(1) == Some(token.start));
        let is_truth = is_one_of(word, &["true", "false"]) && !self.in_name;
        let found = match token.kind {
            Kind::Number if !(is_kept && sign.is_none()) => {
                Some((sign.unwrap_or(token.start), LITERAL))
            }
            Kind::Literal => Some((token.start, LITERAL)),
            Kind::Word if is_truth => Some((token.start, LITERAL)),
            _ => None,
        };
        self.sign = (matches!(word, "+" | "-") && !self.after_operand).then_some(token.start);
        self.in_name = matches!(word, "." | "@" | ":");
        self.after_operand = match token.kind {
            Kind::Word => !is_one_of(word, BEFORE_VALUES),
            Kind::Mark => matches!(word, ")" | "]" | "}" | "?"),
            _ => true,
        };
        Ok(found)
    }
}

/// Words after which a sign belongs to the number behind it.
const BEFORE_VALUES: &[&str] = &[
    "and", "between", "by", "case", "default", "div", "else", "from", "in", "interval", "is",
    "like", "limit", "maxvalue", "minvalue", "mod", "not", "offset", "on", "or", "return",
    "select", "set", "then", "to", "values", "when", "where", "with", "xor",
];

fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter().any(|one| one.eq_ignore_ascii_case(word))
}

fn names(text: &str, identifier: &str, reading: Reading) -> Result<bool, InDoubt> {
    let wanted = identifier.to_lowercase();
    for token in Lexer::new(text, reading, Doubles::Names) {
        let token = token?;
        let part = token.of(text);
        let is_named = match token.kind {
            Kind::Word => is_same(part, &wanted),
            // MySQL lets names begin with a digit.
            Kind::Number => part.split('.').any(|name| is_same(name, &wanted)),
            // Escapes could spell anything.
            Kind::Name if part.starts_with(['u', 'U']) => true,
            Kind::Name => is_same(&unquoted(part), &wanted),
            Kind::Comment => holds(part, &wanted),
            Kind::Literal if part.starts_with('$') => holds(part, &wanted),
            Kind::Literal | Kind::Blank | Kind::Mark | Kind::Placeholder => false,
        };
        if is_named {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_same(word: &str, wanted: &str) -> bool {
    word.eq_ignore_ascii_case(wanted) || (!word.is_ascii() && word.to_lowercase() == wanted)
}

/// The name inside its quotes, where a quote stands twice for one.
fn unquoted(name: &str) -> Cow<'_, str> {
    let mut chars = name.chars();
    let close = chars.next_back().unwrap_or_default();
    chars.next();
    let inside = chars.as_str();
    if !inside.contains(close) {
        return Cow::Borrowed(inside);
    }
    Cow::Owned(inside.replace(&format!("{close}{close}"), &close.to_string()))
}

/// Whether `wanted` stands in `text`, whatever surrounds it.
fn holds(text: &str, wanted: &str) -> bool {
    text.to_lowercase().contains(wanted)
}
