//! The journey of a batch: decode, plugins, render, one outcome a record. The same code serves `run` and `apply`; it must
//! not know Kafka, files or clocks.

mod deletes;
mod kept;
mod limit;
mod unpack;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::chain::{Batch, Chain, Made, Part, Stage, Verdict};
use crate::change::{self, Class, Decoder, Event, Events, Row};
use crate::config::{self, ClassPolicy, PartitionBy};
use crate::contract::Emission;
use crate::outcome::{Code, DropCause, Identity, Outcome, Refusal};
use crate::overlay::{Layout, Layouts};
use crate::record::{Output, OutputHeader, Partition, Record};
use crate::render::{self, Renderer, Subject};
use crate::table::{self, Table, Tables};

use deletes::Deletes;
use unpack::Unpacked;

/// Output topics that a plugin named are remembered up to this many; past it they are forgotten and met again.
const REMEMBERED_TOPICS: usize = 10_000;

/// What a record was found to be.
#[derive(Clone, Copy, Debug)]
pub struct About<'t> {
    pub class: Class,
    /// The table of its rows; none where it has none.
    pub table: Option<&'t Table>,
}

/// One pipeline as one lane runs it.
pub struct Pipeline {
    settings: Arc<config::Pipeline>,
    decoder: Decoder,
    tables: Tables,
    events: Events,
    undecoded: Vec<Option<Refusal>>,
    chain: Chain,
    renderer: Renderer,
    deletes: Deletes,
    /// Source topic to output topic, as the `to` template has it.
    outputs: FxHashMap<Arc<str>, Arc<str>>,
    /// Topics that plugins named.
    named: FxHashMap<Box<str>, Arc<str>>,
    unpacked: Unpacked,
}

impl Pipeline {
    pub fn new(settings: Arc<config::Pipeline>, stages: Vec<Stage>) -> Self {
        Self {
            decoder: Decoder::new(settings.dialects.clone()),
            tables: Tables::default(),
            events: Events::default(),
            undecoded: Vec::new(),
            chain: Chain::new(stages),
            renderer: Renderer::default(),
            deletes: Deletes::default(),
            outputs: FxHashMap::default(),
            named: FxHashMap::default(),
            unpacked: Unpacked::default(),
            settings,
        }
    }

