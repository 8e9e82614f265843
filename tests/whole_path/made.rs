//! Made spans, each its own: as many as wanted, in Zipkin JSON, Jaeger Thrift or OTLP.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as OtlpSpan};
use prost::Message;
use serde_json::{Value, json};
use spaniel::span::TraceId;

use crate::stand_in::Identity;

/// 2026-11-21, 5 o'clock, in microseconds; [`Request::day`] counts from here.
const BEGIN: u64 = 1_795_237_200_000_000;

/// The spans of one request, all of one trace; the ids follow from `number`. `padding` makes each
/// longer by so many bytes.
pub(crate) fn request(number: u64, spans: u64, padding: usize) -> String {
    let trace = trace_id(number);
    let span = |index: u64| {
        json!({
            "traceId": format!("{:016x}", trace.low),
            "id": format!("{:016x}", number * 1_000 + index + 1),
            "name": "get",
            "timestamp": BEGIN + number,
            "duration": 1_000,
            "localEndpoint": {"serviceName": "load"},
            "tags": {"padding": "x".repeat(padding)},
        })
    };
    (0..spans).map(span).collect::<Value>().to_string()
}

/// The trace of the request of this number.
pub(crate) fn trace_id(number: u64) -> TraceId {
    TraceId { high: 0, low: 0x1000_0000 + number }
}

/// How spans are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    ZipkinJson,
    JaegerThrift,
    Otlp,
}

impl Protocol {
    pub(crate) const ALL: [Protocol; 3] = [Protocol::ZipkinJson, Protocol::JaegerThrift, Protocol::Otlp];

    /// Its page of the books.
    pub(crate) fn page(self) -> &'static str {
        match self {
            Protocol::ZipkinJson => "zipkin-json",
            Protocol::JaegerThrift => "jaeger-thrift-http",
            Protocol::Otlp => "otlp-http",
        }
    }

    /// The status of an answer that all was taken.
    pub(crate) fn good(self) -> u16 {
        match self {
            Protocol::ZipkinJson | Protocol::JaegerThrift => 202,
            Protocol::Otlp => 200,
        }
    }

    pub(crate) fn listener(self) -> &'static str {
        match self {
            Protocol::ZipkinJson => "zipkin",
            Protocol::JaegerThrift => "jaeger-thrift-http",
            Protocol::Otlp => "otlp-http",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Protocol::ZipkinJson => "/api/v2/spans",
            Protocol::JaegerThrift => "/api/traces?format=jaeger.thrift",
            Protocol::Otlp => "/v1/traces",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Protocol::ZipkinJson => "application/json",
            Protocol::JaegerThrift => "application/x-thrift",
            Protocol::Otlp => "application/x-protobuf",
        }
    }

    /// So that the spans of two protocols are never the same.
    fn high(self) -> u64 {
        (self as u64 + 1) << 48
    }
}

/// The spans of one request, all of one trace; every `number` makes others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) spans: u64,
    /// Days after [`BEGIN`] on which they start.
    pub(crate) day: u64,
    /// The value of a tag of the first span, and what the others have instead.
    pub(crate) texts: (&'static str, &'static str),
}

impl Request {
    pub(crate) fn new(number: u64, spans: u64) -> Self {
        Request { number, spans, day: 0, texts: ("fine", "fine") }
    }

    fn ids(&self, protocol: Protocol) -> impl Iterator<Item = (u64, u64)> {
        let trace = protocol.high() | self.number;
        let span = protocol.high() | (self.number * 1_000 + 1);
        (0..self.spans).map(move |index| (trace, span + index))
    }

    /// The trace of all of them.
    pub(crate) fn trace(&self, protocol: Protocol) -> TraceId {
        TraceId { high: 0, low: protocol.high() | self.number }
    }

    /// The spans as a store knows them, the first one first.
    pub(crate) fn identities(&self, protocol: Protocol) -> Vec<Identity> {
        self.ids(protocol).map(|(trace, span)| (format!("{trace:016x}"), format!("{span:016x}"))).collect()
    }

