//! Compares the values of two cells as CEL does, numbers by their exact value. Must not know batches or expressions.

use std::cmp::Ordering;

use lockgate_plugin::Cell;
use serde_json::Value;

use crate::decimal;
use crate::evaluate::Truth;
use crate::program::Comparison;

pub(crate) fn cells(comparison: Comparison, left: Cell<'_>, right: Cell<'_>) -> Truth {
    if let Some(missing) = Truth::missing(left).or_else(|| Truth::missing(right)) {
        return missing;
    }
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => equal(left, right).not(),
        Comparison::Less => ordered(left, right, Ordering::is_lt),
        Comparison::LessOrEqual => ordered(left, right, Ordering::is_le),
        Comparison::Greater => ordered(left, right, Ordering::is_gt),
        Comparison::GreaterOrEqual => ordered(left, right, Ordering::is_ge),
    }
}

/// Values of different kinds are not equal, and that is no mistake.
fn equal(left: Cell<'_>, right: Cell<'_>) -> Truth {
    match (left, right) {
        (Cell::Number(left), Cell::Number(right)) => match decimal::compare(left, right) {
            Some(order) => order.is_eq().into(),
            None => Truth::Mismatch,
        },
        (Cell::Json(left), Cell::Json(right)) => match (json(left), json(right)) {
            (Some(left), Some(right)) => equal_json(&left, &right),
            _ => Truth::Mismatch,
        },
        _ => (left == right).into(),
    }
}

/// Values of different kinds have no order; nor have null and JSON.
fn ordered(left: Cell<'_>, right: Cell<'_>, wanted: fn(Ordering) -> bool) -> Truth {
    let order = match (left, right) {
        (Cell::Number(left), Cell::Number(right)) => decimal::compare(left, right),
        (Cell::String(left), Cell::String(right)) => Some(left.cmp(right)),
        (Cell::Bytes(left), Cell::Bytes(right)) => Some(left.cmp(right)),
        (Cell::Boolean(left), Cell::Boolean(right)) => Some(left.cmp(&right)),
        _ => None,
    };
    order.map_or(Truth::Mismatch, |order| wanted(order).into())
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn equal_json(left: &Value, right: &Value) -> Truth {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            equal(Cell::Number(&left.to_string()), Cell::Number(&right.to_string()))
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            all(left.iter().zip(right).map(|(left, right)| equal_json(left, right)))
        }
        (Value::Object(left), Value::Object(right)) if left.len() == right.len() => {
            all(left.iter().map(|(name, left)| match right.get(name) {
                Some(right) => equal_json(left, right),
                None => Truth::False,
            }))
        }
        _ => (left == right).into(),
    }
}

fn all(mut truths: impl Iterator<Item = Truth>) -> Truth {
    truths.find(|truth| *truth != Truth::True).unwrap_or(Truth::True)
}
