//! A writer of a test's own on a server, and what the server says of what it wrote.

use std::sync::Arc;

use serde_json::{Value, json};
use spaniel::document::{hour_of, service_id, span_id};
use spaniel::item::{Batch, Item, Judgement, Kind, Label, Run, Verdict};
use spaniel::memory::Budget;
use spaniel::settings::{Elasticsearch, Indices};
use spaniel::store::Writer as _;
use spaniel::store::elasticsearch::BulkWriter;

use super::support::server::Server;

/// Documents that jaeger-collector 1.76 wrote of captured Envoy spans.
const DOCUMENTS: &str = include_str!("../data/elasticsearch/documents.ndjson");

/// Spans among them.
pub(crate) const SPANS: u64 = 5;

/// A writer with a prefix of its own on a server.
pub(crate) struct Site<'a> {
    server: &'a Server,
    prefix: String,
    pub(crate) writer: BulkWriter,
    runtime: tokio::runtime::Runtime,
}

impl<'a> Site<'a> {
    pub(crate) fn new(server: &'a Server, prefix: &str, change: impl FnOnce(&mut Elasticsearch)) -> Self {
        let indices = Indices { prefix: prefix.into(), ..Indices::default() };
        Site::with(server, &indices, change)
    }

    /// A writer to aliases.
    pub(crate) fn aliased(server: &'a Server, prefix: &str) -> Self {
        let indices = Indices { prefix: prefix.into(), use_aliases: true, ..Indices::default() };
        Site::with(server, &indices, |_| {})
    }

    fn with(server: &'a Server, indices: &Indices, change: impl FnOnce(&mut Elasticsearch)) -> Self {
        let mut settings = Elasticsearch { server_urls: vec![server.url.clone()], ..Elasticsearch::default() };
        settings.num_shards = 1;
        settings.num_replicas = 0;
        change(&mut settings);
        let writer = BulkWriter::new(&settings, indices).expect("settings that work");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        Site { server, prefix: format!("{}-", indices.prefix), writer, runtime }
    }

    pub(crate) fn write(&self, batch: &Batch) -> Vec<Verdict> {
        self.judge(batch).verdicts
    }

    /// The same, with all that the writer says.
    pub(crate) fn judge(&self, batch: &Batch) -> Judgement {
        self.runtime.block_on(self.writer.write(batch))
    }

    /// Calls the server, which must agree.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.server.call(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Puts settings to the span index of the documents' day.
    pub(crate) fn set(&self, settings: &Value) {
        self.call("PUT", &format!("/{}/_settings", self.index("jaeger-span")), Some(settings));
    }

    /// The stored span of this id, as it was sent.
    pub(crate) fn span(&self, span_id: &str) -> Value {
        let query = json!({ "query": { "term": { "spanID": span_id } } });
        let answer = self.hits("jaeger-span", &query);
        assert_eq!(answer["hits"]["hits"].as_array().map(Vec::len), Some(1), "{answer}");
        answer["hits"]["hits"][0]["_source"].clone()
    }

    /// Sends a bulk request of its own; the answer as text.
    pub(crate) fn send_bulk(&self, filter: &str, body: String) -> String {
        let cluster = self.writer.cluster();
        let query = [("filter_path", filter)];
        let answer = self.runtime.block_on(cluster.bulk(&query, body.into(), 3)).expect("an answer");
        String::from_utf8(answer.body.to_vec()).expect("text")
    }

    /// Writes all of them at the same time.
    pub(crate) fn write_together(&self, batches: &[Batch]) -> Vec<Vec<Verdict>> {
        std::thread::scope(|scope| {
            let writes: Vec<_> = batches.iter().map(|batch| scope.spawn(|| self.write(batch))).collect();
            writes.into_iter().map(|write| write.join().expect("a write that ends")).collect()
        })
    }

    /// The name of the index of the documents' day.
    pub(crate) fn index(&self, name: &str) -> String {
        format!("{}{name}-2026-11-21", self.prefix)
    }

    pub(crate) fn is_composable(&self) -> bool {
        !self.server.release.is_opensearch() && self.server.release.major() >= 8
    }

    pub(crate) fn template_path(&self, name: &str) -> String {
        let endpoint = if self.is_composable() { "_index_template" } else { "_template" };
        format!("/{endpoint}/{}{name}", self.prefix)
    }

    pub(crate) fn check_templates(&self) {
        for name in ["jaeger-span", "jaeger-service"] {
            let body = self.server.get(&self.template_path(name));
            let text = body.to_string();
            let pattern = format!("{}{name}-*", self.prefix);
            let pattern = if self.is_composable() { pattern } else { format!("*{pattern}") };
            assert!(text.contains(&format!("{pattern:?}")), "no pattern {pattern} in {text}");
            assert!(text.contains(r#""number_of_shards":"1""#), "{text}");
        }
    }

    pub(crate) fn remove_templates(&self) {
        for name in ["jaeger-span", "jaeger-service"] {
            let (status, body) = self.server.call("DELETE", &self.template_path(name), None);
            assert_eq!(status, 200, "{body}");
        }
    }

    /// From now on a field that is not mapped is an error.
    pub(crate) fn forbid_new_fields(&self) {
        let kind = if self.server.release.major() == 6 { "/span" } else { "" };
        let path = format!("/{}/_mapping{kind}", self.index("jaeger-span"));
        let (status, body) = self.server.call("PUT", &path, Some(&json!({ "dynamic": "strict" })));
        assert_eq!(status, 200, "{body}");
    }

    /// The index has the mapping of the template, not one that was guessed.
    pub(crate) fn check_mapping(&self) {
        let index = self.index("jaeger-span");
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

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.search(name, &json!({ "size": 0 }))
    }

    /// As Jaeger's reader searches a tag.
    pub(crate) fn spans_tagged(&self, key: &str, value: &str) -> u64 {
        let must = json!([{ "match": { "tags.key": key } }, { "regexp": { "tags.value": value } }]);
        let nested = json!({ "path": "tags", "query": { "bool": { "must": must } } });
        self.search("jaeger-span", &json!({ "size": 0, "query": { "nested": nested } }))
    }

    /// The number of hits.
    pub(crate) fn search(&self, name: &str, query: &Value) -> u64 {
        let total = &self.hits(name, query)["hits"]["total"];
        total.as_u64().or_else(|| total["value"].as_u64()).expect("a total")
    }

    fn hits(&self, name: &str, query: &Value) -> Value {
        let indices = format!("/{}{name}-*", self.prefix);
        self.call("POST", &format!("{indices}/_refresh"), None);
        self.call("POST", &format!("{indices}/_search"), Some(query))
    }
}

/// All documents, in the order of the collector.
pub(crate) fn golden() -> Vec<(Kind, Value)> {
    let lines = DOCUMENTS.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let kind = |line: &Value| if line["kind"] == "span" { Kind::Span } else { Kind::Service };
    lines.map(|mut line| (kind(&line), line["document"].take())).collect()
}

/// The spans among the documents.
pub(crate) fn golden_spans() -> Vec<(Kind, Value)> {
    let mut documents = golden();
    documents.retain(|(kind, _)| *kind == Kind::Span);
    documents
}

/// A batch as the pipeline makes it: a run, each item under its own name.
pub(crate) fn batch(documents: &[(Kind, Value)]) -> Batch {
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
    let reservation = Budget::new(0).reserve();
    Batch::of(vec![Arc::new(Run::new(Label(0), items, buffer, reservation))])
}
