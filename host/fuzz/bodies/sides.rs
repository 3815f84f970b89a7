//! What must hold of the lists beside the images: they lose, rename and change what the images do.

use lockgate::change::{NO_COLUMN, Row, Side, SideKind, json};
use lockgate::overlay::Fate;
use lockgate::table::{Dialect, Table};
use serde_json::Value;

use super::{Action, Case, parsed};

impl Case<'_> {
    /// The lists that are kept in step with the images.
    pub(super) fn lists(&self) -> impl Iterator<Item = &Side> {
        self.events.sides.iter().filter(|side| is_list(side))
    }

    /// Compares each list with that of `left`, which is what left of this.
    pub(super) fn sides_follow(&self, left: &Case<'_>, turn: usize) {
        assert_eq!(self.lists().count(), left.lists().count(), "lists, turn {turn}");
        let mut before: Option<&Side> = None;
        for (side, side_left) in self.lists().zip(left.lists()) {
            let named =
                before.filter(|named| named.kind == SideKind::Names && named.row == side.row);
            before = Some(side);
            let Some(row) = side.row.and_then(|row| self.events.rows.get(row as usize)) else {
                continue;
            };
            let table = self.tables.get(row.table).expect("the row's table");
            let Ok(came) = serde_json::from_slice(side.span.of(self.text)) else { continue };
            let expected = match (side.kind, came) {
                (SideKind::ByColumn, Value::Object(came)) => {
                    let kept = came
                        .into_iter()
                        .filter_map(|(name, value)| Some((self.name(table, &name, turn)?, value)));
                    Value::Object(kept.collect())
                }
                (SideKind::Names, Value::Array(came)) => {
                    let kept = came.into_iter().filter_map(|name| match name {
                        Value::String(name) => Some(Value::String(self.name(table, &name, turn)?)),
                        other => Some(other),
                    });
                    Value::Array(kept.collect())
                }
                (SideKind::KeyValues, Value::Array(came)) => {
                    let columns = self.key_columns(table, named, came.len());
                    let pairs = came.into_iter().enumerate();
                    let kept = pairs.filter_map(|(at, value)| {
                        self.key_value(row, columns.get(at).copied().flatten(), value, turn)
                    });
                    Value::Array(kept.collect())
                }
                (_, other) => other,
            };
            assert_eq!(parsed(side_left.span.of(left.text)), expected, "list, turn {turn}");
        }
    }

    fn column(&self, table: &Table, name: &str) -> Option<u16> {
        match self.dialect {
            Dialect::Maxwell => table.column_like(name),
            _ => table.column(name).or_else(|| table.column_ignoring_case(name)),
        }
    }

    /// What a column's name becomes; none where it goes.
    fn name(&self, table: &Table, name: &str, turn: usize) -> Option<String> {
        let Some(column) = self.column(table, name) else { return Some(name.to_owned()) };
        let known = &table.columns[usize::from(column)].name;
        match Action::of(column, turn).fate(known) {
            Fate::Keep => Some(name.to_owned()),
            Fate::Remove => None,
            Fate::Rename(name) => Some(name.to_string()),
        }
    }

    fn key_columns(&self, table: &Table, named: Option<&Side>, count: usize) -> Vec<Option<u16>> {
        if let Some(named) = named {
            let names = json::elements(self.text, named.span.start);
            let names = names.map(|name| match name.of(self.text) {
                [b'"', name @ .., b'"'] => self.column(table, &json::unescape(name)),
                _ => None,
            });
            return names.collect();
        }
        let key = self.events.members_of(&self.events.rows[0].key).iter();
        let columns: Vec<_> = key.map(|member| member.column).collect();
        let columns: Vec<_> =
            columns.into_iter().filter(|column| *column != NO_COLUMN).map(Some).collect();
        if columns.len() == count { columns } else { Vec::new() }
    }

    fn key_value(&self, row: &Row, column: Option<u16>, came: Value, turn: usize) -> Option<Value> {
        let Some(column) = column else { return Some(came) };
        let action = Action::of(column, turn);
        if action == Action::Remove {
            return None;
        }
        let image = if row.operation == b'd' { &row.before } else { &row.after };
        let edited = self.events.members_of(image).iter().any(|member| member.column == column);
        match action.edit() {
            Some((_, "")) if edited => Some(Value::Null),
            Some((_, text)) if edited => Some(parsed(text.as_bytes())),
            _ => Some(came),
        }
    }
}

fn is_list(side: &Side) -> bool {
    matches!(side.kind, SideKind::ByColumn | SideKind::Names | SideKind::KeyValues)
}
