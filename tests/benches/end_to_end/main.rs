//! What the gateway costs with Kafka around it: CPU time of its process for each event, beside the bare copy loop in the same run.
//! Takes the cluster of `LOCKGATE_TEST_BROKERS`, else the embedded broker in this process, which no figure includes.
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

mod copy_loop;
mod process;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use lockgate_tests::broker::Broker;
use lockgate_tests::client::{Client, Record};
use lockgate_tests::shop::Shop;
use process::Program;

const PARTITIONS: i32 = 3;
const EVENTS: usize = 200_000;
const ROUNDS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(120);

/// What runs between the two topics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contender {
    CopyLoop,
    Identity,
    FilterAndMask,
}

impl Contender {
    const ALL: [Self; 3] = [Self::CopyLoop, Self::Identity, Self::FilterAndMask];

    fn name(self) -> &'static str {
        match self {
            Self::CopyLoop => "bare copy loop",
            Self::Identity => "lockgate, no plugins",
            Self::FilterAndMask => "lockgate, filter and mask",
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, brokers, group, from, to] = arguments.as_slice()
        && role == "copy-loop"
    {
        copy_loop::run(brokers, group, from, to);
        return Ok(());
    }
    // Under `cargo test --benches` it is enough that everything runs.
    let (events, rounds) =
        if arguments.iter().any(|it| it == "--test") { (2_000, 1) } else { (EVENTS, ROUNDS) };
    let embedded = Broker::start()?;
    let external = std::env::var("LOCKGATE_TEST_BROKERS").ok();
    let brokers = external.as_deref().unwrap_or_else(|| embedded.bootstrap());
    println!(
        "{events} updates of 1 KB, {PARTITIONS} partitions, one lane; CPU time of the process, median of {rounds}"
    );
    println!("{:<28} {:>10} {:>12} {:>14}", "process", "us/event", "events/s", "x copy loop");
    let mut figures: Vec<Vec<Figure>> = vec![Vec::new(); Contender::ALL.len()];
    for round in 0..rounds {
        for (contender, figures) in Contender::ALL.into_iter().zip(&mut figures) {
            figures.push(measure(contender, brokers, round, events)?);
        }
    }
    let floor = figures.first().map_or(f64::NAN, |floor| median(floor, |it| it.cpu));
    for (contender, figures) in Contender::ALL.into_iter().zip(&figures) {
        let cpu = median(figures, |it| it.cpu);
        let rate = median(figures, |it| it.rate);
        println!("{:<28} {cpu:>10.2} {rate:>12.0} {:>14.2}", contender.name(), cpu / floor);
    }
    Ok(())
}

/// Microseconds of CPU for each event, and events a second by the clock on the wall.
#[derive(Clone, Copy)]
struct Figure {
    cpu: f64,
    rate: f64,
}

fn measure(
    contender: Contender,
    brokers: &str,
    round: usize,
    events: usize,
) -> anyhow::Result<Figure> {
    let run = format!("bench-{}-{round}-{}", contender as usize, std::process::id());
    let (from, to) = (format!("{run}.in"), format!("{run}.out"));
    let client = Client::new(brokers)?;
    for topic in [&from, &to, &format!("{run}.dlq")] {
        client.create_topic(topic, PARTITIONS)?;
    }
    let folder = tempfile::tempdir().context("making a folder for the configuration")?;
    let program = match contender {
        Contender::CopyLoop => Program::copy_loop(brokers, &run, &from, &to)?,
        Contender::Identity | Contender::FilterAndMask => {
            configure(contender, folder.path(), brokers, &run)?;
            Program::gateway(folder.path())?
        }
    };
    // One event on its own way shows that the program has joined and is warm.
    let warm: Vec<Record> = records(1, 0..PARTITIONS as usize);
    let warm_passing = passing(contender, &warm);
    client.produce(&from, &warm)?;
    wait_for(&client, &to, warm_passing)?;
    let batch = records(7, 0..events);
    let passing = passing(contender, &batch);
    let (begun, cpu) = (Instant::now(), program.cpu()?);
    client.produce(&from, &batch)?;
    wait_for(&client, &to, warm_passing + passing)?;
    let (took, cpu) = (begun.elapsed(), program.cpu()?.saturating_sub(cpu));
    let events = u32::try_from(events).map_or(f64::NAN, f64::from);
    Ok(Figure { cpu: cpu.as_secs_f64() * 1e6 / events, rate: events / took.as_secs_f64() })
}

fn records(seed: u64, numbers: std::ops::Range<usize>) -> Vec<Record> {
    let mut shop = Shop::new(seed, 10_000);
    let record = |number: usize| {
        let change = shop.update(number as u64 % 10_000 + 1);
        let partition = i32::try_from(number).unwrap_or(0) % PARTITIONS;
        Record::text(partition, &change.key, &change.value.unwrap_or_default())
    };
    numbers.map(record).collect()
}

/// How many of the records the contender writes outputs for.
fn passing(contender: Contender, records: &[Record]) -> usize {
    records.iter().filter(|record| passes(contender, record)).count()
}

/// Whether the contender writes an output for the record; the filter drops customers of one country.
fn passes(contender: Contender, record: &Record) -> bool {
    let after = record.value_text().split("\"after\":").nth(1).unwrap_or_default();
    contender != Contender::FilterAndMask || !after.contains("\"country\":\"NO\"")
}

fn wait_for(client: &Client, topic: &str, records: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    while client.count(topic)? < records {
        ensure!(
            begun.elapsed() < PATIENCE,
            "waiting for {records} records in \"{topic}\": too long"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn median(figures: &[Figure], of: impl Fn(&Figure) -> f64) -> f64 {
    let mut values: Vec<f64> = figures.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn configure(contender: Contender, folder: &Path, brokers: &str, run: &str) -> anyhow::Result<()> {
    let plugins = folder.join("plugins");
    std::fs::create_dir(&plugins)?;
    if contender == Contender::FilterAndMask {
        let filter = "plugin = \"filter\"\n[settings]\nkeep = 'after.country != \"NO\"'\n";
        std::fs::write(plugins.join("10-filter.toml"), filter)?;
        let mask = "plugin = \"mask\"\n[settings.columns]\nemail = \"keep-domain\"\ncard = \"keep-last:4\"\n";
        std::fs::write(plugins.join("20-mask.toml"), mask)?;
    }
    let config = format!(
        "[kafka]\nbrokers = \"{brokers}\"\ngroup = \"{run}\"\nmembership = \"dynamic\"\n\
         [admin]\nlisten = \"off\"\n\
         [[pipeline]]\nname = \"bench\"\nfrom = [\"{run}.in\"]\ndialect = \"debezium\"\n\
         to = \"{run}.out\"\nplugins = \"plugins\"\ndead_letter = \"{run}.dlq\"\nlanes = 1\n"
    );
    std::fs::write(folder.join("lockgate.toml"), config)?;
    Ok(())
}
