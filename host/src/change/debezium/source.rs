//! The source block of Debezium's events: which table a change is of, and the statement that made it.

use super::super::Span;
use super::super::json::{self, Step};
use super::Scan;

/// What a member of the source block is to us.
#[derive(Clone, Copy, Debug)]
pub(in crate::change) enum SourcePart {
    Database,
    Schema,
    Table,
    /// A table of documents.
    Collection,
    /// The statement that made the change, as MySQL and MariaDB log it.
    Query,
    /// The same, as Oracle's redo log has it.
    Redo,
    Other,
}

impl SourcePart {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "db" => Self::Database,
            // What Cassandra and Vitess have instead.
            "schema" | "keyspace" | "keyspace_name" => Self::Schema,
            "table" | "table_name" => Self::Table,
            "collection" => Self::Collection,
            "query" => Self::Query,
            "redo_sql" => Self::Redo,
            _ => Self::Other,
        }
    }
}

/// The names of a table in the source block, each a JSON value; empty where the block does not say.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::change) struct Source {
    pub(in crate::change) database: Span,
    pub(in crate::change) schema: Span,
    pub(in crate::change) table: Span,
    /// The statement that made the change: a string, or empty.
    pub(in crate::change) query: Span,
    pub(in crate::change) redo: Span,
    /// Whether one of these stands twice.
    pub(in crate::change) twice: bool,
    /// Whether the table is a collection of documents.
    pub(in crate::change) collection: bool,
}

impl Source {
    #[inline]
    pub(in crate::change) fn has_statement(&self) -> bool {
        !(self.query.is_empty() && self.redo.is_empty())
    }

    /// Notes a statement, where there is one.
    fn statement(place: &mut Span, text: &[u8], span: Span) -> bool {
        if json::byte(text, span.start as usize) != b'"' {
            return false;
        }
        let twice = !place.is_empty();
        *place = span;
        twice
    }
}

impl Scan<'_> {
    #[inline(never)]
    pub(super) fn source(&mut self, start: usize, source: &mut Source) -> Step {
        let mut at = json::blanks(self.text, start + 1);
        if json::byte(self.text, at) == b'}' {
            return Ok(at + 1);
        }
        let mut position = 0;
        loop {
            let part;
            (part, at) = self.shape.source.read(self.text, at, position, SourcePart::of)?;
            at = json::blanks(self.text, at);
            let value = at;
            at = json::value(self.text, at)?;
            let span = json::span(value, at);
            match part {
                SourcePart::Database => source.database = span,
                SourcePart::Schema => source.schema = span,
                SourcePart::Table => source.table = span,
                SourcePart::Collection => (source.table, source.collection) = (span, true),
                SourcePart::Query => {
                    source.twice |= Source::statement(&mut source.query, self.text, span);
                }
                SourcePart::Redo => {
                    source.twice |= Source::statement(&mut source.redo, self.text, span);
                }
                SourcePart::Other => {}
            }
            position += 1;
            let more;
            (more, at) = json::after_member(self.text, at)?;
            if !more {
                return Ok(at);
            }
        }
    }
}
