//! What does the document of one span cost? Spans that an Envoy sent (15 tags, to which two are
//! added, as for every span of Zipkin's), written by hand and by serde_json, with the name of the
//! document and the look-up of its service beside them. All times are for 30 spans.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{json, value::RawValue};
use spaniel::document::{IndexNames, Services, Shape, process_seed, span_id};
use spaniel::settings::{self, Indices, TagsAsFields};
use spaniel::span::{Log, Reference, ReferenceKind, Span, Tag, Text, TraceId, Value};

const BODY: &str = include_str!("../tests/data/document/envoy-30.json");
const SPANS: u64 = 30;
const NOW: u64 = 1_795_237_400_000_000;

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    trace_id: &'a str,
    id: &'a str,
    parent_id: Option<&'a str>,
    name: &'a str,
    timestamp: u64,
    duration: i64,
    tags: BTreeMap<&'a str, &'a str>,
}

/// A form of text: what the decoder says that it knows.
type Form = for<'a> fn(&'a str) -> Text<'a>;

fn clean(text: &str) -> Text<'_> {
    Text::Clean(text)
}

fn plain(text: &str) -> Text<'_> {
    Text::Plain(text)
}

fn body(text: &str) -> Text<'_> {
    Text::Json(text)
}

fn number(hex: &str) -> u64 {
    u64::from_str_radix(hex, 16).unwrap_or_default()
}

#[expect(clippy::expect_used, reason = "a bench without its spans has nothing to measure")]
fn span(raw: &'static RawValue, form: Form) -> Span<'static> {
    let sent: Sent<'static> = serde_json::from_str(raw.get()).expect("a captured span");
    let trace_id = TraceId { high: number(&sent.trace_id[..16]), low: number(&sent.trace_id[16..]) };
    let tag = |key, value| Tag { key: form(key), value: Value::Text(form(value)) };
    let mut tags = sent.tags.iter().map(|(key, value)| tag(key, value)).collect::<Vec<_>>();
    tags.push(Tag::new("net.host.ip", Value::Address([10, 244, 1, 17].into())));
    tags.push(Tag::new("span.kind", Value::Text(Text::Clean("server"))));
    let parent = sent.parent_id.map(|id| Reference { kind: ReferenceKind::ChildOf, trace_id, span_id: number(id) });
    Span {
        trace_id,
        span_id: number(sent.id),
        operation: form(sent.name),
        references: parent.into_iter().collect(),
        start: sent.timestamp,
        duration: sent.duration,
        tags,
        logs: vec![Log { timestamp: sent.timestamp, start: 0, end: 1 }],
        log_fields: vec![Tag::new("event", Value::Text(Text::Clean("ss")))],
        wire: raw.get().as_bytes(),
        ..Span::default()
    }
}

#[expect(clippy::expect_used, reason = "a bench without its spans has nothing to measure")]
fn spans(form: Form) -> Vec<Span<'static>> {
    let raw: Vec<&'static RawValue> = serde_json::from_str(BODY).expect("a captured body");
    raw.into_iter().map(|raw| span(raw, form)).collect()
}

fn shape(all_as_fields: bool) -> Shape {
    let tags_as_fields = TagsAsFields { all: all_as_fields, ..TagsAsFields::default() };
    Shape::new(&settings::Document { tags_as_fields, ..settings::Document::default() })
}

/// The document as a tree, as one would make it with serde_json.
fn tree(span: &Span<'_>, service: &str) -> serde_json::Value {
    let tag = |tag: &Tag<'_>| {
        let value = match tag.value {
            Value::Text(text) => text.decoded().into_owned(),
            Value::Address(address) => address.to_string(),
            _ => String::new(),
        };
        json!({"key": tag.key.decoded(), "type": "string", "value": value})
    };
    let tags = |tags: &[Tag<'_>]| tags.iter().map(tag).collect::<Vec<_>>();
    let trace_id = format!("{:016x}{:016x}", span.trace_id.high, span.trace_id.low);
    let reference = |reference: &Reference| json!({"refType": "CHILD_OF", "traceID": trace_id, "spanID": format!("{:016x}", reference.span_id)});
    json!({
        "traceID": trace_id, "spanID": format!("{:016x}", span.span_id), "operationName": span.operation.decoded(),
        "references": span.references.iter().map(reference).collect::<Vec<_>>(),
        "startTime": span.start, "startTimeMillis": span.start / 1000, "duration": span.duration,
        "tags": tags(&span.tags),
        "logs": span.logs.iter().map(|log| json!({"timestamp": log.timestamp, "fields": tags(span.fields_of(log))}))
            .collect::<Vec<_>>(),
        "process": {"serviceName": service, "tags": []},
    })
}

fn document(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("document");
    group.throughput(Throughput::Elements(SPANS));
    let cases: [(&str, Form, bool); 4] = [
        ("clean text", clean, false),
        ("plain text", plain, false),
        ("json text", body, false),
        ("clean text, all tags as fields", clean, true),
    ];
    for (name, form, all_as_fields) in cases {
        let (spans, shape, mut process) = (spans(form), shape(all_as_fields), Vec::new());
        shape.write_process(&mut process, "demo.default".into(), &[]);
        let mut out = Vec::with_capacity(1 << 20);
        group.bench_function(BenchmarkId::new("writer", name), |bencher| {
            bencher.iter(|| {
                out.clear();
                for span in black_box(&spans) {
                    shape.write_span(&mut out, span, &process);
                }
                black_box(out.len())
            });
        });
        assert_eq!(spans.len() as u64, SPANS);
    }
    let spans = spans(clean);
    group.bench_function("serde_json tree", |bencher| {
        let write = |span| serde_json::to_vec(&tree(span, "demo.default")).map_or(0, |line| line.len());
        bencher.iter(|| black_box(&spans).iter().map(write).sum::<usize>());
    });
    group.finish();
}

fn name(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("name");
    group.throughput(Throughput::Elements(SPANS));
    let spans = spans(clean);
    let seed = process_seed(b"process");
    group.bench_function("span_id", |bencher| {
        bencher.iter(|| {
            for span in black_box(&spans) {
                black_box(span_id(span.start, span.wire, seed));
            }
        });
    });
    group.finish();
}

fn services(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("services");
    group.throughput(Throughput::Elements(SPANS));
    let spans = spans(clean);
    let services = Services::new(&IndexNames::new(&Indices::default()), Duration::from_secs(12 * 3600));
    group.bench_function("known pair", |bencher| {
        bencher.iter(|| {
            for span in black_box(&spans) {
                black_box(services.unknown(498_677, Text::Clean("demo.default"), span.operation, NOW));
            }
        });
    });
    let mut now = NOW;
    group.bench_function("known pair, no hint", |bencher| {
        bencher.iter(|| {
            for span in black_box(&spans) {
                now += 61_000_000;
                black_box(services.unknown(498_677, Text::Clean("demo.default"), span.operation, now));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, document, name, services);
criterion_main!(benches);
