//! A gateway that is killed again and again under load.

use lockgate_tests::checker::Fate;
use lockgate_tests::client::Record;
use lockgate_tests::gateway::{Cluster, Journey};
use lockgate_tests::rows::{constant, row, update, value};

use crate::PROGRAM;

super::on_both! {
    killed_three_times_under_load_it_loses_nothing_and_keeps_the_order
}

/// Every kind of ending: one record in five is dropped, one in a hundred is no event.
fn record(number: usize) -> Record {
    match number % 100 {
        7 => row(number, 4, "no event"),
        n if n % 5 == 0 => row(number, 4, &value(number, "bo@example.com", "XX")),
        _ => update(number, 4),
    }
}

fn fate(record: &Record) -> Fate {
    match record.value_text() {
        "no event" => Fate::Refused,
        dropped if dropped.contains("XX") => Fate::Dropped,
        _ => Fate::Forwarded,
    }
}

fn killed_three_times_under_load_it_loses_nothing_and_keeps_the_order(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 4).unwrap();
    journey.kafka = "instance = \"host-a\"\n".to_owned();
    journey.pipeline = "lanes = 2\n".to_owned();
    let filter = "plugin = \"filter\"\n[settings]\nkeep = 'after.country != \"XX\"'\n";
    journey.folder.put("plugins/10-only.toml", filter).unwrap();
    journey.folder.put("plugins/20-mask.toml", constant("masked")).unwrap();
    journey.write((0..4_000).map(record)).unwrap();
    let act = || {
        let mut gateway = journey.start()?;
        for _ in 0..3 {
            // Each has settled something of its own, and has more under way, when it dies. That may be between the two rounds
            // of a first rebalance: what is left without an owner then gets one within seconds.
            let metric = "lockgate_records_total{outcome=\"forwarded\"";
            gateway.until("records flow", |gateway| Ok(gateway.metric(metric)? > 500.0))?;
            gateway.kill_9()?;
            journey.write((4_000..6_000).map(record))?;
            gateway = journey.start()?;
        }
        gateway.stop()
    };
    journey.while_flowing(record, act).unwrap();
    let last = journey.start().unwrap();
    let tally = journey.check(fate).unwrap();
    println!("killed three times: {tally:?}");
    assert!(tally.forwarded > 5_000 && tally.refused > 50 && tally.dropped > 1_000, "{tally:?}");
    assert!(journey.outputs().unwrap().iter().all(|output| output.value_text().contains("masked")));
    last.stop().unwrap();
}
