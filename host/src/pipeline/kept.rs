//! What a dead letter shows of its record: everything, everything but what plugins write and what is protected, or nothing.

use std::borrow::Cow;

use crate::change::Event;
use crate::config::Payload;
use crate::contract::{Image, kind};
use crate::outcome::{Kept, Shown};
use crate::overlay::{Layout, Overlay, Target};
use crate::protect::{MASK, Seen, conceal};
use crate::record::{OutputHeader, Record};
use crate::render::{self, Subject};

use super::Pipeline;

impl Pipeline {
    /// The part of `record` that its dead letter may show.
    pub(super) fn kept<'a>(&mut self, record: &Record<'a>, event: &Event) -> Kept<'a> {
        let protects = !self.guards.is_off();
        match self.settings.dead_letter_payload {
            Payload::Omit => nothing(),
            // What is protected is hidden even where everything else may be seen.
            Payload::Raw if !protects => whole(record),
            Payload::Masked if self.chain.is_idle() => whole(record),
            // Whatever could not be read may hold anything.
            _ if event.first_row == event.last_row => nothing(),
            Payload::Raw => self.masked(record, event, false).unwrap_or_else(nothing),
            Payload::Masked => self.masked(record, event, true).unwrap_or_else(nothing),
        }
    }

    /// The record without its protected cells and, where `all`, without those that plugins write.
    fn masked<'a>(&mut self, record: &Record<'a>, event: &Event, all: bool) -> Option<Kept<'a>> {
        let seen = Seen { record, event, events: &self.events, tables: &self.tables };
        let guarded = self.canary.learn(seen, &mut self.guards);
        let mut overlay = Overlay::default();
        overlay.reset(self.events.rows.len());
        let mut layout = Layout::default();
        for number in event.first_row..event.last_row {
            let row = self.events.rows.get(number as usize)?;
            if let Some(own) = self.chain.layout(row.table) {
                layout.headers.clone_from(&own.headers);
            }
            let written = if all { Some(self.chain.written(row.table)?) } else { None };
            let images = [Image::Before, Image::After, Image::Key];
            let cells = self.guards.cells(row.table).iter();
            let protected = cells
                .flat_map(|cell| images.map(|image| Target::Column { image, column: cell.column }));
            for target in written.into_iter().flatten().chain(protected) {
                let held = match target {
                    Target::Column { .. } => {
                        crate::chain::original_in(target, row, record, &self.events)
                            .is_some_and(|raw| *raw != *b"null")
                    }
                    Target::Header(header) => {
                        let name = layout.headers.get(usize::from(header))?;
                        record.headers.iter().any(|h| h.name == name.as_bytes())
                    }
                    Target::Created(_) | Target::Topic => false,
                };
                if held {
                    overlay.set(number, target, kind::STRING, |out| match target {
                        Target::Header(_) => out.extend_from_slice(MASK.as_bytes()),
                        _ => out.extend_from_slice(format!("\"{MASK}\"").as_bytes()),
                    });
                }
            }
        }
        let redactions = conceal::redactions(seen, &self.guards, &overlay);
        let subject = Subject {
            record,
            event,
            events: &self.events,
            tables: &self.tables,
            layouts: (&layout).into(),
            overlay: &overlay,
            redactions: &redactions,
        };
        let mut headers = render::headers(subject);
        conceal::headers(seen, &self.guards, |_| false, &mut headers);
        let kept = Kept {
            key: self.renderer.key(subject).ok()?,
            value: self.renderer.value(subject).ok()?,
            headers,
            payload: Shown::Masked,
        };
        // A value that is protected may stand where nothing is: that may be why the record was refused.
        let leaks = guarded && {
            let texts = [kept.key.as_deref(), kept.value.as_deref()].into_iter().flatten();
            let headers = kept.headers.iter().filter_map(|header| header.value.as_deref());
            texts.chain(headers).any(|text| self.canary.finds_in(text))
        };
        (!leaks).then_some(kept)
    }
}

fn whole<'a>(record: &Record<'a>) -> Kept<'a> {
    Kept {
        key: record.key.map(Cow::Borrowed),
        value: record.value.map(Cow::Borrowed),
        headers: record.headers.iter().map(OutputHeader::from).collect(),
        payload: Shown::Whole,
    }
}

fn nothing<'a>() -> Kept<'a> {
    Kept { payload: Shown::Nothing, ..Kept::default() }
}
