//! What the gateway costs without Kafka: identity, filter, mask and reshape over 1 KB Debezium updates, beside a hand-written
//! loop over serde_json values that does the same; and what a start costs. First the ratios of one interleaved run, then divan's
//! figures.
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

mod chains;
mod dialects;
mod native;
mod start;
mod shadow;

use std::hint::black_box;
use std::time::{Duration, Instant};

use chains::{Bench, Work};
use dialects::{Tongue, WORKS};
use lockgate::table::Dialect;
use shadow::{Looked, Offered};
use start::Start;

/// Events in a batch, as a lane reads them under load.
const BATCH: usize = 512;

/// Rounds of the ratio table; each measures every contender once, so that a slow minute of the machine hits all of them.
const ROUNDS: usize = 15;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        // `cargo test --benches` asks whether it runs, not how fast.
        ratios(1);
        tongues(1);
        starts(1);
        taps(1);
        return;
    }
    // Who asks for single benches is looking closer already.
    if !std::env::args().skip(1).any(|argument| !argument.starts_with("--")) {
        ratios(ROUNDS);
        tongues(ROUNDS);
        starts(ROUNDS);
        taps(ROUNDS);
    }
    divan::main();
}

fn ratios(rounds: usize) {
    println!("1 KB Debezium updates, batches of {BATCH}, one core; median of {rounds} rounds");
    println!("{:<28} {:>10} {:>12} {:>14}", "work", "ns/event", "events/s", "x native loop");
    for work in Work::ALL {
        let mut bench = Bench::new(work, BATCH);
        let mut ours = Vec::new();
        let mut natives = Vec::new();
        for _ in 0..rounds {
            ours.push(per_event(|| bench.carry()));
            natives.push(per_event(|| bench.native()));
        }
        let (ours, native) = (median(&mut ours), median(&mut natives));
        println!("{:<28} {ours:>10.0} {:>12.0} {:>14.1}", work.name(), 1e9 / ours, native / ours);
        println!(
            "{:<28} {native:>10.0} {:>12.0}",
            format!("  {} natively", work.name()),
            1e9 / native
        );
    }
}

/// The same updates in every dialect; the ratio is to Debezium's nanoseconds per byte in the same round.
fn tongues(rounds: usize) {
    println!("the same updates as each dialect writes them; median of {rounds} rounds");
    println!(
        "{:<16} {:<10} {:>7} {:>10} {:>10} {:>16}",
        "dialect", "work", "bytes", "ns/event", "ns/byte", "x Debezium/byte"
    );
    for (work, plugin) in WORKS {
        let mut benches: Vec<(Dialect, Tongue)> = Dialect::ALL
            .into_iter()
            .map(|dialect| (dialect, Tongue::new(dialect, plugin, BATCH as u64)))
            .collect();
        let mut samples = vec![Vec::new(); benches.len()];
        for _ in 0..rounds {
            for ((_, bench), samples) in benches.iter_mut().zip(&mut samples) {
                samples.push(per_event(|| bench.carry()));
            }
        }
        let mut debezium = f64::NAN;
        for ((dialect, bench), samples) in benches.iter().zip(&mut samples) {
            let size = f64::from(u32::try_from(bench.size()).unwrap_or(u32::MAX));
            let event = median(samples);
            let byte = event / size;
            if *dialect == Dialect::Debezium {
                debezium = byte;
            }
            println!(
                "{:<16} {work:<10} {size:>7.0} {event:>10.0} {byte:>10.3} {:>16.2}",
                dialect.as_str(),
                byte / debezium
            );
        }
    }
}

/// A start with ten plugins. The cold one is measured once: it is there to be compared with, and takes seconds.
fn starts(rounds: usize) {
    println!("a start with ten plugins; warm: median of {rounds} rounds");
    println!("{:<16} {:>10} {:>10} {:>10}", "start", "cold, ms", "warm, ms", "cold/warm");
    let start = Start::new();
    for (name, is_process) in [("in process", false), ("as a process", true)] {
        let measure = |start: &Start| if is_process { start.process() } else { start.here() };
        start.forget();
        let cold = measure(&start).as_secs_f64() * 1e3;
        let mut warm: Vec<f64> = (0..rounds).map(|_| measure(&start).as_secs_f64() * 1e3).collect();
        let warm = median(&mut warm);
        println!("{name:<16} {cold:>10.0} {warm:>10.1} {:>10.0}", cold / warm);
    }
}

/// What it costs a lane that new chains can be tried on its records.
fn taps(rounds: usize) {
    println!("batches offered for trials of new chains; median of {rounds} rounds");
    println!("{:<28} {:>10} {:>12} {:>14}", "work", "ns/event", "x while idle", "x while watched");
    for work in [Work::Identity, Work::Mask] {
        let mut bench = Bench::new(work, BATCH);
        let mut samples = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..rounds {
            let [none, idle, watched] = &mut samples;
            none.push(per_event(|| bench.carry()));
            let offered = Offered::new(Looked::Idle);
            idle.push(per_event(|| bench.carry_offered(Some(&offered))));
            let offered = Offered::new(Looked::Watched);
            watched.push(per_event(|| bench.carry_offered(Some(&offered))));
        }
        let [none, idle, watched] = samples.each_mut().map(|samples| median(samples));
        println!("{:<28} {none:>10.0} {:>12.3} {:>14.3}", work.name(), idle / none, watched / none);
    }
}

/// Nanoseconds per event, over at least 50 ms.
fn per_event(mut batch: impl FnMut() -> usize) -> f64 {
    let begun = Instant::now();
    let mut events = 0usize;
    while begun.elapsed() < Duration::from_millis(50) {
        events += black_box(batch());
    }
    let events = u32::try_from(events.max(1)).unwrap_or(u32::MAX);
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(events)
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

#[divan::bench(args = Work::ALL)]
fn lockgate(bencher: divan::Bencher<'_, '_>, work: Work) {
    let mut bench = Bench::new(work, BATCH);
    bencher.counter(divan::counter::ItemsCount::new(BATCH)).bench_local(|| bench.carry());
}

#[divan::bench(args = Work::ALL)]
fn native_loop(bencher: divan::Bencher<'_, '_>, work: Work) {
    let mut bench = Bench::new(work, BATCH);
    bencher.counter(divan::counter::ItemsCount::new(BATCH)).bench_local(|| bench.native());
}

#[divan::bench(args = Dialect::ALL)]
fn mask_by_dialect(bencher: divan::Bencher<'_, '_>, dialect: Dialect) {
    let mask = WORKS.last().and_then(|(_, plugin)| *plugin);
    let mut bench = Tongue::new(dialect, mask, BATCH as u64);
    bencher.counter(divan::counter::ItemsCount::new(BATCH)).bench_local(|| bench.carry());
}

#[divan::bench(args = Dialect::ALL)]
fn identity_by_dialect(bencher: divan::Bencher<'_, '_>, dialect: Dialect) {
    let mut bench = Tongue::new(dialect, None, BATCH as u64);
    bencher.counter(divan::counter::ItemsCount::new(BATCH)).bench_local(|| bench.carry());
}
