//! Readings: one server in one mode each, and what its lexical rules are. Knows no text.

use super::SqlFlavour;

/// One way in which a server may read a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    MySql,
    /// With `NO_BACKSLASH_ESCAPES`.
    MySqlPlain,
    /// With `ANSI_QUOTES`: a backslash escapes in `'…'` and not in `"…"`.
    MySqlAnsi,
    PostgreSql,
    /// With `standard_conforming_strings` off. Also what a string continues as after `E'…'` and a line break.
    PostgreSqlEscaping,
    Oracle,
    SqlServer,
}

/// What `"…"` is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubles {
    Names,
    Literals,
}

impl Doubles {
    pub(super) fn of(flavour: SqlFlavour) -> Self {
        match flavour {
            SqlFlavour::MySql | SqlFlavour::Unknown => Self::Literals,
            SqlFlavour::PostgreSql | SqlFlavour::Oracle => Self::Names,
        }
    }
}

impl Reading {
    /// Every reading of `text` that its flavour allows; the modes only differ where there is a backslash.
    pub(super) fn of(flavour: SqlFlavour, text: &str) -> &'static [Self] {
        use Reading::{
            MySql, MySqlAnsi, MySqlPlain, Oracle, PostgreSql, PostgreSqlEscaping, SqlServer,
        };
        match (flavour, text.contains('\\')) {
            (SqlFlavour::MySql, false) => &[MySql],
            (SqlFlavour::MySql, true) => &[MySql, MySqlPlain, MySqlAnsi],
            (SqlFlavour::PostgreSql, false) => &[PostgreSql],
            (SqlFlavour::PostgreSql, true) => &[PostgreSql, PostgreSqlEscaping],
            (SqlFlavour::Oracle, _) => &[Oracle],
            (SqlFlavour::Unknown, false) => &[MySql, PostgreSql, Oracle, SqlServer],
            (SqlFlavour::Unknown, true) => {
                &[MySql, MySqlPlain, MySqlAnsi, PostgreSql, PostgreSqlEscaping, Oracle, SqlServer]
            }
        }
    }

    pub(super) fn is_mysql(self) -> bool {
        matches!(self, Self::MySql | Self::MySqlPlain | Self::MySqlAnsi)
    }

    pub(super) fn is_postgresql(self) -> bool {
        matches!(self, Self::PostgreSql | Self::PostgreSqlEscaping)
    }

    /// Whether a backslash escapes inside such quotes.
    pub(super) fn escapes(self, quote: u8) -> bool {
        match self {
            Self::MySql => true,
            Self::MySqlAnsi | Self::PostgreSqlEscaping => quote == b'\'',
            Self::MySqlPlain | Self::PostgreSql | Self::Oracle | Self::SqlServer => false,
        }
    }

    /// Whether `--` opens a comment when `next` follows; 0 is the end of the text.
    pub(super) fn comments_after_dashes(self, next: u8) -> bool {
        !self.is_mysql() || next == b' ' || next.is_ascii_control()
    }

    pub(super) fn nests_comments(self) -> bool {
        self.is_postgresql() || self == Self::SqlServer
    }

    /// Whether an identifier can go on with this ASCII character.
    pub(super) fn is_in_word(self, byte: u8) -> bool {
        let is_hash = byte == b'#' && matches!(self, Self::Oracle | Self::SqlServer);
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || is_hash
    }

    /// Whether `$` begins a dollar string or a placeholder, and no identifier.
    pub(super) fn has_dollar_strings(self) -> bool {
        self.is_postgresql()
    }
}
