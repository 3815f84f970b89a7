//! The gateway as a process of its own: started from a folder, asked over HTTP, stopped by signals. Knows of the gateway what
//! an operator knows, and nothing of its inside.

mod cluster;
mod folder;
mod http;
mod journey;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::client::eventually;

pub use cluster::Cluster;
pub use folder::{Folder, guest_module};
pub use journey::Journey;

/// The longest that anything here waits. Far above what a busy machine of two cores needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running gateway. Dropping it kills it.
pub struct Gateway {
    child: Child,
    log: PathBuf,
    admin: Option<SocketAddr>,
}

impl Gateway {
    /// Starts `program run --config CONFIG`, whose stderr goes to the file `log`.
    fn start(program: &Path, config: &Path, log: PathBuf) -> anyhow::Result<Self> {
        let stderr = fs::File::create(&log).context("making the gateway's log file")?;
        let child = Command::new(program)
            .args(["run", "--config"])
            .arg(config)
            .env_remove("LOCKGATE_LOG")
            // What one test has compiled is not another's.
            .env_remove("CACHE_DIRECTORY")
            .env("XDG_CACHE_HOME", log.with_file_name("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("starting \"{}\"", program.display()))?;
        Ok(Self { child, log, admin: None })
    }

    /// Waits until `/readyz` says that every pipeline carries records.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        self.until("the gateway is ready", |gateway| {
            Ok(gateway.ask("/readyz")?.is_some_and(|(status, _)| status == 200))
        })
    }

    /// What `/readyz` answers.
    pub fn readyz(&mut self) -> anyhow::Result<Value> {
        let (_, body) = self.ask("/readyz")?.context("the gateway does not serve its pages")?;
        serde_json::from_str(&body).context("reading /readyz")
    }

    /// Status and text of a page.
    pub fn page(&mut self, page: &str) -> anyhow::Result<(u16, String)> {
        self.ask(page)?.context("the gateway does not serve its pages")
    }

    /// Waits until `/readyz` says `text`, under whichever heading.
    pub fn until_readyz_says(&mut self, text: &str) -> anyhow::Result<()> {
        self.until(&format!("/readyz says {text:?}"), |gateway| {
            Ok(gateway.ask("/readyz")?.is_some_and(|(_, body)| body.contains(text)))
        })
    }

    /// The sum of the series of `/metrics` that begin with `series`.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn metric(&mut self, series: &str) -> anyhow::Result<f64> {
        let (_, body) = self.ask("/metrics")?.context("the gateway does not serve its pages")?;
        let values = body.lines().filter(|line| line.starts_with(series));
        let numbers = values.map(|line| line.rsplit(' ').next().unwrap_or_default().parse::<f64>());
        let numbers: Vec<f64> = numbers.collect::<Result<_, _>>()?;
        ensure!(!numbers.is_empty(), "no metric begins with {series}");
        Ok(numbers.iter().sum())
    }

    /// Asks or orders something with `program plugin ARGUMENTS`: whether that went well, and what it printed.
    pub fn plugin(&mut self, program: &str, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
        self.page("/livez")?;
        let address = self.admin.context("the gateway does not serve its pages")?;
        let output = Command::new(program)
            .arg("plugin")
            .args(arguments)
            .args(["--admin", &format!("http://{address}")])
            .output()
            .context("starting `plugin`")?;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
    }

    /// What it has written to stderr so far.
    pub fn log(&self) -> anyhow::Result<String> {
        fs::read_to_string(&self.log).context("reading the gateway's log")
    }

    pub fn until_log_says(&mut self, text: &str) -> anyhow::Result<()> {
        self.until(&format!("the log says {text:?}"), |gateway| Ok(gateway.log()?.contains(text)))
    }

    /// Waits for a condition that the running gateway brings about; its log is part of the error.
    pub fn until(
        &mut self,
        what: &str,
        mut condition: impl FnMut(&mut Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let result = eventually(what, PATIENCE, || {
            if condition(self)? {
                return Ok(true);
            }
            let ended = self.child.try_wait().context("asking whether the gateway runs")?;
            ended.map_or(Ok(false), |status| Err(anyhow!("the gateway ended with {status}")))
        });
        result.with_context(|| format!("{what}; its log:\n{}", self.log().unwrap_or_default()))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory of the process that is in the machine's, as the kernel counts it.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")).context("no VmRSS")?;
        Ok(kib.trim().parse::<u64>()? << 10)
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a child has a pid")?, Signal::TERM).context("sending SIGTERM")
    }

    /// Ends it as a power cut would.
    pub fn kill_9(mut self) -> anyhow::Result<()> {
        self.child.kill().context("sending SIGKILL")?;
        self.child.wait().context("waiting for the killed gateway")?;
        Ok(())
    }

    /// Waits for its end.
    pub fn wait(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().context("waiting for the gateway")? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("the gateway still ran after {patience:?}; its log:\n{}", self.log()?);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Has it drain and end well.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.terminate()?;
        let status = self.wait(PATIENCE)?;
        ensure!(status.success(), "the gateway ended with {status}; its log:\n{}", self.log()?);
        Ok(())
    }

    /// Waits for a start that fails, and gives what the gateway said.
    pub fn refusal(mut self) -> anyhow::Result<String> {
        let status = self.wait(PATIENCE)?;
        ensure!(
            status.code() == Some(1),
            "exit code {:?}; its log:\n{}",
            status.code(),
            self.log()?
        );
        let log = self.log()?;
        let said = log.find("lockgate: ").context("the last word is missing")?;
        Ok(log.get(said..).unwrap_or_default().trim_end().to_owned())
    }

    /// None where the page is not served yet, or no more.
    fn ask(&mut self, page: &str) -> anyhow::Result<Option<(u16, String)>> {
        if self.admin.is_none() {
            self.admin = self.find_admin()?;
        }
        Ok(self.admin.and_then(|address| http::get(address, page).ok()))
    }

    /// The system chooses the port, and the log says which.
    fn find_admin(&self) -> anyhow::Result<Option<SocketAddr>> {
        let log = self.log()?;
        let line = log.lines().find(|line| line.contains("serving metrics and health"));
        let address = line.and_then(|line| line.rsplit_once("address=")).map(|(_, rest)| rest);
        Ok(address.and_then(|address| address.trim().parse().ok()))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
