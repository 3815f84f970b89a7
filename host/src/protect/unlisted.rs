//! Columns that no one has listed: neither does the configuration name them, nor does a plugin write, remove or rename them. Pure; what becomes of them is
//! the chain's business.

use rustc_hash::FxHashSet;

use crate::chain::{Access, Place, StagePlan};
use crate::change::{Events, NO_COLUMN, Row};
use crate::config::{self, ColumnPattern, Unlisted};
use crate::overlay::Target;
use crate::table::Table;

use super::first_name;

/// Who lists columns, and what is done about the others.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    policy: Unlisted,
    listed: Vec<ColumnPattern>,
    protect: Vec<ColumnPattern>,
}

impl Listing {
    pub fn of(settings: &config::Pipeline) -> Self {
        let (listed, protect) = (settings.listed.clone(), settings.protect.clone());
        Self { policy: settings.unlisted, listed, protect }
    }

    pub fn policy(&self) -> Unlisted {
        self.policy
    }

    /// The columns of `table` that nobody names; none where all pass.
    ///
    /// A column that only `protect` names is taken away like any other, since that covers it; for the other policies it is listed.
    pub fn unlisted<'p>(
        &self,
        table: &Table,
        plans: impl Iterator<Item = &'p StagePlan>,
    ) -> Columns {
        if self.policy == Unlisted::Pass {
            return Columns::default();
        }
        let named: FxHashSet<&str> = plans.flat_map(|plan| names(plan, table)).collect();
        let protect = if self.policy == Unlisted::Remove { &[] } else { self.protect.as_slice() };
        let patterns = self.listed.iter().chain(protect);
        let patterns: Vec<_> = patterns.filter(|pattern| pattern.matches_table(table)).collect();
        let is_listed = |name: &str| {
            named.contains(name) || patterns.iter().any(|pattern| pattern.matches_column(name))
        };
        let unlisted = table.columns.iter().map(|column| {
            let first = first_name(table.dialect, &column.name);
            !is_listed(&column.name) && !first.is_some_and(is_listed)
        });
        Columns { unlisted: unlisted.collect() }
    }
}

/// The columns that a plan says something about, as the source spells them. To be read makes no column harmless: a plugin may read
/// all there are.
fn names<'p>(plan: &'p StagePlan, table: &'p Table) -> impl Iterator<Item = &'p str> {
    let source = |target: &Target| match target {
        Target::Column { column, .. } => {
            table.columns.get(usize::from(*column)).map(|column| &*column.name)
        }
        Target::Created(_) | Target::Header(_) | Target::Topic => None,
    };
    let fields =
        plan.plan.writes.iter().zip(&plan.writes).filter_map(move |(field, access)| match &access
            .place
        {
            Place::Target(Target::Created(_)) | Place::Nowhere => Some(field.name.as_str()),
            Place::Target(target) => source(target),
            Place::Meta(_) => None,
        });
    let inside = plan.removes.iter().filter_map(move |Access { place, .. }| match place {
        Place::Target(target) => source(target),
        Place::Meta(_) | Place::Nowhere => None,
    });
    let whole = plan.removed.iter().chain(&plan.renamed).filter_map(source);
    fields.chain(inside).chain(whole)
}

/// Some columns of one table.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// By column number; shorter than the table where the rest is not among them.
    unlisted: Vec<bool>,
}

impl Columns {
    pub fn has(&self, column: u16) -> bool {
        self.unlisted.get(usize::from(column)).copied().unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        !self.unlisted.contains(&true)
    }

    pub fn iter(&self) -> impl Iterator<Item = u16> {
        (0u16..).zip(&self.unlisted).filter(|(_, is_unlisted)| **is_unlisted).map(|(n, _)| n)
    }

    /// The first of them that a row has, in any image.
    pub fn first_in(&self, row: &Row, events: &Events) -> Option<u16> {
        let images = [&row.before, &row.after, &row.key];
        let mut members = images.into_iter().flat_map(|image| events.members_of(image));
        let found = members.find(|member| member.column != NO_COLUMN && self.has(member.column));
        found.map(|member| member.column)
    }
}
