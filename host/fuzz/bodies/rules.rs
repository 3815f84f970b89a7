//! The rules for plans and answers once more, read off `wit/plugin.wit` and written as plainly as can be: slow, and with nothing of
//! the code that it is held against.

use std::collections::BTreeSet;

use lockgate::contract::{Answer, Edit, Field, Image, Plan, kind};
use lockgate::table::Table;
use serde_json::Value;

const META: &str =
    "topic partition offset timestamp operation database schema table transaction value";

pub(crate) fn is_legal_plan(table: &Table, plan: &Plan) -> bool {
    let renamed: Vec<&Field> = plan.renames.iter().map(|rename| &rename.column).collect();
    let touched: Vec<&Field> = plan.writes.iter().chain(&plan.removes).collect();
    let fields = plan.reads.iter().chain(touched.iter().copied()).chain(renamed.iter().copied());
    fields.into_iter().all(|field| is_field(table, field))
        && plan.writes.iter().all(|field| field.image != Image::Meta || field.name == "topic")
        && plan.removes.iter().all(|field| field.image != Image::Meta)
        && touched.iter().enumerate().all(|(at, one)| {
            touched
                .iter()
                .skip(at + 1)
                .all(|other| !is_inside(one, other) && !is_inside(other, one))
        })
        && renamed.iter().all(|field| is_column(field) && field.pointer.is_empty())
        && [Image::Before, Image::After, Image::Key]
            .iter()
            .all(|image| are_names(table, plan, *image))
}

fn is_column(field: &Field) -> bool {
    matches!(field.image, Image::Before | Image::After | Image::Key)
}

fn is_field(table: &Table, field: &Field) -> bool {
    let name = match field.image {
        Image::Meta => META.split(' ').any(|name| name == field.name),
        Image::Header => !field.name.is_empty() && !field.name.contains('\0'),
        _ => !field.name.is_empty() || table.columns.iter().any(|column| column.name.is_empty()),
    };
    name && match tokens(&field.pointer) {
        Some(tokens) => tokens.is_empty() || is_column(field),
        None => false,
    }
}

/// The names that a pointer leads through (RFC 6901).
pub(crate) fn tokens(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let token = |token: &str| {
        let mut name = String::new();
        let mut rest = token.chars();
        while let Some(c) = rest.next() {
            name.push(match c {
                '~' => match rest.next()? {
                    '0' => '~',
                    '1' => '/',
                    _ => return None,
                },
                c => c,
            });
        }
        Some(name)
    };
    pointer.strip_prefix('/')?.split('/').map(token).collect()
}

/// Whether `inner` is the place that `outer` is, or one inside it.
fn is_inside(inner: &Field, outer: &Field) -> bool {
    let (Some(inner_path), Some(outer_path)) = (tokens(&inner.pointer), tokens(&outer.pointer))
    else {
        return false;
    };
    (inner.image, &inner.name) == (outer.image, &outer.name) && inner_path.starts_with(&outer_path)
}

/// Plays the plan through on the names of one image: each rename takes a name that is there to take, and gives one that is free.
fn are_names(table: &Table, plan: &Plan, image: Image) -> bool {
    let of = |field: &&Field| field.image == image && field.pointer.is_empty();
    let mut names: BTreeSet<&str> = table.columns.iter().map(|column| &*column.name).collect();
    // A write into a cell needs the name as well.
    names.extend(plan.writes.iter().filter(|field| field.image == image).map(|field| &*field.name));
    let mut gone: BTreeSet<&str> =
        plan.removes.iter().filter(of).map(|field| &*field.name).collect();
    let renames = || plan.renames.iter().filter(|rename| rename.column.image == image);
    let all_taken = renames().all(|rename| gone.insert(&rename.column.name));
    names.retain(|name| !gone.contains(name));
    all_taken && renames().all(|rename| !rename.to.is_empty() && names.insert(&rename.to))
}

/// Bytes that count towards the cap.
pub(crate) fn size(answer: &Answer) -> usize {
    let some = |bytes: &Option<Vec<u8>>| bytes.clone().unwrap_or_default().len();
    let mut size = 0;
    for edit in &answer.edits {
        size += edit.cells.data.len();
    }
    for emission in &answer.emissions {
        size += some(&emission.key) + some(&emission.value);
        for header in &emission.headers {
            size += header.name.len() + some(&header.value);
        }
    }
    size
}

pub(crate) fn is_legal(plan: &Plan, rows: u32, answer: &Answer) -> bool {
    let rejections: Vec<u32> = answer.rejections.iter().map(|rejection| rejection.row).collect();
    let emissions: Vec<u32> = answer.emissions.iter().map(|emission| emission.row).collect();
    let once =
        |edit: &Edit| answer.edits.iter().filter(|other| other.write == edit.write).count() == 1;
    ascend(&answer.drops, rows)
        && ascend(&rejections, rows)
        && answer.drops.iter().all(|row| !rejections.contains(row))
        && answer.edits.iter().all(|edit| {
            let field = plan.writes.get(edit.write as usize);
            once(edit) && field.is_some_and(|field| is_legal_edit(field, rows, edit))
        })
        && emissions.is_sorted()
        && emissions.iter().all(|row| *row < rows && !rejections.contains(row))
        && answer.emissions.iter().all(|emission| {
            is_topic(emission.topic.as_bytes())
                && emission.headers.iter().all(|header| !header.name.contains('\0'))
        })
}

fn ascend(numbers: &[u32], rows: u32) -> bool {
    numbers.windows(2).all(|pair| pair[0] < pair[1]) && numbers.iter().all(|row| *row < rows)
}

fn is_topic(name: &[u8]) -> bool {
    const LEGAL: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    !name.is_empty()
        && name.len() < 250
        && name != b"."
        && name != b".."
        && name.iter().all(|byte| LEGAL.as_bytes().contains(byte))
}

fn is_legal_edit(field: &Field, rows: u32, edit: &Edit) -> bool {
    let cells = &edit.cells;
    if !ascend(&edit.rows, rows)
        || cells.kinds.len() != edit.rows.len()
        || cells.ends.len() != edit.rows.len()
    {
        return false;
    }
    let mut start = 0;
    for (code, end) in cells.kinds.iter().zip(&cells.ends) {
        let Some(cell) = cells.data.get(start..*end as usize) else { return false };
        let legal = match field.image {
            Image::Meta => *code == kind::STRING && is_topic(cell),
            _ => is_cell(*code, cell),
        };
        if !legal {
            return false;
        }
        start = *end as usize;
    }
    start == cells.data.len()
}

fn is_cell(code: u8, cell: &[u8]) -> bool {
    let json = serde_json::from_slice::<Value>(cell).ok();
    // A number's text is all of the cell, with nothing around it.
    let bare = cell.iter().all(|byte| !byte.is_ascii_whitespace());
    match code {
        0 | 1 => cell.is_empty(),
        2 => cell == b"true" || cell == b"false",
        3 => bare && json.is_some_and(|json| json.is_number()),
        4 => String::from_utf8(cell.to_vec()).is_ok(),
        5 => json.is_some_and(|json| json.is_object() || json.is_array()),
        6 => true,
        _ => false,
    }
}
