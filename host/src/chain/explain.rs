//! What the stages of a chain want of a table, for people.

use std::fmt;

use super::{Chain, Place};
use crate::contract::Plan;
use crate::outcome::Refusal;
use crate::overlay::Target;
use crate::table;

/// One stage's part in a table's chain.
#[derive(Clone, Copy, Debug)]
pub struct Part<'c> {
    pub plugin: &'c str,
    /// None where the plugin is not interested, or not asked.
    pub plan: Option<&'c Plan>,
}

impl Chain {
    /// The part of each stage in `table`, or why a stage refused it. None where no row of it has come yet.
    pub fn parts(&self, table: table::Index) -> Option<Result<Vec<Part<'_>>, &Refusal>> {
        let compiled = match self.compiled.get(&table)? {
            Ok(compiled) => compiled,
            Err(refusal) => return Some(Err(refusal)),
        };
        let parts = self.stages.iter().zip(&compiled.stages).map(|(stage, plan)| Part {
            plugin: &stage.identity.name,
            plan: plan.as_ref().map(|plan| &plan.plan),
        });
        Some(Ok(parts.collect()))
    }

    /// Every place in `table` that any stage writes or removes, wholly or in part, and the columns that no one has listed. None
    /// where the table could not be opened, so that nobody knows.
    pub fn touched(&self, table: table::Index) -> Option<impl Iterator<Item = Target>> {
        let compiled = self.compiled.get(&table)?.as_ref().ok()?;
        let inside = compiled.stages.iter().flatten().flat_map(|stage| &stage.removes);
        let inside = inside.filter_map(|access| match access.place {
            Place::Target(target) => Some(target),
            Place::Meta(_) | Place::Nowhere => None,
        });
        let whole = compiled.stages.iter().flatten().flat_map(|stage| &stage.removed).copied();
        Some(self.written(table)?.chain(inside).chain(whole))
    }
}

/// `mask: reads after.email; writes after.email`.
impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.plugin)?;
        let Some(plan) = self.plan else { return f.write_str("passes it by") };
        let mut wants = Vec::new();
        for (verb, fields) in
            [("reads", &plan.reads), ("writes", &plan.writes), ("removes", &plan.removes)]
        {
            let names: Vec<String> = fields.iter().map(ToString::to_string).collect();
            if !names.is_empty() {
                wants.push(format!("{verb} {}", names.join(", ")));
            }
        }
        let renames: Vec<String> = plan
            .renames
            .iter()
            .map(|rename| format!("{} to {}", rename.column, rename.to))
            .collect();
        if !renames.is_empty() {
            wants.push(format!("renames {}", renames.join(", ")));
        }
        f.write_str(&if wants.is_empty() { "wants nothing".to_owned() } else { wants.join("; ") })
    }
}
