//! The pipeline that `run` carries records through, for `apply`: the same code without Kafka around it.

use std::sync::Arc;

use super::apply::{Engine, Settled};
use crate::config::{self, Trust};
use crate::gateway::Loaded;
use crate::pipeline::Pipeline;
use crate::plugin::{Options, Runtime};
use crate::record::Record;

/// One pipeline with the plugins of its folder as they are now.
pub(super) struct Offline {
    pipeline: Pipeline,
}

impl Offline {
    pub(super) fn open(settings: &config::Pipeline, trust: Trust) -> anyhow::Result<Self> {
        let runtime = Runtime::start_with(Options { trust, ..Options::default() })?;
        let loaded = Loaded::load(&runtime, settings)?;
        let stages = loaded.stages();
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
