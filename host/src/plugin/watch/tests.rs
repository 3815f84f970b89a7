//! Folders that change by themselves, as it were: nobody asks for the reload.

use std::fs;
use std::os::unix::fs::symlink;

use ed25519_dalek::{Signer as _, SigningKey};
use tempfile::TempDir;

use super::*;
use crate::breaker::{Admission, Went};
use crate::config::{Length, PluginFile, PluginMessages, Trust};
use crate::plugin::guests::{guest, guest_of_version, runtime};
use crate::plugin::rehearsal::{Go, Progress};
use crate::plugin::{Options, Runtime, Sources};

/// A watched folder, and the news of its chain.
struct Watched {
    catalog: Arc<Catalog>,
    news: Receiver<Reload>,
    _watch: FolderWatch,
}

fn watch(folder: &Path) -> Watched {
    watch_beside(&runtime(), folder, None)
}

fn watch_within(runtime: &Arc<Runtime>, folder: &Path) -> Watched {
    watch_beside(runtime, folder, None)
}

fn watch_beside(
    runtime: &Arc<Runtime>,
    folder: &Path,
    rehearsal: Option<Arc<dyn Rehearsal>>,
) -> Watched {
    let read_settings = Box::new(|_: &str, _: &Path| Ok(PluginFile::default()));
    let sources = Sources { read_settings, official: |_| None, messages: PluginMessages::Show };
    let catalog = Arc::new(Catalog::load(runtime, folder, &[], sources).unwrap());
    let (sender, news) = mpsc::channel();
    let told = Box::new(move |reload: &Reload| drop(sender.send(reload.clone())));
    let hurdles = Hurdles { trial: Arc::new(|_| Ok(())), rehearsal };
    let watch = FolderWatch::start(Arc::clone(&catalog), hurdles, told).unwrap();
    Watched { catalog, news, _watch: watch }
}

impl Watched {
    /// Waits until `version` serves, or nothing where it is empty. The rescan would find it far later.
    fn comes_to_serve(&self, version: &str) {
        let deadline = Instant::now() + RESCAN / 2;
        loop {
            let current = self.catalog.current();
            let serving: String =
                current.plugins.iter().map(|version| version.identity.version.as_str()).collect();
            if serving == version {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.news.recv_timeout(left).expect("the change is noticed");
        }
    }
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("v1")).unwrap();
    fs::write(folder.path().join("v1/10-a.wasm"), guest("pass")).unwrap();
    folder
}

