//! Manners of the process: how it starts, refuses to, and stops.

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest};
use reqwest::blocking::Client;
use spaniel::span::TraceId;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::bodies::Sums;
use crate::embedded::stored;
use crate::made;
use crate::reading::by_trace;
use crate::spaniel::{PATIENCE, Start, until};
use crate::stand_in::{StandIn, free_port};

#[test]
fn a_port_in_use_stops_the_start_and_says_how_to_mend_it() {
    for flag in [
        "collector.zipkin.host-port",
        "collector.http-server.host-port",
        "http-server.host-port",
        "collector.grpc-server.host-port",
        "collector.otlp.grpc.host-port",
        "collector.otlp.http.host-port",
        "query.http-server.host-port",
        "admin.http.host-port",
    ] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let ended = Start::embedded().flags(&[&format!("--{flag}={}", taken.local_addr().unwrap())]).fails();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("stop the process that has this port"), "{ended:?}");
        assert!(ended.stderr.contains(&format!("--{flag}")), "{ended:?}");
    }
}

#[test]
fn a_udp_port_in_use_stops_the_start_too() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for flag in ["processor.jaeger-compact.server-host-port", "processor.jaeger-binary.server-host-port"] {
        let ended = Start::embedded().flags(&[&format!("--{flag}={}", taken.local_addr().unwrap())]).fails();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("stop the process that has this port"), "{ended:?}");
        assert!(ended.stderr.contains(&format!("--{flag}")), "{ended:?}");
    }
}

#[test]
fn ports_of_grpc_are_listed_and_answer() {
    let spaniel = Start::embedded().run();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let to = |listener| Endpoint::from_shared(spaniel.url(listener, "")).unwrap().connect_lazy();
        let health = HealthClient::new(to("jaeger-grpc")).check(HealthCheckRequest::default()).await.unwrap();
        assert_eq!(health.get_ref().status(), ServingStatus::Serving);
        let nothing = ExportTraceServiceRequest::default();
        let reply = TraceServiceClient::new(to("otlp-grpc")).export(nothing).await.unwrap();
        assert_eq!(reply.get_ref().partial_success, Some(ExportTracePartialSuccess::default()));
    });
    spaniel.stop();
}

#[test]
fn a_store_in_use_stops_the_start() {
    let one = Start::embedded().run();
    let directory = format!("--embedded.directory={}", one.store().display());
    let ended = Start::embedded().flags(&[&directory]).fails();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("in use by another process"), "{ended:?}");
    one.stop();
}

#[test]
fn what_is_wrong_with_the_settings_is_told_and_nothing_starts() {
    let cases = [
        (Start::default().flags(&["--es.bulk.sise=1"]), "es.bulk.sise"),
        (Start::default().flags(&["--es.server-urls=http://127.0.0.1:1"]), "SPAN_STORAGE_TYPE=elasticsearch"),
        (Start::default().environment("ES_SERVER_URLS", "http://127.0.0.1:1"), "SPAN_STORAGE_TYPE=elasticsearch"),
        (Start::default().environment("SPAN_STORAGE_TYPE", "cassandra"), "keep jaeger-collector"),
    ];
    for (start, word) in cases {
        let ended = start.fails();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!((ended.stdout.clone() + &ended.stderr).contains(word), "{ended:?}");
    }
}

#[test]
fn help_is_no_failure() {
    let ended = Start::default().flags(&["--help"]).fails();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains("--span-storage.type"), "{ended:?}");
}

/// Connections that send while it stops.
const SENDERS: u64 = 8;
const SPANS_A_REQUEST: u64 = 5;

#[test]
fn all_that_was_acknowledged_is_stored_when_it_stops_under_load() {
    let spaniel = Start::embedded().run();
    let url = spaniel.url("zipkin", "/api/v2/spans");
    let (next, acknowledged) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let send = || {
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let sent = client.post(&url).body(made::request(number, SPANS_A_REQUEST, 100)).send();
            match sent.map(|answer| answer.status().as_u16()) {
                Ok(202) => acknowledged.lock().unwrap().push(made::trace_id(number)),
                _ => return,
            }
        }
    };
    let directory = std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(send);
        }
        // Some are stored by then, some wait for a commit, some are on their way.
        until("load", || spaniel.books()["spans"]["zipkin-json"]["stored"].as_u64().filter(|&stored| stored > 3_000));
        spaniel.stop()
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    let expected = acknowledged.iter().map(|id| (*id, Vec::new())).collect();
    let stored = by_trace(stored(&directory.path().join("spaniel-data"), &expected));
    let lost: Vec<&TraceId> = acknowledged
        .iter()
        .filter(|id| stored.get(id).is_none_or(|spans| spans.len() as u64 != SPANS_A_REQUEST))
        .collect();
    assert!(lost.is_empty(), "{} of {} requests: {lost:?}", lost.len(), acknowledged.len());
}

#[test]
fn while_the_stop_is_delayed_it_takes_spans_and_is_not_ready() {
    let mut spaniel = Start::embedded().flags(&["--shutdown.delay=10m"]).run();
    spaniel.terminate();
    until("not ready", || (spaniel.get("admin", "/ready").status() == 503).then_some(()));
    assert_eq!(spaniel.get("admin", "/").status(), 503);
    assert_eq!(spaniel.post(made::request(1, 5, 0)).status(), 202);
    spaniel.settled_books();
    // A second signal ends the delay.
    spaniel.terminate();
    assert_eq!(spaniel.wait().code(), Some(0));
    let expected = [(made::trace_id(1), Vec::new())].into();
    assert_eq!(stored(&spaniel.store(), &expected).len(), 5);
}

#[test]
fn when_memory_is_full_it_says_not_now_and_recovers() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let spaniel = Start::elasticsearch(&url, "full").flags(&["--memory.limit=16MiB", "--spool.sync=off"]).run();
    let mut accepted = 0;
    // Each request takes some 100 kB: the limit is reached long before the end.
    let refused = (0..1_000).find_map(|number| {
        let answer = spaniel.post(made::request(number, 10, 10_000));
        accepted += u64::from(answer.status() == 202);
        (answer.status() != 202).then_some(answer)
    });
    let refused = refused.expect("a limit");
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert!(accepted > 20, "{accepted}");
    let page = &spaniel.books()["spans"]["zipkin-json"];
    assert_eq!((&page["received"], &page["held"]), (&(accepted * 10).into(), &(accepted * 10).into()));
    let store = StandIn::start(port);
    assert_eq!(Sums::of_page(&spaniel.settled_books()["spans"]["zipkin-json"]).stored, accepted * 10);
    assert_eq!(spaniel.post(made::request(5_000, 10, 10_000)).status(), 202);
    let sums = Sums::of_page(&spaniel.settled_books()["spans"]["zipkin-json"]);
    assert_eq!((sums.received, sums.stored), (accepted * 10 + 10, accepted * 10 + 10));
    assert_eq!(store.spans().len() as u64, sums.stored);
    spaniel.stop();
}
