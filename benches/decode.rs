//! How fast are bytes turned into spans? Each decoder on captured bodies; beside the
//! usual way, serde_json or prost into owned structs, on the same bytes. Throughput is in spans.
//! The group `captured` has the spans of `benches/load` by each protocol: the same names, tags and times.

#![allow(clippy::expect_used, reason = "a bench without its bodies fails loudly")]

#[allow(dead_code, reason = "of the load only its bodies are wanted")]
#[path = "load/encode/mod.rs"]
mod encode;
#[allow(dead_code, reason = "the same")]
#[path = "load/protocol.rs"]
mod protocol;

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use protocol::Protocol;
use serde::Deserialize;
use serde_json::value::RawValue;
use spaniel::decode::{Limits, Scratch, Sink, agent_compact, jaeger_proto, otlp_json, otlp_proto};
use spaniel::decode::{jaeger_thrift, zipkin_json, zipkin_proto, zipkin_thrift, zipkin_v1_json};
use spaniel::span::{Process, Refusal, Span};

/// Looks at each span as little as the compiler allows.
#[derive(Default)]
struct Count(usize);

impl<'a> Sink<'a> for Count {
    fn process(&mut self, process: &Process<'a>) {
        black_box(process);
    }

    fn span(&mut self, span: &mut Span<'a>) {
        black_box(span);
        self.0 += 1;
    }

    fn refuse(&mut self, _refusal: Refusal) {
        panic!("the bodies are good");
    }
}

/// Zipkin's span as most people would write it down.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "only decoding is measured")]
struct ZipkinSpan {
    trace_id: String,
    id: String,
    parent_id: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    timestamp: Option<u64>,
    duration: Option<u64>,
    local_endpoint: Option<Endpoint>,
    remote_endpoint: Option<Endpoint>,
    #[serde(default)]
    annotations: Vec<Annotation>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "only decoding is measured")]
struct Endpoint {
    service_name: Option<String>,
    ipv4: Option<String>,
    ipv6: Option<String>,
    port: Option<i32>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "only decoding is measured")]
struct Annotation {
    timestamp: u64,
    value: String,
}

/// The spans of a mesh's captured bodies, each as its own text, in an order that mixes services.
fn captured_spans() -> Vec<String> {
    let files = ["065-bookinfo-json-one-ingressgateway", "066-bookinfo-json-one-productpage"];
    let big = ["ingressgateway", "productpage", "details", "reviews-v1", "reviews-v2", "reviews-v3", "ratings"];
    let big = big.iter().enumerate().map(|(index, name)| format!("{}-bookinfo-json-big-{name}", 129 + index));
    let mut bodies: Vec<Vec<String>> = Vec::new();
    for file in files.map(str::to_owned).into_iter().chain(big) {
        let body = fs::read_to_string(format!("tests/data/envoy/{file}.json")).expect("captured body");
        let spans: Vec<&RawValue> = serde_json::from_str(&body).expect("captured body");
        bodies.push(spans.into_iter().map(|span| span.get().to_owned()).collect());
    }
    let longest = bodies.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|index| bodies.iter().filter_map(move |spans| spans.get(index).cloned())).collect()
}

fn envoy(criterion: &mut Criterion) {
    let spans = captured_spans();
    for count in [1, 10, 100] {
        let bodies: Vec<String> = spans.chunks_exact(count).map(|spans| format!("[{}]", spans.join(","))).collect();
        let bodies = &bodies[..bodies.len().min(200 / count)];
        let mut group = criterion.benchmark_group("zipkin_json");
        group.throughput(Throughput::Elements((bodies.len() * count) as u64));
        group.bench_with_input(BenchmarkId::new("spaniel", count), bodies, |bencher, bodies| {
            bencher.iter(|| bodies.iter().map(|body| decode_zipkin(body.as_bytes())).sum::<usize>());
        });
        group.bench_with_input(BenchmarkId::new("serde_json", count), bodies, |bencher, bodies| {
            bencher.iter(|| {
                let read = |body: &String| serde_json::from_slice::<Vec<ZipkinSpan>>(body.as_bytes());
                bodies.iter().map(|body| black_box(read(body).expect("good")).len()).sum::<usize>()
            });
        });
    }
}

