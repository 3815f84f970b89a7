//! What a dead letter shows of its record: everything, everything but what plugins write, or nothing.

use std::borrow::Cow;

use crate::change::Event;
use crate::config::Payload;
use crate::contract::kind;
use crate::outcome::{Kept, Shown};
use crate::overlay::{Layout, Overlay, Target};
use crate::record::{OutputHeader, Record};
use crate::render::{self, Subject};

use super::Pipeline;

/// Stands where a plugin would have written.
const REPLACEMENT: &str = "[redacted]";

impl Pipeline {
    /// The part of `record` that its dead letter may show.
    pub(super) fn kept<'a>(&mut self, record: &Record<'a>, event: &Event) -> Kept<'a> {
        match self.settings.dead_letter_payload {
            Payload::Raw => whole(record),
            Payload::Omit => nothing(),
            Payload::Masked if self.chain.is_idle() => whole(record),
            // Whatever could not be read may hold anything.
            Payload::Masked if event.first_row == event.last_row => nothing(),
            Payload::Masked => self.masked(record, event).unwrap_or_else(nothing),
        }
    }

    fn masked<'a>(&mut self, record: &Record<'a>, event: &Event) -> Option<Kept<'a>> {
        let mut overlay = Overlay::default();
        overlay.reset(self.events.rows.len());
        let mut layout = Layout::default();
        for number in event.first_row..event.last_row {
            let row = self.events.rows.get(number as usize)?;
            if let Some(own) = self.chain.layout(row.table) {
                layout.headers.clone_from(&own.headers);
            }
            for target in self.chain.written(row.table)? {
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
                        Target::Header(_) => out.extend_from_slice(REPLACEMENT.as_bytes()),
                        _ => out.extend_from_slice(format!("\"{REPLACEMENT}\"").as_bytes()),
                    });
                }
            }
        }
        let subject = Subject {
            record,
            event,
            events: &self.events,
            tables: &self.tables,
            layouts: (&layout).into(),
            overlay: &overlay,
            redactions: &[],
        };
        Some(Kept {
            key: self.renderer.key(subject).ok()?,
            value: self.renderer.value(subject).ok()?,
            headers: render::headers(subject),
            payload: Shown::Masked,
        })
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
