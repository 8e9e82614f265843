//! The same requests over real servers: the data set in their indices, read by the reader of
//! Elasticsearch.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::json;
use serde_json::value::RawValue;
use spaniel::clock::Clock;
use spaniel::settings::Settings;
use spaniel::span::TraceId;
use spaniel::store::elasticsearch::{Cluster, Dialect, Method, SearchReader, Server, templates};

use spaniel::store::{Reader, Search};

use crate::dataset::{Dataset, Document};

/// The server with the data set in it, as the settings of the recording have it: an age of 30 days.
pub(crate) struct Filled {
    cluster: Arc<Cluster>,
    settings: Settings,
    dialect: Dialect,
    clock: Clock,
}

impl Filled {
    pub(crate) async fn fill(url: &str, dataset: &Dataset) -> Self {
        let mut settings = Settings::default();
        settings.elasticsearch.server_urls = vec![url.to_string()];
        // Fewer shards than the recording's answer the same, and sooner.
        settings.elasticsearch.num_shards = 1;
        settings.elasticsearch.num_replicas = 0;
        let cluster = Arc::new(Cluster::new(&settings.elasticsearch).unwrap());
        let server = Server::ask(&cluster, 0).await.unwrap();
        let form = templates::Form::new(&settings.elasticsearch, &settings.indices);
        templates::install(&cluster, &server, &form).await.unwrap();
        let filled = Filled { cluster, settings, dialect: server.dialect, clock: Clock::at(dataset.recorded_at) };
        filled.write(&dataset.spans, "span").await;
        filled.write(&dataset.services, "service").await;
        filled
    }

    /// Puts documents where they belong and waits until they can be found.
    async fn write(&self, documents: &[Document], kind: &str) {
        bulk(&self.cluster, documents, (self.dialect == Dialect::Six).then_some(kind)).await;
        let refreshed = self.cluster.call(Method::Post, "jaeger-*/_refresh", &[], None).await.unwrap();
        assert!(refreshed.is_good(), "{refreshed:?}");
    }

    /// A reader with its own age limit, and pages of so many spans.
    pub(crate) fn reader(&self, max_span_age_hours: u64, max_doc_count: usize) -> Arc<SearchReader> {
        let mut settings = self.settings.clone();
        settings.elasticsearch.max_span_age = std::time::Duration::from_secs(max_span_age_hours * 3600);
        settings.elasticsearch.max_doc_count = max_doc_count;
        Arc::new(SearchReader::new(self.cluster.clone(), self.clock.clone(), &settings, 100_000))
    }
}

/// A 64-bit trace id in each spelling that Jaeger's writers have had for it is one trace, and is
/// found in a range of twenty years.
pub(crate) async fn check_spellings(filled: &Filled) {
    let spellings = ["00000000000000000000000000a1b2c3", "0000000000a1b2c3", "a1b2c3"];
    let document = |(index, text): (usize, &&str)| {
        let start = 1_700_000_000_000_000 + index as u64;
        let span = json!({"traceID": text, "spanID": format!("{index:016x}"), "operationName": "o", "references": [],
            "startTime": start, "startTimeMillis": start / 1000, "duration": 1, "tags": [], "logs": [],
            "process": {"serviceName": "spelled", "tags": []}});
        let source = RawValue::from_string(span.to_string()).unwrap();
        Document { index: "jaeger-span-2023-11-14".into(), id: None, source }
    };
    let documents: Vec<_> = spellings.iter().enumerate().map(document).collect();
    filled.write(&documents, "span").await;
    let twenty_years = 20 * 365 * 24 * 3600 * 1_000_000;
    let end = 1_790_000_000_000_000;
    let start = end - twenty_years;
    let search = Search { service: "spelled".into(), start, end, limit: 20, ..Search::default() };
    let reader = filled.reader(720, 10_000);
    let ids = reader.find_trace_ids(&search).await.unwrap();
    assert_eq!(ids, [TraceId { high: 0, low: 0xa1_b2c3 }]);
    let traces = reader.traces_of_search(&ids, &search).await.unwrap();
    assert_eq!(traces.iter().map(Vec::len).collect::<Vec<_>>(), [3]);
}

async fn bulk(cluster: &Cluster, documents: &[Document], document_type: Option<&str>) {
    let mut body = String::new();
    for document in documents {
        let mut action = serde_json::json!({"_index": document.index});
        if let Some(id) = &document.id {
            action["_id"] = id.as_str().into();
        }
        if let Some(name) = document_type {
            action["_type"] = name.into();
        }
        writeln!(body, "{{\"index\":{action}}}\n{}", document.source.get()).unwrap();
    }
    let answer = cluster.bulk(&[], body.into(), documents.len()).await.unwrap();
    let verdict: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(verdict["errors"], false, "{verdict}");
}
