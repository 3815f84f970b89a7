//! The `mask` plugin: replaces the values of named columns in the before and after images and in the key. What a rule cannot
//! treat is refused, never passed in clear.

mod settings;
mod rule;
mod redact;
mod digest;
mod key_headers;

use lockgate_plugin::{
    Cell, Column, ColumnGlob, Field, Image, Plan, Plugin, Read, Rows, Settings, Table, Write, log,
};

use digest::Digest;
use key_headers::KeyHeader;
use rule::Rule;

#[derive(Debug)]
pub struct Mask {
    columns: Vec<ColumnRule>,
    digest: Option<Digest>,
}

/// A column pattern of the settings and how its columns are masked.
#[derive(Clone, Debug)]
struct ColumnRule {
    glob: ColumnGlob,
    rule: Rule,
}

/// What is masked in one table.
#[derive(Debug, Default)]
pub struct Masked {
    /// The rule of each of the plan's reads; its writes are the same fields.
    rules: Vec<Rule>,
    /// For messages: `column "email"`.
    names: Vec<String>,
    key_headers: Vec<KeyHeader>,
}

impl Plugin for Mask {
    const NAME: &'static str = "mask";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SETTINGS_SCHEMA: &'static str = include_str!("../settings.schema.json");
    type State = Masked;

    fn configure(settings: Settings) -> Result<Self, String> {
        settings::read(&settings)
    }

    fn open(&mut self, table: &Table) -> Result<Option<Plan<Masked>>, String> {
        let mut plan = Plan::new();
        let mut masked = Masked::default();
        for column in &table.columns {
            for ColumnRule { glob, rule } in self.closest(table, column)? {
                let rule = &typed(table, column, rule, glob.pointer())?;
                let field = |image| Field::new(image, &column.name).at(glob.pointer());
                for image in images(column) {
                    plan = plan.reads([field(image)]).writes([field(image)]);
                    masked.rules.push(rule.clone());
                    masked.names.push(format!("column {:?}", column.name));
                }
                if column.key && glob.pointer().is_empty() {
                    key_headers::add(&mut masked.key_headers, &column.name, rule);
                    warn_of_shared_keys(table, column, rule);
                }
            }
        }
        for header in &mut masked.key_headers {
            header.plan(&mut plan);
        }
        Ok((!masked.rules.is_empty()).then(|| plan.with(masked)))
    }

    fn process(&mut self, masked: &mut Masked, rows: &mut Rows<'_>) -> Result<(), String> {
        let digest = self.digest.as_ref();
        let mut refused = Vec::new();
        for (number, (rule, name)) in masked.rules.iter().zip(&masked.names).enumerate() {
            let cells = rows.cells(Read(number));
            let edit = rows.edit(Write(number));
            edit.reserve(cells.len(), cells.data_len());
            for (row, cell) in (0u32..).zip(cells.iter()) {
                if rule.mask(cell, digest, row, edit).is_err() {
                    refused.push((row, kind_name(cell)));
                }
            }
            for (row, kind) in refused.drain(..) {
                rows.reject(row, format!("{name} holds {kind}, which {rule} cannot mask"));
            }
        }
        for header in &masked.key_headers {
            header.mask(digest, rows);
        }
        Ok(())
    }
}

impl Mask {
    /// The rules of a column: the closest one for the whole of it, or those for places inside it.
    fn closest(&self, table: &Table, column: &Column) -> Result<Vec<&ColumnRule>, String> {
        let mut closest: Vec<&ColumnRule> = Vec::new();
        for rule in self.columns.iter().filter(|rule| rule.glob.matches(table, column)) {
            let rival = closest.iter_mut().find(|r| r.glob.pointer() == rule.glob.pointer());
            let Some(rival) = rival else {
                closest.push(rule);
                continue;
            };
            let (near, far) = (rule.glob.closeness(), rival.glob.closeness());
            if near == far && rule.rule != rival.rule {
                return Err(contradiction(table, column, &rival.glob, &rule.glob));
            }
            if near > far {
                *rival = rule;
            }
        }
        for (at, rule) in closest.iter().enumerate() {
            let inside = |outer: &str, inner: &str| {
                inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
            };
            let overlaps = |other: &&&ColumnRule| {
                let (a, b) = (rule.glob.pointer(), other.glob.pointer());
                inside(a, b) || inside(b, a)
            };
            if let Some(other) = closest.iter().skip(at + 1).find(overlaps) {
                return Err(contradiction(table, column, &rule.glob, &other.glob));
            }
        }
        Ok(closest)
    }
}

fn contradiction(table: &Table, column: &Column, one: &ColumnGlob, other: &ColumnGlob) -> String {
    format!(
        "column {:?} of {:?} is covered by both {:?} and {:?}: name the column in full in one of them, or drop one",
        column.name,
        table.qualified_name(),
        one.to_string(),
        other.to_string(),
    )
}

fn images(column: &Column) -> impl Iterator<Item = Image> {
    let key = column.key.then_some(Image::Key);
    [Image::Before, Image::After].into_iter().chain(key)
}

/// The rule as the column's type needs it. What a pointer leads to is JSON, whatever the column is.
fn typed(table: &Table, column: &Column, rule: &Rule, pointer: &str) -> Result<Rule, String> {
    if !pointer.is_empty() {
        return Ok(rule.clone());
    }
    rule.for_type(&column.source_type).ok_or_else(|| {
        format!(
            "column {:?} of {:?} is of type {:?}, whose values {rule} would leave undecodable: use \"null\" or \"constant\"",
            column.name,
            table.qualified_name(),
            column.source_type,
        )
    })
}

/// Rows that shared no key may share one once it is masked; compaction then keeps only the last of them.
fn warn_of_shared_keys(table: &Table, column: &Column, rule: &Rule) {
    if !rule.keeps_values_apart() {
        log::warn(format_args!(
            "column {:?} is part of the key of {:?}, and {rule} gives different rows the same key: \"hmac\" keeps them apart",
            column.name,
            table.qualified_name(),
        ));
    }
}

fn kind_name(cell: Cell<'_>) -> &'static str {
    match cell {
        Cell::Absent => "nothing",
        Cell::Null => "a null",
        Cell::Boolean(_) => "a boolean",
        Cell::Number(_) => "a number",
        Cell::String(_) => "a string",
        Cell::Json(_) => "JSON",
        Cell::Bytes(_) => "bytes",
        Cell::Unavailable => "an unavailable value",
        Cell::Unknown(_) => "a value of unknown kind",
    }
}

lockgate_plugin::export!(Mask);

#[cfg(test)]
mod tests;
