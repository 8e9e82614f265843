//! The same bodies through the whole house into real servers: document for document, twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use spaniel::document::{StoredSpan, write_id};
use spaniel::item::{Id, Kind};
use spaniel::span::TraceId;
use spaniel::span::repair::Family;

use crate::bodies::{self, Body, Document, Sums};
use crate::jaeger_golden::Compared;
use crate::reading::{self, by_trace};
use crate::spaniel::{Spaniel, Start};
use crate::support::releases::{self, Release};
use crate::support::server::{self, Server};

/// What a real server refuses: numbers beyond the types of its fields.
pub(crate) fn refuses(document: &Document) -> Option<&'static str> {
    let source = &document.source;
    let beyond = |value: &Json, most: u64| value.as_u64().is_some_and(|number| number > most);
    let long = i64::MAX as u64;
    let logs = source["logs"].as_array().unwrap();
    let bad = beyond(&source["flags"], i32::MAX as u64)
        || beyond(&source["startTime"], long)
        || beyond(&source["duration"], long)
        || logs.iter().any(|log| beyond(&log["timestamp"], long));
    bad.then_some("mapping")
}

/// The documents that a real server must hold, by id and index as it writes them.
pub(crate) fn expected(bodies: &[Body], prefix: &str) -> BTreeMap<(String, String), Json> {
    let taken = bodies::documents(bodies).into_iter().filter(|(_, document)| refuses(document).is_none());
    let place = |(id, document): (Id, Document)| {
        let source = in_order(document.source, document.family);
        ((format!("{prefix}-{}", document.index), text(Kind::Span, &id)), source)
    };
    taken.map(place).collect()
}

fn in_order(source: Json, family: Family) -> Json {
    Compared::new(vec![source], family == Family::Otel).0.remove(0)
}

fn text(kind: Kind, id: &Id) -> String {
    let mut text = Vec::new();
    write_id(&mut text, kind, id);
    String::from_utf8(text).unwrap()
}

/// All documents of an index pattern, by index and id.
pub(crate) fn found(server: &Server, pattern: &str) -> BTreeMap<(String, String), Json> {
    let (status, body) = server.call("POST", &format!("/{pattern}/_refresh"), None);
    assert_eq!(status, 200, "{body}");
    let all = json!({ "size": 10_000 });
    let (status, body) = server.call("POST", &format!("/{pattern}/_search"), Some(&all));
    assert_eq!(status, 200, "{body}");
    let hit = |hit: &Json| {
        let text = |name: &str| hit[name].as_str().unwrap().to_string();
        ((text("_index"), text("_id")), hit["_source"].clone())
    };
    let hits = body["hits"]["hits"].as_array().unwrap();
    let found: BTreeMap<_, _> = hits.iter().map(hit).collect();
    assert_eq!(found.len(), hits.len());
    found
}

/// The spans in the server are the expected ones, and so many others.
pub(crate) fn check_spans(server: &Server, prefix: &str, bodies: &[Body], others: usize) {
    let mut spans = found(server, &format!("{prefix}-jaeger-span-*"));
    for source in spans.values_mut() {
        let native = source["tags"].as_array().unwrap().iter().any(|tag| tag["key"] == "@jaeger@format");
        *source = in_order(source.take(), if native { Family::Native } else { Family::Otel });
    }
    let expected = expected(bodies, prefix);
    for (place, source) in &expected {
        assert_eq!(spans.get(place), Some(source), "{place:?}");
    }
    assert_eq!(spans.len(), expected.len() + others);
}

