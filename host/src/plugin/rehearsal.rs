//! How the folder's side and whoever runs two chains beside each other talk: what is asked for, how far it is, whether to go on.
//! Must not know how chains are run.

use std::sync::Arc;
use std::time::Duration;

use super::version::Version;
use crate::config::Length;

/// Runs a new chain beside the one that serves, over the same records; nothing of it leaves.
pub trait Rehearsal: Send + Sync {
    /// Goes through the records kept from before, then through live ones, until `length` is over or `watch` has heard enough.
    /// Without any record it does not wait. The error says, for a person, why `new` must not serve.
    fn run(
        &self,
        old: &[Arc<Version>],
        new: &[Arc<Version>],
        length: Length,
        watch: &dyn Fn(&Progress) -> Go,
    ) -> Result<Progress, String>;
}

/// How far a rehearsal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records that went through both chains, and those of them that came out differently.
    pub compared: u64,
    pub differing: u64,
    pub old_faults: u64,
    pub new_faults: u64,
    pub elapsed: Duration,
}

/// Asked a few times a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    On,
    /// What was seen is enough: let it serve.
    Enough,
    /// The new chain is not wanted any more.
    Away,
}
