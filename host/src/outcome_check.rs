//! Whether a plugin's answers keep to the contract: checked in full before anything of them is applied. Pure; must not know where
//! the answers come from.

mod cells;
mod plan;

use crate::contract::{Answer, Edit, Emission, Field, Image, Plan, kind};

pub use plan::check_plan;

/// How an answer broke the contract. Names fields and row numbers, never data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(String);

type Checked = Result<(), Violation>;

fn violation(text: impl Into<String>) -> Violation {
    Violation(text.into())
}

/// The name of the meta field that holds the output topic, the only one that can be written.
const TOPIC: &str = "topic";

/// The longest name of a topic that Kafka takes.
const TOPIC_BYTES: usize = 249;

/// Checks `answer` to a batch of `rows` rows against the plan it was asked under. `max_bytes` caps its data: cells, emissions,
/// headers.
///
/// What may meet in one row: an edit of a dropped or rejected row is legal and moot, since plugins work column by column. A
/// dropped row may have emissions, which is how a plugin splits one record into others. A rejected row may not, since it will
/// be tried again, and no row is both dropped and rejected.
pub fn check(plan: &Plan, rows: u32, answer: &Answer, max_bytes: usize) -> Checked {
    check_size(answer, max_bytes)?;
    let rejected = || answer.rejections.iter().map(|rejection| rejection.row);
    check_rows(rows, answer.drops.iter().copied()).map_err(|problem| within("drops", &problem))?;
    check_rows(rows, rejected()).map_err(|problem| within("rejections", &problem))?;
    for rejection in &answer.rejections {
        if answer.drops.binary_search(&rejection.row).is_ok() {
            return Err(violation(format!("row {} is both dropped and rejected", rejection.row)));
        }
    }
    check_edits(plan, rows, &answer.edits)?;
    check_emissions(rows, answer)
}

fn check_size(answer: &Answer, max_bytes: usize) -> Checked {
    let edits = answer.edits.iter().map(|edit| edit.cells.data.len());
    let emissions = answer.emissions.iter().map(|emission| {
        let len = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = emission.headers.iter().map(|header| header.name.len() + len(&header.value));
        len(&emission.key) + len(&emission.value) + headers.sum::<usize>()
    });
    let bytes: usize = edits.chain(emissions).sum();
    if bytes <= max_bytes {
        return Ok(());
    }
    Err(violation(format!("the answer holds {bytes} bytes of data, and {max_bytes} are allowed")))
}

fn within(part: impl std::fmt::Display, problem: &str) -> Violation {
    violation(format!("{part}: {problem}"))
}

/// Row numbers of one list: ascending, each once, all of the batch.
fn check_rows(rows: u32, numbers: impl Iterator<Item = u32>) -> Result<(), String> {
    let mut next = 0;
    for row in numbers {
        if row < next {
            return Err(format!("row {row} repeats or goes back"));
        }
        if row >= rows {
            return Err(no_such_row(row, rows));
        }
        next = row + 1;
    }
    Ok(())
}

fn no_such_row(row: u32, rows: u32) -> String {
    format!("there is no row {row} in a batch of {rows}")
}

fn check_edits(plan: &Plan, rows: u32, edits: &[Edit]) -> Checked {
    let mut seen = vec![false; plan.writes.len()];
    for edit in edits {
        let write = edit.write as usize;
        let (Some(field), Some(seen)) = (plan.writes.get(write), seen.get_mut(write)) else {
            let planned = plan.writes.len();
            return Err(violation(format!(
                "edits: there is no write {write} in a plan of {planned}"
            )));
        };
        let problem = if std::mem::replace(seen, true) {
            Err("there are two".to_owned())
        } else {
            check_edit(field, rows, edit)
        };
        problem.map_err(|problem| within(format_args!("edit of {}", Shown(field)), &problem))?;
    }
    Ok(())
}

fn check_edit(field: &Field, rows: u32, edit: &Edit) -> Result<(), String> {
    check_rows(rows, edit.rows.iter().copied())?;
    check_lengths(edit)?;
    if is_topic(field) { check_topics(edit) } else { cells::check(edit) }
}

/// One kind and one end for each row, and the ends divide the data exactly.
fn check_lengths(edit: &Edit) -> Result<(), String> {
    let (rows, cells) = (edit.rows.len(), &edit.cells);
    if cells.kinds.len() != rows || cells.ends.len() != rows {
        let (kinds, ends) = (cells.kinds.len(), cells.ends.len());
        return Err(format!("{rows} rows, {kinds} kinds and {ends} ends"));
    }
    if !cells.ends.is_sorted() {
        return Err("an end lies before the one before it".to_owned());
    }
    let last = cells.ends.last().map_or(0, |end| *end as usize);
    if last != cells.data.len() {
        let bytes = cells.data.len();
        return Err(format!("the last end is {last}, and there are {bytes} bytes"));
    }
    Ok(())
}

fn is_topic(field: &Field) -> bool {
    field.image == Image::Meta && field.name == TOPIC
}

fn check_topics(edit: &Edit) -> Result<(), String> {
    cells::each(edit, |row, code, cell| {
        if code != kind::STRING {
            return Err(format!("row {row}: the topic is no string"));
        }
        if !is_legal_topic(cell) {
            return Err(format!("row {row}: Kafka allows no topic of that name"));
        }
        Ok(())
    })
}

/// Whether Kafka takes `name` as the name of a topic.
fn is_legal_topic(name: &[u8]) -> bool {
    let legal = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=TOPIC_BYTES).contains(&name.len())
        && name.iter().all(legal)
        && name != b"."
        && name != b".."
}

fn check_emissions(rows: u32, answer: &Answer) -> Checked {
    let mut last = 0;
    for emission in &answer.emissions {
        check_emission(rows, last, emission, answer)
            .map_err(|problem| within("emissions", &problem))?;
        last = emission.row;
    }
    Ok(())
}

fn check_emission(
    rows: u32,
    last: u32,
    emission: &Emission,
    answer: &Answer,
) -> Result<(), String> {
    let row = emission.row;
    if row < last {
        return Err(format!("row {row} goes back"));
    }
    if row >= rows {
        return Err(no_such_row(row, rows));
    }
    if answer.rejections.binary_search_by_key(&row, |rejection| rejection.row).is_ok() {
        return Err(format!("row {row} is rejected"));
    }
    if !is_legal_topic(emission.topic.as_bytes()) {
        return Err(format!("row {row}: Kafka allows no topic of that name"));
    }
    // Clients take the name of a header as a string of C.
    if emission.headers.iter().any(|header| header.name.contains('\0')) {
        return Err(format!("row {row}: a header's name holds a NUL"));
    }
    Ok(())
}

/// A field as messages name it.
struct Shown<'a>(&'a Field);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Field { image, name, pointer } = self.0;
        let image = match image {
            Image::Before => "before",
            Image::After => "after",
            Image::Key => "key",
            Image::Header => "header",
            Image::Meta => "meta",
        };
        // Escaped, for the name is the plugin's.
        write!(f, "{image} {name:?}")?;
        if pointer.is_empty() { Ok(()) } else { write!(f, " at {pointer:?}") }
    }
}

#[cfg(test)]
mod tests;
