//! What a lane does when partitions come and go, and when the group should share them out anew.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::{Lane, chain};
use crate::gateway::send::report;
use crate::kafka::{Assigned, Error, TopicPartition};

/// How long a revocation may be held up; well below the session timeout of 15 s.
const REVOKE_PATIENCE: Duration = Duration::from_secs(5);

/// What is kept of such a time for the commit: what never arrives must not take along what did.
const COMMITTING: Duration = Duration::from_secs(1);

impl Lane {
    pub(super) fn assigned(&mut self, assigned: &[Assigned]) {
        for one in assigned {
            let handle = self.tracker.assign(one.begin);
            let owned = self.partitions.assign(one.at.clone(), handle);
            if !self.filter.takes(&one.at.topic) {
                // A pattern may match topics that the pipeline itself writes; reading those would go round for ever.
                owned.ignore();
                info!(partition = %one.at, "partition is left alone: the pipeline writes that topic itself");
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
            if let Err(error) = self.commit_by(deadline) {
                // What stays here is committed when that works again.
                self.uncommitted = true;
                warn!(error = %chain(&error), "committing before a revocation failed; the next owner sees some records again");
            }
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

    /// Waits for what is under way, with time left before `deadline` to commit it.
    pub(super) fn wait_for_outputs(&mut self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let deadline = deadline - COMMITTING.min(left / 2);
        let Self { sink, tracker, partitions, .. } = self;
        sink.drain(deadline, |ticket, fate| report(tracker, partitions, ticket, fate));
    }

    /// Commits what is settled, and what was released.
    pub(super) fn commit_by(&mut self, deadline: Instant) -> Result<(), Error> {
        self.take_up_releases();
        let advances = self.settled();
        let committed = self.source.commit_by(&advances, deadline);
        self.commit_releases_by(deadline);
        committed
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
