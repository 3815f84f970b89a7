//! What must become of the schema of an envelope when the columns it declares are edited, renamed and removed.

use lockgate::change::{Member, Presence, Row};
use lockgate::contract::kind;
use lockgate::overlay::Fate;
use lockgate::table::Table;
use serde_json::Value;

use super::{Action, Case};

impl Case<'_> {
    pub(super) fn schema(&self, row: &Row, table: &Table, turn: usize, schema: &mut Value) {
        let present = |image: &str| match image {
            "before" => row.before.presence == Presence::Present,
            _ => row.after.presence == Presence::Present,
        };
        let Some(images) = schema.get_mut("fields").and_then(Value::as_array_mut) else { return };
        for image in images {
            let name = image.get("field").and_then(Value::as_str).unwrap_or_default().to_owned();
            if name != "before" && name != "after" {
                continue;
            }
            // An image that is not there follows the other one.
            let other = if name == "before" { "after" } else { "before" };
            let own = if present(&name) || !present(other) { &*name } else { other };
            let members = match own {
                "before" => self.events.members_of(&row.before),
                _ => self.events.members_of(&row.after),
            };
            let Some(fields) = image.get_mut("fields").and_then(Value::as_array_mut) else {
                continue;
            };
            let list = std::mem::take(fields);
            let declared = |column: u16| {
                let name = &*table.columns[usize::from(column)].name;
                list.iter().any(|field| field.get("field").and_then(Value::as_str) == Some(name))
            };
            let mut added: Vec<u16> = members
                .iter()
                .map(|member| member.column)
                .filter(|column| !declared(*column))
                .filter(|column| {
                    matches!(Action::of(*column, turn).edit(), Some((kind::STRING, _)))
                })
                .collect();
            added.sort_unstable();
            added.dedup();
            fields.extend(list.into_iter().filter_map(|one| field(one, table, members, turn)));
            fields.extend(added.into_iter().map(|column| {
                let name = &*table.columns[usize::from(column)].name;
                let name = match Action::of(column, turn).fate(name) {
                    Fate::Rename(name) => name.to_string(),
                    Fate::Keep | Fate::Remove => name.to_owned(),
                };
                serde_json::json!({"type": "string", "optional": true, "field": name})
            }));
        }
    }
}

/// A field as it is declared afterwards; none where its column is removed.
fn field(mut field: Value, table: &Table, members: &[Member], turn: usize) -> Option<Value> {
    let name = field.get("field").and_then(Value::as_str).map(str::to_owned);
    let column = name.as_deref().and_then(|name| table.column(name));
    let (Some(name), Some(column)) = (name, column) else { return Some(field) };
    let action = Action::of(column, turn);
    let name = match action.fate(&name) {
        Fate::Remove => return None,
        Fate::Rename(name) => name.to_string(),
        Fate::Keep => name,
    };
    field["field"] = name.clone().into();
    let edited = members.iter().any(|member| member.column == column);
    match action.edit() {
        Some((kind::STRING, _)) if edited && field["type"] != "string" => {
            let known = [
                "int8", "int16", "int32", "int64", "float", "double", "boolean", "bytes", "array",
                "struct", "map",
            ];
            let known = field["type"].as_str().is_some_and(|name| known.contains(&name));
            if known {
                let optional = field["optional"] == Value::Bool(true);
                field = serde_json::json!({"type": "string", "optional": optional, "field": name});
            }
        }
        Some((kind::NULL | kind::ABSENT, _)) if edited => field["optional"] = true.into(),
        _ => {}
    }
    Some(field)
}

/// Whether no struct of a schema declares a field twice, which Connect itself refuses.
pub(super) fn is_consistent(schema: &Value) -> bool {
    let fields =
        schema.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names: Vec<_> = fields.iter().filter_map(|field| field.get("field")).collect();
    let twice = (1..names.len()).any(|at| names[..at].contains(&names[at]));
    !twice && fields.iter().all(is_consistent)
}
