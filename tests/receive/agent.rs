//! jaeger-agent's ports: datagrams over real sockets, and what its clients ask.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use spaniel::memory::Budget;
use spaniel::pipeline::Protocol;
use spaniel::receive::agent_udp::{DatagramServer, bind};
use spaniel::receive::{Server, agent_http};
use spaniel::settings::{Agent, AgentPort};
use tokio::net::UdpSocket;

use super::house::{House, Memo, Wire, ask, patient};

const LONG: Duration = Duration::from_secs(60);

/// A port on loopback, and one who sends to it.
struct Agency {
    house: House,
    server: DatagramServer,
    address: SocketAddr,
    sender: UdpSocket,
}

impl Agency {
    async fn new(change: impl FnOnce(&mut AgentPort)) -> Agency {
        let house = House::new().await;
        let budget = house.budget.clone();
        Agency::over(house, budget, change).await
    }

    async fn over(house: House, budget: Arc<Budget>, change: impl FnOnce(&mut AgentPort)) -> Agency {
        let mut settings = Agent::default();
        settings.compact.host_port = Some("127.0.0.1:0".into());
        settings.binary.host_port = None;
        change(&mut settings.compact);
        let [compact, binary] = bind(&settings).unwrap();
        assert!(binary.is_none());
        let compact = compact.unwrap();
        let address = compact.address();
        let server = DatagramServer::new();
        server.serve(vec![(Protocol::AgentCompact, compact)], &house.memo, &budget, &house.metrics);
        Agency { house, server, address, sender: UdpSocket::bind("127.0.0.1:0").await.unwrap() }
    }

    async fn send(&self, datagram: &[u8]) {
        self.sender.send_to(datagram, self.address).await.unwrap();
    }

    fn memo(&self) -> &Memo {
        &self.house.memo
    }

    async fn until(&self, series: &str, value: u64) {
        self.house.until_metric(&format!("spaniel_{series} {value}")).await;
    }
}

#[tokio::test]
async fn datagrams_are_taken_whole_and_charged() {
    for workers in [1, 4] {
        let agency = Agency::new(|port| port.workers = workers).await;
        agency.send(b"one").await;
        agency.house.until_taken(1).await;
        agency.send(&[b'x'; 65_000]).await;
        agency.house.until_taken(2).await;
        let taken = agency.memo().taken.lock().unwrap().clone();
        assert_eq!((taken[0].0, &taken[0].1[..]), (Protocol::AgentCompact, &b"one"[..]));
        assert_eq!(taken[1].1.len(), 65_000);
        assert!(agency.server.drain(LONG).await);
        agency.house.until_free().await;
        agency.until("datagrams_received_total{protocol=\"agent-compact\"}", 2).await;
    }
}

#[tokio::test]
async fn every_address_is_both_families_and_the_kernel_knows_the_socket() {
    let mut agency = Agency::new(|port| port.host_port = Some(":0".into())).await;
    agency.address = SocketAddr::from(([127, 0, 0, 1], agency.address.port()));
    agency.send(b"four").await;
    agency.house.until_taken(1).await;
    agency.until("datagrams_dropped_by_kernel_total{protocol=\"agent-compact\"}", 0).await;
}

#[tokio::test]
async fn what_is_longer_than_the_limit_is_cut_there_and_counted() {
    let agency = Agency::new(|port| port.max_packet_bytes = 10).await;
    agency.send(b"0123456789").await;
    agency.send(b"0123456789ab").await;
    agency.house.until_taken(2).await;
    assert_eq!(agency.house.bodies(), [&b"0123456789"[..], b"0123456789"]);
    agency.until("limits_reached_total{limit=\"processor.jaeger-compact.server-max-packet-size\"}", 1).await;
}

#[tokio::test]
async fn refusals_are_counted_by_their_reason() {
    let agency = Agency::new(|_| {}).await;
    for (datagram, reason) in [(&b"bad"[..], "unreadable"), (b"none", "nothing-readable"), (b"full", "not-safe")] {
        agency.send(datagram).await;
        agency.until(&format!("datagrams_refused_total{{protocol=\"agent-compact\",reason=\"{reason}\"}}"), 1).await;
    }
    agency.house.until_free().await;
}

