//! What a verdict costs, span by span: Jaeger's plain downsampling, one rate, and eight rules with
//! predicates on tags, on the spans that real Envoys sent.
//!
//! `cargo bench --bench verdict`. To be read beside each other: they are judged in the same run.

#![allow(clippy::expect_used, reason = "a bench without its spans has nothing to say")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use spaniel::command::load::bodies;
use spaniel::decode::{self, Limits, Scratch, Sink};
use spaniel::sample::{Sampler, rules};
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

fn sampler(rules_text: &str, ratio: f64) -> Sampler {
    let rules = (!rules_text.is_empty()).then(|| rules::read(rules_text).expect("rules"));
    let downsampling = Downsampling { ratio, hashsalt: String::new() };
    Sampler::alone(&downsampling, &Sampling::default(), rules)
}

fn judge(criterion: &mut Criterion) {
    let template = bodies::templates(1000, 1).remove(0);
    let scratch = Scratch::default();
    let mut read = Spans::default();
    decode::zipkin_json(&template.body, &scratch, &Limits::default(), &mut read).expect("captured JSON");
    let ways = [
        ("nothing is sampled", sampler("", 1.0)),
        ("--downsampling.ratio=0.01", sampler("", 0.01)),
        ("one rate", sampler("rates: [{ name: mesh, rate: 0.01 }]", 1.0)),
        ("eight rules", sampler(EIGHT, 1.0)),
    ];
    let mut group = criterion.benchmark_group("verdict on a span");
    // Requests of fifty spans, as a replica gets them that is well loaded.
    for (name, sampler) in &ways {
        group.throughput(Throughput::Elements(read.spans.len() as u64));
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                for request in read.spans.chunks(50) {
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

criterion_group!(benches, judge);
criterion_main!(benches);
