//! What an operator can order about versions on their way. Orders come from any thread and wait for no shadow run.

use std::sync::Arc;

use super::{Decided, Verdict};
use crate::control::Refused;
use crate::plugin::catalog::{Catalog, Trial};
use crate::plugin::rehearsal::Go;
use crate::plugin::version::Version;

impl Catalog {
    /// Gives a new version up that does not serve yet; or else puts the version before in the place of the one that serves. The
    /// text says what was done.
    pub fn rollback(&self, plugin: &str, trial: Trial<'_>) -> Result<String, Refused> {
        const BY_HAND: &str = "rolled back by hand";
        let mut state = self.state();
        if let Some(shadow) = &mut state.shadow
            && let Some(new) = named(&shadow.candidates, plugin)
        {
            shadow.word = Some(Go::Away);
            let old = named(&self.current().plugins, plugin);
            self.remember_bad(&mut state, &new, old.as_deref(), BY_HAND);
            drop(state);
            self.look_again();
            return Ok(format!(
                "version {} of plugin \"{plugin}\" is given up; it has not served",
                new.identity.version
            ));
        }
        if let Some(decided) = state.decided.get_mut(plugin).filter(|one| one.is_promoted()) {
            decided.verdict = Verdict::RolledBack(BY_HAND.to_owned());
            let version = decided.version.clone();
            drop(state);
            self.look_again();
            return Ok(format!(
                "version {version} of plugin \"{plugin}\" is given up; it has not served"
            ));
        }
        let Some(bad) = named(&self.current().plugins, plugin) else {
            return Err(Refused::Conflict(format!("plugin \"{plugin}\" does not serve")));
        };
        let version = &bad.identity.version;
        let Some(old) = state.previous.get(plugin).map(|old| Arc::clone(&old.identity)) else {
            return Err(Refused::Conflict(format!(
                "plugin \"{plugin}\" serves as {version}, and no version before it is kept to go back to; put its file into the \
                 plugin folder"
            )));
        };
        let name = Arc::clone(&bad.place.name);
        self.roll_back(&mut state, &name, BY_HAND, trial).map_err(|reason| {
            Refused::Conflict(format!(
                "the chain cannot run with version {} of plugin \"{plugin}\": {reason}",
                old.version
            ))
        })?;
        drop(state);
        self.look_again();
        let in_place_of = match old.digest == bad.identity.digest {
            true => "itself with the newer settings",
            false => version,
        };
        let old = &old.version;
        Ok(format!("version {old} of plugin \"{plugin}\" serves again, in place of {in_place_of}"))
    }

    /// Lets a new version serve without more ado: one that runs beside the old, one that failed, or one that is watched. Checks
    /// that a chain has to pass before its first record it has to pass all the same.
    pub fn promote(&self, plugin: &str) -> Result<String, Refused> {
        let mut state = self.state();
        if let Some(shadow) = &mut state.shadow
            && let Some(new) = named(&shadow.candidates, plugin)
        {
            let is_alone = shadow.candidates.len() == 1;
            // The others that run beside it go on alone.
            shadow.word = Some(if is_alone { Go::Enough } else { Go::Away });
            let promoted = Decided::about(&new, Verdict::Promoted { settled: false });
            state.decided.insert(Arc::clone(&new.place.name), promoted);
            drop(state);
            self.look_again();
            return Ok(format!(
                "version {} of plugin \"{plugin}\" comes to serve now",
                new.identity.version
            ));
        }
        if let Some(decided) = state.decided.get_mut(plugin).filter(|one| one.reason().is_some()) {
            decided.verdict = Verdict::Promoted { settled: true };
            let version = decided.version.clone();
            drop(state);
            self.look_again();
            return Ok(format!(
                "version {version} of plugin \"{plugin}\" comes to serve now, unless it fails a check"
            ));
        }
        let Some(version) = named(&self.current().plugins, plugin) else {
            return Err(Refused::Conflict(format!(
                "plugin \"{plugin}\" does not serve, and none of its versions waits to"
            )));
        };
        let version = &version.identity.version;
        if state.probations.remove(plugin).is_some() {
            drop(state);
            tracing::info!(plugin, version, "plugin settled by hand");
            self.look_again();
            return Ok(format!("version {version} of plugin \"{plugin}\" is settled"));
        }
        Err(Refused::Conflict(match state.problem_of(plugin) {
            Some(reason) => format!(
                "the new file of plugin \"{plugin}\" does not pass its checks, which nothing can replace: {reason}"
            ),
            None => format!(
                "plugin \"{plugin}\" serves as {version} and is settled; nothing waits to be promoted"
            ),
        }))
    }

    /// Has `wake` called whenever an order wants the folder looked at again. Only the first is taken.
    pub(in crate::plugin) fn on_order(&self, wake: impl Fn() + Send + Sync + 'static) {
        // A second follower of one folder would only look twice.
        drop(self.wake.set(Box::new(wake)));
    }

    /// What was ordered is remembered, and the folder looked at again.
    fn look_again(&self) {
        self.remember();
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }
}

fn named(versions: &[Arc<Version>], plugin: &str) -> Option<Arc<Version>> {
    versions.iter().find(|version| *version.place.name == *plugin).cloned()
}
