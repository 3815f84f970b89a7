//! From what was decided about a record to the outputs that leave, and the last look at them: nothing protected may leave in clear.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Pipeline;
use crate::chain::{Chain, Verdict};
use crate::change::{Event, Row};
use crate::config::{self, PartitionBy};
use crate::contract::Emission;
use crate::outcome::{Code, DropCause, Identity, Outcome, Refusal};
use crate::overlay::{Layout, Layouts, Target};
use crate::protect::{Decided, Leak, Seen, conceal};
use crate::record::{Output, OutputHeader, Partition, Record};
use crate::render::{self, Subject};
use crate::table;

/// Output topics that a plugin named are remembered up to this many; past it they are forgotten and met again.
const REMEMBERED_TOPICS: usize = 10_000;

/// Of a table that no plugin has a part in.
static KEPT: Layout = Layout {
    before: Vec::new(),
    after: Vec::new(),
    key: Vec::new(),
    created: Vec::new(),
    headers: Vec::new(),
};

impl Pipeline {
    /// Writes the record as the plugins want it, and what they made beside it.
    pub(super) fn forward<'a>(&mut self, record: &Record<'a>, event: &Event) -> Outcome<'a> {
        let emissions = self.emissions(record, event);
        self.remove_dropped(event);
        let layout = self.events.rows_of(event).first();
        let layout = layout.and_then(|row| self.chain.layout(row.table));
        if layout.is_none() && self.guards.is_off() {
            let topic = self.output_topic(record.topic);
            return Outcome::Forward { record: self.unchanged(record, topic), emissions };
        }
        let seen = Seen { record, event, events: &self.events, tables: &self.tables };
        let guarded = self.canary.learn(seen, &mut self.guards);
        let redactions = conceal::redactions(seen, &self.guards, self.chain.overlay());
        let others = other_layouts(&self.chain, self.events.rows_of(event));
        let subject = Subject {
            record,
            event,
            events: &self.events,
            tables: &self.tables,
            layouts: Layouts::new(layout.unwrap_or(&KEPT), &others),
            overlay: self.chain.overlay(),
            redactions: &redactions,
        };
        let key = self.renderer.key(subject);
        let (key, value) = match key.and_then(|key| Ok((key, self.renderer.value(subject)?))) {
            Ok(rendered) => rendered,
            Err(refusal) => return self.refused(record, event, refusal),
        };
        let named = render::topic(subject);
        let topic = match named {
            Some(topic) => named_topic(&mut self.named, topic),
            None => output_topic(&mut self.outputs, &self.settings.to, record.topic),
        };
        let mut headers = render::headers(subject);
        conceal::headers(seen, &self.guards, |name| is_written(subject, name), &mut headers);
        let (timestamp, partition) = (record.timestamp, partition(self.settings.partition, record));
        let output = Output { topic, partition, timestamp, key, value, headers };
        if guarded {
            let decided = Decided { layouts: subject.layouts, overlay: subject.overlay };
            let leak =
                self.canary.watch(seen, decided, &self.guards, (&output, named.is_some())).or_else(
                    || emissions.iter().find_map(|made| self.canary.watch_emission(seen, made)),
                );
            if let Some(leak) = leak {
                return self.leaked(record, event, &leak);
            }
        }
        Outcome::Forward { record: output, emissions }
    }

    /// Writes what plugins made in the place of a record that `plugin` dropped.
    pub(super) fn replace<'a>(
        &mut self,
        record: &Record<'a>,
        event: &Event,
        plugin: &Identity,
    ) -> Outcome<'a> {
        let emissions = self.emissions(record, event);
        if emissions.is_empty() {
            return Outcome::Drop(DropCause::Plugin(Arc::clone(&plugin.name)));
        }
        let seen = Seen { record, event, events: &self.events, tables: &self.tables };
        if self.canary.learn(seen, &mut self.guards)
            && let Some(leak) =
                emissions.iter().find_map(|made| self.canary.watch_emission(seen, made))
        {
            return self.leaked(record, event, &leak);
        }
        Outcome::Replace(emissions)
    }

    /// Writes a record without rows, with what stands in its texts hidden.
    pub(super) fn pass<'a>(&mut self, record: &Record<'a>, event: &Event) -> Outcome<'a> {
        let topic = self.output_topic(record.topic);
        let output = self.unchanged(record, topic);
        let seen = Seen { record, event, events: &self.events, tables: &self.tables };
        let redactions = conceal::redactions(seen, &self.guards, self.chain.overlay());
        if redactions.is_empty() {
            return Outcome::Forward { record: output, emissions: Vec::new() };
        }
        let subject = Subject {
            record,
            event,
            events: &self.events,
            tables: &self.tables,
            layouts: (&KEPT).into(),
            overlay: self.chain.overlay(),
            redactions: &redactions,
        };
        match self.renderer.value(subject) {
            Ok(value) => {
                Outcome::Forward { record: Output { value, ..output }, emissions: Vec::new() }
            }
            Err(refusal) => self.refused(record, event, refusal),
        }
    }

    fn leaked<'a>(&mut self, record: &Record<'a>, event: &Event, leak: &Leak) -> Outcome<'a> {
        self.refused(record, event, Refusal::new(Code::ProtectedInClear, leak.to_string()))
    }

    /// Takes the dropped rows of a record out of it; one row at least stays, or the record would be dropped.
    fn remove_dropped(&mut self, event: &Event) {
        if event.last_row - event.first_row < 2 {
            return;
        }
        for row in event.first_row..event.last_row {
            if matches!(self.chain.verdict(row), Verdict::Drop(_) | Verdict::DropOnFault) {
                self.chain.remove_row(row);
            }
        }
    }

    fn emissions<'a>(&mut self, record: &Record<'a>, event: &Event) -> Vec<Output<'a>> {
        let partition = partition(self.settings.partition, record);
        let mut outputs = Vec::new();
        for row in event.first_row..event.last_row {
            for emission in self.chain.emissions(row) {
                let topic = named_topic(&mut self.named, &emission.topic);
                outputs.push(emitted(emission, topic, partition, record.timestamp));
            }
        }
        outputs
    }

    fn unchanged<'a>(&self, record: &Record<'a>, topic: Arc<str>) -> Output<'a> {
        Output {
            topic,
            partition: partition(self.settings.partition, record),
            timestamp: record.timestamp,
            key: record.key.map(Cow::Borrowed),
            value: record.value.map(Cow::Borrowed),
            headers: record.headers.iter().map(OutputHeader::from).collect(),
        }
    }

    fn output_topic(&mut self, topic: &Arc<str>) -> Arc<str> {
        output_topic(&mut self.outputs, &self.settings.to, topic)
    }
}

