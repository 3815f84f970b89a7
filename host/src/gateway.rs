//! The running gateway: plugins loaded, topics checked, lanes started, folders watched, everything stopped again. The only
//! place that knows every part.

mod complaints;
mod desk;
mod lane;
mod observe;
mod ownership;
pub mod parking;
mod partitions;
mod plugins;
mod send;
mod shadow;
mod stop;
mod tap;
mod topics;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use tracing::{error, info};

use crate::chain::Stage;
use crate::config::{self, Config, PluginMessages};
use crate::health::{Clock, Health, PipelineState};
use crate::metrics::{self, Metrics};
use crate::plugin::{
    Catalog, FolderWatch, Hurdles, Options, Past, Rehearsal, Runtime, SharedTrial, Sources, Version,
};
use desk::{Counter, Hooks};
use lane::{Lane, Parts};
use observe::Observer;
use ownership::Seat;
use parking::{Bay, Parking};
use plugins::{LiveTables, Plugins};

pub use desk::Desk;
pub use shadow::Shadow;
pub use stop::Stop;
pub use tap::{Tap, Watch};

/// Plugins and the scanner work on the lane's own stack; wasmtime wants room above its half megabyte for guests.
const LANE_STACK: usize = 4 << 20;

/// A pipeline with its plugins loaded, connected to nothing yet.
pub struct Loaded {
    pub settings: Arc<config::Pipeline>,
    pub catalog: Arc<Catalog>,
    pub parking: Arc<Parking>,
    live: Arc<LiveTables>,
    tap: Arc<Tap>,
    /// One for each lane.
    seats: Vec<Arc<Seat>>,
}

impl Loaded {
    /// Loads the plugins of a pipeline's folder. An error also where it is known already that they would let protected columns
    /// leave in clear.
    pub fn load(runtime: &Arc<Runtime>, settings: &config::Pipeline) -> anyhow::Result<Self> {
        Self::load_unproven(runtime, settings)?.proven()
    }

    fn proven(self) -> anyhow::Result<Self> {
        plugins::look_ahead(&self.settings, self.stages())
            .map_err(|why| anyhow!("pipeline \"{}\": {why}", self.settings.name))?;
        Ok(self)
    }

    /// Loads the plugins of a pipeline's folder, whatever they cover.
    pub fn load_unproven(
        runtime: &Arc<Runtime>,
        settings: &config::Pipeline,
    ) -> anyhow::Result<Self> {
        Self::load_with(runtime, settings, None)
    }

    /// As [`Self::load`], for a gateway that runs: with what `cache` holds of what an earlier one has learned.
    fn resume(
        runtime: &Arc<Runtime>,
        settings: &config::Pipeline,
        cache: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let trial =
            |chain: &[_]| plugins::look_ahead(settings, chain.iter().map(plugins::stage).collect());
        let past = |cache| Past { cache, pipeline: &settings.name, trial: &trial };
        Self::load_with(runtime, settings, cache.map(past))?.proven()
    }

    fn load_with(
        runtime: &Arc<Runtime>,
        settings: &config::Pipeline,
        past: Option<Past<'_>>,
    ) -> anyhow::Result<Self> {
        let (folder, required) = (&settings.plugins, &settings.required);
        let sources = sources(settings.plugin_messages);
        let catalog = Catalog::resume(runtime, folder, required, sources, past)
            .with_context(|| format!("pipeline \"{}\"", settings.name))?;
        Ok(Self {
            settings: Arc::new(settings.clone()),
            catalog: Arc::new(catalog),
            parking: Arc::default(),
            live: Arc::default(),
            tap: Arc::default(),
            seats: (0..settings.lanes).map(|_| Arc::default()).collect(),
        })
    }

    /// What a chain is tried with before it serves.
    fn trial(&self) -> SharedTrial {
        let (live, settings) = (Arc::clone(&self.live), Arc::clone(&self.settings));
        Arc::new(move |candidates: &[_]| live.trial(&settings, candidates))
    }

    /// A chain of fresh instances of the plugins that serve now.
    pub fn stages(&self) -> Vec<Stage> {
        self.catalog.current().plugins.iter().map(plugins::stage).collect()
    }
}

/// Where a plugin folder's settings and official plugins come from.
pub fn sources(messages: PluginMessages) -> Sources {
    Sources {
        read_settings: Box::new(|text, path| {
            config::PluginFile::parse(text, path).map_err(|error| error.to_string())
        }),
        official: lockgate_plugins::official,
        messages,
    }
}

/// One plugin as a stage of a chain, with a fresh instance.
pub fn stage(version: &Arc<Version>) -> Stage {
    plugins::stage(version)
}

/// What `run` shows to the outside while it runs.
pub struct Windows {
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    /// Takes questions and orders about plugins.
    pub desk: Arc<Desk>,
}

impl Windows {
    fn watch_clock(&self, runtime: &Arc<Runtime>) -> anyhow::Result<()> {
        let (first, second) = (Arc::clone(runtime), Arc::clone(runtime));
        self.health
            .watch_clock(move || Clock { age: first.tick_age(), is_ticking: first.is_ticking() });
        self.metrics.watch_clock(move || second.tick_age()).context("registering a metric")
    }
}

