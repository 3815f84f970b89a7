//! The pages about plugins: how each fares, two versions side by side, and the orders that an operator may give.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde::Deserialize;
use serde_json::json;
use tracing::info;

use super::{Sources, guard};
use crate::control::{Order, Refused};

/// Which pipeline is meant, where several have a plugin of the name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    pipeline: Option<String>,
}

/// Why a request was not carried out.
pub(super) struct Problem {
    status: StatusCode,
    error: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error }))).into_response()
    }
}

impl From<guard::Denied> for Problem {
    fn from(denied: guard::Denied) -> Self {
        let status = match denied {
            guard::Denied::Token => StatusCode::UNAUTHORIZED,
            guard::Denied::Elsewhere | guard::Denied::Roundabout => StatusCode::FORBIDDEN,
        };
        Self { status, error: denied.to_string() }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::Unknown(_) => StatusCode::NOT_FOUND,
            Refused::Conflict(_) => StatusCode::CONFLICT,
        };
        Self { status, error: refused.to_string() }
    }
}

pub(super) async fn list(State(sources): State<Sources>) -> Response {
    Json(sources.operator.plugins()).into_response()
}

pub(super) async fn diff(
    State(sources): State<Sources>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(plugin): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    guard::admit(sources.token.as_deref(), peer, &headers)?;
    let diff = sources.operator.diff(which.pipeline.as_deref(), &plugin)?;
    Ok(Json(diff).into_response())
}

pub(super) async fn order(
    State(sources): State<Sources>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path((plugin, order)): Path<(String, String)>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    guard::admit(sources.token.as_deref(), peer, &headers)?;
    let Some(order) = Order::ALL.into_iter().find(|known| known.as_str() == order) else {
        let known = Order::ALL.map(Order::as_str).join(", ");
        let error = format!("there is no order of this name; known are {known}");
        return Err(Problem { status: StatusCode::NOT_FOUND, error });
    };
    let pipeline = which.pipeline.as_deref();
    let done = sources.operator.order(pipeline, &plugin, order);
    let told = done.as_ref().map_or_else(ToString::to_string, Clone::clone);
    info!(%peer, pipeline, plugin, order = order.as_str(), told, "an operator's order");
    Ok(Json(json!({ "done": done? })).into_response())
}
