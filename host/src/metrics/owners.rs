//! Series and who they belong to: the last holder of a set of labels takes its series with it, so that none outlives what it
//! describes. Knows no metric by name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};
use rustc_hash::FxHashMap;

/// Declares the series of one kind of owner. Each carries the owner's labels first.
pub(super) struct Declaration<'r> {
    registry: &'r Registry,
    owner: &'static [&'static str],
    series: Vec<Box<dyn Series>>,
}

impl<'r> Declaration<'r> {
    pub(super) fn new(registry: &'r Registry, owner: &'static [&'static str]) -> Self {
        Self { registry, owner, series: Vec::new() }
    }

    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
        more: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        self.keep(IntCounterVec::new(Opts::new(name, help), &[self.owner, more].concat())?)
    }

    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        more: &[&str],
    ) -> prometheus::Result<IntGaugeVec> {
        self.keep(IntGaugeVec::new(Opts::new(name, help), &[self.owner, more].concat())?)
    }

    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> prometheus::Result<HistogramVec> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.keep(HistogramVec::new(options, self.owner)?)
    }

    fn keep<T: MetricVecBuilder + 'static>(
        &mut self,
        series: MetricVec<T>,
    ) -> prometheus::Result<MetricVec<T>> {
        self.registry.register(Box::new(series.clone()))?;
        self.series.push(Box::new(series.clone()));
        Ok(series)
    }

    pub(super) fn owners(self) -> Arc<Owners> {
        Arc::new(Owners {
            labels: self.owner,
            series: self.series,
            holders: Mutex::new(FxHashMap::default()),
        })
    }
}

/// The owners of some series, and how often each is held.
pub(super) struct Owners {
    labels: &'static [&'static str],
    series: Vec<Box<dyn Series>>,
    holders: Mutex<FxHashMap<Vec<String>, usize>>,
}

impl Owners {
    /// To be taken before the series are made: a holder that is just leaving then either finds this one, or has removed the
    /// old series already.
    pub(super) fn lease(self: &Arc<Self>, owner: &[&str]) -> Lease {
        let owner: Vec<String> = owner.iter().map(|label| (*label).to_owned()).collect();
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        *holders.entry(owner.clone()).or_default() += 1;
        Lease { owner, owners: Arc::clone(self) }
    }
}

/// The right to use the series of one owner.
pub(super) struct Lease {
    owner: Vec<String>,
    owners: Arc<Owners>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut holders = self.owners.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = holders.get_mut(&self.owner) else { return };
        *count -= 1;
        if *count == 0 {
            holders.remove(&self.owner);
            let labels = self.owners.labels.iter().copied();
            let owner: Vec<(&str, &str)> =
                labels.zip(self.owner.iter().map(String::as_str)).collect();
            for series in &self.owners.series {
                series.remove_all(&owner);
            }
        }
    }
}

/// Anything with labels from which the series of an owner can be removed.
pub(super) trait Series: Send + Sync {
    /// Removes what carries all of `labels`, whatever else it carries.
    fn remove_all(&self, labels: &[(&str, &str)]);
}

impl<T: MetricVecBuilder> Series for MetricVec<T> {
    fn remove_all(&self, labels: &[(&str, &str)]) {
        for family in self.collect() {
            for metric in family.get_metric() {
                let all: HashMap<&str, &str> =
                    metric.get_label().iter().map(|pair| (pair.name(), pair.value())).collect();
                if labels.iter().all(|(name, value)| all.get(name) == Some(value)) {
                    // An error says that someone removed it just before.
                    self.remove(&all).unwrap_or_default();
                }
            }
        }
    }
}
