//! Traces read back through Jaeger's query API, beside the documents that they must come from.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use spaniel::document::{StoredReference, StoredSpan, StoredTag, StoredValue};
use spaniel::span::{ReferenceKind, TraceId};

use crate::spaniel::Spaniel;

/// Numbers beyond this are text, for JavaScript's sake.
const LARGEST_SAFE: u64 = (1 << 53) - 1;

/// Spans by trace.
pub(crate) type Traces = BTreeMap<TraceId, Vec<StoredSpan>>;

pub(crate) fn by_trace(spans: impl IntoIterator<Item = StoredSpan>) -> Traces {
    let mut traces = Traces::new();
    for span in spans {
        traces.entry(span.trace_id).or_default().push(span);
    }
    traces.values_mut().for_each(|spans| spans.sort_by_cached_key(|span| format!("{span:?}")));
    traces
}

/// Reads every trace by its id, and fails unless it is as expected.
pub(crate) fn check(spaniel: &Spaniel, expected: &Traces) {
    for (id, spans) in expected {
        let path = format!("/api/traces/{:016x}{:016x}?raw=true", id.high, id.low);
        let answer = spaniel.json("query", &path);
        assert_eq!(answer["data"].as_array().unwrap().len(), 1, "{path}: {answer}");
        let ours = sorted(of_answer(&answer["data"][0]));
        let theirs = sorted(spans.iter().map(shown).collect());
        assert_eq!(ours.len(), theirs.len(), "{path}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{path}");
        }
    }
}

fn sorted(mut spans: Vec<Json>) -> Vec<Json> {
    for span in &mut spans {
        span["tags"].as_array_mut().unwrap().sort_by_cached_key(Json::to_string);
        span["process"]["tags"].as_array_mut().unwrap().sort_by_cached_key(Json::to_string);
    }
    spans.sort_by_cached_key(Json::to_string);
    spans
}

/// The spans of a trace of an answer, each with its process; numbers as floats, for JSON has one
/// kind of them.
fn of_answer(trace: &Json) -> Vec<Json> {
    let spans = trace["spans"].as_array().unwrap().iter();
    let own = |span: &Json| {
        let mut span = span.clone();
        let members = span.as_object_mut().unwrap();
        assert!(members.remove("warnings").unwrap().is_null());
        let process = members.remove("processID").unwrap();
        members.entry("flags").or_insert(json!(0));
        span["process"] = trace["processes"][process.as_str().unwrap()].clone();
        for reference in span["references"].as_array_mut().unwrap() {
            reference["traceID"] = padded(&reference["traceID"]);
        }
        span["traceID"] = padded(&span["traceID"]);
        floats(span)
    };
    spans.map(own).collect()
}

/// A trace id in 32 digits.
fn padded(id: &Json) -> Json {
    json!(format!("{:0>32}", id.as_str().unwrap()))
}

fn floats(value: Json) -> Json {
    match value {
        Json::Number(number) => json!(number.as_f64()),
        Json::Array(list) => list.into_iter().map(floats).collect(),
        Json::Object(members) => members.into_iter().map(|(name, value)| (name, floats(value))).collect(),
        other => other,
    }
}

/// A span as jaeger-query shows it.
fn shown(span: &StoredSpan) -> Json {
    floats(json!({
        "traceID": trace_id(span.trace_id),
        "spanID": format!("{:016x}", span.span_id),
        "flags": span.flags,
        "operationName": span.operation,
        "references": span.references.iter().map(reference).collect::<Vec<_>>(),
        "startTime": span.start,
        "duration": span.duration,
        "tags": tags(&span.tags),
        "logs": span.logs.iter().map(|log| json!({"timestamp": log.timestamp, "fields": tags(&log.fields)})).collect::<Vec<_>>(),
        "process": {"serviceName": span.process.service, "tags": tags(&span.process.tags)},
    }))
}

fn trace_id(id: TraceId) -> String {
    format!("{:016x}{:016x}", id.high, id.low)
}

fn reference(reference: &StoredReference) -> Json {
    let kind = match reference.kind {
        ReferenceKind::ChildOf => "CHILD_OF",
        ReferenceKind::FollowsFrom => "FOLLOWS_FROM",
    };
    json!({"refType": kind, "traceID": trace_id(reference.trace_id), "spanID": format!("{:016x}", reference.span_id)})
}

fn tags(tags: &[StoredTag]) -> Json {
    let tag = |tag: &StoredTag| {
        let (kind, value) = match &tag.value {
            StoredValue::String(text) => ("string", json!(text)),
            StoredValue::Bool(value) => ("bool", json!(value)),
            StoredValue::Int64(number) if number.unsigned_abs() > LARGEST_SAFE => ("int64", json!(number.to_string())),
            StoredValue::Int64(number) => ("int64", json!(number)),
            StoredValue::Float64(number) => ("float64", json!(number)),
            StoredValue::Binary(bytes) => ("binary", json!(STANDARD.encode(bytes))),
        };
        json!({"key": tag.key, "type": kind, "value": value})
    };
    tags.iter().map(tag).collect()
}
