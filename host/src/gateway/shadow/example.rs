//! Records that came out differently, kept for a person: where they stand, how they ended, what differs. Must not know which fields
//! are compared, or which are hidden.

use std::sync::Arc;

use super::compare::Fields;
use super::end::{End, Sent};
use super::fields::{Reader, Rows};
use super::veil::Veil;
use crate::config;
use crate::control::{Example, HIDDEN};
use crate::pipeline::Pipeline;
use crate::protect::Protection;
use crate::record::Record;

/// So many are kept of one trial.
const EXAMPLES: usize = 20;

pub(super) struct Examples {
    settings: Arc<config::Pipeline>,
    protection: Protection,
    source: Reader,
    /// Of what the old chain makes of it, and the new one.
    outputs: [Reader; 2],
    list: Vec<Example>,
}

impl Examples {
    pub(super) fn new(settings: &Arc<config::Pipeline>) -> Self {
        Self {
            protection: Protection::of(settings),
            source: Reader::new(settings),
            outputs: [Reader::new(settings), Reader::new(settings)],
            settings: Arc::clone(settings),
            list: Vec::new(),
        }
    }

    pub(super) fn list(&self) -> &[Example] {
        &self.list
    }

    /// Looks at a record and what the chains made of it. It is read whether it `differs` or not: tombstones are understood by
    /// what was read before them.
    pub(super) fn look(
        &mut self,
        record: &Record<'_>,
        ends: (&End, &End),
        pipelines: [&Pipeline; 2],
        differs: bool,
    ) {
        if self.list.len() >= EXAMPLES {
            return;
        }
        let rows = self.source.read(record);
        if !differs {
            return;
        }
        let veil = Veil::of(record, &rows, pipelines, &self.protection);
        let table = rows.first().map(|row| row.table.qualified_name()).unwrap_or_default();
        let mut fields = Fields::new(&veil, &self.protection);
        match ends {
            (End::Forward(old, beside_old), End::Forward(new, beside_new)) => {
                let [old_rows, new_rows] = read(&mut self.outputs, record, [old, new]);
                fields.of_outputs(record, [old, new], [&rows, &old_rows, &new_rows]);
                fields.beside([beside_old, beside_new]);
            }
            (End::Replace(old), End::Replace(new)) => fields.beside([old, new]),
            _ => {}
        }
        let fields = fields.list();
        let end = |end: &End| self.shown(record, end, &veil);
        self.list.push(Example {
            topic: record.topic.to_string(),
            partition: record.partition,
            offset: record.offset,
            table,
            old_end: end(ends.0),
            new_end: end(ends.1),
            fields,
        });
    }

    fn shown(&self, record: &Record<'_>, end: &End, veil: &Veil) -> String {
        match end {
            End::Forward(sent, _) => {
                let is_chosen = *sent.topic != *self.settings.to.render(record.topic);
                let hides = is_chosen && (veil.is_opaque || veil.name(&sent.topic) == HIDDEN);
                format!("forward to {}", if hides { HIDDEN } else { &sent.topic })
            }
            End::Replace(outputs) => format!("replace by {}", records(outputs.len())),
            End::Drop => "drop".to_owned(),
            End::DeadLetter(refusal) => format!("dead letter: {}", refusal.code),
            End::Halt(refusal) => format!("halt: {}", refusal.code),
            End::Hold => "hold".to_owned(),
        }
    }
}

fn read([old, new]: &mut [Reader; 2], record: &Record<'_>, sent: [&Sent; 2]) -> [Rows; 2] {
    // The source's topic says which dialect it is, and which table.
    let read = |reader: &mut Reader, sent: &Sent| {
        let (key, value) = (sent.key.as_deref(), sent.value.as_deref());
        reader.read(&Record { key, value, ..record.clone() })
    };
    let [old_sent, new_sent] = sent;
    [read(old, old_sent), read(new, new_sent)]
}

fn records(count: usize) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}
