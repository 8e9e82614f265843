//! Reading a document: every form that Jaeger's writers have given it since 1.8.
//!
//! It promises to read what any of them wrote, and to lose no span for one odd tag: a tag that
//! makes no sense comes back as text. Values are native JSON or, from writers before 1.69, strings;
//! lists may be missing or `null`; ids may have lost leading zeros; tags may be fields, which come
//! after the others, and their keys get their dots back.
//!
//! The document is taken apart once by serde into borrowed parts; the tags stay raw in that step,
//! so that each can fail alone.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::stored::{StoredLog, StoredProcess, StoredReference, StoredSpan};
use super::stored_tag::{Fields, read_tags};
use crate::span::{ReferenceKind, SpanId, TraceId};

/// A document that is no span.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableDocument {
    #[error("not a span document: {0}")]
    Json(#[from] serde_json::Error),
    #[error("not a span document: {member} is no id: {text:?}")]
    Id { member: &'static str, text: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow, rename = "traceID")]
    trace_id: Cow<'a, str>,
    #[serde(borrow, rename = "spanID")]
    span_id: Cow<'a, str>,
    #[serde(borrow, rename = "parentSpanID", default)]
    parent_span_id: Option<Cow<'a, str>>,
    #[serde(default)]
    flags: u32,
    #[serde(borrow, default)]
    operation_name: Cow<'a, str>,
    #[serde(borrow, default)]
    references: Option<Vec<Reference<'a>>>,
    start_time: u64,
    #[serde(default)]
    duration: u64,
    #[serde(borrow, default)]
    tags: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    tag: Option<Fields<'a>>,
    #[serde(borrow, default)]
    logs: Option<Vec<Log<'a>>>,
    #[serde(borrow, default)]
    process: Process<'a>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow, rename = "refType")]
    kind: Cow<'a, str>,
    #[serde(borrow, rename = "traceID")]
    trace_id: Cow<'a, str>,
    #[serde(borrow, rename = "spanID")]
    span_id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Log<'a> {
    timestamp: u64,
    #[serde(borrow, default)]
    fields: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Process<'a> {
    #[serde(borrow, default)]
    service_name: Cow<'a, str>,
    #[serde(borrow, default)]
    tags: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    tag: Option<Fields<'a>>,
}

impl StoredSpan {
    /// Reads a document whose fields have `@` for dots, as they have by default.
    pub fn parse(source: &[u8]) -> Result<Self, UnreadableDocument> {
        Self::parse_with(source, "@")
    }

    /// Reads a document whose fields have `dot_replacement` for dots.
    pub fn parse_with(source: &[u8], dot_replacement: &str) -> Result<Self, UnreadableDocument> {
        let document: Document<'_> = serde_json::from_slice(source)?;
        let mut span = StoredSpan {
            trace_id: trace_id("traceID", &document.trace_id)?,
            span_id: span_id("spanID", &document.span_id)?,
            flags: document.flags,
            operation: document.operation_name.into_owned(),
            start: document.start_time,
            duration: document.duration,
            tags: read_tags(document.tags, document.tag, dot_replacement),
            logs: document.logs.unwrap_or_default().into_iter().map(log).collect(),
            process: process(document.process, dot_replacement),
            references: Vec::new(),
        };
        for reference in document.references.unwrap_or_default() {
            span.references.push(read_reference(&reference)?);
        }
        match document.parent_span_id.as_deref() {
            None | Some("") => {}
            Some(parent) => add_parent(&mut span, span_id("parentSpanID", parent)?),
        }
        Ok(span)
    }
}

/// Jaeger 2 names the parent in a member of its own; it is a reference like all others.
fn add_parent(span: &mut StoredSpan, parent: SpanId) {
    let trace_id = span.trace_id;
    if !span.references.iter().any(|known| (known.trace_id, known.span_id) == (trace_id, parent)) {
        span.references.insert(0, StoredReference { kind: ReferenceKind::ChildOf, trace_id, span_id: parent });
    }
}

/// A kind of reference that nobody writes is read as Jaeger's collector receives it.
fn read_reference(reference: &Reference<'_>) -> Result<StoredReference, UnreadableDocument> {
    let kind = match &*reference.kind {
        "FOLLOWS_FROM" => ReferenceKind::FollowsFrom,
        _ => ReferenceKind::ChildOf,
    };
    let trace_id = trace_id("references.traceID", &reference.trace_id)?;
    Ok(StoredReference { kind, trace_id, span_id: span_id("references.spanID", &reference.span_id)? })
}

fn log(log: Log<'_>) -> StoredLog {
    StoredLog { timestamp: log.timestamp, fields: read_tags(log.fields, None, "") }
}

fn process(process: Process<'_>, dot_replacement: &str) -> StoredProcess {
    let tags = read_tags(process.tags, process.tag, dot_replacement);
    StoredProcess { service: process.service_name.into_owned(), tags }
}

fn trace_id(member: &'static str, text: &str) -> Result<TraceId, UnreadableDocument> {
    let id = hexadecimal(text, 32).ok_or_else(|| UnreadableDocument::Id { member, text: text.into() })?;
    Ok(TraceId { high: (id >> 64) as u64, low: id as u64 })
}

fn span_id(member: &'static str, text: &str) -> Result<SpanId, UnreadableDocument> {
    let id = hexadecimal(text, 16).ok_or_else(|| UnreadableDocument::Id { member, text: text.into() })?;
    Ok(id as u64)
}

fn hexadecimal(text: &str, most: usize) -> Option<u128> {
    let good = text.len() <= most && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    good.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests;
