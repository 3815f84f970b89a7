//! Reads the settings of `reshape`. Must not know tables.

use std::collections::BTreeMap;

use lockgate_plugin::{ColumnGlob, Kind, Settings, TableGlob};
use serde::Deserialize;
use serde_json::Value;

use crate::layout::{KeyPolicy, Layout};
use crate::topic::Template;
use crate::{Constant, Reshape};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    tables: Vec<String>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    removed_key_columns: KeyPolicy,
    #[serde(default)]
    keep_only: Vec<String>,
    #[serde(default)]
    add: BTreeMap<String, Value>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    topic: Option<String>,
}

pub(crate) fn read(settings: &Settings) -> Result<Reshape, String> {
    let raw: Raw = settings.parse()?;
    let tables = raw.tables.iter().map(|text| TableGlob::parse(text)).collect::<Result<_, _>>();
    let renames = raw.rename.iter().map(|(from, to)| Ok((exact(from)?, name(to)?)));
    let adds = raw.add.iter().map(|(column, value)| Ok((exact(column)?, constant(value))));
    let headers = raw.headers.iter().map(|(header, column)| {
        let glob = ColumnGlob::parse(column)?;
        needs_exact(&glob)?;
        Ok((name(header)?, glob))
    });
    let at = |part: &'static str| move |reason| format!("reading {part:?}: {reason}");
    let reshape = Reshape {
        tables: tables.map_err(at("tables"))?,
        layout: Layout {
            renames: renames.collect::<Result<_, _>>().map_err(at("rename"))?,
            removes: whole_columns(&raw.remove).map_err(at("remove"))?,
            removed_key_columns: raw.removed_key_columns,
            keep_only: whole_columns(&raw.keep_only).map_err(at("keep_only"))?,
        },
        adds: adds.collect::<Result<_, _>>().map_err(at("add"))?,
        headers: headers.collect::<Result<_, _>>().map_err(at("headers"))?,
        topic: raw.topic.as_deref().map(Template::parse).transpose().map_err(at("topic"))?,
    };
    if reshape.layout.is_empty()
        && reshape.adds.is_empty()
        && reshape.headers.is_empty()
        && reshape.topic.is_none()
    {
        return Err("settings ask for nothing: they take \"rename\", \"remove\", \"keep_only\", \"add\", \"headers\" and \
                    \"topic\""
            .into());
    }
    Ok(reshape)
}

fn whole_columns(list: &[String]) -> Result<Vec<ColumnGlob>, String> {
    list.iter().map(|text| whole_column(text)).collect()
}

fn whole_column(text: &str) -> Result<ColumnGlob, String> {
    let glob = ColumnGlob::parse(text)?;
    if glob.pointer().is_empty() {
        return Ok(glob);
    }
    Err(format!("{text:?} names a place inside a column, and only whole columns can be reshaped"))
}

/// A column with a name of its own, not a pattern.
fn exact(text: &str) -> Result<ColumnGlob, String> {
    let glob = whole_column(text)?;
    needs_exact(&glob)?;
    Ok(glob)
}

fn needs_exact(glob: &ColumnGlob) -> Result<(), String> {
    match glob.literal_column() {
        Some(_) => Ok(()),
        None => Err(format!(
            "{:?} may name several columns where one is needed: give the column's name in full",
            glob.to_string()
        )),
    }
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("a name is empty".into());
    }
    Ok(text.to_owned())
}

fn constant(value: &Value) -> Constant {
    let (kind, text) = match value {
        Value::Null => (Kind::Null, String::new()),
        Value::Bool(value) => (Kind::Boolean, value.to_string()),
        Value::Number(number) => (Kind::Number, number.to_string()),
        Value::String(text) => (Kind::String, text.clone()),
        Value::Array(_) | Value::Object(_) => (Kind::Json, value.to_string()),
    };
    Constant { kind, text }
}
