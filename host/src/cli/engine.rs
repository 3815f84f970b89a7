//! How every command comes by its plugins; and the pipeline that `run` carries records through, for `apply`: the same code
//! without Kafka around it.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;

use super::apply::{Engine, Settled};
use crate::breaker::Order;
use crate::config::{self, Config};
use crate::gateway::Loaded;
use crate::pipeline::Pipeline;
use crate::plugin::{Compiler, Options, Runtime};
use crate::record::Record;

/// This program, also where another one has taken its place on disk since it was started.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// How plugins are loaded where `config` is the configuration; without one any may be loaded, and they are kept in the usual
/// place.
pub(super) fn options(config: Option<&Config>) -> anyhow::Result<Options> {
    let program = match Path::new(THIS_PROGRAM) {
        program if program.exists() => program.to_owned(),
        _ => std::env::current_exe()
            .context("finding this program, which compiles plugins in a process of its own")?,
    };
    let (trust, cache) = match config {
        Some(config) => (config.trust.clone(), config.cache.clone()),
        None => (config::Trust::default(), config::default_cache()),
    };
    Ok(Options { trust, cache, compiler: Some(Compiler::new(program)) })
}

/// One pipeline with the plugins of its folder as they are now.
pub(super) struct Offline {
    pipeline: Pipeline,
}

impl Offline {
    pub(super) fn open(settings: &config::Pipeline, options: Options) -> anyhow::Result<Self> {
        let runtime = Runtime::start_with(options)?;
        let loaded = Loaded::load(&runtime, settings)?;
        let stages = loaded.stages();
        // Files have no time to wait: each event that a plugin fails on takes its fault policy.
        stages.iter().for_each(|stage| stage.breaker.order(Order::Close, Instant::now()));
        Ok(Self { pipeline: Pipeline::new(Arc::clone(&loaded.settings), stages) })
    }
}

impl Engine for Offline {
    fn process(
        &mut self,
        records: &[Record<'_>],
        settle: &mut dyn FnMut(Settled<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut result = Ok(());
        self.pipeline.process(records, |_, about, outcome| {
            let table = about.table.map(crate::table::Table::qualified_name);
            result = settle(Settled { table: table.as_deref(), outcome });
            result.is_ok()
        });
        result
    }
}
