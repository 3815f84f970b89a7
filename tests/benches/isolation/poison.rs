//! What one poisonous event among a thousand costs its batch: the gateway splits the batch to find it.

use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use lockgate::outcome::Outcome;
use lockgate::pipeline::Pipeline;
use lockgate::record::Record;
use lockgate_tests::client;
use lockgate_tests::rows::{row, update, value};

use crate::chain::{Chain, Plugin};
use crate::median;

const EVENTS: usize = 1_000;

pub(crate) fn report(rounds: usize) -> anyhow::Result<()> {
    let chain = Chain::of(Plugin::Guest("trap"))?;
    let mut pipeline = Pipeline::new(Arc::new(chain.settings.clone()), chain.loaded.stages());
    println!("batches of {EVENTS} events, one core; median of {rounds} rounds");
    println!("{:<36} {:>10} {:>10} {:>10}", "batch", "us", "calls", "x clean");
    let clean: Vec<client::Record> = (0..EVENTS).map(|number| update(number, 1)).collect();
    let mut poisoned = clean.clone();
    if let Some(record) = poisoned.get_mut(617) {
        *record = row(617, 1, &value(617, "poison@example.com", "NO"));
    }
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let mut calls = (0, 0);
    for _ in 0..rounds {
        let (took, made) = carry(&mut pipeline, &clean, 0)?;
        without.push(took);
        calls.0 = made;
        let (took, made) = carry(&mut pipeline, &poisoned, 1)?;
        with.push(took);
        calls.1 = made;
    }
    let (without, with) = (median(&mut without), median(&mut with));
    println!("{:<36} {without:>10.0} {:>10} {:>10.2}", "clean", calls.0, 1.0);
    let ratio = with / without;
    println!("{:<36} {with:>10.0} {:>10} {ratio:>10.2}\n", "one is poisonous", calls.1);
    Ok(())
}

/// Microseconds and calls of one batch, of which so many events have to be refused.
fn carry(
    pipeline: &mut Pipeline,
    events: &[client::Record],
    refused: usize,
) -> anyhow::Result<(f64, usize)> {
    let topic: Arc<str> = "shop".into();
    let record = |(offset, event)| {
        let client::Record { key, value, .. }: &client::Record = event;
        Record {
            topic: &topic,
            partition: 0,
            offset,
            timestamp: Some(0),
            key: key.as_deref(),
            value: value.as_deref(),
            headers: Vec::new(),
        }
    };
    let records: Vec<Record<'_>> = (0i64..).zip(events).map(record).collect();
    let mut found = 0;
    let begun = Instant::now();
    pipeline.process(&records, |_, _, outcome| {
        found += usize::from(matches!(outcome, Outcome::DeadLetter { .. }));
        true
    });
    let took = begun.elapsed().as_secs_f64() * 1e6;
    ensure!(found == refused, "{found} events were refused, not {refused}");
    let mut calls = 0;
    pipeline.take_calls(|_, made, _| calls += made.len());
    Ok((took, calls))
}
