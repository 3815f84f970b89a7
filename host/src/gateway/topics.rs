//! Sees that topics are as the pipelines need them: once before the start, then again and again while the gateway runs, since globs
//! take in topics that appear later; and that somebody owns their partitions. Knows no record.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use tracing::{debug, warn};

use super::lane::chain;
use super::ownership::Ownership;
use super::{Loaded, Stop, Windows};
use crate::config;
use crate::kafka::members_assign;
use crate::kafka::topics::{Problem, Topic, Topics};

/// How often the cluster's topics and their owners are looked at. librdkafka itself notices new topics within 30 s.
const PERIOD: Duration = Duration::from_secs(5);

/// Waits for the brokers and sees that every topic is there. None when told to stop meanwhile; else for each pipeline the
/// largest record its output topics take, where the broker says so.
pub(super) fn prepare(
    kafka: &config::Kafka,
    pipelines: &[Loaded],
    stop: &Stop,
) -> anyhow::Result<Option<Vec<Option<usize>>>> {
    let topics = Topics::connect(kafka)?;
    let Some(found) = topics.wait(|| stop.is_draining()) else { return Ok(None) };
    let mut limits = Vec::new();
    let mut problems = Vec::new();
    for pipeline in pipelines {
        match topics.prepare(&pipeline.settings, &found) {
            Ok(prepared) => limits.push(prepared.record_bytes),
            Err(found) => problems.extend(found.iter().map(|problem| chain(problem))),
        }
    }
    if problems.is_empty() {
        return Ok(Some(limits));
    }
    Err(anyhow!("checking topics: {}", problems.join("\n  ")))
}

/// Looks after the topics until dropped.
pub(super) struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(
        kafka: &config::Kafka,
        pipelines: &[Loaded],
        windows: &Windows,
    ) -> anyhow::Result<Self> {
        let mut rounds = Rounds {
            topics: Topics::connect(kafka)?,
            settings: pipelines.iter().map(|pipeline| Arc::clone(&pipeline.settings)).collect(),
            seen: Vec::new(),
            problems: Vec::new(),
            // Where the broker assigns, there are no rounds to get lost between.
            ownership: members_assign(kafka)
                .then(|| Ownership::new(pipelines, &windows.metrics, &windows.health)),
        };
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            // A timeout is a look; a disconnect means that the watch was dropped.
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PERIOD) {
                rounds.look();
            }
        };
        let thread = thread::Builder::new().name("topics".to_owned()).spawn(run);
        Ok(Self { stop: Some(stop), thread: Some(thread.context("starting the topics thread")?) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It panics for no reason of ours, and nothing waits for what it would say.
            drop(thread.join());
        }
    }
}

/// What the watch's thread looks at, and what it remembers from one look to the next.
struct Rounds {
    topics: Topics,
    settings: Vec<Arc<config::Pipeline>>,
    seen: Vec<Topic>,
    /// What was wrong then, each told once.
    problems: Vec<Problem>,
    ownership: Option<Ownership>,
}

impl Rounds {
    fn look(&mut self) {
        // Brokers that do not answer are the lanes' to tell of.
        let Ok(mut found) = self.topics.list() else { return };
        found.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(ownership) = &mut self.ownership {
            let owned = self.topics.owned().unwrap_or_else(|error| {
                debug!(error = chain(&error), "who owns the partitions is not known");
                None
            });
            ownership.look(&found, owned.as_ref(), Instant::now());
        }
        self.prepare(found);
    }

    /// Prepares anew where topics have come, gone or grown since the last look, or where one could not be created.
    fn prepare(&mut self, found: Vec<Topic>) {
        let is_creating = |problem: &Problem| matches!(problem, Problem::NotCreated { .. });
        if found == self.seen && !self.problems.iter().any(is_creating) {
            return;
        }
        let mut problems = Vec::new();
        for pipeline in &self.settings {
            problems.extend(self.topics.prepare(pipeline, &found).err().unwrap_or_default());
        }
        for problem in problems.iter().filter(|problem| !self.problems.contains(problem)) {
            warn!(problem = chain(problem), "a topic is not as it should be");
        }
        (self.seen, self.problems) = (found, problems);
    }
}
