//! Reads the settings of `mask`. Must not know tables.

use std::collections::BTreeMap;

use lockgate_plugin::json::Path;
use lockgate_plugin::{ColumnGlob, Settings};
use serde::Deserialize;
use serde_json::Value;

use crate::Mask;
use crate::digest::{Digest, Salt, Secrets};
use crate::reach::ColumnRule;
use crate::rule::Rule;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    columns: BTreeMap<String, RawRule>,
    key: Option<String>,
    keys: Option<BTreeMap<String, String>>,
    key_id: Option<String>,
    salt: Option<String>,
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
    let mut rules = Vec::with_capacity(raw.columns.len());
    for (glob, rule) in &raw.columns {
        let at = |reason| format!("reading \"columns\": {reason}");
        let glob = ColumnGlob::parse(glob).map_err(at)?;
        let path = Path::parse(glob.pointer()).map_err(at)?;
        let rule = match rule {
            RawRule::Text(text) => Rule::parse(text),
            RawRule::Constant(Constant { constant }) => Rule::constant(constant),
        };
        let rule =
            rule.map_err(|reason| format!("reading the rule of {:?}: {reason}", glob.to_string()))?;
        rules.push(ColumnRule { glob, path, rule });
    }
    if rules.is_empty() {
        return Err("\"columns\" names no column: nothing would be masked".into());
    }
    let mut secrets = keys(&rules, &raw)?;
    secrets.salt = salt(&rules, raw.salt)?;
    Ok(Mask { rules, secrets })
}

fn keys(rules: &[ColumnRule], raw: &Raw) -> Result<Secrets, String> {
    let asks = rules.iter().find(|column| matches!(column.rule, Rule::Hmac(_)));
    let has_use = asks.is_some() || rules.iter().any(|column| column.rule == Rule::CardLuhn);
    let keys = match (&raw.key, &raw.keys, &raw.key_id) {
        (Some(_), Some(_), _) => {
            return Err(
                "\"key\" and \"keys\" are both set: put the one key among the others".into()
            );
        }
        (Some(key), None, Some(id)) => vec![Digest::new(key, id)?],
        (None, Some(keys), Some(_)) => {
            keys.iter().map(|(id, key)| Digest::new(key, id)).collect::<Result<_, _>>()?
        }
        _ => Vec::new(),
    };
    let unset = raw.key.is_none() && raw.keys.is_none() && raw.key_id.is_none();
    if unset && asks.is_none() {
        return Ok(Secrets::default());
    }
    if !has_use {
        return Err(
            "\"key\", \"keys\" or \"key_id\" is set, yet no column asks for \"hmac\"".into()
        );
    }
    let Some(id) = raw.key_id.as_ref().filter(|_| !keys.is_empty()) else {
        let asks = asks.map_or_else(
            || "\"card:luhn\" is to use a key".to_owned(),
            |column| format!("{:?} asks for \"hmac\"", column.glob.to_string()),
        );
        return Err(format!("{asks}, which needs both \"key\" (or \"keys\") and \"key_id\""));
    };
    let secrets = Secrets::new(keys, id)?;
    for ColumnRule { glob, rule, .. } in rules {
        if let Rule::Hmac(hmac) = rule
            && let Some(id) = &hmac.key
            && secrets.key(Some(id)).is_none()
        {
            let glob = glob.to_string();
            return Err(format!(
                "{glob:?} asks for the key {id:?}, which is none of the settings' keys"
            ));
        }
    }
    Ok(secrets)
}

fn salt(rules: &[ColumnRule], salt: Option<String>) -> Result<Option<Salt>, String> {
    let asks = rules.iter().find(|column| matches!(column.rule, Rule::Debezium(_)));
    match (asks, salt) {
        (Some(column), None) => Err(format!(
            "{:?} asks for {}, which needs \"salt\"",
            column.glob.to_string(),
            column.rule
        )),
        (None, Some(_)) => {
            Err("\"salt\" is set, yet no column asks for \"debezium-v1\" or \"debezium-v2\"".into())
        }
        (_, salt) => Ok(salt.map(Salt)),
    }
}
