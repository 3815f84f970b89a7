//! Apache Kafka itself, from Maven Central's jars: one node for each test program, or a cluster that runs already.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::client::{Client, eventually};

/// Names a running cluster to test against, as `host:port[,host:port]`.
pub const BROKERS: &str = "LOCKGATE_TEST_BROKERS";

/// Long enough to fetch 55 MB of jars the first time.
const PATIENCE: Duration = Duration::from_secs(240);

/// A Kafka cluster. One that was started here ends with this value, or with the process.
pub struct Cluster {
    brokers: String,
    /// None where the cluster is somebody else's.
    _node: Option<Node>,
}

struct Node {
    process: Child,
    _folder: TempDir,
}

/// The cluster that all tests of this process share; none where there is neither a running one nor Java and Maven to start
/// one. Then it says so, past the capture of test output.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: LazyLock<Result<Cluster, String>> = LazyLock::new(|| {
        let missing =
            |program: &str| format!("no {}", if program == "mvn" { "maven" } else { program });
        match std::env::var(BROKERS) {
            Ok(brokers) => Ok(Cluster { brokers, _node: None }),
            Err(_) => match ["java", "mvn"].into_iter().find(|program| !is_installed(program)) {
                Some(program) => Err(missing(program)),
                None => {
                    Ok(Cluster::start().expect("Java and Maven are there, so Kafka must start"))
                }
            },
        }
    });
    match &*SHARED {
        Ok(cluster) => Some(cluster),
        Err(reason) => {
            let test = std::thread::current().name().unwrap_or("test").to_owned();
            // Who cannot be told need not be.
            writeln!(std::io::stderr(), "{test}: skipped: {reason}").ok();
            None
        }
    }
}

fn is_installed(program: &str) -> bool {
    let version = Command::new(program).arg("-version").stdin(Stdio::null()).output();
    version.is_ok_and(|output| output.status.success())
}

impl Cluster {
    /// Starts a node of its own on free ports and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it does not answer in time, with the end of its log.
    pub fn start() -> anyhow::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers/kafka.sh");
        let folder = TempDir::new().context("making a folder for Kafka")?;
        let log = folder.path().join("log");
        let output = std::fs::File::create(&log).context("making Kafka's log file")?;
        let [port, controller_port] = free_ports()?;
        let process = Command::new(&script)
            .arg(folder.path())
            .args([port.to_string(), controller_port.to_string()])
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("running {}", script.display()))?;
        let node = Node { process, _folder: folder };
        let cluster = Self { brokers: format!("127.0.0.1:{port}"), _node: Some(node) };
        let client = Client::new(&cluster.brokers)?;
        let ready = eventually("Apache Kafka answers", PATIENCE, || Ok(client.is_answered()));
        if let Err(err) = ready {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let end: Vec<&str> = text.lines().rev().take(20).collect();
            bail!("{err:#}; the end of its log, last line first:\n{}", end.join("\n"));
        }
        Ok(cluster)
    }

    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// `name` with something behind it that no other test has used, on this cluster or in an earlier run.
    pub fn unique(&self, name: &str) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_millis();
        format!("{name}-{now}-{}-{number}", std::process::id())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The script ends the broker when its input ends.
        drop(self.process.stdin.take());
        // An error here means that it has ended already.
        self.process.wait().ok();
    }
}

/// Ports that were free a moment ago.
fn free_ports() -> anyhow::Result<[u16; 2]> {
    let first = TcpListener::bind("127.0.0.1:0")?;
    let second = TcpListener::bind("127.0.0.1:0")?;
    Ok([first.local_addr()?.port(), second.local_addr()?.port()])
}
