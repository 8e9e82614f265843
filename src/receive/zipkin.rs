//! Zipkin's port (9411): what Zipkin 3.6 or jaeger-collector 1.76 accepts is accepted.
//!
//! `POST …/api/v2/spans` and `…/api/v1/spans`, with any prefix and with or without a slash at its
//! end; in JSON, protobuf or Thrift as [`format`] says. The answer is an empty 202 as soon as the
//! spans are safe; 400 only if none could be read; 503 with Retry-After if there is no room. Nothing
//! sent at all, or an empty list, is what reporters send to try the connection, and is 202.

mod format;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ALLOW, CONTENT_TYPE, ORIGIN,
};
use axum::http::{Method, Response, StatusCode};
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
        .route(SPANS_V1, any(spans::<T>))
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
    match json_of(request.uri().path()) {
        Some(_) => spans(state, request).await,
        None => {
            let words = "nothing is here: spans go to POST /api/v2/spans or /api/v1/spans";
            refuse(&state.0, Protocol::ZipkinJson, StatusCode::NOT_FOUND, words)
        }
    }
}

/// The version of JSON that goes to this path, if spans do.
fn json_of(path: &str) -> Option<Protocol> {
    let path = path.trim_end_matches('/');
    let ends = |names: [&str; 2]| names.iter().any(|name| path.ends_with(name));
    if ends([SPANS_V2, "/api/v2/span"]) {
        Some(Protocol::ZipkinJson)
    } else if ends([SPANS_V1, "/api/v1/span"]) {
        Some(Protocol::ZipkinJsonV1)
    } else {
        None
    }
}

/// A request to the collector.
async fn spans<T: Take>(State(reception): State<Reception<T>>, request: Request) -> Response<Body> {
    let from_page = request.headers().contains_key(ORIGIN);
    let json = json_of(request.uri().path()).unwrap_or(Protocol::ZipkinJson);
    let mut response = match *request.method() {
        Method::POST => post(&reception, json, request).await,
        Method::OPTIONS => preflight(),
        _ => {
            reception.metrics.request_refused(json.name(), 405);
            answer::method_not_allowed(ALLOWED)
        }
    };
    if from_page {
        answer::set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    }
    response
}

/// `json`: the version of JSON that goes to the request's path.
async fn post<T: Take>(reception: &Reception<T>, json: Protocol, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let declared = format::declared(&head.headers, json);
    let admitted = match reception.bodies.read(&head.headers, body).await {
        Ok(admitted) => admitted,
        Err(error) => {
            let status = answer::status_of_body(&error);
            reception.metrics.request_refused(declared.name(), status.as_u16());
            return answer::not_admitted(&reception.metrics, &error, status, &error.to_string());
        }
    };
    let protocol = format::seen(declared, json, &admitted.bytes);
    if admitted.bytes.is_empty() || (protocol == json && matches!(admitted.bytes.trim_ascii(), b"" | b"[]")) {
        return answer::accepted();
    }
    match reception.take.take(protocol, admitted.bytes, admitted.reservation).await {
        Ok(_) => answer::accepted(),
        Err(rejected) => refuse(reception, protocol, answer::status_of_rejection(&rejected), &rejected.to_string()),
    }
}

fn refuse<T>(reception: &Reception<T>, protocol: Protocol, status: StatusCode, words: &str) -> Response<Body> {
    reception.metrics.request_refused(protocol.name(), status.as_u16());
    answer::words(status, words)
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
