//! What a gateway still knows after it was started anew.

mod checks;

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use tempfile::TempDir;

use super::told::shown;
use super::*;
use crate::plugin::guests::guest;
use crate::plugin::private::ABANDONED;
use crate::plugin::{Past, Runtime, digest};

/// A gateway's plugins over several starts, with a folder for what outlives them.
struct Starts {
    bench: Bench,
    cache: TempDir,
}

impl Starts {
    /// The guest `pass` as 1.0.0, called `a`.
    fn new() -> Self {
        Self::with(&[("10-a.wasm", "1.0.0")])
    }

    fn with(plugins: &[(&str, &str)]) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let Bench { folder, .. } = Bench::with(plugins);
        let catalog = start(&runtime(), &folder, cache.path(), FINE);
        Self { bench: Bench { folder, catalog: catalog.unwrap() }, cache }
    }

    /// As after a kill: nothing is told, and what was in memory is gone.
    fn restart(&mut self) {
        self.restart_with(&runtime(), FINE);
    }

    fn restart_with(&mut self, runtime: &Arc<Runtime>, trial: Trial<'_>) {
        self.bench.catalog = start(runtime, &self.folder, self.cache.path(), trial).unwrap();
    }

    /// Puts a version of `a` in place that soon does harm.
    fn goes_wrong(&self, version: &str) {
        self.put("10-a.wasm", version);
        self.reload();
        trip(&self.version("a"));
        assert!(self.after(SOON));
    }

    /// Every file that is kept, by name.
    fn kept(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.cache.path().join("rollouts")).unwrap();
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }

    /// The one kept file of that kind that holds `bytes`.
    fn kept_as(&self, bytes: &[u8]) -> PathBuf {
        let mut files = self.kept().into_iter();
        files.find(|file| fs::read(file).unwrap() == bytes).unwrap()
    }

    fn record(&self) -> String {
        let is_record = |file: &PathBuf| file.extension().is_some_and(|it| it == "rollout");
        let record = self.kept().into_iter().find(is_record).unwrap();
        fs::read_to_string(record).unwrap()
    }
}

impl std::ops::Deref for Starts {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

fn start(
    runtime: &Arc<Runtime>,
    folder: &Folder,
    cache: &Path,
    trial: Trial<'_>,
) -> Result<Catalog, String> {
    fn official(name: &str) -> Option<&'static [u8]> {
        (name == "own").then(|| Box::leak(guest("stars").into_boxed_slice()) as &[u8])
    }
    let sources = Sources { official, ..sources() };
    let past = Past { cache, pipeline: "shop", trial };
    Catalog::resume(runtime, folder.path(), &[], sources, Some(past))
        .map_err(|error| error.to_string())
}

#[test]
fn what_was_rolled_back_stays_so_and_looks_so() {
    let mut starts = Starts::new();
    starts.goes_wrong("2.0.0");
    let before = (shown(&starts), starts.failing(), starts.catalog.current().chain.clone());
    assert!(before.0.contains("a settled 1.0.0<- [rolled-back 2.0.0: rolled back after "));
    for _ in 0..2 {
        starts.restart();
        let after = (shown(&starts), starts.failing(), starts.catalog.current().chain.clone());
        assert_eq!(after, before);
        let reload = starts.reload_beside(|_| panic!("it is known to be bad"));
        assert_eq!((reload.generation, starts.serving()), (None, vec!["a@1.0.0".to_owned()]));
        assert_eq!(shown(&starts), before.0);
    }
    assert_eq!(starts.catalog.reloads().refused, 1, "told once");
}

#[test]
fn what_is_promoted_after_a_restart_serves_after_the_next() {
    let mut starts = Starts::new();
    starts.goes_wrong("2.0.0");
    starts.restart();
    starts.catalog.promote("a").unwrap();
    starts.reload();
    assert_eq!((starts.serving(), starts.failing()), (vec!["a@2.0.0".to_owned()], vec![]));
    assert!(!starts.catalog.is_in_probation());
    for _ in 0..2 {
        starts.restart();
        assert_eq!((starts.serving(), starts.failing()), (vec!["a@2.0.0".to_owned()], vec![]));
    }
}

#[test]
fn what_is_promoted_a_moment_before_the_end_serves_after_it() {
    let mut starts = Starts::new();
    starts.goes_wrong("2.0.0");
    starts.catalog.promote("a").unwrap();
    starts.restart();
    assert_eq!(starts.serving(), ["a@2.0.0"]);
}

