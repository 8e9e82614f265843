//! The recorded requests, sent through the router, and their answers compared.

use std::fs;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde::Deserialize;
use serde_json::Value;
use spaniel::clock::Clock;
use spaniel::memory::Budget;
use spaniel::query::{Query, router};
use spaniel::store::Reader;
use tower::ServiceExt;

use crate::compare::{Free, as_fields, canonical, check_order, first_difference};
use crate::dataset::data;
use crate::differences::{DIFFERENCES, Difference};

/// A request and what jaeger-query answered.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Pair {
    #[serde(skip)]
    pub(crate) file: String,
    #[serde(skip)]
    pub(crate) line: usize,
    pub(crate) request: Asked,
    pub(crate) server: Option<String>,
    pub(crate) status: u16,
    pub(crate) headers: std::collections::HashMap<String, String>,
    pub(crate) body: Option<Value>,
    body_same_as_line: Option<usize>,
    pub(crate) bytes: usize,
    #[serde(default)]
    pub(crate) varies: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default)]
    headers: std::collections::HashMap<String, String>,
}

/// What we answered.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) status: u16,
    pub(crate) headers: std::collections::HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// All pairs of a file.
pub(crate) fn pairs(file: &str) -> Vec<Pair> {
    let text = fs::read_to_string(data(&format!("query/jaeger-1.76/{file}.ndjson"))).unwrap();
    let mut pairs: Vec<Pair> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for index in 0..pairs.len() {
        pairs[index].file = file.to_string();
        pairs[index].line = index + 1;
        if let Some(line) = pairs[index].body_same_as_line {
            pairs[index].body = pairs[line - 1].body.clone();
        }
    }
    pairs
}

impl Pair {
    /// The servers of the recording differ in this setting.
    pub(crate) fn max_span_age_hours(&self) -> u64 {
        if self.server.as_deref().is_some_and(|server| server.starts_with("max-span-age")) { 72 } else { 720 }
    }

    fn base_path(&self) -> &'static str {
        if self.server.as_deref().is_some_and(|server| server.starts_with("base path")) { "/jaeger" } else { "" }
    }

    fn router(&self, reader: Arc<dyn Reader>, clock: Clock) -> Router {
        router(Query { base_path: self.base_path().into(), ..Query::new(reader, clock, Budget::new(64 << 20)) })
    }

    pub(crate) async fn ask(&self, reader: Arc<dyn Reader>, clock: Clock) -> Ours {
        let mut request = Request::builder().method(self.request.method.as_str()).uri(&self.request.path);
        for (name, value) in &self.request.headers {
            request = request.header(name, value);
        }
        let response = self.router(reader, clock).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_string();
        Ours {
            status: response.status().as_u16(),
            headers: response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec(),
        }
    }

    /// Compares an answer of ours with the recorded one, or with what the table of differences
    /// says of it, or with what it says of the store.
    pub(crate) fn check(
        &self,
        ours: &Ours,
        of_store: &'static [Difference],
        lean: bool,
    ) -> Result<Option<&'static Difference>, String> {
        let difference = DIFFERENCES.iter().chain(of_store).find(|difference| (difference.applies)(self));
        if let Ok(answer) = serde_json::from_slice(&ours.body) {
            check_order(&answer);
        }
        let result = match difference {
            Some(difference) => (difference.ours)(self, ours),
            None => self.compare(ours, lean),
        };
        let name = format!("{} {}: {} {}", self.file, self.line, self.request.method, self.request.path);
        result.map(|()| difference).map_err(|fault| format!("{name}\n    {fault}"))
    }

    fn compare(&self, ours: &Ours, lean: bool) -> Result<(), String> {
        let said = || {
            format!(
                "{}, body: {}",
                ours.status,
                String::from_utf8_lossy(&ours.body).chars().take(2000).collect::<String>()
            )
        };
        if ours.status != self.status {
            return Err(format!("status: ours {}\n    theirs {}", said(), self.status));
        }
        for name in ["content-type", "x-content-type-options", "location"] {
            equal(name, &ours.headers.get(name), &self.headers.get(name))?;
        }
        let body = |body| {
            let answer = self.canonical(body).unwrap_or_default();
            if lean { as_fields(answer) } else { answer }
        };
        let difference = first_difference(&body(parse(&ours.body)), &body(self.body.clone()));
        difference.map_or(Ok(()), |difference| Err(format!("body{difference}")))?;
        if lean {
            return Ok(());
        }
        // Sets and numbers of processes have the same length in any order.
        equal("bytes", &ours.body.len(), &self.bytes)
    }

    fn canonical(&self, body: Option<Value>) -> Option<Value> {
        let parsed = match body {
            Some(Value::String(text)) => parse(text.as_bytes()),
            other => other,
        };
        let path = self.request.path.as_str();
        let names = path.contains("/api/services") || path.contains("/api/operations");
        let free = Free { tags: self.varies.iter().any(|what| what == "order of tags"), names };
        parsed.map(|answer| canonical(answer, free))
    }
}

/// JSON, or else text; `None` if there is nothing.
fn parse(body: &[u8]) -> Option<Value> {
    let text = || Value::String(String::from_utf8_lossy(body).into_owned());
    (!body.is_empty()).then(|| serde_json::from_slice(body).unwrap_or_else(|_| text()))
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, ours: &T, theirs: &T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: ours {ours:?}\n    theirs {theirs:?}")) }
}