/// A document for each day, service and operation of any span, also of one that was refused; and
/// Jaeger's are among them, by the same names.
fn check_services(server: &Server, prefix: &str, bodies: &[Body]) {
    let service = |source: &Json| (source["serviceName"].clone(), source["operationName"].clone());
    let service_of_span = |document: Document| {
        let index = format!("{prefix}-{}", document.index.replace("-span-", "-service-"));
        let (service, operation) = (&document.source["process"]["serviceName"], &document.source["operationName"]);
        (index, service.to_string(), operation.to_string())
    };
    let found = found(server, &format!("{prefix}-jaeger-service-*"));
    let ours = found.iter().map(|((index, _), source)| {
        let (service, operation) = service(source);
        (index.clone(), service.to_string(), operation.to_string())
    });
    let ours: BTreeSet<_> = ours.collect();
    assert_eq!(ours.len(), found.len());
    assert_eq!(ours, bodies::documents(bodies).into_values().map(service_of_span).collect());
    for body in bodies.iter().filter(|body| !body.expected.documents.is_empty()) {
        for golden in &body.services {
            let place = (format!("{prefix}-{}", golden["_index"].as_str().unwrap()), golden["_id"].as_str().unwrap());
            assert_eq!(found.get(&(place.0, place.1.into())), Some(&golden["_source"]), "{}", body.input);
        }
    }
}

/// Traces of which all spans started within three years before now are found by their ids.
fn check_reading(spaniel: &Spaniel, bodies: &[Body]) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as u64;
    let earliest = now - 3 * 365 * 24 * 3_600_000_000;
    let documents = bodies::documents(bodies);
    let taken = documents.values().filter(|document| refuses(document).is_none());
    let mut traces = by_trace(taken.map(Document::stored));
    let recent = |spans: &Vec<StoredSpan>| spans.iter().all(|span| (earliest..now).contains(&span.start));
    traces.retain(|_: &TraceId, spans| recent(spans));
    assert!(traces.len() > 600, "{}", traces.len());
    reading::check(spaniel, &traces);
}

fn over(release: Release) {
    let Some(server) = server::shared(release) else { return };
    let prefix = format!("path-{}", std::process::id());
    let bodies = bodies::all();
    let mut sums = [Family::Otel, Family::Native].map(|family| bodies::sums(&bodies, family, refuses));
    // Old days want many new indices at once: a request that is given up and sent again is not the
    // subject here.
    let spaniel = Start::elasticsearch(&server.url, &prefix).flags(&["--es.timeout=300s"]).run();
    let pages = |books: &Json| ["zipkin-json", "jaeger-thrift-http"].map(|name| Sums::of_page(&books["spans"][name]));
    bodies::send(&spaniel, &bodies);
    assert_eq!(pages(&spaniel.settled_books()), sums);
    check_spans(&server, &prefix, &bodies, 0);
    check_services(&server, &prefix, &bodies);
    check_reading(&spaniel, &bodies);
    bodies::send(&spaniel, &bodies);
    sums.iter_mut().for_each(send_again);
    assert_eq!(pages(&spaniel.settled_books()), sums);
    check_spans(&server, &prefix, &bodies, 0);
    spaniel.stop();
}

/// What the page is after all of it came in once more.
fn send_again(sums: &mut Sums) {
    sums.received *= 2;
    sums.already_there = 2 * sums.already_there + sums.stored;
    sums.refused.values_mut().for_each(|count| *count *= 2);
}

#[test]
fn captured_bodies_into_elasticsearch_6_6() {
    over(releases::ES_6_6);
}

#[test]
fn captured_bodies_into_elasticsearch_6_8() {
    over(releases::ES_6_8);
}

#[test]
fn captured_bodies_into_elasticsearch_7_17() {
    over(releases::ES_7_17);
}

#[test]
fn captured_bodies_into_elasticsearch_8_19() {
    over(releases::ES_8_19);
}

#[test]
fn captured_bodies_into_elasticsearch_9_5() {
    over(releases::ES_9_5);
}

#[test]
fn captured_bodies_into_opensearch_2_19() {
    over(releases::OS_2_19);
}

#[test]
fn captured_bodies_into_opensearch_3_8() {
    over(releases::OS_3_8);
}
