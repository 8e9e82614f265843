//! `spaniel doctor` beside the real binary: well, and with each thing broken.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::made::request;
use crate::spaniel::{Ended, Spaniel, Start, command, until};
use crate::stand_in::{StandIn, free_port};
use crate::support::releases;
use crate::support::server;

fn doctor(start: &Start, spaniel: &Spaniel) -> Ended {
    start.beside(spaniel, &["doctor"])
}

impl Ended {
    /// The mark of the line about this, and all that it says.
    fn line(&self, about: &str) -> (char, String) {
        let begins = |line: &&str| line.chars().skip(2).collect::<String>().starts_with(about);
        let lines: Vec<_> = self.stdout.lines().collect();
        let at = lines.iter().position(begins).unwrap_or_else(|| panic!("no line about {about}: {}", self.stdout));
        let more = lines[at + 1..].iter().take_while(|line| line.starts_with("  "));
        let text: Vec<_> = std::iter::once(&lines[at]).chain(more).flat_map(|line| line.split_whitespace()).collect();
        (lines[at].chars().next().unwrap(), text.join(" "))
    }

    fn marks(&self, mark: char) -> usize {
        self.stdout.lines().filter(|line| line.starts_with(mark)).count()
    }
}

/// A span of this service that ends so many seconds from now.
fn span(service: &str, from_now: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64;
    let start = now + from_now * 1_000_000 - 1_000;
    let span = json!({
        "traceId": format!("{now:016x}"), "id": "0000000000000001", "name": "get", "timestamp": start, "duration": 1_000,
        "localEndpoint": {"serviceName": service},
    });
    json!([span]).to_string()
}

#[test]
fn what_is_well_is_said_to_be() {
    let start = Start::embedded();
    let spaniel = start.run();
    let early = doctor(&start, &spaniel);
    assert_eq!((early.code, early.marks('✗')), (Some(0), 0), "{}", early.stdout);
    assert!(early.line("spans").1.contains("! spans none came by any protocol"), "{}", early.stdout);
    assert_eq!(spaniel.post(span("web", 0)).status(), 202);
    spaniel.settled_books();
    let well = doctor(&start, &spaniel);
    assert_eq!((well.code, well.marks('✗'), well.marks('!')), (Some(0), 0, 0), "{}", well.stdout);
    for port in ["zipkin", "otlp-grpc", "otlp-http", "jaeger-grpc", "jaeger-thrift-http", "agent-compact"] {
        assert_eq!(well.line(&format!("port {port}")).0, '✓');
    }
    assert!(well.line("spans by zipkin-json").1.contains("1 received: 1 stored"), "{}", well.stdout);
    assert!(well.line("clocks of senders").1.contains("1 requests, none strange"), "{}", well.stdout);
    assert!(well.line("store").1.contains("embedded"), "{}", well.stdout);
    spaniel.stop();
}

#[test]
fn senders_that_do_it_wrong_are_told_of() {
    let start = Start::embedded();
    let spaniel = start.run();
    assert_eq!(spaniel.post(span("ahead", 600)).status(), 202);
    assert_eq!(spaniel.post(span("behind", -7200)).status(), 202);
    assert_eq!(spaniel.post("no spans").status(), 400);
    let elsewhere = spaniel.client().post(spaniel.url("zipkin", "/spans")).body("[]").send().unwrap();
    assert_eq!(elsewhere.status(), 404);
    let found = doctor(&start, &spaniel);
    assert_eq!((found.code, found.marks('✗')), (Some(0), 0), "{}", found.stdout);
    assert!(found.line("clocks of senders").1.contains("ahead of ours: ahead by 10 min"), "{}", found.stdout);
    assert!(found.line("age of spans").1.contains("behind by 2 h"), "{}", found.stdout);
    for words in ["1 were answered with 400", "1 were answered with 404 -> they go to a path where nothing is"] {
        let all = found.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(all.contains(words), "{words}: {}", found.stdout);
    }
    spaniel.stop();
}

#[test]
fn what_is_sampled_out_or_held_back_by_settings_is_wrong() {
    let start = Start::embedded().flags(&["--downsampling.ratio=0", "--collector.otlp.enabled=false"]);
    let spaniel = start.run();
    assert_eq!(spaniel.post(span("web", 0)).status(), 202);
    let found = doctor(&start, &spaniel);
    assert_eq!((found.code, found.line("spans by zipkin-json").0), (Some(1), '✗'), "{}", found.stdout);
    let other = doctor(&Start::embedded(), &spaniel);
    let port = other.line("port otlp-http");
    assert!(port.0 == '✗' && port.1.contains("the running Spaniel has it closed"), "{}", other.stdout);
    spaniel.stop();
}

