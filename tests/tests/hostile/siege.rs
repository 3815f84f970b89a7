//! A gateway under attack: a pipeline in whose chain the hostile plugin stands before a healthy one, asked about the rows of one
//! partition and not about those of the other, and beside it a pipeline that has nothing to do with it. What has to leave of the
//! healthy ones is waited for again and again, and compared to the last record in the end.

use std::cell::Cell;
use std::path::Path;

use lockgate_tests::broker::Broker;
use lockgate_tests::checker::{self, Fate, Tally, Topics};
use lockgate_tests::client::{Client, Record, eventually};
use lockgate_tests::gateway::{Folder, Gateway, PATIENCE};
use lockgate_tests::rows::{constant, row, value};

use super::guest;
use crate::PROGRAM;

/// Rows that are written at a time, to each partition.
pub(crate) const WAVE: usize = 100;

/// Between two poisonous rows lie so many others: a plugin that fails on more of a batch is no longer called.
const APART: usize = 40;

/// The file of the hostile plugin; `mask` stands behind it.
pub(crate) const GUEST: &str = "plugins/10-guest.wasm";

/// One row that the guest does harm with, and what has to become of it.
pub(crate) struct Case<'a> {
    /// Stands in the row's e-mail address.
    pub(crate) poison: &'a str,
    pub(crate) code: &'a str,
    pub(crate) fault: &'a str,
    /// Part of the reason.
    pub(crate) told: &'a str,
}

pub(crate) struct Siege {
    pub(crate) client: Client,
    pub(crate) folder: Folder,
    /// The guest's pipeline. Its partition 0 holds customers, whom the guest is asked about, and partition 1 orders.
    pub(crate) guests: Topics,
    /// The pipeline beside it.
    pub(crate) quiet: Topics,
    /// More lines of the guest's pipeline.
    pub(crate) pipeline: String,
    pub(crate) group: String,
    broker: Broker,
    written: Cell<usize>,
}

impl Siege {
    pub(crate) fn new() -> Self {
        let broker = Broker::start().unwrap();
        let topics = |source: &str| Topics {
            source: source.to_owned(),
            output: format!("clean.{source}"),
            letters: format!("{source}.dlq"),
        };
        let (guests, quiet) = (topics("besieged"), topics("quiet"));
        for (topics, partitions) in [(&guests, 2), (&quiet, 1)] {
            for topic in [&topics.source, &topics.output, &topics.letters] {
                assert!(broker.create_topic(topic, partitions));
            }
        }
        let folder = Folder::new(PROGRAM).unwrap();
        for plugins in ["plugins", "calm"] {
            folder.put(&format!("{plugins}/20-mask.toml"), constant("masked")).unwrap();
        }
        Self {
            client: Client::new(broker.bootstrap()).unwrap(),
            folder,
            guests,
            quiet,
            pipeline: String::new(),
            group: "siege".to_owned(),
            broker,
            written: Cell::new(0),
        }
    }

    /// With the guest of that name in the chain; `setup` is more of its settings file.
    pub(crate) fn with(guest: &str, setup: &str) -> Self {
        Self::with_bytes(guest::module(guest), setup)
    }

    pub(crate) fn with_bytes(guest: impl AsRef<[u8]>, setup: &str) -> Self {
        let siege = Self::new();
        siege.set_up("10-guest", setup);
        siege.folder.put(GUEST, guest).unwrap();
        siege
    }

    /// Has the healthy plugin leave the e-mail addresses to the guest, and mask another column.
    pub(crate) fn leave_emails(&self) {
        let mask = constant("masked").replace("email", "country");
        self.folder.put("plugins/20-mask.toml", mask).unwrap();
    }

    /// Writes the settings file of a plugin that is asked about customers alone.
    pub(crate) fn set_up(&self, plugin: &str, setup: &str) {
        let setup = format!("tables = [\"public.customers\"]\n{setup}");
        self.folder.put(&format!("plugins/{plugin}.toml"), setup).unwrap();
    }

    /// Starts the gateway and waits until it carries records.
    pub(crate) fn start(&self) -> Gateway {
        let (brokers, group) = (self.broker.bootstrap(), &self.group);
        let pipeline = |name: &str, topics: &Topics, plugins: &str, more: &str| {
            let from = &topics.source;
            format!(
                "[[pipeline]]\nname = \"{name}\"\nfrom = [\"{from}\"]\nto = \"clean.{{topic}}\"\n\
                 dialect = \"debezium\"\nplugins = \"{plugins}\"\n{more}"
            )
        };
        let config = format!(
            "drain = \"10s\"\n[kafka]\nbrokers = \"{brokers}\"\ngroup = \"{group}\"\nmembership = \"dynamic\"\n\
             [kafka.properties]\n\"heartbeat.interval.ms\" = 200\n[admin]\nlisten = \"127.0.0.1:0\"\n{}{}",
            pipeline("hostile", &self.guests, "plugins", &self.pipeline),
            pipeline("healthy", &self.quiet, "calm", ""),
        );
        let mut gateway = self.folder.run(&config).unwrap();
        gateway.ready().unwrap();
        gateway
    }

    /// Writes customers to the partition that the guest is asked about.
    pub(crate) fn attack(&self, emails: impl IntoIterator<Item = String>) {
        let records = emails.into_iter().map(|email| self.record(0, &email));
        self.client.produce(&self.guests.source, &records.collect::<Vec<_>>()).unwrap();
    }

