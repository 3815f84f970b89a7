//! The journey of a batch: decode, plugins, render, one outcome a record. The same code serves `run` and `apply`; it must
//! not know Kafka, files or clocks.

mod class;
mod deletes;
mod forward;
mod kept;
mod limit;
pub mod parked;
mod stamp;
mod touched;
mod unpack;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::chain::{Batch, Chain, Made, Part, Stage, Turned, Verdict};
use crate::change::{self, Class, Decoder, Event, Events};
use crate::config::{self, ClassPolicy, DroppedCommits, PluginMessages};
use crate::outcome::{Code, DropCause, Hold, Identity, Outcome, Refusal};
use crate::protect::{Canary, Guards, Protection, Rules};
use crate::record::Record;
use crate::render::Renderer;
use crate::table::{Table, Tables};

pub use touched::Touched;

use deletes::Deletes;
use parked::Parked;
use unpack::Unpacked;

pub use stamp::header as chain_header;

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
    parked: Parked,
    guards: Guards,
    canary: Canary,
    /// Source topic to output topic, as the `to` template has it.
    outputs: FxHashMap<Arc<str>, Arc<str>>,
    /// Topics that plugins named.
    named: FxHashMap<Box<str>, Arc<str>>,
    unpacked: Unpacked,
    /// Partitions whose records wait, from the first one on that has to. Few: looked through for each record.
    held: Vec<(Arc<str>, i32, Hold)>,
    /// What every output names the chain by; none where it names none.
    stamp: Option<Arc<[u8]>>,
}

impl Pipeline {
    pub fn new(settings: Arc<config::Pipeline>, stages: Vec<Stage>) -> Self {
        Self {
            decoder: Decoder::new(settings.dialects.clone()),
            tables: Tables::default(),
            events: Events::default(),
            undecoded: Vec::new(),
            chain: Chain::new(stages, Rules::of(&settings)),
            renderer: Renderer::default(),
            deletes: Deletes::default(),
            parked: Parked::default(),
            guards: Guards::new(Protection::of(&settings)),
            canary: Canary::default(),
            outputs: FxHashMap::default(),
            named: FxHashMap::default(),
            unpacked: Unpacked::default(),
            held: Vec::new(),
            stamp: None,
            settings,
        }
    }

    /// The same, whose outputs bear the digest of their chain where the settings say so.
    #[must_use]
    pub fn stamped(mut self, digest: &str) -> Self {
        self.stamp(digest);
        self
    }

    fn stamp(&mut self, digest: &str) {
        self.stamp = self.settings.stamp.then(|| digest.as_bytes().into());
    }

