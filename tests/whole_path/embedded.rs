//! Every captured body through the whole house into the embedded store, and back.

use std::path::Path;
use std::time::Duration;

use spaniel::clock::Clock;
use spaniel::document::StoredSpan;
use spaniel::settings::{Embedded, Indices};
use spaniel::span::TraceId;
use spaniel::span::repair::Family;
use spaniel::store::Reader as _;
use spaniel::store::embedded::EmbeddedStore;

use crate::bodies::{self, Document, Sums};
use crate::reading::{self, Traces, by_trace};
use crate::spaniel::{Spaniel, Start};

/// The embedded store takes every span.
fn refuses(_: &Document) -> Option<&'static str> {
    None
}

/// What a store that nobody has open holds of these traces.
pub(crate) fn stored(directory: &Path, expected: &Traces) -> Vec<StoredSpan> {
    let ids: Vec<_> = expected.keys().copied().collect();
    spans_of(directory, &ids).into_iter().map(bodies::in_order).collect()
}

/// All spans of these traces in a store that nobody has open.
pub(crate) fn spans_of(directory: &Path, ids: &[TraceId]) -> Vec<StoredSpan> {
    let settings = Embedded {
        directory: directory.into(),
        max_age: Duration::ZERO,
        max_bytes: 0,
        commit_interval: Duration::from_millis(5),
    };
    let store = EmbeddedStore::open(&settings, &Indices::default(), Clock::System).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let traces = runtime.block_on(store.traces(ids)).unwrap();
    traces.into_iter().flatten().collect()
}

/// The sum of a counter over all of its labels.
fn counted(spaniel: &Spaniel, name: &str) -> u64 {
    let text = spaniel.get("admin", "/metrics").text().unwrap();
    let values = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
    values.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[test]
fn captured_bodies_come_back_as_jaeger_would_have_them() {
    let bodies = bodies::all();
    let expected = by_trace(bodies::documents(&bodies).values().map(Document::stored));
    let spaniel = Start::embedded().run();
    bodies::send(&spaniel, &bodies);
    let books = spaniel.settled_books();
    let [zipkin, jaeger] = [Family::Otel, Family::Native].map(|family| bodies::sums(&bodies, family, refuses));
    assert_eq!((zipkin.received, zipkin.stored, zipkin.already_there), (914, 914, 0));
    assert_eq!((jaeger.received, jaeger.stored, jaeger.already_there), (421, 400, 3));
    assert_eq!(Sums::of_page(&books["spans"]["zipkin-json"]), zipkin);
    assert_eq!(Sums::of_page(&books["spans"]["jaeger-thrift-http"]), jaeger);
    let read = [&zipkin, &jaeger].map(|sums| sums.received - sums.refused.values().sum::<u64>());
    assert_eq!(counted(&spaniel, "jaeger_collector_spans_received_total"), read.iter().sum::<u64>());
    reading::check(&spaniel, &expected);
    let directory = spaniel.stop();
    let stored = by_trace(stored(&directory.path().join("spaniel-data"), &expected));
    assert_eq!(stored.values().map(Vec::len).sum::<usize>() as u64, zipkin.stored + jaeger.stored);
    for (id, spans) in &expected {
        assert_eq!(stored.get(id), Some(spans));
    }
}
