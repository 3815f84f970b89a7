//! How the gateway is: what the lanes and the plugin folder last said, and whether that makes it alive and ready. Pure: the
//! time is handed in, and who asks is not known here.

mod report;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::breaker::Breaker;
use crate::config::OnOpen;
use crate::kafka::TopicPartition;
use crate::record::Position;

pub use self::report::{Liveness, Readiness};

/// A lane whose last turn is older than this is stuck: its loop turns many times a second, with or without records.
pub const LONGEST_TURN: Duration = Duration::from_secs(30);

/// The state of one gateway. Lanes and the plugin catalog write it, the admin side reads it.
pub struct Health {
    started: Instant,
    state: Mutex<State>,
    clock: OnceLock<Box<ReadClock>>,
}

/// Asks the clock that ends plugins.
type ReadClock = dyn Fn() -> Clock + Send + Sync;

/// How the clock is that ends plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Time since it last ticked.
    pub age: Duration,
    /// While it does not, no plugin is entered.
    pub is_ticking: bool,
}

#[derive(Default)]
struct State {
    is_draining: bool,
    pipelines: BTreeMap<String, Pipeline>,
}

#[derive(Default)]
struct Pipeline {
    state: PipelineState,
    lanes: BTreeMap<usize, Arc<LaneState>>,
    plugins: Vec<PluginState>,
    guards: Vec<Guard>,
    /// By topic and partition: the offset it stands at, and why.
    halted: BTreeMap<(Arc<str>, i32), (i64, Halt)>,
    /// Partitions that no member of the group owns.
    unowned: Vec<TopicPartition>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PipelineState {
    #[default]
    Starting,
    Running,
    /// Nothing of it goes on until someone mends the cause.
    Halted {
        reason: String,
    },
}

/// One file of the plugin folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginState {
    pub name: String,
    /// The version that serves; none where none does.
    pub serving: Option<String>,
    /// Why what now lies in the folder did not go live; none where it did.
    pub refused: Option<String>,
}

/// What stands between a plugin that serves and its batches. It is asked when someone wants to know, so that what is shown is
/// never old.
#[derive(Clone, Debug)]
pub struct Guard {
    pub plugin: Arc<str>,
    pub on_open: OnOpen,
    pub breaker: Arc<Breaker>,
}

/// Why a partition stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    pub reason: String,
    /// It goes on by itself once a plugin may be called again.
    pub waits: bool,
}

/// A lane's place in its consumer group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Group {
    #[default]
    Joining,
    Member {
        partitions: usize,
    },
    /// The brokers cannot be reached, or have thrown it out.
    Lost {
        reason: String,
    },
}

/// What one lane last said. Times are milliseconds since the start; zero is never.
#[derive(Default)]
struct LaneState {
    turned: AtomicU64,
    committed: AtomicU64,
    group: Mutex<Group>,
}

/// A lane's own handle: saying that it turned is one store.
pub struct Lane {
    health: Arc<Health>,
    pipeline: String,
    number: usize,
    state: Arc<LaneState>,
}

impl Health {
    pub fn new(now: Instant) -> Arc<Self> {
        Arc::new(Self { started: now, state: Mutex::default(), clock: OnceLock::new() })
    }

    /// Where to ask how the clock is that ends plugins. The first word counts.
    pub fn watch_clock(&self, read: impl Fn() -> Clock + Send + Sync + 'static) {
        self.clock.get_or_init(|| Box::new(read));
    }

    /// Makes a pipeline known, so that one that never gets going is not overlooked.
    pub fn set_pipeline_state(&self, pipeline: &str, state: PipelineState) {
        self.with(pipeline, |pipeline| pipeline.state = state);
    }

    /// The whole chain in its order, and what failed to become part of it.
    pub fn set_plugin_states(&self, pipeline: &str, plugins: Vec<PluginState>) {
        self.with(pipeline, |pipeline| pipeline.plugins = plugins);
    }

    /// The breakers of the plugins that serve.
    pub fn set_breakers(&self, pipeline: &str, guards: Vec<Guard>) {
        self.with(pipeline, |pipeline| pipeline.guards = guards);
    }

    /// `position` is the record that nothing goes past.
    pub fn halt_partition(&self, pipeline: &str, position: &Position, halt: Halt) {
        let partition = (Arc::clone(&position.topic), position.partition);
        let halt = (position.offset, halt);
        self.with(pipeline, |pipeline| pipeline.halted.insert(partition, halt));
    }

    /// The partition goes on, or is someone else's now.
    pub fn clear_halt(&self, pipeline: &str, topic: &Arc<str>, partition: i32) {
        let partition = (Arc::clone(topic), partition);
        self.with(pipeline, |pipeline| pipeline.halted.remove(&partition));
    }

    /// Every partition that the pipeline should read and that no member of the group owns. Ours or a neighbour's trouble: it
    /// makes nothing unready.
    pub fn set_unowned(&self, pipeline: &str, partitions: Vec<TopicPartition>) {
        self.with(pipeline, |pipeline| pipeline.unowned = partitions);
    }

    /// No new work is taken from here on.
    pub fn drain(&self) {
        self.lock().is_draining = true;
    }

    /// A lane that begins to turn. It is forgotten when the handle is dropped, so a handle goes where its loop goes.
    pub fn lane(self: &Arc<Self>, pipeline: &str, number: usize, now: Instant) -> Lane {
        let state = Arc::new(LaneState::default());
        self.with(pipeline, |pipeline| pipeline.lanes.insert(number, Arc::clone(&state)));
        let lane = Lane { health: Arc::clone(self), pipeline: pipeline.to_owned(), number, state };
        lane.turned(now);
        lane
    }

    pub fn liveness(&self, now: Instant) -> Liveness {
        Liveness::of(&self.lock(), self.millis(now))
    }

    pub fn readiness(&self, now: Instant) -> Readiness {
        let clock = self.clock.get().map(|read| read());
        Readiness::of(&self.lock(), clock, now, self.millis(now))
    }

    fn with<T>(&self, pipeline: &str, change: impl FnOnce(&mut Pipeline) -> T) -> T {
        let mut state = self.lock();
        if !state.pipelines.contains_key(pipeline) {
            state.pipelines.insert(pipeline.to_owned(), Pipeline::default());
        }
        change(state.pipelines.get_mut(pipeline).expect("it was put there just above"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never zero, which stands for never.
    fn millis(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.started).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl Lane {
    /// Once a turn of the lane's loop.
    pub fn turned(&self, now: Instant) {
        self.state.turned.store(self.health.millis(now), Ordering::Relaxed);
    }

    /// The broker has taken a commit of this lane's offsets.
    pub fn committed(&self, now: Instant) {
        self.state.committed.store(self.health.millis(now), Ordering::Relaxed);
    }

    pub fn set_group(&self, group: Group) {
        *self.state.group.lock().unwrap_or_else(PoisonError::into_inner) = group;
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let (number, own) = (self.number, &self.state);
        self.health.with(&self.pipeline, |pipeline| {
            // A lane that was started again under this number stays.
            if pipeline.lanes.get(&number).is_some_and(|lane| Arc::ptr_eq(lane, own)) {
                pipeline.lanes.remove(&number);
            }
        });
    }
}

#[cfg(test)]
mod tests;
