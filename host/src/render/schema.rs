//! Keeps the schema of an envelope in step with its payload: which changes a record's edits ask of it, and the schemas that
//! were rewritten before. The writing itself is in `rewrite`.

mod model;
mod rewrite;

use super::infer::{self, Type};
use super::{RowEdits, Subject, row_image};
use crate::change::{Form, Presence, Row};
use crate::contract::{Image, kind};
use crate::outcome::{Code, Refusal};
use crate::overlay::{Created, Edit, Fate, Layout, Target};
use crate::table::{Dialect, Table};

use model::{Field, Model};

/// Whose envelope a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Value,
    Key,
    /// A value that is its row: an envelope's schema then describes it as a key's does.
    Row(Image),
}

impl Side {
    fn images(self) -> &'static [Image] {
        match self {
            Self::Value => &[Image::Before, Image::After],
            Self::Key => &[Image::Key],
            Self::Row(Image::Before) => &[Image::Before],
            Self::Row(_) => &[Image::After],
        }
    }

    /// The image whose fields the schema's own are, where it describes one image and not an event.
    pub(super) fn single(self) -> Option<Image> {
        match self {
            Self::Value => None,
            Self::Key => Some(Image::Key),
            Self::Row(image) => Some(image),
        }
    }

    /// The same for a value of `table` that holds `row`.
    fn of(self, table: &Table, row: &Row) -> Self {
        match self {
            Self::Value if table.dialect == Dialect::DebeziumFlat => {
                Self::Row(if is_present(Image::Before, row) { Image::Before } else { Image::After })
            }
            side => side,
        }
    }
}

/// The schemas seen, and what became of them.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    known: Vec<Known>,
    /// Bytes held by `known`.
    size: usize,
    /// Room for the effects of one record.
    effects: Vec<Effect>,
}

/// One schema of one table under one layout.
#[derive(Debug)]
struct Known {
    table: u32,
    side: Side,
    text: Box<[u8]>,
    layout: Layout,
    model: Model,
    /// The newest type of each created column, so that its field stays while rows come without it.
    created: Vec<Option<Type>>,
    rewritten: Vec<Rewritten>,
}

#[derive(Debug)]
struct Rewritten {
    effects: Vec<Effect>,
    /// None where the schema stays as it is.
    text: Option<Box<[u8]>>,
}

/// What an edit asks of the field of its target.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Effect {
    target: Target,
    optional: bool,
    /// None where the declared type still holds.
    to: Option<Type>,
}

impl Schemas {
    /// Above so many bytes or schemas everything is forgotten: what changes so much is not constant.
    const LARGEST: usize = 16 * 1024 * 1024;
    const MOST: usize = 256;
    /// More variants of one schema than a few kinds of rows need are not worth remembering.
    const VARIANTS: usize = 32;

    /// The schema that the envelope of one side leaves with, for the `text` it came with; none where it stays as it is.
    pub(super) fn rewritten(
        &mut self,
        subject: Subject<'_, '_>,
        (side, text): (Side, &[u8]),
        row: &Row,
        edits: &RowEdits,
    ) -> Result<Option<&[u8]>, Refusal> {
        // A document in a string is declared as a string, whatever is in it.
        let is_document = |image: &Image| row_image(row, *image).form == Form::Escaped;
        if !text.starts_with(b"{") || side.images().iter().any(is_document) {
            return Ok(None);
        }
        let Some(table) = subject.tables.get(row.table) else { return Ok(None) };
        let side = side.of(table, row);
        let at = self.find(table, side, text, subject.layouts.of(row.table));
        let Some(known) = self.known.get_mut(at) else { return Ok(None) };
        self.effects.clear();
        known.effects(subject, row, edits, &mut self.effects)?;
        let variant = match known.rewritten.iter().position(|one| one.effects == self.effects) {
            Some(variant) => variant,
            None => {
                let text = rewrite::schema(known, table, &self.effects);
                self.size += text.as_ref().map_or(0, |text| text.len());
                if known.rewritten.len() >= Self::VARIANTS {
                    known.rewritten.clear();
                }
                known.rewritten.push(Rewritten { effects: self.effects.clone(), text });
                known.rewritten.len() - 1
            }
        };
        Ok(known.rewritten.get(variant).and_then(|variant| variant.text.as_deref()))
    }

    /// Where the schema stands in `known`, read anew if it is new or the layout is.
    fn find(&mut self, table: &Table, side: Side, text: &[u8], layout: &Layout) -> usize {
        let found = self.known.iter().position(|known| {
            known.table == table.id && known.side == side && *known.text == *text
        });
        let current = |at: usize| self.known.get(at).is_some_and(|known| known.layout == *layout);
        if let Some(found) = found.filter(|found| current(*found)) {
            return found;
        }
        if self.size > Self::LARGEST || self.known.len() >= Self::MOST {
            self.known.clear();
            self.size = 0;
        } else if let Some(found) = found {
            self.known.swap_remove(found);
        }
        self.size += text.len();
        self.known.push(Known {
            table: table.id,
            side,
            text: text.into(),
            layout: layout.clone(),
            model: Model::read(text, side, table),
            created: vec![None; layout.created.len()],
            rewritten: Vec::new(),
        });
        self.known.len() - 1
    }
}