/// 300 spans of an Envoy without a mesh's tags, in one body.
fn envoy_alone(criterion: &mut Criterion) {
    let body = fs::read("tests/data/envoy/019-json-batch300.json").expect("captured body");
    let mut group = criterion.benchmark_group("zipkin_json");
    group.throughput(Throughput::Elements(decode_zipkin(&body) as u64));
    group.bench_with_input(BenchmarkId::new("spaniel", "300 without mesh"), &body, |bencher, body| {
        bencher.iter(|| decode_zipkin(body));
    });
}

fn decode_zipkin(body: &[u8]) -> usize {
    let scratch = Scratch::new();
    let mut count = Count::default();
    zipkin_json(black_box(body), &scratch, &Limits::default(), &mut count).expect("good");
    count.0
}

/// Envoy's protobuf: one page load's spans of a pod, and large bodies.
fn envoy_proto(criterion: &mut Criterion) {
    for name in ["078-bookinfo-proto-three-productpage", "137-bookinfo-proto-big-productpage", "038-proto-batch300"] {
        let body = fs::read(format!("tests/data/envoy/{name}.pb")).expect("captured body");
        let mut group = criterion.benchmark_group("zipkin_proto");
        group.throughput(Throughput::Elements(decode_proto(&body) as u64));
        group.bench_with_input(BenchmarkId::new("spaniel", name), &body, |bencher, body| {
            bencher.iter(|| decode_proto(body));
        });
    }
}

fn decode_proto(body: &[u8]) -> usize {
    let (scratch, mut count) = (Scratch::new(), Count::default());
    zipkin_proto(black_box(body), &scratch, &Limits::default(), &mut count).expect("good");
    count.0
}

/// v1 of old Envoys in JSON, and of made spans in Thrift.
fn old(criterion: &mut Criterion) {
    for name in ["202-v1json-istio13-unshared128-productpage", "209-v1json-istio10-shared64-productpage"] {
        let body = fs::read(format!("tests/data/envoy/{name}.json")).expect("captured body");
        let mut group = criterion.benchmark_group("zipkin_v1_json");
        group.throughput(Throughput::Elements(decode_old_json(&body) as u64));
        group.bench_with_input(BenchmarkId::new("spaniel", name), &body, |bencher, body| {
            bencher.iter(|| decode_old_json(body));
        });
    }
    let body = fs::read("tests/data/jaeger/zipkin/v1-random-1.thrift").expect("captured body");
    let mut group = criterion.benchmark_group("zipkin_thrift");
    group.throughput(Throughput::Elements(decode_old_thrift(&body) as u64));
    group.bench_with_input(BenchmarkId::new("spaniel", "v1-random-1"), &body, |bencher, body| {
        bencher.iter(|| decode_old_thrift(body));
    });
}

fn decode_old_json(body: &[u8]) -> usize {
    let (scratch, mut count) = (Scratch::new(), Count::default());
    zipkin_v1_json(black_box(body), &scratch, &Limits::default(), &mut count).expect("good");
    count.0
}

fn decode_old_thrift(body: &[u8]) -> usize {
    let (scratch, mut count) = (Scratch::new(), Count::default());
    zipkin_thrift(black_box(body), &scratch, &Limits::default(), &mut count).expect("good");
    count.0
}

fn thrift(criterion: &mut Criterion) {
    for name in ["many", "trace", "random-2", "go-jaeger-client-http-1"] {
        let body = fs::read(format!("tests/data/jaeger/thrift-http/{name}.thrift")).expect("captured body");
        let spans = decode_thrift(&body);
        let mut group = criterion.benchmark_group("jaeger_thrift");
        group.throughput(Throughput::Elements(spans as u64));
        group.bench_with_input(BenchmarkId::new("spaniel", name), &body, |bencher, body| {
            bencher.iter(|| decode_thrift(body));
        });
    }
}

