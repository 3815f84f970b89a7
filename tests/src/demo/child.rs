//! The gateway as a process of its own, so that it can be killed: this very program under the name `lockgate`. Knows how to
//! start, ask and end it, and keeps its log; not what it carries.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal};
use serde_json::Value;

/// The name under which the program is the gateway.
const NAME: &str = "lockgate";

/// The longest an answer of `/readyz` may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether this process was started to be the gateway.
pub fn is_gateway() -> bool {
    std::env::args_os().next().as_deref() == Some(OsStr::new(NAME))
}

/// Runs the gateway, and ends it as kill -9 does once the demo is gone: it must not be left behind, whatever happened there.
pub fn be_gateway() -> ExitCode {
    // The gateway starts this program as well, to compile plugins that come in by the same way.
    if std::env::args_os().nth(1).as_deref() == Some(OsStr::new("run")) {
        drop(thread::spawn(leave_with_the_demo));
    }
    lockgate::cli::main()
}

fn leave_with_the_demo() {
    // The pipe is never written to: it ends when the demo does.
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    rustix::process::kill_process(rustix::process::getpid(), Signal::KILL).unwrap_or_default();
}

/// A line of the gateway's log.
#[derive(Clone, Debug)]
pub(super) struct LogLine {
    pub(super) level: String,
    pub(super) message: String,
    /// Names and values, in the order of the line.
    pub(super) fields: Vec<(String, String)>,
}

/// What `/readyz` says.
pub(super) struct Readiness {
    pub(super) is_ready: bool,
    pub(super) warnings: Vec<String>,
    /// Those that its lanes have.
    pub(super) partitions: u64,
}

#[derive(Default)]
struct Log {
    /// All that was written, as it was written.
    text: String,
    /// What nobody has taken yet.
    fresh: Vec<LogLine>,
    address: Option<SocketAddr>,
}

/// A running gateway; dropping it kills it.
pub(super) struct Gateway {
    child: Child,
    log: Arc<Mutex<Log>>,
}

impl Gateway {
    pub(super) fn start(config: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("finding this program's own file")?;
        let mut child = Command::new(program)
            .arg0(NAME)
            .args(["run", "--log-format", "json", "--log", "info", "--config"])
            .arg(config)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal is for the demo, which then tells the gateway to drain.
            .process_group(0)
            .spawn()
            .context("starting the gateway")?;
        let stderr = child.stderr.take().context("taking the gateway's log")?;
        let log = Arc::<Mutex<Log>>::default();
        let kept = Arc::clone(&log);
        drop(thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).add(&line);
            }
        }));
        Ok(Self { child, log })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// None while it runs.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// As `kill -9`.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().context("killing the gateway")?;
        self.child.wait().context("waiting for the killed gateway")?;
        Ok(())
    }

    /// Asks it to drain; [`Self::ended`] tells when it has.
    pub(super) fn terminate(&self) -> anyhow::Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let id = id.context("naming the gateway's process")?;
        rustix::process::kill_process(id, Signal::TERM).context("telling the gateway to drain")
    }

    /// Log lines since this was last asked.
    pub(super) fn fresh_log(&self) -> Vec<LogLine> {
        std::mem::take(&mut self.lock().fresh)
    }

    pub(super) fn log_text(&self) -> String {
        self.lock().text.clone()
    }

    /// The gateway's own word on how it is; None where it cannot be asked.
    pub(super) fn readiness(&self) -> Option<Readiness> {
        let page: Value = serde_json::from_str(&self.get("/readyz")?).ok()?;
        let text = |warning: &Value| warning.as_str().map(str::to_owned);
        let lanes = page.pointer("/pipelines/0/lanes").and_then(Value::as_array);
        let partitions = |lane: &Value| lane.get("partitions").and_then(Value::as_u64);
        Some(Readiness {
            is_ready: page.get("ready")?.as_bool()?,
            warnings: page.get("warnings")?.as_array()?.iter().filter_map(text).collect(),
            partitions: lanes.into_iter().flatten().filter_map(partitions).sum(),
        })
    }

    pub(super) fn metrics(&self) -> Option<String> {
        self.get("/metrics")
    }

    fn get(&self, path: &str) -> Option<String> {
        let address = self.lock().address?;
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer.split_once("\r\n\r\n")?.1.to_owned())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Log {
    fn add(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        let parsed = LogLine::parse(line);
        if let Some(address) = parsed.field("address") {
            self.address = address.parse().ok();
        }
        self.fresh.push(parsed);
    }
}

impl LogLine {
    /// A line that is no JSON, such as the last word of a gateway that fails, is a message as it is.
    fn parse(line: &str) -> Self {
        let Ok(Value::Object(mut members)) = serde_json::from_str(line) else {
            let message = line.to_owned();
            return Self { level: "ERROR".to_owned(), message, fields: Vec::new() };
        };
        let mut take = |name: &str| members.shift_remove(name).map(|value| text(&value));
        let level = take("level").unwrap_or_default();
        let message = take("message").unwrap_or_default();
        drop((take("timestamp"), take("target")));
        let fields = members.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        Self { level, message, fields }
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
