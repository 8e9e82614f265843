//! What the spool does, and what befalls it.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::register::{counter, family};
use super::{Labels, Metrics};

/// Seconds: a commit is a write and a sync, from tenths of a millisecond on.
const BUCKETS: [f64; 14] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[derive(Debug)]
pub(super) struct Spooled {
    events: Family<Labels, Counter>,
    commit: Histogram,
    bytes: Counter,
}

impl Spooled {
    pub(super) fn register(all: &mut Registry) -> Self {
        let commit = Histogram::new(BUCKETS);
        let help = "seconds of one commit: the runs that waited, written and made safe together";
        all.register("spaniel_spool_commit_seconds", help, commit.clone());
        Spooled {
            events: family(all, "spaniel_spool_events", "what befell the spool, by its word: items or places"),
            commit,
            bytes: counter(all, "spaniel_spool_committed_bytes", "bytes of documents made safe, before compression"),
        }
    }
}

impl Metrics {
    /// Something befell the spool: `damage` and `torn` count places in files, `write-failed` writes,
    /// `carried-over`, `damaged` and `spool-full` items.
    pub fn spool(&self, event: &'static str, count: u64) {
        self.spool.events.get_or_create(&vec![("event", event.to_string())]).inc_by(count);
    }

    /// So many bytes of documents were made safe in one commit.
    pub fn committed(&self, bytes: u64, took: Duration) {
        self.spool.commit.observe(took.as_secs_f64());
        self.spool.bytes.inc_by(bytes);
        self.queue.spans_bytes.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}
