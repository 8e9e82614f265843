//! What a request's body costs from its first byte to a run that is safe in memory: decode,
//! repair, verdict, document, name, books; beside the trees of `serde_json` on the same bytes.
//!
//! `spaniel` counts no spans by service and operation, `counted` does.
//!
//! `cargo bench --bench pipeline`. Bodies are those of `benches/load`: spans of real Envoys.

#![allow(clippy::expect_used, reason = "a bench without its bodies has nothing to say")]

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use spaniel::clock::Clock;
use spaniel::command::load::bodies;
use spaniel::document::{IndexNames, Services, Shape};
use spaniel::memory::Budget;
use spaniel::pipeline::{CollectorTags, Growth, Pipeline, Protocol};
use spaniel::sample::Sampler;
use spaniel::settings::{Settings, SpanTimes};
use spaniel::spool::{Gather, Shared, Spool};
use spaniel::telemetry::books::Books;
use spaniel::telemetry::metrics::{Identity, Metrics};

fn pipeline(settings: &Settings, span_series: usize) -> Pipeline {
    let metrics = Arc::new(Metrics::new(&Identity { span_series, ..Identity::default() }, &[]));
    let shared = Shared::new(Arc::new(Books::new(&Protocol::NAMES)), metrics.clone(), Budget::new(1 << 30));
    Pipeline {
        spool: Arc::new(Spool::in_memory(Gather::everything(), 0, shared)),
        metrics,
        services: Arc::new(Services::new(&IndexNames::new(&settings.indices), std::time::Duration::ZERO)),
        shape: Shape::new(&settings.document),
        sampler: Arc::new(Sampler::alone(&settings.downsampling, &settings.sampling, None)),
        clock: Clock::System,
        limits: Default::default(),
        output_bytes: None,
        // The captured bodies have fixed times.
        times: SpanTimes::ANY,
        envoy_ids: settings.collector.envoy_ids,
        collector_tags: CollectorTags::new(&settings.collector),
        growth: Growth::default(),
    }
}

/// The same work by the ready way: a tree of each span, a tree of its document, its text.
fn by_serde_json(body: &[u8]) -> Vec<u8> {
    let spans: Vec<serde_json::Value> = serde_json::from_slice(body).expect("captured JSON");
    let mut out = Vec::new();
    for span in spans {
        let tags = span["tags"].as_object().into_iter().flatten();
        let tags: Vec<_> = tags.map(|(key, value)| json!({"key": key, "type": "string", "value": value})).collect();
        let start = span["timestamp"].as_u64().unwrap_or(0);
        let document = json!({
            "traceID": span["traceId"], "spanID": span["id"], "operationName": span["name"], "references": [],
            "startTime": start, "startTimeMillis": start / 1000, "duration": span["duration"], "tags": tags, "logs": [],
            "process": {"serviceName": span["localEndpoint"]["serviceName"], "tags": []},
        });
        serde_json::to_writer(&mut out, &document).expect("a vector takes all");
        out.push(b'\n');
    }
    out
}

fn take(criterion: &mut Criterion) {
    let settings = Settings::default();
    let pipelines =
        [("spaniel", pipeline(&settings, 0)), ("counted", pipeline(&settings, settings.metrics.span_series))];
    let budget = Budget::new(1 << 30);
    let mut group = criterion.benchmark_group("body to run");
    for spans in [1, 5, 10, 100] {
        let bodies = bodies::templates(spans, 4);
        let bodies: Vec<Bytes> = bodies.into_iter().map(|template| Bytes::from(template.body)).collect();
        let mut next = bodies.iter().cycle();
        group.throughput(Throughput::Elements(spans as u64));
        group.bench_function(BenchmarkId::new("serde_json", spans), |bencher| {
            bencher.iter(|| black_box(by_serde_json(&bodies[0])));
        });
        for (name, pipeline) in &pipelines {
            group.bench_function(BenchmarkId::new(*name, spans), |bencher| {
                bencher.iter(|| {
                    let body = next.next().expect("a cycle has no end").clone();
                    let taken = futures_now(pipeline.take(Protocol::ZipkinJson, body, budget.reserve()));
                    assert_eq!(taken.expect("accepted").refusals(), 0);
                    black_box(pipeline.spool.take_rest());
                });
            });
        }
    }
    group.finish();
}

/// In memory a commit is immediate: the future never waits.
fn futures_now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => unreachable!("a commit in memory waited"),
    }
}

criterion_group!(benches, take);
criterion_main!(benches);
