//! A folder of this process's user that nobody else may enter, and files in it that are there in full or not at all. Must not know
//! what is kept in it.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::process::geteuid;

/// What the names of unfinished files end in.
const UNFINISHED: &str = ".unfinished";

/// An unfinished file of this age was left behind by a process that is gone.
pub(super) const ABANDONED: Duration = Duration::from_secs(3600);

/// The most troubles that are told of one folder.
const TOLD: usize = 32;

/// How much is kept; what was used least lately goes first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) files: usize,
    pub(super) bytes: u64,
}

/// What to do about a folder that cannot be used.
const INSTEAD: &str =
    "; set `cache` in the configuration to a folder of this process's user, or to \"off\"";

/// The folder, opened and found to be private. Everything is done through it: its path may lead elsewhere a moment later.
pub(super) struct Folder(rustix::fd::OwnedFd);

impl Folder {
    /// As [`Self::open`], after it was made where there was none.
    pub(super) fn make(path: &Path) -> Result<Self, String> {
        let mut maker = fs::DirBuilder::new();
        let made = maker.recursive(true).mode(0o700).create(path);
        made.map_err(|err| format!("making it: {err}{INSTEAD}"))?;
        Self::open(path)?.ok_or_else(|| "it is removed again and again".to_owned())
    }

    /// None where there is no such folder. Who can write to it can have this process run any code, so nobody else may.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, String> {
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

    /// None where there is no such file; an error also where it has more than `most` bytes. Notes that it was used.
    pub(super) fn read(&self, name: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        // A pipe of that name must not keep us waiting.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(err) => return Err(err.into()),
        };
        let about = file.metadata()?;
        if !about.is_file() || about.len() > most as u64 {
            return Err(io::Error::other("it is no file, or too large"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
        (&file).take(most as u64).read_to_end(&mut bytes)?;
        // Where that cannot be noted, as on a disk that is only read, nothing is ever removed either.
        file.set_modified(SystemTime::now()).ok();
        Ok(Some(bytes))
    }

    /// Writes a file that is there in full or not at all. What stood there is replaced.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        /// Tells apart the unfinished files of this process.
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let since = since_1970().as_nanos();
        let beside = format!("{}-{number}-{since}{UNFINISHED}", std::process::id());
        let written = self.write_beside(&beside, name, bytes);
        if written.is_err() {
            // What cannot be removed now is cleared away by whoever prunes.
            self.remove(&beside).ok();
        }
        written.map_err(|err| format!("writing to it: {err}{INSTEAD}"))
    }

    fn write_beside(&self, beside: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.0, beside, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(file);
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(rustix::fs::renameat(&self.0, beside, &self.0, name)?)
    }

    pub(super) fn remove(&self, name: impl rustix::path::Arg) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.0, name, AtFlags::empty()) {
            // Another process was faster.
            Err(rustix::io::Errno::NOENT) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Bytes of the file of that name; none where there is no such file.
    pub(super) fn size(&self, name: &str) -> Option<u64> {
        let about = self.stat(name).ok()?;
        let is_file = FileType::from_raw_mode(about.st_mode) == FileType::RegularFile;
        u64::try_from(about.st_size).ok().filter(|_| is_file)
    }

    /// Removes files for which `is_over` holds, given their names and how long ago they were used. A name that is no UTF-8 is not
    /// one of ours.
    pub(super) fn clear(&self, is_over: impl Fn(&str, Duration) -> bool) -> io::Result<()> {
        let now = since_1970();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let Ok(about) = self.about(entry.file_name()) else { continue };
            let used = Duration::from_secs(u64::try_from(about.st_mtime).unwrap_or_default());
            if is_over(name, now.saturating_sub(used)) {
                self.remove(name)?;
            }
        }
        Ok(())
    }

    /// Removes what goes beyond `bounds` of the files whose names end in one of `finished`, though never `newest`, and what was
    /// left unfinished. Touches no file of other names.
    pub(super) fn prune(&self, finished: &[&str], newest: &str, bounds: Bounds) -> io::Result<()> {
        self.clear(|name, unused| name.ends_with(UNFINISHED) && unused > ABANDONED)?;
        let mut kept = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let Ok(about) = self.about(entry.file_name()) else { continue };
            if name != newest && finished.iter().any(|end| name.ends_with(end)) {
                let bytes = u64::try_from(about.st_size).unwrap_or_default();
                kept.push((about.st_mtime, about.st_mtime_nsec, bytes, name.to_owned()));
            }
        }
        kept.sort();
        let mut files = kept.len() + 1;
        let mut bytes = self.size(newest).unwrap_or_default()
            + kept.iter().map(|(_, _, bytes, _)| bytes).sum::<u64>();
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

/// Troubles that were told, each of which is told once: a folder that can be neither read nor made says both of every plugin.
#[derive(Default)]
pub(super) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(super) fn is_new(&self, reason: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !told.iter().any(|known| known == reason) && told.len() < TOLD;
        if is_new {
            told.push(reason.to_owned());
        }
        is_new
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    #[cfg(test)]
    pub(super) fn last(&self) -> String {
        self.all().pop().unwrap_or_default()
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
