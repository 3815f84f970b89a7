//! One trial: the old chain, the new one, and what was found so far. Runs batches through both and gathers what differs. Must not
//! know where batches come from or how long it lasts.

use std::sync::Arc;

use super::ear::{Ear, Notes};
use super::end::End;
use super::example::Examples;
use super::judge;
use crate::chain::Stage;
use crate::config::{self, FaultPolicy};
use crate::control::{Diff, VersionView};
use crate::gateway::plugins;
use crate::outcome::Identity;
use crate::pipeline::Pipeline;
use crate::plugin::{Progress, Version};
use crate::record::{Copies, Record};

/// Calls it takes to say how fast a plugin is.
const ENOUGH_CALLS: u64 = 100;

pub(super) struct Trial {
    settings: Arc<config::Pipeline>,
    /// Of the new chain.
    versions: Vec<Arc<Version>>,
    old: Side,
    new: Side,
    changed: Vec<Changed>,
    compared: u64,
    differing: u64,
    unsteady: u64,
    examples: Examples,
}

/// One chain, of instances that touch nothing that serves.
pub(super) struct Side {
    pub(super) pipeline: Pipeline,
    ears: Vec<Ear>,
}

/// A plugin that the new chain has in another version, or that only one of them has.
struct Changed {
    plugin: Arc<str>,
    old: Option<Arc<Version>>,
    new: Option<Arc<Version>>,
}

impl Trial {
    pub(super) fn new(
        settings: &Arc<config::Pipeline>,
        old: &[Arc<Version>],
        new: &[Arc<Version>],
    ) -> Self {
        Self {
            settings: Arc::clone(settings),
            versions: new.to_vec(),
            old: Side::new(settings, old),
            new: Side::new(settings, new),
            changed: changed(old, new),
            compared: 0,
            differing: 0,
            unsteady: 0,
            examples: Examples::new(settings),
        }
    }

    /// Whether the new chain's outputs depend on more than their records. Plugins get neither clock nor chance, so that it shows
    /// where two of it go through the same records after different ones.
    pub(super) fn look_for_memory(&mut self, kept: &[Arc<Copies>], over: &dyn Fn() -> bool) {
        let Some(first) = kept.first().map(|sample| sample.records()) else { return };
        let mut one = Side::new(&self.settings, &self.versions);
        let mut other = Side::new(&self.settings, &self.versions);
        other.run(&first);
        for record in &first {
            // What the gateway itself remembers of deletes is to be the same.
            other.pipeline.forget(record.topic, record.partition);
        }
        for sample in kept.iter().take_while(|_| !over()) {
            let records = sample.records();
            let (ones, others) = (one.run(&records), other.run(&records));
            let differ = ones.iter().zip(&others).filter(|(one, other)| one != other);
            self.unsteady += differ.count() as u64;
        }
    }

    /// Runs a batch through both chains. The error says why the new one must not serve. Looking closer at a batch ends where
    /// `over` says so.
    pub(super) fn batch(&mut self, sample: &Copies, over: &dyn Fn() -> bool) -> Result<(), String> {
        let records = sample.records();
        let before = [self.old.faults(), self.new.faults()];
        let olds = self.old.run(&records);
        let news = self.new.run(&records);
        let failed = [self.old.faults() > before[0], self.new.faults() > before[1]];
        for ((record, old), new) in records.iter().zip(&olds).zip(&news) {
            self.compared += 1;
            let differs = old != new;
            self.differing += u64::from(differs);
            let pipelines = [&self.old.pipeline, &self.new.pipeline];
            self.examples.look(record, (old, new), pipelines, differs);
        }
        for ((record, old), new) in records.iter().zip(&olds).zip(&news) {
            judge::record(record, old, new)?;
        }
        match failed {
            [_, false] => Ok(()),
            [false, true] => Err(self.new.why(&records)),
            [true, true] => self.one_by_one(&records, over),
        }
    }

