//! The same requests over real servers: the data set in their indices, read by the reader of
//! Elasticsearch.

use std::fmt::Write;
use std::sync::Arc;

use spaniel::clock::Clock;
use spaniel::settings::Settings;
use spaniel::store::elasticsearch::{Cluster, Method, SearchReader, Server, templates};

use crate::dataset::{Dataset, Document};

/// The server with the data set in it, as the settings of the recording have it: an age of 30 days.
pub(crate) struct Filled {
    cluster: Arc<Cluster>,
    settings: Settings,
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
        let typed = server.version.starts_with("6.");
        bulk(&cluster, &dataset.spans, typed.then_some("span")).await;
        bulk(&cluster, &dataset.services, typed.then_some("service")).await;
        let refreshed = cluster.call(Method::Post, "jaeger-*/_refresh", &[], None).await.unwrap();
        assert!(refreshed.is_good(), "{refreshed:?}");
        Filled { cluster, settings, clock: Clock::at(dataset.recorded_at) }
    }

    /// A reader with its own age limit, and pages of so many spans.
    pub(crate) fn reader(&self, max_span_age_hours: u64, max_doc_count: usize) -> Arc<SearchReader> {
        let mut settings = self.settings.clone();
        settings.elasticsearch.max_span_age = std::time::Duration::from_secs(max_span_age_hours * 3600);
        settings.elasticsearch.max_doc_count = max_doc_count;
        Arc::new(SearchReader::new(self.cluster.clone(), self.clock.clone(), &settings, 100_000))
    }
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
    let answer = cluster.bulk(&[], body.into()).await.unwrap();
    let verdict: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(verdict["errors"], false, "{verdict}");
}
