//! Where in a record a value turned up, and whether that is a place of the format's own: a table may be called as a row's cell
//! is. Walks the text as JSON and takes its time: it is only asked once something was found.

use super::Seen;
use crate::cell;
use crate::change::json;
use crate::protect::needles::Needles;
use crate::table::Dialect;

/// What a member of a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The format's own, the same whatever a row holds.
    Constant,
    /// An object of columns, perhaps in an array or in a string: its names are the table's.
    Image,
    /// An object whose members are to be told apart by the same names.
    Inner,
    Other,
}

type Hit = (usize, String);

/// The value found in a record's value, and where; none where only the format's own parts hold it.
pub(super) fn in_value(seen: Seen<'_, '_>, text: &[u8], needles: &Needles) -> Option<Hit> {
    let dialect = dialect(seen);
    let flat = matches!(dialect, Dialect::Json | Dialect::DebeziumFlat);
    let mut at = 0;
    let mut any = false;
    // One value may hold several objects, one after the other.
    while let Some(start) = json::next_value(text, at) {
        let end = json::end_of(text, start)?;
        if text.get(start) != Some(&b'{') {
            break;
        }
        any = true;
        let span = text.get(start..end).unwrap_or_default();
        let hit =
            if flat { in_flat(dialect, span, needles) } else { in_object(dialect, span, needles) };
        if hit.is_some() {
            return hit;
        }
        at = end;
    }
    if any { None } else { Some((needles.find(text)?, "the value".to_owned())) }
}

/// The same for a record's key.
pub(super) fn in_key(seen: Seen<'_, '_>, text: &[u8], needles: &Needles) -> Option<Hit> {
    let place = |value: usize| (value, "the key".to_owned());
    let object = super::super::conceal::key_object(text);
    let Some(object) = object.filter(|_| dialect(seen) != Dialect::Json) else {
        return needles.find(text).map(place);
    };
    let maxwell = matches!(dialect(seen), Dialect::Maxwell | Dialect::TicdcMaxwell);
    let mut members = json::members(text, object.start);
    members.find_map(|(name, value)| {
        let constant = maxwell && matches!(name.of(text), b"database" | b"table");
        needles.find(value.of(text)).filter(|_| !constant).map(place)
    })
}

fn dialect(seen: Seen<'_, '_>) -> Dialect {
    let row = seen.events.rows_of(seen.event).first();
    let table = row.and_then(|row| seen.tables.get(row.table));
    table.map_or(Dialect::Json, |table| table.dialect)
}

fn in_object(dialect: Dialect, text: &[u8], needles: &Needles) -> Option<Hit> {
    json::members(text, 0).find_map(|(name, value)| {
        let name = json::unescape(name.of(text));
        let value = value.of(text);
        match part(dialect, &name) {
            Part::Constant => None,
            Part::Inner if value.first() == Some(&b'{') => in_object(dialect, value, needles),
            Part::Image => in_image(&name, value, needles),
            Part::Inner | Part::Other => {
                Some((needles.find(value)?, format!("\"{}\"", name.escape_debug())))
            }
        }
    })
}

/// A value that is a row itself, perhaps in an envelope.
fn in_flat(dialect: Dialect, text: &[u8], needles: &Needles) -> Option<Hit> {
    let mut enveloped = json::members(text, 0);
    let (first, second) = (enveloped.next(), enveloped.next());
    if let (Some((schema, _)), Some((payload, value))) = (first, second)
        && (schema.of(text), payload.of(text)) == (b"schema".as_slice(), b"payload".as_slice())
    {
        return in_image("payload", value.of(text), needles);
    }
    if dialect == Dialect::DebeziumFlat {
        // What the transformation adds beside the columns.
        let mut members = json::members(text, 0);
        return members.find_map(|(name, value)| {
            let added = name.of(text).starts_with(b"__");
            let value = needles.find(value.of(text)).filter(|_| !added)?;
            Some((value, of_column("value", &json::unescape(name.of(text)))))
        });
    }
    in_image("value", text, needles)
}

/// An object of columns, an array of such, or a string that holds one.
fn in_image(image: &str, text: &[u8], needles: &Needles) -> Option<Hit> {
    match text {
        [b'{', ..] => json::members(text, 0).find_map(|(name, value)| {
            let found = needles.find(value.of(text))?;
            Some((found, of_column(image, &json::unescape(name.of(text)))))
        }),
        [b'[', ..] => {
            json::elements(text, 0).find_map(|element| in_image(image, element.of(text), needles))
        }
        [b'"', inner @ .., b'"'] => {
            let mut plain = Vec::with_capacity(inner.len());
            let read = cell::unescape(inner, &mut plain);
            if read.is_ok() && json::is_container(&plain) {
                return in_image(image, &plain, needles);
            }
            Some((needles.find(inner)?, format!("\"{image}\"")))
        }
        _ => Some((needles.find(text)?, format!("\"{image}\""))),
    }
}

fn of_column(image: &str, name: &str) -> String {
    format!("column \"{}\" of \"{image}\"", name.escape_debug())
}

/// Members of a Debezium event, of its source block, and of the CloudEvent around it.
const DEBEZIUM: &str = "schema op ts_ms ts_us ts_ns transaction specversion id type time datacontenttype dataschema \
    removedFields truncatedArrays version connector name snapshot db sequence table server_id gtid file pos row thread txId \
    lsn xmin origin origin_lsn collection ord lsid txnNumber wallTime change_lsn commit_lsn event_serial_no scn commit_scn \
    rs_id ssn redo_thread user_name row_id start_scn txSeq";
const MAXWELL: &str = "database table type ts xid xoffset commit position gtid server_id thread_id schema_id push_ts \
    primary_key_columns";
const CANAL: &str = "database table type ts es id isDdl mysqlType sqlType pkNames gtid _tidb";
const OGG: &str = "table op_type op_ts current_ts pos primary_keys";
const DMS: &str =
    "timestamp record-type operation partition-key-type schema-name table-name transaction-id";

fn part(dialect: Dialect, name: &str) -> Part {
    let constants = match dialect {
        Dialect::Debezium | Dialect::TicdcDebezium | Dialect::CloudEvents => DEBEZIUM,
        Dialect::Maxwell | Dialect::TicdcMaxwell => MAXWELL,
        Dialect::Canal | Dialect::Ticdc => CANAL,
        Dialect::Ogg => OGG,
        Dialect::Dms => DMS,
        Dialect::DebeziumFlat | Dialect::Json => "",
    };
    let is_constant = constants.split(' ').any(|constant| constant == name);
    match name {
        _ if is_constant || name.starts_with("iodebezium") => Part::Constant,
        "before" | "after" | "old" | "updatedFields" => Part::Image,
        // A CloudEvent holds its event in `data`, which others use for rows.
        "data" if dialect == Dialect::CloudEvents => Part::Inner,
        "data" => Part::Image,
        "payload" | "source" | "updateDescription" | "metadata" => Part::Inner,
        _ => Part::Other,
    }
}
