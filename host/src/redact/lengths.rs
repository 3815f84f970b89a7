//! Lengths of column types, which stay: a column of type VARCHAR(?) is of no use to anyone who applies the statement. Looks
//! back only, and takes nothing for a length that stands anywhere but behind a column's name and type.

use super::is_one_of;
use super::lexer::{Kind, Token};

/// No type is longer in digits; identity numbers are.
const DIGITS: usize = 5;

/// Reads a text's tokens one after the other.
#[derive(Default)]
pub(super) struct Lengths {
    statement: Statement,
    place: Place,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Statement {
    #[default]
    Start,
    /// Behind CREATE or ALTER.
    Verb,
    /// CREATE TABLE or ALTER TABLE.
    Table,
    Other,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Elsewhere,
    /// Where a column's name may stand.
    Column,
    /// Where the name stands that `CHANGE` takes from a column.
    OldName,
    Name,
    Type,
    Open,
    First,
    Second,
}

const MODIFIERS: &[&str] = &[
    "or",
    "replace",
    "temporary",
    "temp",
    "global",
    "local",
    "unlogged",
    "private",
    "online",
    "offline",
    "ignore",
];

const TYPES: &[&str] = &[
    "bigint",
    "binary",
    "bit",
    "blob",
    "bpchar",
    "char",
    "character",
    "datetime",
    "dec",
    "decimal",
    "double",
    "fixed",
    "float",
    "int",
    "integer",
    "mediumint",
    "national",
    "nchar",
    "number",
    "numeric",
    "nvarchar",
    "nvarchar2",
    "precision",
    "raw",
    "real",
    "smallint",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tinyint",
    "varbinary",
    "varbit",
    "varchar",
    "varchar2",
    "varying",
    "vector",
    "year",
];

/// What no column is called without quotes, and what a function of the same name as a type may follow.
const NEVER_COLUMNS: &[&str] = &[
    "all",
    "and",
    "any",
    "as",
    "binary",
    "case",
    "cast",
    "check",
    "constraint",
    "default",
    "distinct",
    "else",
    "exclude",
    "exists",
    "false",
    "foreign",
    "fulltext",
    "if",
    "in",
    "index",
    "interval",
    "is",
    "key",
    "like",
    "not",
    "null",
    "or",
    "partition",
    "primary",
    "some",
    "spatial",
    "then",
    "true",
    "unique",
    "using",
    "when",
    "where",
    "xor",
];

impl Lengths {
    /// Whether this token, which is neither blank nor comment, is a number that stays.
    pub(super) fn keeps(&mut self, token: Token, text: &str) -> bool {
        let word = token.of(text);
        if word == ";" {
            *self = Self::default();
            return false;
        }
        let is_word = token.kind == Kind::Word;
        let is = |list: &[&str]| is_word && is_one_of(word, list);
        self.statement = match self.statement {
            Statement::Start if is(&["create", "alter"]) => Statement::Verb,
            Statement::Verb if is(&["table"]) => Statement::Table,
            Statement::Verb if is(MODIFIERS) => Statement::Verb,
            // From here on it is a query.
            Statement::Table if !is(&["select", "values"]) => Statement::Table,
            _ => Statement::Other,
        };
        if self.statement != Statement::Table {
            return false;
        }
        let (place, kept) = self.place.after(token.kind, word);
        self.place = place;
        kept
    }
}

impl Place {
    /// The place behind a token, and whether the token is a length.
    fn after(self, kind: Kind, word: &str) -> (Self, bool) {
        let is_length = word.len() <= DIGITS && word.bytes().all(|byte| byte.is_ascii_digit());
        let place = match (self, kind, word) {
            (Self::Open, Kind::Number, _) if is_length => return (Self::First, true),
            (Self::Second, Kind::Number, _) if is_length => return (Self::Elsewhere, true),
            (Self::Open, Kind::Mark, "*") => Self::First,
            (Self::First, Kind::Mark, ",") => Self::Second,
            (Self::Type, Kind::Mark, "(") => Self::Open,
            (_, Kind::Mark, "(" | ",") => Self::Column,
            (Self::Column, Kind::Name, _) => Self::Name,
            (Self::OldName, Kind::Name, _) => Self::Column,
            (_, Kind::Word, _) => self.after_word(word),
            _ => Self::Elsewhere,
        };
        (place, false)
    }

    fn after_word(self, word: &str) -> Self {
        let is = |list: &[&str]| is_one_of(word, list);
        match self {
            Self::Column | Self::OldName if is(&["column"]) => self,
            _ if is(&["add", "column", "modify"]) => Self::Column,
            _ if is(&["change"]) => Self::OldName,
            Self::Column if is(NEVER_COLUMNS) => Self::Elsewhere,
            Self::Column => Self::Name,
            Self::OldName => Self::Column,
            Self::Name | Self::Type if is(TYPES) => Self::Type,
            _ if is(&["type"]) => Self::Name,
            // The two standard functions of a default take a precision and nothing else.
            _ if is(&["current_timestamp", "now"]) => Self::Type,
            _ => Self::Elsewhere,
        }
    }
}