#[test]
fn a_file_that_is_written_in_pieces_is_read_when_it_is_whole() {
    let folder = folder();
    let plugins = folder.path().join("v1");
    let watched = watch(&plugins);
    let next = guest_of_version("pass", "2.0.0");
    let mut file = fs::File::create(plugins.join("10-a.wasm")).unwrap();
    for piece in next.chunks(100) {
        std::io::Write::write_all(&mut file, piece).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    drop(file);
    watched.comes_to_serve("2.0.0");
    assert!(watched.catalog.status().iter().all(|file| file.reason.is_none()));
}

#[test]
fn a_file_renamed_into_place_and_one_removed_are_noticed() {
    let folder = folder();
    let plugins = folder.path().join("v1");
    let watched = watch(&plugins);
    fs::write(folder.path().join("new"), guest_of_version("pass", "2.0.0")).unwrap();
    fs::rename(folder.path().join("new"), plugins.join("10-a.wasm")).unwrap();
    watched.comes_to_serve("2.0.0");
    fs::remove_file(plugins.join("10-a.wasm")).unwrap();
    watched.comes_to_serve("");
}

#[test]
fn a_signature_that_comes_after_its_file_is_noticed() {
    let key = SigningKey::from_bytes(&[1; 32]);
    let trust = Trust { keys: vec![key.verifying_key().to_bytes()], ..Trust::default() };
    let runtime = Runtime::start_with(Options { trust, ..Options::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let watched = watch_within(&runtime, folder.path());
    fs::write(folder.path().join("10-a.wasm"), guest("pass")).unwrap();
    let deadline = Instant::now() + RESCAN / 2;
    while watched.catalog.reloads().refused == 0 {
        let left = deadline.saturating_duration_since(Instant::now());
        watched.news.recv_timeout(left).expect("the file is noticed");
    }
    assert!(watched.catalog.current().plugins.is_empty());
    let signature = key.sign(&guest("pass")).to_bytes();
    fs::write(folder.path().join("10-a.wasm.sig"), signature).unwrap();
    watched.comes_to_serve("1.0.0");
}

#[test]
fn the_data_link_of_a_config_map_is_noticed() {
    let folder = folder();
    let mount = folder.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let publish = |name: &str, bytes: &[u8]| {
        fs::create_dir(mount.join(name)).unwrap();
        fs::write(mount.join(name).join("10-a.wasm"), bytes).unwrap();
        symlink(name, mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    };
    publish("..1", &guest("pass"));
    symlink("..data/10-a.wasm", mount.join("10-a.wasm")).unwrap();
    let watched = watch(&mount);
    publish("..2", &guest_of_version("pass", "2.0.0"));
    watched.comes_to_serve("2.0.0");
    publish("..3", &guest_of_version("pass", "3.0.0"));
    watched.comes_to_serve("3.0.0");
}

#[test]
fn a_folder_that_is_a_link_is_followed_to_where_it_leads_now() {
    let folder = folder();
    let (current, v2) = (folder.path().join("current"), folder.path().join("v2"));
    symlink("v1", &current).unwrap();
    let watched = watch(&current);
    fs::create_dir(&v2).unwrap();
    fs::write(v2.join("10-a.wasm"), guest_of_version("pass", "2.0.0")).unwrap();
    symlink("v2", folder.path().join("next")).unwrap();
    fs::rename(folder.path().join("next"), &current).unwrap();
    watched.comes_to_serve("2.0.0");
    fs::write(v2.join("10-a.wasm"), guest_of_version("pass", "3.0.0")).unwrap();
    watched.comes_to_serve("3.0.0");
}

#[test]
fn a_folder_that_is_made_anew_is_watched_anew() {
    let folder = folder();
    let plugins = folder.path().join("v1");
    let watched = watch(&plugins);
    fs::rename(&plugins, folder.path().join("old")).unwrap();
    fs::create_dir(&plugins).unwrap();
    fs::write(plugins.join("10-a.wasm"), guest_of_version("pass", "2.0.0")).unwrap();
    watched.comes_to_serve("2.0.0");
    fs::write(plugins.join("10-a.wasm"), guest_of_version("pass", "3.0.0")).unwrap();
    watched.comes_to_serve("3.0.0");
}

#[test]
fn reading_the_folder_is_no_hint_to_read_it() {
    let folder = folder();
    let plugins = folder.path().join("v1").canonicalize().unwrap();
    let (sender, hints) = mpsc::channel();
    let watch = Watch::new(&plugins, sender);
    assert!(watch.watcher.is_some());
    fs::read(plugins.join("10-a.wasm")).unwrap();
    fs::read_dir(&plugins).unwrap().count();
    // The write comes after the reads, so its hint is the first.
    fs::write(folder.path().join("other"), b"").unwrap();
    fs::write(plugins.join("20-b.wasm"), b"").unwrap();
    assert!(matches!(hints.recv_timeout(RESCAN), Ok(Hint::Changed)));
    drop(watch);
    let more = hints.iter().count();
    assert!(more <= 3, "{more} hints for one small write");
}

#[test]
fn without_file_events_the_folder_is_compared() {
    let folder = folder();
    let plugins = folder.path().join("v1");
    let (sender, hints) = mpsc::channel();
    let watch = Watch { folder: plugins.clone(), target: None, hints: sender, watcher: None };
    let polling = watch.watch::<PollWatcher>(Target::of(&plugins).as_ref()).unwrap();
    fs::write(plugins.join("20-b.wasm"), b"").unwrap();
    assert!(matches!(hints.recv_timeout(RESCAN), Ok(Hint::Changed)));
    drop(polling);
}

/// Runs for as long as it may and any test lasts, and asks all the time.
struct Endless(Sender<()>);

impl Rehearsal for Endless {
    fn run(
        &self,
        _: &[Arc<Version>],
        _: &[Arc<Version>],
        _: Length,
        watch: &dyn Fn(&Progress) -> Go,
    ) -> Result<Progress, String> {
        let begun = Instant::now();
        while watch(&Progress::default()) == Go::On && begun.elapsed() < RESCAN {
            self.0.send(()).map_err(|_| "the test is over".to_owned())?;
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Progress::default())
    }
}

#[test]
fn a_version_that_fails_is_taken_back_long_before_the_next_look() {
    let folder = folder();
    let plugins = folder.path().join("v1");
    let watched = watch(&plugins);
    fs::write(plugins.join("10-a.wasm"), guest_of_version("pass", "2.0.0")).unwrap();
    watched.comes_to_serve("2.0.0");
    let version = Arc::clone(&watched.catalog.current().plugins[0]);
    version.breaker().note(Admission::Full, Went::Hopeless, None, (Duration::ZERO, Instant::now()));
    watched.comes_to_serve("1.0.0");
    assert_eq!(watched.catalog.reloads().rolled_back, 1);
}

#[test]
fn an_order_is_carried_out_long_before_the_next_look() {
    let folder = folder();
    let plugins = folder.path().join("v1");
    let watched = watch(&plugins);
    fs::write(plugins.join("10-a.wasm"), guest_of_version("pass", "2.0.0")).unwrap();
    watched.comes_to_serve("2.0.0");
    watched.catalog.rollback("a", &|_| Ok(())).unwrap();
    watched.comes_to_serve("1.0.0");
    watched.catalog.promote("a").unwrap();
    watched.comes_to_serve("2.0.0");
}

#[test]
fn a_newer_file_ends_a_run_and_so_does_the_end_of_the_watch() {
    let folder = folder();
    let plugins = folder.path().join("v1");
    let (sender, asked) = mpsc::channel();
    let watched = watch_beside(&runtime(), &plugins, Some(Arc::new(Endless(sender))));
    let runs = || asked.recv_timeout(RESCAN / 2).expect("a new version runs beside the old");
    fs::write(plugins.join("10-a.wasm"), guest_of_version("pass", "2.0.0")).unwrap();
    runs();
    fs::write(plugins.join("10-a.wasm"), guest("pass")).unwrap();
    // Back to what serves: the run is given up, and nothing is left to do.
    let is_quiet = || watched.catalog.views(Instant::now())[0].candidate.is_none();
    let deadline = Instant::now() + RESCAN / 2;
    while !is_quiet() {
        assert!(Instant::now() < deadline, "the run goes on");
        thread::sleep(Duration::from_millis(1));
    }
    fs::write(plugins.join("10-a.wasm"), guest_of_version("pass", "3.0.0")).unwrap();
    asked.try_iter().count();
    runs();
    let started = Instant::now();
    drop(watched);
    assert!(started.elapsed() < RESCAN / 2);
}

#[test]
fn a_dropped_watch_has_stopped() {
    let folder = folder();
    let watched = watch(&folder.path().join("v1"));
    let started = Instant::now();
    drop(watched);
    assert!(started.elapsed() < RESCAN / 2);
}
