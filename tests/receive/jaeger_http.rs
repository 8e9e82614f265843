//! Port 14268: the order of the checks and the words are jaeger-collector 1.76's.

use spaniel::pipeline::Protocol;

use super::house::{House, MEMORY, ask, post};

const THRIFT: &str = "Content-Type: application/x-thrift\r\n";

#[tokio::test]
async fn batches_are_taken_whatever_the_query_says() {
    let house = House::new().await;
    for (path, headers) in [
        ("/api/traces", THRIFT),
        ("/api/traces?format=jaeger.thrift", THRIFT),
        ("/api/traces?format=zipkin.thrift", "Content-Type: application/x-thrift; charset=utf-8\r\n"),
        ("/api/traces", "Content-Type: Application/VND.apache.thrift.BINARY\r\n"),
    ] {
        let heard = ask(house.jaeger, post(path, headers, b"batch")).await;
        assert_eq!((heard.status, heard.body.as_str()), (202, ""), "{path} {headers}");
        let (protocol, body) = house.memo.taken.lock().unwrap().pop().unwrap();
        assert_eq!((protocol, &body[..]), (Protocol::JaegerThriftHttp, &b"batch"[..]));
    }
}

#[tokio::test]
async fn the_compact_protocol_has_a_type_of_its_own() {
    let house = House::new().await;
    let headers = "Content-Type: application/vnd.apache.thrift.compact; a=b\r\n";
    assert_eq!(ask(house.jaeger, post("/api/traces", headers, b"batch")).await.status, 202);
    assert_eq!(house.memo.taken.lock().unwrap().pop().unwrap().0, Protocol::JaegerCompactHttp);
}

#[tokio::test]
async fn errors_have_jaegers_status_and_words() {
    let house = House::new().await;
    for (headers, body, status, words) in [
        ("", "batch", 400, "Cannot parse content type: mime: no media type\n"),
        ("Content-Type: a/b; c\r\n", "batch", 400, "Cannot parse content type: mime: invalid media parameter\n"),
        ("Content-Type: application/json\r\n", "batch", 400, "Unsupported content type: application/json\n"),
        ("Content-Type: x&y'z\r\n", "batch", 400, "Unsupported content type: x&amp;y&#39;z\n"),
        (THRIFT, "bad", 400, "Unable to process request body: not a list at byte 0\n"),
        (THRIFT, "full", 503, "Cannot submit Jaeger batch: no room for more spans now, send again later\n"),
    ] {
        let heard = ask(house.jaeger, post("/api/traces", headers, body.as_bytes())).await;
        assert_eq!((heard.status, heard.body.as_str()), (status, words), "{headers}");
    }
    assert_eq!(house.bodies().len(), 2);
}

#[tokio::test]
async fn the_body_is_read_before_its_type_is_looked_at() {
    let house = House::new().await;
    let heard = ask(house.jaeger, post("/api/traces", "", &vec![b' '; MEMORY / 8 + 1])).await;
    assert_eq!(heard.status, 413);
    let gunzip = ask(house.jaeger, post("/api/traces", "Content-Encoding: gzip\r\n", b"no gzip")).await;
    assert_eq!(gunzip.status, 400);
    assert!(gunzip.body.starts_with("Unable to process request body: cannot gunzip"), "{}", gunzip.body);
}

#[tokio::test]
async fn other_paths_and_methods_answer_as_jaegers_router() {
    let house = House::new().await;
    for (request, status, words) in [
        ("GET /", 404, "404 page not found\n"),
        ("POST /api/traces/", 404, "404 page not found\n"),
        ("GET /api/traces", 405, ""),
        ("PUT /api/traces", 405, ""),
    ] {
        let heard = ask(house.jaeger, format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert_eq!((heard.status, heard.body.as_str()), (status, words), "{request}");
    }
}

#[tokio::test]
async fn every_request_is_timed_under_jaegers_name() {
    let house = House::new().await;
    ask(house.jaeger, post("/api/traces?format=jaeger.thrift", THRIFT, b"batch")).await;
    ask(house.jaeger, "GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n").await;
    for labels in
        [r#"method="POST",path="/api/traces",status="202""#, r#"method="GET",path="/favicon.ico",status="404""#]
    {
        house.until_metric(&format!("jaeger_collector_http_request_duration_count{{{labels}}} 1")).await;
    }
}
