//! gRPC: spans in unary calls, and the services beside them.
//!
//! | port | service | replies |
//! |---|---|---|
//! | 4317 | `opentelemetry.proto.collector.trace.v1.TraceService/Export` | how many spans were refused |
//! | 14250 | `jaeger.api_v2.CollectorService/PostSpans` | nothing |
//! | 9411, beside HTTP | `zipkin.proto3.SpanService/Report` | nothing |
//! | 14250 | `jaeger.api_v2.SamplingManager/GetSamplingStrategy` | how much to sample |
//! | 14250 | `grpc.health.v1.Health`, reflection in its versions v1 and v1alpha | |
//!
//! A call's message goes to the pipeline as the bytes that came: [`message`] admits it into the
//! memory budget piece by piece, as bodies over HTTP are admitted, and inflates it under the same
//! limits. tonic, which would make room for a length before its bytes are there, serves only the
//! small services and says how errors are written. What is refused is answered in the words of
//! grpc-go, and with the same codes, so that senders do what they did before: `UNAVAILABLE` with
//! the time to wait is the one answer that asks for another try.

mod answer;
mod beside;
mod message;
mod sampling;
mod unary;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use prost::Message;

use super::{Reception, Take};
use crate::pipeline::{Protocol, Taken};
use crate::sample::strategies::StrategiesHandle;
use crate::telemetry::health::Health;
use unary::{Call, Method};

const EXPORT: Method = Method {
    service: "opentelemetry.proto.collector.trace.v1.TraceService",
    name: "Export",
    protocol: Protocol::OtlpGrpc,
    reply: exported,
    elsewhere: "OTLP over HTTP goes to port 4318",
};

const POST_SPANS: Method = Method {
    service: "jaeger.api_v2.CollectorService",
    name: "PostSpans",
    protocol: Protocol::JaegerGrpc,
    reply: nothing,
    elsewhere: "Thrift over HTTP goes to port 14268",
};

const REPORT: Method = Method {
    service: "zipkin.proto3.SpanService",
    name: "Report",
    protocol: Protocol::ZipkinGrpc,
    reply: nothing,
    elsewhere: "spans over HTTP go to POST /api/v2/spans",
};

/// The routes of port 4317; `largest` is that of a message.
pub fn otlp<T: Take>(reception: &Reception<T>, largest: usize) -> Router {
    Call::new(EXPORT, reception.limited(largest, "collector.otlp.grpc.max-message-size")).port()
}

/// The routes of port 14250; `largest` is that of a message.
pub fn jaeger<T: Take>(
    reception: &Reception<T>,
    largest: usize,
    health: Arc<Health>,
    strategies: StrategiesHandle,
) -> Router {
    let reception = reception.limited(largest, "collector.grpc-server.max-message-size");
    let strategies = sampling::route(&reception, strategies);
    beside::routes(Call::new(POST_SPANS, reception).port().merge(strategies), health)
}

/// The route of Zipkin's service, for a port that serves HTTP as well.
pub fn zipkin<T: Take>(reception: &Reception<T>) -> Router {
    Call::new(REPORT, reception.clone()).route()
}

/// Answers a call that came to a path of Zipkin's port where nothing is; gives back what is no call.
pub(super) async fn refuse_for_zipkin<T: Take>(
    reception: &Reception<T>,
    request: Request,
) -> Result<Response<Body>, Request> {
    if !unary::is_grpc(request.headers()) {
        return Err(request);
    }
    Ok(unary::serve(State(Call::new(REPORT, reception.clone())), request).await)
}

/// As jaeger-collector writes it, `partial_success` even if it is empty.
pub(super) fn exported(taken: &Taken) -> Bytes {
    use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
    let error_message = taken.left_out().unwrap_or_default();
    let rejected_spans = i64::try_from(taken.refusals()).unwrap_or(i64::MAX);
    let partial_success = Some(ExportTracePartialSuccess { rejected_spans, error_message });
    ExportTraceServiceResponse { partial_success }.encode_to_vec().into()
}

/// `PostSpansResponse` and `ReportResponse` have no fields.
fn nothing(_: &Taken) -> Bytes {
    Bytes::new()
}
