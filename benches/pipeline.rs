//! What a request's body costs from its first byte to a run that is safe in memory: decode,
//! repair, verdict, document, name, books.
//!
//! `cargo bench --bench pipeline`. Bodies are those of `benches/load`: spans of real Envoys.

#![allow(clippy::expect_used, reason = "a bench without its bodies has nothing to say")]

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use spaniel::clock::Clock;
use spaniel::document::{IndexNames, Services, Shape};
use spaniel::memory::Budget;
use spaniel::pipeline::{CollectorTags, Growth, Pipeline, Protocol};
use spaniel::sample::Sampler;
use spaniel::settings::Settings;
use spaniel::spool::{Gather, Spool};
use spaniel::telemetry::books::Books;
use spaniel::telemetry::metrics::{Identity, Metrics};

#[path = "load/bodies.rs"]
mod bodies;

fn pipeline(settings: &Settings) -> Pipeline {
    Pipeline {
        spool: Arc::new(Spool::new(Gather::everything(), 0)),
        books: Arc::new(Books::new(&Protocol::NAMES)),
        metrics: Arc::new(Metrics::new(&Identity::default(), &[])),
        services: Arc::new(Services::new(&IndexNames::new(&settings.indices), std::time::Duration::ZERO)),
        shape: Shape::new(&settings.document),
        sampler: Sampler::new(&settings.downsampling),
        clock: Clock::System,
        limits: Default::default(),
        output_bytes: None,
        times: settings.spans,
        collector_tags: CollectorTags::new(&settings.collector),
        growth: Growth::default(),
    }
}

fn take(criterion: &mut Criterion) {
    let pipeline = pipeline(&Settings::default());
    let budget = Budget::new(1 << 30);
    let mut group = criterion.benchmark_group("body to run");
    for spans in [1, 5, 10, 100] {
        let bodies = bodies::templates(spans, 4).expect("captured bodies");
        let bodies: Vec<Bytes> = bodies.into_iter().map(|template| Bytes::from(template.body)).collect();
        let mut next = bodies.iter().cycle();
        group.throughput(Throughput::Elements(spans as u64));
        group.bench_function(BenchmarkId::from_parameter(spans), |bencher| {
            bencher.iter(|| {
                let body = next.next().expect("a cycle has no end").clone();
                let taken = futures_now(pipeline.take(Protocol::ZipkinJson, body, budget.reserve()));
                assert_eq!(taken.expect("accepted").refused, 0);
                black_box(pipeline.spool.take_rest());
            });
        });
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
