//! How fast a healthy pipeline is in the same gateway as a hostile one, beside the same pipeline next to a healthy one.

use std::time::{Duration, Instant};

use anyhow::ensure;
use lockgate_tests::broker::Broker;
use lockgate_tests::client::{Client, Record};
use lockgate_tests::gateway::Folder;
use lockgate_tests::rows::{row, update, value};
use lockgate_tests::shop::Shop;

use crate::median;

const PARTITIONS: i32 = 2;
const PATIENCE: Duration = Duration::from_secs(120);

/// The plugin of the other pipeline, and how much of what it is given is poisonous.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    Calm,
    /// Traps on one event in a thousand.
    Poisoned,
    /// Traps on everything.
    Broken,
    /// Never ends on anything.
    Spinning,
}

impl Neighbour {
    const ALL: [Self; 4] = [Self::Calm, Self::Poisoned, Self::Broken, Self::Spinning];

    fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Poisoned => "traps on 1 of 1,000",
            Self::Broken => "traps on everything",
            Self::Spinning => "spins on everything",
        }
    }

    fn guest(self) -> &'static str {
        match self {
            Self::Calm => "pass",
            Self::Poisoned => "trap",
            Self::Broken => "broken",
            Self::Spinning => "spin",
        }
    }

    fn record(self, number: usize) -> Record {
        let is_poisonous = match self {
            Self::Calm | Self::Broken => false,
            Self::Poisoned => number % 1_000 == 617,
            Self::Spinning => true,
        };
        if !is_poisonous {
            return update(number, 1);
        }
        row(number, 1, &value(number, "poison@example.com", "NO"))
    }
}

/// `events` go through the healthy pipeline each time, and half as many to its neighbour.
pub(crate) fn report(rounds: usize, events: usize) -> anyhow::Result<()> {
    println!(
        "{events} updates of 1 KB through a mask, beside a neighbour; median of {rounds} rounds"
    );
    println!("{:<36} {:>10} {:>10}", "neighbour", "events/s", "x calm");
    let mut rates = vec![Vec::new(); Neighbour::ALL.len()];
    for _ in 0..rounds {
        for (neighbour, rates) in Neighbour::ALL.into_iter().zip(&mut rates) {
            rates.push(measure(neighbour, events)?);
        }
    }
    let mut calm = f64::NAN;
    for (neighbour, rates) in Neighbour::ALL.into_iter().zip(&mut rates) {
        let rate = median(rates);
        if neighbour == Neighbour::Calm {
            calm = rate;
        }
        println!("{:<36} {rate:>10.0} {:>10.2}", neighbour.name(), rate / calm);
    }
    Ok(())
}

/// Events a second.
fn measure(neighbour: Neighbour, events: usize) -> anyhow::Result<f64> {
    let broker = Broker::start()?;
    for topic in ["in", "out", "near", "far", "in.dlq", "near.dlq"] {
        ensure!(broker.create_topic(topic, PARTITIONS), "topic {topic} exists already");
    }
    let folder = Folder::new(env!("CARGO_BIN_EXE_gateway"))?;
    let mask =
        "plugin = \"mask\"\n[settings.columns]\nemail = \"keep-domain\"\ncard = \"keep-last:4\"\n";
    folder.put("plugins/20-mask.toml", mask)?;
    folder.put("near/10-guest.toml", "deadline = \"50ms\"\n")?;
    folder.put_guest("near/10-guest.wasm", neighbour.guest(), "1.0.0")?;
    let mut gateway = folder.run(&config(broker.bootstrap()))?;
    gateway.ready()?;
    let client = Client::new(broker.bootstrap())?;
    // What the neighbour has to do lies there before the clock starts.
    let near = (0..events / 2).map(|number| neighbour.record(number));
    client.produce("near", &near.collect::<Vec<_>>())?;
    let mut shop = Shop::new(7, 10_000);
    let record = |number: usize| {
        let change = shop.update(number as u64 % 10_000 + 1);
        let partition = i32::try_from(number).unwrap_or(0) % PARTITIONS;
        Record::text(partition, &change.key, &change.value.unwrap_or_default())
    };
    let records: Vec<Record> = (0..events).map(record).collect();
    let begun = Instant::now();
    client.produce("in", &records)?;
    let out = || {
        let ends = (0..PARTITIONS).filter_map(|partition| broker.end("out", partition));
        usize::try_from(ends.sum::<i64>()).unwrap_or(0)
    };
    while out() < events {
        ensure!(begun.elapsed() < PATIENCE, "waiting for {events} events: too long");
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = begun.elapsed().as_secs_f64();
    Ok(u32::try_from(events).map_or(f64::NAN, f64::from) / took)
}

fn config(brokers: &str) -> String {
    let pipeline = |name: &str, from: &str, to: &str, plugins: &str| {
        format!(
            "[[pipeline]]\nname = \"{name}\"\nfrom = [\"{from}\"]\nto = \"{to}\"\ndialect = \"debezium\"\nplugins = \"{plugins}\"\n"
        )
    };
    format!(
        "[kafka]\nbrokers = \"{brokers}\"\ngroup = \"isolation\"\nmembership = \"dynamic\"\n\
         [kafka.properties]\n\"heartbeat.interval.ms\" = 200\n[admin]\nlisten = \"127.0.0.1:0\"\n{}{}",
        pipeline("healthy", "in", "out", "plugins"),
        pipeline("hostile", "near", "far", "near"),
    )
}
