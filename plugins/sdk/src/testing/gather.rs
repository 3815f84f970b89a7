//! Gathers a plan's reads from the events of a test into cells.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::event::Event;
use super::pointer;
use crate::cell::{Cells, Kind, UNAVAILABLE};
use crate::plan::{Field, Image, Plan};

/// What Debezium writes for a value that the database did not send.
const PLACEHOLDER: &str = "__debezium_unavailable_value";

/// The three lists of the contract's `cells`.
#[derive(Debug, Default)]
pub(super) struct Owned {
    kinds: Vec<u8>,
    ends: Vec<u32>,
    data: Vec<u8>,
}

impl Owned {
    pub(super) fn lend(&self) -> Cells<'_> {
        Cells::new(&self.kinds, &self.ends, &self.data)
    }
}

pub(super) fn cells(plan: &Plan, events: &[Event], rows: &[usize]) -> Result<Vec<Owned>, String> {
    let column = |field: &Field| {
        let mut cells = Owned::default();
        for event in rows.iter().filter_map(|at| events.get(*at)) {
            let (kind, bytes) = cell(field, value(field, event).as_ref())?;
            cells.kinds.push(kind);
            cells.data.extend_from_slice(&bytes);
            let end = u32::try_from(cells.data.len());
            cells.ends.push(end.map_err(|_| "a batch of 4 GiB is too large")?);
        }
        Ok(cells)
    };
    plan.reads.iter().map(column).collect()
}

fn value(field: &Field, event: &Event) -> Option<Value> {
    let whole = match field.image {
        Image::Before | Image::After | Image::Key => {
            event.image(field.image)?.get(&field.name).cloned()
        }
        Image::Header => event.header(&field.name).cloned(),
        Image::Meta => event.meta(&field.name),
    }?;
    if whole == PLACEHOLDER { Some(whole) } else { pointer::get(&whole, &field.pointer) }
}

fn cell(field: &Field, value: Option<&Value>) -> Result<(u8, Vec<u8>), String> {
    let Some(value) = value else { return Ok((Kind::Absent as u8, Vec::new())) };
    if field.image == Image::Header
        && let Some(text) = value.get("base64")
    {
        let bytes = STANDARD.decode(text.as_str().unwrap_or_default());
        let bytes = bytes.map_err(|error| format!("reading header {:?}: {error}", field.name))?;
        return Ok((Kind::Bytes as u8, bytes));
    }
    Ok(match value {
        Value::Null => (Kind::Null as u8, Vec::new()),
        Value::Bool(value) => (Kind::Boolean as u8, value.to_string().into_bytes()),
        Value::Number(number) => (Kind::Number as u8, number.to_string().into_bytes()),
        Value::String(text) if text == PLACEHOLDER => (UNAVAILABLE, Vec::new()),
        Value::String(text) => (Kind::String as u8, text.clone().into_bytes()),
        Value::Array(_) | Value::Object(_) => (Kind::Json as u8, value.to_string().into_bytes()),
    })
}