#[test]
fn a_collector_that_is_not_there_is_told_of() {
    let ended = command(&["doctor", &format!("--admin.http.host-port=127.0.0.1:{}", free_port())]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let line = ended.line("collector");
    assert!(line.0 == '✗' && line.1.contains("start Spaniel"), "{}", ended.stdout);
}

#[test]
fn copies_that_fail_are_told_of() {
    let url = format!("--forward.zipkin.url=http://127.0.0.1:{}", free_port());
    let start = Start::embedded().flags(&[&url, "--forward.timeout=50ms"]);
    let spaniel = start.run();
    assert_eq!(doctor(&start, &spaniel).line("copies to zipkin").0, '✓');
    assert_eq!(spaniel.post(span("web", 0)).status(), 202);
    let found =
        until("it fails", || Some(doctor(&start, &spaniel)).filter(|found| found.line("copies to zipkin").0 == '!'));
    assert!(
        found.code == Some(0) && found.line("copies to zipkin").1.contains("--forward.zipkin.url"),
        "{}",
        found.stdout
    );
    spaniel.stop();
}

#[test]
fn a_store_that_is_away_is_wrong() {
    let start = Start::elasticsearch(&format!("http://127.0.0.1:{}", free_port()), "away");
    let spaniel = start.run();
    assert_eq!(spaniel.post(request(1, 1, 0)).status(), 202);
    until("it is known that the store is away", || {
        (spaniel.json("admin", "/status")["store"]["trouble"].is_string()).then_some(())
    });
    let found = doctor(&start, &spaniel);
    assert_eq!(found.code, Some(1));
    for about in ["store", "node http://127.0.0.1:"] {
        assert_eq!(found.line(about).0, '✗', "{}", found.stdout);
    }
    let store = found.line("store").1;
    assert!(store.contains("is away") && store.contains("spans wait in the spool"), "{}", found.stdout);
    assert!(found.line("room for spans").1.contains("documents wait"), "{}", found.stdout);
}

#[test]
fn documents_that_the_store_refuses_are_told_of() {
    let store = StandIn::start(free_port());
    let fault = crate::stand_in::Fault::Poison {
        text: "Traceparent",
        status: 400,
        kind: "mapper_parsing_exception",
        reason: "failed to parse field [tags]",
    };
    let start = Start::elasticsearch(&store.urls(), "dead");
    let spaniel = start.run();
    for number in 0..4 {
        assert_eq!(spaniel.post(request(number, 5, 0)).status(), 202);
    }
    spaniel.settled_books();
    store.begin(fault);
    assert_eq!(spaniel.post(request(9, 1, 0).replace("\"get\"", "\"Traceparent\"")).status(), 202);
    spaniel.settled_books();
    let found = doctor(&start, &spaniel);
    let line = found.line("dead letters");
    assert!(line.0 == '!' && line.1.contains("spaniel dead-letter list"), "{}", found.stdout);
}

/// The cluster is examined too: templates and dates of indices.
#[test]
fn the_cluster_is_examined_8_19() {
    let Some(server) = server::shared(releases::ES_8_19) else { return };
    let start = Start::elasticsearch(&server.url, "physician");
    let spaniel = start.run();
    assert_eq!(spaniel.post(span("web", 0)).status(), 202);
    spaniel.settled_books();
    let well = doctor(&start, &spaniel);
    assert_eq!((well.code, well.marks('✗')), (Some(0), 0), "{}", well.stdout);
    assert_eq!(well.line("template physician-jaeger-span").0, '✓', "{}", well.stdout);
    let document = json!({"traceID": "abc", "startTimeMillis": 5});
    let path = "/physician-jaeger-span-2069-02-07/_doc/1?refresh=true";
    assert_eq!(server.call("PUT", path, Some(&document)).0, 201);
    assert_eq!(server.call("DELETE", "/_index_template/physician-jaeger-span", None).0, 200);
    let found = doctor(&start, &spaniel);
    assert!(found.line("dates of physician-jaeger-span").1.contains("days that cannot be"), "{}", found.stdout);
    assert_eq!(found.line("template physician-jaeger-span").0, '!', "{}", found.stdout);
    spaniel.stop();
}
