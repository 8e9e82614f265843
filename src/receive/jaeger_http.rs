//! Jaeger's port for Thrift over HTTP (14268), as jaeger-collector 1.76 answers on it.
//!
//! `GET /api/sampling?service=NAME` tells a client how much to sample.
//! `POST /api/traces` takes one `Batch` in Thrift's binary protocol. The order of the checks is
//! Jaeger's: the body is read before its type is looked at, and the query string is not looked at.
//! Beyond Jaeger: the compact protocol under its own type, content encodings, limits (413, 408), and
//! 503 where Jaeger answers 202 and drops.

use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Response, StatusCode};

use super::body::BodyError;
use super::{Reception, Take, answer, media_type, strategies};
use crate::pipeline::{Protocol, Rejected};
use crate::sample::strategies::StrategiesHandle;
use crate::telemetry::metrics::StrategyForm;

const TRACES: &str = "/api/traces";
const SAMPLING: &str = "/api/sampling";

/// What the port takes and tells.
#[derive(Debug)]
struct Port<T> {
    reception: Reception<T>,
    strategies: StrategiesHandle,
}

impl<T> Clone for Port<T> {
    fn clone(&self) -> Self {
        Port { reception: self.reception.clone(), strategies: self.strategies.clone() }
    }
}

/// The routes of port 14268. Every request is timed, those that nobody serves too.
pub fn router<T: Take>(reception: Reception<T>, strategies: StrategiesHandle) -> Router {
    Router::new().fallback(timed::<T>).with_state(Port { reception, strategies })
}

async fn timed<T: Take>(State(port): State<Port<T>>, request: Request) -> Response<Body> {
    let Port { reception, strategies } = port;
    let began = Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = route(&reception, &strategies, request).await;
    let status = response.status().as_u16();
    if status >= 400 {
        reception.metrics.request_refused(Protocol::JaegerThriftHttp.name(), status);
    }
    // Jaeger sets no status on a strategy, and its metrics show that as 0.
    let shown = if status == 200 { 0 } else { status };
    reception.metrics.http_request(method.as_str(), uri.path(), shown, began.elapsed());
    response
}

async fn route<T: Take>(reception: &Reception<T>, strategies: &StrategiesHandle, request: Request) -> Response<Body> {
    match (request.uri().path(), request.method()) {
        (TRACES, &Method::POST) => post(reception, request).await,
        (TRACES, _) => answer::method_not_allowed("POST"),
        (SAMPLING, _) => {
            let asked = (request.method(), request.uri());
            strategies::tell(strategies, &reception.metrics, asked, StrategyForm::Named)
        }
        _ => answer::words(StatusCode::NOT_FOUND, "404 page not found"),
    }
}

async fn post<T: Take>(reception: &Reception<T>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let admitted = match reception.bodies.read(&head.headers, body).await {
        Ok(admitted) => admitted,
        Err(error) => {
            let words = format!("Unable to process request body: {error}");
            return answer::not_admitted(&reception.metrics, &error, status_of(&error), &words);
        }
    };
    let protocol = match protocol_of(&head.headers) {
        Ok(protocol) => protocol,
        Err(words) => return answer::words(StatusCode::BAD_REQUEST, &words),
    };
    match reception.take.take(protocol, admitted.bytes, admitted.reservation).await {
        Ok(_) => answer::accepted(),
        Err(rejected @ Rejected::NotNow) => {
            let words = format!("Cannot submit Jaeger batch: {rejected}");
            answer::words(StatusCode::SERVICE_UNAVAILABLE, &words)
        }
        Err(rejected) => {
            let words = format!("Unable to process request body: {rejected}");
            answer::words(answer::status_of_rejection(&rejected), &words)
        }
    }
}

/// Jaeger answers 500 if reading fails.
fn status_of(error: &BodyError) -> StatusCode {
    match error {
        BodyError::BrokeOff => StatusCode::INTERNAL_SERVER_ERROR,
        error => answer::status_of_body(error),
    }
}

/// The protocol that the type names, or Jaeger's words for what is wrong.
fn protocol_of(headers: &HeaderMap) -> Result<Protocol, String> {
    let value = headers.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
    let text = String::from_utf8_lossy(value);
    let media = media_type::parse(&text).map_err(|error| format!("Cannot parse content type: {error}"))?;
    match media.as_str() {
        "application/x-thrift" | "application/vnd.apache.thrift.binary" => Ok(Protocol::JaegerThriftHttp),
        "application/vnd.apache.thrift.compact" => Ok(Protocol::JaegerCompactHttp),
        _ => Err(format!("Unsupported content type: {}", escaped(&media))),
    }
}

/// As Go's `html.EscapeString`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}