/// Runs every pipeline until `stop` says to drain and the drain is over, or until a lane cannot go on. Blocks.
///
/// # Errors
///
/// When plugins do not load, topics are not as the configuration needs them, or a lane ended badly.
pub fn run(
    config: &Config,
    options: Options,
    windows: &Windows,
    stop: &Arc<Stop>,
) -> anyhow::Result<()> {
    let cache = options.cache.clone();
    if cache.is_none() {
        info!("without a `cache` folder, what rollouts learn is forgotten at the restart");
    }
    let runtime = Runtime::start_with(options)?;
    windows.watch_clock(&runtime)?;
    let pipelines: Vec<Loaded> = config
        .pipelines
        .iter()
        .map(|settings| {
            windows.health.set_pipeline_state(&settings.name, PipelineState::Starting);
            Loaded::resume(&runtime, settings, cache.as_deref())
        })
        .collect::<anyhow::Result<_>>()?;
    let Some(limits) = topics::prepare(&config.kafka, &pipelines, stop)? else { return Ok(()) };
    let topics = topics::Watch::start(&config.kafka, &pipelines, windows)?;
    let kafka = Arc::new(config.kafka.clone());
    let mut watches = Vec::new();
    let mut lanes = Vec::new();
    for (pipeline, record_bytes) in pipelines.iter().zip(limits) {
        let totals = Arc::new(windows.metrics.pipeline(&pipeline.settings.name));
        let settings = Arc::new(within(&pipeline.settings, record_bytes));
        watches.push(watch(pipeline, &settings, windows, &totals)?);
        if settings.plugin_messages == PluginMessages::Withhold {
            let pipeline = &*settings.name;
            info!(
                pipeline,
                "what plugins say in their own words is withheld, as plugin_messages says"
            );
        }
        for (number, seat) in pipeline.seats.iter().enumerate() {
            let parts = Parts {
                kafka: Arc::clone(&kafka),
                settings: Arc::clone(&settings),
                number,
                plugins: Plugins::new(&pipeline.catalog, &pipeline.live),
                observer: Observer::new(
                    &settings.name,
                    number,
                    &windows.metrics,
                    &windows.health,
                    &totals,
                ),
                seat: Arc::clone(seat),
                bay: Bay::new(&pipeline.parking, number, &totals),
                tap: Arc::clone(&pipeline.tap),
                stop: Arc::clone(stop),
            };
            lanes.push(start_lane(parts)?);
        }
    }
    info!(pipelines = pipelines.len(), lanes = lanes.len(), "gateway running");
    let ended = join(lanes, stop);
    // The watches end when they have loaded what they are loading.
    runtime.stop_compiling();
    drop(watches);
    drop(topics);
    ended
}

/// Watches the folder of `pipeline`, and opens its counter at the desk.
fn watch(
    pipeline: &Loaded,
    settings: &Arc<config::Pipeline>,
    windows: &Windows,
    totals: &Arc<metrics::Pipeline>,
) -> anyhow::Result<FolderWatch> {
    let shadow = Arc::new(Shadow::new(Arc::clone(settings), Arc::clone(&pipeline.tap)));
    let rehearsal: Arc<dyn Rehearsal> = Arc::<Shadow>::clone(&shadow);
    let hurdles = Hurdles { trial: pipeline.trial(), rehearsal: Some(rehearsal) };
    windows.desk.open(Counter {
        pipeline: settings.name.as_str().into(),
        catalog: Arc::clone(&pipeline.catalog),
        trial: Arc::clone(&hurdles.trial),
        hooks: hooks(pipeline, shadow),
    });
    watch::start(pipeline, hurdles, windows, totals)
}

fn hooks(pipeline: &Loaded, shadow: Arc<Shadow>) -> Hooks {
    let (parked, released) = (Arc::clone(&pipeline.parking), Arc::clone(&pipeline.parking));
    let release = move |plugin: &str| {
        let keys = released.keys_of(plugin);
        released.release(Some(plugin));
        keys
    };
    Hooks {
        diff: Some(Arc::new(move |plugin: &str| shadow.latest(plugin))),
        parked: Some(Arc::new(move |plugin: &str| parked.keys_of(plugin))),
        release: Some(Arc::new(release)),
    }
}

/// The records that the broker takes may be smaller than those the configuration allows.
fn within(settings: &config::Pipeline, record_bytes: Option<usize>) -> config::Pipeline {
    let mut settings = settings.clone();
    let limit = settings.limits.record_bytes;
    settings.limits.record_bytes = record_bytes.unwrap_or(limit).min(limit);
    settings
}

fn start_lane(parts: Parts) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let name = format!("lane {}/{}", parts.settings.name, parts.number);
    let doing = name.clone();
    let lane = Lane::start(parts).with_context(|| format!("starting {name}"))?;
    let run = move || lane.run();
    thread::Builder::new()
        .name(name)
        .stack_size(LANE_STACK)
        .spawn(run)
        .with_context(|| format!("starting the thread of {doing}"))
}

/// Waits for the lanes. The first that ends badly makes the others drain; past the deadline nobody is waited for.
fn join(lanes: Vec<JoinHandle<anyhow::Result<()>>>, stop: &Stop) -> anyhow::Result<()> {
    let mut open = lanes;
    let mut ended = Ok(());
    loop {
        let (done, running): (Vec<_>, Vec<_>) = open.into_iter().partition(JoinHandle::is_finished);
        for lane in done {
            let result = lane.join().unwrap_or_else(|_| Err(anyhow!("a lane panicked")));
            if let Err(cause) = &result {
                error!(error = format!("{cause:#}"), "a lane ended; the others drain");
                stop.drain();
            }
            ended = ended.and(result);
        }
        open = running;
        if open.is_empty() {
            return ended;
        }
        if stop.is_draining() && Instant::now() > stop.deadline() + Duration::from_secs(5) {
            return ended.and(Err(anyhow!(
                "draining: {} lanes did not stop in time; what they held is read again after the restart",
                open.len()
            )));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
