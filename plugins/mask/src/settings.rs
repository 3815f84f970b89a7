//! Reads the settings of `mask`. Must not know tables.

use std::collections::BTreeMap;

use lockgate_plugin::{ColumnGlob, Settings};
use serde::Deserialize;
use serde_json::Value;

use crate::digest::Digest;
use crate::rule::Rule;
use crate::{ColumnRule, Mask};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    columns: BTreeMap<String, RawRule>,
    key: Option<String>,
    key_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawRule {
    Text(String),
    Constant(Constant),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Constant {
    constant: Value,
}

pub(crate) fn read(settings: &Settings) -> Result<Mask, String> {
    let raw: Raw = settings.parse()?;
    let mut columns = Vec::with_capacity(raw.columns.len());
    for (glob, rule) in &raw.columns {
        let at = |reason| format!("reading \"columns\": {reason}");
        let glob = ColumnGlob::parse(glob).map_err(at)?;
        let rule = match rule {
            RawRule::Text(text) => Rule::parse(text),
            RawRule::Constant(Constant { constant }) => Rule::constant(constant),
        };
        let rule =
            rule.map_err(|reason| format!("reading the rule of {:?}: {reason}", glob.to_string()))?;
        columns.push(ColumnRule { glob, rule });
    }
    if columns.is_empty() {
        return Err("\"columns\" names no column: nothing would be masked".into());
    }
    let digest = digest(&columns, raw.key.as_deref(), raw.key_id.as_deref())?;
    Ok(Mask { columns, digest })
}

fn digest(
    columns: &[ColumnRule],
    key: Option<&str>,
    key_id: Option<&str>,
) -> Result<Option<Digest>, String> {
    let asks = columns.iter().find(|column| matches!(column.rule, Rule::Hmac(_)));
    match (asks, key, key_id) {
        (Some(_), Some(key), Some(key_id)) => Digest::new(key, key_id).map(Some),
        (Some(column), ..) => Err(format!(
            "{:?} asks for \"hmac\", which needs both \"key\" and \"key_id\"",
            column.glob.to_string()
        )),
        (None, None, None) => Ok(None),
        (None, ..) => Err("\"key\" or \"key_id\" is set, yet no column asks for \"hmac\"".into()),
    }
}
