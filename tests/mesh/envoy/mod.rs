//! A real Envoy with the configuration of an Istio sidecar sends to a real Spaniel, and loses nothing
//! by its own count while Elasticsearch goes and comes back.

mod fetch;
mod sidecar;

use std::collections::BTreeMap;

use crate::spaniel::{Spaniel, Start, until};
use crate::stand_in::StandIn;
use sidecar::{Format, Sidecar};

/// Requests of one part of a test.
const PART: u64 = 60;

/// Each request passes the sidecar of its client and that of its server.
const SPANS: u64 = 2;

struct Mesh {
    store: StandIn,
    spaniel: Spaniel,
    sidecar: Sidecar,
    requests: u64,
}

impl Mesh {
    fn start(format: Format, flags: &[&str]) -> Option<Mesh> {
        let envoy = fetch::envoy()?;
        let store = StandIn::nodes(1);
        store.up(0);
        let spaniel = Start::elasticsearch(&store.urls(), "").flags(flags).run();
        let sidecar = Sidecar::start(&envoy, spaniel.address("zipkin"), format);
        Some(Mesh { store, spaniel, sidecar, requests: 0 })
    }

    fn part(&mut self) {
        for _ in 0..PART {
            self.sidecar.call(self.requests);
            self.requests += 1;
        }
    }

    /// Envoy has reported every span, and has had a good answer to each report.
    fn check(&self) {
        let wanted = self.requests * SPANS;
        let stats = until("Envoy has reported all", || {
            let stats = self.sidecar.tracing();
            let of = |name: &str| stats.get(name).copied().unwrap_or(0);
            let answered = ["reports_sent", "reports_dropped", "reports_failed"].map(of).iter().sum::<u64>();
            let reports = of("timer_flushed") > 0 || answered > 0;
            let settled =
                self.spaniel.books()["spans"][self.sidecar.format.page()]["received"].as_u64() == Some(wanted);
            let lost = of("reports_dropped") + of("reports_failed") > 0;
            (of("spans_sent") == wanted && reports && (settled || lost)).then_some(stats)
        });
        for name in ["reports_dropped", "reports_failed", "reports_skipped_no_cluster"] {
            assert_eq!(stats.get(name), Some(&0), "{stats:?}");
        }
        assert!(stats["reports_sent"] > 1, "{stats:?}");
        self.spaniel.settled_books();
        let made = self.store.made();
        assert_eq!(made.len() as u64, wanted);
        assert!(made.values().all(|times| *times == 1));
    }

    /// Spans by the service that they are of.
    fn services(&self) -> BTreeMap<String, u64> {
        let mut services = BTreeMap::new();
        for span in self.store.spans() {
            *services.entry(span["process"]["serviceName"].as_str().unwrap().to_string()).or_default() += 1;
        }
        services
    }
}

fn goes_and_comes(format: Format, flags: &[&str]) -> Option<Mesh> {
    let mut mesh = Mesh::start(format, flags)?;
    mesh.part();
    mesh.store.down(0);
    mesh.part();
    until("it is known that the store is away", || {
        (mesh.spaniel.json("admin", "/status")["store"]["reachable"] == false).then_some(())
    });
    mesh.part();
    mesh.store.up(0);
    mesh.part();
    mesh.check();
    assert_eq!(mesh.services(), BTreeMap::from([("shop.demo".to_string(), mesh.requests * SPANS)]));
    let stored = mesh.store.spans();
    let of = |kind: &str| {
        let tag = |span: &&serde_json::Value| {
            span["tags"].as_array().unwrap().iter().any(|tag| tag["key"] == "span.kind" && tag["value"] == kind)
        };
        stored.iter().filter(tag).count() as u64
    };
    assert_eq!((of("client"), of("server")), (mesh.requests, mesh.requests));
    Some(mesh)
}

#[test]
fn envoy_loses_no_report_while_elasticsearch_goes_and_comes() {
    goes_and_comes(Format::Json, &[]);
}

#[test]
fn envoy_loses_no_report_in_protobuf() {
    goes_and_comes(Format::Proto, &[]);
}

/// Connections end often, as they do when replicas come and go.
#[test]
fn envoy_loses_no_report_while_its_connections_end() {
    let Some(mesh) = goes_and_comes(Format::Json, &["--limits.connection-age=50ms"]) else { return };
    let scrape = crate::scrape::scrape(&mesh.spaniel).unwrap();
    let ended = crate::scrape::sum(&scrape, "spaniel_limits_reached_total", "limits.connection-age");
    assert!(ended > 2.0, "only {ended} connections were ended");
}
