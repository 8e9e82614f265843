//! What clients are told that ask how much to sample, over every port, against what Jaeger's own
//! code told for the same documents.

use axum::http::StatusCode;
use prost::Message;
use serde::Deserialize;
use spaniel::receive::{Server, agent_http, bind};
use spaniel::sample::strategies::{Fallback, Strategies};
use tonic::Code;

use super::grpc::{GET_STRATEGY, Sender};
use super::house::{House, ask, patient};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sampling");

/// A document, and what Jaeger makes of it.
#[derive(Debug, Deserialize)]
struct Recorded {
    input: String,
    default: f64,
    /// Why Jaeger does not take it.
    refused: Option<String>,
    #[serde(default)]
    crashed: bool,
    #[serde(default)]
    answers: Vec<Told>,
}

#[derive(Debug, Deserialize)]
struct Told {
    service: String,
    named: String,
    /// `None`: 500.
    numbered: Option<String>,
    /// In hex.
    protobuf: String,
}

impl Recorded {
    fn all() -> Vec<Recorded> {
        let text = std::fs::read_to_string(format!("{DATA}/jaeger-1.76.ndjson")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn read(&self) -> Option<Strategies> {
        let bytes = std::fs::read(format!("{DATA}/documents/{}", self.input)).unwrap();
        let fallback = Fallback { probability: self.default, is_written: false };
        Strategies::parse(&bytes, fallback).ok().map(|(strategies, _)| strategies)
    }
}

/// Documents that Jaeger takes and we do not, and why.
const REFUSED: [(&str, &str); 2] = [
    ("null.json", "no document: what was in force before stays, or Jaeger's built-in default"),
    ("blanks-around-null.json", "the same"),
];

/// Services that we tell something else, and why.
const DIFFERENT: [(&str, &str, &str); 5] = [
    ("limits-beyond-32-bits.json", "2147483648", BEYOND),
    ("limits-beyond-32-bits.json", "3e9", BEYOND),
    ("limits-beyond-32-bits.json", "1e300", BEYOND),
    ("limits-beyond-32-bits.json", "4294967295", BEYOND),
    ("limits-beyond-32-bits.json", "4294967296", BEYOND),
];

const BEYOND: &str = "on x86 Go makes the least number of it, on ARM the greatest, which was meant";

#[test]
fn jaeger_and_we_take_the_same_documents() {
    for recorded in Recorded::all() {
        let theirs = recorded.refused.is_none() && !recorded.crashed;
        let deviates = REFUSED.iter().any(|(name, _)| *name == recorded.input);
        assert_eq!(recorded.read().is_some(), theirs != deviates, "{}: {:?}", recorded.input, recorded.refused);
    }
}

fn escaped(service: &str) -> String {
    service.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn every_service_is_told_jaegers_bytes_over_every_port() {
    let house = House::new().await;
    let agent = bind("agent", "--flag", "127.0.0.1:0").unwrap();
    let agent_address = agent.address();
    Server::new(patient(), house.metrics.clone(), house.budget.clone())
        .serve(agent, agent_http::router(house.strategies.clone(), house.metrics.clone()));
    let mut sender = Sender::to(house.jaeger_grpc).await;
    let (mut same, mut different) = (0, Vec::new());
    let all = Recorded::all();
    for recorded in &all {
        let Some(strategies) = recorded.read() else { continue };
        house.strategies.store(strategies);
        for told in &recorded.answers {
            let request =
                |path: &str| format!("GET {path}?service={} HTTP/1.1\r\nHost: x\r\n\r\n", escaped(&told.service));
            let question = GetStrategy { service_name: told.service.clone() }.encode_to_vec();
            let heard = [
                ask(house.jaeger, request("/api/sampling")).await,
                ask(agent_address, request("/sampling")).await,
                ask(agent_address, request("/")).await,
            ];
            let protobuf = sender.call(GET_STRATEGY, question).await.unwrap();
            let protobuf: String = protobuf.iter().map(|byte| format!("{byte:02x}")).collect();
            let heard = heard.map(|answer| (answer.status, answer.body));
            let numbered = match &told.numbered {
                Some(text) => (200, text.clone()),
                None => (500, "cannot marshall to JSON\n".into()),
            };
            let expected = [(200, told.named.clone()), (200, told.named.clone()), numbered];
            if (&heard, &protobuf) == (&expected, &told.protobuf) {
                same += 1;
            } else {
                different.push((recorded.input.clone(), told.service.clone(), heard, protobuf, told));
                let known =
                    DIFFERENT.iter().any(|(name, service, _)| *name == recorded.input && *service == told.service);
                assert!(known, "{:#?}", different.last());
            }
        }
    }
    assert_eq!(different.len(), DIFFERENT.len(), "a difference is gone: take out its row");
    assert!(same > 150, "{same}");
}

/// The question, written apart from what the collector is made of.
#[derive(Clone, PartialEq, prost::Message)]
struct GetStrategy {
    #[prost(string, tag = "1")]
    service_name: String,
}

#[tokio::test]
async fn who_does_not_ask_for_one_service_hears_what_jaeger_says() {
    let house = House::new().await;
    let once = "'service' parameter must be provided once\n";
    let default = r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.001}}"#;
    for (request, status, words) in [
        ("GET /api/sampling", 400, once),
        ("GET /api/sampling?service=a&service=b", 400, once),
        ("GET /api/sampling?service=a;b", 400, once),
        ("GET /api/sampling?service=%zz", 400, once),
        ("GET /api/sampling?Service=a", 400, once),
        ("GET /api/sampling?service=", 200, default),
        ("GET /api/sampling?service", 200, default),
        ("GET /api/sampling?s%65rvice=a&a=b", 200, default),
        ("POST /api/sampling?service=a", 405, ""),
        ("HEAD /api/sampling?service=a", 405, ""),
        ("GET /api/sampling/?service=a", 404, "404 page not found\n"),
        ("GET /?service=a", 404, "404 page not found\n"),
    ] {
        let heard = ask(house.jaeger, format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")).await;
        assert_eq!((heard.status, heard.body.as_str()), (status, words), "{request}");
        let kind = if status == 200 { Some("application/json") } else { Some("text/plain; charset=utf-8") };
        let options = (heard.header("content-type"), heard.header("x-content-type-options"));
        if status == 405 {
            assert_eq!(heard.header("allow"), Some("GET"));
        } else {
            assert_eq!(options, (kind, (status != 200).then_some("nosniff")), "{request}");
        }
        for absent in ["etag", "cache-control", "last-modified"] {
            assert_eq!(heard.header(absent), None);
        }
    }
    let metrics = house.metrics.text();
    for line in [
        r#"jaeger_collector_http_server_requests_total{type="sampling"} 3"#,
        r#"jaeger_collector_http_server_requests_total{type="sampling-legacy"} 0"#,
        r#"jaeger_collector_http_server_errors_total{source="all",status="4xx"} 5"#,
        r#"jaeger_collector_http_server_errors_total{source="thrift",status="5xx"} 0"#,
        r#"jaeger_collector_http_request_duration_count{method="GET",path="/api/sampling",status="0"} 3"#,
        r#"jaeger_collector_http_request_duration_count{method="POST",path="/api/sampling",status="405"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn a_call_that_is_broken_is_refused_in_the_words_of_grpc() {
    let house = House::new().await;
    let mut sender = Sender::to(house.jaeger_grpc).await;
    let refused = sender.call(GET_STRATEGY, &b"\x0a\xff"[..]).await.unwrap_err();
    assert_eq!(refused.code(), Code::Internal);
    assert!(refused.message().starts_with("grpc: error unmarshalling request: "), "{refused}");
    let refused = sender.call("/jaeger.api_v2.SamplingManager/Other", &b""[..]).await.unwrap_err();
    let words = "unknown method Other for service jaeger.api_v2.SamplingManager";
    assert_eq!((refused.code(), refused.message()), (Code::Unimplemented, words));
    let refused = sender.call(GET_STRATEGY, vec![0; 200_000]).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("--collector.grpc-server.max-message-size"), "{refused}");
    // Without a name the default strategy holds.
    assert_eq!(sender.call(GET_STRATEGY, &b""[..]).await.unwrap().len(), 11);
    let request = "GET /jaeger.api_v2.SamplingManager/GetSamplingStrategy HTTP/1.1\r\nHost: x\r\n\r\n";
    let heard = ask(house.jaeger_grpc, request).await;
    assert_eq!(heard.status, StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16());
    assert!(heard.body.contains("GET /api/sampling of port 14268"), "{}", heard.body);
}
