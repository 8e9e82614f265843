//! jaeger-agent's port for its clients (5778): which share to sample, and what baggage they may
//! carry. jaeger-agent asked its collector; this is the collector.
//!
//! `/sampling` writes the type of a strategy as a word, `/` as a number, for very old clients: each
//! kind of client reads only one of them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};

use super::{answer, strategies};
use crate::sample::strategies::StrategiesHandle;
use crate::telemetry::metrics::{Metrics, StrategyForm};

/// Baggage is not restricted.
const NO_RESTRICTIONS: &str = "[]";

/// What the port answers from.
#[derive(Debug, Clone)]
struct Agency {
    strategies: StrategiesHandle,
    metrics: Arc<Metrics>,
}

/// The routes of port 5778.
pub fn router(strategies: StrategiesHandle, metrics: Arc<Metrics>) -> Router {
    Router::new().fallback(route).with_state(Agency { strategies, metrics })
}

async fn route(State(Agency { strategies: known, metrics }): State<Agency>, request: Request) -> Response<Body> {
    let asked = (request.method(), request.uri());
    let response = match request.uri().path() {
        "/sampling" => strategies::tell(&known, &metrics, asked, StrategyForm::Named),
        "/" => strategies::tell(&known, &metrics, asked, StrategyForm::Numbered),
        "/baggageRestrictions" => match strategies::service(asked.0, asked.1) {
            Ok(_) => strategies::told(NO_RESTRICTIONS),
            Err(refused) => refused.answer(),
        },
        _ => answer::words(StatusCode::NOT_FOUND, "404 page not found"),
    };
    if response.status() != StatusCode::OK {
        metrics.request_refused("agent-http", response.status().as_u16());
    }
    response
}