/// Whether a plugin wrote the header of that name in a row of the record.
fn is_written(subject: Subject<'_, '_>, name: &[u8]) -> bool {
    (subject.event.first_row..).zip(subject.events.rows_of(subject.event)).any(|(number, row)| {
        let headers = (0u16..).zip(&subject.layouts.of(row.table).headers);
        let mut named = headers.filter(|(_, header)| header.as_bytes() == name);
        named.any(|(header, _)| subject.overlay.get(number, Target::Header(header)).is_some())
    })
}

fn partition(by: PartitionBy, record: &Record<'_>) -> Partition {
    match by {
        PartitionBy::Same => Partition::Same(record.partition),
        PartitionBy::Key => Partition::ByKey,
    }
}

/// The layouts of all tables but that of the first row.
fn other_layouts<'c>(chain: &'c Chain, rows: &[Row]) -> Vec<(table::Index, &'c Layout)> {
    let first = rows.first().map(|row| row.table);
    let others = rows.iter().filter(|row| Some(row.table) != first);
    others.filter_map(|row| Some((row.table, chain.layout(row.table)?))).collect()
}

fn output_topic(
    known: &mut FxHashMap<Arc<str>, Arc<str>>,
    to: &config::Template,
    topic: &Arc<str>,
) -> Arc<str> {
    if let Some(output) = known.get(topic) {
        return Arc::clone(output);
    }
    let output: Arc<str> = to.render(topic).into();
    known.insert(Arc::clone(topic), Arc::clone(&output));
    output
}

fn named_topic(named: &mut FxHashMap<Box<str>, Arc<str>>, topic: &str) -> Arc<str> {
    if let Some(known) = named.get(topic) {
        return Arc::clone(known);
    }
    if named.len() >= REMEMBERED_TOPICS {
        named.clear();
    }
    let interned: Arc<str> = topic.into();
    named.insert(topic.into(), Arc::clone(&interned));
    interned
}

fn emitted<'a>(
    emission: &Emission,
    topic: Arc<str>,
    partition: Partition,
    timestamp: Option<i64>,
) -> Output<'a> {
    let header = |header: &crate::contract::EmissionHeader| OutputHeader {
        name: Cow::Owned(header.name.clone().into_bytes()),
        value: header.value.clone().map(Cow::Owned),
    };
    Output {
        topic,
        partition,
        timestamp,
        key: emission.key.clone().map(Cow::Owned),
        value: emission.value.clone().map(Cow::Owned),
        headers: emission.headers.iter().map(header).collect(),
    }
}
