//! Compiled plugins on disk, so that a start need not compile what an earlier one did. Owns what lies there and how much of it; must
//! not know how anything is compiled. Nothing in it is missed: what is lost is compiled anew.

use std::path::PathBuf;

use tracing::{debug, warn};

use super::compile::{CODE_BYTES, HEADER, Label, Sealed};
use super::private::{Bounds, Folder, Told};

/// What the names of kept files end in.
const FINISHED: &str = ".compiled";

const BOUNDS: Bounds = Bounds { files: 64, bytes: 1 << 30 };

/// A folder of compiled plugins. Several processes may share it.
pub(super) struct Cache {
    folder: PathBuf,
    bounds: Bounds,
    told: Told,
}

impl Cache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, bounds: BOUNDS, told: Told::default() }
    }

    /// What is kept under `label`. Damaged files are removed.
    pub(super) fn load(&self, label: &Label) -> Option<Sealed> {
        let folder = match Folder::open(&self.folder) {
            Ok(folder) => folder?,
            Err(reason) => {
                self.complain(&reason);
                return None;
            }
        };
        let bytes = match folder.read(&name(label), HEADER + CODE_BYTES) {
            Ok(bytes) => bytes?,
            Err(err) => {
                self.discard(label, &format!("reading it: {err}"));
                return None;
            }
        };
        let sealed = Sealed::open(label, bytes);
        let sealed = sealed.inspect_err(|reason| self.discard(label, reason)).ok()?;
        debug!(digest = label.digest, "compiled plugin taken from the cache");
        Some(sealed)
    }

    /// Removes what turned out to be of no use.
    pub(super) fn discard(&self, label: &Label, reason: &str) {
        let (folder, digest) = (self.folder.display(), &label.digest);
        warn!(%folder, digest, reason, "a kept plugin cannot be used and is compiled anew");
        if let Ok(Some(folder)) = Folder::open(&self.folder) {
            // Where it cannot be removed, it is replaced in a moment, or that is told.
            folder.remove(name(label)).ok();
        }
    }

    /// Keeps what was compiled. Where that fails, the next start compiles it again.
    pub(super) fn keep(&self, label: &Label, sealed: &Sealed) {
        if let Err(reason) = self.write(label, sealed) {
            self.complain(&reason);
        }
    }

    fn write(&self, label: &Label, sealed: &Sealed) -> Result<(), String> {
        let folder = Folder::make(&self.folder)?;
        let name = name(label);
        folder.write(&name, sealed.bytes())?;
        let pruned = folder.prune(&[FINISHED], &name, self.bounds);
        pruned.map_err(|err| format!("making room in it: {err}"))
    }

    fn complain(&self, reason: &str) {
        if self.told.is_new(reason) {
            warn!(folder = %self.folder.display(), reason, "compiled plugins are not kept");
        }
    }
}

fn name(label: &Label) -> String {
    format!("{}-{}{FINISHED}", label.digest, label.fingerprint)
}

#[cfg(test)]
mod tests;
