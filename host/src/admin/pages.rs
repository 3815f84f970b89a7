//! The pages, one function each.

use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::{get, post};

use super::{Sources, plugins};

pub(super) fn router(sources: Sources) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/plugins", get(plugins::list))
        .route("/plugins/{plugin}/diff", get(plugins::diff))
        .route("/plugins/{plugin}/{order}", post(plugins::order))
        .with_state(sources)
}

async fn index() -> Html<String> {
    Html(format!(
        "<!doctype html><title>lockgate</title><h1>lockgate {version}</h1><ul>\n\
         <li><a href=\"/readyz\">/readyz</a>: 200 when every pipeline carries records, else 503 with the reasons\n\
         <li><a href=\"/livez\">/livez</a>: 200 when every lane turns\n\
         <li><a href=\"/plugins\">/plugins</a>: every plugin, what serves and what is on its way; `lockgate plugin` shows and \
         changes it\n\
         <li><a href=\"/metrics\">/metrics</a>: for Prometheus\n</ul>\n",
        version = env!("CARGO_PKG_VERSION"),
    ))
}

async fn metrics(State(sources): State<Sources>) -> Response {
    match sources.metrics.render() {
        Ok(text) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            let text = format!("gathering the metrics: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

async fn livez(State(sources): State<Sources>) -> Response {
    let liveness = sources.health.liveness(Instant::now());
    (status(liveness.live), Json(liveness)).into_response()
}

async fn readyz(State(sources): State<Sources>) -> Response {
    let readiness = sources.health.readiness(Instant::now());
    (status(readiness.ready), Json(readiness)).into_response()
}

fn status(is_well: bool) -> StatusCode {
    if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
