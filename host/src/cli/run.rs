//! `lockgate run`: the gateway as a service, from the configuration to the last drain. Knows signals and exit codes; what runs is
//! the gateway's.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::admin;
use crate::config::Config;
use crate::gateway::{self, Stop, Windows};
use crate::health::Health;
use crate::metrics::Metrics;
use crate::tasks::{self, Tasks};

/// What is left to do once every lane is drained takes no longer than this.
const AFTERMATH: Duration = Duration::from_secs(10);

/// Carry events until told to stop
///
/// Reads the configuration, loads every plugin, connects, and runs until SIGTERM or SIGINT: then it takes no more records,
/// settles those it has within `drain`, commits and leaves. A second signal leaves at once; what was not settled is read again
/// by whoever gets the partition next. Anything wrong with the configuration or a required plugin ends it before the first
/// record is read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  lockgate run --config /etc/lockgate/lockgate.toml --log-format json")]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::DEFAULT_CONFIG)]
    config: PathBuf,
}

impl Args {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let config = Config::load(&self.config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("lockgate-side")
            .enable_all()
            .build()
            .context("starting the runtime")?;
        runtime.block_on(serve(config))?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let metrics = Arc::new(Metrics::register().context("registering metrics")?);
    let windows = Windows { health: Health::new(Instant::now()), metrics, desk: Arc::default() };
    let stop = Arc::new(Stop::new(config.drain));
    let patience = config.drain + AFTERMATH;
    let mut tasks = Tasks::default();
    if let Some(address) = config.admin.listen {
        let listener = admin::bind(address).await?;
        let sources = admin::Sources {
            operator: Arc::<gateway::Desk>::clone(&windows.desk),
            token: config.admin.token.as_deref().map(Into::into),
            health: Arc::clone(&windows.health),
            metrics: Arc::clone(&windows.metrics),
        };
        tasks.spawn("admin", |stop| admin::serve(listener, sources, stop));
    }
    let signals = Signals::new()?;
    let options = super::engine::options(Some(&config))?;
    let (draining, health) = (Arc::clone(&stop), Arc::clone(&windows.health));
    tasks.spawn("signals", |over| signals.watch(draining, health, over));
    tasks.spawn_blocking("gateway", move |_| gateway::run(&config, options, &windows, &stop));
    tasks.join(patience).await
}

/// The signals that ask for an end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// The first signal drains; the second one ends the process, since whoever sends it has no time left.
    async fn watch(
        mut self,
        stop: Arc<Stop>,
        health: Arc<Health>,
        mut over: tasks::Stop,
    ) -> anyhow::Result<()> {
        tokio::select! {
            () = self.next() => {}
            () = over.wait() => return Ok(()),
        }
        info!("told to stop; draining");
        health.drain();
        stop.drain();
        tokio::select! {
            () = self.next() => leave(),
            () = over.wait() => Ok(()),
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a second signal asks to leave without the drain that a return from main would wait for"
)]
fn leave() -> anyhow::Result<()> {
    warn!(
        "told to stop again; leaving at once, what is not committed is read again after the restart"
    );
    std::process::exit(1)
}
