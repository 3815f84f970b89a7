//! Notices that a plugin folder changed and has its catalog look again. Events are hints only: what counts is what the catalog then
//! reads. Must not know what a plugin is.

use std::cell::Cell;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use super::catalog::{Catalog, Reload};
use super::rehearsal::Rehearsal;
use super::rollout::{Checks, Meanwhile};
use super::version::Version;

/// Quiet time after the last hint before the folder is read: copies come in many pieces.
const QUIET: Duration = Duration::from_millis(300);

/// Hints that never cease do not put off the reading for longer than this.
const PATIENCE: Duration = Duration::from_secs(3);

/// The folder is read this often without any hint, since events get lost and remote file systems send none.
const RESCAN: Duration = Duration::from_secs(30);

/// Where the system has no events, the folder's list is compared this often.
const POLL: Duration = Duration::from_secs(2);

/// How many looks in a row may find a file still being written; after that the next hint has to come.
const UNFINISHED_LOOKS: u32 = 20;

/// How often a version that has just come to serve is looked after.
const WATCH: Duration = Duration::from_millis(100);

/// Tries a chain before it serves; whoever gives orders asks the same.
pub type SharedTrial = Arc<dyn Fn(&[Arc<Version>]) -> Result<(), String> + Send + Sync>;

/// What a new chain has to stand before it serves.
#[derive(Clone)]
pub struct Hurdles {
    pub trial: SharedTrial,
    /// None where no chain can be run beside another.
    pub rehearsal: Option<Arc<dyn Rehearsal>>,
}

/// Keeps a catalog in step with its folder until dropped.
pub struct FolderWatch {
    hints: Option<Sender<Hint>>,
    thread: Option<JoinHandle<()>>,
}

enum Hint {
    Changed,
    /// An operator's order wants a look at once.
    Ordered,
    Stop,
}

impl FolderWatch {
    /// Starts the thread. `looked` is told of every look, also of those that changed nothing, and of every version that was settled
    /// or taken back.
    pub fn start(
        catalog: Arc<Catalog>,
        hurdles: Hurdles,
        mut looked: Box<dyn FnMut(&Reload) + Send>,
    ) -> std::io::Result<Self> {
        let (hints, inbox) = mpsc::channel();
        let inbox = Inbox { hints: inbox, is_over: Cell::new(false) };
        let mut watch = Watch::new(catalog.folder(), hints.clone());
        let orders = hints.clone();
        // It fails where the thread has ended, and then nobody carries an order out.
        catalog.on_order(move || drop(orders.send(Hint::Ordered)));
        // The first look is for what changed before the watches were set.
        drop(hints.send(Hint::Changed));
        let run = move || {
            let mut schedule = Schedule::new();
            while schedule.wait(&inbox, catalog.is_in_probation()) {
                if catalog.watch_over(&*hurdles.trial, Instant::now()) {
                    looked(&Reload::default());
                }
                if schedule.is_due() {
                    watch.follow();
                    let reload = catalog.reload(&Checks {
                        trial: &*hurdles.trial,
                        rehearsal: hurdles.rehearsal.as_deref(),
                        meanwhile: &|| inbox.meanwhile(),
                    });
                    schedule.looked(&reload);
                    looked(&reload);
                }
            }
        };
        let thread = thread::Builder::new().name("plugin-watch".to_owned()).spawn(run)?;
        Ok(Self { hints: Some(hints), thread: Some(thread) })
    }
}

