//! The `mask` plugin: replaces the values of named columns in the before and after images and in the key. What a rule cannot
//! treat is refused, never passed in clear.

mod settings;
mod reach;
mod types;
mod rule;
mod places;
mod cover;
mod redact;
mod text;
mod phone;
mod card;
mod date;
mod decimal;
mod canonical;
mod extended;
mod digest;
mod debezium;
mod key_headers;

use lockgate_plugin::json::Path;
use lockgate_plugin::{
    Cell, Column, Field, Image, Plan, Plugin, Read, Rows, Settings, Table, Write, log,
};

use digest::Secrets;
use key_headers::KeyHeader;
use places::{Places, Refusal, Treatment, is_value};
use reach::{ColumnRule, Reached};
use rule::Rule;
use types::Unfit;

#[derive(Debug)]
pub struct Mask {
    rules: Vec<ColumnRule>,
    secrets: Secrets,
}

/// What is masked in one table.
#[derive(Debug, Default)]
pub struct Masked {
    /// How each of the plan's writes is masked; the reads of the same numbers are the same fields.
    targets: Vec<Target>,
    /// Cells that must hold JSON, for places in them are targets of their own.
    guards: Vec<Guard>,
    key_headers: Vec<KeyHeader>,
}

#[derive(Debug)]
struct Target {
    treatment: Treatment,
    column: String,
}

#[derive(Debug)]
struct Guard {
    read: Read,
    column: String,
    /// The reads of the places, and how they are reached.
    places: Vec<(Read, Path)>,
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
        let mut guards: Vec<(Field, Vec<(Read, Path)>)> = Vec::new();
        for column in &table.columns {
            let reached = reach::reach(&self.rules, table, column)?;
            if reached.is_empty() {
                continue;
            }
            let treatment = treatment(table, column, &reached)?;
            if column.key {
                key_headers::add(&mut masked.key_headers, &column.name, &treatment);
                if let Treatment::Whole(rule) = &treatment {
                    warn_of_shared_keys(table, column, rule);
                }
            }
            let first = guards.len();
            for (field, path, treatment) in targets(column, &reached, treatment) {
                if !path.is_empty() {
                    let place = (Read(plan.reads.len()), path);
                    let whole = Field::new(field.image, &column.name);
                    match guards.iter_mut().skip(first).find(|(known, _)| *known == whole) {
                        Some((_, places)) => places.push(place),
                        None => guards.push((whole, vec![place])),
                    }
                }
                plan.reads.push(field.clone());
                plan.writes.push(field);
                masked.targets.push(Target { treatment, column: column.name.clone() });
            }
        }
        for (field, places) in guards {
            let (read, column) = (Read(plan.reads.len()), field.name.clone());
            plan.reads.push(field);
            masked.guards.push(Guard { read, column, places });
        }
        for header in &mut masked.key_headers {
            header.plan(&mut plan);
        }
        Ok((!masked.targets.is_empty()).then(|| plan.with(masked)))
    }

    fn process(&mut self, masked: &mut Masked, rows: &mut Rows<'_>) -> Result<(), String> {
        let secrets = &self.secrets;
        let mut refused: Vec<(u32, Refusal)> = Vec::new();
        for (number, Target { treatment, column }) in masked.targets.iter().enumerate() {
            let cells = rows.cells(Read(number));
            let edit = rows.edit(Write(number));
            edit.reserve(cells.len(), cells.data_len());
            for (row, cell) in (0u32..).zip(cells.iter()) {
                let done = match is_value(cell, treatment) {
                    Ok(false) => Ok(()),
                    Ok(true) => edit.try_set_with(row, |out| treatment.cover(cell, secrets, out)),
                    Err(refusal) => Err(refusal),
                };
                refused.extend(done.err().map(|refusal| (row, refusal)));
            }
            reject(rows, column, &mut refused);
        }
        for Guard { read, column, places } in &masked.guards {
            for (row, cell) in (0u32..).zip(rows.cells(*read).iter()) {
                let absent = |read: &Read| rows.cells(*read).get(row as usize) == Cell::Absent;
                let absent = places.iter().filter(|(read, _)| absent(read)).map(|(_, path)| path);
                let checked = places::check(cell, absent);
                refused.extend(checked.err().map(|refusal| (row, refusal)));
            }
            reject(rows, column, &mut refused);
        }
        for header in &masked.key_headers {
            header.mask(secrets, rows);
        }
        Ok(())
    }
}

fn reject(rows: &mut Rows<'_>, column: &str, refused: &mut Vec<(u32, Refusal)>) {
    for (row, refusal) in refused.drain(..) {
        rows.reject(row, format!("column {column:?} {refusal}"));
    }
}

fn images(column: &Column) -> impl Iterator<Item = Image> {
    let key = column.key.then_some(Image::Key);
    [Image::Before, Image::After].into_iter().chain(key)
}

/// How a column is masked by the rules that reach it.
fn treatment(table: &Table, column: &Column, reached: &[Reached<'_>]) -> Result<Treatment, String> {
    if let Some(Reached { rule, .. }) = reached.iter().find(|reached| reached.path.is_empty()) {
        return typed(table, column, rule).map(Treatment::Whole);
    }
    let rules = reached.iter().map(|reached| (reached.path.clone(), reached.rule.clone()));
    Ok(Treatment::Places(Places::new(rules.collect())))
}

/// The fields to write: the column in each image, or each place in it where all can be named by pointers. The gateway then
/// replaces them inside the text as it arrived, and every byte around them stays. With each its path.
fn targets(
    column: &Column,
    reached: &[Reached<'_>],
    treatment: Treatment,
) -> Vec<(Field, Path, Treatment)> {
    let place = |Reached { path, rule, .. }: &Reached<'_>| {
        Some((path.pointer()?, path.clone(), Treatment::Whole((*rule).clone())))
    };
    let places = match &treatment {
        Treatment::Whole(_) => None,
        Treatment::Places(_) => reached.iter().map(place).collect::<Option<Vec<_>>>(),
    };
    let places = places.unwrap_or_else(|| vec![(String::new(), Path::default(), treatment)]);
    let fields = places.iter().flat_map(|(pointer, path, treatment)| {
        let field = move |image| Field::new(image, &column.name).at(pointer);
        images(column).map(move |image| (field(image), path.clone(), treatment.clone()))
    });
    fields.collect()
}

/// The rule as the column's type needs it. What a path leads to is JSON, whatever the column is.
fn typed(table: &Table, column: &Column, rule: &Rule) -> Result<Rule, String> {
    types::fit(rule, &column.source_type).map_err(|unfit| {
        let why = match unfit {
            Unfit::Encoding => format!(
                "whose values {rule} would leave undecodable: use \"null\" or \"constant\""
            ),
            Unfit::NotNull => format!(
                "and {rule} would leave it without the value that its readers insist on: use \"constant:TEXT\" or \"redact\""
            ),
            Unfit::NoDate => format!(
                "whose values name no day, so that {rule} cannot tell their year: use another rule"
            ),
        };
        format!(
            "column {:?} of {:?} is of type {:?}, {why}",
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

lockgate_plugin::export!(Mask);

#[cfg(test)]
mod tests;