    /// Both chains failed somewhere in a batch. Where that has refused records, they were compared; where it has dropped them
    /// or let them pass, only a look at each tells whether they failed on the same.
    fn one_by_one(
        &mut self,
        records: &[Record<'_>],
        over: &dyn Fn() -> bool,
    ) -> Result<(), String> {
        if !self.new.hides_faults() {
            return Ok(());
        }
        for record in records.iter().take_while(|_| !over()) {
            let one = std::slice::from_ref(record);
            if self.new.fails_on(one) && !self.old.fails_on(one) {
                return Err(self.new.why(one));
            }
        }
        Ok(())
    }

    /// Whether the new versions are as fast as their settings ask, as far as there were calls enough to say.
    pub(super) fn check_speed(&self) -> Result<(), String> {
        for new in self.changed.iter().filter_map(|changed| changed.new.as_ref()) {
            let notes = self.new.notes(&new.identity);
            let (calls, p99, limit) = (notes.calls, notes.p99(), new.setup.rollout.p99);
            if calls >= ENOUGH_CALLS && p99 > limit {
                let plugin = &new.place.name;
                return Err(format!(
                    "plugin \"{plugin}\" is too slow: more than 1 in 100 of its {calls} calls took longer than {limit:?}, which `p99` \
                     allows; the slowest 1 in 100 took {p99:?} or more"
                ));
            }
        }
        Ok(())
    }

    /// All but how long it took.
    pub(super) fn progress(&self) -> Progress {
        Progress {
            compared: self.compared,
            differing: self.differing,
            old_faults: self.old.faults(),
            new_faults: self.new.faults(),
            ..Progress::default()
        }
    }

    /// What was found, for each plugin that is another.
    pub(super) fn diffs(&self) -> impl Iterator<Item = (Arc<str>, Diff)> {
        self.changed.iter().map(|Changed { plugin, old, new }| {
            let heard = |side: &Side, version: &Option<Arc<Version>>| {
                version.as_ref().map(|version| side.notes(&version.identity)).unwrap_or_default()
            };
            let (old_notes, new_notes) = (heard(&self.old, old), heard(&self.new, new));
            let micros = |notes: &Notes| u64::try_from(notes.p99().as_micros()).unwrap_or(u64::MAX);
            let diff = Diff {
                pipeline: self.settings.name.clone(),
                plugin: plugin.to_string(),
                old: view(old.as_ref()),
                new: view(new.as_ref()),
                compared: self.compared,
                differing: self.differing,
                unsteady: self.unsteady,
                old_faults: old_notes.faults,
                new_faults: new_notes.faults,
                old_p99_us: micros(&old_notes),
                new_p99_us: micros(&new_notes),
                examples: self.examples.list().to_vec(),
            };
            (Arc::clone(plugin), diff)
        })
    }
}

impl Side {
    fn new(settings: &Arc<config::Pipeline>, versions: &[Arc<Version>]) -> Self {
        let aside = versions.iter().map(|version| plugins::stage(&version.aside()));
        let (stages, ears): (Vec<Stage>, Vec<Ear>) = aside.map(Ear::on).unzip();
        Self { pipeline: Pipeline::new(Arc::clone(settings), stages), ears }
    }

    fn run(&mut self, records: &[Record<'_>]) -> Vec<End> {
        let mut ends = Vec::with_capacity(records.len());
        self.pipeline.process(records, |_, _, outcome| {
            ends.push(End::of(outcome));
            true
        });
        // The ears have heard them; nobody else asks.
        self.pipeline.take_calls(|_, _, _| {});
        ends
    }

    fn faults(&self) -> u64 {
        self.ears.iter().map(|ear| ear.notes().faults).sum()
    }

    /// What was heard of the plugin of that name.
    fn notes(&self, identity: &Identity) -> Notes {
        let ear = self.ears.iter().find(|ear| ear.identity.name == identity.name);
        ear.map(|ear| ear.notes().clone()).unwrap_or_default()
    }

    /// The latest fault, in words.
    fn why(&self, records: &[Record<'_>]) -> String {
        let latest = self.ears.iter().rev().find_map(|ear| {
            let fault = ear.notes().fault.clone()?;
            Some(judge::call(records, &ear.identity.name, &fault))
        });
        latest.unwrap_or_else(|| "a plugin of the new chain fails".to_owned())
    }

    /// Whether a plugin may fail on a record without its being refused.
    fn hides_faults(&self) -> bool {
        let hides = |ear: &Ear| matches!(ear.on_fault, FaultPolicy::Pass | FaultPolicy::Drop);
        self.ears.iter().any(hides)
    }

    /// Whether a plugin fails on the records, out of the count.
    fn fails_on(&mut self, records: &[Record<'_>]) -> bool {
        let before: Vec<Notes> = self.ears.iter().map(|ear| ear.notes().clone()).collect();
        let faults = self.faults();
        self.run(records);
        let fails = self.faults() > faults;
        for (ear, before) in self.ears.iter().zip(before) {
            ear.notes().forget_since(before);
        }
        fails
    }
}

fn view(version: Option<&Arc<Version>>) -> VersionView {
    version.map_or_else(VersionView::default, |version| VersionView {
        version: version.identity.version.clone(),
        digest: version.identity.digest.clone(),
    })
}

/// The plugins that are not the same in both chains.
fn changed(old: &[Arc<Version>], new: &[Arc<Version>]) -> Vec<Changed> {
    let named = |chain: &[Arc<Version>], name: &Arc<str>| {
        chain.iter().find(|version| version.place.name == *name).map(Arc::clone)
    };
    let is_same = |old: &Version, new: &Version| {
        old.identity == new.identity && old.setup == new.setup && old.place.order == new.place.order
    };
    let of = |version: &Arc<Version>| Changed {
        plugin: Arc::clone(&version.place.name),
        old: named(old, &version.place.name),
        new: named(new, &version.place.name),
    };
    let gone = old.iter().filter(|old| named(new, &old.place.name).is_none());
    let here =
        new.iter().filter(|new| named(old, &new.place.name).is_none_or(|old| !is_same(&old, new)));
    here.chain(gone).map(of).collect()
}
