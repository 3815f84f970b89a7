//! The answers to "is it alive" and "is it ready", with their reasons, in the shape that is served as JSON.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde::Serialize;

use super::{Group, LONGEST_TURN, LaneState, Pipeline, PipelineState, State};

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
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HaltReport {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub reason: String,
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
    pub(super) fn of(state: &State, now: u64) -> Self {
        let (mut reasons, mut warnings) = (Vec::new(), Vec::new());
        if state.is_draining {
            reasons.push("it is draining".to_owned());
        }
        if state.pipelines.is_empty() {
            reasons.push("no pipeline has begun to start".to_owned());
        }
        let mut pipelines = Vec::with_capacity(state.pipelines.len());
        for (name, pipeline) in &state.pipelines {
            judge(name, pipeline, &mut reasons, &mut warnings);
            pipelines.push(report(name, pipeline, now));
        }
        Self { ready: reasons.is_empty(), reasons, warnings, pipelines }
    }
}

fn judge(name: &str, pipeline: &Pipeline, reasons: &mut Vec<String>, warnings: &mut Vec<String>) {
    match &pipeline.state {
        PipelineState::Starting => reasons.push(format!("pipeline \"{name}\" is starting")),
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
    for ((topic, partition), (offset, reason)) in &pipeline.halted {
        reasons.push(format!("{topic}-{partition} is halted at offset {offset}: {reason}"));
    }
}

fn names(pipeline: &Pipeline) -> Vec<String> {
    pipeline.unowned.iter().map(ToString::to_string).collect()
}

fn report(name: &str, pipeline: &Pipeline, now: u64) -> PipelineReport {
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
            .map(|(number, lane)| lane_report(*number, lane, now))
            .collect(),
        plugins: pipeline
            .plugins
            .iter()
            .map(|plugin| PluginReport {
                name: plugin.name.clone(),
                serving: plugin.serving.clone(),
                refused: plugin.refused.clone(),
            })
            .collect(),
        halted: pipeline
            .halted
            .iter()
            .map(|((topic, partition), (offset, reason))| HaltReport {
                topic: topic.to_string(),
                partition: *partition,
                offset: *offset,
                reason: reason.clone(),
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
