//! The writer against real servers, and what it writes found again by their own search.
#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;

use serde_json::{Value, json};
use spaniel::document::{hour_of, service_id, span_id};
use spaniel::item::{Batch, Item, Kind, Label, Run, Verdict};
use spaniel::memory::Budget;
use spaniel::settings::{Elasticsearch, Indices};
use spaniel::store::Writer as _;
use spaniel::store::elasticsearch::BulkWriter;
use support::releases::{self, Release};
use support::server::{self, Server};

/// Documents that jaeger-collector 1.76 wrote of captured Envoy spans.
const DOCUMENTS: &str = include_str!("data/elasticsearch/documents.ndjson");

/// Spans among them.
const SPANS: u64 = 5;

#[test]
fn elasticsearch_6_6() {
    all(releases::ES_6_6);
}

#[test]
fn elasticsearch_6_8() {
    all(releases::ES_6_8);
}

#[test]
fn elasticsearch_7_17() {
    all(releases::ES_7_17);
}

#[test]
fn elasticsearch_8_19() {
    all(releases::ES_8_19);
}

#[test]
fn elasticsearch_9_5() {
    all(releases::ES_9_5);
}

#[test]
fn opensearch_2_19() {
    all(releases::OS_2_19);
}

#[test]
fn opensearch_3_8() {
    all(releases::OS_3_8);
}

/// One release through a life: the checks share its server, each with its own indices.
fn all(release: Release) {
    let Some(server) = server::shared(release) else { return };
    spans_are_stored_and_found(&server);
    a_document_that_does_not_fit_is_refused_alone(&server);
    without_names_every_writing_is_stored(&server);
    a_server_that_went_and_came_is_met_again(&server);
}

fn spans_are_stored_and_found(server: &Server) {
    let site = Site::new(server, "found", |_| {});
    let batch = batch(&golden());
    let verdicts = site.write(&batch);
    // The four service documents are one: after the first it is written over.
    let wanted =
        [1, 0, 2, 0, 2, 0, 0, 2, 0].map(|sort| [Verdict::Stored, Verdict::Stored, Verdict::AlreadyThere][sort]);
    assert_eq!(verdicts, wanted);
    let status = site.writer.status();
    assert_eq!((status.reachable, status.trouble), (true, None));
    assert_eq!((status.store.as_str(), status.place.as_str()), (server.release.product, server.url.as_str()));

    site.check_templates();
    site.check_mapping();
    assert_eq!(site.count("jaeger-span"), SPANS);
    assert_eq!(site.count("jaeger-service"), 1);
    assert_eq!(site.spans_tagged("http.status_code", "200"), SPANS);
    assert_eq!(site.spans_tagged("http.status_code", "404"), 0);

    assert_eq!(site.write(&batch), vec![Verdict::AlreadyThere; batch.len()]);
    assert_eq!(site.count("jaeger-span"), SPANS);
}

fn a_document_that_does_not_fit_is_refused_alone(server: &Server) {
    let site = Site::new(server, "conflict", |_| {});
    let mut documents = golden();
    documents.retain(|(kind, _)| *kind == Kind::Span);
    documents[1].1["startTimeMillis"] = json!("not a time");
    documents[3].1["duration"] = json!({ "seconds": 1 });
    let (stored, refused) = (Verdict::Stored, Verdict::Refused("mapping"));
    assert_eq!(site.write(&batch(&documents)), [stored, refused, stored, refused, stored]);
    assert_eq!(site.count("jaeger-span"), SPANS - 2);
}

fn without_names_every_writing_is_stored(server: &Server) {
    let site = Site::new(server, "doubles", |settings| settings.document_ids = false);
    let mut documents = golden();
    documents.retain(|(kind, _)| *kind == Kind::Span);
    let batch = batch(&documents);
    for _ in 0..2 {
        assert_eq!(site.write(&batch), vec![Verdict::Stored; batch.len()]);
    }
    assert_eq!(site.count("jaeger-span"), 2 * SPANS);
}

fn a_server_that_went_and_came_is_met_again(server: &Server) {
    let site = Site::new(server, "away", |_| {});
    let batch = batch(&golden());
    site.write(&batch);
    site.remove_templates();
    server.stop();
    let verdicts = site.write(&batch);
    assert_eq!(verdicts, vec![Verdict::Again("unreachable"); batch.len()]);
    let status = site.writer.status();
    assert!(!status.reachable && status.trouble.is_some(), "{status:?}");
    server.resume().expect("the server starts again");
    assert_eq!(site.write(&batch), vec![Verdict::AlreadyThere; batch.len()]);
    site.check_templates();
    assert!(site.writer.status().reachable);
}

/// A writer with a prefix of its own on a server.
struct Site<'a> {
    server: &'a Server,
    prefix: String,
    writer: BulkWriter,
    runtime: tokio::runtime::Runtime,
}

