//! A cluster to test against: the embedded broker, or Apache Kafka itself. Tells apart what the two can do.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::apache;
use crate::broker::Broker;
use crate::client::Client;

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

    /// Apache Kafka; none where it cannot run here, which is said on stderr.
    pub fn apache() -> Option<Self> {
        let cluster = apache::shared()?;
        Some(Self { brokers: cluster.brokers().to_owned(), embedded: None })
    }

    /// `name` with something behind it that no other test has used, on this cluster or in an earlier run.
    pub fn unique(&self, name: &str) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        format!("{name}-{}-{number}", now.unwrap_or_default().as_millis())
    }

    /// Grows a topic to `total` partitions.
    pub fn add_partitions(&self, client: &Client, topic: &str, total: i32) -> anyhow::Result<()> {
        match self.embedded {
            Some(broker) => {
                broker.add_partitions(topic, total);
                Ok(())
            }
            None => client.add_partitions(topic, total),
        }
    }

    /// Deletes a partition's records below `offset`, as retention does.
    pub fn delete_before(
        &self,
        client: &Client,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> anyhow::Result<()> {
        match self.embedded {
            Some(broker) => {
                broker.delete_before(topic, partition, offset);
                Ok(())
            }
            None => client.delete_before(topic, partition, offset),
        }
    }
}