impl Known {
    /// What the row's edits ask of the schema, in the order of their targets.
    fn effects(
        &mut self,
        subject: Subject<'_, '_>,
        row: &Row,
        edits: &RowEdits,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        for (target, number) in &edits.list {
            let Target::Column { image, column } = *target else { continue };
            let Some(edit) = subject.overlay.edit(*number) else { continue };
            for image in self.declaring(image, row) {
                if *subject.layouts.of(row.table).fate(image, column) == Fate::Remove {
                    continue;
                }
                let asked = asked(self.model.field(image, column), edit);
                if let Some((optional, to)) = asked.map_err(|()| refusal(subject, row, column))? {
                    let target = Target::Column { image, column };
                    effects.push(Effect { target, optional, to });
                }
            }
        }
        for (created, number) in edits.created() {
            let edit = subject
                .overlay
                .edit(number)
                .filter(|edit| !matches!(edit.kind, kind::ABSENT | kind::NULL));
            let Some(edit) = edit else { continue };
            let asked =
                asked(None, edit).map_err(|()| refusal_of_created(subject, row, created))?;
            let to = asked.and_then(|(_, to)| to);
            if let Some(place) =
                self.follower(created, row).and_then(|follower| self.created.get_mut(follower))
            {
                place.clone_from(&to);
            }
            if let Some(place) = self.created.get_mut(usize::from(created)) {
                *place = to;
            }
        }
        let known = (0u16..).zip(&self.created).zip(&self.layout.created);
        effects.extend(known.filter_map(|((number, known), created)| {
            let own = created.name.is_some() && self.side.images().contains(&created.image);
            let to = known.clone().filter(|_| own)?;
            Some(Effect { target: Target::Created(number), optional: true, to: Some(to) })
        }));
        Ok(())
    }

    /// The images whose declarations an edit of `image` concerns. Before and after share the name of their struct: so that they
    /// stay alike, an image that the row does not have follows the other.
    fn declaring(&self, image: Image, row: &Row) -> impl Iterator<Item = Image> + use<> {
        let own = self.side.images().contains(&image) && is_present(image, row);
        let other = other(image).filter(|other| own && !is_present(*other, row));
        own.then_some(image).into_iter().chain(other)
    }

    /// The created column of the same name in an image that the row does not have, for the same reason.
    fn follower(&self, created: u16, row: &Row) -> Option<usize> {
        let own = self.layout.created.get(usize::from(created))?;
        let other = other(own.image).filter(|other| !is_present(*other, row))?;
        let is_it = |one: &Created| one.image == other && one.name == own.name;
        self.layout.created.iter().position(is_it)
    }
}

fn is_present(image: Image, row: &Row) -> bool {
    row_image(row, image).presence == Presence::Present
}

/// The image whose struct has the same name.
fn other(image: Image) -> Option<Image> {
    match image {
        Image::Before => Some(Image::After),
        Image::After => Some(Image::Before),
        Image::Key | Image::Header | Image::Meta => None,
    }
}

/// Whether an edit makes a field optional, and which type it asks for; none where it fits the field as it is.
fn asked(field: Option<Field>, edit: Edit<'_>) -> Result<Option<(bool, Option<Type>)>, ()> {
    if matches!(edit.kind, kind::ABSENT | kind::NULL) {
        // What was never declared needs no permission to be null.
        return Ok(field.filter(|field| !field.optional).map(|_| (true, None)));
    }
    if field.is_some_and(|field| field.connect.takes(edit)) {
        return Ok(None);
    }
    let to = match edit.kind {
        kind::BOOLEAN => infer::BOOLEAN,
        kind::NUMBER => infer::number(edit.text),
        kind::BYTES => infer::BYTES,
        kind::JSON => infer::json(edit.text).ok_or(())?,
        _ => infer::STRING,
    };
    Ok(Some((field.is_none_or(|field| field.optional), Some(to))))
}

#[cold]
fn refusal(subject: Subject<'_, '_>, row: &Row, column: u16) -> Refusal {
    let table = subject.tables.get(row.table);
    let name =
        table.and_then(|table| table.columns.get(usize::from(column))).map(|column| &*column.name);
    no_type(name.unwrap_or_default())
}

#[cold]
fn refusal_of_created(subject: Subject<'_, '_>, row: &Row, created: u16) -> Refusal {
    let created = subject.layouts.of(row.table).created.get(usize::from(created));
    no_type(created.and_then(|created| created.name.as_deref()).unwrap_or_default())
}

fn no_type(column: &str) -> Refusal {
    Refusal::new(
        Code::SchemaUnknown,
        format!(
            "column \"{column}\" now holds JSON that no Connect schema describes (an array of different types, or a name that \
             stands twice): write it as a string"
        ),
    )
}
