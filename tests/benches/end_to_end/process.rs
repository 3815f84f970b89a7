//! The programs under measurement as processes of their own, and the CPU time each has used.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

/// A child that ends with its handle.
pub(crate) struct Program {
    child: Child,
}

impl Program {
    /// This very binary as the bare copy loop.
    pub(crate) fn copy_loop(
        brokers: &str,
        group: &str,
        from: &str,
        to: &str,
    ) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("finding this program")?;
        Self::start(Command::new(own).args(["copy-loop", brokers, group, from, to]))
    }

    /// The gateway with the configuration in `folder`.
    pub(crate) fn gateway(folder: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        Self::start(
            command
                .arg("run")
                .arg("--config")
                .arg(folder.join("lockgate.toml"))
                .args(["--log", "warn"]),
        )
    }

    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Ok(Self { child: child.context("starting a program to measure")? })
    }

    /// User and system time since the start, to the hundredth of a second.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let file = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(&file).with_context(|| format!("reading \"{file}\""))?;
        // The name in parentheses may hold blanks; the times are fields 14 and 15 of all.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It fails where the child has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
