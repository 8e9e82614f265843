//! Connections of all listeners.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Metrics;
use super::register::{counter, gauge};

/// The series.
#[derive(Debug)]
pub(super) struct Connections {
    open: Gauge,
    accepted: Counter,
    refused: Counter,
}

impl Connections {
    pub(super) fn register(all: &mut Registry) -> Self {
        let refused = "connections closed at once, over --limits.connections or --memory.limit";
        Connections {
            open: gauge(all, "spaniel_connections_open", "connections that are open"),
            accepted: counter(all, "spaniel_connections_accepted", "connections that were accepted"),
            refused: counter(all, "spaniel_connections_refused", refused),
        }
    }
}

impl Metrics {
    pub fn connection_accepted(&self) {
        self.connections.accepted.inc();
        self.connections.open.inc();
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.connections.accepted.get()
    }

    pub fn connection_closed(&self) {
        self.connections.open.dec();
    }

    /// A connection was closed at once, because this limit was reached.
    pub fn connection_refused(&self, limit: &'static str) {
        self.connections.refused.inc();
        self.limit_reached(limit);
    }
}
