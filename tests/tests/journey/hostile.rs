//! Plugins that mean harm, in a running gateway: what they were given is refused, and nobody else notices.

use std::time::Duration;

use lockgate_tests::checker::Fate;
use lockgate_tests::client::Record;
use lockgate_tests::gateway::{Cluster, Journey};
use lockgate_tests::rows::{row, update, value};

use crate::PROGRAM;

/// A pipeline with the guest, and beside it one without in the same gateway.
struct Neighbours {
    guest: Journey,
    quiet: Journey,
}

impl Neighbours {
    fn new(guest: &str) -> Self {
        let cluster = Cluster::embedded();
        let mut first = Journey::new(cluster, PROGRAM, 1).unwrap();
        let mut quiet = Journey::new(cluster, PROGRAM, 1).unwrap();
        quiet.group.clone_from(&first.group);
        let settings = "tables = [\"public.customers\"]\nmemory = \"4MiB\"\n";
        first.folder.put("plugins/10-guest.toml", settings).unwrap();
        first.folder.put_guest("plugins/10-guest.wasm", guest, "1.0.0").unwrap();
        first.pipeline = format!(
            "[[pipeline]]\nname = \"quiet\"\nfrom = [\"{}\"]\nto = \"clean.{{topic}}\"\ndialect = \"debezium\"\nplugins = \"none\"\n",
            quiet.topics.source,
        );
        std::fs::create_dir(first.folder.path().join("none")).unwrap();
        Self { guest: first, quiet }
    }
}

/// A change of another table in the same topic.
fn order(id: usize) -> Record {
    row(id, 1, &value(id, "poison@example.com", "NO").replace("customers", "orders"))
}

fn poison(id: usize) -> Record {
    row(id, 1, &value(id, "poison@example.com", "NO"))
}

fn fate(record: &Record) -> Fate {
    let value = record.value_text();
    let is_poisonous = value.contains("poison") && value.contains("customers");
    if is_poisonous { Fate::Refused } else { Fate::Forwarded }
}

/// The guest harms one batch; `reason` is what its dead letter says.
fn harms_only_its_batch(guest: &str, code: &str, reason: &str) {
    let Neighbours { guest: journey, quiet } = Neighbours::new(guest);
    let mut gateway = journey.start().unwrap();
    // Alone in its batch, so that the refusal is counted once.
    for records in [[update(0, 1), order(1)], [poison(2), order(3)], [update(4, 1), order(5)]] {
        journey.write(records).unwrap();
        quiet.write((0..100).map(|number| update(number, 1))).unwrap();
        journey.settled().unwrap();
    }
    let tally = journey.check(fate).unwrap();
    assert_eq!((tally.refused, tally.duplicates), (1, 0));
    assert_eq!(quiet.check(|_| Fate::Forwarded).unwrap().forwarded, 300);
    let letter = journey.letters().unwrap().remove(0);
    assert_eq!(letter.header("lockgate.error.code"), Some(code));
    assert_eq!(letter.header("lockgate.error.plugin"), Some("guest"));
    let told = letter.header("__connect.errors.exception.message").unwrap();
    assert!(told.contains(reason), "{told}");
    assert_eq!(gateway.metric(&format!("lockgate_refusals_total{{code=\"{code}\"")).unwrap(), 1.0);
    assert!(gateway.readyz().unwrap()["ready"].as_bool().unwrap());
    gateway.stop().unwrap();
}

#[test]
fn an_endless_loop_is_stopped() {
    harms_only_its_batch("spin", "plugin-timeout", "took longer than its deadline of 200ms");
}

#[test]
fn a_memory_hog_is_stopped() {
    harms_only_its_batch("hog", "plugin-out-of-memory", "needs more than its 4 MiB of memory");
}

#[test]
fn a_trap_harms_its_batch_alone() {
    harms_only_its_batch("trap", "plugin-trapped", "divide by zero");
}

#[test]
fn a_panic_is_told_in_its_own_words() {
    harms_only_its_batch("panic", "plugin-trapped", "panicked at src/lib.rs:7: boom");
}

#[test]
fn a_lying_outcome_is_not_applied() {
    harms_only_its_batch("liar", "contract-violated", "row");
}

#[test]
fn a_list_beyond_its_memory_is_not_read() {
    harms_only_its_batch("wild", "contract-violated", "handed over");
}

#[test]
fn a_huge_result_is_not_taken() {
    harms_only_its_batch("huge", "contract-violated", "handed over more than");
}

#[test]
fn a_poisonous_event_among_many_is_refused_alone() {
    let Neighbours { guest: journey, quiet } = Neighbours::new("trap");
    let gateway = journey.start().unwrap();
    let among = |number: usize| if number == 617 { poison(number) } else { update(number, 1) };
    journey.write((0..1_000).map(among)).unwrap();
    quiet.write((0..100).map(|number| update(number, 1))).unwrap();
    quiet.settled().unwrap();
    let tally = journey.check(fate).unwrap();
    assert_eq!((tally.forwarded, tally.refused, tally.duplicates), (999, 1, 0));
    assert_eq!(quiet.check(|_| Fate::Forwarded).unwrap().forwarded, 100);
    gateway.stop().unwrap();
}

/// While one pipeline's guest spins on every batch, the other pipeline is as fast as ever.
#[test]
fn a_plugin_that_spins_all_the_time_does_not_slow_its_neighbour() {
    let Neighbours { guest: journey, quiet } = Neighbours::new("spin");
    let gateway = journey.start().unwrap();
    let act = || {
        let began = std::time::Instant::now();
        for round in 0..10 {
            quiet.write((0..50).map(|number| update(round * 50 + number, 1)))?;
            quiet.settled()?;
        }
        // Ten waits of one commit period each, and nothing of the spinning.
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        Ok(())
    };
    journey.while_flowing(poison, act).unwrap();
    assert_eq!(quiet.check(|_| Fate::Forwarded).unwrap().forwarded, 500);
    // What the guest cannot do waits for a better one.
    assert_eq!(journey.outputs().unwrap(), []);
    assert!(journey.letters().unwrap().len() < 5);
    gateway.stop().unwrap();
}
