//! Who may send: tokens and tenants, in each protocol's words.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use spaniel::receive::{BodyReader, Guard, Reception, Server, bind, jaeger_http, zipkin};
use spaniel::sample::strategies::StrategiesHandle;
use spaniel::settings::{Auth, Limits, Tenancy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::house::{House, ask, patient, post};

const SPANS: &[u8] = b"[{\"id\":\"1\"}]";

/// A file of tokens, and the setting of it.
fn tokens(content: &str) -> (tempfile::NamedTempFile, Auth) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let path = Some(file.path().to_path_buf());
    let auth = Auth { bearer_token_file: path, bearer_token_reload_interval: Duration::from_millis(5) };
    (file, auth)
}

fn tenancy(tenants: &[&str]) -> Tenancy {
    let tenants = tenants.iter().map(|tenant| (*tenant).to_string()).collect();
    Tenancy { enabled: true, header: "X-Tenant".into(), tenants }
}

/// Ports behind a guard.
struct Guarded {
    house: House,
    zipkin: SocketAddr,
    jaeger: SocketAddr,
    /// One that answers `in` to everything.
    any: SocketAddr,
    query: SocketAddr,
}

async fn guarded(auth: &Auth, tenancy: &Tenancy) -> Guarded {
    let house = House::new().await;
    let guard = Guard::new(auth, tenancy, &house.metrics).unwrap();
    let bodies = BodyReader::new(house.budget.clone(), &Limits::default(), &patient());
    let reception = Reception { take: house.memo.clone(), bodies, metrics: house.metrics.clone() };
    let server = Server::new(patient(), house.metrics.clone(), house.budget.clone());
    let serve = |router: Router| {
        let bound = bind("a port", "--flag", "127.0.0.1:0").unwrap();
        let address = bound.address();
        server.serve(bound, router);
        address
    };
    let any = || Router::new().fallback(|| async { "in" });
    Guarded {
        zipkin: serve(guard.spans("zipkin", zipkin::router(reception.clone(), house.health.clone()))),
        jaeger: serve(
            guard.untenanted("jaeger-thrift-http", jaeger_http::router(reception, StrategiesHandle::default())),
        ),
        any: serve(guard.spans("any", any())),
        query: serve(guard.query("query", any())),
        house,
    }
}

async fn status(address: SocketAddr, headers: &str) -> u16 {
    let headers = format!("Content-Type: application/x-thrift\r\n{headers}");
    ask(address, post("/api/traces", &headers, SPANS)).await.status
}

