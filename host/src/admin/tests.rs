//! The pages through a real socket.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;
use crate::control::{Diff, Order, PluginView, Refused};
use crate::health::{Group, PipelineState};
use crate::tasks::Tasks;

/// Far more than an answer takes; a hang is a failure.
const DEADLINE: Duration = Duration::from_secs(10);

fn sources() -> Sources {
    let metrics = Arc::new(Metrics::register().unwrap());
    let operator = Arc::new(Nobody);
    Sources { health: Health::new(Instant::now()), metrics, operator, token: None }
}

/// Has no plugins.
struct Nobody;

impl Operator for Nobody {
    fn plugins(&self) -> Vec<PluginView> {
        Vec::new()
    }

    fn diff(&self, _: Option<&str>, _: &str) -> Result<Diff, Refused> {
        Err(Refused::Unknown("there are no plugins".to_owned()))
    }

    fn order(&self, _: Option<&str>, _: &str, _: Order) -> Result<String, Refused> {
        Err(Refused::Unknown("there are no plugins".to_owned()))
    }
}

/// The status and the body of `path`, served from `sources`; then the server is told to stop, and has to.
async fn get(sources: Sources, path: &'static str) -> (u16, String) {
    let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (answer, answered) = std::sync::mpsc::channel();
    let mut tasks = Tasks::default();
    tasks.spawn("admin", |stop| serve(listener, sources, stop));
    tasks.spawn_blocking("client", move |_| {
        let mut socket = TcpStream::connect_timeout(&address, DEADLINE)?;
        socket.set_read_timeout(Some(DEADLINE))?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes())?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        answer.send(text)?;
        Ok(())
    });
    tasks.join(DEADLINE).await.unwrap();
    let text = answered.recv().unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn metrics_are_served_as_text() {
    let sources = sources();
    let _shop = sources.metrics.pipeline("shop");
    let (status, body) = get(sources, "/metrics").await;
    assert_eq!(status, 200);
    assert!(body.contains("lockgate_records_total{outcome=\"forwarded\",pipeline=\"shop\"} 0"));
}

#[tokio::test]
async fn a_gateway_that_starts_is_live_and_not_ready() {
    let sources = sources();
    sources.health.set_pipeline_state("shop", PipelineState::Starting);
    assert_eq!(get(sources.clone(), "/livez").await, (200, r#"{"live":true,"reasons":[]}"#.into()));
    let (status, body) = get(sources, "/readyz").await;
    assert_eq!(status, 503);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["ready"], false);
    let reason = body["reasons"][0].as_str().unwrap();
    assert!(reason.starts_with("pipeline \"shop\" is starting"), "{reason}");
}

#[tokio::test]
async fn a_running_gateway_is_ready() {
    let sources = sources();
    sources.health.set_pipeline_state("shop", PipelineState::Running);
    let lane = sources.health.lane("shop", 0, Instant::now());
    lane.set_group(Group::Member { partitions: 1 });
    let (status, body) = get(sources, "/readyz").await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(r#""group":"member","partitions":1"#), "{body}");
}

#[tokio::test]
async fn the_index_leads_to_the_pages() {
    let (status, body) = get(sources(), "/").await;
    assert_eq!(status, 200);
    assert!(body.contains("href=\"/metrics\""));
    assert_eq!(get(sources(), "/nowhere").await.0, 404);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_key_to_change() {
    let taken = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = format!("{:#}", bind(address).await.unwrap_err());
    assert_eq!(
        error,
        format!(
            "listening on {address} for metrics and health; \"listen\" under [admin] sets another \
             address, and \"off\" none: Address already in use (os error 98)"
        )
    );
}

/// Whoever has sent half a request, or nothing at all, is told to go, and nobody waits for him.
#[tokio::test]
async fn a_client_that_says_nothing_holds_up_neither_the_others_nor_the_end() {
    let bounds = connections::Bounds {
        head: Duration::from_millis(100),
        last: Duration::from_millis(100),
        ..connections::BOUNDS
    };
    for is_stopped in [false, true] {
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let head = if is_stopped { DEADLINE * 10 } else { bounds.head };
        let bounds = connections::Bounds { head, ..bounds };
        let mut tasks = Tasks::default();
        let pages = pages::router(sources());
        tasks.spawn("admin", move |stop| async move {
            connections::serve(listener, pages, bounds, stop).await;
            Ok(())
        });
        let (mute, heard) = std::sync::mpsc::channel();
        tasks.spawn_blocking("client", move |_| {
            // More than are taken in at a time.
            for number in 0..130 {
                let mut socket = TcpStream::connect_timeout(&address, DEADLINE)?;
                socket.set_read_timeout(Some(DEADLINE))?;
                if number % 2 == 0 {
                    socket.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n")?;
                }
                mute.send(socket)?;
            }
            if is_stopped {
                return Ok(());
            }
            let mut socket = TcpStream::connect_timeout(&address, DEADLINE)?;
            socket.set_read_timeout(Some(DEADLINE))?;
            socket.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
            let mut answer = String::new();
            socket.read_to_string(&mut answer)?;
            anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            Ok(())
        });
        tasks.join(DEADLINE).await.unwrap();
        assert_eq!(heard.iter().count(), 130);
    }
}
