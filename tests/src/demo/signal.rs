//! Ctrl-C and SIGTERM, noted to be asked for. The first one asks for the summary; who asks decides when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

pub(super) struct Interrupt {
    happened: Arc<AtomicBool>,
    _runtime: Runtime,
}

impl Interrupt {
    /// From here on both signals are noted and end nothing by themselves.
    pub(super) fn watch() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("starting the thread for signals")?;
        let happened = Arc::new(AtomicBool::new(false));
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let mut signals =
                runtime.block_on(async { signal(kind) }).context("catching Ctrl-C")?;
            let happened = Arc::clone(&happened);
            drop(runtime.spawn(async move {
                while signals.recv().await.is_some() {
                    happened.store(true, Ordering::SeqCst);
                }
            }));
        }
        Ok(Self { happened, _runtime: runtime })
    }

    pub(super) fn happened(&self) -> bool {
        self.happened.load(Ordering::SeqCst)
    }
}
