//! Where each assigned partition stands.

use std::sync::Arc;

use prometheus::{IntGauge, IntGaugeVec, Registry};

use super::owners::{Declaration, Lease, Owners};

/// The handle of one assigned partition.
pub struct Partition {
    /// Records from the watermark to the end of the partition.
    pub lag: IntGauge,
    /// The offset up to which every record is settled.
    pub watermark: IntGauge,
    pub committed: IntGauge,
    /// Records read and not yet settled.
    pub in_flight: IntGauge,
    /// 1 while nothing of the partition goes on, for good or until a plugin may be called again, else 0.
    pub halted: IntGauge,
    _lease: Lease,
}

pub(super) struct Family {
    lag: IntGaugeVec,
    watermark: IntGaugeVec,
    committed: IntGaugeVec,
    in_flight: IntGaugeVec,
    halted: IntGaugeVec,
    owners: Arc<Owners>,
}

impl Family {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let mut partition = Declaration::new(registry, &["pipeline", "topic", "partition"]);
        Ok(Self {
            lag: partition.gauge(
                "lockgate_partition_lag_records",
                "Records between the watermark and the end of the partition.",
                &[],
            )?,
            watermark: partition.gauge(
                "lockgate_partition_watermark_offset",
                "The offset before which every record is settled.",
                &[],
            )?,
            committed: partition.gauge(
                "lockgate_partition_committed_offset",
                "The offset that a restart begins at.",
                &[],
            )?,
            in_flight: partition.gauge(
                "lockgate_partition_in_flight_records",
                "Records read and not yet settled.",
                &[],
            )?,
            halted: partition.gauge(
                "lockgate_partition_halted",
                "1 while nothing of the partition goes on, for whatever reason; /readyz says why.",
                &[],
            )?,
            owners: partition.owners(),
        })
    }

    pub(super) fn partition(&self, pipeline: &str, topic: &str, number: i32) -> Partition {
        let owner = [pipeline, topic, &number.to_string()];
        Partition {
            _lease: self.owners.lease(&owner),
            lag: self.lag.with_label_values(&owner),
            watermark: self.watermark.with_label_values(&owner),
            committed: self.committed.with_label_values(&owner),
            in_flight: self.in_flight.with_label_values(&owner),
            halted: self.halted.with_label_values(&owner),
        }
    }
}
