//! Removes and renames: everything about a table's shape that the gateway carries out without a call.

use lockgate_plugin::{Column, ColumnGlob, Field, Image, Plan, Table};
use serde::Deserialize;

#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) renames: Vec<(ColumnGlob, String)>,
    pub(crate) removes: Vec<ColumnGlob>,
    pub(crate) removed_key_columns: KeyPolicy,
    pub(crate) keep_only: Vec<ColumnGlob>,
}

/// What becomes of the record's key where a removed column is part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyPolicy {
    /// Without the column different rows may share a key, and compaction keeps one of them.
    #[default]
    Refuse,
    /// The column leaves the images and stays in the key.
    Keep,
    /// The column leaves the key too.
    Remove,
}

impl Layout {
    pub(crate) fn is_empty(&self) -> bool {
        self.renames.is_empty() && self.removes.is_empty() && self.keep_only.is_empty()
    }

    /// Adds a table's removes and renames to its plan.
    pub(crate) fn plan(&self, table: &Table, plan: &mut Plan) -> Result<(), String> {
        let mut names: Vec<(&str, &str)> = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            let name = column.name.as_str();
            let renamed = self.renamed(table, column)?;
            if self.removes(table, column) {
                if let Some(to) = renamed {
                    return Err(format!(
                        "column {name:?} of {:?} is to be removed and renamed to {to:?}: ask for one of both",
                        table.qualified_name()
                    ));
                }
                plan.removes
                    .extend(self.removed_from(table, column)?.map(|image| Field::new(image, name)));
                continue;
            }
            if let Some(to) = renamed {
                for image in images(column) {
                    *plan = std::mem::take(plan).renames(Field::new(image, name), to);
                }
            }
            let leaves_as = renamed.unwrap_or(name);
            if let Some((other, _)) = names.iter().find(|(_, taken)| *taken == leaves_as) {
                return Err(format!(
                    "columns {other:?} and {name:?} of {:?} would both be called {leaves_as:?}: choose another name for one",
                    table.qualified_name()
                ));
            }
            names.push((name, leaves_as));
        }
        Ok(())
    }

    fn renamed(&self, table: &Table, column: &Column) -> Result<Option<&str>, String> {
        let matching = self.renames.iter().filter(|(glob, _)| glob.matches(table, column));
        let closest = matching.clone().max_by_key(|(glob, _)| glob.closeness());
        let Some((glob, to)) = closest else { return Ok(None) };
        let mut rivals = matching.filter(|(other, _)| other.closeness() == glob.closeness());
        match rivals.find(|(_, other)| other != to) {
            None => Ok(Some(to)),
            Some((rival, _)) => Err(format!(
                "column {:?} of {:?} is renamed by both {:?} and {:?}: drop one",
                column.name,
                table.qualified_name(),
                rival.to_string(),
                glob.to_string(),
            )),
        }
    }

    fn removes(&self, table: &Table, column: &Column) -> bool {
        let among = |globs: &[ColumnGlob]| globs.iter().any(|glob| glob.matches(table, column));
        let listed = self.keep_only.iter().any(|glob| glob.matches_table(table));
        // A list of what to keep is about the images: the key stays whole unless a removal names it.
        among(&self.removes) || listed && !column.key && !among(&self.keep_only)
    }

    fn removed_from(
        &self,
        table: &Table,
        column: &Column,
    ) -> Result<impl Iterator<Item = Image>, String> {
        let key = column.key.then_some(Image::Key);
        let key = match self.removed_key_columns {
            KeyPolicy::Refuse if column.key => {
                return Err(format!(
                    "removing column {:?} of {:?}, which is part of the record's key: set \"removed_key_columns\" to \"keep\" \
                     or \"remove\" to say what becomes of the key",
                    column.name,
                    table.qualified_name()
                ));
            }
            KeyPolicy::Refuse | KeyPolicy::Keep => None,
            KeyPolicy::Remove => key,
        };
        Ok([Image::Before, Image::After].into_iter().chain(key))
    }
}

fn images(column: &Column) -> impl Iterator<Item = Image> {
    [Image::Before, Image::After].into_iter().chain(column.key.then_some(Image::Key))
}