#[test]
fn what_failed_beside_the_old_or_was_given_up_stays_out() {
    let mut starts = Starts::new();
    starts.put("10-a.wasm", "2.0.0");
    starts.reload_beside(|_| Err("it fails".to_owned()));
    let before = shown(&starts);
    starts.restart();
    assert_eq!(shown(&starts), before);
    assert!(before.contains("[refused 2.0.0: it fails; put another file"), "{before}");

    starts.put("10-a.wasm", "3.0.0");
    starts.reload_beside(|_| {
        starts.catalog.rollback("a", FINE).unwrap();
        Ok(Progress::default())
    });
    starts.restart();
    assert_eq!(starts.serving(), ["a@1.0.0"]);
    assert!(starts.failing()[0].starts_with("rolled back by hand; "));
}

#[test]
fn the_version_that_was_settled_last_stands_in() {
    let mut starts = Starts::new();
    starts.put("10-a.wasm", "2.0.0");
    starts.reload();
    // By the time it is settled, another file has taken its place.
    starts.put("10-a.wasm", "3.0.0");
    starts.after(LATE);
    starts.reload();
    assert_eq!(starts.serving(), ["a@3.0.0"]);
    trip(&starts.version("a"));
    starts.after(SOON);
    starts.restart();
    assert_eq!(starts.serving(), ["a@2.0.0"]);
    starts.goes_wrong("4.0.0");
    starts.restart();
    assert_eq!(starts.serving(), ["a@2.0.0"]);
}

#[test]
fn what_has_yet_to_prove_itself_stands_in_for_nothing() {
    let mut starts = Starts::new();
    starts.goes_wrong("2.0.0");
    starts.put("10-a.wasm", "3.0.0");
    starts.reload();
    assert!(starts.catalog.is_in_probation());
    starts.put("10-a.wasm", "2.0.0");
    starts.restart();
    assert_eq!(starts.serving(), ["a@1.0.0"]);
}

#[test]
fn what_takes_long_to_prove_itself_is_not_cleared_away_meanwhile() {
    let mut starts = Starts::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    // Whatever is written of another plugin, an hour later.
    let tidy_up = || {
        for file in starts.kept() {
            let file = fs::File::options().append(true).open(file).unwrap();
            file.set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();
        }
        starts.catalog.rollback("b", FINE).unwrap();
    };
    starts.put("20-b.wasm", "1.1.0");
    starts.reload();
    starts.put("10-a.wasm", "2.0.0");
    starts.reload();
    tidy_up();
    starts.after(LATE);
    starts.goes_wrong("3.0.0");
    starts.restart();
    assert_eq!(starts.serving()[0], "a@2.0.0");
}

#[test]
fn what_was_refused_and_then_served_all_the_same_is_not_held_against_it() {
    let mut starts = Starts::with(&[]);
    for version in ["1.0.0", "1.1.0"] {
        starts.put("10-a.wasm", version);
        starts.reload_beside(|_| Err("it fails".to_owned()));
        assert_eq!(starts.serving(), Vec::<String>::new());
    }
    // Nothing better serves, so it is tried again.
    starts.put("10-a.wasm", "1.0.0");
    starts.reload();
    assert_eq!(starts.serving(), ["a@1.0.0"]);
    starts.goes_wrong("2.0.0");
    starts.restart();
    assert_eq!(starts.serving(), ["a@1.0.0"]);
    starts.put("10-a.wasm", "1.0.0");
    starts.restart();
    assert_eq!((starts.serving(), starts.failing()), (vec!["a@1.0.0".to_owned()], vec![]));
}

#[test]
fn a_bad_file_that_is_put_back_later_is_known_again() {
    let mut starts = Starts::new();
    starts.goes_wrong("2.0.0");
    starts.put("10-a.wasm", "3.0.0");
    starts.reload();
    starts.after(LATE);
    starts.put("10-a.wasm", "2.0.0");
    starts.reload_beside(|_| panic!("it is known to be bad"));
    assert_eq!(starts.serving(), ["a@3.0.0"]);
    assert!(starts.failing()[0].starts_with("rolled back after "), "{:?}", starts.failing());
    // The same while nobody looks.
    starts.put("10-a.wasm", "3.0.0");
    starts.restart();
    starts.put("10-a.wasm", "2.0.0");
    starts.restart();
    assert_eq!(starts.serving(), ["a@3.0.0"]);
}

