//! What is kept of rollouts, and that nothing which lies in the folder can do harm.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;

/// A cache that does not exist yet, and one pipeline in it.
struct Bench {
    parent: TempDir,
    kept: Kept,
}

impl Bench {
    fn new() -> Self {
        let parent = TempDir::new().unwrap();
        let kept = kept(&parent, "shop");
        Self { parent, kept }
    }

    /// With one plugin, called `a`.
    fn with(settled: &str) -> Self {
        let bench = Self::new();
        bench.keep(settled);
        bench
    }

    fn keep(&self, settled: &str) {
        self.kept.keep(|_| (learned(settled), BTreeSet::new()));
    }

    /// The settled version, to whoever starts anew.
    fn read(&self) -> Option<String> {
        let kept = kept(&self.parent, "shop");
        let learned = kept.read();
        assert_eq!(kept.told.last(), "");
        Some(learned.plugins.get("a")?.settled.clone()?.version)
    }

    /// What is told to whoever starts anew and gets nothing.
    fn refusal(&self) -> String {
        let kept = kept(&self.parent, "shop");
        assert!(kept.read() == Learned::default());
        kept.told.last()
    }

    fn record(&self) -> PathBuf {
        self.kept.folder.join(self.kept.record())
    }

    fn hold(&self, digest: &str) -> PathBuf {
        self.kept.hold(digest, digest.as_bytes(), &Seal::Missing);
        self.kept.folder.join(self.kept.file(digest, FILE))
    }

    fn files(&self) -> usize {
        fs::read_dir(&self.kept.folder).unwrap().count()
    }
}

fn kept(parent: &TempDir, pipeline: &str) -> Kept {
    Kept::new(&parent.path().join("cache"), pipeline, Path::new("plugins"))
}

fn learned(version: &str) -> Learned {
    let mark = Mark {
        version: "2.0.0".to_owned(),
        digest: "bad".to_owned(),
        settings: "digest".to_owned(),
        served: true,
        reason: "it trapped".to_owned(),
    };
    let settled = Settled {
        version: version.to_owned(),
        digest: format!("of-{}", version.replace('.', "-")),
        is_official: false,
        order: Some(10),
        file: "10-a.wasm".to_owned(),
        settings: "memory = \"1MiB\"\n".to_owned(),
    };
    let lesson = Lesson { bad: vec![mark], settled: Some(settled) };
    let plugins = BTreeMap::from([("a".to_owned(), lesson)]);
    Learned { pipeline: "shop".to_owned(), salt: "salt".to_owned(), plugins }
}

fn make_old(file: &Path) {
    let file = fs::File::options().append(true).open(file).unwrap();
    file.set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();
}

#[test]
fn what_is_kept_is_found_again_and_is_nobody_else_s_to_read() {
    let bench = Bench::with("1.0.0");
    let file = bench.hold("d1");
    assert!(kept(&bench.parent, "shop").read() == learned("1.0.0"));
    assert_eq!(bench.kept.held("d1").unwrap(), (b"d1".to_vec(), Seal::Missing));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bench.kept.folder), 0o700);
    assert_eq!((mode(&bench.record()), mode(&file)), (0o600, 0o600));
    assert_eq!(bench.files(), 2);
}

#[test]
fn a_file_is_kept_with_what_vouches_for_it() {
    let bench = Bench::new();
    let signature = |byte| Seal::Signature(Box::new([byte; 64]));
    for byte in [1, 2] {
        bench.kept.hold("d1", b"bytes", &signature(byte));
        assert_eq!(bench.kept.held("d1").unwrap(), (b"bytes".to_vec(), signature(byte)));
    }
    // Where nobody asked for it, what was known of it stays.
    bench.kept.hold("d1", b"bytes", &Seal::Missing);
    assert_eq!(bench.kept.held("d1").unwrap().1, signature(2));
    // A file that was cut short is made whole.
    let file = bench.kept.folder.join(bench.kept.file("d1", FILE));
    fs::write(&file, "by").unwrap();
    bench.kept.hold("d1", b"bytes", &Seal::Missing);
    assert_eq!(fs::read(file).unwrap(), b"bytes");
    assert_eq!(bench.kept.held("d2").unwrap_err(), "its file is kept no longer");
}

#[test]
fn nothing_kept_is_no_trouble() {
    assert_eq!(Bench::new().read(), None);
    assert_eq!(Bench::new().kept.held("d1").unwrap_err(), "its file is kept no longer");
}

#[test]
fn another_pipeline_and_another_folder_know_nothing_of_it() {
    let bench = Bench::with("1.0.0");
    let cache = bench.parent.path().join("cache");
    let others = [("till", "plugins"), ("shop", "others")];
    for (pipeline, plugins) in others {
        assert!(Kept::new(&cache, pipeline, Path::new(plugins)).read() == Learned::default());
    }
    // As a gateway names it that is started elsewhere.
    let absolute = std::path::absolute("plugins").unwrap();
    assert!(Kept::new(&cache, "shop", &absolute).read() == learned("1.0.0"));
}

#[test]
fn a_damaged_record_is_forgotten_and_replaced() {
    let whole = Bench::with("1.0.0");
    let whole = fs::read(whole.record()).unwrap();
    let damages = [0, 5, MAGIC.len(), MAGIC.len() + 10, whole.len() / 2, whole.len() - 1];
    for at in damages {
        let bench = Bench::with("1.0.0");
        for cut in [false, true] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes.truncate(if cut { at } else { whole.len() });
            fs::write(bench.record(), bytes).unwrap();
            let told = bench.refusal();
            assert!(told.contains(" is damaged: ") || told.contains(" is no record "), "{told}");
        }
        bench.keep("1.1.0");
        assert_eq!(bench.read().as_deref(), Some("1.1.0"));
    }
    // One that is whole, and of another make.
    let bench = Bench::with("1.0.0");
    let json = b"{\"pipeline\":\"shop\",\"salt\":\"\",\"plugins\":{},\"more\":1}";
    let line = format!("{MAGIC} {}\n", digest(json));
    fs::write(bench.record(), [line.as_bytes(), json].concat()).unwrap();
    assert!(bench.refusal().contains(" is no record of rollouts: unknown field"));
}

