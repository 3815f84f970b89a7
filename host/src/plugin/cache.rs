//! Compiled plugins on disk, so that a start need not compile what an earlier one did. Owns the folder and what keeps it private,
//! whole and small; must not know how anything is compiled. Nothing in it is missed: what is lost is compiled anew.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::process::geteuid;
use tracing::{debug, warn};

use super::compile::{CODE_BYTES, HEADER, Label, Sealed};

/// What the names of finished and unfinished files end in.
const FINISHED: &str = ".compiled";
const UNFINISHED: &str = ".unfinished";

/// An unfinished file of this age was left behind by a process that is gone.
const ABANDONED: Duration = Duration::from_secs(3600);

/// How much is kept; what was used least lately goes first.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    files: usize,
    bytes: u64,
}

const BOUNDS: Bounds = Bounds { files: 64, bytes: 1 << 30 };

/// A folder of compiled plugins. Several processes may share it.
pub(super) struct Cache {
    folder: PathBuf,
    bounds: Bounds,
    /// Tells apart the unfinished files of this process.
    written: AtomicU64,
    /// Troubles that were told, each of which is told once: a folder that can be neither read nor made says both of every plugin.
    told: Mutex<Vec<String>>,
}

impl Cache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, bounds: BOUNDS, written: AtomicU64::new(0), told: Mutex::default() }
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
        let bytes = match folder.read(&name(label)) {
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
        let mut maker = fs::DirBuilder::new();
        let made = maker.recursive(true).mode(0o700).create(&self.folder);
        made.map_err(|err| format!("making it: {err}{INSTEAD}"))?;
        let Some(folder) = Folder::open(&self.folder)? else {
            return Err("it is removed again and again".to_owned());
        };
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let beside = format!("{}-{number}-{since}{UNFINISHED}", std::process::id());
        let name = name(label);
        let written = folder.write(&beside, &name, sealed.bytes());
        if written.is_err() {
            folder.remove(&beside).ok();
        }
        written.map_err(|err| format!("writing to it: {err}{INSTEAD}"))?;
        folder.prune(&name, self.bounds).map_err(|err| format!("making room in it: {err}"))
    }

    fn complain(&self, reason: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.iter().any(|known| known == reason) {
            warn!(folder = %self.folder.display(), reason, "compiled plugins are not kept");
            told.push(reason.to_owned());
        }
    }
}

/// What to do about a folder that cannot be used.
const INSTEAD: &str =
    "; set `cache` in the configuration to a folder of this process's user, or to \"off\"";

fn name(label: &Label) -> String {
    format!("{}-{}{FINISHED}", label.digest, label.fingerprint)
}

/// The folder, opened and found to be private. Everything is done through it: its path may lead elsewhere a moment later.
struct Folder(rustix::fd::OwnedFd);

impl Folder {
    /// None where there is no such folder. Who can write to it can have this process run any code, so nobody else may.
    fn open(path: &PathBuf) -> Result<Option<Self>, String> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(folder) => folder,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(err) => return Err(format!("opening it: {err}{INSTEAD}")),
        };
        let about =
            rustix::fs::fstat(&folder).map_err(|err| format!("opening it: {err}{INSTEAD}"))?;
        let user = geteuid().as_raw();
        if about.st_uid != user {
            let owner = about.st_uid;
            return Err(format!(
                "it belongs to user {owner}, and this process runs as {user}{INSTEAD}"
            ));
        }
        let mode = about.st_mode & 0o7777;
        if mode & 0o077 != 0 {
            // What others could write may be theirs.
            let first = if mode & 0o022 == 0 { "" } else { "empty it and " };
            return Err(format!(
                "it is open to others (mode {mode:o}); {first}close it with `chmod 700`"
            ));
        }
        Ok(Some(Self(folder)))
    }

    /// None where there is no such file. Notes that it was used.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        // A pipe of that name must not keep us waiting.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(err) => return Err(err.into()),
        };
        let about = file.metadata()?;
        let most = (HEADER + CODE_BYTES) as u64;
        if !about.is_file() || about.len() > most {
            return Err(io::Error::other("it is no file, or too large"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
        (&file).take(most).read_to_end(&mut bytes)?;
        // Where that cannot be noted, as on a disk that is only read, nothing is ever removed either.
        file.set_modified(SystemTime::now()).ok();
        Ok(Some(bytes))
    }

    /// Writes a file that is there in full or not at all.
    fn write(&self, beside: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.0, beside, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(file);
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(rustix::fs::renameat(&self.0, beside, &self.0, name)?)
    }

    fn remove(&self, name: impl rustix::path::Arg) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.0, name, AtFlags::empty()) {
            // Another process was faster.
            Err(rustix::io::Errno::NOENT) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Removes what goes beyond `bounds`, though never `newest`, and what was left unfinished. Touches no file of other names.
    fn prune(&self, newest: &str, bounds: Bounds) -> io::Result<()> {
        let mut kept = Vec::new();
        let long_ago = seconds_since_1970().saturating_sub(ABANDONED.as_secs());
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let Ok(about) = self.about(entry.file_name()) else { continue };
            let used = u64::try_from(about.st_mtime).unwrap_or_default();
            if name.ends_with(UNFINISHED) && used < long_ago {
                self.remove(name)?;
            } else if name.ends_with(FINISHED) && name != newest {
                let bytes = u64::try_from(about.st_size).unwrap_or_default();
                kept.push((used, about.st_mtime_nsec, bytes, name.to_owned()));
            }
        }
        kept.sort();
        let newest = self.stat(newest).map_or(0, |about| u64::try_from(about.st_size).unwrap_or(0));
        let mut files = kept.len() + 1;
        let mut bytes = newest + kept.iter().map(|(_, _, bytes, _)| bytes).sum::<u64>();
        for (_, _, size, name) in kept {
            if files <= bounds.files && bytes <= bounds.bytes {
                break;
            }
            self.remove(name)?;
            files -= 1;
            bytes -= size;
        }
        Ok(())
    }

    fn about(&self, name: &CStr) -> io::Result<Stat> {
        let about = self.stat(name)?;
        if FileType::from_raw_mode(about.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it is no file"));
        }
        Ok(about)
    }

    fn stat(&self, name: impl rustix::path::Arg) -> io::Result<Stat> {
        Ok(rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
