//! From a trap to the next good call, and what a fresh instance of each official plugin costs.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use lockgate::contract::{Batch, Cells, Transform as _, kind};
use lockgate::plugin::Instance;
use lockgate::table::{Column, Dialect, Table};

use crate::chain::{Chain, OFFICIAL, Plugin};
use crate::{median, quantile};

/// Rows of a batch.
const ROWS: usize = 256;

/// Prints microseconds.
pub(crate) fn report(rounds: usize) -> anyhow::Result<()> {
    println!("batches of {ROWS} rows, one core; microseconds over {rounds} rounds");
    println!("{:<36} {:>10} {:>10}", "what", "median", "p99");
    let mut trapped = Trapped::default();
    let chain = Chain::of(Plugin::Guest("trap"))?;
    let mut instance = instance(&chain)?;
    open(&mut instance)?;
    for _ in 0..rounds {
        trapped.round(&mut instance)?;
    }
    let Trapped { good, trap, next } = trapped;
    row("a good call", good);
    row("a call that traps", trap);
    row("the next good call, instance and all", next);
    for plugin in OFFICIAL {
        let chain = Chain::of(plugin)?;
        let mut fresh = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            let mut instance = self::instance(&chain)?;
            fresh.push(timed(|| Ok(instance.warm()?))?);
        }
        row(&format!("a fresh instance of {}", plugin.name()), fresh);
    }
    println!();
    Ok(())
}

fn row(what: &str, mut samples: Vec<f64>) {
    let (half, most) = (median(&mut samples), quantile(&mut samples, 99));
    println!("{what:<36} {half:>10.1} {most:>10.1}");
}

/// Microseconds of each call.
#[derive(Default)]
struct Trapped {
    good: Vec<f64>,
    trap: Vec<f64>,
    next: Vec<f64>,
}

impl Trapped {
    fn round(&mut self, instance: &mut Instance) -> anyhow::Result<()> {
        let fine = |instance: &mut Instance| process(instance, "anna@example.com");
        self.good.push(timed(|| fine(instance))?);
        self.trap.push(timed(|| {
            ensure!(process(instance, "poison").is_err(), "the guest did not trap");
            Ok(())
        })?);
        self.next.push(timed(|| fine(instance))?);
        Ok(())
    }
}

fn timed(call: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let begun = Instant::now();
    call()?;
    Ok(begun.elapsed().as_secs_f64() * 1e6)
}

fn instance(chain: &Chain) -> anyhow::Result<Instance> {
    let generation = chain.loaded.catalog.current();
    Ok(generation.plugins.first().context("there is one plugin")?.instantiate())
}

fn open(instance: &mut Instance) -> anyhow::Result<()> {
    let column = |name: &str| Column { name: name.into(), source_type: "".into(), key: false };
    let table = Table {
        id: 1,
        topic: "shop".into(),
        dialect: Dialect::Debezium,
        database: "shop".into(),
        schema: "public".into(),
        name: "customers".into(),
        columns: vec![column("id"), column("email")],
    };
    instance.open_table(&table)?.context("the guest takes every table")?;
    Ok(())
}

/// Calls the plugin with rows of which the last has this e-mail address.
fn process(instance: &mut Instance, last: &str) -> anyhow::Result<()> {
    let mut cells = Cells::default();
    for number in 1..=ROWS {
        let text = if number == ROWS { last } else { "anna@example.com" };
        cells.kinds.push(kind::STRING);
        cells.data.extend_from_slice(text.as_bytes());
        cells.ends.push(u32::try_from(cells.data.len())?);
    }
    let batch = Batch { table: 1, operations: &[b'u'; ROWS], reads: &[cells] };
    instance.process(batch)?;
    Ok(())
}
