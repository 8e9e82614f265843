//! A stand-in for Elasticsearch that only takes documents: for tests that must run where no real
//! server can.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// Documents by index and id.
type Documents = Arc<Mutex<BTreeMap<(String, String), Value>>>;

/// A running stand-in; gone when dropped.
#[derive(Debug)]
pub(crate) struct StandIn {
    documents: Documents,
    /// Ends the server's tasks when dropped.
    _runtime: tokio::runtime::Runtime,
}

/// A port of loopback on which nothing listens.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl StandIn {
    /// Listens on a port.
    pub(crate) fn start(port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let documents = Documents::default();
        let greeting = json!({"version": {"number": "7.17.29"}, "tagline": "You Know, for Search"});
        let router = Router::new()
            .route("/", get(|| async move { as_elasticsearch(&greeting) }))
            .route("/_bulk", post(bulk))
            .fallback(|| async { as_elasticsearch(&json!({"acknowledged": true})) })
            .layer(DefaultBodyLimit::disable())
            .with_state(documents.clone());
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", port))).unwrap();
        runtime.spawn(async { axum::serve(listener, router).await });
        StandIn { documents, _runtime: runtime }
    }

    /// The span documents.
    pub(crate) fn spans(&self) -> Vec<Value> {
        let documents = self.documents.lock().unwrap();
        let spans = documents.iter().filter(|((index, _), _)| index.contains("jaeger-span-"));
        spans.map(|(_, source)| source.clone()).collect()
    }
}

fn as_elasticsearch(answer: &Value) -> impl IntoResponse + use<> {
    ([("x-elastic-product", "Elasticsearch")], Json(answer.clone()))
}

/// Takes what is not there yet.
async fn bulk(State(documents): State<Documents>, body: String) -> impl IntoResponse {
    let mut documents = documents.lock().unwrap();
    let mut items = Vec::new();
    let mut lines = body.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
        let (verb, place) = action.as_object().unwrap().iter().next().unwrap();
        let text = |name: &str| place[name].as_str().unwrap().to_string();
        let is_new = documents.insert((text("_index"), text("_id")), source).is_none();
        let outcome = match (verb.as_str(), is_new) {
            (_, true) => json!({"status": 201}),
            ("create", false) => json!({"status": 409, "error": {"type": "version_conflict_engine_exception"}}),
            (_, false) => json!({"status": 200}),
        };
        items.push(json!({ verb: outcome }));
    }
    let errors = items.iter().any(|item| item["create"]["status"] == 409);
    ([(CONTENT_TYPE, "application/json")], json!({"errors": errors, "items": items}).to_string())
}