#[test]
fn settings_alone_go_back_too_and_their_secrets_stay_where_they_are() {
    let mut starts = Starts::new();
    let put = |starts: &Starts, name: &str, text: &str| starts.folder.put(name, text.as_bytes());
    put(&starts, "secret.txt", "hunter2");
    put(&starts, "10-a.toml", "# Good.\n[settings]\nkey = '${file:secret.txt}'\nkeep = 1.50\n");
    starts.restart();
    put(&starts, "10-a.toml", "[settings]\nkey = '${file:secret.txt}'\nkeep = 2\n");
    starts.reload();
    trip(&starts.version("a"));
    starts.after(SOON);
    let settings = starts.version("a").setup.settings.to_string();
    assert_eq!(settings, r#"{"keep":1.50,"key":"hunter2"}"#);

    starts.restart();
    assert_eq!(starts.version("a").setup.settings.to_string(), settings);
    assert!(starts.failing()[0].starts_with("rolled back after "), "{:?}", starts.failing());
    assert!(starts.record().contains("${file:secret.txt}"));
    for file in starts.kept() {
        let bytes = fs::read(file).unwrap();
        assert!(!bytes.windows(7).any(|part| part == b"hunter2"));
    }

    // As while it runs: another secret is another version, and nobody knows it to be bad.
    put(&starts, "secret.txt", "hunter3");
    starts.restart();
    let settings = starts.version("a").setup.settings.to_string();
    assert_eq!(settings, r#"{"keep":2,"key":"hunter3"}"#);
    assert_eq!(starts.failing(), Vec::<String>::new());
}

#[test]
fn an_official_plugin_stands_in_for_a_file_and_a_file_for_it() {
    let mut starts = Starts::with(&[]);
    starts.folder.put("10-a.toml", b"plugin = \"own\"");
    starts.restart();
    assert_eq!(starts.serving(), ["a@1.0.0"]);
    starts.folder.remove("10-a.toml");
    starts.goes_wrong("2.0.0");
    starts.restart();
    assert_eq!(starts.serving(), ["a@1.0.0"]);
    assert_eq!(starts.version("a").setup.official.as_deref(), Some("own"));

    let mut starts = Starts::new();
    starts.folder.remove("10-a.wasm");
    starts.folder.put("10-a.toml", b"plugin = \"own\"");
    starts.reload();
    trip(&starts.version("a"));
    starts.after(SOON);
    starts.restart();
    assert_eq!(starts.version("a").identity.digest, digest(&pass("1.0.0")));
}

#[test]
fn without_anything_settled_the_file_serves_as_ever() {
    let mut starts = Starts::with(&[]);
    starts.put("10-a.wasm", "1.0.0");
    starts.reload_beside(|_| Err("it fails".to_owned()));
    assert_eq!(starts.serving(), Vec::<String>::new());
    starts.restart();
    assert_eq!((starts.serving(), starts.failing()), (vec!["a@1.0.0".to_owned()], vec![]));
}

#[test]
fn without_a_folder_to_keep_it_in_nothing_outlives_a_restart() {
    let starts = Starts::new();
    let nowhere = starts.cache.path().join("nowhere");
    fs::write(&nowhere, "a file in the way").unwrap();
    let start = || start(&runtime(), &starts.folder, &nowhere, FINE).unwrap();
    let bench = Bench { folder: Folder::with(&[]), catalog: start() };
    starts.put("10-a.wasm", "2.0.0");
    bench.reload();
    trip(&bench.version("a"));
    bench.after(SOON);
    assert_eq!(bench.serving(), ["a@1.0.0"]);
    assert_eq!(names(&start().current().plugins), ["a@2.0.0"]);
}

#[test]
fn what_is_kept_goes_with_its_plugin() {
    let mut starts = Starts::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    starts.goes_wrong("2.0.0");
    assert!(starts.record().contains("\"a\": {"));
    starts.folder.remove("10-a.wasm");
    starts.reload();
    assert!(!starts.record().contains("\"a\": {"), "{}", starts.record());
    assert!(starts.record().contains("\"b\": {"));
    for version in ["1.0.0", "2.0.0"] {
        starts.put("10-a.wasm", version);
        starts.reload();
        assert_eq!(starts.serving(), [&*format!("a@{version}"), "b@1.0.0"]);
    }
    // Also where nobody looked when it went.
    starts.folder.remove("20-b.wasm");
    starts.restart();
    assert!(!starts.record().contains("\"b\": {"), "{}", starts.record());
}

#[test]
fn another_pipeline_s_folder_is_another_s() {
    let starts = Starts::new();
    starts.goes_wrong("2.0.0");
    let other = Bench::with(&[("10-a.wasm", "2.0.0")]);
    let catalog = start(&runtime(), &other.folder, starts.cache.path(), FINE).unwrap();
    assert_eq!(names(&catalog.current().plugins), ["a@2.0.0"]);
}
