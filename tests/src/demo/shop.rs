//! The shop at work: a thread that writes its changes at a steady rate. Knows Kafka and time, and nothing of what comes of
//! the changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use super::ledger::SEQUENCE;
use super::stage::PARTITIONS;
use crate::client::{Client, Record};
use crate::shop::{Change, Shop};

/// How often changes are written.
const TICK: Duration = Duration::from_millis(10);

const CUSTOMERS: u64 = 500;

/// A shop that writes until it is closed.
pub(super) struct OpenShop {
    closing: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<u64>>,
}

impl OpenShop {
    pub(super) fn open(brokers: &str, topic: &str, rate: u32) -> anyhow::Result<Self> {
        let client = Client::new(brokers)?;
        let topic = topic.to_owned();
        let closing = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&closing);
        let run = move || write(&client, &topic, rate, &closed);
        let thread = thread::Builder::new().name("shop".to_owned()).spawn(run);
        Ok(Self { closing, thread: thread.context("starting the shop's thread")? })
    }

    /// Whether it gave up by itself.
    pub(super) fn has_failed(&self) -> bool {
        self.thread.is_finished()
    }

    /// The number of records that the brokers have acknowledged.
    pub(super) fn close(self) -> anyhow::Result<u64> {
        self.closing.store(true, Ordering::SeqCst);
        self.thread.join().unwrap_or_else(|_| Err(anyhow!("the shop's thread panicked")))
    }
}

fn write(client: &Client, topic: &str, rate: u32, closed: &AtomicBool) -> anyhow::Result<u64> {
    let mut shop = Shop::new(7, CUSTOMERS);
    let begun = Instant::now();
    let mut sequence = 0;
    while !closed.load(Ordering::SeqCst) {
        let due = begun.elapsed().as_millis() * u128::from(rate) / 1_000;
        let due = u64::try_from(due).unwrap_or(u64::MAX);
        let changes: Vec<Record> = (sequence..due)
            .map(|sequence| record(shop.change(), sequence))
            .collect::<anyhow::Result<_>>()?;
        client.produce(topic, &changes)?;
        sequence = due;
        thread::sleep(TICK);
    }
    Ok(sequence)
}

fn record(change: Change, sequence: u64) -> anyhow::Result<Record> {
    let partition = i32::try_from(change.customer).context("numbering the customers")?;
    Ok(Record {
        partition: partition % PARTITIONS,
        key: Some(change.key.into_bytes()),
        value: change.value.map(String::into_bytes),
        headers: vec![(SEQUENCE.to_owned(), Some(sequence.to_string().into_bytes()))],
        ..Record::default()
    })
}
