//! The gateway's side of a compiler in a process of its own: starts it, feeds it, waits for it no longer than allowed, and leaves
//! nothing of it behind. Must not know what is compiled, or how.

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::LoadError;
use super::ends::End;
use super::sealed::{CODE_BYTES, HEADER, Label, Sealed};
use crate::plugin::engine::Target;

/// The most that is read of what a compiler says.
const SAID_BYTES: usize = 16 << 10;

/// How often one looks whether a compiler is done. Compiling takes tens of these at least.
const LOOK: Duration = Duration::from_millis(2);

/// A program whose hidden command `compile-plugin` compiles plugins, and what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiler {
    pub program: PathBuf,
    pub allowance: Allowance,
}

impl Compiler {
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), allowance: Allowance::default() }
    }
}

/// What compiling one plugin may use. Python's, the largest of any language, takes 8 s and 310 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Counted in whole seconds, at least one.
    pub processor_time: Duration,
    /// Bytes of address space.
    pub memory: u64,
    /// Longer than the processor time, for a machine that has other things to do.
    pub wall_time: Duration,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            processor_time: Duration::from_secs(60),
            memory: 2 << 30,
            wall_time: Duration::from_secs(120),
        }
    }
}

impl Allowance {
    pub(super) fn processor_seconds(&self) -> u64 {
        self.processor_time.as_secs().max(1)
    }
}

impl Compiler {
    /// Compiles `bytes` in a process of its own, unless `abandon` is set meanwhile.
    pub(super) fn compile(
        &self,
        target: &Target,
        label: &Label,
        bytes: &[u8],
        abandon: &AtomicBool,
    ) -> Result<Sealed, LoadError> {
        let deadline = Instant::now() + self.allowance.wall_time;
        let run = || -> io::Result<Report> { self.start(target)?.attend(bytes, deadline, abandon) };
        let report =
            run().map_err(|err| LoadError::new(format!("starting the compiler: {err}")))?;
        let end = match report.end {
            _ if report.code.is_none() => End::Flood,
            End::Itself(status) if status.success() => {
                match Sealed::open(label, report.code.unwrap_or_default()) {
                    Ok(sealed) => return Ok(sealed),
                    Err(reason) => End::Garbage(reason),
                }
            }
            end => end,
        };
        Err(end.reason(&report.said, &self.allowance))
    }

    fn start(&self, target: &Target) -> io::Result<Running> {
        let Allowance { memory, .. } = self.allowance;
        let mut command = Command::new(&self.program);
        command
            // The path may be a link whose name says nothing to who reads a list of processes.
            .arg0("lockgate")
            .arg("compile-plugin")
            .args(["--fingerprint", &target.fingerprint])
            .args(["--processor-seconds", &self.allowance.processor_seconds().to_string()])
            .args(["--memory-bytes", &memory.to_string()])
            .args(target.is_bare.then_some("--bare"))
            // The gateway's environment holds passwords.
            .env_clear()
            .current_dir("/")
            // A group of its own, so that all of it can be ended, and a Ctrl-C at the terminal is the gateway's to answer.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(Running { child: Some(command.spawn()?) })
    }
}

/// What came of a compiler.
struct Report {
    end: End,
    /// What it wrote to stdout; none where that was too much.
    code: Option<Vec<u8>>,
    said: String,
}

/// A compiler that has been started. Dropping it ends it.
struct Running {
    child: Option<Child>,
}

impl Running {
    /// Hands it `bytes`, takes what it gives, and returns when it has ended, in whichever way.
    fn attend(
        mut self,
        bytes: &[u8],
        deadline: Instant,
        abandon: &AtomicBool,
    ) -> io::Result<Report> {
        let Some(child) = &mut self.child else { return Err(io::ErrorKind::NotFound.into()) };
        let (input, output, words) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        thread::scope(|scope| {
            // Ends before the threads are waited for: they end with its pipes.
            let mut running = self;
            let named = |name: &str| thread::Builder::new().name(name.to_owned());
            named("compile-in").spawn_scoped(scope, move || feed(input, bytes))?;
            let code = move || read_up_to(output, HEADER + CODE_BYTES);
            let code = named("compile-out").spawn_scoped(scope, code)?;
            let said = move || read_words(words);
            let said = named("compile-err").spawn_scoped(scope, said)?;
            let end = running.end(deadline, abandon)?;
            let lost = |_| io::Error::other("a thread that reads its output panicked");
            let (code, said) = (code.join().map_err(lost)??, said.join().map_err(lost)?);
            Ok(Report { end, code, said })
        })
    }

    /// Waits until it has ended, is late or needed no more; in any case it is gone afterwards.
    fn end(&mut self, deadline: Instant, abandon: &AtomicBool) -> io::Result<End> {
        let early = loop {
            if self.has_ended() {
                break None;
            }
            if abandon.load(Ordering::Relaxed) {
                break Some(End::Abandoned);
            }
            if Instant::now() > deadline {
                break Some(End::Late);
            }
            thread::sleep(LOOK);
        };
        let status = self.bury()?;
        Ok(early.unwrap_or(End::Itself(status)))
    }

    fn pid(&self) -> Option<Pid> {
        self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok()).and_then(Pid::from_raw)
    }

    /// Leaves it in the system's list, so that its group's number stays its own.
    fn has_ended(&self) -> bool {
        let Some(pid) = self.pid() else { return true };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(pid), look) {
            Ok(ended) => ended.is_some(),
            Err(rustix::io::Errno::INTR) => false,
            // It cannot be waited for, as where the system collects children itself.
            Err(_) => true,
        }
    }

    /// Ends what is left of it, and collects how it ended.
    fn bury(&mut self) -> io::Result<ExitStatus> {
        if let Some(pid) = self.pid() {
            // Where nothing of the group is left, there is nobody to be ended.
            kill_process_group(pid, Signal::KILL).ok();
        }
        match self.child.take() {
            Some(mut child) => child.wait(),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It fails where that has been done.
        self.bury().ok();
    }
}

/// A compiler that has seen enough closes its end; how it ended then says why.
fn feed(input: Option<ChildStdin>, bytes: &[u8]) {
    if let Some(mut input) = input {
        input.write_all(bytes).ok();
    }
}

/// All of it, or none where it is longer than `max`: then the other side is told by its pipe being closed.
fn read_up_to(from: Option<impl Read>, max: usize) -> io::Result<Option<Vec<u8>>> {
    let Some(from) = from else { return Ok(None) };
    let mut bytes = Vec::new();
    from.take(max as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= max).then_some(bytes))
}

/// The beginning of it; the rest is read as well, so that nobody waits for a reader.
fn read_words(from: Option<impl Read>) -> String {
    let Some(mut from) = from else { return String::new() };
    let mut words = Vec::new();
    // What cannot be read is not told.
    from.by_ref().take(SAID_BYTES as u64).read_to_end(&mut words).ok();
    io::copy(&mut from, &mut io::sink()).ok();
    String::from_utf8_lossy(&words).into_owned()
}

#[cfg(test)]
mod tests;
