//! One spelling for values that are the same in different formats: `42` of Debezium, `"42"` of Canal, `{"$numberLong":"42"}` of
//! MongoDB. Pure.

use lockgate_plugin::Cell;
use lockgate_plugin::json::{is_well_formed, trimmed, unescape};

use crate::decimal::Decimal;
use crate::extended;

/// Hands the canonical bytes of a cell to `take`. Numbers, and text that is a plain decimal number, have no exponent and no zeros
/// that could be left out; text that is an Extended JSON scalar or a JSON string, as MongoDB's record keys hold their id, is that
/// scalar; anything else is as it stands.
pub(crate) fn with<T>(cell: Cell<'_>, take: impl FnOnce(&[u8]) -> T) -> T {
    match cell {
        Cell::Number(number) => take(decimal(Decimal::parse(number), number).as_bytes()),
        Cell::String(text) => string(text, take),
        _ => take(cell.as_bytes()),
    }
}

fn string<T>(text: &str, take: impl FnOnce(&[u8]) -> T) -> T {
    let mut buffer = String::new();
    if matches!(trimmed(text).as_bytes().first(), Some(b'{' | b'"')) && is_well_formed(text) {
        if let Some(scalar) = extended::scalar(text, &mut buffer) {
            return match scalar.cell {
                Cell::Number(number) => take(decimal(Decimal::parse(number), number).as_bytes()),
                Cell::String(text) => take(plain(text).as_bytes()),
                cell => take(cell.as_bytes()),
            };
        }
        if let Some(text) = unescape(trimmed(text)) {
            return take(plain(&text).as_bytes());
        }
    }
    take(plain(text).as_bytes())
}

fn plain(text: &str) -> String {
    decimal(Decimal::parse_plain(text), text)
}

fn decimal(decimal: Option<Decimal<'_>>, text: &str) -> String {
    decimal.map_or_else(|| text.to_owned(), |decimal| decimal.canonical())
}
