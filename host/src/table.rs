//! The tables a lane has seen, and their columns as a growing union. Pure; what a column holds is not known here.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

/// The most columns one table may grow to. Objects used as maps would otherwise grow it without bound; what is not listed
/// could not be masked by a glob, so the record that crosses the limit is refused.
pub const MAX_COLUMNS: usize = 16_384;

/// How a pipeline's values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// Debezium's change events as JSON, with or without the schema envelope.
    Debezium,
    /// What Debezium's `ExtractNewRecordState` leaves: the row alone.
    DebeziumFlat,
    /// Maxwell's JSON: one row a record.
    Maxwell,
    /// Alibaba Canal's flat messages: many rows a record.
    Canal,
    /// TiCDC's Canal-JSON, with or without its `_tidb` extension.
    Ticdc,
    /// TiCDC's Debezium.
    TicdcDebezium,
    /// TiCDC's Maxwell: several objects a record, one after the other.
    TicdcMaxwell,
    /// Oracle GoldenGate's JSON.
    Ogg,
    /// AWS Database Migration Service's JSON.
    Dms,
    /// Debezium's events as CloudEvents in JSON.
    CloudEvents,
    /// Any JSON object is a row whose after image is the whole value.
    Json,
}

impl Dialect {
    pub const ALL: [Self; 11] = [
        Self::Debezium,
        Self::DebeziumFlat,
        Self::Maxwell,
        Self::Canal,
        Self::Ticdc,
        Self::TicdcDebezium,
        Self::TicdcMaxwell,
        Self::Ogg,
        Self::Dms,
        Self::CloudEvents,
        Self::Json,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debezium => "debezium",
            Self::DebeziumFlat => "debezium-flat",
            Self::Maxwell => "maxwell",
            Self::Canal => "canal",
            Self::Ticdc => "ticdc",
            Self::TicdcDebezium => "ticdc-debezium",
            Self::TicdcMaxwell => "ticdc-maxwell",
            Self::Ogg => "ogg",
            Self::Dms => "dms",
            Self::CloudEvents => "cloudevents",
            Self::Json => "json",
        }
    }

    /// Whether Kafka Connect's JSON converter writes it: an object of `schema` and `payload` is then an envelope.
    pub fn is_of_connect(self) -> bool {
        matches!(
            self,
            Self::Debezium | Self::DebeziumFlat | Self::TicdcDebezium | Self::CloudEvents
        )
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The dialect of each topic of a pipeline.
#[derive(Clone, Debug)]
pub struct Dialects {
    /// Of every topic that no glob names.
    pub default: Dialect,
    /// The first glob that a topic matches counts.
    pub by_topic: Vec<(globset::GlobMatcher, Dialect)>,
}

impl Dialects {
    pub fn of(&self, topic: &str) -> Dialect {
        let named = self.by_topic.iter().find(|(glob, _)| glob.is_match(topic));
        named.map_or(self.default, |(_, dialect)| *dialect)
    }
}

/// `debezium`, or `debezium, legacy.*: maxwell`.
impl fmt::Display for Dialects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.default)?;
        let mut others = self.by_topic.iter();
        others.try_for_each(|(glob, dialect)| write!(f, ", {}: {dialect}", glob.glob()))
    }
}

impl From<Dialect> for Dialects {
    fn from(default: Dialect) -> Self {
        Self { default, by_topic: Vec::new() }
    }
}

/// Position of a table in its lane's [`Tables`]; never changes while the lane lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Index(pub u32);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: Arc<str>,
    /// The type as the source names it; empty where the format says nothing.
    pub source_type: Arc<str>,
    /// Seen in a record's key.
    pub key: bool,
}

/// A table and every column seen in it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// A new number each time the columns change: plugins open the table again under it.
    pub id: u32,
    pub topic: Arc<str>,
    pub dialect: Dialect,
    pub database: Arc<str>,
    pub schema: Arc<str>,
    pub name: Arc<str>,
    /// Only ever appended to, so a column's number stays true.
    pub columns: Vec<Column>,
}

impl Table {
    /// Database, schema and name, leaving out what the format does not say.
    pub fn segments(&self) -> Vec<&str> {
        let parts = [&self.database, &self.schema, &self.name];
        parts.iter().filter(|part| !part.is_empty()).map(|part| &***part).collect()
    }

