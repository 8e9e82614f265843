//! A trace in Jaeger's JSON for its UI, borrowed from its spans.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::ser::{Error, Serializer};
use serde_json::value::RawValue;

use super::adjust::{ShownSpan, reference_kind};
use super::go::format_float;
use crate::document::{StoredProcess, StoredReference, StoredTag, StoredValue};
use crate::span::TraceId;

/// Numbers beyond this are rounded by JavaScript and are sent as text.
const LARGEST_SAFE: u64 = (1 << 53) - 1;

/// One trace: its spans, and the processes that they name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trace<'a> {
    #[serde(rename = "traceID")]
    trace_id: String,
    spans: Vec<Span<'a>>,
    processes: BTreeMap<String, Process<'a>>,
    warnings: Option<&'a [String]>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Span<'a> {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    #[serde(skip_serializing_if = "is_zero")]
    flags: u32,
    operation_name: &'a str,
    references: Vec<Reference>,
    start_time: u64,
    duration: u64,
    tags: Vec<Tag<'a>>,
    logs: Vec<Log<'a>>,
    #[serde(rename = "processID")]
    process_id: String,
    warnings: Option<&'a [String]>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: &'static str,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Debug, Serialize)]
struct Log<'a> {
    timestamp: u64,
    fields: Vec<Tag<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Process<'a> {
    service_name: &'a str,
    tags: Vec<Tag<'a>>,
}

#[derive(Debug, Serialize)]
struct Tag<'a> {
    key: &'a str,
    r#type: &'static str,
    value: Shown<'a>,
}

/// A value, written as Jaeger's UI wants it.
#[derive(Debug)]
struct Shown<'a>(&'a StoredValue);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            StoredValue::String(text) => serializer.serialize_str(text),
            StoredValue::Bool(value) => serializer.serialize_bool(*value),
            StoredValue::Int64(number) if number.unsigned_abs() > LARGEST_SAFE => serializer.collect_str(number),
            StoredValue::Int64(number) => serializer.serialize_i64(*number),
            StoredValue::Float64(number) => match format_float(*number) {
                Some(text) => RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer),
                None => serializer.collect_str(number),
            },
            StoredValue::Binary(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
        }
    }
}

impl<'a> Trace<'a> {
    /// The trace of these spans, of which there is at least one, in their order. Processes are
    /// numbered by first appearance.
    pub(super) fn of(spans: &'a [ShownSpan], warnings: &'a [String]) -> Self {
        let mut processes = Processes::default();
        let shown = spans.iter().map(|shown| span(shown, processes.name(&shown.span.process))).collect();
        Trace {
            trace_id: spans.first().map(|shown| trace_id(shown.span.trace_id)).unwrap_or_default(),
            spans: shown,
            processes: processes.by_name,
            warnings: some(warnings),
        }
    }
}

fn span(shown: &ShownSpan, process_id: String) -> Span<'_> {
    let span = &shown.span;
    let reference = |reference: &StoredReference| Reference {
        ref_type: reference_kind(reference.kind),
        trace_id: trace_id(reference.trace_id),
        span_id: format!("{:016x}", reference.span_id),
    };
    Span {
        trace_id: trace_id(span.trace_id),
        span_id: format!("{:016x}", span.span_id),
        flags: span.flags,
        operation_name: &span.operation,
        references: span.references.iter().map(reference).collect(),
        start_time: span.start,
        duration: span.duration,
        tags: tags(&span.tags),
        logs: span.logs.iter().map(|log| Log { timestamp: log.timestamp, fields: tags(&log.fields) }).collect(),
        process_id,
        warnings: some(&shown.warnings),
    }
}

fn tags(tags: &[StoredTag]) -> Vec<Tag<'_>> {
    tags.iter().map(|StoredTag { key, value }| Tag { key, r#type: value_type(value), value: Shown(value) }).collect()
}

fn value_type(value: &StoredValue) -> &'static str {
    match value {
        StoredValue::String(_) => "string",
        StoredValue::Bool(_) => "bool",
        StoredValue::Int64(_) => "int64",
        StoredValue::Float64(_) => "float64",
        StoredValue::Binary(_) => "binary",
    }
}

/// A trace id as text: 16 digits if it has 64 bits, else 32.
pub(super) fn trace_id(id: TraceId) -> String {
    let mut text = String::with_capacity(32);
    if id.high != 0 {
        // Writing into a string cannot fail.
        _ = write!(text, "{:016x}", id.high);
    }
    _ = write!(text, "{:016x}", id.low);
    text
}

fn some(warnings: &[String]) -> Option<&[String]> {
    (!warnings.is_empty()).then_some(warnings)
}

fn is_zero(flags: &u32) -> bool {
    *flags == 0
}

/// The processes of a trace, equal ones once.
#[derive(Default)]
struct Processes<'a> {
    /// By what they hold, as text.
    names: HashMap<String, String>,
    by_name: BTreeMap<String, Process<'a>>,
}

impl<'a> Processes<'a> {
    fn name(&mut self, process: &'a StoredProcess) -> String {
        let next = format!("p{}", self.names.len() + 1);
        let name = self.names.entry(format!("{process:?}")).or_insert(next).clone();
        let shown = || Process { service_name: &process.service, tags: tags(&process.tags) };
        self.by_name.entry(name.clone()).or_insert_with(shown);
        name
    }
}
