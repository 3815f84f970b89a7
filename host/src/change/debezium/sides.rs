//! Where Debezium's events hold what no image says: statements of SQL, definitions of tables, messages of programs.

use super::super::decode::Turn;
use super::super::shape::index;
use super::super::types::plain_text;
use super::super::{Class, Event, Side, SideKind, Span, SqlFlavour};
use super::{Level, named};

impl Turn<'_> {
    /// Notes those places for the event that was made of `level`, in the order of the text.
    #[inline(never)]
    pub(in crate::change) fn debezium_sides(
        &mut self,
        text: &[u8],
        level: &Level,
        event: Event,
    ) -> Event {
        let row = (event.first_row != event.last_row).then_some(event.first_row);
        let mut note = |span: Span, kind, opens: &[u8]| {
            if span.of(text).first().is_some_and(|first| opens.contains(first)) {
                self.events.sides.push(Side { kind, span, row });
            }
        };
        note(level.source.query, SideKind::Sql(SqlFlavour::MySql), b"\"");
        note(level.source.redo, SideKind::Sql(SqlFlavour::Oracle), b"\"");
        match event.class {
            Class::SchemaChange => {
                let flavour = flavour(text, level);
                for ddl in level.members(text, "ddl") {
                    note(ddl, SideKind::Sql(flavour), b"\"");
                }
                for changes in level.members(text, "tableChanges") {
                    note(changes, SideKind::TableChanges, b"[{");
                }
            }
            Class::Message => {
                let messages = level.members(text, "message");
                for content in messages.flat_map(|object| named(text, object.start, "content")) {
                    note(content, SideKind::Content, b"\"{[tf-0123456789");
                }
            }
            _ => {}
        }
        let sides = self.events.sides.get_mut(event.first_side as usize..).unwrap_or_default();
        sides.sort_unstable_by_key(|side| side.span.start);
        Event { last_side: index(self.events.sides.len()), ..event }
    }
}

/// Whose SQL the event's connector sends.
fn flavour(text: &[u8], level: &Level) -> SqlFlavour {
    let sources = level.members(text, "source");
    let connector = sources.flat_map(|source| named(text, source.start, "connector")).last();
    match &*plain_text(connector.unwrap_or_default().of(text)) {
        "mysql" | "mariadb" => SqlFlavour::MySql,
        "postgresql" => SqlFlavour::PostgreSql,
        "oracle" => SqlFlavour::Oracle,
        _ => SqlFlavour::Unknown,
    }
}
