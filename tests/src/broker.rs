//! A Kafka broker inside the test process: krafka's, behind a shim that makes it one librdkafka's groups can work with.
//! In memory, ready in milliseconds, with faults on request. Knows nothing of the gateway.

mod fetch;
mod groups;
mod shim;
mod wire;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context;
use krafka::testing::FakeBroker;
use tokio::runtime::Runtime;

use shim::Shim;

pub use krafka::error::ErrorCode;
pub use krafka::testing::{ApiKey, Control};

/// A running broker. Dropping it ends every connection and forgets every record.
///
/// What it does not do: retention, compaction, DescribeConfigs, KIP-848 groups, more than one node. Its groups are
/// classic ones with static members; faults on join, sync, heartbeat and leave requests are not to be had.
pub struct Broker {
    shim: Arc<Shim>,
    address: SocketAddr,
    bootstrap: String,
    threads: Vec<JoinHandle<()>>,
    /// Last, so that krafka's tasks outlive the connections to them.
    _runtime: Runtime,
}

impl Broker {
    /// Starts a broker without topics on a port that the system chooses. Topics are not created by mentioning them.
    ///
    /// # Errors
    ///
    /// When no port or thread is to be had.
    pub fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("broker")
            .enable_all()
            .build()
            .context("starting the embedded broker's threads")?;
        let fake = runtime.block_on(FakeBroker::start()).context("starting krafka's broker")?;
        let upstream = fake.broker_addr(0).context("finding krafka's broker")?;
        let listener =
            TcpListener::bind("127.0.0.1:0").context("listening for the embedded broker")?;
        let address = listener.local_addr().context("finding the embedded broker's port")?;
        fake.with_state(|state| {
            state.auto_create_topics = false;
            for node in &mut state.brokers {
                node.port = i32::from(address.port());
            }
        });
        // The versions that librdkafka 2.12 speaks and the shim translates.
        fake.set_api_versions(ApiKey::EndTxn, 1, 3);
        fake.set_api_versions(ApiKey::TxnOffsetCommit, 3, 5);
        fake.set_api_versions(ApiKey::LeaveGroup, 1, 1);
        let shim = Shim::new(fake, upstream);
        let threads = vec![
            // A listener that fails leaves clients without connections, which every test notices.
            start("broker accept", &shim, move |shim| drop(shim.accept(&listener)))?,
            start("broker sessions", &shim, |shim| shim.watch_sessions())?,
        ];
        Ok(Self { shim, address, bootstrap: address.to_string(), threads, _runtime: runtime })
    }

    /// What clients put into `bootstrap.servers`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// False where it exists already.
    pub fn create_topic(&self, name: &str, partitions: i32) -> bool {
        self.fake().create_topic(name, partitions)
    }

    /// Grows a topic to `total` partitions.
    pub fn add_partitions(&self, topic: &str, total: i32) {
        self.fake().add_partitions(topic, total);
    }

    /// The offset after the last record of a partition.
    pub fn end(&self, topic: &str, partition: i32) -> Option<i64> {
        self.fake().next_offset(topic, partition)
    }

    /// What a group has committed for a partition.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        self.fake().committed_offset(group, topic, partition)
    }

    /// Forgets a partition's records below `offset`, as retention does.
    pub fn delete_before(&self, topic: &str, partition: i32, offset: i64) {
        self.fake().with_state(|state| {
            if let Some(log) = state.partition_mut(topic, partition) {
                log.log_start_offset = offset.min(log.next_offset);
            }
        });
    }

    /// The members of a group, as (member id, instance id).
    pub fn members(&self, group: &str) -> Vec<(String, Option<String>)> {
        self.fake().with_state(|state| {
            let members = state.groups.get(group).map(|group| group.members.as_slice());
            let named = members.unwrap_or_default().iter();
            named.map(|m| (m.member_id.clone(), m.group_instance_id.clone())).collect()
        })
    }

    /// krafka's broker itself, for its faults (`on`, `on_once`, `on_times`), request counts, crashes and SASL.
    pub fn fake(&self) -> &FakeBroker {
        &self.shim.fake
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shim.close(self.address);
        for thread in self.threads.drain(..) {
            // A panic there has been printed already.
            drop(thread.join());
        }
    }
}

fn start(
    name: &str,
    shim: &Arc<Shim>,
    run: impl FnOnce(&Arc<Shim>) + Send + 'static,
) -> anyhow::Result<JoinHandle<()>> {
    let shim = Arc::clone(shim);
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&shim));
    thread.with_context(|| format!("starting the embedded broker's thread \"{name}\""))
}
