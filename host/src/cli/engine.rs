//! The pipeline that `run` carries records through, for `apply`: the same code without Kafka around it.

use std::sync::Arc;
use std::time::Instant;

use super::apply::{Engine, Settled};
use crate::breaker::Order;
use crate::config;
use crate::gateway::Loaded;
use crate::pipeline::Pipeline;
use crate::plugin::Runtime;
use crate::record::Record;

/// One pipeline with the plugins of its folder as they are now.
pub(super) struct Offline {
    pipeline: Pipeline,
}

impl Offline {
    pub(super) fn open(settings: &config::Pipeline) -> anyhow::Result<Self> {
        let runtime = Runtime::start()?;
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
