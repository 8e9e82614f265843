//! Documents that jaeger-collector 1.76 wrote, made into spans and written again.

use serde_json::{Value as Json, value::RawValue};

use super::*;
use crate::settings;
use crate::span::{Log, Reference, ReferenceKind, Span, Tag, Text, TraceId, Value};

#[derive(serde::Deserialize)]
pub(super) struct Golden<'a> {
    pub(super) input: &'a str,
    pub(super) index: &'a str,
    #[serde(borrow)]
    pub(super) source: &'a RawValue,
}

/// One document of each kind that jaeger-collector 1.76 wrote for the captured bodies.
pub(super) fn golden() -> impl Iterator<Item = Golden<'static>> {
    include_str!("../../tests/data/document/golden.ndjson").lines().map(|line| serde_json::from_str(line).unwrap())
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document<'a> {
    #[serde(rename = "traceID")]
    trace_id: &'a str,
    #[serde(rename = "spanID")]
    span_id: &'a str,
    #[serde(default)]
    flags: u32,
    #[serde(borrow)]
    operation_name: &'a RawValue,
    references: Vec<DocumentReference<'a>>,
    start_time: u64,
    start_time_millis: u64,
    duration: i64,
    tags: Vec<DocumentTag<'a>>,
    logs: Vec<DocumentLog<'a>>,
    process: DocumentProcess<'a>,
}

#[derive(serde::Deserialize)]
struct DocumentReference<'a> {
    #[serde(rename = "refType")]
    kind: &'a str,
    #[serde(rename = "traceID")]
    trace_id: &'a str,
    #[serde(rename = "spanID")]
    span_id: &'a str,
}

#[derive(serde::Deserialize)]
struct DocumentTag<'a> {
    #[serde(borrow)]
    key: &'a RawValue,
    r#type: &'a str,
    #[serde(borrow)]
    value: &'a RawValue,
}

#[derive(serde::Deserialize)]
struct DocumentLog<'a> {
    timestamp: u64,
    #[serde(borrow)]
    fields: Option<Vec<DocumentTag<'a>>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DocumentProcess<'a> {
    #[serde(borrow)]
    service_name: &'a RawValue,
    tags: Vec<DocumentTag<'a>>,
}

fn text<'a>(raw: &'a RawValue) -> Text<'a> {
    Text::Json(raw.get().strip_prefix('"').unwrap().strip_suffix('"').unwrap())
}

fn trace_id(text: &str) -> TraceId {
    let id = u128::from_str_radix(text, 16).unwrap();
    TraceId { high: (id >> 64) as u64, low: id as u64 }
}

fn tag<'a>(tag: &DocumentTag<'a>) -> Tag<'a> {
    let raw = tag.value.get();
    let value = match tag.r#type {
        "string" => Value::Text(text(tag.value)),
        "bool" => Value::Bool(raw == "true"),
        "int64" => Value::Int64(raw.parse().unwrap()),
        "float64" => Value::Float64(raw.parse().unwrap()),
        "binary" => {
            let digits = raw.trim_matches('"').as_bytes();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            Value::Binary(digits.chunks(2).map(byte).collect::<Vec<_>>().leak())
        }
        other => panic!("type {other}"),
    };
    Tag { key: text(tag.key), value }
}

fn tags<'a>(tags: &[DocumentTag<'a>]) -> Vec<Tag<'a>> {
    tags.iter().map(tag).collect()
}

fn span<'a>(document: &Document<'a>) -> Span<'a> {
    let mut span = Span {
        trace_id: trace_id(document.trace_id),
        span_id: u64::from_str_radix(document.span_id, 16).unwrap(),
        flags: document.flags,
        operation: text(document.operation_name),
        start: document.start_time,
        duration: document.duration,
        tags: tags(&document.tags),
        ..Span::default()
    };
    for reference in &document.references {
        let kind = if reference.kind == "CHILD_OF" { ReferenceKind::ChildOf } else { ReferenceKind::FollowsFrom };
        let span_id = u64::from_str_radix(reference.span_id, 16).unwrap();
        span.references.push(Reference { kind, trace_id: trace_id(reference.trace_id), span_id });
    }
    for log in &document.logs {
        let start = span.log_fields.len() as u32;
        span.log_fields.extend(tags(log.fields.as_deref().unwrap_or_default()));
        let end = span.log_fields.len() as u32;
        span.logs.push(Log { timestamp: log.timestamp, start, end });
    }
    span
}

