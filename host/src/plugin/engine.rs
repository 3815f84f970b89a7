//! What all plugins of the process share: one engine, the clock that ends calls, and the host functions they may import. Must not
//! know files or single plugins.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
};

use super::bindings::Plugin;
use super::cache::Cache;
use super::compile::{Code, Compiler};
use super::imports::Guest;
use super::ticker::{EpochTicker, Pulse};
use super::{encode, limits, text};
use crate::config::Trust;

/// The most instances of the process: lanes times plugins, twice while a reload tries new versions.
const INSTANCES: u32 = 1_000;

/// The deepest a plugin's calls may nest. A lane's thread needs a few times this much.
const STACK_BYTES: usize = 512 << 10;

/// Frames of a plugin's stack that a fault can name.
const BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not 0");

/// The folder of compiled plugins within that of all that is kept. It is made by this process and so can be private, whatever
/// the outer one is: systemd's is readable by all, and a volume's may belong to root.
const COMPILED: &str = "compiled";

/// How plugins get to be loaded.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub trust: Trust,
    /// The folder that holds the private one of compiled plugins; none where they are not kept.
    pub cache: Option<PathBuf>,
    /// Who compiles plugins in a process of its own; none where this process does it.
    pub compiler: Option<Compiler>,
}

/// The kind of engine that code is compiled for. Code for one does not run on another.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Of everything that code depends on besides the plugin's file.
    pub(super) fingerprint: String,
    /// Whether it reserves no address space for memories, so that every access is checked.
    pub(super) is_bare: bool,
}

/// The shared ground of all plugins. One for the whole process.
pub struct Runtime {
    pub(super) options: Options,
    pub(super) engine: Engine,
    pub(super) target: Target,
    pub(super) linker: Linker<Guest>,
    pub(super) pulse: Arc<Pulse>,
    /// By the digest of its file: what several pipelines use is compiled once.
    pub(super) in_use: Mutex<HashMap<String, Weak<Code>>>,
    pub(super) cache: Option<Cache>,
    /// Held while a plugin is compiled. One at a time, or the memory that compiling may use would be that of one times the
    /// number of folders.
    pub(super) compiling: Mutex<()>,
    pub(super) is_over: AtomicBool,
    _ticker: Option<EpochTicker>,
}

impl Runtime {
    /// With everything in this process and nothing kept, for tests and benches.
    pub fn start() -> anyhow::Result<Arc<Self>> {
        Self::start_with(Options::default())
    }

    pub fn start_with(options: Options) -> anyhow::Result<Arc<Self>> {
        let cache = options.cache.as_ref().map(|folder| Cache::new(folder.join(COMPILED)));
        let mut runtime = Self { options, cache, ..Self::without_clock()? };
        let ticker = EpochTicker::start(&runtime.engine, Arc::clone(&runtime.pulse))?;
        runtime._ticker = Some(ticker);
        Ok(Arc::new(runtime))
    }

    /// A runtime that has no means to end a call, and therefore enters no plugin.
    pub(super) fn without_clock() -> anyhow::Result<Self> {
        let (engine, is_bare) =
            for_serving().map_err(|err| anyhow::anyhow!("preparing WebAssembly: {err:#}"))?;
        let mut linker = Linker::new(&engine);
        Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)
            .map_err(|err| anyhow::anyhow!("preparing the functions of plugins: {err:#}"))?;
        let pulse = Arc::new(Pulse::new());
        Ok(Self {
            options: Options::default(),
            target: Target { fingerprint: fingerprint(&engine), is_bare },
            engine,
            linker,
            pulse,
            in_use: Mutex::default(),
            cache: None,
            compiling: Mutex::default(),
            is_over: AtomicBool::new(false),
            _ticker: None,
        })
    }

    /// Ends what is being compiled, and compiles no more: whoever waits for it is to stop.
    pub fn stop_compiling(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Time since the clock that ends plugins last ticked.
    pub fn tick_age(&self) -> Duration {
        self.pulse.age()
    }

    /// Whether deadlines work. While they do not, no plugin is entered.
    pub fn is_ticking(&self) -> bool {
        self.pulse.is_beating()
    }
}

/// The engine on which plugins run, and whether it is a bare one.
fn for_serving() -> wasmtime::Result<(Engine, bool)> {
    let mut pooled = config(false);
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    Engine::new(&pooled).map(|engine| (engine, false)).or_else(|err| {
        // The pool reserves address space for every instance there may be, which a limit on it (`ulimit -v`) does not allow.
        tracing::debug!(error = %err, "no address space for a pool of instances");
        Ok((Engine::new(&config(true))?, true))
    })
}