    /// Puts other plugins in place of the present ones; what is known of tables and deletes stays.
    pub fn replace_stages(&mut self, stages: Vec<Stage>) {
        self.chain = Chain::new(stages);
    }

    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().map(|(_, table)| table)
    }

    /// The tables seen, each with the part that every plugin has in it, or why one refused it.
    pub fn explain(&self) -> impl Iterator<Item = (&Table, Result<Vec<Part<'_>>, &Refusal>)> {
        let known = |(index, table)| Some((table, self.chain.parts(index)?));
        self.tables.iter().filter_map(known)
    }

    /// A number that grows whenever a table or column is new.
    pub fn tables_version(&self) -> u32 {
        self.tables.version()
    }

    /// The calls of each plugin since this was last asked, for the metrics.
    pub fn take_calls(&mut self, mut each: impl FnMut(&Identity, &[Made])) {
        for stage in &mut self.chain.stages {
            each(&stage.identity, &stage.calls);
            stage.calls.clear();
        }
    }

    /// Forgets what was remembered of a partition that another lane may own now.
    pub fn forget(&mut self, topic: &Arc<str>, partition: i32) {
        self.deletes.forget(topic, partition);
    }

    /// Carries `records` through as one batch; those of `undecoded` that are there cannot be read, and why is known.
    fn batch<'r>(
        &mut self,
        records: &[Record<'r>],
        mut settle: impl FnMut(usize, About<'_>, Outcome<'r>) -> bool,
    ) -> bool {
        self.events.clear();
        self.undecoded.resize(records.len(), None);
        for ((number, record), undecoded) in (0u32..).zip(records).zip(&mut self.undecoded) {
            let decoded = self.decoder.decode(number, record, &mut self.tables, &mut self.events);
            *undecoded = undecoded.take().or(decoded.err());
        }
        let (events, tables) = (&self.events, &self.tables);
        self.chain.run(Batch { records, events, tables, unavailable: &self.settings.unavailable });
        records.iter().enumerate().all(|(number, record)| {
            let Some(event) = self.events.events.get(number).copied() else { return true };
            let outcome = self.outcome(number, record, &event);
            let row = self.events.rows_of(&event).first();
            let table = row.and_then(|row| self.tables.get(row.table));
            settle(number, About { class: event.class, table }, outcome)
        })
    }

    fn outcome<'a>(&mut self, number: usize, record: &Record<'a>, event: &Event) -> Outcome<'a> {
        if let Some(refusal) = self.undecoded.get_mut(number).and_then(Option::take) {
            // What cannot be read is treated as what cannot be understood, so `unknown` decides for both.
            return self.by_class(record, event, Class::Unknown, refusal);
        }
        match event.class {
            Class::Row => self.row(record, event),
            Class::Tombstone => self.tombstone(record, event),
            class => {
                let reason = match class {
                    Class::Unknown => {
                        let dialect = self.settings.dialects.of(record.topic);
                        change::unknown(record, dialect)
                    }
                    class => format!("the policy for {} events refuses it", class.as_str()),
                };
                self.by_class(record, event, class, Refusal::new(Code::UnknownClass, reason))
            }
        }
    }

    fn by_class<'a>(
        &mut self,
        record: &Record<'a>,
        event: &Event,
        class: Class,
        refusal: Refusal,
    ) -> Outcome<'a> {
        // Every class that comes here has a policy; one that had none would not be let pass.
        match self.settings.classes.get(&class).copied().unwrap_or(ClassPolicy::DeadLetter) {
            ClassPolicy::Pass => {
                let topic = self.output_topic(record.topic);
                Outcome::Forward { record: self.unchanged(record, topic), emissions: Vec::new() }
            }
            ClassPolicy::Drop => Outcome::Drop(DropCause::Policy),
            ClassPolicy::DeadLetter => {
                let kept = self.kept(record, event);
                Outcome::DeadLetter { refusal, kept }
            }
            ClassPolicy::Halt => Outcome::Halt(refusal),
        }
    }

    fn row<'a>(&mut self, record: &Record<'a>, event: &Event) -> Outcome<'a> {
        let is_delete = self.events.rows_of(event).iter().any(|row| row.operation == b'd');
        let verdict = self.verdict(event);
        if is_delete {
            self.deletes.note(record, &verdict);
        }
        match verdict {
            Verdict::Keep => self.forward(record, event),
            Verdict::Drop(plugin) => {
                let emissions = self.emissions(record, event);
                if emissions.is_empty() {
                    Outcome::Drop(DropCause::Plugin(Arc::clone(&plugin.name)))
                } else {
                    Outcome::Replace(emissions)
                }
            }
            Verdict::DropOnFault => Outcome::Drop(DropCause::Policy),
            Verdict::Refuse(refusal) => {
                let kept = self.kept(record, event);
                Outcome::DeadLetter { refusal: *refusal, kept }
            }
            Verdict::Halt(refusal) => Outcome::Halt(*refusal),
        }
    }

    /// A tombstone goes the way its delete went, under the same masked key.
    fn tombstone<'a>(&mut self, record: &Record<'a>, event: &Event) -> Outcome<'a> {
        let policy = self.settings.classes.get(&Class::Tombstone).copied();
        if policy.is_some_and(|policy| policy != ClassPolicy::Pass) {
            let reason = "the policy for tombstone events refuses it";
            let refusal = Refusal::new(Code::UnknownClass, reason);
            return self.by_class(record, event, Class::Tombstone, refusal);
        }
        match self.deletes.take(record) {
            Some(Verdict::Drop(_) | Verdict::DropOnFault) => {
                return Outcome::Drop(DropCause::FollowsDelete);
            }
            Some(Verdict::Refuse(refusal)) => {
                let kept = self.kept(record, event);
                return Outcome::DeadLetter { refusal: *refusal, kept };
            }
            Some(Verdict::Halt(refusal)) => return Outcome::Halt(*refusal),
            Some(Verdict::Keep) | None => {}
        }
        match self.verdict(event) {
            Verdict::Refuse(refusal) => {
                let kept = self.kept(record, event);
                Outcome::DeadLetter { refusal: *refusal, kept }
            }
            Verdict::Halt(refusal) => Outcome::Halt(*refusal),
            Verdict::DropOnFault => Outcome::Drop(DropCause::Policy),
            Verdict::Keep | Verdict::Drop(_) => self.forward(record, event),
        }
    }

    /// What the chain decided about an event: the gravest of its rows' verdicts, and a drop only where all rows are dropped.
    fn verdict(&self, event: &Event) -> Verdict {
        let rows = (event.first_row..).zip(self.events.rows_of(event));
        let ranked = rows.map(|(number, row)| match (self.chain.verdict(number), row.companion) {
            // Whether a companion passes is decided for the row it belongs to, which must not pass without it.
            (Verdict::Keep, true) => (0, &Verdict::DropOnFault),
            (verdict @ Verdict::DropOnFault, true) => (4, verdict),
            (verdict @ Verdict::DropOnFault, false) => (1, verdict),
            (verdict @ Verdict::Drop(_), _) => (2, verdict),
            (verdict @ Verdict::Keep, false) => (3, verdict),
            (verdict @ Verdict::Refuse(_), _) => (5, verdict),
            (verdict @ Verdict::Halt(_), _) => (6, verdict),
        });
        let gravest = ranked.max_by_key(|(rank, _)| *rank).map(|(_, verdict)| verdict);
        gravest.cloned().unwrap_or_default()
    }

    fn forward<'a>(&mut self, record: &Record<'a>, event: &Event) -> Outcome<'a> {
        let emissions = self.emissions(record, event);
        self.remove_dropped(event);
        let layout = self.events.rows_of(event).first();
        let Some(layout) = layout.and_then(|row| self.chain.layout(row.table)) else {
            let topic = self.output_topic(record.topic);
            return Outcome::Forward { record: self.unchanged(record, topic), emissions };
        };
        let others = other_layouts(&self.chain, self.events.rows_of(event));
        let subject = Subject {
            record,
            event,
            events: &self.events,
            tables: &self.tables,
            layouts: Layouts::new(layout, &others),
            overlay: self.chain.overlay(),
            redactions: &[],
        };
        let key = self.renderer.key(subject);
        let (key, value) = match key.and_then(|key| Ok((key, self.renderer.value(subject)?))) {
            Ok(rendered) => rendered,
            Err(refusal) => {
                return Outcome::DeadLetter { refusal, kept: self.kept(record, event) };
            }
        };
        let topic = match render::topic(subject) {
            Some(topic) => named_topic(&mut self.named, topic),
            None => output_topic(&mut self.outputs, &self.settings.to, record.topic),
        };
        let output = Output {
            topic,
            partition: self.partition(record),
            timestamp: record.timestamp,
            key,
            value,
            headers: render::headers(subject),
        };
        Outcome::Forward { record: output, emissions }
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
        let partition = self.partition(record);
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
            partition: self.partition(record),
            timestamp: record.timestamp,
            key: record.key.map(Cow::Borrowed),
            value: record.value.map(Cow::Borrowed),
            headers: record.headers.iter().map(OutputHeader::from).collect(),
        }
    }

    fn partition(&self, record: &Record<'_>) -> Partition {
        match self.settings.partition {
            PartitionBy::Same => Partition::Same(record.partition),
            PartitionBy::Key => Partition::ByKey,
        }
    }

    fn output_topic(&mut self, topic: &Arc<str>) -> Arc<str> {
        output_topic(&mut self.outputs, &self.settings.to, topic)
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
