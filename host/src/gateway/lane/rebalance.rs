//! What a lane does when partitions come and go, and when the group should share them out anew.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::{Lane, chain};
use crate::kafka::{Assigned, TopicPartition};

/// How long what is under way may hold up a revocation; well below the session timeout of 15 s.
const REVOKE_PATIENCE: Duration = Duration::from_secs(5);

impl Lane {
    pub(super) fn assigned(&mut self, assigned: &[Assigned]) {
        for one in assigned {
            let handle = self.tracker.assign(one.begin);
            let owned = self.partitions.assign(one.at.clone(), handle);
            if !self.filter.takes(&one.at.topic) {
                // A pattern may match topics that the pipeline itself writes; reading those would go round for ever.
                owned.ignore();
            }
            self.restore_parked(one);
        }
        let taken = assigned.iter().filter(|one| self.filter.takes(&one.at.topic));
        self.parts.observer.assigned(taken);
        self.parts.seat.holds(self.partitions.len());
        if let Err(error) = self.source.complete_assign(assigned) {
            warn!(error = %chain(&error), "taking partitions failed");
        }
    }

    /// Settles and commits what is under way before another lane reads on from there.
    pub(super) fn revoked(&mut self, partitions: &[TopicPartition], lost: bool) {
        if !lost {
            let deadline = Instant::now() + REVOKE_PATIENCE;
            self.wait_for_outputs(deadline);
            self.take_up_releases();
            let advances = self.settled();
            if let Err(error) = self.source.commit_by(&advances, deadline) {
                warn!(error = %chain(&error), "committing before a revocation failed; the next owner sees some records again");
            }
            self.commit_releases_by(deadline);
        }
        for at in partitions {
            if let Some(owned) = self.partitions.revoke(at) {
                self.tracker.release(owned.handle);
            }
            self.pipeline.forget(&at.topic, at.partition);
            self.parts.observer.revoked(at);
        }
        if lost {
            self.parts.observer.thrown_out();
        }
        self.parts.seat.holds(self.partitions.len());
        if let Err(error) = self.source.complete_revoke(partitions) {
            warn!(error = %chain(&error), "giving partitions back failed");
        }
    }

    /// Leaves the group and joins it again, where partitions of it have no owner.
    pub(super) fn rejoin_if_asked(&mut self) {
        if !self.parts.seat.take_request() {
            return;
        }
        info!(
            pipeline = self.parts.settings.name,
            lane = self.parts.number,
            "joining the group anew, so that every partition gets an owner"
        );
        if let Err(error) = self.source.rejoin(&self.parts.settings.from) {
            warn!(error = %chain(&error), "joining the group anew failed");
        }
    }
}
