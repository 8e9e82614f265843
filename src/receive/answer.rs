//! Answers: few words, and those that say what to do.

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use axum::http::{Response, StatusCode};

use super::body::BodyError;
use crate::pipeline::Rejected;
use crate::telemetry::metrics::Metrics;

/// Seconds after which one who was refused for want of room may try again.
pub(super) const RETRY_SECONDS: &str = "1";

/// Spans were taken: an empty 202, which is what Envoy and others count as success; they take 200
/// and 204 for loss.
pub(super) fn accepted() -> Response<Body> {
    status(StatusCode::ACCEPTED)
}

/// A status without words.
pub(super) fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A status and a line of words, as Go writes errors.
pub(super) fn words(code: StatusCode, words: &str) -> Response<Body> {
    let mut response = status(code);
    *response.body_mut() = Body::from(format!("{words}\n"));
    set(&mut response, CONTENT_TYPE, "text/plain; charset=utf-8");
    set(&mut response, HeaderName::from_static("x-content-type-options"), "nosniff");
    if code == StatusCode::SERVICE_UNAVAILABLE {
        set(&mut response, RETRY_AFTER, RETRY_SECONDS);
    }
    response
}

/// 405, with what is allowed.
pub(super) fn method_not_allowed(allowed: &'static str) -> Response<Body> {
    let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
    set(&mut response, ALLOW, allowed);
    response
}

pub(super) fn set(response: &mut Response<Body>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// A body was not admitted: counts the limit that it reached, and answers with `status`.
pub(super) fn not_admitted(metrics: &Metrics, error: &BodyError, status: StatusCode, text: &str) -> Response<Body> {
    count_limit(metrics, error);
    let mut response = words(status, text);
    if matches!(error, BodyError::UnknownEncoding(_)) {
        set(&mut response, ACCEPT_ENCODING, "gzip, deflate, zstd, snappy");
    }
    response
}

/// The status for a body that was not admitted.
pub(super) fn status_of_body(error: &BodyError) -> StatusCode {
    match error {
        BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::NoRoom | BodyError::NoTurn(_) => StatusCode::SERVICE_UNAVAILABLE,
        BodyError::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
        BodyError::UnknownEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        BodyError::BrokeOff | BodyError::Broken { .. } => StatusCode::BAD_REQUEST,
    }
}

/// The status for spans of which none were taken.
pub(super) fn status_of_rejection(rejected: &Rejected) -> StatusCode {
    match rejected {
        Rejected::Unreadable(_) | Rejected::NothingReadable { .. } => StatusCode::BAD_REQUEST,
        Rejected::NotNow => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Counts a body that was not admitted under the limit that it reached.
pub(super) fn count_limit(metrics: &Metrics, error: &BodyError) {
    match error {
        BodyError::TooLarge { setting, .. } => metrics.limit_reached(setting),
        BodyError::NoRoom => metrics.limit_reached("memory.limit"),
        BodyError::TooSlow(_) | BodyError::NoTurn(_) => metrics.limit_reached("limits.body-timeout"),
        BodyError::BrokeOff | BodyError::UnknownEncoding(_) | BodyError::Broken { .. } => {}
    }
}
