//! How fast a healthy pipeline is in the same gateway as a hostile one, beside the same pipeline next to a healthy one.

use std::time::{Duration, Instant};

use anyhow::ensure;
use lockgate_tests::broker::Broker;
use lockgate_tests::client::{Client, Record};
use lockgate_tests::gateway::Folder;
use lockgate_tests::rows::{row, update, value};
use lockgate_tests::shop::Shop;

use crate::{median, quantile};

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

/// `events` go through the healthy pipeline each time, and half as many to its neighbour. Each rate is compared with the calm one of
/// its own round, and the range of that ratio told: broker and gateway share the machine, and seconds of it differ.
pub(crate) fn report(rounds: usize, events: usize) -> anyhow::Result<()> {
    println!(
        "{events} updates of 1 KB through a mask, beside a neighbour; median of {rounds} rounds"
    );
    println!("{:<36} {:>10} {:>10} {:>14}", "neighbour", "events/s", "x calm", "least to most");
    let mut rates = vec![Vec::new(); Neighbour::ALL.len()];
    let mut ratios = vec![Vec::new(); Neighbour::ALL.len()];
    for _ in 0..rounds {
        let mut calm = f64::NAN;
        let columns = rates.iter_mut().zip(&mut ratios);
        for (neighbour, (rates, ratios)) in Neighbour::ALL.into_iter().zip(columns) {
            let rate = measure(neighbour, events)?;
            if neighbour == Neighbour::Calm {
                calm = rate;
            }
            rates.push(rate);
            ratios.push(rate / calm);
        }
    }
    let columns = rates.iter_mut().zip(&mut ratios);
    for (neighbour, (rates, ratios)) in Neighbour::ALL.into_iter().zip(columns) {
        let (rate, ratio) = (median(rates), median(ratios));
        let range = format!("{:.2} to {:.2}", quantile(ratios, 0), quantile(ratios, 100));
        println!("{:<36} {rate:>10.0} {ratio:>10.2} {range:>14}", neighbour.name());
    }
    Ok(())
}

/// Events a second, once the first tenth is through: until then topics are looked up and the group is joined.
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
    // All there is to do lies there before the clock starts, so that nobody but broker and gateway needs the machine.
    let client = Client::new(broker.bootstrap())?;
    let near = (0..events / 2).map(|number| neighbour.record(number));
    client.produce("near", &near.collect::<Vec<_>>())?;
    let mut shop = Shop::new(7, 10_000);
    let record = |number: usize| {
        let change = shop.update(number as u64 % 10_000 + 1);
        let partition = i32::try_from(number).unwrap_or(0) % PARTITIONS;
        Record::text(partition, &change.key, &change.value.unwrap_or_default())
    };
    client.produce("in", &(0..events).map(record).collect::<Vec<_>>())?;
    let _gateway = folder.run(&config(broker.bootstrap()))?;
    let out = || {
        let ends = (0..PARTITIONS).filter_map(|partition| broker.end("out", partition));
        usize::try_from(ends.sum::<i64>()).unwrap_or(0)
    };
    let until = |count: usize| {
        let deadline = Instant::now() + PATIENCE;
        while out() < count {
            ensure!(Instant::now() < deadline, "waiting for {count} events: too long");
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    };
    until(events / 10)?;
    let (begun, first) = (Instant::now(), out());
    until(events)?;
    let took = begun.elapsed().as_secs_f64();
    Ok(u32::try_from(events - first).map_or(f64::NAN, f64::from) / took)
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
