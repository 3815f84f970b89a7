//! Patterns that name tables and columns in settings, for the tables that plugins are asked about.

use std::fmt;

pub use lockgate_names::Closeness;

use crate::table::{Column, Table};

/// Names tables: `customers`, `public.customers`, `shop.public.customers`, `public.*`.
///
/// The parts stand for the last parts of `database.schema.table`, so that `customers` is that table in every schema. In a part
/// `*` stands for any characters, `?` for one; a backslash takes a character as it is (`my\.table`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableGlob(lockgate_names::TableGlob);

/// Names columns, of all tables or of some: `email`, `*_token`, `public.customers.email`, `*.ssn`, `profile#/contact/email`.
///
/// The last part is the column's name, the parts before it name tables as [`TableGlob`] does; what follows a `#` is a JSON
/// pointer into the column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnGlob(lockgate_names::ColumnGlob);

impl TableGlob {
    /// Reads a pattern. The error says what is wrong with it, for the author of the settings.
    pub fn parse(text: &str) -> Result<Self, String> {
        lockgate_names::TableGlob::parse(text).map(Self)
    }

    /// Whether it names `table`.
    pub fn matches(&self, table: &Table) -> bool {
        self.0.matches(&table.segments())
    }
}

impl ColumnGlob {
    /// Reads a pattern. The error says what is wrong with it, for the author of the settings.
    pub fn parse(text: &str) -> Result<Self, String> {
        lockgate_names::ColumnGlob::parse(text).map(Self)
    }

    /// Whether it names `column` of `table`.
    pub fn matches(&self, table: &Table, column: &Column) -> bool {
        self.0.matches(&table.segments(), &column.name)
    }

    /// Whether it may name columns of `table`, known or not.
    pub fn matches_table(&self, table: &Table) -> bool {
        self.0.matches_table(&table.segments())
    }

    /// The JSON pointer into the column; empty for the whole of it.
    pub fn pointer(&self) -> &str {
        self.0.pointer()
    }

    /// The column's name, where the pattern gives it in full.
    pub fn literal_column(&self) -> Option<&str> {
        self.0.literal_column()
    }

    /// How closely it names what it matches; compare two patterns that match the same column.
    pub fn closeness(&self) -> Closeness {
        self.0.closeness()
    }
}

impl fmt::Display for TableGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ColumnGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
