//! Patterns that name columns of tables, and places inside them: `public.customers.email`, `*.ssn`,
//! `customers.profile#/contact/email`.

use std::fmt;

use globset::{Glob, GlobBuilder, GlobMatcher};

use crate::cell::Pointer;
use crate::table::Table;

/// Columns by table and name, and perhaps a place in their JSON.
#[derive(Clone, Debug)]
pub struct ColumnPattern {
    typed: String,
    /// Over `database.schema.table`, `schema.table` and `table`; none for every table.
    table: Option<GlobMatcher>,
    /// The table part without its first names, longest first: what is left where a format does not say all of them.
    tails: Vec<GlobMatcher>,
    column: GlobMatcher,
    /// The table part as typed.
    table_text: String,
    /// The column part as typed, quotes removed.
    column_text: String,
    pointer: Pointer,
}

impl ColumnPattern {
    /// `TABLE.COLUMN` or `TABLE.COLUMN#/POINTER`. Globs may stand in both parts; a part in double quotes is taken as it is, so
    /// that names may hold dots: `customers."e.mail"`. Without a dot, the column of every table.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, pointer) = split_pointer(text);
        let pointer = Pointer::parse(pointer).map_err(|error| error.to_string())?;
        let (table_text, column_text) = split_column(name)?;
        if column_text.is_empty() {
            return Err("a column's name is missing after the last dot".to_owned());
        }
        let table = match table_text {
            "" | "*" => None,
            table => Some(glob(table)?),
        };
        if table_text.contains('"') {
            return Err("quotes stand around the column's name only".to_owned());
        }
        let dots = table_text.match_indices('.').filter_map(|(dot, _)| table_text.get(dot + 1..));
        // A dot inside braces parts no names, and what follows it is no glob.
        let tails = dots.filter_map(|tail| glob(tail).ok()).collect();
        let (column, column_text) = match quoted(column_text) {
            Some(plain) => (glob(&globset::escape(plain))?, plain),
            None => (glob(column_text)?, column_text),
        };
        Ok(Self {
            typed: text.to_owned(),
            table,
            tails,
            column,
            table_text: table_text.to_owned(),
            column_text: column_text.to_owned(),
            pointer,
        })
    }

    pub fn matches_table(&self, table: &Table) -> bool {
        let globs = self.table.as_ref();
        globs.is_none_or(|glob| table.names().any(|name| glob.is_match(name)))
    }

    /// As [`Self::matches_table`], and also where the record does not say which database the table is of, as a tombstone without
    /// its delete, and the rest of the name fits.
    pub fn may_match_table(&self, table: &Table) -> bool {
        let full = table.qualified_name();
        self.matches_table(table)
            || table.database.is_empty() && self.tails.iter().any(|tail| tail.is_match(&full))
    }

    /// Whether it names the column, of a table it matches.
    pub fn matches_column(&self, name: &str) -> bool {
        self.column.is_match(name)
    }

    /// The place inside the column; empty for the whole of it.
    pub fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// The column's name, unless it is a glob.
    pub fn column_name(&self) -> Option<&str> {
        is_plain(&self.column_text).then_some(&*self.column_text)
    }

    /// The table's own name, without those of its schema and database; none for every table, and for globs.
    pub fn table_name(&self) -> Option<&str> {
        let name = self.table_text.rsplit('.').next().filter(|name| !name.is_empty())?;
        is_plain(name).then_some(name)
    }

    /// Whether it is about every table there is.
    pub fn is_of_every_table(&self) -> bool {
        self.table.is_none()
    }

    /// Table and column as typed, where neither is a glob.
    pub fn exact(&self) -> Option<(&str, &str)> {
        let both = is_plain(&self.table_text) && is_plain(&self.column_text);
        (both && !self.table_text.is_empty()).then_some((&*self.table_text, &*self.column_text))
    }
}

/// As it was typed.
impl fmt::Display for ColumnPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

fn split_pointer(text: &str) -> (&str, &str) {
    // A hash may stand in a quoted name.
    let from = text.rfind('"').unwrap_or(0);
    let hash = text.get(from..).and_then(|rest| rest.find("#/")).map(|at| from + at);
    hash.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))).unwrap_or((text, ""))
}

/// The table part and the column part, which a dot outside quotes parts.
fn split_column(name: &str) -> Result<(&str, &str), String> {
    let mut dot = None;
    let mut is_quoted = false;
    for (at, character) in name.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => dot = Some(at),
            _ => {}
        }
    }
    if is_quoted {
        return Err("a double quote is not closed".to_owned());
    }
    Ok(match dot {
        Some(at) => (name.get(..at).unwrap_or_default(), name.get(at + 1..).unwrap_or_default()),
        None => ("", name),
    })
}

fn is_plain(text: &str) -> bool {
    !text.contains(['*', '?', '[', ']', '{', '}'])
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

fn glob(text: &str) -> Result<GlobMatcher, String> {
    let built: Result<Glob, _> = GlobBuilder::new(text).literal_separator(false).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
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
    }

    #[test]
    fn a_glob_stands_for_any_table_or_column() {
        assert!(names("*.email", "email"));
        assert!(names("email", "email"));
        assert!(names("customers.*mail", "e_mail"));
        assert!(names("*.customers.email", "email"));
    }

    #[test]
    fn a_quoted_column_may_hold_dots_stars_and_hashes() {
        assert!(names(r#"customers."e.mail""#, "e.mail"));
        assert!(names(r#"customers."*""#, "*"));
        assert!(!names(r#"customers."*""#, "email"));
        assert!(names(r#"customers."a#/b""#, "a#/b"));
    }

    #[test]
    fn a_pointer_reaches_into_the_column() {
        let pattern = ColumnPattern::parse("customers.profile#/contact/email").unwrap();
        assert!(pattern.matches_column("profile"));
        assert!(!pattern.pointer().is_empty());
        assert_eq!(pattern.exact(), Some(("customers", "profile")));
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
            ("\"shop\".customers.email", "quotes stand around the column's name only"),
            ("customers.", "a column's name is missing after the last dot"),
            ("customers.\"email", "a double quote is not closed"),
            (
                "customers.profile#/a~2",
                "pointer \"/a~2\" has a tilde that is not followed by 0 or 1",
            ),
        ] {
            assert_eq!(ColumnPattern::parse(pattern).unwrap_err(), why);
        }
    }
}
