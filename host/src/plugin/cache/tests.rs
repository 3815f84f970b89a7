//! What is kept, what is refused, and that nothing which lies in the folder can do harm.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FileType, Mode};
use rustix::process::geteuid;
use tempfile::TempDir;

use super::*;
use crate::plugin::private::ABANDONED;

/// A folder that does not exist yet, and one cache on it.
struct Kept {
    parent: TempDir,
    cache: Cache,
}

impl Kept {
    fn new() -> Self {
        let parent = TempDir::new().unwrap();
        let cache = Cache::new(parent.path().join("a/cache"));
        Self { parent, cache }
    }

    fn folder(&self) -> &Path {
        &self.cache.folder
    }

    fn with(number: u64) -> Self {
        let kept = Self::new();
        kept.cache.keep(&label(number), &sealed(number));
        kept
    }

    fn file(&self, number: u64) -> PathBuf {
        self.folder().join(name(&label(number)))
    }

    /// The code that is kept under that number.
    fn load(&self, number: u64) -> Option<Vec<u8>> {
        self.cache.load(&label(number)).map(|sealed| sealed.code().to_vec())
    }

    /// How many files there are.
    fn files(&self) -> usize {
        fs::read_dir(self.folder()).unwrap().count()
    }

    fn told(&self) -> String {
        self.cache.told.last()
    }
}

fn label(number: u64) -> Label {
    Label { digest: format!("{number:064}"), fingerprint: "f".repeat(64) }
}

fn sealed(number: u64) -> Sealed {
    Sealed::of(&label(number), format!("code {number}").as_bytes())
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_kept_is_found_again_by_anybody_who_runs_as_the_same_user() {
    let kept = Kept::with(1);
    assert_eq!(kept.load(1).unwrap(), b"code 1");
    let other = Cache::new(kept.folder().to_owned());
    assert_eq!(other.load(&label(1)).unwrap().code(), b"code 1");
    assert_eq!(kept.load(2), None);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(kept.folder()), mode(&kept.file(1))), (0o700, 0o600));
    assert_eq!(kept.told(), "");
}

#[test]
fn a_folder_that_is_not_there_is_no_trouble() {
    let kept = Kept::new();
    assert_eq!((kept.load(1), kept.told()), (None, String::new()));
}

#[test]
fn a_damaged_file_is_removed() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 5] = [
        ("a changed byte of code", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("a changed byte of the header", |bytes| bytes[20] ^= 1),
        ("half of it", |bytes| bytes.truncate(bytes.len() / 2)),
        ("nothing", Vec::clear),
        ("more than it was", |bytes| bytes.push(0)),
    ];
    for (what, damage) in damages {
        let kept = Kept::with(1);
        let mut bytes = fs::read(kept.file(1)).unwrap();
        damage(&mut bytes);
        fs::write(kept.file(1), bytes).unwrap();
        assert_eq!(kept.load(1), None, "{what}");
        assert!(!kept.file(1).exists(), "{what}");
        kept.cache.keep(&label(1), &sealed(1));
        assert_eq!(kept.load(1).unwrap(), b"code 1", "{what}");
    }
}

#[test]
fn code_for_another_file_or_engine_is_not_taken_under_a_false_name() {
    let kept = Kept::with(1);
    let other = Label { fingerprint: "e".repeat(64), ..label(2) };
    kept.cache.keep(&other, &Sealed::of(&other, b"other"));
    for number in [1, 2] {
        let from = if number == 1 { kept.folder().join(name(&other)) } else { kept.file(1) };
        fs::copy(from, kept.file(number)).unwrap();
        assert_eq!(kept.load(number), None);
        assert!(!kept.file(number).exists());
        kept.cache.keep(&label(1), &sealed(1));
    }
}

#[test]
fn what_is_no_file_is_not_read() {
    let kept = Kept::with(1);
    let bytes = fs::read(kept.file(1)).unwrap();
    fs::remove_file(kept.file(1)).unwrap();
    // A link to what would be good, but lies where anybody may write.
    let outside = kept.parent.path().join("outside");
    fs::write(&outside, bytes).unwrap();
    symlink(&outside, kept.file(1)).unwrap();
    assert_eq!(kept.load(1), None);
    assert!(outside.exists() && !kept.file(1).exists());
    // A pipe that nobody writes to.
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, kept.file(2), FileType::Fifo, mode, 0).unwrap();
    assert_eq!(kept.load(2), None);
    // A folder, which stays: it is not ours.
    fs::create_dir(kept.file(3)).unwrap();
    assert_eq!(kept.load(3), None);
    kept.cache.keep(&label(3), &sealed(3));
    assert!(kept.told().starts_with("writing to it: "), "{}", kept.told());
}