#[tokio::test]
async fn without_memory_a_datagram_is_refused_before_the_pipeline_sees_it() {
    let agency = Agency::over(House::new().await, Budget::new(2000), |_| {}).await;
    agency.send(&[b'x'; 1000]).await;
    agency.until("datagrams_refused_total{protocol=\"agent-compact\",reason=\"memory\"}", 1).await;
    agency.until("limits_reached_total{limit=\"memory.limit\"}", 1).await;
    agency.send(b"small").await;
    agency.house.until_taken(1).await;
    assert_eq!(agency.house.bodies(), [&b"small"[..]]);
}

#[tokio::test]
async fn while_as_many_wait_as_may_nothing_is_read_and_the_kernel_counts_what_it_drops() {
    let agency = Agency::new(|port| (port.queue, port.socket_buffer_bytes) = (3, Some(32 << 10))).await;
    agency.house.hold_answers();
    for taken in 1..=3 {
        agency.send(&[b'x'; 1000]).await;
        agency.house.until_taken(taken).await;
    }
    for _ in 3..500 {
        agency.send(&[b'x'; 1000]).await;
    }
    agency.until("limits_reached_total{limit=\"processor.jaeger-compact.server-queue-size\"}", 1).await;
    let dropped = || {
        let text = agency.house.metrics.text();
        let name = "spaniel_datagrams_dropped_by_kernel_total{protocol=\"agent-compact\"} ";
        text.lines().find_map(|line| line.strip_prefix(name)?.parse::<usize>().ok()).unwrap()
    };
    let dropped = dropped();
    assert!((400..497).contains(&dropped), "{dropped}");
    assert_eq!(agency.house.bodies().len(), 3);
    agency.memo().permits.add_permits(1000);
    assert!(agency.server.drain(LONG).await);
    // What lay in the kernel's buffer was read at the drain; all that was sent is accounted for.
    assert_eq!(agency.house.bodies().len() + dropped, 500);
}

#[tokio::test]
async fn the_drain_waits_for_what_is_not_safe_and_then_the_port_is_free() {
    let agency = Agency::new(|_| {}).await;
    agency.house.hold_answers();
    agency.send(b"one").await;
    agency.house.until_taken(1).await;
    assert!(!agency.server.drain(Duration::from_millis(20)).await);
    agency.memo().permits.add_permits(1);
    assert!(agency.server.drain(LONG).await);
    assert!(UdpSocket::bind(agency.address).await.is_ok());
}

#[tokio::test]
async fn a_udp_port_in_use_is_an_error_that_names_the_flag_and_the_mend() {
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Agent::default();
    settings.compact.host_port = None;
    settings.binary.host_port = Some(taken.local_addr().unwrap().to_string());
    let error = bind(&settings).unwrap_err().to_string();
    for part in ["agent-binary", "--processor.jaeger-binary.server-host-port", "stop the process that has this port"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn clients_hear_the_strategy_that_jaeger_has_without_any() {
    let house = House::new().await;
    let bound = spaniel::receive::bind("agent", "--flag", "127.0.0.1:0").unwrap();
    let address = bound.address();
    Server::new(patient(), house.metrics.clone(), house.budget.clone())
        .serve(bound, agent_http::router(house.strategies.clone(), house.metrics.clone()));
    let by_name = r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.001}}"#;
    let by_number = r#"{"strategyType":0,"probabilisticSampling":{"samplingRate":0.001}}"#;
    let once = "'service' parameter must be provided once\n";
    for (request, status, words) in [
        ("GET /sampling?service=web", 200, by_name),
        ("GET /sampling?a=b&service=", 200, by_name),
        ("GET /?service=web", 200, by_number),
        ("GET /baggageRestrictions?service=web", 200, "[]"),
        ("GET /sampling", 400, once),
        ("GET /?service=a&service=b", 400, once),
        ("POST /sampling?service=web", 405, ""),
        ("GET /api/sampling?service=web", 404, "404 page not found\n"),
    ] {
        let heard = ask(address, format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert_eq!((heard.status, heard.body.as_str()), (status, words), "{request}");
    }
    let mut wire = Wire::to(address).await;
    wire.send("GET /sampling?service=a HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(wire.hear().await.header("content-type"), Some("application/json"));
}