impl<'a> Site<'a> {
    fn new(server: &'a Server, prefix: &str, change: impl FnOnce(&mut Elasticsearch)) -> Self {
        let mut settings = Elasticsearch { server_urls: vec![server.url.clone()], ..Elasticsearch::default() };
        settings.num_shards = 1;
        settings.num_replicas = 0;
        change(&mut settings);
        let indices = Indices { prefix: prefix.into(), ..Indices::default() };
        let writer = BulkWriter::new(&settings, &indices).expect("settings that work");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        Site { server, prefix: format!("{prefix}-"), writer, runtime }
    }

    fn write(&self, batch: &Batch) -> Vec<Verdict> {
        self.runtime.block_on(self.writer.write(batch))
    }

    fn is_composable(&self) -> bool {
        !self.server.release.is_opensearch() && self.server.release.major() >= 8
    }

    fn template_path(&self, name: &str) -> String {
        let endpoint = if self.is_composable() { "_index_template" } else { "_template" };
        format!("/{endpoint}/{}{name}", self.prefix)
    }

    fn check_templates(&self) {
        for name in ["jaeger-span", "jaeger-service"] {
            let body = self.server.get(&self.template_path(name));
            let text = body.to_string();
            let pattern = format!("{}{name}-*", self.prefix);
            let pattern = if self.is_composable() { pattern } else { format!("*{pattern}") };
            assert!(text.contains(&format!("{pattern:?}")), "no pattern {pattern} in {text}");
            assert!(text.contains(r#""number_of_shards":"1""#), "{text}");
        }
    }

    fn remove_templates(&self) {
        for name in ["jaeger-span", "jaeger-service"] {
            let (status, body) = self.server.call("DELETE", &self.template_path(name), None);
            assert_eq!(status, 200, "{body}");
        }
    }

    /// The index has the mapping of the template, not one that was guessed.
    fn check_mapping(&self) {
        let index = format!("{}jaeger-span-2026-11-21", self.prefix);
        let mut mapping = self.server.get(&format!("/{index}/_mapping"))[&index]["mappings"].take();
        if self.server.release.major() == 6 {
            mapping = mapping["span"].take();
        }
        let properties = &mapping["properties"];
        let keyword = json!({ "type": "keyword", "ignore_above": 256 });
        assert_eq!(properties["process"]["properties"]["serviceName"], keyword, "{mapping}");
        assert_eq!(properties["tags"]["type"], "nested");
        assert_eq!(properties["logs"]["properties"]["fields"]["properties"]["value"], keyword);
        assert_eq!(properties["startTimeMillis"], json!({ "type": "date", "format": "epoch_millis" }));
    }

    fn count(&self, name: &str) -> u64 {
        self.search(name, &json!({ "size": 0 }))
    }

    /// As Jaeger's reader searches a tag.
    fn spans_tagged(&self, key: &str, value: &str) -> u64 {
        let must = json!([{ "match": { "tags.key": key } }, { "regexp": { "tags.value": value } }]);
        let nested = json!({ "path": "tags", "query": { "bool": { "must": must } } });
        self.search("jaeger-span", &json!({ "size": 0, "query": { "nested": nested } }))
    }

    /// The number of hits.
    fn search(&self, name: &str, query: &Value) -> u64 {
        let indices = format!("/{}{name}-*", self.prefix);
        let (status, body) = self.server.call("POST", &format!("{indices}/_refresh"), None);
        assert_eq!(status, 200, "{body}");
        let (status, body) = self.server.call("POST", &format!("{indices}/_search"), Some(query));
        assert_eq!(status, 200, "{body}");
        let total = &body["hits"]["total"];
        total.as_u64().or_else(|| total["value"].as_u64()).expect("a total")
    }
}

fn golden() -> Vec<(Kind, Value)> {
    let lines = DOCUMENTS.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let kind = |line: &Value| if line["kind"] == "span" { Kind::Span } else { Kind::Service };
    lines.map(|mut line| (kind(&line), line["document"].take())).collect()
}

/// A batch as the pipeline makes it: a run, each item under its own name.
fn batch(documents: &[(Kind, Value)]) -> Batch {
    let mut buffer = Vec::new();
    // A service document's hour is that of its span.
    let start = |document: &Value| document["startTime"].as_u64();
    let first = documents.iter().find_map(|(_, document)| start(document)).expect("a span");
    let items = documents.iter().map(|(kind, document)| {
        let from = buffer.len() as u32;
        buffer.extend_from_slice(document.to_string().as_bytes());
        let micros = start(document).unwrap_or(first);
        let text = |name: &str| document[name].as_str().unwrap_or_default();
        let id = match kind {
            Kind::Span => span_id(micros, document.to_string().as_bytes(), 0),
            Kind::Service => service_id(text("serviceName"), text("operationName")),
        };
        Item { kind: *kind, hour: hour_of(micros), id, start: from, end: buffer.len() as u32 }
    });
    let items = items.collect();
    let reservation = Budget::new(1 << 20).reserve();
    Batch::of(vec![Arc::new(Run { label: Label(0), items, documents: buffer, reservation })])
}