fn decode_thrift(body: &[u8]) -> usize {
    let mut count = Count::default();
    jaeger_thrift(black_box(body), &Limits::default(), &mut count).expect("good");
    count.0
}

/// OpenTelemetry's spans, beside prost into opentelemetry-proto's structs.
fn otlp(criterion: &mut Criterion) {
    for name in ["many.pb", "trace.pb", "trace.json", "otel-go-otlp-http-1.pb", "otel-js-otlp-json-1.json"] {
        let body = fs::read(format!("tests/data/jaeger/otlp/{name}")).expect("captured body");
        let is_json = name.ends_with(".json");
        let mut group = criterion.benchmark_group(if is_json { "otlp_json" } else { "otlp_proto" });
        group.throughput(Throughput::Elements(decode_otlp(&body, is_json) as u64));
        group.bench_with_input(BenchmarkId::new("spaniel", name), &body, |bencher, body| {
            bencher.iter(|| decode_otlp(body, is_json));
        });
        if !is_json {
            group.bench_with_input(BenchmarkId::new("prost", name), &body, |bencher, body| {
                bencher.iter(|| {
                    ExportTraceServiceRequest::decode(black_box(&body[..])).expect("good").resource_spans.len()
                });
            });
        }
    }
}

fn decode_otlp(body: &[u8], is_json: bool) -> usize {
    let scratch = Scratch::new();
    let mut count = Count::default();
    let (body, limits) = (black_box(body), Limits::default());
    let read = match is_json {
        true => otlp_json(body, &scratch, &limits, &mut count),
        false => otlp_proto(body, &scratch, &limits, &mut count),
    };
    read.expect("good");
    count.0
}

fn jaeger(criterion: &mut Criterion) {
    for name in ["many", "trace", "otel-python-jaeger-grpc-1"] {
        let body = fs::read(format!("tests/data/jaeger/grpc/{name}.pb")).expect("captured body");
        let mut group = criterion.benchmark_group("jaeger_proto");
        group.throughput(Throughput::Elements(decode_jaeger(&body) as u64));
        group.bench_with_input(BenchmarkId::new("spaniel", name), &body, |bencher, body| {
            bencher.iter(|| decode_jaeger(body));
        });
    }
}

fn decode_jaeger(body: &[u8]) -> usize {
    let mut count = Count::default();
    jaeger_proto(black_box(body), &Limits::default(), &mut count).expect("good");
    count.0
}

/// The same spans by each protocol, 10 and 100 a message.
fn captured(criterion: &mut Criterion) {
    for spans in [10, 100] {
        for protocol in Protocol::ALL {
            let templates = encode::templates(protocol, spans, 8).expect("captured bodies");
            let bodies: Vec<Vec<u8>> = templates.into_iter().map(|template| template.body).collect();
            let mut group = criterion.benchmark_group("captured");
            group.throughput(Throughput::Elements((bodies.len() * spans) as u64));
            group.bench_with_input(BenchmarkId::new(protocol.name(), spans), &bodies, |bencher, bodies| {
                bencher.iter(|| bodies.iter().map(|body| decode_by(protocol, body)).sum::<usize>());
            });
        }
    }
}

fn decode_by(protocol: Protocol, body: &[u8]) -> usize {
    match protocol {
        Protocol::ZipkinJson => decode_zipkin(body),
        Protocol::ZipkinProto => decode_proto(body),
        Protocol::JaegerThrift => decode_thrift(body),
        Protocol::JaegerGrpc => decode_jaeger(body),
        Protocol::OtlpHttp | Protocol::OtlpGrpc => decode_otlp(body, false),
        Protocol::OtlpJson => decode_otlp(body, true),
        Protocol::Udp => decode_datagram(body),
    }
}

fn decode_datagram(body: &[u8]) -> usize {
    let mut count = Count::default();
    agent_compact(black_box(body), &Limits::default(), &mut count).expect("good");
    count.0
}

criterion_group!(benches, captured, envoy, envoy_alone, envoy_proto, old, thrift, otlp, jaeger);
criterion_main!(benches);