#[test]
fn a_folder_that_others_may_enter_is_not_used() {
    for (mode, advice) in [(0o755, "; close it with"), (0o770, "; empty it and close it with")] {
        let kept = Kept::with(1);
        set_mode(kept.folder(), mode);
        assert_eq!(kept.load(1), None);
        kept.cache.keep(&label(2), &sealed(2));
        let expected = format!("it is open to others (mode {mode:o}){advice} `chmod 700`");
        assert_eq!(kept.told(), expected);
        assert_eq!(kept.files(), 1);
        // Without a restart.
        set_mode(kept.folder(), 0o700);
        assert!(kept.load(1).is_some());
    }
}

#[test]
fn a_folder_of_another_user_is_not_used() {
    let kept = Kept::with(1);
    let folder = if geteuid().is_root() {
        std::os::unix::fs::chown(kept.folder(), Some(1), None).unwrap();
        kept.folder().to_owned()
    } else {
        "/usr".into()
    };
    let cache = Cache::new(folder);
    assert!(cache.load(&label(1)).is_none());
    cache.keep(&label(2), &sealed(2));
    let told = cache.told.last();
    assert!(told.starts_with("it belongs to user "), "{told}");
    assert!(told.ends_with(
        "set `cache` in the configuration to a folder of this process's user, or to \"off\""
    ));
    assert_eq!(kept.files(), 1);
}

#[test]
fn a_folder_that_cannot_be_made_is_told_once() {
    let kept = Kept::new();
    fs::write(kept.parent.path().join("a"), "a file in the way").unwrap();
    kept.cache.keep(&label(1), &sealed(1));
    assert!(kept.told().starts_with("making it: "), "{}", kept.told());
    let told = kept.told();
    assert!(kept.cache.load(&label(2)).is_none());
    kept.cache.keep(&label(2), &sealed(2));
    assert!(kept.cache.load(&label(3)).is_none());
    let all = kept.cache.told.all();
    assert_eq!(all.iter().filter(|one| **one == told).count(), 1, "{all:?}");
    assert_eq!(all.len(), 2, "of reading and of making: {all:?}");
}

#[test]
fn what_was_used_least_lately_goes_first() {
    let mut kept = Kept::new();
    kept.cache.bounds.files = 3;
    let long_ago = UNIX_EPOCH + Duration::from_secs(1_000);
    let age = |kept: &Kept, number: u64| {
        let file = File::options().append(true).open(kept.file(number)).unwrap();
        file.set_modified(long_ago + Duration::from_secs(number)).unwrap();
    };
    for number in 1..=3 {
        kept.cache.keep(&label(number), &sealed(number));
        age(&kept, number);
    }
    fs::write(kept.folder().join("notes.txt"), "somebody else's").unwrap();
    assert!(kept.load(1).is_some());
    kept.cache.keep(&label(4), &sealed(4));
    let there = |kept: &Kept| [1, 2, 3, 4, 5].map(|number| kept.file(number).exists());
    assert_eq!(there(&kept), [true, false, true, true, false]);
    kept.cache.bounds.bytes = 2 * sealed(5).bytes().len() as u64;
    kept.cache.keep(&label(5), &sealed(5));
    assert_eq!(there(&kept).iter().filter(|there| **there).count(), 2);
    assert!(kept.file(5).exists() && kept.folder().join("notes.txt").exists());
}

#[test]
fn what_a_dead_process_left_unfinished_is_cleared_away() {
    let kept = Kept::with(1);
    let (old, new) =
        (kept.folder().join("1-0-0.unfinished"), kept.folder().join("2-0-0.unfinished"));
    for file in [&old, &new] {
        fs::write(file, "half of").unwrap();
    }
    let file = File::options().append(true).open(&old).unwrap();
    file.set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();
    kept.cache.keep(&label(2), &sealed(2));
    assert!(!old.exists() && new.exists());
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let kept = Kept::new();
    let other = Cache::new(kept.folder().to_owned());
    std::thread::scope(|scope| {
        for cache in [&kept.cache, &other] {
            scope.spawn(move || {
                for number in 0..50 {
                    cache.keep(&label(number % 5), &sealed(number % 5));
                    let found = cache.load(&label(number % 5)).expect("it was just kept");
                    assert_eq!(found.code(), sealed(number % 5).code());
                }
            });
        }
    });
    assert_eq!(kept.files(), 5);
    assert_eq!(kept.told(), "");
}
