//! Captured datagrams of Jaeger's clients through the real binary, and the books of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;

use serde_json::Value as Json;
use spaniel::pipeline::Protocol;

use crate::embedded::spans_of;
use crate::jaeger_golden::written::written_from;
use crate::jaeger_golden::{data, golden};
use crate::spaniel::{Spaniel, Start, until};

pub(crate) const PORTS: [(Protocol, &str); 2] =
    [(Protocol::AgentCompact, "udp-compact.ndjson"), (Protocol::AgentBinary, "udp-binary.ndjson")];

/// What one port must count.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    datagrams: u64,
    unreadable: u64,
    received: u64,
}

/// The number of a series of the metrics.
fn metric(spaniel: &Spaniel, series: &str) -> Option<u64> {
    let text = spaniel.get("admin", "/metrics").text().unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_string));
    value.map(|value| value.parse().unwrap())
}

/// Sends each datagram of a file when the one before was read, so that none can be dropped.
pub(crate) fn send(spaniel: &Spaniel, protocol: Protocol, file: &str) -> (Sums, BTreeSet<Vec<u8>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let series = format!("spaniel_datagrams_received_total{{protocol=\"{}\"}}", protocol.name());
    let (mut sums, mut ids) = (Sums::default(), BTreeSet::new());
    for input in golden(file).keys() {
        let body = data(input);
        let ours = written_from(&body, protocol);
        sums.datagrams += 1;
        sums.unreadable += u64::from(!ours.readable);
        if ours.readable {
            sums.received += (ours.documents.len() + ours.refusals.len()) as u64;
            ids.extend(ours.ids.iter().map(|id| format!("{id:?}").into_bytes()));
        }
        socket.send_to(&body, spaniel.address(protocol.name())).unwrap();
        until("the datagram is read", || (metric(spaniel, &series) == Some(sums.datagrams)).then_some(()));
    }
    (sums, ids)
}

#[test]
fn captured_datagrams_are_stored_and_the_books_balance() {
    let spaniel = Start::embedded().run();
    let sent: BTreeMap<_, _> = PORTS.map(|(port, file)| (port.name(), send(&spaniel, port, file))).into();
    let books = spaniel.settled_books();
    for (name, (sums, ids)) in &sent {
        let page = &books["spans"][name];
        let stored = page["stored"].as_u64().unwrap() + page["already_there"].as_u64().unwrap();
        let refused: u64 = page["refused"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!((page["received"].as_u64(), stored + refused), (Some(sums.received), sums.received), "{page}");
        assert!(page["stored"].as_u64().unwrap() as usize <= ids.len(), "{page}");
        let unreadable = format!("spaniel_datagrams_refused_total{{protocol=\"{name}\",reason=\"unreadable\"}}");
        assert_eq!(metric(&spaniel, &unreadable), Some(sums.unreadable));
        let dropped = format!("spaniel_datagrams_dropped_by_kernel_total{{protocol=\"{name}\"}}");
        assert_eq!(metric(&spaniel, &dropped), Some(0));
    }
    assert_eq!(sent["agent-compact"].0.datagrams + sent["agent-binary"].0.datagrams, 39 + 17);
    let trace = golden("udp-compact.ndjson")["jaeger/udp-compact/trace.thrift"]["spans"].clone();
    let trace_id = trace[0]["_source"]["traceID"].as_str().unwrap().to_string();
    let stored = spaniel.json("query", &format!("/api/traces/{trace_id}"));
    assert_eq!(stored["data"][0]["spans"].as_array().map(Vec::len), trace.as_array().map(Vec::len));
    spaniel.stop();
}

#[test]
fn what_came_before_the_stop_is_stored() {
    let spaniel = Start::embedded().run();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let body = data("jaeger/udp-compact/trace.thrift");
    socket.send_to(&body, spaniel.address("agent-compact")).unwrap();
    let written = written_from(&body, Protocol::AgentCompact);
    let id = written.documents[0]["traceID"].as_str().map(|id| u128::from_str_radix(id, 16).unwrap()).unwrap();
    let trace = spaniel::span::TraceId { high: (id >> 64) as u64, low: id as u64 };
    let directory = spaniel.stop();
    let stored = spans_of(&directory.path().join("spaniel-data"), &[trace]);
    assert_eq!(stored.len(), written.documents.len());
}

#[test]
fn clients_of_an_agent_hear_what_it_said() {
    let spaniel = Start::embedded().run();
    let said = |path: &str| {
        let answer = spaniel.get("agent-http", path);
        (answer.status().as_u16(), answer.text().unwrap())
    };
    let strategy: Json = serde_json::from_str(&said("/sampling?service=web").1).unwrap();
    assert_eq!(strategy["probabilisticSampling"]["samplingRate"], 0.001);
    assert_eq!(said("/baggageRestrictions?service=web"), (200, "[]".into()));
    spaniel.stop();
}
