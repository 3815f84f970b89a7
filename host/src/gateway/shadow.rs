//! A new chain beside the one that serves: both go through the same records, what came of them is compared and judged, and
//! nothing of either leaves. Must not know the plugin folder, or what becomes of the verdict.

mod compare;
mod ear;
mod end;
mod example;
mod fields;
mod judge;
mod trial;
mod veil;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::LANE_STACK;
use super::tap::{Tap, Watch};
use crate::config::{self, Length};
use crate::control::Diff;
use crate::plugin::{Go, Progress, Rehearsal, Version};
use trial::Trial;

/// How often whoever asked is told how far it is.
const LOOK: Duration = Duration::from_millis(50);

/// The trials of one pipeline's new chains.
pub struct Shadow {
    settings: Arc<config::Pipeline>,
    tap: Arc<Tap>,
    /// Held by the trial that runs: the tap feeds one at a time.
    turn: Mutex<()>,
    /// By plugin: what the latest trial of a new version of it found.
    latest: Mutex<FxHashMap<Arc<str>, Diff>>,
}

impl Shadow {
    pub fn new(settings: Arc<config::Pipeline>, tap: Arc<Tap>) -> Self {
        Self { settings, tap, turn: Mutex::default(), latest: Mutex::default() }
    }

    /// What the latest trial of a new version of `plugin` found; none where there was none with a record to try it on.
    pub fn latest(&self, plugin: &str) -> Option<Diff> {
        lock(&self.latest).get(plugin).cloned()
    }

    fn remember(&self, trial: &Trial, present: &[Arc<Version>]) {
        let mut latest = lock(&self.latest);
        latest.retain(|plugin, _| present.iter().any(|version| version.place.name == *plugin));
        latest.extend(trial.diffs());
    }
}

impl Rehearsal for Shadow {
    fn run(
        &self,
        old: &[Arc<Version>],
        new: &[Arc<Version>],
        length: Length,
        watch: &dyn Fn(&Progress) -> Go,
    ) -> Result<Progress, String> {
        let _turn = lock(&self.turn);
        let source = self.tap.watch();
        if source.kept().is_empty() {
            return Ok(Progress::default());
        }
        let desk = Desk::new(length);
        let work = || {
            let mut trial = Trial::new(&self.settings, old, new);
            let verdict = rehearse(&mut trial, &source, &desk);
            self.remember(&trial, &[old, new].concat());
            verdict
        };
        thread::scope(|scope| {
            let (done, ended) = mpsc::channel();
            // Plugins and the scanner want a lane's stack, and `watch` is heard while they are at work.
            let thread = thread::Builder::new()
                .name(format!("shadow {}", self.settings.name))
                .stack_size(LANE_STACK)
                .spawn_scoped(scope, move || {
                    // It is there until the thread has ended.
                    let _heard = done.send(work()).is_ok();
                })
                .map_err(|error| format!("starting the thread of the trial: {error}"))?;
            loop {
                match ended.recv_timeout(LOOK) {
                    Ok(verdict) => return verdict.map(|()| desk.progress()),
                    Err(RecvTimeoutError::Timeout) => {
                        if watch(&desk.progress()) != Go::On {
                            desk.stop();
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            // A scope panics where a thread of it did, unless somebody has asked.
            let _panicked = thread.join().is_err();
            Err("the gateway failed while it ran the new chain beside the old one; report it with the plugins' files".to_owned())
        })
    }
}

/// What the thread at work and the one that asked for it share.
struct Desk {
    begun: Instant,
    length: Length,
    progress: Mutex<Progress>,
    stopped: AtomicBool,
}

impl Desk {
    fn new(length: Length) -> Self {
        let (progress, stopped) = (Mutex::default(), AtomicBool::new(false));
        Self { begun: Instant::now(), length, progress, stopped }
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether there is no time left, or nobody wants more.
    fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.begun.elapsed() >= self.length.time
    }

    fn progress(&self) -> Progress {
        Progress { elapsed: self.begun.elapsed(), ..*lock(&self.progress) }
    }
}

/// Goes through what was kept, which is little, and then through live batches.
fn rehearse(trial: &mut Trial, source: &Watch, desk: &Desk) -> Result<(), String> {
    let over = || desk.is_over();
    for sample in source.kept() {
        let went = trial.batch(sample, &over);
        *lock(&desk.progress) = trial.progress();
        went?;
        if over() {
            break;
        }
    }
    trial.look_for_memory(source.kept(), &over);
    // Where nothing came for as long as one would wait, nothing is waited for.
    while source.age() < desk.length.time
        && !over()
        && trial.progress().compared < desk.length.events
    {
        let left = desk.length.time.saturating_sub(desk.begun.elapsed());
        if let Some(sample) = source.next(left.min(LOOK)) {
            let went = trial.batch(&sample, &over);
            *lock(&desk.progress) = trial.progress();
            went?;
        }
    }
    trial.check_speed()
}

/// What these locks guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
