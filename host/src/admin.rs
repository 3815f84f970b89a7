//! The gateway's HTTP side: metrics, liveness, readiness, and what an operator sees and orders of plugins. Reads what others wrote
//! down and hands orders on; must not know Kafka, plugins, or how an order is carried out.

mod connections;
mod guard;
mod pages;
mod plugins;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tracing::info;

use crate::control::Operator;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::tasks::Stop;

/// What the pages show.
#[derive(Clone)]
pub struct Sources {
    pub health: Arc<Health>,
    pub metrics: Arc<Metrics>,
    pub operator: Arc<dyn Operator>,
    /// What orders have to show; none where they are taken from this host alone.
    pub token: Option<Arc<str>>,
}

/// Takes the address, before anything else starts: a port in use is found out at once.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "listening on {address} for metrics and health; \"listen\" under [admin] sets another \
             address, and \"off\" none"
        )
    })
}

/// Serves until told to stop; requests under way are still answered.
pub async fn serve(listener: TcpListener, sources: Sources, stop: Stop) -> anyhow::Result<()> {
    let address = listener.local_addr().context("asking for the admin side's own address")?;
    info!(%address, "serving metrics and health");
    connections::serve(listener, pages::router(sources), connections::BOUNDS, stop).await;
    Ok(())
}

#[cfg(test)]
mod tests;
