//! Port 9411.

use std::io::Write;

use spaniel::pipeline::Protocol;

use super::house::{House, MEMORY, Wire, ask, post};

const SPANS: &[u8] = b"[{\"traceId\":\"1\",\"id\":\"2\"}]";

#[tokio::test]
async fn spans_are_taken_on_any_prefix_and_answered_with_an_empty_202() {
    let house = House::new().await;
    for path in ["/api/v2/spans", "/api/v2/spans/", "/zipkin/api/v2/spans", "/a/b/api/v2/spans/?x=y", "/api/v2/span"] {
        let heard = ask(house.zipkin, post(path, "", SPANS)).await;
        assert_eq!((heard.status, heard.body.as_str()), (202, ""), "{path}");
        assert_eq!(heard.header("content-type"), None);
        let (protocol, body) = house.memo.taken.lock().unwrap().pop().unwrap();
        assert_eq!((protocol, &body[..]), (Protocol::ZipkinJson, SPANS));
    }
}

/// The protocol that a body came by; it must have been taken.
async fn taken_by(house: &House, path: &str, kind: &str, body: &[u8]) -> Protocol {
    let heard = ask(house.zipkin, post(path, &format!("Content-Type: {kind}\r\n"), body)).await;
    assert_eq!((heard.status, heard.body.as_str()), (202, ""), "{path} {kind}");
    let (protocol, taken) = house.memo.taken.lock().unwrap().pop().unwrap();
    assert_eq!(taken, body, "{path} {kind}");
    protocol
}

#[tokio::test]
async fn the_content_type_and_then_the_path_say_the_format() {
    let house = House::new().await;
    let (proto, thrift) = (&b"\x0a\x80\x01\x0a\x10"[..], &b"\x0c\0\0\0\x01"[..]);
    for (path, kind, body, protocol) in [
        ("/api/v2/spans", "text/plain", SPANS, Protocol::ZipkinJson),
        ("/api/v2/spans", "application/json; charset=utf-8", SPANS, Protocol::ZipkinJson),
        ("/api/v2/spans", "*/*", SPANS, Protocol::ZipkinJson),
        ("/api/v2/spans", "application/x-protobuf", proto, Protocol::ZipkinProto),
        ("/zipkin/api/v2/spans/", "Application/X-Protobuf; x=y", proto, Protocol::ZipkinProto),
        ("/api/v1/spans", "application/json", SPANS, Protocol::ZipkinJsonV1),
        ("/jaeger/api/v1/spans/", "application/octet-stream", SPANS, Protocol::ZipkinJsonV1),
        ("/api/v1/spans", "application/x-thrift", thrift, Protocol::ZipkinThrift),
        ("/api/v1/spans/", "application/x-thrift; charset=utf-8", thrift, Protocol::ZipkinThrift),
        // The body knows better.
        ("/api/v2/spans", "application/x-protobuf", SPANS, Protocol::ZipkinJson),
        ("/api/v1/spans", "application/json", thrift, Protocol::ZipkinThrift),
        ("/api/v2/spans", "application/octet-stream", proto, Protocol::ZipkinProto),
    ] {
        assert_eq!(taken_by(&house, path, kind, body).await, protocol, "{path} {kind}");
    }
}

#[tokio::test]
async fn refusals_are_counted_by_the_format() {
    let house = House::new().await;
    for (path, kind, page) in [
        ("/api/v2/spans", "application/json", "zipkin-json"),
        ("/api/v2/spans", "application/x-protobuf", "zipkin-proto"),
        ("/api/v1/spans", "application/json", "zipkin-json-v1"),
        ("/api/v1/spans", "application/x-thrift", "zipkin-thrift"),
    ] {
        let kind = format!("Content-Type: {kind}\r\n");
        assert_eq!(ask(house.zipkin, post(path, &kind, b"bad")).await.status, 400, "{page}");
        let unknown = format!("{kind}Content-Encoding: br\r\n");
        assert_eq!(ask(house.zipkin, post(path, &unknown, SPANS)).await.status, 415, "{page}");
        for status in [400, 415] {
            let line = format!("spaniel_requests_refused_total{{protocol=\"{page}\",status=\"{status}\"}} 1");
            house.until_metric(&line).await;
        }
    }
}

