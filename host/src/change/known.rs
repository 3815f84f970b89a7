//! What a decoder knows of one table of a topic: its columns, their types, and how its rows usually look. Must not know how values
//! are laid out around the rows.

use std::collections::HashMap;

use super::shape::{Columns, Memo, NEW};
use super::told::Told;
use super::types::Types;
use super::{Member, json};
use crate::cell;
use crate::outcome::{Code, Refusal};
use crate::table::{Index, MAX_COLUMNS, Tables};

/// A table and what helps to read its rows.
#[derive(Debug)]
pub(super) struct Known {
    index: Index,
    source: Box<[u8]>,
    columns: Columns,
    /// Column types by name, as the source tells them.
    pub(super) types: Types,
    /// Number and length of the schema the types are from.
    typed_by: (u32, u32),
    pub(super) told: Told,
    /// Whether its latest row was one of MongoDB's documents, whose `_id` is called `id` in the key.
    documents: bool,
    /// Columns by names that are only like theirs, found while there were so many columns.
    likenesses: (usize, HashMap<Box<[u8]>, u16>),
}

impl Known {
    pub(super) fn new(index: Index, source: Box<[u8]>) -> Self {
        Self {
            index,
            source,
            columns: Columns::default(),
            types: HashMap::new(),
            typed_by: (Memo::UNKNOWN, 0),
            told: Told::default(),
            documents: false,
            likenesses: (0, HashMap::new()),
        }
    }

    pub(super) fn index(&self) -> Index {
        self.index
    }

    /// The names it was found by, as they stand in the text.
    pub(super) fn source(&self) -> &[u8] {
        &self.source
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Notes whether the row at hand is a document.
    pub(super) fn holds_documents(&mut self, documents: bool) {
        self.documents = documents;
    }

    /// Gives members their columns, all of them if `all`, else those that are new, and learns their order.
    pub(super) fn settle(
        &mut self,
        text: &[u8],
        members: &mut [Member],
        all: bool,
        tables: &mut Tables,
    ) -> Result<(), Refusal> {
        self.number(text, members, all, tables)?;
        self.columns.row.learn(members);
        Ok(())
    }

    /// As [`Self::settle`], for an image that holds only some columns: there is no order to be learnt from it.
    pub(super) fn number(
        &mut self,
        text: &[u8],
        members: &mut [Member],
        all: bool,
        tables: &mut Tables,
    ) -> Result<(), Refusal> {
        for member in members.iter_mut().filter(|member| all || member.column == NEW) {
            member.column = self.column(member.name.of(text), tables)?;
        }
        Ok(())
    }

    pub(super) fn settle_key(
        &mut self,
        text: &[u8],
        members: &mut [Member],
        tables: &mut Tables,
    ) -> Result<(), Refusal> {
        for member in members.iter_mut() {
            if self.documents && member.name.of(text) == b"id" {
                member.column = self.column(b"_id", tables)?;
            } else if member.column == NEW {
                member.column = self.column(member.name.of(text), tables)?;
            }
            tables.mark_key(self.index, member.column);
        }
        self.columns.key.learn(members);
        Ok(())
    }

    /// The table may have grown through another spelling of its name.
    fn catch_up(&mut self, tables: &Tables) {
        let table = tables.get(self.index);
        for column in
            table.and_then(|table| table.columns.get(self.columns.len()..)).unwrap_or_default()
        {
            self.columns.push(&column.name, column.name.as_bytes());
        }
    }

    /// As [`Self::column`], but for a name that may be spelt otherwise than in the rows, and marks the column as part of the key.
    pub(super) fn key_column(&mut self, name: &[u8], tables: &mut Tables) -> Result<u16, Refusal> {
        self.catch_up(tables);
        let mut number = self.columns.number(name);
        if number == NEW {
            number = self.likeness(name, tables);
        }
        if number == NEW {
            number = self.column(name, tables)?;
        }
        tables.mark_key(self.index, number);
        Ok(number)
    }

    /// The column that is most like the escaped `name`; [`NEW`] if none is.
    fn likeness(&mut self, name: &[u8], tables: &Tables) -> u16 {
        let (columns, known) = &mut self.likenesses;
        if *columns != self.columns.len() {
            *columns = self.columns.len();
            known.clear();
        }
        if let Some(number) = known.get(name) {
            return *number;
        }
        let table = tables.get(self.index);
        let number = table.and_then(|table| table.column_like(&json::unescape(name)));
        if let Some(number) = number {
            known.insert(name.into(), number);
        }
        number.unwrap_or(NEW)
    }

    /// The number of the column whose escaped name is `name`; adds it to the table if it is new there.
    pub(super) fn column(&mut self, name: &[u8], tables: &mut Tables) -> Result<u16, Refusal> {
        self.catch_up(tables);
        let number = self.columns.number(name);
        if number != NEW {
            return Ok(number);
        }
        let plain = json::unescape(name);
        let source_type = self.types.get(&*plain).map_or("", |known| known);
        let Some(number) = tables.add_column(self.index, &plain, source_type, false) else {
            let table = tables.get(self.index).map(|table| table.qualified_name());
            return Err(Refusal::new(
                Code::SchemaUnknown,
                format!(
                    "table \"{}\" has more than {MAX_COLUMNS} columns: an object used as a map is better kept in one column",
                    table.unwrap_or_default()
                ),
            ));
        };
        self.columns.push(&plain, name);
        Ok(number)
    }

    /// Adds the column that a dotted name, still escaped, begins with: whoever speaks of that one means what is inside it too.
    pub(super) fn learn_parent(&mut self, name: &[u8], tables: &mut Tables) -> Result<(), Refusal> {
        let plain = json::unescape(name);
        if let Some((parent, _)) = plain.split_once('.') {
            let mut escaped = Vec::with_capacity(parent.len());
            cell::escape(parent.as_bytes(), &mut escaped);
            self.column(&escaped, tables)?;
        }
        Ok(())
    }

    /// Notes the column types that a schema envelope tells, if it is not the one they were told by last.
    pub(super) fn note_types(
        &mut self,
        schema: &[u8],
        number: u32,
        read: fn(&[u8]) -> Types,
        tables: &mut Tables,
    ) {
        let told = (number, u32::try_from(schema.len()).unwrap_or(u32::MAX));
        if self.typed_by == told {
            return;
        }
        self.typed_by = told;
        self.types = read(schema);
        let columns =
            tables.get(self.index).map(|table| table.columns.as_slice()).unwrap_or_default();
        let typed: Vec<(u16, &str)> = (0u16..)
            .zip(columns)
            .filter_map(|(number, column)| Some((number, &**self.types.get(&*column.name)?)))
            .collect();
        for (column, source_type) in typed {
            tables.set_source_type(self.index, column, source_type);
        }
    }
}
