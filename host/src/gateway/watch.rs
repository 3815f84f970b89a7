//! Keeps each pipeline's plugins in step with their folder, and says on the health page and in the metrics how that goes.

use std::sync::Arc;

use anyhow::Context as _;

use super::{Loaded, Windows};
use crate::health::{Health, PipelineState, PluginState};
use crate::metrics::{self, Reload as Counted};
use crate::plugin::{Catalog, FileStatus, FolderWatch, Hurdles, State};

/// Watches the folder of `pipeline` until the watch is dropped.
pub(super) fn start(
    pipeline: &Loaded,
    hurdles: Hurdles,
    windows: &Windows,
    totals: &Arc<metrics::Pipeline>,
) -> anyhow::Result<FolderWatch> {
    let name = pipeline.settings.name.clone();
    let catalog = Arc::clone(&pipeline.catalog);
    let health = Arc::clone(&windows.health);
    let totals = Arc::clone(totals);
    show(&name, &catalog, &health);
    let shown = Arc::clone(&catalog);
    let mut counted = catalog.reloads();
    let mut plugins = catalog.current().plugins.len();
    let looked = move |reload: &crate::plugin::Reload| {
        if reload.generation.is_some() {
            let now = shown.current().plugins.len();
            totals.reloaded(if now < plugins { Counted::Removed } else { Counted::Live });
            plugins = now;
        }
        let now = shown.reloads();
        for _ in counted.refused..now.refused {
            totals.reloaded(Counted::Refused);
        }
        for _ in counted.rolled_back..now.rolled_back {
            totals.reloaded(Counted::RolledBack);
        }
        counted = now;
        show(&name, &shown, &health);
    };
    FolderWatch::start(catalog, hurdles, Box::new(looked)).with_context(|| {
        format!("watching plugin folder \"{}\"", pipeline.settings.plugins.display())
    })
}

fn show(pipeline: &str, catalog: &Catalog, health: &Health) {
    let missing = &catalog.current().missing_required;
    let state = if missing.is_empty() {
        PipelineState::Running
    } else {
        let reason = format!(
            "required plugin \"{}\" is not in \"{}\"; put it back",
            missing.join("\", \""),
            catalog.folder().display()
        );
        PipelineState::Halted { reason }
    };
    health.set_pipeline_state(pipeline, state);
    health.set_plugin_states(pipeline, catalog.status().iter().map(plugin_state).collect());
}

fn plugin_state(file: &FileStatus) -> PluginState {
    let name = file.plugin.as_ref().map_or_else(|| file.file.clone(), ToString::to_string);
    let refused = match file.state {
        State::Serving | State::Pending => None,
        State::Failed => file.reason.clone(),
    };
    PluginState { name, serving: file.version.clone(), refused }
}
