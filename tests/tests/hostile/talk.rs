//! Plugins that talk too much.

use lockgate_tests::checker::Fate;

use super::siege::{Siege, harmless};
use super::traps::is_clean;

#[test]
fn hostile_20_a_flood_of_words_and_names_is_cut_off_and_made_harmless() {
    let siege = Siege::with("babble", "deadline = \"10s\"\n");
    let mut gateway = siege.start();
    for _ in 0..5 {
        siege.attack((0..20).map(harmless));
        siege.others_flow();
        siege.settled();
    }
    let series = |body: &str| {
        let of_guest = |line: &&str| line.starts_with("lockgate_plugin_custom_total{");
        body.lines().filter(of_guest).count()
    };
    let mut names = 0;
    gateway
        .until("its names are counted", |gateway| {
            names = series(&gateway.page("/metrics")?.1);
            Ok(names > 0)
        })
        .unwrap();
    assert!(names <= 64, "{names}");
    // It is told with the first line of the next second.
    gateway
        .until("the flood is told", |gateway| {
            siege.attack([harmless(0)]);
            Ok(gateway.log()?.contains("plugin logs too much"))
        })
        .unwrap();
    let log = gateway.log().unwrap();
    is_clean(&log);
    let said = log.lines().filter(|line| line.contains("plugin says")).count();
    assert!((1..2_000).contains(&said), "{said} of 5,000 lines");
    let tally = siege.end_well(gateway, |_| Fate::Forwarded);
    assert_eq!((tally.refused, tally.duplicates), (0, 0));
}
