//! The limits and the troubles of answers, over a reader that makes up its traces.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::document::StoredSpan;
use crate::span::TraceId;
use crate::store::{ReadError, Search, Task};

/// Holds the traces 1 to 9, each with as many spans as its number.
#[derive(Debug)]
struct Made {
    broken: bool,
}

impl Made {
    fn trace(id: TraceId) -> Vec<StoredSpan> {
        let span = |span_id| StoredSpan { trace_id: id, span_id, ..StoredSpan::default() };
        (1..=id.low).rev().map(span).collect()
    }

    fn answer<T>(&self, value: T) -> Result<T, ReadError> {
        if self.broken { Err(ReadError::Unreachable("gone".into())) } else { Ok(value) }
    }
}

impl Reader for Made {
    fn services(&self) -> Task<'_, Result<Vec<String>, ReadError>> {
        Box::pin(async { self.answer(vec![]) })
    }

    fn operations<'a>(&'a self, _service: &'a str) -> Task<'a, Result<Vec<String>, ReadError>> {
        Box::pin(async { self.answer(vec![]) })
    }

    fn find_trace_ids<'a>(&'a self, search: &'a Search) -> Task<'a, Result<Vec<TraceId>, ReadError>> {
        let ids = (1..=9).map(|low| TraceId { high: 0, low }).take(search.limit).collect();
        Box::pin(async { self.answer(ids) })
    }

    fn traces<'a>(&'a self, ids: &'a [TraceId]) -> Task<'a, Result<Vec<Vec<StoredSpan>>, ReadError>> {
        let found = ids.iter().filter(|id| id.low < 10).map(|&id| Made::trace(id)).collect();
        Box::pin(async { self.answer(found) })
    }
}

fn query(limits: Limits) -> Query {
    let query = Query::new(Arc::new(Made { broken: false }), Clock::at(0), Budget::new(1 << 20));
    Query { limits, ..query }
}

async fn get(query: Query, path: &str) -> (u16, Vec<u8>) {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = router(query).oneshot(request).await.unwrap();
    (response.status().as_u16(), to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
}

async fn get_json(query: Query, path: &str) -> (u16, Value) {
    let (status, body) = get(query, path).await;
    (status, serde_json::from_slice(&body).unwrap())
}

/// The number of each trace in an answer, and the number of its spans.
fn traces(answer: &Value) -> Vec<(String, usize)> {
    let number = |trace: &Value| trace["traceID"].as_str().unwrap().trim_start_matches('0').to_string();
    let spans = |trace: &Value| trace["spans"].as_array().unwrap().len();
    answer["data"].as_array().unwrap().iter().map(|trace| (number(trace), spans(trace))).collect()
}

#[tokio::test]
async fn a_search_finds_no_more_traces_than_the_limit() {
    let limits = Limits { traces: 3, ..Limits::default() };
    let (status, answer) = get_json(query(limits), "/api/traces?service=a&limit=1000").await;
    assert_eq!(status, 200);
    assert_eq!(traces(&answer).len(), 3);
    let (status, answer) = get_json(query(limits), "/api/traces?traceID=1&traceID=2&traceID=3&traceID=4").await;
    assert_eq!((status, answer["errors"][0]["msg"].as_str()), (400, Some("too many 'traceID' parameters: at most 3")));
}

#[tokio::test]
async fn a_trace_that_is_cut_says_so() {
    let limits = Limits { spans_per_trace: 4, ..Limits::default() };
    let (_, answer) = get_json(query(limits), "/api/traces/6").await;
    assert_eq!(traces(&answer), [("6".to_string(), 4)]);
    assert_eq!(answer["data"][0]["warnings"], json!(["this trace has more spans than the 4 that are shown"]));
    let (_, answer) = get_json(query(limits), "/api/traces/4").await;
    assert_eq!(answer["data"][0]["warnings"], Value::Null);
}

#[tokio::test]
async fn traces_beyond_the_spans_of_an_answer_are_named() {
    let limits = Limits { spans: 7, ..Limits::default() };
    let (status, answer) = get_json(query(limits), "/api/traces?traceID=5&traceID=4&traceID=2&traceID=99").await;
    assert_eq!(status, 200);
    let left_out = json!([
        {"msg": "trace left out: an answer has at most 7 spans", "traceID": "0000000000000005"},
        {"msg": "trace not found", "traceID": "0000000000000099"},
    ]);
    assert_eq!(traces(&answer), [("4".to_string(), 4), ("2".to_string(), 2)]);
    assert_eq!(answer["errors"], left_out);
}

#[tokio::test]
async fn a_trace_named_again_counts_again() {
    let limits = Limits { spans: 7, ..Limits::default() };
    let (_, answer) = get_json(query(limits), "/api/traces?traceID=3&traceID=3&traceID=3").await;
    assert_eq!(traces(&answer), [("3".to_string(), 3), ("3".to_string(), 3)]);
    assert_eq!(answer["errors"][0]["traceID"], "0000000000000003");
}

#[tokio::test]
async fn an_answer_is_counted_against_the_memory_and_given_back() {
    let memory = Budget::new(10_000);
    let query = || Query { memory: memory.clone(), ..query(Limits::default()) };
    let (status, answer) = get_json(query(), "/api/traces?service=a").await;
    assert_eq!(status, 503);
    assert_eq!(answer["errors"][0]["code"], 503);
    let (status, _) = get_json(query(), "/api/traces?service=a&limit=2").await;
    assert_eq!((status, memory.used()), (200, 0));
}

#[tokio::test]
async fn a_store_that_is_away_is_500_in_the_envelope() {
    let paths = [
        "/api/services",
        "/api/services/a/operations",
        "/api/operations?service=a",
        "/api/traces?service=a",
        "/api/traces?traceID=1",
        "/api/traces/1",
    ];
    for path in paths {
        let query = Query { reader: Arc::new(Made { broken: true }), ..query(Limits::default()) };
        let (status, answer) = get_json(query, path).await;
        let expected = json!([{"code": 500, "msg": "the store cannot be reached: gone"}]);
        assert_eq!((status, &answer["errors"]), (500, &expected), "{path}");
    }
}

#[tokio::test]
async fn the_page_tells_what_listens_where_under_any_base_path() {
    for (base_path, path) in [("", "/"), ("/", "/"), ("jaeger/", "/jaeger"), ("/jaeger", "/jaeger/")] {
        let listeners = vec![("Zipkin <9411>".to_string(), ":9411".to_string())];
        let query = Query { base_path: base_path.into(), listeners, ..query(Limits::default()) };
        let (status, page) = get(query, path).await;
        let page = String::from_utf8(page).unwrap();
        assert_eq!(status, 200, "{base_path}");
        assert!(page.contains("Zipkin &lt;9411&gt;"), "{page}");
        let link = format!("href=\"{}/api/services\"", path.trim_end_matches('/'));
        assert!(page.contains(&link), "{page}");
    }
}
