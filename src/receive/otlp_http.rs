//! OpenTelemetry's port for HTTP (4318), as jaeger-collector 1.76 answers on it.
//!
//! `POST /v1/traces` takes an `ExportTraceServiceRequest` in protobuf or, by its content type, in JSON,
//! and answers in the same encoding: what became of the spans (`partial_success` tells of those that
//! were refused), or a `google.rpc.Status` that says what is wrong. Only the method, the path and the
//! type are refused in plain text. Beyond Jaeger: 413 and 408 for limits, and 503 with Retry-After
//! where there is no room; both are what senders wait and try again for.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use bytes::Bytes;
use prost::Message;
use serde_json::json;
use tonic::Code;

use super::body::BodyError;
use super::{Reception, Take, answer, cors, grpc, media_type};
use crate::pipeline::{Protocol, Rejected, Taken};
use crate::proto::rpc;
use crate::settings::Cors;

const TRACES: &str = "/v1/traces";
const WRONG_METHOD: &str = "405 method not allowed, supported: [POST]";
const WRONG_TYPE: &str = "415 unsupported media type, supported: [application/json, application/x-protobuf]";

/// The routes of port 4318.
pub fn router<T: Take>(reception: Reception<T>, allowed: &Cors) -> Router {
    cors::allow(Router::new().fallback(route::<T>).with_state(Arc::new(reception)), allowed)
}

/// How a request is written, and so its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Proto,
    Json,
}

impl Encoding {
    /// Parameters may stand behind the type.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        match media_type::parse(value).ok()?.as_str() {
            "application/x-protobuf" => Some(Encoding::Proto),
            "application/json" => Some(Encoding::Json),
            _ => None,
        }
    }

    fn protocol(self) -> Protocol {
        match self {
            Encoding::Proto => Protocol::OtlpHttp,
            Encoding::Json => Protocol::OtlpJson,
        }
    }

    /// An answer of that status.
    fn answer(self, status: StatusCode, body: impl Into<Body>) -> Response<Body> {
        let mut response = answer::status(status);
        *response.body_mut() = body.into();
        let kind = match self {
            Encoding::Proto => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        answer::set(&mut response, CONTENT_TYPE, kind);
        response
    }
}

async fn route<T: Take>(State(reception): State<Arc<Reception<T>>>, request: Request) -> Response<Body> {
    let encoding = Encoding::of(request.headers());
    let response = match (request.uri().path(), request.method(), encoding) {
        (TRACES, &Method::POST, Some(encoding)) => post(&reception, encoding, request).await,
        (TRACES, &Method::POST, None) => plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, WRONG_TYPE),
        (TRACES, _, _) => {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD);
            answer::set(&mut response, ALLOW, "POST");
            response
        }
        _ => answer::words(StatusCode::NOT_FOUND, "404 page not found"),
    };
    let status = response.status().as_u16();
    if status >= 400 {
        let protocol = encoding.unwrap_or(Encoding::Proto).protocol();
        reception.metrics.request_refused(protocol.name(), status);
    }
    response
}

async fn post<T: Take>(reception: &Reception<T>, encoding: Encoding, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let admitted = match reception.bodies.read(&head.headers, body).await {
        Ok(admitted) => admitted,
        Err(error) => {
            answer::count_limit(&reception.metrics, &error);
            return not_admitted(encoding, &error);
        }
    };
    if encoding == Encoding::Proto && admitted.bytes.is_empty() {
        return taken(encoding, &Taken::default());
    }
    match reception.take.take(encoding.protocol(), admitted.bytes, admitted.reservation).await {
        Ok(outcome) => taken(encoding, &outcome),
        Err(rejected) => {
            let code = match rejected {
                Rejected::Unreadable(_) | Rejected::NothingReadable { .. } => Code::InvalidArgument,
                Rejected::NotNow => Code::Unavailable,
            };
            refused(encoding, answer::status_of_rejection(&rejected), code, &rejected.to_string())
        }
    }
}

/// 200, with what became of the spans.
fn taken(encoding: Encoding, taken: &Taken) -> Response<Body> {
    let body = match encoding {
        Encoding::Proto => grpc::exported(taken),
        Encoding::Json => match taken.left_out() {
            None => Bytes::from_static(br#"{"partialSuccess":{}}"#),
            Some(words) => {
                let rejected = taken.refusals().to_string();
                let partial = json!({"partialSuccess": {"rejectedSpans": rejected, "errorMessage": words}});
                partial.to_string().into()
            }
        },
    };
    encoding.answer(StatusCode::OK, body)
}

fn not_admitted(encoding: Encoding, error: &BodyError) -> Response<Body> {
    let code = match error {
        BodyError::TooLarge { .. } => Code::ResourceExhausted,
        BodyError::NoRoom | BodyError::NoTurn(_) => Code::Unavailable,
        BodyError::TooSlow(_) => Code::DeadlineExceeded,
        BodyError::UnknownEncoding(_) | BodyError::BrokeOff | BodyError::Broken { .. } => Code::InvalidArgument,
    };
    let status = match error {
        // As Jaeger: 415 is for types that are not known.
        BodyError::UnknownEncoding(_) => StatusCode::BAD_REQUEST,
        error => answer::status_of_body(error),
    };
    refused(encoding, status, code, &error.to_string())
}

/// An error, as a `google.rpc.Status`.
fn refused(encoding: Encoding, status: StatusCode, code: Code, words: &str) -> Response<Body> {
    let body = match encoding {
        Encoding::Proto => {
            rpc::Status { code: code as i32, message: words.into(), details: Vec::new() }.encode_to_vec()
        }
        Encoding::Json => json!({"code": code as i32, "message": words}).to_string().into_bytes(),
    };
    let mut response = encoding.answer(status, body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer::set(&mut response, RETRY_AFTER, answer::RETRY_SECONDS);
    }
    response
}

/// Plain text without a line feed, as Jaeger writes these two.
fn plain(status: StatusCode, words: &'static str) -> Response<Body> {
    let mut response = answer::status(status);
    *response.body_mut() = Body::from(words);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
