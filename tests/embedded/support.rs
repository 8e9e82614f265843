//! Documents, batches and stores for the tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use spaniel::clock::Clock;
use spaniel::document::{StoredSpan, hour_of, service_id, span_id};
use spaniel::item::{Batch, Item, Kind, Label, Run, Verdict};
use spaniel::memory::Budget;
use spaniel::settings::{Embedded, Indices};
use spaniel::span::TraceId;
use spaniel::store::embedded::EmbeddedStore;
use spaniel::store::{Reader, Search, Writer};

pub(crate) const HOUR: u64 = 3_600_000_000;
pub(crate) const DAY: u64 = 24 * HOUR;
/// 2026-11-21T12:00:00Z, the day of the captured bodies.
pub(crate) const NOON: u64 = 1_795_262_400_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) kind: Kind,
    pub(crate) line: String,
}

impl Document {
    pub(crate) fn span(value: &serde_json::Value) -> Self {
        Document { kind: Kind::Span, line: value.to_string() }
    }

    pub(crate) fn service(service: &str, operation: &str) -> Self {
        let value = serde_json::json!({"serviceName": service, "operationName": operation});
        Document { kind: Kind::Service, line: value.to_string() }
    }

    pub(crate) fn parsed(&self) -> StoredSpan {
        StoredSpan::parse(self.line.as_bytes()).unwrap()
    }
}

/// What a real jaeger-collector wrote for captured bodies.
pub(crate) fn golden() -> Vec<Document> {
    lines_of(include_str!("../data/embedded/golden.ndjson"))
}

/// Documents, a line each with its kind.
pub(crate) fn lines_of(text: &str) -> Vec<Document> {
    #[derive(serde::Deserialize)]
    struct Line<'a> {
        kind: &'a str,
        #[serde(borrow)]
        document: &'a serde_json::value::RawValue,
    }
    let documents = text.lines().map(|line| {
        let line: Line<'_> = serde_json::from_str(line).unwrap();
        let kind = if line.kind == "span" { Kind::Span } else { Kind::Service };
        Document { kind, line: line.document.get().to_string() }
    });
    documents.collect()
}

/// Spans of the golden documents, each line once.
pub(crate) fn golden_spans() -> Vec<Document> {
    let spans = golden().into_iter().filter(|document| document.kind == Kind::Span);
    spans.map(|document| (document.line.clone(), document)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// A span with little in it.
pub(crate) fn span(trace: u128, number: u64, start: u64) -> serde_json::Value {
    serde_json::json!({
        "traceID": if trace >> 64 == 0 { format!("{trace:016x}") } else { format!("{trace:032x}") },
        "spanID": format!("{number:016x}"), "operationName": "GET /cart", "references": [],
        "startTime": start, "startTimeMillis": start / 1000, "duration": 1500, "tags": [], "logs": [],
        "process": {"serviceName": "cart.shop", "tags": []}
    })
}

/// One request's documents; service documents go to the day of `NOON`.
pub(crate) fn batch(documents: &[Document]) -> Batch {
    let mut bytes = Vec::new();
    let items = documents.iter().map(|document| {
        let start = bytes.len() as u32;
        bytes.extend_from_slice(document.line.as_bytes());
        let value: serde_json::Value = serde_json::from_str(&document.line).unwrap_or_default();
        let (id, hour) = match document.kind {
            Kind::Span => {
                let micros = value["startTime"].as_u64().unwrap_or(NOON);
                (span_id(micros, document.line.as_bytes(), 0), hour_of(micros))
            }
            Kind::Service => {
                let text = |name: &str| value[name].as_str().unwrap().to_string();
                (service_id(text("serviceName"), text("operationName")), hour_of(NOON))
            }
        };
        Item { kind: document.kind, hour, id, start, end: bytes.len() as u32 }
    });
    let items = items.collect();
    Batch::of(vec![Arc::new(Run::new(Label(0), items, bytes, Budget::new(1).reserve()))])
}

pub(crate) fn spans(values: &[serde_json::Value]) -> Batch {
    batch(&values.iter().map(Document::span).collect::<Vec<_>>())
}

pub(crate) fn settings(directory: &std::path::Path) -> Embedded {
    Embedded {
        directory: directory.to_path_buf(),
        max_age: Duration::ZERO,
        max_bytes: 0,
        commit_interval: Duration::from_millis(5),
    }
}

pub(crate) fn open(directory: &std::path::Path) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(&settings(directory), &Indices::default(), Clock::at(NOON)).unwrap()
}

pub(crate) async fn write(store: &EmbeddedStore, documents: &[Document]) -> Vec<Verdict> {
    store.write(&batch(documents)).await.verdicts
}

/// All spans of the traces of `documents`, each as often as it is there.
pub(crate) async fn read_back(store: &EmbeddedStore, documents: &[Document]) -> Vec<StoredSpan> {
    let mut ids = documents.iter().map(|document| document.parsed().trace_id).collect::<Vec<_>>();
    ids.sort_unstable();
    ids.dedup();
    store.traces(&ids).await.unwrap().into_iter().flatten().collect()
}

/// Sorted by something that tells any two spans apart, to be compared as sets.
pub(crate) fn sorted(mut spans: Vec<StoredSpan>) -> Vec<StoredSpan> {
    spans.sort_by_cached_key(|span| format!("{span:?}"));
    spans
}

pub(crate) fn everything(service: &str) -> Search {
    Search { service: service.into(), start: 0, end: u64::MAX, limit: 1000, ..Search::default() }
}

pub(crate) async fn find(store: &EmbeddedStore, search: &Search) -> Vec<u64> {
    let found = store.find_trace_ids(search).await.unwrap();
    found.into_iter().map(|TraceId { high, low }| if high == 0 { low } else { panic!("{high}") }).collect()
}

pub(crate) fn directories(path: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    let directories = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut names = directories.map(|entry| entry.file_name().into_string().unwrap()).collect::<Vec<_>>();
    names.sort();
    names
}
