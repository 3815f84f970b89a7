//! What the gateway counts, under the names and with the help that Prometheus shows. One struct for each owner of series,
//! handed in and never global; when an owner goes, its series go. Must not know who serves them.

mod owners;
mod pipeline;
mod plugin;
mod partition;

use std::time::Duration;

use prometheus::{IntGaugeVec, Opts, Registry, TextEncoder};

pub use self::partition::Partition;
pub use self::pipeline::{Lane, Pipeline, Reload, Settled, Tally};
pub use self::plugin::{MAX_CUSTOM_NAMES, Memory, Plugin};

/// Every series of one gateway. Labels are from closed lists or name things of the configuration; the one exception, the
/// names that plugins count under, is capped.
pub struct Metrics {
    registry: Registry,
    pipelines: pipeline::Family,
    plugins: plugin::Family,
    partitions: partition::Family,
}

impl Metrics {
    pub fn register() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let build = IntGaugeVec::new(
            Opts::new("lockgate_build_info", "Always 1; the label says which version runs."),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(build))?;
        Ok(Self {
            pipelines: pipeline::Family::register(&registry)?,
            plugins: plugin::Family::register(&registry)?,
            partitions: partition::Family::register(&registry)?,
            registry,
        })
    }

    pub fn pipeline(&self, name: &str) -> Pipeline {
        self.pipelines.pipeline(name)
    }

    pub fn lane(&self, pipeline: &str, number: usize) -> Lane {
        self.pipelines.lane(pipeline, number)
    }

    /// One plugin of one pipeline, whatever its version: a swap goes on with the counts of the version before.
    pub fn plugin(&self, pipeline: &str, name: &str) -> Plugin {
        self.plugins.plugin(pipeline, name)
    }

    /// Shows the age of the last tick of the clock that ends plugins.
    pub fn watch_clock(
        &self,
        age: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> prometheus::Result<()> {
        self.registry.register(Box::new(plugin::Clock::new(age)?))
    }

    /// One assigned partition; dropped when it is revoked.
    pub fn partition(&self, pipeline: &str, topic: &str, number: i32) -> Partition {
        self.partitions.partition(pipeline, topic, number)
    }

    /// All series as text, in the format that Prometheus scrapes.
    pub fn render(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests;
