//! A cluster to test against: the embedded broker, or Apache Kafka itself. Tells apart what the two can do.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::broker::Broker;

pub struct Cluster {
    pub brokers: String,
    /// None where it is Apache Kafka.
    pub embedded: Option<&'static Broker>,
}

impl Cluster {
    /// The embedded broker that all tests of this process share.
    pub fn embedded() -> &'static Self {
        static SHARED: LazyLock<Cluster> = LazyLock::new(Cluster::of_its_own);
        &SHARED
    }

    /// An embedded broker for one test, to make it slow or to break it. It lasts as long as the process.
    pub fn of_its_own() -> Self {
        let broker = Broker::start().expect("a loopback port and a few threads are to be had");
        let broker: &'static Broker = Box::leak(Box::new(broker));
        Self { brokers: broker.bootstrap().to_owned(), embedded: Some(broker) }
    }

    /// `name` with something behind it that no other test has used, on this cluster or in an earlier run.
    pub fn unique(&self, name: &str) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        format!("{name}-{}-{number}", now.unwrap_or_default().as_millis())
    }
}
