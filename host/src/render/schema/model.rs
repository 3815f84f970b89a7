//! What a Connect schema, as its JSON converter writes it, declares of the columns of a table.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::nested;
use super::Side;
use crate::change::Span;
use crate::change::json;
use crate::contract::{Image, kind};
use crate::overlay::Edit;
use crate::table::Table;

/// What a schema declares.
#[derive(Debug)]
pub(super) struct Model {
    /// As they stand in the text.
    pub(super) images: Vec<Declared>,
}

#[derive(Debug)]
pub(super) struct Declared {
    pub(super) image: Image,
    /// The array of the image's fields.
    pub(super) fields: Span,
    /// By column number.
    pub(super) columns: Vec<Option<Field>>,
}

/// A field that is a column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) connect: Connect,
    pub(super) optional: bool,
}

/// The types of Connect, as far as they differ in what JSON fits them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connect {
    Integer {
        lowest: i64,
        highest: i64,
    },
    Float,
    Boolean,
    String,
    Bytes,
    /// Bytes in one setting of the converter, a number in another.
    Decimal,
    Array,
    Object,
    Unknown,
}

impl Connect {
    /// Whether an edit that is neither null nor absent fits the type.
    pub(super) fn takes(self, edit: Edit<'_>) -> bool {
        let first = edit.text.first().copied().unwrap_or(0);
        match (self, edit.kind) {
            (Self::Unknown, _)
            | (Self::Boolean, kind::BOOLEAN)
            | (Self::String, kind::STRING)
            | (Self::Bytes | Self::Decimal, kind::BYTES)
            | (Self::Float | Self::Decimal, kind::NUMBER) => true,
            (Self::Integer { lowest, highest }, kind::NUMBER) => std::str::from_utf8(edit.text)
                .ok()
                .and_then(|text| text.parse::<i64>().ok())
                .is_some_and(|number| (lowest..=highest).contains(&number)),
            (Self::Array, kind::JSON) => first == b'[',
            (Self::Object, kind::JSON) => first == b'{',
            _ => false,
        }
    }

    fn of(r#type: &[u8], name: &[u8]) -> Self {
        let integer = |lowest, highest| Self::Integer { lowest, highest };
        match r#type {
            br#""int8""# => integer(i8::MIN.into(), i8::MAX.into()),
            br#""int16""# => integer(i16::MIN.into(), i16::MAX.into()),
            br#""int32""# => integer(i32::MIN.into(), i32::MAX.into()),
            br#""int64""# => integer(i64::MIN, i64::MAX),
            br#""float""# | br#""double""# | br#""float32""# | br#""float64""# => Self::Float,
            br#""boolean""# => Self::Boolean,
            br#""string""# => Self::String,
            br#""bytes""# if name == br#""org.apache.kafka.connect.data.Decimal""# => Self::Decimal,
            br#""bytes""# => Self::Bytes,
            br#""array""# => Self::Array,
            br#""struct""# | br#""map""# => Self::Object,
            _ => Self::Unknown,
        }
    }
}

impl Model {
    pub(super) fn read(text: &[u8], side: Side, table: &Table) -> Self {
        let numbers: HashMap<&str, usize> = table
            .columns
            .iter()
            .enumerate()
            .map(|(number, column)| (&*column.name, number))
            .collect();
        let declared = |image, object: Span| {
            let fields = array(text, object);
            let mut columns = vec![None; table.columns.len()];
            for field in json::elements(text, fields.start) {
                let name = string(text, field, "field");
                let number = name.and_then(|name| {
                    let alias = nested::key_of_document(side, table, &name);
                    alias.map(usize::from).or_else(|| numbers.get(&*name).copied())
                });
                if let Some(place) = number.and_then(|number| columns.get_mut(number)) {
                    *place = Some(Field::read(text, field));
                }
            }
            Declared { image, fields, columns }
        };
        let root = Span { start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) };
        if let Some(image) = side.single() {
            return Self { images: vec![declared(image, root)] };
        }
        let fields = array(text, root);
        let images = json::elements(text, fields.start).filter_map(|field| {
            match &*string(text, field, "field")? {
                "before" => Some(declared(Image::Before, field)),
                "after" => Some(declared(Image::After, field)),
                _ => None,
            }
        });
        Self { images: images.collect() }
    }

    pub(super) fn field(&self, image: Image, column: u16) -> Option<Field> {
        let declared = self.images.iter().find(|declared| declared.image == image)?;
        declared.columns.get(usize::from(column)).copied().flatten()
    }
}

impl Field {
    fn read(text: &[u8], object: Span) -> Self {
        let value = |name| member(text, object, name).unwrap_or_default().of(text);
        Self {
            connect: Connect::of(value("type"), value("name")),
            optional: value("optional") == b"true",
        }
    }
}

/// The array of a struct's fields; empty where there is none.
fn array(text: &[u8], object: Span) -> Span {
    let fields = member(text, object, "fields");
    fields.filter(|fields| fields.of(text).starts_with(b"[")).unwrap_or_default()
}

/// The value of an object's member; of two the last, as Connect reads it.
pub(super) fn member(text: &[u8], object: Span, name: &str) -> Option<Span> {
    let is_named = |found: &[u8]| match json::is_escaped(found) {
        true => json::unescape(found) == name,
        false => found == name.as_bytes(),
    };
    let named = json::members(text, object.start).filter(|(found, _)| is_named(found.of(text)));
    named.last().map(|(_, value)| value)
}

/// The text of an object's member that is a string.
pub(super) fn string<'t>(text: &'t [u8], object: Span, name: &str) -> Option<Cow<'t, str>> {
    match member(text, object, name)?.of(text) {
        [b'"', inner @ .., b'"'] => Some(json::unescape(inner)),
        _ => None,
    }
}