#[test]
fn a_folder_that_others_may_enter_is_not_used() {
    let bench = Bench::with("1.0.0");
    let set_mode = |mode| {
        fs::set_permissions(&bench.kept.folder, fs::Permissions::from_mode(mode)).unwrap();
    };
    for mode in [0o755, 0o770, 0o707] {
        set_mode(mode);
        let told = bench.refusal();
        assert!(told.starts_with(&format!("it is open to others (mode {mode:o})")), "{told}");
        bench.keep("1.1.0");
        bench.hold("d1");
        assert_eq!(bench.kept.told.last(), told);
        assert!(bench.kept.held("d1").is_err());
        assert_eq!(bench.files(), 1);
    }
    // Without a restart, and with what was learned meanwhile.
    set_mode(0o700);
    bench.keep("1.1.0");
    assert_eq!(bench.read().as_deref(), Some("1.1.0"));
}

#[test]
fn a_folder_of_another_user_is_not_used() {
    if !rustix::process::geteuid().is_root() {
        // Nobody else can give a folder away; the cache's tests look at one of root's.
        return;
    }
    let bench = Bench::with("1.0.0");
    std::os::unix::fs::chown(&bench.kept.folder, Some(1), None).unwrap();
    assert!(bench.refusal().starts_with("it belongs to user 1, "));
    bench.keep("1.1.0");
    assert!(bench.kept.told.last().starts_with("it belongs to user 1, "));
    assert_eq!(bench.files(), 1);
}

#[test]
fn a_record_that_is_a_link_is_not_followed() {
    let bench = Bench::with("1.0.0");
    let outside = bench.parent.path().join("outside");
    fs::rename(bench.record(), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, bench.record()).unwrap();
    let told = bench.refusal();
    assert!(told.starts_with("reading \""), "{told}");
    bench.keep("1.1.0");
    assert_eq!(bench.read().as_deref(), Some("1.1.0"));
    assert!(fs::read_to_string(outside).unwrap().contains("1.0.0"));
}

#[test]
fn a_folder_that_cannot_be_written_is_told_once() {
    let bench = Bench::new();
    fs::write(bench.parent.path().join("cache"), "a file in the way").unwrap();
    bench.keep("1.0.0");
    let told = bench.kept.told.last();
    assert!(told.starts_with("making it: "), "{told}");
    assert!(!bench.kept.told.is_new(&told));
    bench.keep("1.1.0");
    assert_eq!(bench.kept.told.last(), told);
}

#[test]
fn what_is_no_news_is_not_written() {
    let bench = Bench::with("1.0.0");
    fs::remove_file(bench.record()).unwrap();
    bench.keep("1.0.0");
    assert_eq!(bench.read(), None);
    bench.keep("1.1.0");
    assert_eq!(bench.read().as_deref(), Some("1.1.0"));
}

#[test]
fn what_is_settled_or_wanted_or_new_stays_and_the_rest_goes() {
    let bench = Bench::new();
    let files = ["of-1-0-0", "wanted", "old", "new"].map(|digest| bench.hold(digest));
    files[..3].iter().for_each(|file| make_old(file));
    let others = kept(&bench.parent, "till");
    others.hold("old", b"old", &Seal::Missing);
    let of_another = others.folder.join(others.file("old", FILE));
    let notes = bench.kept.folder.join("notes.txt");
    fs::write(&notes, "somebody else's").unwrap();
    for file in [&of_another, &notes] {
        make_old(file);
    }
    bench.kept.keep(|_| (learned("1.0.0"), BTreeSet::from(["wanted".to_owned()])));
    assert_eq!(files.each_ref().map(|file| file.exists()), [true, true, false, true]);
    assert!(of_another.exists() && notes.exists());
    make_old(&files[0]);
    bench.keep("1.1.0");
    assert_eq!(files.each_ref().map(|file| file.exists()), [false, false, false, true]);
}

#[test]
fn pipelines_that_are_gone_do_not_pile_up() {
    let bench = Bench::new();
    for number in 0..BOUNDS.files + 10 {
        let kept = kept(&bench.parent, &number.to_string());
        kept.keep(|_| (learned("1.0.0"), BTreeSet::new()));
    }
    assert_eq!(bench.files(), BOUNDS.files);
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let bench = Bench::new();
    let other = kept(&bench.parent, "shop");
    std::thread::scope(|scope| {
        for (kept, version) in [(&bench.kept, "1"), (&other, "2")] {
            scope.spawn(move || {
                for number in 0..40 {
                    let version = format!("{version}.{number}.0");
                    kept.hold("d1", b"bytes", &Seal::Missing);
                    kept.keep(|_| (learned(&version), BTreeSet::new()));
                    let found =
                        Kept::new(kept.folder.parent().unwrap(), "shop", Path::new("plugins"));
                    assert!(!found.read().plugins.is_empty());
                    assert_eq!(found.held("d1").unwrap().0, b"bytes");
                    assert_eq!(found.told.last() + &kept.told.last(), "");
                }
            });
        }
    });
    assert_eq!(bench.files(), 2);
    let last = bench.read().unwrap();
    assert!(["1.39.0", "2.39.0"].contains(&&*last), "{last}");
}
