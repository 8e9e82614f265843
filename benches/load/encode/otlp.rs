//! OpenTelemetry's protobuf, and its JSON.

use anyhow::Result;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as OtlpSpan};
use prost::Message;

use super::{Span, wide};

pub(super) fn proto(spans: &[Span]) -> Vec<u8> {
    request(spans).encode_to_vec()
}

pub(super) fn json(spans: &[Span]) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(&request(spans))?)
}

fn request(spans: &[Span]) -> ExportTraceServiceRequest {
    let service = attribute("service.name", &spans[0].local_endpoint.service_name);
    let resource = Resource { attributes: vec![service], ..Resource::default() };
    let scope = InstrumentationScope { name: "envoy".into(), ..InstrumentationScope::default() };
    let spans = spans.iter().map(of).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let all = ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![all] }
}

fn of(span: &Span) -> OtlpSpan {
    let event = |name: &String| Event { time_unix_nano: span.start * 1_000, name: name.clone(), ..Event::default() };
    OtlpSpan {
        trace_id: wide(span.trace_id),
        span_id: span.span_id.to_be_bytes().to_vec(),
        parent_span_id: span.parent_id.iter().flat_map(|_| span.parent().to_be_bytes()).collect(),
        name: span.name.clone(),
        kind: if span.is_server() { SpanKind::Server } else { SpanKind::Client } as i32,
        start_time_unix_nano: span.start * 1_000,
        end_time_unix_nano: (span.start + span.duration) * 1_000,
        attributes: span.tags.iter().map(|(key, value)| attribute(key, value)).collect(),
        events: span.annotations.iter().map(|one| event(&one.value)).collect(),
        ..OtlpSpan::default()
    }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.into())) };
    KeyValue { key: key.into(), value: Some(value), ..KeyValue::default() }
}
