//! How many may be connected to the admin side at a time, and for how long: whoever says nothing must neither use up the files that
//! Kafka's connections need, nor hold up the end. Must not know the pages.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::tasks::Stop;

/// Those that come on top wait to be taken in.
const CONNECTIONS: usize = 128;

/// What connections are allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// For the head of a request, the time before its first byte included: longer than between two scrapes that share a connection.
    pub(super) head: Duration,
    /// For all requests of a connection together.
    pub(super) whole: Duration,
    /// For what is under way when it is to end.
    pub(super) last: Duration,
}

pub(super) const BOUNDS: Bounds = Bounds {
    head: Duration::from_secs(30),
    whole: Duration::from_secs(600),
    last: Duration::from_secs(5),
};

/// How long to wait where the process has no file left for a connection.
const NO_FILE: Duration = Duration::from_secs(1);

/// Serves `pages` to everybody who connects, until told to stop.
pub(super) async fn serve(listener: TcpListener, pages: Router, bounds: Bounds, mut stop: Stop) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.wait() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((socket, peer)) => {
                    let pages = pages.clone().layer(Extension(ConnectInfo(peer)));
                    connections.spawn(attend(socket, peer, pages, bounds, stop.clone()));
                }
                Err(error) if is_of_the_other_side(&error) => {}
                Err(error) => {
                    warn!(%error, "nobody can connect to the admin side");
                    sleep(NO_FILE).await;
                }
            },
        }
    }
    drop(listener);
    // Each ends in time by itself.
    while connections.join_next().await.is_some() {}
}

async fn attend(
    socket: TcpStream,
    peer: SocketAddr,
    pages: Router,
    bounds: Bounds,
    mut stop: Stop,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(pages));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        () = stop.wait() => None,
        () = sleep(bounds.whole) => None,
    };
    let ended = match ended {
        Some(ended) => Ok(ended),
        None => {
            connection.as_mut().graceful_shutdown();
            timeout(bounds.last, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%peer, %error, "a connection to the admin side broke off"),
        Err(_) => debug!(%peer, "a connection to the admin side was cut off"),
    }
}

/// Whether it was gone before it was taken in.
fn is_of_the_other_side(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
