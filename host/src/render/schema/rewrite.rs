//! Writes a schema anew: fields cut, renamed, retyped, made optional or added; what nobody touched stays byte for byte.

use super::super::infer::{self, Type};
use super::super::nested;
use super::super::writer::Writer;
use super::model::{Declared, member, string};
use super::{Effect, Known};
use crate::cell;
use crate::change::Span;
use crate::change::json::{self, Removals};
use crate::overlay::{Fate, Target};
use crate::table::Table;

/// The schema with the layout's and the effects' changes; none where it stays as it is.
pub(super) fn schema(known: &Known, table: &Table, effects: &[Effect]) -> Option<Box<[u8]>> {
    let mut writer = Writer::new(&known.text);
    for declared in &known.model.images {
        let rewrite = Rewrite { known, table, effects, declared };
        rewrite.image(&mut writer);
    }
    match writer.finish() {
        std::borrow::Cow::Owned(text) => Some(text.into()),
        std::borrow::Cow::Borrowed(_) => None,
    }
}

struct Rewrite<'a> {
    known: &'a Known,
    table: &'a Table,
    effects: &'a [Effect],
    declared: &'a Declared,
}

impl Rewrite<'_> {
    fn image(&self, writer: &mut Writer<'_>) {
        let text = &self.known.text;
        let fields = self.declared.fields;
        if fields.is_empty() {
            return;
        }
        let mut removals = Removals::default();
        let mut end = fields.start as usize + 1;
        for field in json::elements(text, fields.start) {
            end = field.end as usize;
            let name = string(text, field, "field");
            let key = name
                .as_deref()
                .and_then(|name| nested::key_of_document(self.known.side, self.table, name));
            let column = key.or_else(|| self.table.column(&name?));
            let mut fate = column
                .map_or(&Fate::Keep, |column| self.known.layout.fate(self.declared.image, column));
            if key.is_some() && matches!(fate, Fate::Rename(_)) {
                fate = &Fate::Keep;
            }
            let range = field.start as usize..field.end as usize;
            if let Some(cut) = removals.entry(range, *fate == Fate::Remove) {
                writer.replace(cut, |_| {});
            }
            if *fate != Fate::Remove {
                let effect = column.and_then(|column| self.effect(column));
                self.field(field, fate, effect, writer);
            }
        }
        let mut comma = removals.any_kept();
        if let Some(cut) = removals.end() {
            end = cut.end;
            writer.replace(cut, |_| {});
        }
        for (name, r#type) in self.added() {
            let field = infer::field(r#type, true, name);
            writer.replace(end..end, |out| {
                if comma {
                    out.push(b',');
                }
                out.extend_from_slice(field.as_bytes());
            });
            comma = true;
        }
    }

    fn effect(&self, column: u16) -> Option<&Effect> {
        let target = Target::Column { image: self.declared.image, column };
        self.effects.iter().find(|effect| effect.target == target)
    }

    /// One field that stays, perhaps under another name or with another type.
    fn field(&self, field: Span, fate: &Fate, effect: Option<&Effect>, writer: &mut Writer<'_>) {
        let text = &self.known.text;
        if let Some(Effect { optional, to: Some(to), .. }) = effect {
            let plain = string(text, field, "field").unwrap_or_default();
            let name = if let Fate::Rename(name) = fate { name } else { &*plain };
            let anew = infer::field(to, *optional, name);
            writer.replace(range(field), |out| out.extend_from_slice(anew.as_bytes()));
            return;
        }
        let mut changes: Vec<(Span, Vec<u8>)> = Vec::new();
        if let (Fate::Rename(name), Some(at)) = (fate, member(text, field, "field")) {
            let mut quoted = vec![b'"'];
            cell::escape(name.as_bytes(), &mut quoted);
            quoted.push(b'"');
            changes.push((at, quoted));
        }
        if effect.is_some_and(|effect| effect.optional) {
            match member(text, field, "optional") {
                Some(at) => changes.push((at, b"true".to_vec())),
                None => {
                    let start = field.start + 1;
                    changes.push((Span { start, end: start }, br#""optional":true,"#.to_vec()));
                }
            }
        }
        changes.sort_unstable_by_key(|(at, _)| at.start);
        for (at, with) in changes {
            writer.replace(range(at), |out| out.extend_from_slice(&with));
        }
    }

    /// Fields that the schema does not have yet: columns it never declared, and created ones.
    fn added(&self) -> impl Iterator<Item = (&str, &Type)> {
        let image = self.declared.image;
        self.effects.iter().filter_map(move |effect| {
            let name = match effect.target {
                Target::Column { image: of, column } if of == image => {
                    let declared = self.declared.columns.get(usize::from(column));
                    if declared.is_some_and(Option::is_some) {
                        return None;
                    }
                    match self.known.layout.fate(image, column) {
                        Fate::Keep => &*self.table.columns.get(usize::from(column))?.name,
                        Fate::Rename(name) => &**name,
                        Fate::Remove => return None,
                    }
                }
                Target::Created(number) => {
                    let created = self.known.layout.created.get(usize::from(number))?;
                    created.name.as_deref().filter(|_| created.image == image)?
                }
                Target::Column { .. } | Target::Header(_) | Target::Topic => return None,
            };
            Some((name, effect.to.as_ref()?))
        })
    }
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}
