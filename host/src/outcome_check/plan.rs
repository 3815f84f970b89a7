//! Whether a plan can be carried out on a table, checked once when the table is opened. Pure.

use rustc_hash::FxHashSet;

use super::{Checked, Shown, TOPIC, violation};
use crate::contract::{Field, Image, Plan, Rename};
use crate::table::{MAX_COLUMNS, Table};

/// The most fields in one list of a plan: every column of the largest table in each image, and headers.
const MAX_FIELDS: usize = 4 * MAX_COLUMNS;

/// What `meta` has.
const META: [&str; 10] = [
    TOPIC,
    "partition",
    "offset",
    "timestamp",
    "operation",
    "database",
    "schema",
    "table",
    "transaction",
    "value",
];

/// Checks a plan for `table`.
///
/// Reads may repeat and overlap. Writes and removes may not: which of them would win is nothing a plugin could know. A write to
/// a renamed column uses the name it has in the table.
pub fn check_plan(table: &Table, plan: &Plan) -> Checked {
    let lists = [
        ("reads", plan.reads.len()),
        ("writes", plan.writes.len()),
        ("removes", plan.removes.len()),
    ];
    for (list, len) in lists.into_iter().chain([("renames", plan.renames.len())]) {
        if len > MAX_FIELDS {
            return Err(violation(format!("{list}: {len} fields are more than {MAX_FIELDS}")));
        }
    }
    for field in &plan.reads {
        check_field(table, field).map_err(|problem| wrong("read", field, &problem))?;
    }
    for field in &plan.writes {
        check_write(table, field).map_err(|problem| wrong("write", field, &problem))?;
    }
    for field in &plan.removes {
        check_remove(table, field).map_err(|problem| wrong("remove", field, &problem))?;
    }
    check_overlaps(plan)?;
    check_renames(table, plan)
}

fn wrong(doing: &str, field: &Field, problem: &str) -> super::Violation {
    violation(format!("{doing} of {}: {problem}", Shown(field)))
}

fn check_field(table: &Table, field: &Field) -> Result<(), String> {
    match field.image {
        Image::Meta if !META.contains(&field.name.as_str()) => {
            return Err(format!("there is no such meta field, only {}", META.join(", ")));
        }
        Image::Header | Image::Meta if !field.pointer.is_empty() => {
            return Err("a pointer reaches into columns only".to_owned());
        }
        Image::Header if field.name.is_empty() || field.name.contains('\0') => {
            return Err("a header's name is not empty and holds no NUL".to_owned());
        }
        Image::Before | Image::After | Image::Key
            if field.name.is_empty() && table.column("").is_none() =>
        {
            return Err("the name is empty".to_owned());
        }
        _ => {}
    }
    if is_pointer(&field.pointer) {
        return Ok(());
    }
    Err("the pointer is none (RFC 6901): it begins with \"/\", and \"~\" is \"~0\"".to_owned())
}

fn is_pointer(text: &str) -> bool {
    let mut escapes = text.split('~').skip(1);
    (text.is_empty() || text.starts_with('/')) && escapes.all(|rest| rest.starts_with(['0', '1']))
}

fn check_write(table: &Table, field: &Field) -> Result<(), String> {
    check_field(table, field)?;
    if field.image == Image::Meta && field.name != TOPIC {
        return Err("of the meta fields only the topic can be written".to_owned());
    }
    Ok(())
}

fn check_remove(table: &Table, field: &Field) -> Result<(), String> {
    check_field(table, field)?;
    if field.image == Image::Meta {
        return Err("a meta field cannot be removed".to_owned());
    }
    Ok(())
}

/// No two of the plan's writes and removes touch the same place, or one a place inside the other's.
fn check_overlaps(plan: &Plan) -> Checked {
    let mut places: Vec<(Image, &str, Vec<&str>, &Field)> = plan
        .writes
        .iter()
        .chain(&plan.removes)
        .map(|field| (field.image, field.name.as_str(), field.pointer.split('/').collect(), field))
        .collect();
    // Sorted by the parts of the pointer, a place stands right before those inside it.
    places.sort_unstable_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    for pair in places.windows(2) {
        let [outer, inner] = pair else { continue };
        if (outer.0, outer.1) == (inner.0, inner.1) && inner.2.starts_with(&outer.2) {
            let (outer, inner) = (Shown(outer.3), Shown(inner.3));
            return Err(violation(format!(
                "writes and removes touch the same place: {outer} and {inner}"
            )));
        }
    }
    Ok(())
}

/// Every rename has one column to take from, and one name to give that nothing else has in that image.
fn check_renames(table: &Table, plan: &Plan) -> Checked {
    if plan.renames.is_empty() {
        return Ok(());
    }
    let whole = |field: &&Field| field.pointer.is_empty();
    let mut gone: FxHashSet<Place<'_>> = plan.removes.iter().filter(whole).map(place).collect();
    for Rename { column, .. } in &plan.renames {
        let problem = |problem: &str| wrong("rename", column, problem);
        check_field(table, column).map_err(|text| problem(&text))?;
        if matches!(column.image, Image::Header | Image::Meta) || !column.pointer.is_empty() {
            return Err(problem("only whole columns can be renamed"));
        }
        if !gone.insert(place(column)) {
            return Err(problem("it is removed or renamed already"));
        }
    }
    let columns: FxHashSet<&str> = table.columns.iter().map(|column| &*column.name).collect();
    let mut taken: FxHashSet<Place<'_>> = plan.writes.iter().map(place).collect();
    taken.retain(|written| !gone.contains(written));
    for Rename { column, to } in &plan.renames {
        let there = (column.image, to.as_str());
        if to.is_empty() {
            return Err(wrong("rename", column, "the new name is empty"));
        }
        let stays = columns.contains(to.as_str()) && !gone.contains(&there);
        if stays || !taken.insert(there) {
            return Err(wrong("rename", column, &format!("there is a column {to:?} already")));
        }
    }
    Ok(())
}

/// A column in one image.
type Place<'a> = (Image, &'a str);

fn place(field: &Field) -> Place<'_> {
    (field.image, &field.name)
}

#[cfg(test)]
mod tests;
