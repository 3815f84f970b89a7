//! What wasmtime generates from `wit/plugin.wit`, and the way between it and `contract`. Must not know limits or faults; vectors
//! are moved, never copied.

use super::text;
use crate::{contract, table};

wasmtime::component::bindgen!({
    path: "../wit/plugin.wit",
    world: "plugin",
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub(super) use self::lockgate::plugin::host;
pub(super) use self::lockgate::plugin::types;
pub(super) use exports::lockgate::plugin::transform::Guest as Transform;

/// The longest reason of a rejected row, in bytes.
const REASON_BYTES: usize = 1 << 10;

/// Lends a batch to `call` in the shape of the generated types.
pub(super) fn lend_batch<R>(
    batch: contract::Batch<'_>,
    call: impl FnOnce(types::Batch<'_>) -> R,
) -> R {
    let reads: Vec<types::CellsParam<'_>> = batch
        .reads
        .iter()
        .map(|cells| types::CellsParam {
            kinds: &cells.kinds,
            ends: &cells.ends,
            data: &cells.data,
        })
        .collect();
    call(types::Batch { table: batch.table, operations: batch.operations, reads: &reads })
}

/// Lends a table to `call` in the shape of the generated types.
pub(super) fn lend_table<R>(table: &table::Table, call: impl FnOnce(types::Table<'_>) -> R) -> R {
    let columns: Vec<types::Column<'_>> = table
        .columns
        .iter()
        .map(|column| types::Column {
            name: &column.name,
            source_type: &column.source_type,
            key: column.key,
        })
        .collect();
    call(types::Table {
        id: table.id,
        topic: &table.topic,
        dialect: table.dialect.as_str(),
        database: &table.database,
        schema: &table.schema,
        name: &table.name,
        columns: &columns,
    })
}

impl From<types::Image> for contract::Image {
    fn from(image: types::Image) -> Self {
        match image {
            types::Image::Before => Self::Before,
            types::Image::After => Self::After,
            types::Image::Key => Self::Key,
            types::Image::Header => Self::Header,
            types::Image::Meta => Self::Meta,
        }
    }
}

impl From<types::Field> for contract::Field {
    fn from(field: types::Field) -> Self {
        Self { image: field.image.into(), name: field.name, pointer: field.pointer }
    }
}

impl From<types::Plan> for contract::Plan {
    fn from(plan: types::Plan) -> Self {
        let renames = plan.renames.into_iter();
        Self {
            reads: convert(plan.reads),
            writes: convert(plan.writes),
            removes: convert(plan.removes),
            renames: renames
                .map(|rename| contract::Rename { column: rename.column.into(), to: rename.to })
                .collect(),
            operations: plan.operations,
            independent: plan.independent,
        }
    }
}

impl From<types::Outcome> for contract::Answer {
    fn from(outcome: types::Outcome) -> Self {
        Self {
            drops: outcome.drops,
            rejections: convert(outcome.rejections),
            edits: convert(outcome.edits),
            emissions: convert(outcome.emissions),
        }
    }
}

impl From<types::Rejection> for contract::Rejection {
    fn from(rejection: types::Rejection) -> Self {
        Self { row: rejection.row, reason: text::tame(&rejection.reason, REASON_BYTES) }
    }
}

impl From<types::Edit> for contract::Edit {
    fn from(edit: types::Edit) -> Self {
        let types::CellsResult { kinds, ends, data } = edit.cells;
        let cells = contract::Cells { kinds, ends, data };
        Self { write: edit.write, rows: edit.rows, cells }
    }
}

impl From<types::Emission> for contract::Emission {
    fn from(emission: types::Emission) -> Self {
        let headers = emission.headers.into_iter();
        Self {
            row: emission.row,
            topic: emission.topic,
            key: emission.key,
            value: emission.value,
            headers: headers
                .map(|header| contract::EmissionHeader { name: header.name, value: header.value })
                .collect(),
        }
    }
}

fn convert<A, B: From<A>>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(B::from).collect()
}