#[tokio::test]
async fn spans_come_in_with_a_token_of_the_file() {
    let (_file, auth) = tokens("one\ntwo\n");
    let guarded = guarded(&auth, &Tenancy::default()).await;
    for (header, expected) in [
        ("Authorization: Bearer one\r\n", 202),
        ("authorization: bearer two\r\n", 202),
        ("Authorization: Bearer three\r\n", 401),
        ("Authorization: Bearer on\r\n", 401),
        ("Authorization: Bearer\r\n", 401),
        ("Authorization: Basic one\r\n", 401),
        ("", 401),
    ] {
        assert_eq!(status(guarded.jaeger, header).await, expected, "{header}");
        let spans = post("/any/beginning/api/v2/spans", header, SPANS);
        assert_eq!(ask(guarded.zipkin, spans).await.status, expected, "{header}");
    }
    assert_eq!(guarded.house.bodies().len(), 4);
    let refused = |name: &str| format!("spaniel_requests_refused_total{{protocol=\"{name}\",status=\"401\"}} 5");
    guarded.house.until_metric(&refused("jaeger-thrift-http")).await;
    guarded.house.until_metric(&refused("zipkin")).await;
    let heard = ask(guarded.jaeger, post("/api/traces", "", SPANS)).await;
    assert_eq!(heard.header("www-authenticate"), Some("Bearer"));
    assert!(heard.body.starts_with("missing bearer token"), "{}", heard.body);
    // Nobody is asked for it who only reads.
    assert_eq!(ask(guarded.query, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.body, "in");
}

#[tokio::test]
async fn probes_and_preflights_come_in_and_nothing_behind_their_names() {
    let (_file, auth) = tokens("one");
    let guarded = guarded(&auth, &tenancy(&[])).await;
    for request in ["GET /health", "GET /info", "OPTIONS /api/v2/spans"] {
        let heard = ask(guarded.zipkin, format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert!(heard.status < 300, "{request}: {heard:?}");
    }
    for path in ["/health/api/v2/spans", "/info/api/v2/spans", "/grpc.health.v1.Health/Check/api/v2/spans"] {
        assert_eq!(ask(guarded.zipkin, post(path, "", SPANS)).await.status, 401, "{path}");
    }
    assert!(guarded.house.bodies().is_empty());
}

#[tokio::test]
async fn tokens_are_read_again() {
    let (file, auth) = tokens("one");
    let guarded = guarded(&auth, &Tenancy::default()).await;
    std::fs::write(file.path(), "two").unwrap();
    while status(guarded.jaeger, "Authorization: Bearer two\r\n").await != 202 {}
    assert_eq!(status(guarded.jaeger, "Authorization: Bearer one\r\n").await, 401);
}

#[tokio::test]
async fn a_tenant_is_named_once_and_known() {
    let guarded = guarded(&Auth::default(), &tenancy(&["acme", " spaced"])).await;
    for (headers, expected, words) in [
        ("x-tenant: acme\r\n", 202, ""),
        ("", 401, "missing tenant header\n"),
        ("x-tenant:\r\n", 401, "missing tenant header\n"),
        ("x-tenant: spaced\r\n", 403, "unknown tenant\n"),
        ("x-tenant: ACME\r\n", 403, "unknown tenant\n"),
        ("x-tenant: acme\r\nx-tenant: acme\r\n", 403, "extra tenant header\n"),
    ] {
        let heard = ask(guarded.zipkin, post("/api/v2/spans", headers, SPANS)).await;
        assert_eq!((heard.status, heard.body.as_str()), (expected, words), "{headers}");
        // Jaeger does not ask on this port.
        assert_eq!(status(guarded.jaeger, headers).await, 202);
        let heard = ask(guarded.query, post("/", headers, b"")).await;
        let expected = if words.is_empty() { (200, "in") } else { (401, words.trim_end()) };
        assert_eq!((heard.status, heard.body.as_str()), expected, "{headers}");
    }
    let any = self::guarded(&Auth::default(), &tenancy(&[])).await;
    assert_eq!(ask(any.zipkin, post("/api/v2/spans", "x-tenant: whoever\r\n", SPANS)).await.status, 202);
}

#[tokio::test]
async fn otlp_and_grpc_hear_it_in_their_own_words() {
    let (_file, auth) = tokens("one");
    let guarded = guarded(&auth, &tenancy(&["acme"])).await;
    let token = "Authorization: Bearer one\r\n";
    let words = "missing bearer token: send it in the header Authorization";
    for (headers, status, code, words) in [
        ("", 401, 16, words),
        ("Authorization: Bearer two\r\n", 401, 16, "unknown bearer token"),
        (token, 401, 16, "missing tenant header"),
        (&format!("{token}x-tenant: other\r\n"), 403, 7, "unknown tenant"),
    ] {
        let json = format!("Content-Type: application/json; charset=utf-8\r\n{headers}");
        let heard = ask(guarded.any, post("/v1/traces", &json, b"{}")).await;
        let body: serde_json::Value = serde_json::from_str(&heard.body).unwrap();
        assert_eq!((heard.status, &body), (status, &serde_json::json!({"code": code, "message": words})));
        let proto = format!("Content-Type: application/x-protobuf\r\n{headers}");
        let heard = ask(guarded.any, post("/v1/traces", &proto, b"")).await;
        let expected = [&[8, code, 18, words.len() as u8], words.as_bytes()].concat();
        assert_eq!((heard.status, heard.body.as_bytes()), (status, &expected[..]));
        let grpc = format!("Content-Type: application/grpc+proto\r\n{headers}");
        let heard = ask(guarded.any, post("/a.Service/Call", &grpc, b"")).await;
        assert_eq!((heard.status, heard.header("grpc-status")), (200, Some(code.to_string().as_str())));
        assert_eq!(heard.header("grpc-message"), Some(words));
    }
    for counted in ["status=\"16\"} 3", "status=\"7\"} 1", "status=\"401\"} 6", "status=\"403\"} 2"] {
        let series = format!("spaniel_requests_refused_total{{protocol=\"any\",{counted}");
        guarded.house.until_metric(&series).await;
    }
    let both = format!("{token}x-tenant: acme\r\n");
    assert_eq!(ask(guarded.any, post("/v1/traces", &both, b"")).await.body, "in");
}

#[tokio::test]
async fn a_body_that_is_not_wanted_is_not_waited_for() {
    let (_file, auth) = tokens("one");
    let guarded = guarded(&auth, &Tenancy::default()).await;
    let mut stream = TcpStream::connect(guarded.zipkin).await.unwrap();
    stream.write_all(b"POST /api/v2/spans HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n[").await.unwrap();
    let mut answer = Vec::new();
    stream.shutdown().await.unwrap();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("connection: close"), "{answer}");
    guarded.house.until_free().await;
}

/// Which Jaeger tells whoever asks; with tokens, only to those that have one.
#[tokio::test]
async fn strategies_over_grpc_need_a_token_and_no_tenant() {
    const PATH: &str = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";
    let (_file, auth) = tokens("one\n");
    let tenancy = Tenancy { enabled: true, ..Tenancy::default() };
    let guarded = guarded(&auth, &tenancy).await;
    let token = "Authorization: Bearer one\r\n";
    for (path, headers, expected) in
        [(PATH, token, 200), (PATH, "", 401), ("/jaeger.api_v2.CollectorService/PostSpans", token, 401)]
    {
        assert_eq!(ask(guarded.any, post(path, headers, b"")).await.status, expected, "{path} {headers}");
    }
}