    /// Writes customers of whom only those at the given places are poisonous.
    pub(crate) fn attack_among(&self, count: usize, poison: &[(usize, &str)]) {
        self.attack((0..count).map(|at| {
            let found = poison.iter().find(|(place, _)| *place == at);
            found.map_or_else(|| harmless(at), |(_, poison)| (*poison).to_owned())
        }));
    }

    /// Writes a wave of orders beside the customers and one of the other pipeline, and waits until both have left the gateway.
    pub(crate) fn others_flow(&self) {
        let orders = (0..WAVE).map(|at| {
            let record = self.record(1, &harmless(at));
            let order = record.value_text().replace("customers", "orders");
            Record { value: Some(order.into_bytes()), ..record }
        });
        self.client.produce(&self.guests.source, &orders.collect::<Vec<_>>()).unwrap();
        let quiet = (0..WAVE).map(|at| self.record(0, &harmless(at)));
        self.client.produce(&self.quiet.source, &quiet.collect::<Vec<_>>()).unwrap();
        for (topics, partition) in [(&self.guests, 1), (&self.quiet, 0)] {
            eventually(&format!("{} {partition} goes on", topics.source), PATIENCE, || {
                Ok(self.end(&topics.output, partition) == self.end(&topics.source, partition))
            })
            .unwrap();
        }
    }

    /// The offset after the last record.
    pub(crate) fn end(&self, topic: &str, partition: i32) -> i64 {
        self.broker.end(topic, partition).unwrap()
    }

    /// How far the guest's partition is committed.
    pub(crate) fn committed(&self) -> i64 {
        self.broker.committed(&self.group, &self.guests.source, 0).unwrap_or_default()
    }

    /// Waits until everything of the guest's partition is done with, and committed.
    pub(crate) fn settled(&self) {
        let end = self.end(&self.guests.source, 0);
        eventually("the guest's partition is settled", PATIENCE, || Ok(self.committed() == end))
            .unwrap();
    }

    pub(crate) fn letters(&self) -> Vec<Record> {
        self.client.read_all(&self.guests.letters).unwrap()
    }

    pub(crate) fn outputs(&self) -> Vec<Record> {
        self.client.read_all(&self.guests.output).unwrap()
    }

    /// Sets the guest loose on rows that it does harm with, far from one another among others, and has the gateway end: each of
    /// them alone has to be refused, for the reason it should.
    pub(crate) fn refuses(&self, gateway: Gateway, cases: &[Case<'_>]) {
        self.assault(cases);
        let tally = self.end_well(gateway, poisonous);
        assert_eq!((tally.refused, tally.duplicates), (cases.len(), 0));
    }

    /// The first half of [`Self::refuses`].
    pub(crate) fn assault(&self, cases: &[Case<'_>]) {
        let poison: Vec<(usize, &str)> = cases
            .iter()
            .enumerate()
            .map(|(at, case)| (at * APART + APART / 2, case.poison))
            .collect();
        self.attack_among(cases.len() * APART + WAVE, &poison);
        self.others_flow();
        self.settled();
        let letters = self.letters();
        assert_eq!(letters.len(), cases.len());
        for (case, letter) in cases.iter().zip(&letters) {
            case.check(letter);
        }
    }

    /// Waits until all is done, has the gateway end, and compares what came out with what went in.
    pub(crate) fn end_well(&self, mut gateway: Gateway, fate: impl Fn(&Record) -> Fate) -> Tally {
        self.others_flow();
        self.settled();
        self.alive(&mut gateway);
        gateway.stop().unwrap();
        let quiet = checker::check(&self.client, &self.quiet, |_| Fate::Forwarded).unwrap();
        assert_eq!((quiet.refused, quiet.duplicates), (0, 0));
        for topics in [&self.guests, &self.quiet] {
            let outputs = self.client.read_all(&topics.output).unwrap();
            let masked = |output: &Record| output.value_text().contains("\"masked\"");
            assert!(outputs.iter().all(masked), "the healthy plugin was left out");
        }
        checker::check(&self.client, &self.guests, |record| match record.partition {
            0 => fate(record),
            _ => Fate::Forwarded,
        })
        .unwrap()
    }

    pub(crate) fn alive(&self, gateway: &mut Gateway) {
        let (status, body) = gateway.page("/livez").unwrap();
        assert_eq!(status, 200, "{body}");
    }

    fn record(&self, partition: i32, email: &str) -> Record {
        let number = self.written.replace(self.written.get() + 1);
        Record { partition, ..row(number, 1, &value(number, email, "NO")) }.marked(number)
    }
}

impl Case<'_> {
    pub(crate) fn check(&self, letter: &Record) {
        let header = |name| letter.header(name).unwrap_or_default();
        let told = header("__connect.errors.exception.message");
        assert_eq!(header("lockgate.error.code"), self.code, "{}: {told}", self.poison);
        assert!(told.contains(self.told), "{}: {told}", self.poison);
        assert_eq!(header("lockgate.error.plugin"), "guest");
        assert_eq!(header("lockgate.error.fault"), self.fault, "{}: {told}", self.poison);
    }
}

/// An address that no guest minds.
pub(crate) fn harmless(at: usize) -> String {
    format!("anna{at}@example.com")
}

/// What is to become of customers where the guest refuses the poisonous ones.
pub(crate) fn poisonous(record: &Record) -> Fate {
    if record.value_text().contains("poison") { Fate::Refused } else { Fate::Forwarded }
}

/// The most memory that the gateway has held so far, in bytes.
pub(crate) fn peak_memory(gateway: &Gateway) -> u64 {
    let status = Path::new("/proc").join(gateway.pid().to_string()).join("status");
    let status = std::fs::read_to_string(status).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
