//! Handshakes that failed and certificates that were read again, by listener.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Labels;
use super::register::family;

/// The families.
#[derive(Debug)]
pub(super) struct TlsCounts {
    failed: Family<Labels, Counter>,
    reloads: Family<Labels, Counter>,
}

impl TlsCounts {
    pub(super) fn register(all: &mut Registry) -> Self {
        TlsCounts {
            failed: family(all, "spaniel_tls_handshakes_failed", "TLS handshakes that failed, by listener and reason"),
            reloads: family(all, "spaniel_tls_reloads", "certificates that had changed, by whether they could be used"),
        }
    }

    pub(super) fn failed(&self, listener: &str, reason: &str) {
        let labels = vec![("listener", listener.to_string()), ("reason", reason.to_string())];
        self.failed.get_or_create(&labels).inc();
    }

    pub(super) fn reloaded(&self, listener: &str, good: bool) {
        let result = if good { "ok" } else { "err" };
        self.reloads.get_or_create(&vec![("listener", listener.to_string()), ("result", result.to_string())]).inc();
    }
}
