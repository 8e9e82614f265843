//! Zipkin's port (9411): what Zipkin 3.6 or jaeger-collector 1.76 accepts is accepted.
//!
//! `POST …/api/v2/spans`, with any prefix and with or without a slash at its end. The answer is an
//! empty 202 as soon as the spans are safe; 400 only if none could be read; 503 with Retry-After if
//! there is no room. Nothing sent at all, or an empty list, is what reporters send to try the
//! connection, and is 202. Any content type but protobuf means JSON.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ALLOW, CONTENT_TYPE, ORIGIN,
};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use axum::routing::{any, get};

use super::{Reception, Take, answer, grpc};
use crate::pipeline::Protocol;
use crate::telemetry::health::Health;
use std::sync::Arc;

/// Methods of the collector's paths.
const ALLOWED: &str = "POST, OPTIONS";

/// The collector's routes, by the last words of a path.
const SPANS_V2: &str = "/api/v2/spans";
const SPANS_V1: &str = "/api/v1/spans";

/// The routes of port 9411.
pub fn router<T: Take>(reception: Reception<T>, health: Arc<Health>) -> Router {
    let calls = grpc::zipkin(&reception);
    Router::new()
        .route(SPANS_V2, any(spans::<T>))
        .fallback(other::<T>)
        .with_state(reception)
        .merge(calls)
        .route("/health", get(move || async move { probe(&health) }))
        .route(
            "/info",
            get(|| async {
                json(StatusCode::OK, concat!(r#"{"zipkin":{"version":"spaniel "#, env!("CARGO_PKG_VERSION"), r#""}}"#))
            }),
        )
}

/// Paths with a prefix or with a slash at the end, and those that nobody serves.
async fn other<T: Take>(state: State<Reception<T>>, request: Request) -> Response<Body> {
    let request = match grpc::refuse_for_zipkin(&state.0, request).await {
        Ok(refused) => return refused,
        Err(request) => request,
    };
    let path = request.uri().path().trim_end_matches('/');
    if path.ends_with(SPANS_V2) || path.ends_with("/api/v2/span") {
        return spans(state, request).await;
    }
    let not_here = if path.ends_with(SPANS_V1) {
        (StatusCode::BAD_REQUEST, "Zipkin v1 is not read yet: send Zipkin v2 JSON to /api/v2/spans")
    } else {
        (StatusCode::NOT_FOUND, "nothing is here: spans go to POST /api/v2/spans")
    };
    refuse(&state.0, not_here.0, not_here.1)
}

/// A request to the collector.
async fn spans<T: Take>(State(reception): State<Reception<T>>, request: Request) -> Response<Body> {
    let from_page = request.headers().contains_key(ORIGIN);
    let mut response = match *request.method() {
        Method::POST => post(&reception, request).await,
        Method::OPTIONS => preflight(),
        _ => {
            reception.metrics.request_refused(Protocol::ZipkinJson.name(), 405);
            answer::method_not_allowed(ALLOWED)
        }
    };
    if from_page {
        answer::set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    }
    response
}

async fn post<T: Take>(reception: &Reception<T>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    if is_protobuf(&head.headers) {
        let words = "Zipkin's protobuf is not read yet: send Zipkin v2 JSON";
        return refuse(reception, StatusCode::UNSUPPORTED_MEDIA_TYPE, words);
    }
    let admitted = match reception.bodies.read(&head.headers, body).await {
        Ok(admitted) => admitted,
        Err(error) => {
            let status = answer::status_of_body(&error);
            reception.metrics.request_refused(Protocol::ZipkinJson.name(), status.as_u16());
            return answer::not_admitted(&reception.metrics, &error, status, &error.to_string());
        }
    };
    if matches!(admitted.bytes.trim_ascii(), b"" | b"[]") {
        return answer::accepted();
    }
    match reception.take.take(Protocol::ZipkinJson, admitted.bytes, admitted.reservation).await {
        Ok(_) => answer::accepted(),
        Err(rejected) => refuse(reception, answer::status_of_rejection(&rejected), &rejected.to_string()),
    }
}

fn refuse<T>(reception: &Reception<T>, status: StatusCode, words: &str) -> Response<Body> {
    reception.metrics.request_refused(Protocol::ZipkinJson.name(), status.as_u16());
    answer::words(status, words)
}

/// Protobuf, with or without parameters, whatever its case.
fn is_protobuf(headers: &HeaderMap) -> bool {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = text.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/x-protobuf")
}

/// Tracers in pages ask first. As Zipkin's, whose `ZIPKIN_QUERY_ALLOWED_ORIGINS` is `*`.
fn preflight() -> Response<Body> {
    let mut response = answer::status(StatusCode::NO_CONTENT);
    answer::set(&mut response, ALLOW, ALLOWED);
    answer::set(&mut response, ACCESS_CONTROL_ALLOW_METHODS, ALLOWED);
    answer::set(&mut response, ACCESS_CONTROL_ALLOW_HEADERS, "content-type, content-encoding");
    answer::set(&mut response, ACCESS_CONTROL_MAX_AGE, "86400");
    response
}

fn probe(health: &Health) -> Response<Body> {
    match health.is_alive() {
        true => json(StatusCode::OK, r#"{"status":"UP"}"#),
        false => json(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"DOWN"}"#),
    }
}

fn json(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = answer::status(status);
    *response.body_mut() = Body::from(text);
    answer::set(&mut response, CONTENT_TYPE, "application/json");
    response
}
