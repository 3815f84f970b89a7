//! Files that come and go in ways that no tool should use, and versions that fail once they are let in.

use std::fs;
use std::os::unix::fs::symlink;
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

#[test]
fn hostile_30_however_a_file_is_written_it_is_taken_whole_and_once() {
    let siege = Siege::with("pass", "reload = \"immediate\"\n");
    let path = siege.folder.path().join(GUEST);
    let version = |version: &str| guest::module_of("pass", version);
    let mut gateway = siege.start();
    let flows = || {
        siege.attack((0..20).map(harmless));
        siege.others_flow();
    };
    flows();

    // Half of a file, which a copy was stopped in the middle of; then the rest.
    let whole = version("2.0.0");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    gateway.until_readyz_says("damaged or cut off at byte").unwrap();
    flows();
    serves(&mut gateway, "1.0.0");
    fs::write(&path, &whole).unwrap();
    serves(&mut gateway, "2.0.0");
    assert_eq!(published(&mut gateway), 1.0);

    // The same bytes once more, and as a new file: nothing to do. What comes after them is taken.
    fs::write(&path, &whole).unwrap();
    siege.folder.put(GUEST, &whole).unwrap();
    flows();
    siege.folder.put(GUEST, version("3.0.0")).unwrap();
    serves(&mut gateway, "3.0.0");
    assert_eq!(published(&mut gateway), 2.0);

    // A link in its place, whose end is exchanged, as Kubernetes does.
    siege.folder.put("elsewhere/4.wasm", version("4.0.0")).unwrap();
    siege.folder.put("elsewhere/5.wasm", version("5.0.0")).unwrap();
    for number in [4, 5] {
        let beside = path.with_extension("link");
        symlink(format!("../elsewhere/{number}.wasm"), &beside).unwrap();
        fs::rename(&beside, &path).unwrap();
        flows();
        serves(&mut gateway, &format!("{number}.0.0"));
    }
    assert_eq!(published(&mut gateway), 4.0);

    // Fifty versions within a second, written in place, none of them finished for long.
    fs::remove_file(&path).unwrap();
    for number in 0..50 {
        fs::write(&path, version(&format!("6.0.{}", number % 10))).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    fs::write(&path, version("7.0.0")).unwrap();
    flows();
    serves(&mut gateway, "7.0.0");
    let published = published(&mut gateway);
    assert!(published <= 7.0, "{published}");

    // The file goes and its settings stay, which is no decision; then they go as well, which is.
    fs::remove_file(&path).unwrap();
    gateway.until_readyz_says("still serves as 7.0.0: there is no \\\"10-guest.wasm\\\"").unwrap();
    flows();
    siege.folder.remove("plugins/10-guest.toml").unwrap();
    let removed = "lockgate_reloads_total{pipeline=\"hostile\",result=\"removed\"";
    gateway.until("it leaves the chain", |it| Ok(it.metric(removed)? == 1.0)).unwrap();
    flows();
    let tally = siege.end_well(gateway, |_| Fate::Forwarded);
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
