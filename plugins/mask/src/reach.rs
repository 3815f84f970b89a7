//! Which of the settings' rules reach a column, and where inside it. Must not know rows.

use lockgate_plugin::json::Path;
use lockgate_plugin::{Closeness, Column, ColumnGlob, Table};

use crate::rule::Rule;

/// A column pattern of the settings and how its columns are masked.
#[derive(Clone, Debug)]
pub(crate) struct ColumnRule {
    pub(crate) glob: ColumnGlob,
    /// The places inside the column.
    pub(crate) path: Path,
    pub(crate) rule: Rule,
}

/// A rule as it reaches a column.
#[derive(Debug)]
pub(crate) struct Reached<'r> {
    /// What is left of the rule's path inside the column.
    pub(crate) path: Path,
    pub(crate) rule: &'r Rule,
    glob: &'r ColumnGlob,
    rank: Rank,
}

/// Of rules that reach the same place the greatest counts: the closer name, then one that names the column itself, then one that
/// says more of the way inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank(Closeness, bool, usize);

/// The rules of a column: the closest one for the whole of it, or those for places inside it.
pub(crate) fn reach<'r>(
    rules: &'r [ColumnRule],
    table: &Table,
    column: &Column,
) -> Result<Vec<Reached<'r>>, String> {
    let mut closest: Vec<Reached<'r>> = Vec::new();
    for reached in rules.iter().filter_map(|rule| reached(rule, table, column)) {
        let Some(rival) = closest.iter_mut().find(|rival| rival.path == reached.path) else {
            closest.push(reached);
            continue;
        };
        if rival.rank == reached.rank && rival.rule != reached.rule {
            return Err(contradiction(table, column, rival, &reached));
        }
        if reached.rank > rival.rank {
            *rival = reached;
        }
    }
    for (at, one) in closest.iter().enumerate() {
        let mut others = closest.iter().skip(at + 1);
        if let Some(other) = others.find(|other| one.path.nests_with(&other.path)) {
            return Err(contradiction(table, column, one, other));
        }
    }
    Ok(closest)
}

/// A column whose name has dots counts as the place it names, too, which is how MongoDB's `updatedFields` tell of a part of a
/// field: `contacts.0.email` is `contacts#/0/email`. Of both readings the one that covers more counts.
fn reached<'r>(rule: &'r ColumnRule, table: &Table, column: &Column) -> Option<Reached<'r>> {
    let ColumnRule { glob, path, rule } = rule;
    let direct = glob.matches(table, column).then(|| (path.clone(), true));
    let dots = column.name.match_indices('.').map(|(dot, _)| dot);
    let inside = dots.filter_map(|dot| {
        let (name, names) = column.name.split_at(dot);
        let outer = Column { name: name.to_owned(), ..Column::default() };
        let names = names.split('.').skip(1);
        glob.matches(table, &outer).then(|| path.below(names)).flatten().map(|path| (path, false))
    });
    let (rest, direct) = direct.into_iter().chain(inside).min_by_key(|(path, _)| path.len())?;
    let rank = Rank(glob.closeness(), direct, path.len());
    Some(Reached { path: rest, rule, glob, rank })
}

fn contradiction(table: &Table, column: &Column, one: &Reached<'_>, other: &Reached<'_>) -> String {
    format!(
        "column {:?} of {:?} is covered by both {:?} and {:?}: name the column in full in one of them, or drop one",
        column.name,
        table.qualified_name(),
        one.glob.to_string(),
        other.glob.to_string(),
    )
}
