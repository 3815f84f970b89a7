//! What all plugins of the process share: one engine, the clock that ends calls, and the host functions they may import. Must not
//! know files or single plugins.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
};

use super::bindings::Plugin;
use super::compile::Code;
use super::encode::Encoder;
use super::imports::Guest;
use super::limits;
use super::ticker::{EpochTicker, Pulse};
use crate::config::Trust;

/// The most instances of the process: lanes times plugins, twice while a reload tries new versions.
const INSTANCES: u32 = 1_000;

/// The deepest a plugin's calls may nest. A lane's thread needs a few times this much.
const STACK_BYTES: usize = 512 << 10;

/// Frames of a plugin's stack that a fault can name.
const BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not 0");

/// How plugins get to be loaded.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub trust: Trust,
    /// The folder of compiled plugins; none where they are not kept.
    pub cache: Option<PathBuf>,
    /// The program whose hidden command compiles plugins in a process of its own; none where this process does it.
    pub compiler: Option<PathBuf>,
}

/// The shared ground of all plugins. One for the whole process.
pub struct Runtime {
    pub(super) options: Options,
    pub(super) engine: Engine,
    pub(super) linker: Linker<Guest>,
    pub(super) encoder: Encoder,
    pub(super) pulse: Arc<Pulse>,
    /// By the digest of its file: what several pipelines use is compiled once.
    pub(super) in_use: Mutex<HashMap<String, Weak<Code>>>,
    _ticker: Option<EpochTicker>,
}

impl Runtime {
    /// With everything in this process and nothing kept, for tests and benches.
    pub fn start() -> anyhow::Result<Arc<Self>> {
        Self::start_with(Options::default())
    }

    pub fn start_with(options: Options) -> anyhow::Result<Arc<Self>> {
        let mut runtime = Self { options, ..Self::without_clock()? };
        let ticker = EpochTicker::start(&runtime.engine, Arc::clone(&runtime.pulse))?;
        runtime._ticker = Some(ticker);
        Ok(Arc::new(runtime))
    }

    /// A runtime that has no means to end a call, and therefore enters no plugin.
    pub(super) fn without_clock() -> anyhow::Result<Self> {
        let engine = engine().map_err(|err| anyhow::anyhow!("preparing WebAssembly: {err:#}"))?;
        let mut linker = Linker::new(&engine);
        Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)
            .map_err(|err| anyhow::anyhow!("preparing the functions of plugins: {err:#}"))?;
        let pulse = Arc::new(Pulse::new());
        Ok(Self {
            options: Options::default(),
            engine,
            linker,
            encoder: Encoder::new()?,
            pulse,
            in_use: Mutex::default(),
            _ticker: None,
        })
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

fn engine() -> wasmtime::Result<Engine> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    Engine::new(&config).or_else(|err| {
        // The pool reserves address space for every instance there may be, which a limit on it (`ulimit -v`) does not allow.
        // Without the reservation plugins run somewhat slower, since every access to memory is checked.
        tracing::debug!(error = %err, "no address space for a pool of instances");
        config
            .allocation_strategy(InstanceAllocationStrategy::OnDemand)
            .memory_reservation(0)
            .memory_guard_size(64 << 10)
            .memory_reservation_for_growth(1 << 20);
        Engine::new(&config)
    })
}

fn config() -> Config {
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
    config
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
