//! The way from arrival to the store, under the names that Jaeger labels with the host.

use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Metrics;
use super::register::{gauge, histogram};

/// The series.
#[derive(Debug)]
pub(super) struct Queue {
    batch_size: Gauge,
    pub(super) spans_bytes: Gauge,
    in_queue_latency: Histogram,
    pub(super) save_latency: Histogram,
}

impl Queue {
    pub(super) fn register(all: &mut Registry, host: &str) -> Self {
        let hosted = all.sub_registry_with_label(("host".into(), host.to_string().into()));
        // Jaeger never counts it, and shows it.
        gauge(hosted, "jaeger_collector_spans_serviceNames", "always 0, as in Jaeger");
        Queue {
            batch_size: gauge(hosted, "jaeger_collector_batch_size", "spans of the latest request"),
            spans_bytes: gauge(hosted, "jaeger_collector_spans_bytes", "bytes of documents made safe on disk so far"),
            in_queue_latency: histogram(
                hosted,
                "jaeger_collector_in_queue_latency",
                "seconds from arrival to safety in the store",
            ),
            save_latency: histogram(hosted, "jaeger_collector_save_latency", "seconds of one write to the store"),
        }
    }
}

impl Metrics {
    /// A request brought `spans` spans.
    pub fn batch_size(&self, spans: u64) {
        self.queue.batch_size.set(i64::try_from(spans).unwrap_or(i64::MAX));
    }

    /// A run of spans was stored `latency` after it had arrived.
    pub fn in_queue(&self, latency: Duration) {
        self.queue.in_queue_latency.observe(latency.as_secs_f64());
    }
}
