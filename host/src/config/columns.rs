//! Patterns that name columns of tables, and places inside them: `public.customers.email`, `*.ssn`,
//! `customers.profile#/contact/email`. Spelt as in the settings of plugins.

use std::fmt;

use lockgate_names::ColumnGlob;

use crate::cell::Pointer;
use crate::table::Table;

/// Columns by table and name, and perhaps a place in their JSON.
#[derive(Clone, Debug)]
pub struct ColumnPattern {
    glob: ColumnGlob,
    pointer: Pointer,
}

impl ColumnPattern {
    /// `COLUMN` or `TABLE.COLUMN`, perhaps with `#/POINTER`. The table may be named with its schema and database. `*` and `?`
    /// stand for other characters in every part of the name; a backslash takes a character as it is (`customers.e\\.mail`).
    pub fn parse(text: &str) -> Result<Self, String> {
        let glob = ColumnGlob::parse(text)?;
        let pointer = Pointer::parse(glob.pointer()).map_err(|error| error.to_string())?;
        Ok(Self { glob, pointer })
    }

    pub fn matches_table(&self, table: &Table) -> bool {
        self.glob.matches_table(&table.segments())
    }

    /// As [`Self::matches_table`], and also where the record does not say which database the table is of, as a tombstone without
    /// its delete, and the rest of the name fits.
    pub fn may_match_table(&self, table: &Table) -> bool {
        self.matches_table(table)
            || table.database.is_empty() && self.glob.matches_tail_of_table(&table.segments())
    }

    /// Whether it names the column, of a table it matches.
    pub fn matches_column(&self, name: &str) -> bool {
        self.glob.matches_column(name)
    }

    /// The column's name, unless it is a glob.
    pub fn column_name(&self) -> Option<&str> {
        self.glob.literal_column()
    }

    /// The table's own name, without those of its schema and database; none for every table, and for globs.
    pub fn table_name(&self) -> Option<&str> {
        self.glob.literal_table()
    }

    /// Whether it is about every table there is.
    pub fn is_of_every_table(&self) -> bool {
        self.glob.matches_every_table()
    }

    /// The place inside the column; empty for the whole of it.
    pub fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// The parts of the table's name, and the column's, where all are given in full.
    pub fn exact(&self) -> Option<(Vec<&str>, &str)> {
        self.glob.literal().filter(|(table, _)| !table.is_empty())
    }
}

/// As it was typed.
impl fmt::Display for ColumnPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.glob.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::table::Dialect;

    fn table() -> Table {
        Table {
            id: 1,
            topic: Arc::from("shop.public.customers"),
            dialect: Dialect::Debezium,
            database: "shop".into(),
            schema: "public".into(),
            name: "customers".into(),
            columns: Vec::new(),
        }
    }

    fn names(pattern: &str, column: &str) -> bool {
        let pattern = ColumnPattern::parse(pattern).unwrap();
        pattern.matches_table(&table()) && pattern.matches_column(column)
    }

    #[test]
    fn a_pattern_names_its_table_in_as_many_parts_as_it_likes() {
        for pattern in ["shop.public.customers.email", "public.customers.email", "customers.email"]
        {
            assert!(names(pattern, "email"), "{pattern}");
            assert!(!names(pattern, "phone"), "{pattern}");
        }
        assert!(!names("orders.email", "email"));
        assert!(names("*.email", "email"));
        assert!(names("email", "email"));
        assert!(names(r"customers.e\.mail", "e.mail"));
    }

    #[test]
    fn a_pointer_reaches_into_the_column() {
        let pattern = ColumnPattern::parse("customers.profile#/contact/email").unwrap();
        assert!(pattern.matches_column("profile"));
        assert!(!pattern.pointer().is_empty());
        assert_eq!(pattern.exact(), Some((vec!["customers"], "profile")));
    }

    #[test]
    fn a_table_of_an_unknown_database_may_be_any_that_ends_so() {
        let may = |pattern: &str, table: &Table| {
            ColumnPattern::parse(pattern).unwrap().may_match_table(table)
        };
        let unsaid = Table { database: "".into(), ..table() };
        assert!(may("shop.public.customers.email", &unsaid));
        assert!(may("public.customers.email", &unsaid));
        assert!(!may("public.orders.email", &unsaid));
        assert!(!may("shop.private.customers.email", &unsaid));
        assert!(!may("till.public.customers.email", &table()));
    }

    #[test]
    fn what_names_no_column_is_refused() {
        for (pattern, why) in [
            ("customers.", r#""customers." has an empty part: write "column" or "table.column""#),
            (
                "customers.profile#/a~2",
                r#"pointer "/a~2" has a tilde that is not followed by 0 or 1"#,
            ),
        ] {
            assert_eq!(ColumnPattern::parse(pattern).unwrap_err(), why);
        }
    }
}
