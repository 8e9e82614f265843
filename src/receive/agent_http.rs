//! jaeger-agent's port for its clients (5778): which share to sample, and what baggage they may
//! carry. No strategies are known here yet, so that each service hears what jaeger-collector says
//! without any: one trace in a thousand.
//!
//! `/sampling` writes the type of a strategy as a word, `/` as a number, for very old clients: each
//! kind of client reads only one of them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Response, StatusCode};

use super::answer;
use crate::telemetry::metrics::Metrics;

const DEFAULT: &str = r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.001}}"#;
const DEFAULT_BY_NUMBER: &str = r#"{"strategyType":0,"probabilisticSampling":{"samplingRate":0.001}}"#;
/// Baggage is not restricted.
const NO_RESTRICTIONS: &str = "[]";

/// The routes of port 5778.
pub fn router(metrics: Arc<Metrics>) -> Router {
    Router::new().fallback(route).with_state(metrics)
}

async fn route(State(metrics): State<Arc<Metrics>>, request: Request) -> Response<Body> {
    let said = match request.uri().path() {
        "/sampling" => DEFAULT,
        "/" => DEFAULT_BY_NUMBER,
        "/baggageRestrictions" => NO_RESTRICTIONS,
        _ => return refuse(&metrics, answer::words(StatusCode::NOT_FOUND, "404 page not found")),
    };
    if request.method() != Method::GET {
        return refuse(&metrics, answer::method_not_allowed("GET"));
    }
    if services(request.uri().query().unwrap_or_default()) != 1 {
        let words = "'service' parameter must be provided once";
        return refuse(&metrics, answer::words(StatusCode::BAD_REQUEST, words));
    }
    let mut response = answer::status(StatusCode::OK);
    *response.body_mut() = Body::from(said);
    answer::set(&mut response, CONTENT_TYPE, "application/json");
    response
}

/// How often the query string names a service, an empty one too.
fn services(query: &str) -> usize {
    query.split('&').filter(|pair| pair.split('=').next() == Some("service")).count()
}

fn refuse(metrics: &Metrics, response: Response<Body>) -> Response<Body> {
    metrics.request_refused("agent-http", response.status().as_u16());
    response
}
