//! What the gateway tells of a table. Plain values.

/// A table and every column seen in it so far. A new column opens the table again under a new id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Tells tables, and one table before and after a new column, apart.
    pub id: u32,
    /// The topic its records come from.
    pub topic: String,
    /// How they are written: `debezium`, `json`.
    pub dialect: String,
    /// Empty where the format does not say.
    pub database: String,
    /// Empty where the source has none (MySQL) or the format does not say.
    pub schema: String,
    /// The table's own name.
    pub name: String,
    /// In the order they were first seen.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The type as the source names it (`varchar(255)`, `io.debezium.data.Json`); empty where the format says nothing.
    pub source_type: String,
    /// Part of the record's key.
    pub key: bool,
}

impl Table {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// `database.schema.table`, leaving out what the format does not say; for messages.
    pub fn qualified_name(&self) -> String {
        self.segments().join(".")
    }

    /// The parts of the qualified name; the topic where the format names no table.
    pub(crate) fn segments(&self) -> Vec<&str> {
        let mut segments = vec![&*self.database, &*self.schema, &*self.name];
        segments.retain(|segment| !segment.is_empty());
        if segments.is_empty() {
            segments.push(&self.topic);
        }
        segments
    }
}