    /// Puts the plugins of the chain with this digest in place of the present ones, and opens the tables that are known for as
    /// long as `go_on` says so. What is known of tables and deletes stays.
    pub fn replace_stages(
        &mut self,
        stages: Vec<Stage>,
        digest: &str,
        go_on: impl FnMut() -> bool,
    ) {
        self.chain = Chain::new(stages, Rules::of(&self.settings));
        self.chain.warm(&self.tables, go_on);
        self.stamp(digest);
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

    /// The calls of each plugin since this was last asked, and how many rows went by without it, for the metrics.
    pub fn take_calls(&mut self, mut each: impl FnMut(&Identity, &[Made], u64)) {
        for stage in &mut self.chain.stages {
            each(&stage.identity, &stage.calls, std::mem::take(&mut stage.bypassed));
            stage.calls.clear();
        }
    }

    /// The breakers that turned since this was last asked, for the log.
    pub fn take_turned(&mut self) -> Vec<Turned> {
        self.chain.take_turned()
    }

    /// Grows whenever records that wait for a plugin may be tried again before the time that was told.
    pub fn releases(&self) -> u64 {
        self.chain.releases()
    }

    /// Forgets what was remembered of a partition that another lane may own now.
    pub fn forget(&mut self, topic: &Arc<str>, partition: i32) {
        self.deletes.forget(topic, partition);
        self.parked.forget(topic, partition);
    }

    /// The keys whose records follow a refused one.
    pub fn parked(&self) -> &Parked {
        &self.parked
    }

    pub fn parked_mut(&mut self) -> &mut Parked {
        &mut self.parked
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
        let unavailable = &self.settings.unavailable;
        let keeps_commits = self.settings.dropped_commits == DroppedCommits::Keep;
        self.chain.run(Batch { records, events, tables, unavailable, keeps_commits });
        records.iter().enumerate().all(|(number, record)| {
            let Some(event) = self.events.events.get(number).copied() else { return true };
            let outcome = if let Some(hold) = self.held(record) {
                Outcome::Hold(hold.clone())
            } else {
                let outcome = self.outcome_in_order(number, record, &event);
                if let Outcome::Hold(hold) = &outcome {
                    self.held.push((Arc::clone(record.topic), record.partition, hold.clone()));
                }
                outcome
            };
            let row = self.events.rows_of(&event).first();
            let table = row.and_then(|row| self.tables.get(row.table));
            settle(number, About { class: event.class, table }, outcome)
        })
    }

    /// Why the record's partition waits. What stands behind a record that waits comes again with it, so nothing of it may be
    /// decided, nor remembered, before.
    fn held(&self, record: &Record<'_>) -> Option<&Hold> {
        let is_it = |(topic, partition, _): &&(Arc<str>, i32, Hold)| {
            *partition == record.partition && topic == record.topic
        };
        self.held.iter().find(is_it).map(|(_, _, hold)| hold)
    }

    fn outcome<'a>(&mut self, number: usize, record: &Record<'a>, event: &Event) -> Outcome<'a> {
        if let Some(refusal) = self.undecoded.get_mut(number).and_then(Option::take) {
            // What cannot be read is treated as what cannot be understood, so `unknown` decides for both.
            return self.by_class(record, event, Class::Unknown, || refusal);
        }
        match event.class {
            Class::Row => self.row(record, event),
            Class::Tombstone => self.tombstone(record, event),
            class => {
                let settings = Arc::clone(&self.settings);
                let reason = || match class {
                    Class::Unknown => change::unknown(record, settings.dialects.of(record.topic)),
                    class => format!("the policy for {} events refuses it", class.as_str()),
                };
                let refusal = || Refusal::new(Code::UnknownClass, reason());
                self.by_class(record, event, class, refusal)
            }
        }
    }

    fn row<'a>(&mut self, record: &Record<'a>, event: &Event) -> Outcome<'a> {
        let is_delete = self.events.rows_of(event).iter().any(|row| row.operation == b'd');
        let verdict = self.verdict(event);
        if is_delete && !matches!(verdict, Verdict::Hold(_)) {
            self.deletes.note(record, &verdict);
        }
        match verdict {
            Verdict::Keep => {
                if let Some(refusal) = self.elsewhere(event) {
                    return self.refused(record, event, refusal);
                }
                let outcome = self.forward(record, event);
                if let (true, Outcome::DeadLetter { refusal, .. }) = (is_delete, &outcome) {
                    // Its tombstone has the same key.
                    let verdict = Verdict::Refuse(Box::new(refusal.clone()));
                    self.deletes.note(record, &verdict);
                }
                outcome
            }
            Verdict::Drop(plugin) => self.replace(record, event, &plugin),
            Verdict::DropOnFault => Outcome::Drop(DropCause::Policy),
            Verdict::Refuse(refusal) => self.refused(record, event, *refusal),
            Verdict::Halt(refusal) => self.halted(event, *refusal),
            Verdict::Hold(hold) => Outcome::Hold(*hold),
        }
    }

    /// Why a record may not pass whose rows are kept elsewhere: columns that are protected lie there in clear.
    fn elsewhere(&mut self, event: &Event) -> Option<Refusal> {
        if !event.elsewhere || self.guards.is_off() {
            return None;
        }
        let Self { guards, events, tables, .. } = self;
        let row = events.rows_of(event).iter().find(|row| {
            guards.know(row.table, tables);
            guards.concern(row.table)
        })?;
        let table = tables.get(row.table).map(Table::qualified_name).unwrap_or_default();
        let reason = format!(
            "the record holds a part of its row and says where the rest lies, where no plugin can mask the protected columns of \
             \"{table}\"; raise max-message-bytes of the changefeed, or let its consumers not see this topic"
        );
        Some(Refusal::new(Code::ProtectedInClear, reason))
    }

    /// A tombstone goes the way its delete went, under the same masked key.
    fn tombstone<'a>(&mut self, record: &Record<'a>, event: &Event) -> Outcome<'a> {
        let policy = self.settings.classes.get(&Class::Tombstone).copied();
        if policy.is_some_and(|policy| policy != ClassPolicy::Pass) {
            let reason = "the policy for tombstone events refuses it";
            let refusal = Refusal::new(Code::UnknownClass, reason);
            return self.by_class(record, event, Class::Tombstone, || refusal);
        }
        match self.deletes.take(record) {
            Some(Verdict::Drop(_) | Verdict::DropOnFault) => {
                return Outcome::Drop(DropCause::FollowsDelete);
            }
            Some(Verdict::Refuse(refusal)) => return self.refused(record, event, *refusal),
            Some(Verdict::Halt(refusal)) => return self.halted(event, *refusal),
            Some(Verdict::Keep | Verdict::Hold(_)) | None => {}
        }
        match self.verdict(event) {
            Verdict::Refuse(refusal) => self.refused(record, event, *refusal),
            Verdict::Halt(refusal) => self.halted(event, *refusal),
            Verdict::Hold(hold) => Outcome::Hold(*hold),
            Verdict::DropOnFault => Outcome::Drop(DropCause::Policy),
            Verdict::Keep | Verdict::Drop(_) => self.forward(record, event),
        }
    }

    fn refused<'a>(&mut self, record: &Record<'a>, event: &Event, refusal: Refusal) -> Outcome<'a> {
        let refusal = self.withhold(event, refusal);
        let kept = self.kept(record, event);
        Outcome::DeadLetter { refusal, kept }
    }

    fn halted<'a>(&mut self, event: &Event, refusal: Refusal) -> Outcome<'a> {
        Outcome::Halt(self.withhold(event, refusal))
    }

    /// Takes the plugin's own words out of a refusal where they may hold what must not leave.
    fn withhold(&mut self, event: &Event, refusal: Refusal) -> Refusal {
        if self.settings.plugin_messages == PluginMessages::Show {
            return refusal;
        }
        let Self { guards, events, tables, .. } = self;
        let rows = events.rows_of(event);
        let guarded = rows.is_empty() || rows.iter().any(|row| guards.know(row.table, tables));
        if guards.is_off() || guarded { refusal.without_words() } else { refusal }
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
            // One row that parks the key is enough for all.
            (verdict @ Verdict::Refuse(refusal), _) => (5 + u8::from(refusal.parks_key), verdict),
            (verdict @ Verdict::Halt(_), _) => (7, verdict),
            // Once it goes on, the others decide.
            (verdict @ Verdict::Hold(_), _) => (8, verdict),
        });
        let gravest = ranked.max_by_key(|(rank, _)| *rank).map(|(_, verdict)| verdict);
        gravest.cloned().unwrap_or_default()
    }
}
