//! Calls that are not as they should be, written by hand over a connection of HTTP/2.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use bytes::Bytes;
use http_body_util::BodyExt;
use tonic::Code;

use super::{EXPORT, Sender};
use crate::receive::connections::http2;
use crate::receive::house::House;

/// Sends a body to the method of OTLP; the HTTP status, and the head and trailers in one.
async fn ask(address: SocketAddr, request: Request<Body>) -> (u16, HeaderMap) {
    let (mut sender, connection) = http2(address).await;
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned().unwrap_or_default();
    let mut headers = head.headers;
    headers.extend(trailers);
    (head.status.as_u16(), headers)
}

fn call(body: Body) -> Request<Body> {
    Request::post(format!("http://x{EXPORT}")).header("content-type", "application/grpc").body(body).unwrap()
}

/// Code and words of an answer.
fn status(headers: &HeaderMap) -> (i32, String) {
    let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    (text("grpc-status").parse().unwrap(), text("grpc-message").replace("%20", " "))
}

/// What one hears who begins a message and does not go on.
pub(super) async fn never_ending(address: SocketAddr, begin: &'static [u8]) -> (i32, String) {
    use tokio_stream::StreamExt;
    let begin = tokio_stream::once(Ok::<_, std::io::Error>(Bytes::from_static(begin)));
    let body = Body::from_stream(begin.chain(tokio_stream::pending()));
    status(&ask(address, call(body)).await.1)
}

#[tokio::test]
async fn a_message_may_come_in_frames_cut_anywhere() {
    let house = House::new().await;
    let wire = b"\0\0\0\0\x05spans";
    for size in 1..=wire.len() {
        let chunks = wire.chunks(size).map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk)));
        let body = Body::from_stream(tokio_stream::iter(chunks.collect::<Vec<_>>()));
        let (http, headers) = ask(house.otlp_grpc, call(body)).await;
        assert_eq!((http, status(&headers)), (200, (0, String::new())), "pieces of {size}");
    }
    assert_eq!(house.bodies(), vec![&b"spans"[..]; wire.len()]);
}

#[tokio::test]
async fn broken_frames_are_refused_and_counted_and_the_port_goes_on() {
    let house = House::new().await;
    let internal = Code::Internal as i32;
    for (bytes, code, words) in [
        (&b""[..], internal, "unexpected EOF"),
        (b"\0\0\0", internal, "unexpected EOF"),
        (b"\0\0\0\0\x05span", internal, "unexpected EOF"),
        (b"\0\0\0\0\x05spans!", internal, "the call has more than its one message"),
        (b"\0\0\0\0\x01s\0\0\0\0\x01s", internal, "the call has more than its one message"),
        (b"\x02\0\0\0\x05spans", internal, "grpc: received unexpected payload format 2"),
        (b"\x01\0\0\0\x05spans", internal, "grpc: compressed flag set with identity or empty encoding"),
        (
            b"\0\xff\xff\xff\xff",
            Code::ResourceExhausted as i32,
            "grpc: received message larger than max (4294967295 vs.",
        ),
    ] {
        let (http, headers) = ask(house.otlp_grpc, call(Body::from(bytes))).await;
        let (got, said) = status(&headers);
        assert_eq!((http, got), (200, code), "{bytes:?}: {said}");
        assert!(said.starts_with(words), "{said}");
    }
    house.until_metric(r#"spaniel_requests_refused_total{protocol="otlp-grpc",status="13"} 7"#).await;
    assert!(house.bodies().is_empty());
    house.until_free().await;
    Sender::to(house.otlp_grpc).await.call(EXPORT, "spans").await.unwrap();
}

#[tokio::test]
async fn unknown_encodings_are_told_which_are_known() {
    let house = House::new().await;
    let mut request = call(Body::from(&b"\x01\0\0\0\x05spans"[..]));
    request.headers_mut().insert("grpc-encoding", "br".parse().unwrap());
    let (_, headers) = ask(house.otlp_grpc, request).await;
    assert_eq!(status(&headers).0, Code::Unimplemented as i32);
    assert_eq!(headers["grpc-accept-encoding"], "identity,gzip,deflate,zstd,snappy");
    let mut request = call(Body::from(&b"\x01\0\0\0\x05spans"[..]));
    request.headers_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let (code, words) = status(&ask(house.otlp_grpc, request).await.1);
    assert_eq!(code, Code::Internal as i32);
    assert!(words.starts_with("grpc: failed to decompress the received message"), "{words}");
}

#[tokio::test]
async fn content_types_and_methods_of_http_are_checked() {
    let house = House::new().await;
    let body = || Body::from(&b"\0\0\0\0\x05spans"[..]);
    for (content_type, http) in [
        ("application/grpc", 200),
        ("application/grpc+proto", 200),
        ("application/grpc;x=y", 200),
        ("Application/GRPC", 200),
        ("application/grpc-web", 415),
        ("application/x-protobuf", 415),
        ("", 415),
    ] {
        let mut request = call(body());
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        assert_eq!(ask(house.otlp_grpc, request).await.0, http, "{content_type}");
    }
    let mut request = call(body());
    *request.method_mut() = Method::PUT;
    assert_eq!(ask(house.otlp_grpc, request).await.0, 405);
}

#[tokio::test]
async fn a_call_that_is_given_up_gives_its_memory_back() {
    let house = House::new().await;
    let (mut sender, connection) = http2(house.otlp_grpc).await;
    tokio::spawn(connection);
    use tokio_stream::StreamExt;
    // 900,000 bytes of 983,040: much more than a connection is charged with.
    let begun = [&b"\0\0\x0f\0\0"[..], &[b'x'; 900_000]].concat();
    let begin = tokio_stream::once(Ok::<_, std::io::Error>(Bytes::from(begun)));
    let body = Body::from_stream(begin.chain(tokio_stream::pending()));
    let answer = tokio::spawn(sender.send_request(call(body)));
    while house.budget.used() < 900_000 {
        tokio::task::yield_now().await;
    }
    answer.abort();
    while house.budget.used() > 400_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.server.open(), 1);
    assert!(house.bodies().is_empty());
}
