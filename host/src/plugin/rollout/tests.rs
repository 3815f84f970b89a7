//! New versions on their way into service, and back. Here is what these tests share.

mod orders;
mod probation;
mod restart;
mod shadow;
mod told;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::config::PluginMessages;
use crate::plugin::guests::{Folder, guest_of_version, runtime};
use crate::plugin::{Carried, Sources};

/// A folder with its catalog.
struct Bench {
    folder: Folder,
    catalog: Catalog,
}

/// What a stand-in for the rehearsal is asked.
struct Run<'a> {
    old: &'a [Arc<Version>],
    new: &'a [Arc<Version>],
    length: Length,
    watch: &'a dyn Fn(&Progress) -> Go,
}

struct Play<F>(F);

impl<F: Fn(Run<'_>) -> Result<Progress, String> + Send + Sync> Rehearsal for Play<F> {
    fn run(
        &self,
        old: &[Arc<Version>],
        new: &[Arc<Version>],
        length: Length,
        watch: &dyn Fn(&Progress) -> Go,
    ) -> Result<Progress, String> {
        (self.0)(Run { old, new, length, watch })
    }
}

/// A trial that every chain stands.
const FINE: Trial<'static> = &|_| Ok(());

impl Bench {
    /// Each plugin as the guest `pass` of a version, which serve all.
    fn with(plugins: &[(&str, &str)]) -> Self {
        let folder = Folder::with(&[]);
        for (file, version) in plugins {
            folder.put(file, &pass(version));
        }
        let catalog = Catalog::load(&runtime(), folder.path(), &[], sources()).unwrap();
        Self { folder, catalog }
    }

    /// Puts a version of the guest `pass` in place of a file.
    fn put(&self, file: &str, version: &str) {
        self.folder.put(file, &pass(version));
    }

    fn checked(&self, trial: Trial<'_>, rehearsal: Option<&dyn Rehearsal>) -> Reload {
        self.catalog.reload(&Checks { trial, rehearsal, meanwhile: &|| Meanwhile::Nothing })
    }

    /// A reload with nothing in its way.
    fn reload(&self) -> Reload {
        self.checked(FINE, None)
    }

    fn reload_beside(
        &self,
        play: impl Fn(Run<'_>) -> Result<Progress, String> + Send + Sync,
    ) -> Reload {
        self.checked(FINE, Some(&Play(play)))
    }

    /// `name@version` of what serves, in order.
    fn serving(&self) -> Vec<String> {
        names(&self.catalog.current().plugins)
    }

    fn version(&self, name: &str) -> Arc<Version> {
        let current = self.catalog.current();
        let version = current.plugins.iter().find(|version| *version.place.name == *name);
        Arc::clone(version.unwrap())
    }

    /// Why the files that do not serve do not.
    fn failing(&self) -> Vec<String> {
        let status = self.catalog.status();
        let failed = status.iter().filter_map(|file| file.reason.clone());
        failed.collect()
    }

    /// Looks after the versions under watch, so long after now.
    fn after(&self, time: Duration) -> bool {
        self.catalog.watch_over(FINE, Instant::now() + time)
    }
}

fn sources() -> Sources {
    Sources {
        read_settings: Box::new(|text, path: &Path| {
            PluginFile::parse(text, path).map_err(|error| error.to_string())
        }),
        official: |_| None,
        messages: PluginMessages::Show,
    }
}

fn pass(version: &str) -> Vec<u8> {
    guest_of_version("pass", version)
}

fn names(plugins: &[Arc<Version>]) -> Vec<String> {
    let show =
        |version: &Arc<Version>| format!("{}@{}", version.place.name, version.identity.version);
    plugins.iter().map(show).collect()
}

/// A second, in which no version is settled by default.
const SOON: Duration = Duration::from_secs(1);

/// Past every default.
const LATE: Duration = Duration::from_secs(61);

/// What lanes carried: so many batches of ten rows and one call, of which so many failed.
fn carry(version: &Version, batches: u64, faulty: u64) {
    for number in 0..batches {
        let batch = Carried { rows: 10, calls: 1, slow: 0, faulty: number < faulty };
        version.stats().carried(batch);
    }
}

/// What happens after five batches without an answer.
fn trip(version: &Version) {
    for _ in 0..5 {
        let (full, refused) = (breaker::Admission::Full, breaker::Went::Refused);
        let now = (Duration::ZERO, Instant::now());
        version.breaker().note(full, refused, Some("it trapped"), now);
    }
    assert_eq!(version.breaker().view(Instant::now()).state, breaker::State::Open);
}

#[test]
fn the_chain_s_digest_follows_files_order_and_settings_and_no_secret() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    let (put, secret) = (|text: &str| bench.folder.put("10-a.toml", text.as_bytes()), "secret.txt");
    bench.folder.put(secret, b"one");
    let digest = || {
        bench.reload();
        bench.catalog.current().chain.clone()
    };
    let mut seen = vec![digest()];
    assert!(seen[0].len() == 16 && seen[0].bytes().all(|byte| byte.is_ascii_hexdigit()));
    put("[settings]\nkeep = 4");
    seen.push(digest());
    put("[settings]\nkeep = 5");
    seen.push(digest());
    bench.put("10-a.wasm", "2.0.0");
    seen.push(digest());
    bench.folder.rename("20-b.wasm", "05-b.wasm");
    seen.push(digest());
    put("[settings]\nkey = '${file:secret.txt}'");
    seen.push(digest());
    let number = bench.catalog.number();
    bench.folder.put(secret, b"two");
    assert_eq!(digest(), seen[5]);
    assert_eq!(bench.catalog.number(), number + 1, "another secret is another version");
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all);

    // Whoever starts with the same files has the same chain, whatever stands around the settings.
    put("# The key lies elsewhere.\n[settings]\nkey   = \"${file:secret.txt}\"");
    let before = digest();
    let other = Catalog::load(&runtime(), bench.folder.path(), &[], sources()).unwrap();
    assert_eq!(other.current().chain, before);
}

#[test]
fn over_a_hundred_reloads_only_what_serves_and_the_one_before_are_kept() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    let mut versions = vec![Arc::downgrade(&bench.version("a"))];
    for number in 0..100 {
        bench.put("10-a.wasm", &format!("2.{}.{}", number / 10, number % 10));
        assert!(bench.reload().generation.is_some());
        versions.push(Arc::downgrade(&bench.version("a")));
        // Every third fails, every third is settled, and every third is replaced before it can be.
        match number % 3 {
            0 => trip(&bench.version("a")),
            1 => carry(&bench.version("a"), 1_000, 0),
            _ => {}
        }
        bench.after(SOON);
        let alive = versions.iter().filter(|version| version.strong_count() > 0).count();
        assert!(alive <= 2, "{alive} versions are kept after {} reloads", number + 1);
    }
    // The last one failed, so that the one before serves and none is left to go back to.
    assert_eq!(versions.iter().filter(|version| version.strong_count() > 0).count(), 1);
    bench.put("10-a.wasm", "3.0.0");
    bench.reload();
    bench.after(LATE);
    assert_eq!(versions.iter().filter(|version| version.strong_count() > 0).count(), 1);
}
