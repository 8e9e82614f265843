//! The writer of the document: one span, one line of JSON, as jaeger-collector 1.76 writes it.
//!
//! It promises a document that parses to the same as Jaeger's, with the tags in the sender's
//! order, and costs no allocation per span unless tags are written as fields. Members stand in
//! Jaeger's order. Where it differs on purpose is told in `docs/compatibility.md`.
//!
//! A document is written front to back into the caller's buffer. What all spans of a process
//! share, the member `process`, is written once and copied.

use super::fields::Fields;
use super::json::write_text;
use super::lean::LeanTags;
use super::number::{hex_u64, write_integer};
use super::tag::write_tags;
use crate::settings::{self, TagsAsFields};
use crate::span::{Log, Reference, ReferenceKind, Span, Tag, Text, TraceId};

/// The form of the documents: made once from the settings.
#[derive(Debug)]
pub struct Shape {
    /// A 64-bit trace id is written with 16 zeros before it, as Jaeger 2 does.
    long_trace_ids: bool,
    tags: TagForm,
}

/// Where the tags of spans and processes are written.
#[derive(Debug)]
enum TagForm {
    /// In the list `tags`.
    Listed,
    /// Some of them as fields.
    Chosen(Fields),
    /// All that can be as fields.
    Lean(Box<LeanTags>),
}

impl Shape {
    pub fn new(settings: &settings::Document) -> Self {
        let TagsAsFields { dot_replacement, .. } = &settings.tags_as_fields;
        let tags = match (settings.lean, Fields::new(&settings.tags_as_fields)) {
            (Some(lean), _) => TagForm::Lean(Box::new(LeanTags::new(lean, dot_replacement))),
            (None, Some(fields)) => TagForm::Chosen(fields),
            (None, None) => TagForm::Listed,
        };
        Shape { long_trace_ids: settings.trace_id_digits > 16, tags }
    }

    /// Tells the time, in microseconds since 1970: the lean layout counts names of fields anew
    /// when a new index begins.
    pub fn turn(&self, now: u64) {
        if let TagForm::Lean(lean) = &self.tags {
            lean.names().turn(now);
        }
    }

    /// True if a tag was not written as a field since this was asked last, because there are
    /// `--es.lean.max-fields` already.
    pub fn reached_max_fields(&self) -> bool {
        matches!(&self.tags, TagForm::Lean(lean) if lean.names().take_refused())
    }

    /// Appends the value of the member `process`. Written once per process, it is copied into the
    /// document of each of its spans.
    pub fn write_process(&self, out: &mut Vec<u8>, service: Text<'_>, tags: &[Tag<'_>]) {
        out.extend_from_slice(b"{\"serviceName\":\"");
        write_text(out, service);
        out.push(b'"');
        self.write_tags(out, tags);
        out.push(b'}');
    }

    /// Appends the document of a span, one line without line feed. `process` is what
    /// [`Shape::write_process`] wrote for it.
    pub fn write_span(&self, out: &mut Vec<u8>, span: &Span<'_>, process: &[u8]) {
        self.write_head(out, span);
        self.write_references(out, &span.references);
        write_times(out, span);
        self.write_tags(out, &span.tags);
        write_logs(out, span);
        out.extend_from_slice(b",\"process\":");
        out.extend_from_slice(process);
        out.push(b'}');
    }

    fn write_head(&self, out: &mut Vec<u8>, span: &Span<'_>) {
        out.extend_from_slice(b"{\"traceID\":\"");
        self.write_trace_id(out, span.trace_id);
        out.extend_from_slice(b"\",\"spanID\":\"");
        out.extend_from_slice(&hex_u64(span.span_id));
        if span.flags == 0 {
            out.extend_from_slice(b"\",\"operationName\":\"");
        } else {
            out.extend_from_slice(b"\",\"flags\":");
            write_integer(out, span.flags);
            out.extend_from_slice(b",\"operationName\":\"");
        }
        write_text(out, span.operation);
        out.extend_from_slice(b"\",\"references\":[");
    }

    fn write_trace_id(&self, out: &mut Vec<u8>, id: TraceId) {
        if id.high != 0 || self.long_trace_ids {
            out.extend_from_slice(&hex_u64(id.high));
        }
        out.extend_from_slice(&hex_u64(id.low));
    }

    fn write_references(&self, out: &mut Vec<u8>, references: &[Reference]) {
        for reference in references {
            let start: &[u8] = match reference.kind {
                ReferenceKind::ChildOf => b"{\"refType\":\"CHILD_OF\",\"traceID\":\"",
                ReferenceKind::FollowsFrom => b"{\"refType\":\"FOLLOWS_FROM\",\"traceID\":\"",
            };
            out.extend_from_slice(start);
            self.write_trace_id(out, reference.trace_id);
            out.extend_from_slice(b"\",\"spanID\":\"");
            out.extend_from_slice(&hex_u64(reference.span_id));
            out.extend_from_slice(b"\"},");
        }
        close_list(out);
    }

    /// Appends the member `tags` and, where there are any, the member `tag`, each with a comma
    /// before it.
    fn write_tags(&self, out: &mut Vec<u8>, tags: &[Tag<'_>]) {
        match &self.tags {
            TagForm::Listed => {
                out.extend_from_slice(b",\"tags\":[");
                write_tags(out, tags);
                close_list(out);
            }
            TagForm::Chosen(fields) => fields.write_tags(out, tags),
            TagForm::Lean(lean) => lean.write_tags(out, tags),
        }
    }
}

fn write_times(out: &mut Vec<u8>, span: &Span<'_>) {
    let start = as_jaeger_keeps(span.start);
    out.extend_from_slice(b",\"startTime\":");
    write_integer(out, start);
    out.extend_from_slice(b",\"startTimeMillis\":");
    write_integer(out, start / 1000);
    out.extend_from_slice(b",\"duration\":");
    write_integer(out, span.duration.max(0));
}

fn write_logs(out: &mut Vec<u8>, span: &Span<'_>) {
    out.extend_from_slice(b",\"logs\":[");
    for log in &span.logs {
        write_log(out, log, span.fields_of(log));
    }
    close_list(out);
}

fn write_log(out: &mut Vec<u8>, log: &Log, fields: &[Tag<'_>]) {
    out.extend_from_slice(b"{\"timestamp\":");
    write_integer(out, as_jaeger_keeps(log.timestamp));
    out.extend_from_slice(b",\"fields\":[");
    write_tags(out, fields);
    close_list(out);
    out.extend_from_slice(b"},");
}

/// Turns the comma after the last element into the end of the list.
pub(super) fn close_list(out: &mut Vec<u8>) {
    match out.last_mut() {
        Some(last) if *last == b',' => *last = b']',
        _ => out.push(b']'),
    }
}

/// Jaeger keeps times as signed 64-bit nanoseconds. From the year 2262 on they wrap around there,
/// and its documents show the wrapped number beside an index named by the true one.
fn as_jaeger_keeps(micros: u64) -> u64 {
    const LARGEST: u64 = i64::MAX as u64 / 1000;
    if micros <= LARGEST { micros } else { (micros.wrapping_mul(1000).cast_signed() / 1000).cast_unsigned() }
}
