//! How one column is masked: as a whole, or at places inside the JSON that it holds. Must not know tables or batches.

use std::fmt;

use lockgate_plugin::json::{Path, is_well_formed, rewrite, trimmed};
use lockgate_plugin::{Cell, Kind};

use crate::cover::has_value;
use crate::digest::Secrets;
use crate::rule::{Rule, Untreatable};

/// How a cell is masked.
#[derive(Clone, Debug)]
pub(crate) enum Treatment {
    Whole(Rule),
    Places(Places),
}

/// Rules for places inside a cell.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Those that name a place more exactly come first.
    paths: Vec<Path>,
    /// By position among the paths.
    rules: Vec<Rule>,
}

/// Why a cell could not be masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The rule cannot treat the kind.
    Kind(&'static str, String),
    /// What is to have places inside it is neither object nor array.
    NoPlaces(&'static str),
    /// The rule cannot treat what it found at the path.
    Place(String, String),
    /// The path leads to a place that is hidden by another of the same name.
    Twice(String),
}

impl Treatment {
    /// Appends the masked cell and tells its kind. Of a cell that has no value see [`has_value`].
    pub(crate) fn cover(
        &self,
        cell: Cell<'_>,
        secrets: &Secrets,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Refusal> {
        match self {
            Self::Whole(rule) => rule
                .cover(cell, secrets, out)
                .map_err(|Untreatable| Refusal::Kind(kind_name(cell), rule.to_string())),
            Self::Places(places) => places.cover(cell, secrets, out),
        }
    }

    /// For a cell of a kind that is not known.
    pub(crate) fn refusal(&self, cell: Cell<'_>) -> Refusal {
        match self {
            Self::Whole(rule) => Refusal::Kind(kind_name(cell), rule.to_string()),
            Self::Places(_) => Refusal::NoPlaces(kind_name(cell)),
        }
    }
}

impl Places {
    pub(crate) fn new(mut rules: Vec<(Path, Rule)>) -> Self {
        rules.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (paths, rules) = rules.into_iter().unzip();
        Self { paths, rules }
    }

    fn cover(&self, cell: Cell<'_>, secrets: &Secrets, out: &mut Vec<u8>) -> Result<Kind, Refusal> {
        let kind = cell.kind().ok_or(Refusal::NoPlaces(kind_name(cell)))?;
        if inside(cell)?.is_none() {
            out.extend_from_slice(cell.as_bytes());
            return Ok(kind);
        }
        let text = match cell {
            Cell::Json(text) | Cell::String(text) => text,
            _ => return Err(Refusal::NoPlaces(kind_name(cell))),
        };
        let mut replace = |path: usize, json: &str, out: &mut Vec<u8>| {
            let rule = self.rules.get(path);
            rule.is_some_and(|rule| rule.cover_json(0, json, secrets, out).is_ok())
        };
        rewrite(text, &self.paths, out, &mut replace).map_err(|refused| {
            let path = self.paths.get(refused.path).map(ToString::to_string);
            let rule = self.rules.get(refused.path).map(ToString::to_string);
            Refusal::Place(path.unwrap_or_default(), rule.unwrap_or_default())
        })?;
        Ok(kind)
    }
}

/// Refuses a cell that has a value but no places inside it: what its rules are to cover may stand in it all the same, and would
/// pass in clear. Refuses it, too, where a place is there that the gateway called `absent`: of a name that stands twice it
/// looks into the last one only.
pub(crate) fn check<'p>(
    cell: Cell<'_>,
    absent: impl Iterator<Item = &'p Path>,
) -> Result<(), Refusal> {
    let Some(json) = inside(cell)? else { return Ok(()) };
    for path in absent {
        let path = std::slice::from_ref(path);
        if rewrite(json, path, &mut Vec::new(), &mut |_, _, _| false).is_err() {
            return Err(Refusal::Twice(path.iter().map(ToString::to_string).collect()));
        }
    }
    Ok(())
}

/// The JSON that a cell holds; none where it holds nothing.
fn inside(cell: Cell<'_>) -> Result<Option<&str>, Refusal> {
    match cell {
        Cell::Absent | Cell::Null | Cell::Unavailable => Ok(None),
        Cell::Json(json) => Ok(Some(json)),
        Cell::String(text) => match trimmed(text) {
            "" | "null" => Ok(None),
            json if json.starts_with(['{', '[']) && is_well_formed(json) => Ok(Some(json)),
            _ => Err(Refusal::NoPlaces(kind_name(cell))),
        },
        Cell::Boolean(_) | Cell::Number(_) | Cell::Bytes(_) | Cell::Unknown(_) => {
            Err(Refusal::NoPlaces(kind_name(cell)))
        }
    }
}

/// Whether there is anything to do; refuses what is of no known kind.
pub(crate) fn is_value(cell: Cell<'_>, treatment: &Treatment) -> Result<bool, Refusal> {
    has_value(cell).map_err(|Untreatable| treatment.refusal(cell))
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

impl fmt::Display for Refusal {
    /// What follows the column's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind, rule) => write!(f, "holds {kind}, which {rule} cannot mask"),
            Self::NoPlaces(kind) => {
                write!(
                    f,
                    "holds {kind} that is no JSON object or array, and rules are for places inside it"
                )
            }
            Self::Place(path, rule) => {
                write!(f, "holds a value at {path:?} that {rule} cannot mask")
            }
            Self::Twice(path) => {
                write!(
                    f,
                    "holds a value at {path:?} beside a name that stands twice, where it cannot be masked"
                )
            }
        }
    }
}
