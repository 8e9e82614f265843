//! From a line of JSON to what is indexed of it.
//!
//! The rules are those of Jaeger's mapping: `keyword` with `ignore_above` 256, so that a name or a
//! value of more than 256 UTF-16 units is kept and not searchable; a number or a boolean is found
//! by its text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use tantivy::TantivyDocument;

use super::schema::{FIELD_SEPARATOR, Fields, SEPARATOR};
use crate::item::{Id, Kind};
use crate::span::TraceId;

const IGNORE_ABOVE: usize = 256;

/// The document is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotADocument;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpanLine<'a> {
    #[serde(borrow, rename = "traceID")]
    trace_id: Cow<'a, str>,
    #[serde(borrow)]
    operation_name: Cow<'a, str>,
    start_time: u64,
    duration: u64,
    #[serde(borrow, default)]
    tags: Option<Vec<Pair<'a>>>,
    #[serde(borrow, default)]
    tag: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(borrow, default)]
    logs: Option<Vec<LogLine<'a>>>,
    #[serde(borrow)]
    process: ProcessLine<'a>,
}

#[derive(Deserialize)]
struct LogLine<'a> {
    #[serde(borrow, default)]
    fields: Option<Vec<Pair<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessLine<'a> {
    #[serde(borrow)]
    service_name: Cow<'a, str>,
    #[serde(borrow, default)]
    tags: Option<Vec<Pair<'a>>>,
    #[serde(borrow, default)]
    tag: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
}

#[derive(Deserialize)]
struct Pair<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceLine<'a> {
    #[serde(borrow)]
    service_name: Cow<'a, str>,
    #[serde(borrow)]
    operation_name: Cow<'a, str>,
}

/// What tantivy is given of a document.
pub(super) fn document(kind: Kind, id: Id, line: &[u8], fields: Fields) -> Result<TantivyDocument, NotADocument> {
    let mut made = Making { document: TantivyDocument::default(), term: Vec::with_capacity(256), fields };
    match kind {
        Kind::Span => made.span(&serde_json::from_slice(line).map_err(|_| NotADocument)?)?,
        Kind::Service => made.service(&serde_json::from_slice(line).map_err(|_| NotADocument)?),
    }
    made.document.add_bytes(fields.id, &id.0);
    made.document.add_bytes(fields.source, line);
    Ok(made.document)
}

struct Making {
    document: TantivyDocument,
    term: Vec<u8>,
    fields: Fields,
}

impl Making {
    fn span(&mut self, line: &SpanLine<'_>) -> Result<(), NotADocument> {
        let trace_id = trace_id(&line.trace_id).ok_or(NotADocument)?;
        self.document.add_u64(self.fields.trace_low, trace_id.low);
        self.document.add_u64(self.fields.trace_high, trace_id.high);
        self.document.add_u64(self.fields.start, line.start_time);
        self.document.add_u64(self.fields.duration, line.duration);
        self.names(&line.process.service_name, &line.operation_name);
        for pairs in [&line.tags, &line.process.tags] {
            self.pairs(pairs.as_deref().unwrap_or_default())?;
        }
        for log in line.logs.as_deref().unwrap_or_default() {
            self.pairs(log.fields.as_deref().unwrap_or_default())?;
        }
        for (key, value) in [&line.tag, &line.process.tag].into_iter().flatten().flatten() {
            self.tag(key, FIELD_SEPARATOR, value)?;
        }
        Ok(())
    }

    fn service(&mut self, line: &ServiceLine<'_>) {
        self.names(&line.service_name, &line.operation_name);
    }

    fn names(&mut self, service: &str, operation: &str) {
        if !searchable(service) {
            return;
        }
        self.document.add_bytes(self.fields.service, service.as_bytes());
        if searchable(operation) {
            join(&mut self.term, service, SEPARATOR, operation);
            self.document.add_bytes(self.fields.operation, &self.term);
        }
    }

    fn pairs(&mut self, pairs: &[Pair<'_>]) -> Result<(), NotADocument> {
        pairs.iter().try_for_each(|pair| self.tag(&pair.key, SEPARATOR, pair.value))
    }

    fn tag(&mut self, key: &str, separator: u8, value: &RawValue) -> Result<(), NotADocument> {
        let value = text(value).ok_or(NotADocument)?;
        if searchable(key) && searchable(&value) {
            join(&mut self.term, key, separator, &value);
            self.document.add_bytes(self.fields.tag, &self.term);
        }
        Ok(())
    }
}

/// `left`, a separator, `right`.
pub(super) fn join(term: &mut Vec<u8>, left: &str, separator: u8, right: &str) {
    term.clear();
    term.extend_from_slice(left.as_bytes());
    term.push(separator);
    term.extend_from_slice(right.as_bytes());
}

/// True if Elasticsearch would index it.
pub(super) fn searchable(text: &str) -> bool {
    text.len() <= IGNORE_ABOVE || text.encode_utf16().take(IGNORE_ABOVE + 1).count() <= IGNORE_ABOVE
}

/// The text that a value is found by: a string's own, else as it stands in the JSON.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let raw = value.get();
    match raw.as_bytes() {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => raw.get(1..raw.len() - 1).map(Cow::Borrowed),
        [b'"', ..] => serde_json::from_str(raw).ok().map(Cow::Owned),
        _ => Some(Cow::Borrowed(raw)),
    }
}

/// A trace id as documents spell it: up to 32 hexadecimal digits.
fn trace_id(text: &str) -> Option<TraceId> {
    if text.is_empty() || text.len() > 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let id = u128::from_str_radix(text, 16).ok()?;
    Some(TraceId { high: (id >> 64) as u64, low: id as u64 })
}