    fn start(&self) -> u64 {
        BEGIN + self.day * 24 * 3_600_000_000 + self.number
    }

    pub(crate) fn body(&self, protocol: Protocol) -> Vec<u8> {
        let texts = std::iter::once(self.texts.0).chain(std::iter::repeat(self.texts.1));
        let spans = self.ids(protocol).zip(texts);
        match protocol {
            Protocol::ZipkinJson => {
                let spans = spans.map(|((trace, span), text)| self.zipkin(trace, span, text));
                spans.collect::<Value>().to_string().into_bytes()
            }
            Protocol::JaegerThrift => {
                let spans: Vec<_> = spans.map(|((trace, span), text)| self.thrift(trace, span, text)).collect();
                Thrift::default().inner(1, Thrift::default().text(1, "made")).list(2, &spans).stop()
            }
            Protocol::Otlp => {
                let spans = spans.map(|((trace, span), text)| self.otlp(trace, span, text)).collect();
                let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
                let resource = Some(Resource { attributes: vec![tag("service.name", "made")], ..Resource::default() });
                let all = ResourceSpans { resource, scope_spans, ..ResourceSpans::default() };
                ExportTraceServiceRequest { resource_spans: vec![all] }.encode_to_vec()
            }
        }
    }

    fn otlp(&self, trace: u64, span: u64, text: &str) -> OtlpSpan {
        OtlpSpan {
            trace_id: u128::from(trace).to_be_bytes().into(),
            span_id: span.to_be_bytes().into(),
            name: "get".into(),
            start_time_unix_nano: self.start() * 1_000,
            end_time_unix_nano: (self.start() + 1_000) * 1_000,
            attributes: vec![tag("text", text)],
            ..OtlpSpan::default()
        }
    }

    fn zipkin(&self, trace: u64, span: u64, text: &str) -> Value {
        json!({
            "traceId": format!("{trace:016x}"),
            "id": format!("{span:016x}"),
            "name": "get",
            "timestamp": self.start(),
            "duration": 1_000,
            "localEndpoint": {"serviceName": "made"},
            "tags": {"text": text},
        })
    }

    fn thrift(&self, trace: u64, span: u64, text: &str) -> Thrift {
        let tag = Thrift::default().text(1, "text").i32(2, 0).text(3, text);
        let ids = Thrift::default().i64(1, trace).i64(2, 0).i64(3, span).i64(4, 0).text(5, "get");
        ids.i32(7, 1).i64(8, self.start()).i64(9, 1_000).list(10, &[tag])
    }
}

fn tag(key: &str, text: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(text.into())) });
    KeyValue { key: key.into(), value, ..KeyValue::default() }
}

/// Thrift's binary protocol, written by hand.
#[derive(Debug, Default, Clone)]
struct Thrift(Vec<u8>);

impl Thrift {
    fn field(mut self, kind: u8, id: i16, value: &[u8]) -> Self {
        self.0.push(kind);
        self.0.extend(id.to_be_bytes());
        self.0.extend(value);
        self
    }

    fn i32(self, id: i16, value: i32) -> Self {
        self.field(8, id, &value.to_be_bytes())
    }

    fn i64(self, id: i16, value: u64) -> Self {
        self.field(10, id, &value.to_be_bytes())
    }

    fn text(self, id: i16, value: &str) -> Self {
        self.field(11, id, &[&(value.len() as u32).to_be_bytes(), value.as_bytes()].concat())
    }

    fn inner(self, id: i16, inner: Thrift) -> Self {
        self.field(12, id, &inner.stop())
    }

    fn list(self, id: i16, elements: &[Thrift]) -> Self {
        let length = (elements.len() as u32).to_be_bytes();
        let elements: Vec<u8> = elements.iter().flat_map(|element| element.clone().stop()).collect();
        self.field(15, id, &[&[12], &length[..], &elements].concat())
    }

    fn stop(self) -> Vec<u8> {
        [self.0, vec![0]].concat()
    }
}
