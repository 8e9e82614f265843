//! What a verdict costs, span by span: Jaeger's plain downsampling, one rate, and eight rules with
//! predicates on tags, on seven requests of 16 to 150 spans as real Envoys posted them.
//!
//! `cargo bench --bench verdict`. To be read beside each other: they are judged in the same run. Once
//! the verdicts come while requests are read, as in the collector, where a span's tags have just been
//! written: what they cost is what that takes longer than reading alone. And once they come alone,
//! on spans that lie in more memory than the processor's nearer caches hold.

#![allow(clippy::expect_used, reason = "a bench without its spans has nothing to say")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::de::IgnoredAny;
use spaniel::decode::{self, Limits, Scratch, Sink};
use spaniel::sample::{Judge, Sampler, rules};
use spaniel::settings::{Downsampling, Sampling};
use spaniel::span::{Process, Refusal, Span, Tag, Text};

/// As an operator of a mesh would have them.
const EIGHT: &str = r#"
drop:
  - { name: blocked, when: "service == 'load-generator'", absolute: true }
  - { name: probes, when: "operation in ['/healthz', '/ready', '/livez'] and kind == 'server'" }
  - { name: metrics, when: "tag('http.url') contains '/metrics'" }
keep:
  - { name: errors, when: "error or status >= 500 or grpc in [2, 4, 8, 13, 14]" }
  - { name: flagged, when: "flags != '-'" }
  - { name: slow, when: "duration > 2s" }
rates:
  - { name: mesh, rate: 0.01 }
  - { name: checkout, rate: 0.1, when: "service starts_with 'productpage' or revision == 'canary'" }
"#;

/// Owns what a span needs after its body is gone from the decoder's hands.
#[derive(Default)]
struct Spans<'a> {
    service: Text<'a>,
    spans: Vec<(Text<'a>, Span<'a>)>,
}

impl<'a> Sink<'a> for Spans<'a> {
    fn process(&mut self, process: &Process<'a>) {
        self.service = process.service.unwrap_or_default();
    }

    fn span(&mut self, span: &mut Span<'a>) {
        let tags: Vec<Tag<'a>> = span.tags.clone();
        let Span { trace_id, span_id, flags, operation, start, duration, .. } = *span;
        let references = span.references.clone();
        let owned = Span { trace_id, span_id, flags, operation, start, duration, references, tags, ..Span::default() };
        self.spans.push((self.service, owned));
    }

    fn refuse(&mut self, refusal: Refusal) {
        unreachable!("a captured span was refused: {refusal:?}");
    }
}

/// Reads spans, and judges them if it is to.
struct Judging<'s, 'a>(Option<Judge<'s, 'a>>);

impl<'a> Sink<'a> for Judging<'_, 'a> {
    fn process(&mut self, process: &Process<'a>) {
        if let Some(judge) = &mut self.0 {
            judge.process(process.service.unwrap_or_default(), process);
        }
    }

    fn span(&mut self, span: &mut Span<'a>) {
        black_box(&*span);
        if let Some(judge) = &mut self.0 {
            black_box(judge.verdict(span));
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        unreachable!("a captured span was refused: {refusal:?}");
    }
}

fn sampler(rules_text: &str, ratio: f64) -> Sampler {
    let rules = (!rules_text.is_empty()).then(|| rules::read(rules_text).expect("rules"));
    let downsampling = Downsampling { ratio, hashsalt: String::new() };
    Sampler::alone(&downsampling, &Sampling::default(), rules)
}

fn ways() -> [(&'static str, Sampler); 4] {
    [
        ("nothing is sampled", sampler("", 1.0)),
        ("--downsampling.ratio=0.01", sampler("", 0.01)),
        ("one rate", sampler("rates: [{ name: mesh, rate: 0.01 }]", 1.0)),
        ("eight rules", sampler(EIGHT, 1.0)),
    ]
}

/// What the sidecars of a mesh posted, a request each, and how many spans that is.
fn requests() -> (Vec<Vec<u8>>, u64) {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/envoy"))
        .expect("captured requests")
        .map(|file| file.expect("a file").path());
    let files = files.filter(|file| file.to_string_lossy().contains("-bookinfo-json-big-"));
    let requests: Vec<_> = files.map(|file| std::fs::read(file).expect("a captured request")).collect();
    let spans = requests.iter().map(|body| serde_json::from_slice::<Vec<IgnoredAny>>(body).expect("JSON").len() as u64);
    let spans = spans.sum();
    (requests, spans)
}

fn spans_of<'a>(body: &'a [u8], scratch: &'a Scratch) -> Vec<(Text<'a>, Span<'a>)> {
    let mut spans = Spans::default();
    decode::zipkin_json(body, scratch, &Limits::default(), &mut spans).expect("captured JSON");
    spans.spans
}

fn judge_while_reading(criterion: &mut Criterion) {
    let (requests, spans) = requests();
    let (scratch, limits) = (Scratch::default(), Limits::default());
    let mut group = criterion.benchmark_group("reading a span");
    group.throughput(Throughput::Elements(spans));
    let read = |sampler: Option<&Sampler>| {
        for body in &requests {
            let mut sink = Judging(sampler.map(|sampler| sampler.request(0)));
            decode::zipkin_json(body, &scratch, &limits, &mut sink).expect("captured JSON");
            black_box(sink.0.map(Judge::end));
        }
    };
    group.bench_function("alone", |bencher| bencher.iter(|| read(None)));
    for (name, sampler) in &ways() {
        group.bench_function(*name, |bencher| bencher.iter(|| read(Some(sampler))));
    }
    group.finish();
}

fn judge(criterion: &mut Criterion) {
    let (requests, spans) = requests();
    let scratch = Scratch::default();
    let requests: Vec<_> = requests.iter().map(|body| spans_of(body, &scratch)).collect();
    let mut group = criterion.benchmark_group("verdict on a span");
    group.throughput(Throughput::Elements(spans));
    for (name, sampler) in &ways() {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                for request in &requests {
                    let mut judge = sampler.request(0);
                    for (service, span) in request {
                        judge.process(*service, &Process::default());
                        black_box(judge.verdict(span));
                    }
                    black_box(judge.end());
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, judge_while_reading, judge);
criterion_main!(benches);
