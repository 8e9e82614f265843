//! Port 4318: statuses, words and types are jaeger-collector 1.76's (golden bodies of `otlp`).

use std::io::Write;

use prost::Message;
use spaniel::pipeline::Protocol;
use spaniel::proto::rpc;

use super::house::{Heard, House, LEFT_OUT, MEMORY, ask, post};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

const PROTO: &str = "Content-Type: application/x-protobuf\r\n";
const JSON: &str = "Content-Type: application/json; charset=utf-8\r\n";
const TRACES: &str = "/v1/traces";

/// Code and words of an error, in the encoding that was asked in.
fn status(heard: &Heard) -> (i32, String) {
    match heard.header("content-type") {
        Some("application/x-protobuf") => {
            let status = rpc::Status::decode(&heard.bytes[..]).unwrap();
            (status.code, status.message)
        }
        Some("application/json") => {
            let status: serde_json::Value = serde_json::from_slice(&heard.bytes).unwrap();
            (status["code"].as_i64().unwrap() as i32, status["message"].as_str().unwrap().to_owned())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn spans_are_taken_in_both_encodings_and_answered_in_the_same() {
    let house = House::new().await;
    for (headers, body, protocol, answer) in [
        (PROTO, "spans", Protocol::OtlpHttp, &b"\x0a\x00"[..]),
        (JSON, "spans", Protocol::OtlpJson, br#"{"partialSuccess":{}}"#),
        ("content-type: APPLICATION/JSON\r\n", "spans", Protocol::OtlpJson, br#"{"partialSuccess":{}}"#),
    ] {
        let heard = ask(house.otlp, post("/v1/traces?x=y", headers, body.as_bytes())).await;
        assert_eq!((heard.status, &heard.bytes[..]), (200, answer), "{headers}");
        assert_eq!(headers.to_lowercase().contains("json"), heard.header("content-type") == Some("application/json"));
        let (came_by, taken) = house.memo.taken.lock().unwrap().pop().unwrap();
        assert_eq!((came_by, &taken[..]), (protocol, body.as_bytes()));
    }
    // An empty message is a request without spans.
    let empty = ask(house.otlp, post(TRACES, PROTO, b"")).await;
    assert_eq!((empty.status, &empty.bytes[..], house.bodies().len()), (200, &b"\x0a\x00"[..], 0));
}

#[tokio::test]
async fn what_was_left_out_is_told() {
    let house = House::new().await;
    let heard = ask(house.otlp, post(TRACES, PROTO, b"some")).await;
    let partial = ExportTraceServiceResponse::decode(&heard.bytes[..]).unwrap().partial_success.unwrap();
    assert_eq!((heard.status, partial.rejected_spans, &partial.error_message[..]), (200, 2, LEFT_OUT));
    let heard = ask(house.otlp, post(TRACES, JSON, b"some")).await;
    let partial: serde_json::Value = serde_json::from_slice(&heard.bytes).unwrap();
    assert_eq!((heard.status, &partial["partialSuccess"]["rejectedSpans"]), (200, &"2".into()));
    assert_eq!(partial["partialSuccess"]["errorMessage"], LEFT_OUT);
}

#[tokio::test]
async fn errors_are_a_status_in_the_same_encoding() {
    let house = House::new().await;
    let large = vec![b' '; MEMORY / 8 + 1];
    for headers in [PROTO, JSON] {
        for (more, body, http, code, words) in [
            ("", &b"bad"[..], 400, 3, "not a list at byte 0"),
            ("", b"none", 400, 3, "none of 2 spans could be taken: id is no hex at byte 9"),
            ("", b"full", 503, 14, "no room for more spans now, send again later"),
            ("", &large, 413, 8, "the body is larger than 1048576 bytes"),
            ("Content-Encoding: br\r\n", b"x", 400, 3, "unsupported Content-Encoding \"br\""),
            ("Content-Encoding: gzip\r\n", b"no gzip", 400, 3, "cannot gunzip the body"),
        ] {
            let heard = ask(house.otlp, post(TRACES, &format!("{headers}{more}"), body)).await;
            let (said, message) = status(&heard);
            assert_eq!((heard.status, said), (http, code), "{message}");
            assert!(message.starts_with(words), "{message}");
            assert_eq!(heard.header("retry-after").is_some(), http == 503);
            assert_eq!(heard.header("content-type") == Some("application/json"), headers == JSON);
        }
    }
    house.until_metric(r#"spaniel_requests_refused_total{protocol="otlp-http",status="400"} 4"#).await;
    house.until_metric(r#"spaniel_requests_refused_total{protocol="otlp-json",status="503"} 1"#).await;
}

#[tokio::test]
async fn bodies_may_be_encoded() {
    let house = House::new().await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"spans").unwrap();
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    deflate.write_all(b"spans").unwrap();
    for (encoding, body) in [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", deflate.finish().unwrap()),
        ("zstd", zstd::encode_all(&b"spans"[..], 1).unwrap()),
        ("snappy", snap::raw::Encoder::new().compress_vec(b"spans").unwrap()),
        ("identity", b"spans".to_vec()),
    ] {
        let headers = format!("{PROTO}Content-Encoding: {encoding}\r\n");
        assert_eq!(ask(house.otlp, post(TRACES, &headers, &body)).await.status, 200, "{encoding}");
        assert_eq!(house.memo.taken.lock().unwrap().pop().unwrap().1, "spans");
    }
}

#[tokio::test]
async fn other_paths_methods_and_types_are_refused_in_jaegers_words() {
    let house = House::new().await;
    for (request, headers, status, words) in [
        ("PUT /v1/traces", PROTO, 405, "405 method not allowed, supported: [POST]"),
        ("GET /v1/traces", "", 405, "405 method not allowed, supported: [POST]"),
        ("POST /v1/traces", "", 415, TYPES),
        ("POST /v1/traces", "Content-Type: application/octet-stream\r\n", 415, TYPES),
        ("POST /v1/metrics", PROTO, 404, "404 page not found\n"),
        ("POST /v1/traces/", PROTO, 404, "404 page not found\n"),
        ("POST /", JSON, 404, "404 page not found\n"),
    ] {
        let heard = ask(house.otlp, format!("{request} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await;
        assert_eq!((heard.status, heard.body.as_str()), (status, words), "{request}");
        let kind = if status == 404 { "text/plain; charset=utf-8" } else { "text/plain" };
        assert_eq!(heard.header("content-type"), Some(kind), "{request}");
    }
    assert!(house.bodies().is_empty());
}

const TYPES: &str = "415 unsupported media type, supported: [application/json, application/x-protobuf]";

#[tokio::test]
async fn pages_of_allowed_origins_may_send() {
    let house = House::new().await;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /v1/traces HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\
             Access-Control-Request-Headers: content-type,x-tenant\r\n\r\n"
        )
    };
    let page = "https://my.shop.EXAMPLE";
    let asked = ask(house.otlp, preflight(page)).await;
    assert_eq!(asked.status, 200);
    assert_eq!(asked.header("access-control-allow-origin"), Some(page));
    assert_eq!(asked.header("access-control-allow-credentials"), Some("true"));
    assert!(asked.header("access-control-allow-methods").unwrap().contains("POST"));
    assert_eq!(asked.header("access-control-allow-headers"), Some("x-tenant"));
    let sent = ask(house.otlp, post(TRACES, &format!("{JSON}Origin: {page}\r\n"), b"spans")).await;
    assert_eq!((sent.status, sent.header("access-control-allow-origin")), (200, Some(page)));
    for origin in ["https://shop.example", "http://my.shop.example", "null"] {
        let asked = ask(house.otlp, preflight(origin)).await;
        assert_eq!(asked.header("access-control-allow-origin"), None, "{origin}");
    }
}