    /// Whether both are the same table of the source, at whatever time and as whichever lane knows them.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.topic, &self.database, &self.schema, &self.name)
            == (&other.topic, &other.database, &other.schema, &other.name)
    }

    /// Its segments with dots between them.
    pub fn qualified_name(&self) -> String {
        self.segments().join(".")
    }

    /// The spellings that globs over tables are matched against, longest first.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let full = self.qualified_name();
        let mut start = Some(0);
        std::iter::from_fn(move || {
            let name = full.get(start?..)?.to_owned();
            start = name.find('.').and_then(|dot| start.map(|start| start + dot + 1));
            Some(name)
        })
    }

    /// The number of the column called `name`.
    pub fn column(&self, name: &str) -> Option<u16> {
        let at = self.columns.iter().position(|column| &*column.name == name)?;
        u16::try_from(at).ok()
    }

    /// The number of the column whose name is `name` but for upper and lower case.
    pub fn column_ignoring_case(&self, name: &str) -> Option<u16> {
        let same = |column: &Column| column.name.to_lowercase() == name.to_lowercase();
        u16::try_from(self.columns.iter().position(same)?).ok()
    }

    /// The number of the column called `name`, or else so but for upper and lower case, or else so in camel case: tools spell
    /// the columns of a key as the database does or in lower case, whatever they make of those of a row.
    pub fn column_like(&self, name: &str) -> Option<u16> {
        let bare = |name: &str| name.replace('_', "").to_lowercase();
        let is_camel = |name: &str| !name.contains('_') && name.contains(char::is_uppercase);
        let same = |column: &Column| is_camel(&column.name) && bare(&column.name) == bare(name);
        self.column(name)
            .or_else(|| self.column_ignoring_case(name))
            .or_else(|| u16::try_from(self.columns.iter().position(same)?).ok())
    }
}

/// Every table of one lane.
#[derive(Debug, Default)]
pub struct Tables {
    list: Vec<Table>,
    by_name: FxHashMap<OwnedName, Index>,
    next_id: u32,
}

/// What tells one table from another, as a record spells it.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    pub topic: &'a Arc<str>,
    pub database: &'a str,
    pub schema: &'a str,
    pub table: &'a str,
}

/// Topic, database, schema, table.
type OwnedName = (Arc<str>, Arc<str>, Arc<str>, Arc<str>);

impl Tables {
    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn get(&self, index: Index) -> Option<&Table> {
        self.list.get(index.0 as usize)
    }

    /// A number that grows whenever a table or column is new.
    pub fn version(&self) -> u32 {
        self.next_id
    }

    pub fn iter(&self) -> impl Iterator<Item = (Index, &Table)> {
        (0u32..).map(Index).zip(&self.list)
    }

    /// The table of that name, made without columns where it is new.
    pub fn open(&mut self, dialect: Dialect, name: Name<'_>) -> Index {
        let owned: OwnedName =
            (Arc::clone(name.topic), name.database.into(), name.schema.into(), name.table.into());
        if let Some(index) = self.by_name.get(&owned) {
            return *index;
        }
        let index =
            Index(u32::try_from(self.list.len()).expect("fewer than 2^32 tables fit in memory"));
        let (topic, database, schema, table) = owned.clone();
        self.next_id += 1;
        self.list.push(Table {
            id: self.next_id,
            topic,
            dialect,
            database,
            schema,
            name: table,
            columns: Vec::new(),
        });
        self.by_name.insert(owned, index);
        index
    }

    /// Adds a column and gives the table a new id. None where the table is full or unknown.
    pub fn add_column(
        &mut self,
        index: Index,
        name: &str,
        source_type: &str,
        key: bool,
    ) -> Option<u16> {
        let table = self.list.get_mut(index.0 as usize)?;
        if table.columns.len() >= MAX_COLUMNS {
            return None;
        }
        let number = u16::try_from(table.columns.len()).ok()?;
        table.columns.push(Column { name: name.into(), source_type: source_type.into(), key });
        self.next_id += 1;
        table.id = self.next_id;
        Some(number)
    }

    /// Marks a column as part of the key; a new id where it was not.
    pub fn mark_key(&mut self, index: Index, column: u16) {
        let Some(table) = self.list.get_mut(index.0 as usize) else { return };
        let Some(column) = table.columns.get_mut(usize::from(column)) else { return };
        if !column.key {
            column.key = true;
            self.next_id += 1;
            table.id = self.next_id;
        }
    }

    /// Notes what the source calls a column's type; a new id where it says something new.
    pub fn set_source_type(&mut self, index: Index, column: u16, source_type: &str) {
        let Some(table) = self.list.get_mut(index.0 as usize) else { return };
        let Some(column) = table.columns.get_mut(usize::from(column)) else { return };
        if &*column.source_type != source_type {
            column.source_type = source_type.into();
            self.next_id += 1;
            table.id = self.next_id;
        }
    }
}
