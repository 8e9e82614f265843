//! A stand-in for Elasticsearch that reads every document: it looks at the shape of each line,
//! parses every sixteenth whole, remembers each name, and answers as a real server does. (Parsing
//! all would make it slower than what it is to measure, and both share the machine.)

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

/// What came in.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Span documents, each name once.
    pub(crate) spans: u64,
    pub(crate) services: u64,
    /// Span documents whose name had come before.
    pub(crate) doubled: u64,
    /// Lines that are not the JSON that they should be.
    pub(crate) unreadable: u64,
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug, Default)]
struct Seen {
    counts: Counts,
    ids: HashSet<u128>,
    documents: u64,
}

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(alias = "create", borrow)]
    index: Target<'a>,
}

#[derive(Deserialize)]
struct Target<'a> {
    _index: &'a str,
    #[serde(default)]
    _id: Option<&'a str>,
}

type Shared = Arc<Mutex<Seen>>;

/// Serves on a loopback port (0: a free one) until it is killed; prints the port first.
pub(crate) fn serve(port: u16) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        println!("{}", listener.local_addr()?.port());
        let about = serde_json::json!({"name": "sink", "cluster_name": "sink",
            "version": {"number": "8.19.21", "build_flavor": "default"}, "tagline": "You Know, for Search"});
        let router = Router::new()
            .route("/", any(move || std::future::ready(Json(about.clone()))))
            .route("/_bulk", post(bulk))
            .route("/_counts", get(counts))
            .fallback(|| async { Json(serde_json::json!({"acknowledged": true})) })
            .layer(DefaultBodyLimit::disable())
            .layer(tower::util::MapResponseLayer::new(sign))
            .with_state(Shared::default());
        axum::serve(listener, router).await?;
        Ok(())
    })
}

/// Elastic's clients speak only to who says that it is Elasticsearch.
fn sign<B>(mut answer: Response<B>) -> Response<B> {
    answer.headers_mut().insert("x-elastic-product", HeaderValue::from_static("Elasticsearch"));
    answer
}

/// Jaeger's collector packs its bodies.
fn unpacked<'b>(headers: &HeaderMap, body: &'b [u8]) -> Cow<'b, [u8]> {
    if headers.get("content-encoding").is_none_or(|encoding| encoding != "gzip") {
        return body.into();
    }
    let mut unpacked = Vec::new();
    // What cannot be unpacked is unreadable.
    let _ = flate2::read::MultiGzDecoder::new(body).read_to_end(&mut unpacked);
    unpacked.into()
}

async fn counts(State(seen): State<Shared>) -> Json<Counts> {
    Json(seen.lock().unwrap_or_else(PoisonError::into_inner).counts.clone())
}

async fn bulk(
    State(seen): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> ([(&'static str, &'static str); 1], String) {
    let body = unpacked(&headers, &body);
    let short = query.is_some_and(|query| query.contains("filter_path"));
    let mut answer = String::with_capacity(body.len() / 16);
    answer.push_str(if short { "{\"errors\":false,\"items\":[" } else { "{\"took\":1,\"errors\":false,\"items\":[" });
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.counts.requests += 1;
    seen.counts.bytes += body.len() as u64;
    let mut lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    while let (Some(action), Some(document)) = (lines.next(), lines.next()) {
        let verb = seen.take(action, document);
        answer.push_str(&format!("{{\"{verb}\":{{\"status\":201}}}},"));
    }
    answer.pop();
    answer.push_str("]}");
    ([("content-type", "application/json")], answer)
}

impl Seen {
    /// Reads an action and its document; returns the action's verb.
    fn take(&mut self, action: &[u8], document: &[u8]) -> &'static str {
        let verb = if action.starts_with(b"{\"create\"") { "create" } else { "index" };
        self.documents += 1;
        let whole =
            !self.documents.is_multiple_of(16) || serde_json::from_slice::<serde::de::IgnoredAny>(document).is_ok();
        match serde_json::from_slice::<Action>(action) {
            Ok(action) if whole && action.index._index.contains("jaeger-service") => self.counts.services += 1,
            Ok(action) if whole && document.starts_with(b"{\"traceID\":\"") && document.ends_with(b"}}") => {
                self.count_span(action.index._id);
            }
            _ => self.counts.unreadable += 1,
        }
        verb
    }

    fn count_span(&mut self, id: Option<&str>) {
        let new = id.is_none_or(|id| self.ids.insert(xxhash_rust::xxh3::xxh3_128(id.as_bytes())));
        if new { self.counts.spans += 1 } else { self.counts.doubled += 1 }
    }
}

/// The sink in a process of its own, killed when dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    port: u16,
}

impl Child {
    pub(crate) fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["sink", "0"])
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output of the sink")?).read_line(&mut line)?;
        let port = line.trim().parse().context("the sink did not say its port")?;
        Ok(Child { process, port })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn counts(&self) -> Result<Counts> {
        Ok(reqwest::blocking::get(format!("{}/_counts", self.url()))?.json()?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