#[tokio::test]
async fn nothing_and_an_empty_list_only_try_the_connection() {
    let house = House::new().await;
    for body in ["", "[]", " [] \n", "\n"] {
        assert_eq!(ask(house.zipkin, post("/api/v2/spans", "", body.as_bytes())).await.status, 202, "{body:?}");
    }
    assert!(house.bodies().is_empty());
}

#[tokio::test]
async fn only_what_cannot_be_read_at_all_is_400_and_says_why() {
    let house = House::new().await;
    for (body, status, words) in [
        ("bad", 400, "not a list at byte 0\n"),
        ("none", 400, "id is no hex at byte 9\n"),
        ("full", 503, "send again later\n"),
    ] {
        let heard = ask(house.zipkin, post("/api/v2/spans", "", body.as_bytes())).await;
        assert_eq!(heard.status, status);
        assert!(heard.body.ends_with(words), "{}", heard.body);
        assert_eq!(heard.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(heard.header("retry-after").is_some(), status == 503);
    }
    house.until_metric(r#"spaniel_requests_refused_total{protocol="zipkin-json",status="400"} 2"#).await;
}

#[tokio::test]
async fn other_paths_and_methods_are_told_where_spans_go() {
    let house = House::new().await;
    for (request, status) in [
        ("GET /api/v2/spans?serviceName=x", 405),
        ("PUT /api/v2/spans", 405),
        ("DELETE /zipkin/api/v2/spans", 405),
        ("POST /", 404),
        ("POST /api/v3/spans", 404),
        ("GET /zipkin/", 404),
        ("GET /jaeger/api/v1/spans/", 405),
        ("OPTIONS /api/v2/spans", 204),
        ("OPTIONS /api/v1/spans", 204),
        ("GET /health", 200),
        ("GET /info", 200),
    ] {
        let heard = ask(house.zipkin, format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert_eq!(heard.status, status, "{request}");
        assert_eq!(heard.header("allow"), matches!(status, 405 | 204).then_some("POST, OPTIONS"), "{request}");
        assert_eq!(heard.body.contains("/api/v2/spans"), status == 404, "{request}: {}", heard.body);
    }
    house.health.set_draining();
    let heard = ask(house.zipkin, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!((heard.status, heard.body.as_str()), (503, r#"{"status":"DOWN"}"#));
}

#[tokio::test]
async fn pages_of_any_origin_may_send() {
    let house = House::new().await;
    let preflight = "OPTIONS /api/v2/spans HTTP/1.1\r\nHost: x\r\nOrigin: http://page\r\n\
                     Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n";
    let heard = ask(house.zipkin, preflight).await;
    assert_eq!(heard.header("access-control-allow-origin"), Some("*"));
    assert!(heard.header("access-control-allow-headers").unwrap().contains("content-type"));
    assert!(heard.header("access-control-allow-methods").unwrap().contains("POST"));
    let heard = ask(house.zipkin, post("/api/v2/spans", "Origin: http://page\r\n", SPANS)).await;
    assert_eq!((heard.status, heard.header("access-control-allow-origin")), (202, Some("*")));
    assert_eq!(ask(house.zipkin, post("/api/v2/spans", "", SPANS)).await.header("access-control-allow-origin"), None);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn encoded_bodies_are_inflated() {
    let house = House::new().await;
    let zstd = zstd::encode_all(SPANS, 1).unwrap();
    for (encoding, body) in
        [("gzip", gzip(SPANS)), ("deflate", deflate(SPANS)), ("zstd", zstd), ("identity", SPANS.into())]
    {
        let request = post("/api/v2/spans", &format!("Content-Encoding: {encoding}\r\n"), &body);
        assert_eq!(ask(house.zipkin, request).await.status, 202, "{encoding}");
        assert_eq!(house.memo.taken.lock().unwrap().pop().unwrap().1, SPANS, "{encoding}");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_inflated_are_refused_with_words() {
    let house = House::new().await;
    let cut = gzip(SPANS)[..20].to_vec();
    for (encoding, body, status, words) in [
        ("gzip", SPANS.to_vec(), 400, "cannot gunzip the body"),
        ("gzip", cut, 400, "cannot gunzip the body"),
        ("br", SPANS.to_vec(), 415, "unsupported Content-Encoding \"br\""),
        ("gzip", gzip(b""), 202, ""),
    ] {
        let request = post("/api/v2/spans", &format!("Content-Encoding: {encoding}\r\n"), &body);
        let heard = ask(house.zipkin, request).await;
        assert_eq!(heard.status, status, "{encoding}");
        assert!(heard.body.starts_with(words), "{}", heard.body);
        assert_eq!(heard.header("accept-encoding"), (status == 415).then_some("gzip, deflate, zstd, snappy"));
    }
    assert!(house.bodies().is_empty());
}

#[tokio::test]
async fn bombs_stop_at_the_limit() {
    let house = House::new().await;
    let blanks = vec![b' '; 4 << 20];
    let zstd = zstd::encode_all(&blanks[..], 1).unwrap();
    for (encoding, bomb) in [("gzip", gzip(&blanks)), ("deflate", deflate(&blanks)), ("zstd", zstd)] {
        let request = post("/api/v2/spans", &format!("Content-Encoding: {encoding}\r\n"), &bomb);
        let heard = ask(house.zipkin, request).await;
        assert_eq!(heard.status, 413, "{encoding}");
    }
    house.until_free().await;
    house.until_metric(r#"spaniel_limits_reached_total{limit="limits.inflated-bytes"} 3"#).await;
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_before_it_is_read() {
    let house = House::new().await;
    let mut wire = Wire::to(house.zipkin).await;
    let head = format!(
        "POST /api/v2/spans HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        MEMORY / 8 + 1
    );
    wire.send(head).await;
    let heard = wire.hear().await;
    assert_eq!(heard.status, 413);
    assert!(heard.body.contains("--limits.body-bytes"), "{}", heard.body);
}

#[tokio::test]
async fn the_answer_to_a_body_that_is_too_large_arrives_and_its_sender_may_end_his_sentence() {
    let house = House::new().await;
    let announced = format!("Content-Length: {}\r\n\r\n", 2 * MEMORY / 8);
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", 2 * MEMORY / 8);
    for head in [announced, chunked] {
        let mut wire = Wire::to(house.zipkin).await;
        wire.send(format!("POST /api/v2/spans HTTP/1.1\r\nHost: x\r\n{head}")).await;
        wire.send(vec![b' '; MEMORY / 8 + 1]).await;
        assert_eq!(wire.hear().await.status, 413);
        assert_eq!(wire.closed().await, "");
        // A reset would make one of these fail, and would have put the answer at risk.
        for _ in 0..8 {
            wire.send(vec![b' '; MEMORY / 64 - 1]).await;
        }
    }
    house.until_free().await;
}

#[tokio::test]
async fn with_the_memory_full_everybody_hears_503() {
    let house = House::new().await;
    let mut others = house.budget.reserve();
    others.grow(MEMORY / 16 * 15 - 10).unwrap();
    let heard = ask(house.zipkin, post("/api/v2/spans", "", SPANS)).await;
    assert_eq!((heard.status, heard.header("retry-after")), (503, Some("1")));
    drop(others);
    assert_eq!(ask(house.zipkin, post("/api/v2/spans", "", SPANS)).await.status, 202);
    assert_eq!(house.bodies().len(), 1);
    house.until_metric(r#"spaniel_limits_reached_total{limit="memory.limit"} 1"#).await;
}

#[tokio::test]
async fn one_who_goes_away_in_the_middle_of_a_body_has_sent_nothing() {
    let house = House::new().await;
    let mut wire = Wire::to(house.zipkin).await;
    let whole = post("/api/v2/spans", "", SPANS);
    wire.send(&whole[..whole.len() - 5]).await;
    drop(wire);
    house.until_metric("spaniel_connections_open 0").await;
    assert!(house.bodies().is_empty());
    house.until_free().await;
}
