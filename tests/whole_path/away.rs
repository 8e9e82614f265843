//! The store is away when Spaniel starts, or goes and comes back: nothing is lost, nothing doubled.

use serde_json::Value as Json;
use spaniel::span::repair::Family;

use crate::bodies::{self, Body, Sums};
use crate::made;
use crate::servers::{check_spans, refuses};
use crate::spaniel::{Spaniel, Start, until};
use crate::stand_in::{StandIn, free_port};
use crate::support::releases::{self, Release};
use crate::support::server;

/// Alive, ready, and holding so many spans of Zipkin's.
fn check_holding(spaniel: &Spaniel, held: u64) {
    assert_eq!(spaniel.get("admin", "/").status(), 200);
    assert_eq!(spaniel.json("admin", "/ready")["ready"], true);
    let status = spaniel.json("admin", "/status");
    assert_eq!(status["store"]["reachable"], false, "{status}");
    assert_eq!(spaniel.books()["spans"]["zipkin-json"]["held"], held);
}

/// The page of Zipkin's spans when all are settled: stored or already there, and nothing else.
fn check_all_stored(books: &Json, spans: u64) {
    let sums = Sums::of_page(&books["spans"]["zipkin-json"]);
    assert_eq!((sums.received, sums.stored + sums.already_there), (spans, spans), "{books}");
}

#[test]
fn spans_wait_for_a_store_that_was_never_there() {
    let port = free_port();
    let spaniel = Start::elasticsearch(&format!("http://127.0.0.1:{port}"), "away").run();
    for number in 0..40 {
        assert_eq!(spaniel.post(made::request(number, 5, 0)).status(), 202);
    }
    check_holding(&spaniel, 200);
    let store = StandIn::start(port);
    check_all_stored(&spaniel.settled_books(), 200);
    assert_eq!(store.spans().len(), 200);
    spaniel.stop();
    assert_eq!(store.spans().len(), 200);
}

/// In memory, a stop with the store away drops what is held, within its time, and says so.
#[test]
fn what_cannot_be_stored_until_the_end_is_counted_and_told() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let mut spaniel = Start::elasticsearch(&url, "away").flags(&["--shutdown.timeout=200ms", "--spool.sync=off"]).run();
    assert_eq!(spaniel.post(made::request(1, 7, 0)).status(), 202);
    check_holding(&spaniel, 7);
    spaniel.terminate();
    assert_eq!(spaniel.wait().code(), Some(0));
    let log = spaniel.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let told: Vec<_> = lines.filter(|line| line["msg"].to_string().contains("spans were dropped")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert_eq!((&told[0]["spans"], &told[0]["protocol"]), (&7.into(), &"zipkin-json".into()));
    assert!(!log.contains("do not balance"), "{log}");
}

/// A server that is away when bodies come, comes, goes while they come again, and comes back.
fn comes_and_goes(release: Release) {
    let Some(server) = server::own(release, &[]) else { return };
    server.stop();
    let bodies: Vec<Body> = bodies::all();
    let zipkin = bodies::sums(&bodies, Family::Otel, refuses);
    let spaniel = Start::elasticsearch(&server.url, "goes").run();
    let (first, second) = bodies.split_at(40);
    bodies::send(&spaniel, first);
    let early = bodies::sums(first, Family::Otel, refuses);
    check_holding(&spaniel, early.received);
    server.resume().unwrap();
    check_all_stored(&spaniel.settled_books(), early.received);
    std::thread::scope(|scope| {
        scope.spawn(|| bodies::send(&spaniel, second));
        scope.spawn(|| server.stop());
    });
    assert_eq!(spaniel.post(made::request(1, 3, 0)).status(), 202);
    until("it is known that the store is away", || {
        (spaniel.json("admin", "/status")["store"]["reachable"] == false).then_some(())
    });
    server.resume().unwrap();
    check_all_stored(&spaniel.settled_books(), zipkin.received + 3);
    let (status, body) = server.call("POST", "/goes-jaeger-span-2026-11-21/_refresh", None);
    assert_eq!(status, 200, "{body}");
    let made = spaniel.json("query", &format!("/api/traces/{:x}", made::trace_id(1).low));
    assert_eq!(made["data"][0]["spans"].as_array().unwrap().len(), 3);
    spaniel.stop();
    check_spans(&server, "goes", &bodies, 3);
}

#[test]
fn nothing_is_lost_or_doubled_when_elasticsearch_comes_and_goes() {
    comes_and_goes(releases::ES_8_19);
}

#[test]
fn nothing_is_lost_or_doubled_when_opensearch_comes_and_goes() {
    comes_and_goes(releases::OS_3_8);
}