/// The document of a span, of a process without tags.
fn written(shape: &Shape, span: &Span<'_>, service: &str, process_tags: &[Tag<'_>]) -> Json {
    let (mut process, mut out) = (Vec::new(), Vec::new());
    shape.write_process(&mut process, service.into(), process_tags);
    shape.write_span(&mut out, span, &process);
    assert!(!out.contains(&b'\n'), "one line");
    serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{}: {error}", out.escape_ascii()))
}

#[test]
fn what_jaeger_wrote_is_written_the_same() {
    let shape = Shape::new(&settings::Document::default());
    let mut count = 0;
    // A type that Jaeger's model does not have, sent by gRPC, cannot come to the writer.
    for golden in golden().filter(|golden| !golden.source.get().contains(r#""type":"9""#)) {
        let document: Document<'_> = serde_json::from_str(golden.source.get()).unwrap();
        let (mut process, mut out) = (Vec::new(), Vec::new());
        shape.write_process(&mut process, text(document.process.service_name), &tags(&document.process.tags));
        shape.write_span(&mut out, &span(&document), &process);
        // Byte for byte, but for a log without fields, where 1.76 writes `null`.
        let expected = golden.source.get().replace("\"fields\":null", "\"fields\":[]");
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{}", golden.input);
        assert_eq!(document.start_time_millis, document.start_time / 1000);
        count += 1;
    }
    assert!(count > 100, "{count}");
}

fn default_shape() -> Shape {
    Shape::new(&settings::Document::default())
}

fn field_shape(all: bool, include: &[&str]) -> Shape {
    let include = include.iter().map(ToString::to_string).collect();
    let tags_as_fields = settings::TagsAsFields { all, include, dot_replacement: "@".into() };
    Shape::new(&settings::Document { tags_as_fields, ..settings::Document::default() })
}

#[test]
fn an_empty_span_has_empty_lists() {
    let expected = serde_json::json!({
        "traceID": "0000000000000000", "spanID": "0000000000000000", "operationName": "", "references": [],
        "startTime": 0, "startTimeMillis": 0, "duration": 0, "tags": [], "logs": [],
        "process": {"serviceName": "", "tags": []}
    });
    assert_eq!(written(&default_shape(), &Span::default(), "", &[]), expected);
}

#[test]
fn short_trace_ids_are_written_with_as_many_digits_as_wanted() {
    let long = Shape::new(&settings::Document { trace_id_digits: 32, ..settings::Document::default() });
    let ids = |shape: &Shape, high| {
        let trace_id = TraceId { high, low: 0x1f };
        let reference = Reference { kind: ReferenceKind::FollowsFrom, trace_id, span_id: 2 };
        let span = Span { trace_id, span_id: 3, references: vec![reference], ..Span::default() };
        let document = written(shape, &span, "", &[]);
        assert_eq!(document["traceID"], document["references"][0]["traceID"]);
        document["traceID"].as_str().unwrap().to_string()
    };
    assert_eq!(ids(&default_shape(), 0), "000000000000001f");
    assert_eq!(ids(&long, 0), "0000000000000000000000000000001f");
    assert_eq!(ids(&default_shape(), 1), "0000000000000001000000000000001f");
    assert_eq!(ids(&long, 1), "0000000000000001000000000000001f");
}

#[test]
fn what_is_no_number_is_a_string() {
    let cases = [(f64::NAN, "NaN"), (f64::INFINITY, "+Inf"), (f64::NEG_INFINITY, "-Inf")];
    for (number, expected) in cases {
        let tag = Tag { key: "x".into(), value: Value::Float64(number) };
        let span = Span { tags: vec![tag], ..Span::default() };
        let expected = serde_json::json!([{"key": "x", "type": "string", "value": expected}]);
        assert_eq!(written(&default_shape(), &span, "", &[])["tags"], expected);
    }
}

#[test]
fn addresses_are_strings() {
    for address in ["10.0.255.1", "2001:db8::1", "::ffff:192.0.2.1", "::"] {
        let tag = Tag { key: "x".into(), value: Value::Address(address.parse().unwrap()) };
        let document = written(&default_shape(), &Span::default(), "", &[tag]);
        let expected = serde_json::json!([{"key": "x", "type": "string", "value": address}]);
        assert_eq!(document["process"]["tags"], expected);
    }
}

/// The starts of golden body `start-times-negative.thrift` and of the one in nanoseconds in
/// `start-times.thrift`, and what 1.76 wrote for them.
#[test]
fn far_times_wrap_around_as_jaegers_do() {
    let cases = [
        (u64::MAX, u64::MAX),
        (1 << 63, 0),
        (1_794_009_600_000_000_000, 4_675_424_850_173_493),
        (9_223_372_036_854_775, 9_223_372_036_854_775),
    ];
    for (start, expected) in cases {
        let logs = vec![Log { timestamp: start, start: 0, end: 0 }];
        let document = written(&default_shape(), &Span { start, logs, ..Span::default() }, "", &[]);
        assert_eq!(document["startTime"], expected);
        assert_eq!(document["startTimeMillis"], expected / 1000);
        assert_eq!(document["logs"][0]["timestamp"], expected);
    }
}

fn keyed<'a>(key: &'a str, value: impl Into<Value<'a>>) -> Tag<'a> {
    Tag { key: key.into(), value: value.into() }
}

#[test]
fn chosen_tags_become_fields() {
    let tags = vec![
        keyed("http.status_code", Value::Int64(500)),
        keyed("other", "stays"),
        keyed("error", Value::Bool(true)),
        keyed("blob", Value::Binary(&[0, 255, 16])),
        keyed("http.status_code", Value::Int64(200)),
        keyed("ratio", Value::Float64(f64::NAN)),
    ];
    let logs = vec![Log { timestamp: 1, start: 0, end: 1 }];
    let span = Span { tags: tags.clone(), logs, log_fields: vec![keyed("error", "in a log")], ..Span::default() };
    let shape = field_shape(false, &["http.status_code", "error", "blob", "ratio"]);
    let document = written(&shape, &span, "s", &tags);
    let rest = serde_json::json!([
        {"key": "other", "type": "string", "value": "stays"},
        {"key": "blob", "type": "binary", "value": "00ff10"},
    ]);
    let fields = serde_json::json!({"http@status_code": 200, "error": true, "ratio": "NaN"});
    assert_eq!((&document["tags"], &document["tag"]), (&rest, &fields));
    assert_eq!((&document["process"]["tags"], &document["process"]["tag"]), (&rest, &fields));
    assert_eq!(document["logs"][0]["fields"][0]["key"], "error");
}

#[test]
fn all_tags_become_fields_but_blank_keys() {
    let escaped = Tag { key: Text::Json(r"a\u002eb"), value: "escaped".into() };
    let tags = vec![keyed("a.b", "dots"), keyed("a@b", "sign"), escaped, keyed(" ", "blank")];
    let span = Span { tags, ..Span::default() };
    let (mut process, mut out) = (Vec::new(), Vec::new());
    let shape = field_shape(true, &[]);
    shape.write_process(&mut process, "s".into(), &[]);
    shape.write_span(&mut out, &span, &process);
    let text = String::from_utf8(out).unwrap();
    let expected = r#""tags":[{"key":" ","type":"string","value":"blank"}],"tag":{"a@b":"escaped"},"logs":[],"process":{"serviceName":"s","tags":[]}}"#;
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_list_of_no_keys_leaves_all_tags() {
    let span = Span { tags: vec![keyed("a", "b")], ..Span::default() };
    assert_eq!(written(&field_shape(false, &[]), &span, "", &[])["tag"], Json::Null);
}