/// An engine whose code runs on one for serving. It starts no instances and reserves nothing for them.
pub(super) fn for_compiling(is_bare: bool) -> wasmtime::Result<Engine> {
    Engine::new(&config(is_bare))
}

/// `is_bare` does without reserved address space: plugins then run somewhat slower, since every access to memory is checked.
fn config(is_bare: bool) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        .wasm_component_model(true)
        // Components whose parts are fused need several memories even where no part asks for more than one.
        .wasm_multi_memory(true)
        // JavaScript built for size uses them.
        .wasm_tail_call(true)
        .wasm_memory64(false)
        // The one part of WebAssembly whose results differ between processors.
        .wasm_relaxed_simd(false)
        .memory_init_cow(true)
        .native_unwind_info(false)
        .wasm_backtrace_max_frames(Some(BACKTRACE_FRAMES));
    if is_bare {
        config
            .memory_reservation(0)
            .memory_guard_size(64 << 10)
            .memory_reservation_for_growth(1 << 20);
    }
    config
}

/// What code of `engine` depends on besides the plugin's file, as lower-case hex: its settings, the processor, the exact release
/// of the compiler, and how a core module is wrapped. When it loads code, wasmtime itself asks for its major version alone,
/// and code from before a repair of the compiler is not to live on.
pub(super) fn fingerprint(engine: &Engine) -> String {
    let mut hasher = Fingerprint(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    (env!("CARGO_PKG_VERSION"), encode::TEXTS).hash(&mut hasher);
    text::hex(&hasher.0.finalize())
}

/// Takes what others hash into numbers of 64 bits, where a mistake would be an accident waiting to happen.
struct Fingerprint(Sha256);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 16)
        .total_memories(INSTANCES * 2)
        .total_tables(INSTANCES * 4)
        .max_core_instances_per_component(limits::CORE_INSTANCES)
        .max_memories_per_component(limits::MEMORIES)
        .max_memories_per_module(limits::MEMORIES)
        .max_tables_per_component(limits::TABLES)
        .max_tables_per_module(limits::TABLES)
        .table_elements(limits::TABLE_ELEMENTS)
        // A slot reserves this much address space anyway; what an instance may use is held by its own limiter.
        .max_memory_size(4 << 30)
        .max_unused_warm_slots(64)
        .linear_memory_keep_resident(1 << 20);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::compile::{Label, Sealed};
    use crate::plugin::raw;

    /// An engine for serving as it is where address space is limited.
    fn bare() -> Engine {
        Engine::new(&config(true)).unwrap()
    }

    #[test]
    fn engines_that_compile_and_engines_that_serve_agree() {
        let (serving, is_bare) = for_serving().unwrap();
        assert_eq!(fingerprint(&for_compiling(is_bare).unwrap()), fingerprint(&serving));
        assert_eq!(fingerprint(&for_compiling(true).unwrap()), fingerprint(&bare()));
        assert_ne!(fingerprint(&for_compiling(false).unwrap()), fingerprint(&bare()));
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_process_and_names_its_parts() {
        let engine = bare();
        assert_eq!((fingerprint(&engine).len(), fingerprint(&engine)), (64, fingerprint(&bare())));
        let mut config = config(true);
        config.cranelift_opt_level(OptLevel::None);
        assert_ne!(fingerprint(&Engine::new(&config).unwrap()), fingerprint(&engine));
    }

    /// What a fingerprint stands for: code of the other kind would leave out checks that this kind needs.
    #[test]
    fn code_runs_on_the_kind_of_engine_that_it_was_compiled_for() {
        let component = wat::parse_str("(component (core module (memory 1)))").unwrap();
        let label = Label { digest: "d".repeat(64), fingerprint: "f".repeat(64) };
        for compiled_for in [false, true] {
            let code = for_compiling(compiled_for).unwrap().precompile_component(&component);
            let sealed = Sealed::of(&label, &code.unwrap());
            for engine in [for_serving().unwrap(), (bare(), true)] {
                let loaded = raw::component(&engine.0, &sealed).map(|_| ());
                assert_eq!(loaded.is_ok(), compiled_for == engine.1, "{loaded:?}");
            }
        }
    }
}
