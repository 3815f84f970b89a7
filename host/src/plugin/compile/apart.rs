//! The compiler's side, in a process that does nothing else: bounds itself before it reads a byte, compiles, and gives back what
//! it made. Must not know the gateway that waits for it.

use std::io::Read;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};

use super::sealed::{Label, Sealed};
use super::{FILE_BYTES, LoadError, ends, translate};
use crate::plugin::{engine, version};

/// How much less important than the gateway's lanes it is. They need the processor first, and it must get some.
const NICENESS: i32 = 5;

/// What this process is to do and may use.
#[derive(Clone, Debug)]
pub struct Job {
    /// The fingerprint of the engine for which it is to compile.
    pub fingerprint: String,
    /// Whether that engine reserves no address space for memories.
    pub is_bare: bool,
    pub processor_seconds: u64,
    pub memory_bytes: u64,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum Unmade {
    #[error("{0}")]
    Refused(#[from] LoadError),
    /// This program's engine differs from the one it is to compile for.
    #[error("this program compiles for another engine")]
    OtherBuild,
}

impl Unmade {
    /// What tells the gateway which of them it is.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => ends::REFUSED,
            Self::OtherBuild => ends::OTHER_BUILD,
        }
    }
}

impl Job {
    /// Reads a plugin's file from `input` and compiles it, within bounds that this process then keeps for good.
    pub fn run(&self, input: impl Read) -> Result<Vec<u8>, Unmade> {
        self.bound().map_err(|err| failed("bounding the compiler", err))?;
        // A panic is told as the reason; the default would tell it a second time.
        std::panic::set_hook(Box::new(|_| {}));
        let engine = engine::for_compiling(self.is_bare)
            .map_err(|err| failed("preparing WebAssembly", err))?;
        let fingerprint = engine::fingerprint(&engine);
        if fingerprint != self.fingerprint {
            return Err(Unmade::OtherBuild);
        }
        let mut bytes = Vec::new();
        let read = input.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|err| failed("reading it", err))?;
        let label = Label { digest: version::digest(&bytes), fingerprint };
        let code = translate::translate(&engine, &bytes)?;
        Ok(Sealed::new(&label, &code).into_bytes())
    }

    fn bound(&self) -> rustix::io::Result<()> {
        limit(Resource::Cpu, self.processor_seconds)?;
        limit(Resource::As, self.memory_bytes)?;
        limit(Resource::Core, 0)?;
        // It writes to pipes alone.
        limit(Resource::Fsize, 0)?;
        // Where memory runs out it goes first, not the gateway that lanes run in.
        #[cfg(target_os = "linux")]
        std::fs::write("/proc/self/oom_score_adj", "1000").ok();
        // Nobody waits for it once the gateway is gone.
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        nice(NICENESS).map(drop)
    }
}

/// Takes at most `most` of a resource, and less where less is allowed already. Who ignores the end of its processor time is
/// killed a second later.
fn limit(resource: Resource, most: u64) -> rustix::io::Result<()> {
    let now = getrlimit(resource);
    let within = |most: u64, now: Option<u64>| Some(now.map_or(most, |now| now.min(most)));
    let hard = if resource == Resource::Cpu { most + 1 } else { most };
    setrlimit(
        resource,
        Rlimit { current: within(most, now.current), maximum: within(hard, now.maximum) },
    )
}

fn failed(doing: &str, err: impl std::fmt::Display) -> LoadError {
    LoadError::new(format!("{doing}: {err:#}"))
}
