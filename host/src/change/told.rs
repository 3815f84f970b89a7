//! Column types as an object of types by column name tells them (`mysqlType`). It stands beside every row and says the same each
//! time, TiCDC's in another order each time: so it is compared, member by member, and read only where it says something new.

use super::json;
use super::known::Known;
use super::shape::{Columns, NEW};
use super::types;
use crate::table::Tables;

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The whole object that said something new last.
    text: Box<[u8]>,
    /// By column number: its type, as a JSON value.
    by_column: Vec<Box<[u8]>>,
}

impl Told {
    /// Whether `object` says nothing new. Allocates nothing; `types` are those that are known by name.
    fn is_known(&self, object: &[u8], columns: &Columns, types: &types::Types) -> bool {
        if *self.text == *object {
            return true;
        }
        let mut guess = 0;
        json::members(object, 0).all(|(name, value)| {
            let (name, value) = (name.of(object), value.of(object));
            let column = columns.number_near(guess, name);
            guess = column.wrapping_add(1);
            match self.by_column.get(usize::from(column)) {
                Some(told) if !told.is_empty() => **told == *value,
                // A column that no row had yet: TiCDC leaves them out of messages that hold the key alone.
                _ if column == NEW => {
                    let known = types.get(&*json::unescape(name));
                    known.is_some_and(|known| **known == *types::plain_text(value))
                }
                _ => false,
            }
        })
    }

    fn learn(&mut self, column: u16, value: &[u8]) {
        let place = usize::from(column);
        if self.by_column.len() <= place {
            self.by_column.resize(place + 1, Box::default());
        }
        if let Some(told) = self.by_column.get_mut(place) {
            *told = value.into();
        }
    }
}

impl Known {
    /// Notes the column types that an object of types by column name tells, where they are not the ones told before.
    pub(super) fn note_types_by_column(&mut self, object: &[u8], tables: &mut Tables) {
        if self.told.is_known(object, self.columns(), &self.types) {
            return;
        }
        self.told.text = object.into();
        for (name, value) in json::members(object, 0) {
            let (name, value) = (name.of(object), value.of(object));
            let column = self.columns().number(name);
            if column != NEW {
                self.told.learn(column, value);
            }
            let (name, told) = (json::unescape(name), types::plain_text(value));
            if self.types.get(&*name).is_some_and(|known| **known == *told) {
                continue;
            }
            let is_changed = self.types.insert((&*name).into(), (&*told).into()).is_some();
            let table = tables.get(self.index()).filter(|_| is_changed);
            if let Some(column) = table.and_then(|table| table.column(&name)) {
                tables.set_source_type(self.index(), column, &told);
            }
        }
    }
}
