//! The exposition as a scrape sees it.

use std::time::Duration;

use super::*;
use crate::breaker::State;
use crate::change::Class;
use crate::contract::FaultClass;
use crate::outcome::Code;

fn metrics() -> Metrics {
    Metrics::register().unwrap()
}

/// The lines of `metrics` that begin with `name`.
fn series(metrics: &Metrics, name: &str) -> Vec<String> {
    let text = metrics.render().unwrap();
    text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
}

/// Names, help and labels; the many zeros of closed lists are left out.
fn shape(metrics: &Metrics) -> String {
    let text = metrics.render().unwrap();
    let is_zero = |line: &str| line.ends_with(" 0") && !line.starts_with('#');
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !is_zero(line) && !line.contains("_bucket{"))
        .filter(|line| !line.starts_with("# TYPE") || line.ends_with("histogram"))
        .collect();
    kept.join("\n").replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn a_pipeline_s_series_are_named_with_their_help() {
    let metrics = metrics();
    let (shop, lane) = (metrics.pipeline("shop"), metrics.lane("shop", 0));
    let mut tally = shop.tally();
    tally.read(Class::Row, 1_000);
    tally.read(Class::Heartbeat, 24);
    tally.wrote(900);
    tally.settled(Settled::Forwarded);
    tally.took(Duration::from_millis(2));
    tally.settled(Settled::DeadLettered);
    tally.took(Duration::from_millis(4));
    tally.aged(Duration::from_secs(1));
    tally.refused(Code::PluginTimeout);
    shop.add(&mut tally);
    shop.reloaded(Reload::Live);
    shop.paused(Duration::from_millis(2));
    shop.unowned_partitions.set(2);
    shop.parked_keys.add(3);
    lane.turns.inc();
    insta::assert_snapshot!(shape(&metrics), @r#"
    # HELP lockgate_build_info Always 1; the label says which version runs.
    lockgate_build_info{version="VERSION"} 1
    # HELP lockgate_end_to_end_seconds Age of a record, by its Kafka timestamp, when it was settled; includes lag and the producer's clock error.
    # TYPE lockgate_end_to_end_seconds histogram
    lockgate_end_to_end_seconds_sum{pipeline="shop"} 1
    lockgate_end_to_end_seconds_count{pipeline="shop"} 1
    # HELP lockgate_lane_turns_total Turns of a lane's loop; a lane whose count stands still is stuck.
    lockgate_lane_turns_total{lane="0",pipeline="shop"} 1
    # HELP lockgate_parked_keys Keys whose records follow a refused one to the dead-letter topic until they are released, in the partitions of this gateway.
    lockgate_parked_keys{pipeline="shop"} 3
    # HELP lockgate_read_bytes_total Bytes of keys, values and headers read.
    lockgate_read_bytes_total{pipeline="shop"} 1024
    # HELP lockgate_records_read_total Records read, by the class of what they say; only rows and tombstones go through plugins.
    lockgate_records_read_total{class="heartbeat",pipeline="shop"} 1
    lockgate_records_read_total{class="row",pipeline="shop"} 1
    # HELP lockgate_records_total Records settled, by outcome: forwarded, dropped by a plugin or a policy, or dead_lettered.
    lockgate_records_total{outcome="dead_lettered",pipeline="shop"} 1
    lockgate_records_total{outcome="forwarded",pipeline="shop"} 1
    # HELP lockgate_refusals_total Records that could not be transformed, by the code of the reason.
    lockgate_refusals_total{code="plugin-timeout",pipeline="shop"} 1
    # HELP lockgate_reload_pause_seconds Time in which a lane carried nothing, since it took up other plugins.
    # TYPE lockgate_reload_pause_seconds histogram
    lockgate_reload_pause_seconds_sum{pipeline="shop"} 0.002
    lockgate_reload_pause_seconds_count{pipeline="shop"} 1
    # HELP lockgate_reloads_total Changes of the plugin folder, by result: live, refused (what served before still does), removed, rolled-back.
    lockgate_reloads_total{pipeline="shop",result="live"} 1
    # HELP lockgate_settle_seconds Time from reading a record to its acknowledgement; one record a batch is timed.
    # TYPE lockgate_settle_seconds histogram
    lockgate_settle_seconds_sum{pipeline="shop"} 0.006
    lockgate_settle_seconds_count{pipeline="shop"} 2
    # HELP lockgate_unowned_partitions Partitions that should be read and that nobody in the group owns; every gateway of it shows the same.
    lockgate_unowned_partitions{pipeline="shop"} 2
    # HELP lockgate_written_bytes_total Bytes of keys, values and headers handed to Kafka, dead letters included.
    lockgate_written_bytes_total{pipeline="shop"} 900
    "#);
}

#[test]
fn a_plugin_s_series_are_named_with_their_help() {
    let metrics = metrics();
    let mask = metrics.plugin("shop", "mask-pii");
    mask.serves("1.2.0", "9f86d081");
    mask.called(256, 512, Duration::from_micros(40));
    mask.faulted(FaultClass::Timeout, Duration::from_millis(50));
    mask.bypassed.inc_by(16);
    mask.instantiations.inc();
    mask.recycles.inc();
    mask.breaker(State::Open);
    mask.trips.inc();
    mask.custom("masked").unwrap().inc_by(3);
    let mut memory = mask.memory();
    memory.set(1_114_112);
    insta::assert_snapshot!(shape(&metrics), @r#"
    # HELP lockgate_build_info Always 1; the label says which version runs.
    lockgate_build_info{version="VERSION"} 1
    # HELP lockgate_plugin_breaker_state Whether a plugin is called: 0 closed, it is; 1 half-open, it is tried with a few events; 2 open, it is not.
    lockgate_plugin_breaker_state{pipeline="shop",plugin="mask-pii"} 2
    # HELP lockgate_plugin_breaker_trips_total How often a plugin's breaker has opened because it failed too often.
    lockgate_plugin_breaker_trips_total{pipeline="shop",plugin="mask-pii"} 1
    # HELP lockgate_plugin_bypassed_rows_total Rows that went on without a plugin while it was not called, as on_open = "bypass" says.
    lockgate_plugin_bypassed_rows_total{pipeline="shop",plugin="mask-pii"} 16
    # HELP lockgate_plugin_call_seconds Time of a call, batch in and answer out.
    # TYPE lockgate_plugin_call_seconds histogram
    lockgate_plugin_call_seconds_sum{pipeline="shop",plugin="mask-pii"} 0.05004
    lockgate_plugin_call_seconds_count{pipeline="shop",plugin="mask-pii"} 2
    # HELP lockgate_plugin_calls_total Batches handed to a plugin, whatever came back.
    lockgate_plugin_calls_total{pipeline="shop",plugin="mask-pii"} 2
    # HELP lockgate_plugin_custom_total What a plugin counts itself, under names of its own.
    lockgate_plugin_custom_total{name="masked",pipeline="shop",plugin="mask-pii"} 3
    # HELP lockgate_plugin_edits_total Cells that a plugin's answers set or removed.
    lockgate_plugin_edits_total{pipeline="shop",plugin="mask-pii"} 512
    # HELP lockgate_plugin_faults_total Calls that gave no usable answer, by class of fault.
    lockgate_plugin_faults_total{class="timeout",pipeline="shop",plugin="mask-pii"} 1
    # HELP lockgate_plugin_info Always 1; the labels say which version of a plugin serves.
    lockgate_plugin_info{digest="9f86d081",pipeline="shop",plugin="mask-pii",version="1.2.0"} 1
    # HELP lockgate_plugin_instantiations_total Instances made: one a lane at first, one more after each fault and recycle.
    lockgate_plugin_instantiations_total{pipeline="shop",plugin="mask-pii"} 1
    # HELP lockgate_plugin_memory_bytes Memory of a plugin's instances on all lanes together.
    lockgate_plugin_memory_bytes{pipeline="shop",plugin="mask-pii"} 1114112
    # HELP lockgate_plugin_recycles_total Instances replaced because their memory had grown near its limit.
    lockgate_plugin_recycles_total{pipeline="shop",plugin="mask-pii"} 1
    # HELP lockgate_plugin_rows_total Rows in the batches that a plugin answered.
    lockgate_plugin_rows_total{pipeline="shop",plugin="mask-pii"} 256
    "#);
}

#[test]
fn a_partition_s_series_are_named_with_their_help() {
    let metrics = metrics();
    let partition = metrics.partition("shop", "shop.public.orders", 3);
    partition.lag.set(12);
    partition.watermark.set(40);
    partition.committed.set(38);
    partition.in_flight.set(2);
    partition.halted.set(1);
    insta::assert_snapshot!(shape(&metrics), @r#"
    # HELP lockgate_build_info Always 1; the label says which version runs.
    lockgate_build_info{version="VERSION"} 1
    # HELP lockgate_partition_committed_offset The offset that a restart begins at.
    lockgate_partition_committed_offset{partition="3",pipeline="shop",topic="shop.public.orders"} 38
    # HELP lockgate_partition_halted 1 while nothing of the partition goes on, for whatever reason; /readyz says why.
    lockgate_partition_halted{partition="3",pipeline="shop",topic="shop.public.orders"} 1
    # HELP lockgate_partition_in_flight_records Records read and not yet settled.
    lockgate_partition_in_flight_records{partition="3",pipeline="shop",topic="shop.public.orders"} 2
    # HELP lockgate_partition_lag_records Records between the watermark and the end of the partition.
    lockgate_partition_lag_records{partition="3",pipeline="shop",topic="shop.public.orders"} 12
    # HELP lockgate_partition_watermark_offset The offset before which every record is settled.
    lockgate_partition_watermark_offset{partition="3",pipeline="shop",topic="shop.public.orders"} 40
    "#);
}

#[test]
fn a_tally_is_added_once() {
    let metrics = metrics();
    let shop = metrics.pipeline("shop");
    let mut tally = shop.tally();
    tally.settled(Settled::Dropped);
    shop.add(&mut tally);
    shop.add(&mut tally);
    let dropped = series(&metrics, "lockgate_records_total{outcome=\"dropped\"");
    assert_eq!(dropped, ["lockgate_records_total{outcome=\"dropped\",pipeline=\"shop\"} 1"]);
}

#[test]
fn closed_lists_show_their_zeros_from_the_start() {
    let metrics = metrics();
    let _shop = metrics.pipeline("shop");
    assert_eq!(series(&metrics, "lockgate_refusals_total").len(), Code::ALL.len());
    assert_eq!(series(&metrics, "lockgate_records_read_total").len(), Class::ALL.len());
}

#[test]
fn a_plugin_s_series_go_with_its_last_holder() {
    let metrics = metrics();
    let (old, new) = (metrics.plugin("shop", "mask"), metrics.plugin("shop", "mask"));
    let other = metrics.plugin("eu", "mask");
    old.called(1, 0, Duration::ZERO);
    old.custom("seen").unwrap().inc();
    drop(old);
    let calls = "lockgate_plugin_calls_total{pipeline=\"shop\"";
    assert_eq!(series(&metrics, calls).len(), 1, "the new version goes on with the counts");
    drop(new);
    for line in series(&metrics, "lockgate_plugin") {
        assert!(line.contains("pipeline=\"eu\""), "{line}");
    }
    drop(other);
    assert_eq!(series(&metrics, "lockgate_plugin"), [""; 0]);
}

#[test]
fn a_revoked_partition_leaves_no_lag_behind() {
    let metrics = metrics();
    let (kept, revoked) = (metrics.partition("shop", "t", 0), metrics.partition("shop", "t", 1));
    revoked.lag.set(99);
    drop(revoked);
    kept.lag.set(1);
    let lag = "lockgate_partition_lag_records{partition=\"0\",pipeline=\"shop\",topic=\"t\"} 1";
    assert_eq!(series(&metrics, "lockgate_partition_lag"), [lag]);
}

#[test]
fn only_one_version_of_a_plugin_is_shown() {
    let metrics = metrics();
    let mask = metrics.plugin("shop", "mask");
    mask.serves("1.0.0", "aa");
    mask.serves("1.1.0", "bb");
    let info =
        "lockgate_plugin_info{digest=\"bb\",pipeline=\"shop\",plugin=\"mask\",version=\"1.1.0\"} 1";
    assert_eq!(series(&metrics, "lockgate_plugin_info"), [info]);
}

#[test]
fn memory_is_the_sum_of_the_instances_that_live() {
    let metrics = metrics();
    let mask = metrics.plugin("shop", "mask");
    let (mut first, mut second) = (mask.memory(), mask.memory());
    first.set(100);
    second.set(10);
    first.set(50);
    let sum = |bytes: u32| {
        [format!("lockgate_plugin_memory_bytes{{pipeline=\"shop\",plugin=\"mask\"}} {bytes}")]
    };
    assert_eq!(series(&metrics, "lockgate_plugin_memory"), sum(60));
    drop(first);
    assert_eq!(series(&metrics, "lockgate_plugin_memory"), sum(10));
}

#[test]
fn the_names_of_a_plugin_are_capped() {
    let metrics = metrics();
    let mask = metrics.plugin("shop", "mask");
    for number in 0..MAX_CUSTOM_NAMES {
        assert!(mask.custom(&format!("name-{number}")).is_some());
    }
    assert!(mask.custom("one-more").is_none());
    assert!(mask.custom("name-0").is_some(), "a known name goes on");
    assert!(metrics.plugin("shop", "other").custom(&"x".repeat(65)).is_none(), "too long");
}

#[test]
fn the_clock_s_age_is_that_of_the_moment_of_the_scrape() {
    let metrics = metrics();
    let age = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(2));
    let read = std::sync::Arc::clone(&age);
    let seconds = move || read.load(std::sync::atomic::Ordering::Relaxed);
    metrics.watch_clock(move || Duration::from_secs(seconds())).unwrap();
    let shown = || series(&metrics, "lockgate_plugin_clock_age_seconds");
    assert_eq!(shown(), ["lockgate_plugin_clock_age_seconds 2"]);
    age.store(7, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(shown(), ["lockgate_plugin_clock_age_seconds 7"]);
}
