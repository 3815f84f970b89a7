//! The demo: a broker, a shop that writes change events, the gateway as a process of its own, three plugins that come and go, and a
//! reader that counts. This file wires them; what happens when is told in `script`.

mod screen;
mod signal;
mod stage;
mod shop;
mod child;
mod reader;
mod ledger;
mod view;
mod script;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};

use crate::broker::Broker;
use crate::client::Client;
use screen::{Line, Screen, Style};
use script::Show;
use signal::Interrupt;
use stage::{Stage, Topics};

pub use child::{be_gateway, is_gateway};

/// The longest that brokers may take to answer for the first time.
const BROKER_PATIENCE: Duration = Duration::from_secs(10);

/// Shows the gateway at work: a shop writes Debezium events into Kafka, three plugins filter, mask and reshape them, and the
/// plugins change while records flow. Ends with what an independent reader counted; the exit code is 1 where anything is off.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "cargo demo")]
pub struct Options {
    /// Events that the shop writes each second
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    rate: u32,

    /// How long the shop writes
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(5..=3_600))]
    seconds: u32,

    /// A cluster to use in place of the broker inside; topics are created there under a prefix of their own
    #[arg(long, value_name = "HOST:PORT")]
    brokers: Option<String>,

    /// Go on after the last scene until Ctrl-C
    #[arg(long)]
    hold: bool,

    /// Leave the card numbers in clear: the demo must notice
    #[arg(long, hide = true)]
    leak: bool,
}

/// Runs the demo on stdout. False where a figure of the summary is off.
pub fn run(options: &Options) -> anyhow::Result<bool> {
    let interrupt = Interrupt::watch()?;
    let mut screen = Screen::open();
    // Lives until everything that is connected to it has ended.
    let own = if options.brokers.is_none() { Some(Broker::start()?) } else { None };
    let brokers = own.as_ref().map(Broker::bootstrap).or(options.brokers.as_deref());
    let brokers = brokers.context("finding a broker")?;
    let prefix = if own.is_some() { String::new() } else { unique_prefix() };
    let topics = Topics::new(&prefix);
    screen.say_all(&opening(options, brokers, &topics))?;
    await_brokers(brokers, &interrupt)?;
    topics.create(brokers)?;
    let stage = Stage::set(brokers, &prefix, options.leak)?;
    let report = Show::new(screen, &interrupt, &topics, &stage, brokers)?.run(options, brokers)?;
    let faults = report.faults();
    let mut screen = Screen::open();
    screen.say_all(&view::summary(&report))?;
    screen.say_all(&closing(&faults, own.is_none().then_some(&topics)))?;
    Ok(faults.is_empty())
}

fn await_brokers(brokers: &str, interrupt: &Interrupt) -> anyhow::Result<()> {
    let client = Client::new(brokers)?;
    let deadline = Instant::now() + BROKER_PATIENCE;
    while !client.is_answered() {
        if interrupt.happened() || Instant::now() > deadline {
            bail!(
                "nothing answers at \"{brokers}\"; give a HOST:PORT at which clients reach Kafka"
            );
        }
    }
    Ok(())
}

fn unique_prefix() -> String {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = seed.unwrap_or(Duration::ZERO).as_micros();
    format!("lockgate-demo-{:x}.", seed & 0xffff_ffff)
}

fn opening(options: &Options, brokers: &str, topics: &Topics) -> Vec<Line> {
    let place = match &options.brokers {
        Some(_) => format!("the cluster at {brokers}"),
        None => format!("a broker inside this process, {brokers}"),
    };
    let [output, _] = &topics.outputs;
    let file = |name: &str, does: &str| {
        Line::plain(format!("    plugins/{name:<16} ")).and(Style::Dim, does)
    };
    vec![
        Line::styled(Style::Bold, "lockgate demo")
            .and(Style::Plain, format!(": {} events a second on {place}", options.rate)),
        Line::default(),
        Line::plain(format!("  shop ─► {} ─► lockgate ─► {output}", topics.source)),
        Line::default(),
        file("10-filter.toml", &format!("keep = '{}'", stage::KEEP)),
        file("20-mask.toml", "email, full_name, card, phone and the e-mail inside profile"),
        file("30-reshape.toml", "full_name becomes name, country a header, the topic another"),
    ]
}

fn closing(faults: &[String], left_behind: Option<&Topics>) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    if let Some(topics) = left_behind {
        lines.push(Line::plain(
            "  These topics stay in the cluster; delete them when you have seen them:",
        ));
        lines.extend(topics.all().map(|topic| Line::plain(format!("    {topic}"))));
        lines.push(Line::default());
    }
    lines.push(if faults.is_empty() {
        Line::styled(Style::Good, "All as promised: nothing lost, order kept, no clear text.")
    } else {
        Line::styled(Style::Bad, format!("Not as promised. {}.", faults.join("; ")))
    });
    lines
}
