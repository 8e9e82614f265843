//! What connections may do, and how they end.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use spaniel::settings::{Age, Connections};

use super::house::{House, Wire, patient, post};

const SPANS: &[u8] = b"[{\"id\":\"1\"}]";
const SOON: Duration = Duration::from_millis(50);
const OLD_SOON: Age = Age { max: SOON, grace: Duration::ZERO };

fn spans() -> Vec<u8> {
    post("/api/v2/spans", "", SPANS)
}

#[tokio::test]
async fn a_connection_is_kept_and_requests_may_be_pipelined() {
    let house = House::new().await;
    let mut wire = Wire::to(house.zipkin).await;
    wire.send(spans()).await;
    assert_eq!(wire.hear().await.status, 202);
    wire.send([spans(), post("/nothing", "", b""), spans()].concat()).await;
    assert_eq!([wire.hear().await.status, wire.hear().await.status, wire.hear().await.status], [202, 404, 202]);
    assert_eq!((house.bodies().len(), house.server.open()), (3, 1));
}

#[tokio::test]
async fn an_answer_before_the_end_of_a_body_is_the_last_of_its_connection() {
    let house = House::new().await;
    let mut wire = Wire::to(house.zipkin).await;
    wire.send("GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let kept = wire.hear().await;
    assert_eq!((kept.status, kept.header("connection")), (404, None));
    wire.send(post("/nowhere", "", b"[]")).await;
    let last = wire.hear().await;
    assert_eq!((last.status, last.header("connection")), (404, Some("close")));
}

#[tokio::test]
async fn chunks_however_cut_are_one_body() {
    let house = House::new().await;
    let head = "POST /api/v2/spans HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut wire = Wire::to(house.zipkin).await;
    // As Envoy sends: one chunk, and the end of it at once.
    wire.send(format!("{head}c\r\n[{{\"id\":\"1\"}}]\r\n0\r\n\r\n")).await;
    assert_eq!(wire.hear().await.status, 202);
    let chunked = format!("{head}1;x=y\r\n[\r\n4\r\n{{\"id\r\n7\r\n\":\"1\"}}]\r\n0\r\nTrailer: x\r\n\r\n");
    for byte in chunked.as_bytes() {
        wire.send([*byte]).await;
    }
    assert_eq!(wire.hear().await.status, 202);
    assert_eq!(house.bodies(), [SPANS, SPANS]);
}

#[tokio::test]
async fn one_who_asks_whether_to_go_on_hears_that_he_may() {
    let house = House::new().await;
    let mut wire = Wire::to(house.zipkin).await;
    wire.send("POST /api/v2/spans HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 12\r\n\r\n").await;
    assert_eq!(wire.hear().await.status, 100);
    wire.send(SPANS).await;
    assert_eq!(wire.hear().await.status, 202);
}

#[tokio::test]
async fn an_offer_of_http2_is_passed_over() {
    let house = House::new().await;
    let mut wire = Wire::to(house.zipkin).await;
    let offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    for _ in 0..2 {
        wire.send(post("/api/v2/spans", offer, SPANS)).await;
        assert_eq!(wire.hear().await.status, 202);
    }
}

/// A connection of HTTP/2 by prior knowledge, and its end.
pub(crate) async fn http2(
    address: SocketAddr,
) -> (http2::SendRequest<Body>, impl Future<Output = hyper::Result<()>> + Send + 'static) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap()
}

#[tokio::test]
async fn http2_is_spoken_to_those_who_begin_with_it() {
    let house = House::new().await;
    for (port, path, status) in
        [(house.zipkin, "/api/v2/spans", 202), (house.zipkin, "/x", 404), (house.jaeger, "/api/traces", 400)]
    {
        let (mut sender, connection) = http2(port).await;
        let end = tokio::spawn(connection);
        let requests = [(); 3].map(|()| {
            let request = Request::post(format!("http://x{path}")).body(Body::from(SPANS)).unwrap();
            sender.send_request(request)
        });
        for answer in requests {
            assert_eq!(answer.await.unwrap().status().as_u16(), status, "{path}");
        }
        drop(sender);
        end.await.unwrap().unwrap();
    }
    assert_eq!(house.bodies(), [SPANS; 3]);
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let house = House::new().await;
    let mut wire = Wire::to(house.zipkin).await;
    wire.send("\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n").await;
    let heard = wire.closed().await;
    assert!(heard.starts_with("HTTP/1.1 400"), "{heard:?}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_with_431() {
    for (bytes, fits, beyond) in [(64 << 10, 60_000, 70_000), (9 << 10, 8_000, 10_000)] {
        let house = House::with(Connections { header_bytes: bytes, ..patient() }).await;
        let mut wire = Wire::to(house.zipkin).await;
        wire.send(&post("/api/v2/spans", &format!("X: {}\r\n", "x".repeat(fits)), SPANS)).await;
        assert_eq!(wire.hear().await.status, 202);
        wire.send(&post("/api/v2/spans", &format!("X: {}\r\n", "x".repeat(beyond)), SPANS)).await;
        assert_eq!(wire.hear().await.status, 431);
        house.until_metric(r#"spaniel_limits_reached_total{limit="limits.header-bytes"} 1"#).await;
    }
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let house = House::with(Connections { header_timeout: SOON, ..patient() }).await;
    let mut wire = Wire::to(house.zipkin).await;
    wire.send("POST /api/v2/spans HTTP/1.1\r\nHost:").await;
    assert_eq!(wire.closed().await, "");
    house.until_metric(r#"spaniel_limits_reached_total{limit="limits.header-timeout"} 1"#).await;
}

#[tokio::test]
async fn a_slow_body_is_answered_with_408_and_the_connection_closed() {
    let house = House::with(Connections { body_timeout: SOON, ..patient() }).await;
    for port in [house.zipkin, house.jaeger] {
        let mut wire = Wire::to(port).await;
        let path = if port == house.zipkin { "/api/v2/spans" } else { "/api/traces" };
        let whole = post(path, "", SPANS);
        wire.send(&whole[..whole.len() - 1]).await;
        assert_eq!(wire.hear().await.status, 408);
        assert_eq!(wire.closed().await, "");
    }
    assert!(house.bodies().is_empty());
    house.until_free().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let house = House::with(Connections { idle_timeout: SOON, ..patient() }).await;
    let mut quiet = Wire::to(house.zipkin).await;
    assert_eq!(quiet.closed().await, "");
    house.until_metric(r#"spaniel_limits_reached_total{limit="limits.idle-timeout"} 1"#).await;
}

#[tokio::test]
async fn an_old_connection_is_closed_with_an_answer() {
    let house = House::with(Connections { age: OLD_SOON, ..patient() }).await;
    let mut wire = Wire::to(house.zipkin).await;
    let last = loop {
        wire.send(spans()).await;
        let heard = wire.hear().await;
        assert_eq!(heard.status, 202);
        if heard.header("connection").is_some() {
            break heard;
        }
    };
    assert_eq!(last.header("connection"), Some("close"));
    assert_eq!(wire.closed().await, "");
    house.until_metric(r#"spaniel_limits_reached_total{limit="limits.connection-age"} 1"#).await;
}

#[tokio::test]
async fn an_old_connection_of_http2_is_told_to_go() {
    let house = House::with(Connections { age: OLD_SOON, ..patient() }).await;
    let (_sender, connection) = http2(house.zipkin).await;
    // GOAWAY without an error ends the client's side of it, though it could send more.
    connection.await.unwrap();
}

#[tokio::test]
async fn an_old_connection_of_http2_is_cut_after_its_grace() {
    let age = Age { max: SOON, grace: SOON };
    let house = House::with(Connections { age, ..patient() }).await;
    house.hold_answers();
    let (mut sender, connection) = http2(house.zipkin).await;
    tokio::spawn(connection);
    let request = Request::post("http://x/api/v2/spans").body(Body::from(SPANS)).unwrap();
    sender.send_request(request).await.unwrap_err();
    house.until_metric(r#"spaniel_limits_reached_total{limit="max-connection-age-grace"} 1"#).await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once_over_all_listeners() {
    let house = House::with(Connections { max: 2, ..patient() }).await;
    let mut first = Wire::to(house.zipkin).await;
    let mut second = Wire::to(house.jaeger).await;
    house.until_metric("spaniel_connections_open 2").await;
    for port in [house.zipkin, house.jaeger] {
        assert_eq!(Wire::to(port).await.closed().await, "");
    }
    house.until_metric("spaniel_connections_refused_total 2").await;
    drop(second.stream);
    house.until_metric("spaniel_connections_open 1").await;
    second = Wire::to(house.zipkin).await;
    for wire in [&mut first, &mut second] {
        wire.send(spans()).await;
        assert_eq!(wire.hear().await.status, 202);
    }
}

#[tokio::test]
async fn what_a_connection_is_charged_with_does_not_grow_with_its_requests() {
    let house = House::new().await;
    let mut wire = Wire::to(house.zipkin).await;
    let (mut sender, connection) = http2(house.zipkin).await;
    tokio::spawn(connection);
    let padding = format!("X: {}\r\n", "x".repeat(2000));
    let mut charged = 0;
    for round in 0..200 {
        wire.send(post("/api/v2/spans", &padding, SPANS)).await;
        assert_eq!(wire.hear().await.status, 202);
        let request = Request::post("http://x/api/v2/spans").header("x", "x".repeat(2000)).body(Body::from(SPANS));
        assert_eq!(sender.send_request(request.unwrap()).await.unwrap().status(), 202);
        if round == 20 {
            charged = house.budget.used();
        }
    }
    assert!(house.budget.used() < charged + 100_000, "{charged}, then {}", house.budget.used());
}

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight_and_closes_what_is_idle() {
    let house = House::new().await;
    let mut idle = Wire::to(house.zipkin).await;
    idle.send(spans()).await;
    assert_eq!(idle.hear().await.status, 202);
    house.hold_answers();
    let mut busy = Wire::to(house.zipkin).await;
    busy.send(spans()).await;
    house.until_taken(2).await;
    let server = house.server.clone();
    let drain = tokio::spawn(async move { server.drain(Duration::from_secs(3600)).await });
    assert_eq!(idle.closed().await, "");
    while tokio::net::TcpStream::connect(house.zipkin).await.is_ok() {}
    house.memo.permits.add_permits(1);
    let heard = busy.hear().await;
    assert_eq!((heard.status, heard.header("connection")), (202, Some("close")));
    drop(busy);
    assert_eq!(drain.await.unwrap(), 0);
    assert_eq!(house.server.open(), 0);
}

#[tokio::test]
async fn a_drain_cuts_what_is_left_at_its_deadline() {
    let house = House::new().await;
    house.hold_answers();
    let mut busy = Wire::to(house.zipkin).await;
    busy.send(spans()).await;
    house.until_taken(1).await;
    assert_eq!(house.server.drain(SOON).await, 1);
    assert_eq!(busy.closed().await, "");
    assert_eq!(house.server.open(), 0);
}

#[tokio::test]
async fn a_drain_lets_streams_of_http2_end() {
    let house = House::new().await;
    house.hold_answers();
    let (mut sender, connection) = http2(house.zipkin).await;
    let end = tokio::spawn(connection);
    let request = || Request::post("http://x/api/v2/spans").body(Body::from(SPANS)).unwrap();
    let answer = tokio::spawn(sender.send_request(request()));
    house.until_taken(1).await;
    let server = house.server.clone();
    let drain = tokio::spawn(async move { server.drain(Duration::from_secs(3600)).await });
    while tokio::net::TcpStream::connect(house.zipkin).await.is_ok() {}
    house.memo.permits.add_permits(1);
    assert_eq!(answer.await.unwrap().unwrap().status().as_u16(), 202);
    assert_eq!(drain.await.unwrap(), 0);
    end.await.unwrap().unwrap();
}
