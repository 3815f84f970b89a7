//! Files that come and go in ways that no tool should use, and versions that fail once they are let in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use lockgate_tests::checker::Fate;
use lockgate_tests::gateway::Gateway;

use super::guest;
use super::siege::{GUEST, Siege, WAVE, harmless};

/// Waits until that version of the guest serves.
fn serves(gateway: &mut Gateway, version: &str) {
    let of_guest = "plugin=\"guest\"";
    let version = format!("version=\"{version}\"");
    gateway
        .until(&format!("{version} serves"), |gateway| {
            let (_, body) = gateway.page("/metrics")?;
            let mut lines = body.lines().filter(|line| line.starts_with("lockgate_plugin_info{"));
            Ok(lines.any(|line| line.contains(of_guest) && line.contains(&version)))
        })
        .unwrap();
}

fn published(gateway: &mut Gateway) -> f64 {
    gateway.metric("lockgate_reloads_total{pipeline=\"hostile\",result=\"live\"").unwrap()
}

/// The guest's file as one after another gets at it.
struct Target {
    siege: Siege,
    gateway: Gateway,
    path: PathBuf,
}

impl Target {
    fn flows(&self) {
        self.siege.attack((0..20).map(harmless));
        self.siege.others_flow();
    }

    fn serves(&mut self, number: u32) {
        serves(&mut self.gateway, &format!("{number}.0.0"));
    }

    /// A copy was stopped in the middle, and went on later.
    fn is_half_written(&mut self) {
        let whole = version("2.0.0");
        fs::write(&self.path, &whole[..whole.len() / 2]).unwrap();
        self.gateway.until_readyz_says("damaged or cut off at byte").unwrap();
        self.flows();
        self.serves(1);
        fs::write(&self.path, &whole).unwrap();
        self.serves(2);
    }

    /// The same bytes once more, and as a new file: nothing to do. What comes after them is taken.
    fn is_touched(&mut self) {
        fs::write(&self.path, version("2.0.0")).unwrap();
        self.siege.folder.put(GUEST, version("2.0.0")).unwrap();
        self.flows();
        self.siege.folder.put(GUEST, version("3.0.0")).unwrap();
        self.serves(3);
    }

    /// A link in its place, whose end is exchanged, as Kubernetes does.
    fn is_a_link(&mut self) {
        for number in [4, 5] {
            let elsewhere = format!("elsewhere/{number}.wasm");
            self.siege.folder.put(&elsewhere, version(&format!("{number}.0.0"))).unwrap();
            let beside = self.path.with_extension("link");
            symlink(format!("../{elsewhere}"), &beside).unwrap();
            fs::rename(&beside, &self.path).unwrap();
            self.flows();
            self.serves(number);
        }
    }

    /// Fifty versions within a second, written in place, none of them finished for long.
    fn is_hammered(&mut self) {
        fs::remove_file(&self.path).unwrap();
        for number in 0..50 {
            fs::write(&self.path, version(&format!("6.0.{}", number % 10))).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        fs::write(&self.path, version("7.0.0")).unwrap();
        self.flows();
        self.serves(7);
    }

    /// The file goes and its settings stay, which is no decision; then they go as well, which is.
    fn goes(&mut self) {
        fs::remove_file(&self.path).unwrap();
        let told = "still serves as 7.0.0: there is no \\\"10-guest.wasm\\\"";
        self.gateway.until_readyz_says(told).unwrap();
        self.flows();
        self.siege.folder.remove("plugins/10-guest.toml").unwrap();
        let removed = "lockgate_reloads_total{pipeline=\"hostile\",result=\"removed\"";
        self.gateway.until("it leaves the chain", |it| Ok(it.metric(removed)? == 1.0)).unwrap();
        self.flows();
    }
}

fn version(version: &str) -> Vec<u8> {
    guest::module_of("pass", version)
}

#[test]
fn hostile_30_however_a_file_is_written_it_is_taken_whole_and_once() {
    let siege = Siege::with("pass", "reload = \"immediate\"\n");
    let path = siege.folder.path().join(GUEST);
    let gateway = siege.start();
    let mut target = Target { siege, gateway, path };
    target.flows();
    target.is_half_written();
    assert_eq!(published(&mut target.gateway), 1.0);
    target.is_touched();
    assert_eq!(published(&mut target.gateway), 2.0);
    target.is_a_link();
    assert_eq!(published(&mut target.gateway), 4.0);
    target.is_hammered();
    // One, or a few on a machine that has other things to do.
    let published = published(&mut target.gateway);
    assert!(published <= 7.0, "{published}");
    target.goes();
    let tally = target.siege.end_well(target.gateway, |_| Fate::Forwarded);
    assert_eq!((tally.refused, tally.duplicates), (0, 0));
}

#[test]
fn hostile_31_a_version_that_fails_once_it_is_let_in_is_taken_back() {
    let siege = Siege::with("pass", "");
    let mut gateway = siege.start();
    siege.attack((0..WAVE).map(harmless));
    siege.settled();

    // Where its tables are opened.
    siege.folder.put(GUEST, guest::module_of("trap-open", "2.0.0")).unwrap();
    gateway.until_readyz_says("still serves as 1.0.0: ").unwrap();

    // Beside the old version.
    siege.folder.put(GUEST, guest::module_of("broken", "3.0.0")).unwrap();
    goes_on_until(&siege, &mut gateway, "the old chain");
    serves(&mut gateway, "1.0.0");

    // In service.
    siege.set_up("10-guest", "reload = \"immediate\"\n");
    siege.folder.put(GUEST, guest::module_of("broken", "4.0.0")).unwrap();
    goes_on_until(&siege, &mut gateway, "still serves as 1.0.0: rolled back after ");
    serves(&mut gateway, "1.0.0");
    let tally = siege.end_well(gateway, |_| Fate::Forwarded);
    assert_eq!((tally.refused, tally.duplicates), (0, 0));
}

/// Writes more until `/readyz` says `text`.
fn goes_on_until(siege: &Siege, gateway: &mut Gateway, text: &str) {
    gateway
        .until(&format!("/readyz says {text:?}"), |gateway| {
            siege.attack((0..10).map(harmless));
            siege.others_flow();
            Ok(gateway.readyz()?.to_string().contains(text))
        })
        .unwrap();
}
