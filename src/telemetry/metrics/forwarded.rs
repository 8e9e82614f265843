//! Copies for a second collector, and what became of them.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::register::family;
use super::{Labels, Metrics};

/// The families. Their series are there only if copies are made.
#[derive(Debug)]
pub(super) struct Forwarded {
    copies: Family<Labels, Counter>,
    sent: Family<Labels, Counter>,
    dropped: Family<Labels, Counter>,
    waiting: Family<Labels, Gauge>,
    failing: Family<Labels, Gauge>,
}

impl Forwarded {
    pub(super) fn register(all: &mut Registry) -> Self {
        let (waiting, failing) = (Family::default(), Family::default());
        let copies = "requests that were taken and of which a copy was due, by protocol: sent, dropped or waiting";
        let forwarded = Forwarded {
            copies: family(all, "spaniel_forward_copies", copies),
            sent: family(all, "spaniel_forward_sent", "copies that the second collector took, by protocol"),
            dropped: family(all, "spaniel_forward_dropped", "copies that were dropped, by protocol and reason"),
            waiting,
            failing,
        };
        let waiting = "bytes of copies that wait, by endpoint; at most --forward.max-bytes";
        all.register("spaniel_forward_waiting_bytes", waiting, forwarded.waiting.clone());
        let failing = "1 while copies cannot be forwarded to an endpoint";
        all.register("spaniel_forward_failing", failing, forwarded.failing.clone());
        forwarded
    }
}

impl Metrics {
    /// A request of this protocol was taken, and its copy is due.
    pub fn forward_copied(&self, protocol: &'static str) {
        self.forwarded.copies.get_or_create(&vec![("protocol", protocol.to_string())]).inc();
    }

    /// A copy was taken by the second collector.
    pub fn forward_sent(&self, protocol: &'static str) {
        self.forwarded.sent.get_or_create(&vec![("protocol", protocol.to_string())]).inc();
    }

    /// A copy was dropped: `no-url`, `full`, `unreadable`, `refused`, `failed`, `shutdown`.
    pub fn forward_dropped(&self, protocol: &'static str, reason: &'static str) {
        let labels = vec![("protocol", protocol.to_string()), ("reason", reason.to_string())];
        self.forwarded.dropped.get_or_create(&labels).inc();
    }

    /// So many bytes more, or fewer, wait for an endpoint.
    pub fn forward_waiting(&self, endpoint: &'static str, bytes: i64) {
        self.forwarded.waiting.get_or_create(&vec![("endpoint", endpoint.to_string())]).inc_by(bytes);
    }

    /// Whether copies cannot be forwarded to an endpoint.
    pub fn forward_failing(&self, endpoint: &'static str, failing: bool) {
        self.forwarded.failing.get_or_create(&vec![("endpoint", endpoint.to_string())]).set(failing.into());
    }
}