impl Drop for FolderWatch {
    fn drop(&mut self) {
        if let Some(hints) = self.hints.take() {
            // It fails where the thread has ended already, which is what it asks for.
            drop(hints.send(Hint::Stop));
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// When the folder is to be read next.
struct Schedule {
    due: Instant,
    /// Of the hints since the last look.
    first_hint: Option<Instant>,
    unfinished: u32,
}

impl Schedule {
    fn new() -> Self {
        Self { due: Instant::now() + RESCAN, first_hint: None, unfinished: 0 }
    }

    /// Sleeps until there may be something to do; false when told to stop. Where somebody `is_watched`, that is soon.
    fn wait(&mut self, inbox: &Inbox, is_watched: bool) -> bool {
        if inbox.is_over.get() {
            return false;
        }
        let sleep = self.due.saturating_duration_since(Instant::now());
        let sleep = if is_watched { sleep.min(WATCH) } else { sleep };
        match inbox.hints.recv_timeout(sleep) {
            Ok(Hint::Changed) => {
                let now = Instant::now();
                let first = *self.first_hint.get_or_insert(now);
                self.due = (now + QUIET).min(first + PATIENCE);
            }
            Ok(Hint::Ordered) => self.due = Instant::now(),
            Ok(Hint::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {}
        }
        true
    }

    fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// What was not whole is looked at again soon.
    fn looked(&mut self, reload: &Reload) {
        let again = reload.pending && self.unfinished < UNFINISHED_LOOKS;
        self.unfinished = if again { self.unfinished + 1 } else { 0 };
        let sleep = if again || reload.interrupted { QUIET } else { RESCAN };
        self.due = Instant::now() + sleep;
        self.first_hint = None;
    }
}

/// What is to be heard, of the file system and of operators.
struct Inbox {
    hints: Receiver<Hint>,
    is_over: Cell<bool>,
}

impl Inbox {
    /// What has come in while a new chain runs beside the old. Hints are taken out: who is interrupted looks again by itself.
    fn meanwhile(&self) -> Meanwhile {
        let mut seen = Meanwhile::Nothing;
        loop {
            match self.hints.try_recv() {
                Ok(Hint::Changed) => seen = Meanwhile::Hint,
                Ok(Hint::Ordered) => return Meanwhile::Order,
                Ok(Hint::Stop) | Err(TryRecvError::Disconnected) => {
                    self.is_over.set(true);
                    return Meanwhile::Over;
                }
                Err(TryRecvError::Empty) => return seen,
            }
        }
    }
}

/// The system's watches for one folder.
struct Watch {
    /// Absolute, as events name it.
    folder: PathBuf,
    /// What the watches were set on.
    target: Option<Target>,
    hints: Sender<Hint>,
    watcher: Option<BoxedWatcher>,
}

type BoxedWatcher = Box<dyn Watcher + Send>;

/// What the folder's path leads to: a link may lead elsewhere later, and a folder be another one of the same name.
#[derive(Clone, PartialEq, Eq)]
struct Target {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Target {
    fn of(folder: &Path) -> Option<Self> {
        let (path, folder) = (folder.canonicalize().ok()?, folder.metadata().ok()?);
        Some(Self { path, device: folder.dev(), inode: folder.ino() })
    }
}

impl Watch {
    fn new(folder: &Path, hints: Sender<Hint>) -> Self {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let mut watch = Self { folder, target: None, hints, watcher: None };
        watch.follow();
        watch
    }

    /// Sets the watches anew where the path leads elsewhere: the system watches what a path led to, not the path.
    fn follow(&mut self) {
        let target = Target::of(&self.folder);
        if target == self.target && self.watcher.is_some() {
            return;
        }
        let folder = self.folder.display();
        let watcher = self.watch::<RecommendedWatcher>(target.as_ref()).or_else(|error| {
            tracing::warn!(%folder, %error, "no file events, comparing the plugin folder instead");
            self.watch::<PollWatcher>(target.as_ref())
        });
        if let Err(error) = &watcher {
            let seconds = RESCAN.as_secs();
            tracing::warn!(%folder, %error, seconds, "plugin folder is only read now and then");
        }
        self.watcher = watcher.ok();
        self.target = target;
    }

    fn watch<W: Watcher + Send + 'static>(
        &self,
        target: Option<&Target>,
    ) -> notify::Result<BoxedWatcher> {
        let hints = self.hints.clone();
        let folder = self.folder.clone();
        let inside = target.map(|target| target.path.clone());
        let heard = move |event: notify::Result<Event>| {
            let hint = match &event {
                Ok(event) => is_hint(event, &folder, inside.as_deref()),
                // What was missed is not known, so it could be anything.
                Err(_) => true,
            };
            if hint {
                // It fails where the thread has ended, and then nobody listens.
                drop(hints.send(Hint::Changed));
            }
        };
        let mut watcher = W::new(heard, Config::default().with_poll_interval(POLL))?;
        if let Some(target) = target {
            watcher.watch(&target.path, RecursiveMode::NonRecursive)?;
        }
        if let Some(parent) = self.folder.parent() {
            // Tells when the folder itself is exchanged, moved or made again.
            watcher.watch(parent, RecursiveMode::NonRecursive).or_else(unless_forbidden)?;
        }
        Ok(Box::new(watcher))
    }
}

/// The parent may be none of ours to look at; the rescan notices what its events would tell, only later.
fn unless_forbidden(error: notify::Error) -> notify::Result<()> {
    match &error.kind {
        notify::ErrorKind::Io(io) if io.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
        _ => Err(error),
    }
}

/// Whether the event can mean that a plugin changed. Reading files makes events as well, which would never end.
fn is_hint(event: &Event, folder: &Path, target: Option<&Path>) -> bool {
    let written = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    let within = |path: &PathBuf| {
        path == folder
            || target.is_some_and(|target| path == target || path.parent() == Some(target))
    };
    written && (event.paths.is_empty() || event.paths.iter().any(within))
}

#[cfg(test)]
mod tests;
