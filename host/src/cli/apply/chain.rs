//! Which pipeline's chain the arguments mean.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::Args;
use crate::cli::{DEFAULT_CONFIG, engine};
use crate::config::{Config, Pipeline};
use crate::plugin::Options;
use crate::table::{Dialect, Dialects};

/// The pipeline, and how its plugins are loaded.
pub(super) fn choose(arguments: &Args) -> anyhow::Result<(Pipeline, Options)> {
    let is_configured = arguments.config.is_some() || arguments.pipeline.is_some();
    let (pipeline, options) = match &arguments.plugins {
        Some(plugins) if !is_configured => {
            let dialect = arguments.dialect.unwrap_or(Dialect::Debezium);
            let pipeline = Pipeline::offline(plugins.clone(), dialect);
            return Ok((pipeline, engine::options(None)?));
        }
        _ => configured(arguments)?,
    };
    let pipeline = Pipeline {
        plugins: arguments.plugins.clone().unwrap_or(pipeline.plugins),
        dialects: arguments.dialect.map_or(pipeline.dialects.clone(), Dialects::from),
        ..pipeline
    };
    Ok((pipeline, options))
}

fn configured(arguments: &Args) -> anyhow::Result<(Pipeline, Options)> {
    let loaded = match &arguments.config {
        Some(path) => Config::load(path)?,
        None => Config::load(Path::new(DEFAULT_CONFIG))
            .context("choosing the chain (with --plugins DIR alone no configuration is needed)")?,
    };
    let options = engine::options(Some(&loaded))?;
    let pipelines = loaded.pipelines;
    let names: Vec<&str> = pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
    let names = names.join("\", \"");
    let pipeline = match &arguments.pipeline {
        Some(name) => pipelines
            .into_iter()
            .find(|pipeline| pipeline.name == *name)
            .with_context(|| format!("choosing pipeline \"{name}\": there are \"{names}\""))?,
        None => match <[Pipeline; 1]>::try_from(pipelines) {
            Ok([pipeline]) => pipeline,
            Err(_) => bail!("choosing a pipeline: name one of \"{names}\" with --pipeline"),
        },
    };
    Ok((pipeline, options))
}

/// For clap.
pub(super) fn dialect(text: &str) -> Result<Dialect, String> {
    let known = Dialect::ALL.map(Dialect::as_str);
    Dialect::ALL
        .into_iter()
        .find(|dialect| dialect.as_str() == text)
        .ok_or_else(|| format!("the dialects are {}", known.join(", ")))
}
