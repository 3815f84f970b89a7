//! The answers to "is it alive" and "is it ready", with their reasons, in the shape that is served as JSON.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Serialize;

use super::{Clock, Group, Guard, LONGEST_TURN, LaneState, Pipeline, PipelineState, State};
use crate::breaker;
use crate::config::OnOpen;

/// Alive: every lane turns. A gateway that is not should be started again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Liveness {
    pub live: bool,
    pub reasons: Vec<String>,
}

/// Ready: every pipeline carries records, with its whole chain. Starting it again would mend nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Readiness {
    pub ready: bool,
    pub reasons: Vec<String>,
    /// What someone should look at although records are carried.
    pub warnings: Vec<String>,
    pub pipelines: Vec<PipelineReport>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PipelineReport {
    pub name: String,
    pub state: &'static str,
    pub lanes: Vec<LaneReport>,
    pub plugins: Vec<PluginReport>,
    pub halted: Vec<HaltReport>,
    /// `topic-partition` of each that no member of the group owns.
    pub unowned: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaneReport {
    pub lane: usize,
    pub group: &'static str,
    pub partitions: usize,
    pub last_turn_age_seconds: f64,
    /// None before the first commit.
    pub last_commit_age_seconds: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PluginReport {
    pub name: String,
    pub serving: Option<String>,
    pub refused: Option<String>,
    /// None where it does not serve.
    pub breaker: Option<BreakerReport>,
}

/// Whether a plugin is called.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakerReport {
    /// `closed`, `half-open` or `open`.
    pub state: &'static str,
    /// An operator holds it there.
    pub by_hand: bool,
    /// Why it last opened; none while it is closed and healthy.
    pub cause: Option<String>,
    /// Until it is tried again; none where it is not open by itself.
    pub next_probe_seconds: Option<f64>,
    pub trips: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HaltReport {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub reason: String,
    /// It goes on by itself once a plugin may be called again.
    pub waits: bool,
}

impl Liveness {
    pub(super) fn of(state: &State, now: u64) -> Self {
        let mut reasons = Vec::new();
        for (name, pipeline) in &state.pipelines {
            for (number, lane) in &pipeline.lanes {
                let age = seconds_since(lane.turned.load(Ordering::Relaxed), now);
                if age > LONGEST_TURN.as_secs_f64() {
                    let reason = format!(
                        "lane {number} of pipeline \"{name}\" last turned {age:.0} seconds ago"
                    );
                    reasons.push(reason);
                }
            }
        }
        Self { live: reasons.is_empty(), reasons }
    }
}

impl Readiness {
    /// `millis` is `now` as the lanes count it.
    pub(super) fn of(state: &State, clock: Option<Clock>, now: Instant, millis: u64) -> Self {
        let (mut reasons, mut warnings) = (Vec::new(), Vec::new());
        if state.is_draining {
            reasons.push("it is draining".to_owned());
        }
        if let Some(Clock { age, is_ticking: false }) = clock {
            reasons.push(format!(
                "the clock that ends plugins last ticked {:.1} seconds ago, so no plugin is entered and records wait; restart the \
                 gateway",
                age.as_secs_f64()
            ));
        }
        if state.pipelines.is_empty() {
            reasons.push("no pipeline has begun to start".to_owned());
        }
        let mut pipelines = Vec::with_capacity(state.pipelines.len());
        for (name, pipeline) in &state.pipelines {
            judge(name, pipeline, &mut reasons, &mut warnings);
            for guard in &pipeline.guards {
                judge_breaker(name, guard, now, (&mut reasons, &mut warnings));
            }
            pipelines.push(report(name, pipeline, now, millis));
        }
        Self { ready: reasons.is_empty(), reasons, warnings, pipelines }
    }
}

fn judge(name: &str, pipeline: &Pipeline, reasons: &mut Vec<String>, warnings: &mut Vec<String>) {
    match &pipeline.state {
        PipelineState::Starting => reasons.push(format!(
            "pipeline \"{name}\" is starting; where that lasts, the log says what it waits for"
        )),
        PipelineState::Halted { reason } => {
            reasons.push(format!("pipeline \"{name}\" is halted: {reason}"));
        }
        PipelineState::Running if pipeline.lanes.is_empty() => {
            reasons.push(format!("no lane of pipeline \"{name}\" is running"));
        }
        PipelineState::Running => {}
    }
    for (number, lane) in &pipeline.lanes {
        match group(lane) {
            Group::Joining => {
                reasons.push(format!("lane {number} of pipeline \"{name}\" is joining its group"));
            }
            Group::Lost { reason } => {
                reasons.push(format!("lane {number} of pipeline \"{name}\" is cut off: {reason}"));
            }
            Group::Member { .. } => {}
        }
    }
    for plugin in &pipeline.plugins {
        let Some(reason) = &plugin.refused else { continue };
        let plugin_name = &plugin.name;
        match &plugin.serving {
            Some(version) => warnings.push(format!(
                "plugin \"{plugin_name}\" of pipeline \"{name}\" still serves as {version}: {reason}"
            )),
            None => reasons.push(format!(
                "plugin \"{plugin_name}\" of pipeline \"{name}\" does not serve: {reason}"
            )),
        }
    }
    if !pipeline.unowned.is_empty() {
        let all = names(pipeline).join(", ");
        warnings.push(format!("nobody in the group of pipeline \"{name}\" owns {all}"));
    }
    for ((topic, partition), (offset, halt)) in &pipeline.halted {
        let stands = if halt.waits { "waits" } else { "is halted" };
        reasons.push(format!("{topic}-{partition} {stands} at offset {offset}: {}", halt.reason));
    }
}

fn judge_breaker(
    pipeline: &str,
    guard: &Guard,
    now: Instant,
    (reasons, warnings): (&mut Vec<String>, &mut Vec<String>),
) {
    let view = guard.breaker.view(now);
    let cause = view.cause.unwrap_or_default();
    let next = view.next_probe.unwrap_or_default().as_secs_f64();
    let who = format!("plugin \"{}\" of pipeline \"{pipeline}\"", guard.plugin);
    let (told, what) = match (view.state, view.by_hand, guard.on_open) {
        (breaker::State::Closed, false, _) => return,
        (breaker::State::Closed, true, _) => (
            warnings,
            "is called whatever it does, since its breaker is held closed by hand".to_owned(),
        ),
        (breaker::State::HalfOpen, _, _) => {
            (warnings, format!("is tried again with a few events, after {cause}"))
        }
        (breaker::State::Open, true, OnOpen::Halt) => {
            (reasons, "is held back by hand, and records wait for it".to_owned())
        }
        (breaker::State::Open, true, OnOpen::Bypass) => {
            (warnings, "is held back by hand, and records go by without it".to_owned())
        }
        (breaker::State::Open, false, OnOpen::Halt) => (
            reasons,
            format!(
                "is not called, and records wait for it, because {cause}; it is tried again in {next:.1} seconds"
            ),
        ),
        (breaker::State::Open, false, OnOpen::Bypass) => (
            warnings,
            format!(
                "is not called, and records go by without it, because {cause}; it is tried again in {next:.1} seconds"
            ),
        ),
    };
    told.push(format!("{who} {what}"));
}

fn breaker_report(guard: &Guard, now: Instant) -> BreakerReport {
    let view = guard.breaker.view(now);
    BreakerReport {
        state: view.state.as_str(),
        by_hand: view.by_hand,
        cause: view.cause,
        next_probe_seconds: view.next_probe.map(|after| after.as_secs_f64()),
        trips: view.trips,
    }
}

fn names(pipeline: &Pipeline) -> Vec<String> {
    pipeline.unowned.iter().map(ToString::to_string).collect()
}

fn report(name: &str, pipeline: &Pipeline, now: Instant, millis: u64) -> PipelineReport {
    let guard = |name: &str| pipeline.guards.iter().find(|guard| *guard.plugin == *name);
    PipelineReport {
        name: name.to_owned(),
        state: match pipeline.state {
            PipelineState::Starting => "starting",
            PipelineState::Running => "running",
            PipelineState::Halted { .. } => "halted",
        },
        lanes: pipeline
            .lanes
            .iter()
            .map(|(number, lane)| lane_report(*number, lane, millis))
            .collect(),
        plugins: pipeline
            .plugins
            .iter()
            .map(|plugin| PluginReport {
                name: plugin.name.clone(),
                serving: plugin.serving.clone(),
                refused: plugin.refused.clone(),
                breaker: guard(&plugin.name).map(|guard| breaker_report(guard, now)),
            })
            .collect(),
        halted: pipeline
            .halted
            .iter()
            .map(|((topic, partition), (offset, halt))| HaltReport {
                topic: topic.to_string(),
                partition: *partition,
                offset: *offset,
                reason: halt.reason.clone(),
                waits: halt.waits,
            })
            .collect(),
        unowned: names(pipeline),
    }
}

fn lane_report(number: usize, lane: &LaneState, now: u64) -> LaneReport {
    let (group, partitions) = match group(lane) {
        Group::Joining => ("joining", 0),
        Group::Member { partitions } => ("member", partitions),
        Group::Lost { .. } => ("lost", 0),
    };
    let committed = lane.committed.load(Ordering::Relaxed);
    LaneReport {
        lane: number,
        group,
        partitions,
        last_turn_age_seconds: seconds_since(lane.turned.load(Ordering::Relaxed), now),
        last_commit_age_seconds: (committed != 0).then(|| seconds_since(committed, now)),
    }
}

fn group(lane: &LaneState) -> Group {
    lane.group.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Both in milliseconds.
fn seconds_since(then: u64, now: u64) -> f64 {
    std::time::Duration::from_millis(now.saturating_sub(then)).as_secs_f64()
}
