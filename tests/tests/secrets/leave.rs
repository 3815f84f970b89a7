//! A gateway with a pipeline for each planted topic, and everything that left it.

use std::fmt::Write as _;

use lockgate_tests::client::{Client, Record};
use lockgate_tests::gateway::{Cluster, Folder};

use super::plant::{Planted, Secret, spellings};
use super::{broken, debezium, mongo, tools};

const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");

const PROTECT: &str = r#"["*.email", "*.phone", "*.profile#/contact/email", "*.settings#/contact/email", "*.contact#/email"]"#;

const FILTER: &str =
    "plugin = \"filter\"\n[settings]\ndrop = 'after.city == \"nowhere\"'\non_absent = \"keep\"\n";
const MASK: &str = "plugin = \"mask\"\n[settings.columns]\nemail = \"constant:masked\"\nphone = \"constant:masked\"\n\"profile#/contact/email\" = \"redact\"\n\"settings#/contact/email\" = \"redact\"\n\"contact#/email\" = \"redact\"\n";
const RESHAPE: &str = "plugin = \"reshape\"\n[settings]\nadd = { region = \"eu\" }\n[settings.headers]\ncustomer = \"id\"\n";

/// Everything that one gateway let out.
struct Left {
    parts: Vec<(String, Vec<u8>)>,
}

impl Left {
    /// Where the secret stands, in whichever spelling.
    fn places(&self, secret: &Secret) -> Vec<&str> {
        let spellings = spellings(&secret.text);
        let holds =
            |bytes: &[u8]| spellings.iter().any(|text| memchr::memmem::find(bytes, text).is_some());
        let parts = self.parts.iter().filter(|(_, bytes)| holds(bytes));
        parts.map(|(name, _)| name.as_str()).collect()
    }
}

fn planted() -> Vec<Planted> {
    let all = [debezium::planted(), mongo::planted(), tools::planted(), broken::planted()];
    all.into_iter().flatten().collect()
}

/// Runs a gateway over everything that was planted, until it has settled all of it.
fn run(protected: bool) -> (Vec<Planted>, Left) {
    let plants = planted();
    let cluster = Cluster::embedded();
    let client = Client::new(&cluster.brokers).unwrap();
    let folder = Folder::new(PROGRAM).unwrap();
    let group = cluster.unique("group");
    let mut config = format!(
        "drain = \"10s\"\n[kafka]\nbrokers = \"{}\"\ngroup = \"{group}\"\nmembership = \"dynamic\"\n[kafka.properties]\n\"heartbeat.interval.ms\" = 200\n[admin]\nlisten = \"127.0.0.1:0\"\n",
        cluster.brokers
    );
    let mut topics = Vec::new();
    for plant in &plants {
        let topic = cluster.unique(plant.name);
        for name in [topic.clone(), format!("clean.{topic}"), format!("{topic}.dlq")] {
            client.create_topic(&name, 1).unwrap();
        }
        pipeline(plant, &topic, protected, &mut config);
        plugins(plant, protected, &folder);
        client.produce(&topic, &plant.records).unwrap();
        topics.push(topic);
    }
    let mut gateway = folder.run(&config).unwrap();
    gateway.ready().unwrap();
    let mut left = Left { parts: Vec::new() };
    for (plant, topic) in plants.iter().zip(&topics) {
        let end = i64::try_from(plant.records.len()).unwrap();
        gateway
            .until(&format!("{} is settled", plant.name), |_| {
                Ok(client.committed(&group, topic)?.get(&0) >= Some(&end))
            })
            .unwrap();
        for name in [format!("clean.{topic}"), format!("{topic}.dlq")] {
            for record in client.read_all(&name).unwrap() {
                left.parts.push((format!("{name}@{}", record.offset), bytes(&record)));
            }
        }
    }
    for page in ["/metrics", "/readyz", "/livez"] {
        let (_, body) = gateway.page(page).unwrap();
        left.parts.push((page.to_owned(), body.into_bytes()));
    }
    left.parts.push(("the log".to_owned(), gateway.log().unwrap().into_bytes()));
    gateway.stop().unwrap();
    (plants, left)
}

fn pipeline(plant: &Planted, topic: &str, protected: bool, config: &mut String) {
    let Planted { name, dialect, pipeline, .. } = plant;
    writeln!(
        config,
        "[[pipeline]]\nname = \"{name}\"\nfrom = [\"{topic}\"]\nto = \"clean.{{topic}}\"\ndialect = \"{dialect}\"\nplugins = \"{name}\""
    )
    .unwrap();
    let payload = if protected {
        writeln!(config, "protect = {PROTECT}").unwrap();
        "masked"
    } else {
        "raw"
    };
    writeln!(config, "dead_letter_payload = \"{payload}\"\n{pipeline}").unwrap();
}

/// Without protection there is no mask either: what is planted has to be seen.
fn plugins(plant: &Planted, protected: bool, folder: &Folder) {
    let put = |name: &str, text: &str| {
        folder.put(&format!("{}/{name}.toml", plant.name), text).unwrap();
    };
    if let Some(guest) = plant.guest {
        folder.put_guest(&format!("{}/05-{guest}.wasm", plant.name), guest, "1.0.0").unwrap();
        put(&format!("05-{guest}"), "memory = \"4MiB\"\n");
    }
    put("10-filter", FILTER);
    if protected {
        put("20-mask", MASK);
    }
    put("30-reshape", RESHAPE);
    if plant.added > 0 {
        let added = "x".repeat(plant.added);
        put(
            "40-grow",
            &format!("plugin = \"reshape\"\n[settings]\nadd = {{ more = \"{added}\" }}\n"),
        );
    }
}

fn bytes(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut add = |part: &[u8]| {
        bytes.extend_from_slice(part);
        bytes.push(b'\n');
    };
    add(record.key.as_deref().unwrap_or_default());
    add(record.value.as_deref().unwrap_or_default());
    for (name, value) in &record.headers {
        add(name.as_bytes());
        add(value.as_deref().unwrap_or_default());
    }
    bytes
}

#[test]
fn no_protected_value_leaves_by_any_way() {
    let (plants, left) = run(true);
    let mut leaks = String::new();
    for secret in plants.iter().flat_map(|plant| &plant.secrets) {
        let places = left.places(secret);
        if !places.is_empty() {
            writeln!(leaks, "{} in {}", secret.place, places.join(", ")).unwrap();
        }
    }
    assert!(leaks.is_empty(), "protected values left in clear:\n{leaks}");
    let records = plants.iter().map(|plant| plant.records.len()).sum::<usize>();
    let outputs = left.parts.iter().filter(|(name, _)| name.contains('@')).count();
    assert!(outputs >= records, "{outputs} outputs and dead letters of {records} records");
}

#[test]
fn every_secret_is_seen_where_nothing_protects_it() {
    let (plants, left) = run(false);
    let mut unseen = String::new();
    // The dead letter of a record that grew too large has no payload, protected or not.
    let shown = plants.iter().filter(|plant| plant.added == 0);
    for secret in shown.flat_map(|plant| &plant.secrets) {
        if left.places(secret).is_empty() {
            writeln!(unseen, "{}", secret.place).unwrap();
        }
    }
    assert!(unseen.is_empty(), "the test is blind to:\n{unseen}");
    let secret_of = |guest: &str| {
        let plant = plants.iter().find(|plant| plant.guest == Some(guest)).unwrap();
        plant.secrets[0].clone()
    };
    assert!(left.places(&secret_of("tells")).contains(&"the log"), "the log is scanned");
    assert!(left.places(&secret_of("tells")).contains(&"/metrics"), "the metrics are scanned");
}
