//! The lines of a proof, and how a person reads them. Must not know how they are found.

use std::fmt;

use crate::table::Dialect;

/// One place where a protected cell can occur, and who covers it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `email`, or `profile#/contact/email`.
    pub cell: String,
    /// The pattern that protects it, as it was typed.
    pub pattern: String,
    pub place: Place,
    pub by: Coverage,
}

/// Where a protected cell can occur, in the order in which a proof lists them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Before(Spelling),
    After(Spelling),
    /// Maxwell's list of the values of the primary key.
    KeyValues,
    Key,
    TombstoneKey,
    OldKeyHeader,
    NewKeyHeader,
    Sql,
    SchemaChange,
    /// What this plugin may make of the whole value, which it reads.
    WholeValue(String),
    Emissions,
}

/// What a dialect calls its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spelling {
    Plain,
    /// `old` and `data`.
    Old,
}

impl From<Dialect> for Spelling {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Canal | Dialect::Ticdc | Dialect::Maxwell | Dialect::TicdcMaxwell => Self::Old,
            _ => Self::Plain,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(Spelling::Plain) => f.write_str("before image"),
            Self::Before(Spelling::Old) => f.write_str("before image (old)"),
            Self::After(Spelling::Plain) => f.write_str("after image"),
            Self::After(Spelling::Old) => f.write_str("after image (data)"),
            Self::KeyValues => f.write_str("list of key values"),
            Self::Key => f.write_str("key"),
            Self::TombstoneKey => f.write_str("tombstone key"),
            Self::OldKeyHeader => f.write_str("header __debezium.oldkey"),
            Self::NewKeyHeader => f.write_str("header __debezium.newkey"),
            Self::Sql => f.write_str("SQL text"),
            Self::SchemaChange => f.write_str("schema changes"),
            Self::WholeValue(plugin) => write!(f, "whole value, read by \"{plugin}\""),
            Self::Emissions => f.write_str("emissions"),
        }
    }
}

/// Who covers a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// The plan of this plugin writes the cell, or one that it is in.
    Written(String),
    /// The plan of this plugin removes it.
    Removed(String),
    /// `unlisted = "remove"`.
    RemovedUnlisted,
    /// The gateway blots it out.
    Redacted,
    /// The gateway looks at every output.
    Checked,
    Nobody(Gap),
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(plugin) => write!(f, "plugin \"{plugin}\" writes it"),
            Self::Removed(plugin) => write!(f, "plugin \"{plugin}\" removes it"),
            Self::RemovedUnlisted => f.write_str("the gateway removes it (unlisted)"),
            Self::Redacted => f.write_str("the gateway redacts it"),
            Self::Checked => f.write_str("the gateway checks every output"),
            Self::Nobody(gap) => write!(f, "NOBODY: {gap}"),
        }
    }
}

/// Why nobody covers a place; of several, the greatest is the one that comes closest to it, and is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    Unplanned,
    /// The `tables` of this plugin leave the table out.
    NotAsked(String),
    /// It writes the header, but not for this column.
    OtherColumns(String),
    OtherPlaces(String),
    SomeOperations(String),
    PassesOnFault(String),
    IsBypassed(String),
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unplanned => f.write_str("no plugin writes or removes it"),
            Self::NotAsked(plugin) => write!(
                f,
                "no plugin writes or removes it (the `tables` of plugin \"{plugin}\" leave this table out)"
            ),
            Self::OtherColumns(plugin) => {
                write!(f, "plugin \"{plugin}\" writes the header, but not this column of the key")
            }
            Self::OtherPlaces(plugin) => {
                write!(f, "plugin \"{plugin}\" writes other places inside the column only")
            }
            Self::SomeOperations(plugin) => {
                write!(f, "plugin \"{plugin}\" leaves some operations out of its plan")
            }
            Self::PassesOnFault(plugin) => {
                write!(f, "on_fault = \"pass\" lets records by when plugin \"{plugin}\" fails")
            }
            Self::IsBypassed(plugin) => write!(
                f,
                "on_open = \"bypass\" lets records by while plugin \"{plugin}\" is not called because it failed too often"
            ),
        }
    }
}
