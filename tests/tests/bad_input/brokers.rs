//! Brokers that are not there, or do not let the gateway in.

use std::time::{Duration, Instant};

use lockgate_tests::broker::Broker;
use lockgate_tests::checker::Fate;
use lockgate_tests::gateway::{Cluster, Folder, Journey};
use lockgate_tests::rows::update;

use crate::PROGRAM;

/// Whoever starts a gateway before its cluster sees within ten seconds what it waits for, and need do nothing more.
#[test]
fn brokers_that_are_not_there_are_named_soon_and_waited_for() {
    let cluster = Cluster::of_its_own();
    let journey = Journey::new(&cluster, PROGRAM, 1).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let absent = free.local_addr().unwrap().to_string();
    drop(free);
    let began = Instant::now();
    let config = journey.config().replace(&cluster.brokers, &absent);
    let mut gateway = journey.folder.run(&config).unwrap();
    gateway
        .until_log_says(&format!(
            "no broker of \"{absent}\" answers; check \"brokers\" under [kafka]"
        ))
        .unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    gateway.until_readyz_says("pipeline \\\"shop\\\" is starting").unwrap();
    gateway.stop().unwrap();
}

#[test]
fn brokers_that_go_away_are_named_and_come_back_without_loss() {
    let cluster = Cluster::of_its_own();
    let broker = cluster.embedded.unwrap();
    let journey = Journey::new(&cluster, PROGRAM, 1).unwrap();
    let mut gateway = journey.start().unwrap();
    journey.write((0..100).map(|number| update(number, 1))).unwrap();
    journey.settled().unwrap();
    broker.fake().crash(0);
    gateway.until_log_says("trouble with the brokers").unwrap();
    broker.fake().restart(0);
    journey.write((100..200).map(|number| update(number, 1))).unwrap();
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().forwarded, 200);
    gateway.stop().unwrap();
}

#[test]
fn bad_credentials_are_told_from_silence() {
    let broker = Broker::start().unwrap();
    broker.fake().require_sasl_plain("anna", "right");
    let folder = Folder::new(PROGRAM).unwrap();
    let config = format!(
        "[kafka]\nbrokers = \"{}\"\n[kafka.properties]\n\"security.protocol\" = \"SASL_PLAINTEXT\"\n\
         \"sasl.mechanism\" = \"PLAIN\"\n\"sasl.username\" = \"anna\"\n\"sasl.password\" = \"wrong-secret\"\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n[[pipeline]]\nname = \"shop\"\nfrom = [\"a\"]\nto = \"b\"\ndialect = \"debezium\"\n",
        broker.bootstrap()
    );
    let mut gateway = folder.run(&config).unwrap();
    gateway
        .until_log_says(
            "refuse our credentials; check sasl.* and security.protocol under [kafka.properties]",
        )
        .unwrap();
    assert!(!gateway.log().unwrap().contains("wrong-secret"));
    gateway.stop().unwrap();
}
