//! Where an operator's questions and orders about plugins meet the pipelines that run. Made before the gateway runs, and empty until
//! then. Must not know who asks, or how a version comes to serve.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::breaker;
use crate::control::{Diff, Operator, Order, PluginView, Refused};
use crate::plugin::{Catalog, SharedTrial, Version};

/// One running gateway's plugins.
#[derive(Default)]
pub struct Desk {
    counters: Mutex<Vec<Counter>>,
}

/// One pipeline at the desk.
#[derive(Clone)]
pub(super) struct Counter {
    pub(super) pipeline: Arc<str>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) trial: SharedTrial,
    pub(super) hooks: Hooks,
}

/// What other parts of a pipeline do for its operator, each asked with the name of a plugin.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    /// The latest comparison of a new version with the old one.
    pub(super) diff: Option<Arc<Latest>>,
    /// Lets the keys go on that follow a refused event, and gives their number.
    pub(super) release: Option<Arc<Keys>>,
    /// How many keys do so now.
    pub(super) parked: Option<Arc<Keys>>,
}

pub(super) type Latest = dyn Fn(&str) -> Option<Diff> + Send + Sync;
pub(super) type Keys = dyn Fn(&str) -> u64 + Send + Sync;

impl Desk {
    pub(super) fn open(&self, counter: Counter) {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).push(counter);
    }

    fn counters(&self) -> Vec<Counter> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one pipeline that is meant.
    fn find(&self, pipeline: Option<&str>, plugin: &str) -> Result<Counter, Refused> {
        let counters = self.counters();
        if let Some(name) = pipeline
            && !counters.iter().any(|counter| *counter.pipeline == *name)
        {
            let known = listed(counters.iter().map(|counter| counter.pipeline.to_string()));
            return Err(Refused::Unknown(format!(
                "there is no pipeline \"{name}\"; there is {known}"
            )));
        }
        let asked = |counter: &&Counter| pipeline.is_none_or(|name| *counter.pipeline == *name);
        let asked: Vec<&Counter> = counters.iter().filter(asked).collect();
        let has = |counter: &&&Counter| counter.views().iter().any(|view| view.plugin == plugin);
        let having: Vec<&&Counter> = asked.iter().filter(has).collect();
        match having.as_slice() {
            [one] => Ok((**one).clone()),
            [] => {
                let names = asked.iter().flat_map(|counter| counter.views());
                let known = listed(names.map(|view| view.plugin));
                Err(Refused::Unknown(format!("there is no plugin \"{plugin}\"; there is {known}")))
            }
            several => {
                let pipelines = listed(several.iter().map(|counter| counter.pipeline.to_string()));
                Err(Refused::Unknown(format!(
                    "several pipelines have a plugin \"{plugin}\": {pipelines}; say which is meant"
                )))
            }
        }
    }
}

impl Operator for Desk {
    fn plugins(&self) -> Vec<PluginView> {
        self.counters().iter().flat_map(Counter::views).collect()
    }

    fn diff(&self, pipeline: Option<&str>, plugin: &str) -> Result<Diff, Refused> {
        let counter = self.find(pipeline, plugin)?;
        let latest = counter.hooks.diff.as_ref().and_then(|latest| latest(plugin));
        latest.ok_or_else(|| {
            Refused::Unknown(format!(
                "no version of plugin \"{plugin}\" has run beside another since the gateway started"
            ))
        })
    }

    fn order(&self, pipeline: Option<&str>, plugin: &str, order: Order) -> Result<String, Refused> {
        self.find(pipeline, plugin)?.carry_out(plugin, order)
    }
}

impl Counter {
    fn views(&self) -> Vec<PluginView> {
        let mut views = self.catalog.views(Instant::now());
        for view in &mut views {
            view.pipeline = self.pipeline.to_string();
            view.parked_keys = self.hooks.parked.as_ref().map_or(0, |parked| parked(&view.plugin));
        }
        views
    }

    fn carry_out(&self, plugin: &str, order: Order) -> Result<String, Refused> {
        match order {
            Order::Open => {
                self.breaker(plugin, breaker::Order::Open)?;
                Ok(format!(
                    "nothing enters plugin \"{plugin}\" until its breaker is closed or reset"
                ))
            }
            Order::Close => {
                self.breaker(plugin, breaker::Order::Close)?;
                Ok(format!(
                    "the breaker of plugin \"{plugin}\" stays closed until it is reset: each event it fails on takes its fault policy"
                ))
            }
            Order::Reset => {
                self.breaker(plugin, breaker::Order::Reset)?;
                Ok(format!("the breaker of plugin \"{plugin}\" is closed, and goes by itself"))
            }
            Order::Rollback => self.catalog.rollback(plugin, &*self.trial),
            Order::Promote => self.catalog.promote(plugin),
            Order::Release => match &self.hooks.release {
                Some(release) => match release(plugin) {
                    1 => Ok(format!("1 key goes on through plugin \"{plugin}\"")),
                    keys => Ok(format!("{keys} keys go on through plugin \"{plugin}\"")),
                },
                None => {
                    Err(Refused::Conflict(format!("no key is held back by plugin \"{plugin}\"")))
                }
            },
        }
    }

    fn breaker(&self, plugin: &str, order: breaker::Order) -> Result<(), Refused> {
        let current = self.catalog.current();
        let is_it = |version: &&Arc<Version>| *version.place.name == *plugin;
        let serving = current.plugins.iter().find(is_it).ok_or_else(|| {
            Refused::Conflict(format!("plugin \"{plugin}\" does not serve, so it has no breaker"))
        })?;
        serving.breaker().order(order, Instant::now());
        Ok(())
    }
}

/// `"a", "b"`, each once; or that there is nothing.
fn listed(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    names.sort();
    names.dedup();
    if names.is_empty() { "none yet".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
