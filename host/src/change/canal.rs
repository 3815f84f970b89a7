//! Canal's flat messages: rows in `data`, each beside what it was in `old`, and the columns' types and keys beside them.

use super::decode::Turn;
use super::envelope::{Part, Sheet};
use super::ticdc::Extension;
use super::{Class, Event, Presence, Row, SideKind, Span, SqlFlavour};
use crate::outcome::{Code, Refusal};

fn meaning(name: &str) -> Part {
    match name {
        "data" => Part::Rows,
        "old" => Part::Was,
        "database" => Part::Database,
        "table" => Part::Table,
        "type" => Part::Type,
        "sql" => Part::Sql,
        "mysqlType" => Part::Types,
        "sqlType" => Part::TypeNumbers,
        "pkNames" => Part::KeyNames,
        "isDdl" => Part::IsDdl,
        "_tidb" => Part::Extra,
        _ => Part::Other,
    }
}

/// Of these a message can only have one.
const SINGLE: [(Part, &str); 6] = [
    (Part::Rows, "data"),
    (Part::Was, "old"),
    (Part::Database, "database"),
    (Part::Table, "table"),
    (Part::Type, "type"),
    (Part::Sql, "sql"),
];

impl Turn<'_> {
    /// A message of Canal's, or of a tool that writes as Canal does.
    pub(super) fn canal(&mut self, text: &[u8]) -> Result<Event, Refusal> {
        let Some(sheet) = self.sheet(text, meaning)? else {
            return Ok(self.without_rows(Class::Unknown));
        };
        self.only_once(&sheet, &SINGLE)?;
        let operation = match sheet.span(Part::Type).of(text) {
            b"\"INSERT\"" => b'c',
            b"\"UPDATE\"" => b'u',
            b"\"DELETE\"" => b'd',
            other => return self.canal_without_rows(text, &sheet, other),
        };
        if self.topic.images().is_empty() {
            return self.canal_without_rows(text, &sheet, b"");
        }
        self.canal_rows(text, &sheet, operation)
    }

    fn canal_rows(&mut self, text: &[u8], sheet: &Sheet, operation: u8) -> Result<Event, Refusal> {
        let table = self.settle(text, sheet)?;
        let (rows, was) = self.topic.take_images();
        if !was.is_empty() && was.len() != rows.len() {
            let reason = "the value has as many elements in \"old\" as in \"data\" or none, and here they differ";
            return Err(Refusal::new(Code::Undecodable, reason));
        }
        let bare = Event::bare(Class::Row, self.events);
        for (number, image) in rows.iter().enumerate() {
            if image.presence != Presence::Present {
                let reason = "the value has an element of \"data\" that is no object";
                return Err(Refusal::new(Code::Undecodable, reason));
            }
            let mut row = Row::new(self.number, table, operation);
            if operation == b'd' {
                row.before = *image;
            } else {
                row.after = *image;
                row.before = was.get(number).copied().unwrap_or_default();
                row.delta = row.before.presence == Presence::Present;
            }
            self.events.rows.push(row);
        }
        self.topic.return_images((rows, was));
        let bare = self.with_key(bare)?;
        let Extension { elsewhere, row_key } = Extension::read(text, sheet.span(Part::Extra));
        self.canal_sides(text, sheet, (Some(bare.first_row), row_key));
        Ok(Event { elsewhere, ..self.complete(bare) })
    }

    fn canal_without_rows(
        &mut self,
        text: &[u8],
        sheet: &Sheet,
        kind: &[u8],
    ) -> Result<Event, Refusal> {
        let is_ddl = sheet.span(Part::IsDdl).of(text) == b"true";
        let class = match kind {
            b"\"TIDB_WATERMARK\"" => Class::Watermark,
            b"\"TRUNCATE\"" => Class::Truncate,
            _ if is_ddl => Class::SchemaChange,
            // A statement that the source logged as text, of which no rows are known.
            b"\"QUERY\"" => Class::Message,
            _ => return self.strange(text),
        };
        let bare = Event::bare(class, self.events);
        let Extension { row_key, .. } = Extension::read(text, sheet.span(Part::Extra));
        self.canal_sides(text, sheet, (None, row_key));
        Ok(self.complete(bare))
    }

    /// Notes the places that speak of columns, in the order of the text.
    fn canal_sides(&mut self, text: &[u8], sheet: &Sheet, (row, row_key): (Option<u32>, Span)) {
        let first = self.events.sides.len();
        let sides = [
            (Part::Types, SideKind::ByColumn, b'{'),
            (Part::TypeNumbers, SideKind::ByColumn, b'{'),
            (Part::KeyNames, SideKind::Names, b'['),
            (Part::Sql, SideKind::Sql(SqlFlavour::MySql), b'"'),
        ];
        for (part, kind, opens) in sides {
            self.side(text, sheet.span(part), kind, (opens, row));
        }
        self.side(text, row_key, SideKind::Content, (b'"', row));
        if let Some(sides) = self.events.sides.get_mut(first..) {
            sides.sort_unstable_by_key(|side| side.span.start);
        }
    }
}
