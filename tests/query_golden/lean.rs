//! The data set in the lean layout: the same spans, written again from what is read of Jaeger's
//! documents.

use serde_json::value::RawValue;
use spaniel::document::{Shape, StoredSpan, StoredTag, StoredValue};
use spaniel::settings::{self, Layout, Lean, LeanFields, Settings};
use spaniel::span::{Log, Reference, Span, Tag, Text, Value};

use crate::dataset::{Dataset, Document};

const MOST: usize = 500;

/// With a prefix, beside the data set in Jaeger's layout.
pub(crate) fn settings(search_logs: bool) -> Settings {
    let mut settings = Settings::default();
    settings.indices.prefix = if search_logs { "lean-logs".into() } else { "lean".into() };
    settings.elasticsearch.layout = Layout::Lean(Lean { num_shards: 1, max_fields: MOST, search_logs });
    settings
}

pub(crate) fn of(dataset: &Dataset) -> Dataset {
    let lean = Some(LeanFields { most: MOST, period_hours: 24 });
    let shape = Shape::new(&settings::Document { lean, ..settings::Document::default() });
    let spans = dataset.spans.iter().map(|document| Document { source: written(&shape, document), ..document.clone() });
    Dataset { spans: spans.collect(), services: dataset.services.clone(), recorded_at: dataset.recorded_at }
}

fn written(shape: &Shape, document: &Document) -> Box<RawValue> {
    let stored = StoredSpan::parse(document.source.get().as_bytes()).unwrap();
    let mut span = Span {
        trace_id: stored.trace_id,
        span_id: stored.span_id,
        flags: stored.flags,
        operation: Text::Plain(&stored.operation),
        start: stored.start,
        duration: stored.duration as i64,
        tags: tags(&stored.tags),
        ..Span::default()
    };
    for reference in &stored.references {
        let (kind, trace_id, span_id) = (reference.kind, reference.trace_id, reference.span_id);
        span.references.push(Reference { kind, trace_id, span_id });
    }
    for log in &stored.logs {
        let start = span.log_fields.len() as u32;
        span.log_fields.extend(tags(&log.fields));
        span.logs.push(Log { timestamp: log.timestamp, start, end: span.log_fields.len() as u32 });
    }
    let (mut process, mut line) = (Vec::new(), Vec::new());
    shape.write_process(&mut process, Text::Plain(&stored.process.service), &tags(&stored.process.tags));
    shape.write_span(&mut line, &span, &process);
    RawValue::from_string(String::from_utf8(line).unwrap()).unwrap()
}

fn tags(stored: &[StoredTag]) -> Vec<Tag<'_>> {
    let value = |value| match value {
        &StoredValue::Bool(value) => Value::Bool(value),
        &StoredValue::Int64(number) => Value::Int64(number),
        &StoredValue::Float64(number) => Value::Float64(number),
        StoredValue::String(text) => Value::Text(Text::Plain(text)),
        StoredValue::Binary(bytes) => Value::Binary(bytes),
    };
    stored.iter().map(|tag| Tag { key: Text::Plain(&tag.key), value: value(&tag.value) }).collect()
}
