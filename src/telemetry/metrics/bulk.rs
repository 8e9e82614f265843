//! Bulk requests to the store, under the names that Jaeger has given them in its life.

use std::borrow::Cow;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::register::{counter, family, histogram};
use super::{Labels, Metrics};

/// Documents that went out in bulk requests, under the name since Jaeger 1.64 and the one before.
#[derive(Debug)]
pub(super) struct Bulk {
    /// Attempts, inserts, errors.
    counts: [[Counter; 3]; 2],
    /// Err, ok.
    latencies: [[Histogram; 2]; 2],
}

impl Bulk {
    pub(super) fn register(all: &mut Registry, store: &[(Cow<'static, str>, Cow<'static, str>)]) -> Self {
        let names = ["jaeger_storage_bulk_index", "jaeger_bulk_index"];
        let mut one = |index: usize| {
            let name = names[index];
            let labels = if index == 0 { store } else { &[] };
            let registry = all.sub_registry_with_labels(labels.iter().cloned());
            let count = |what: &str| (format!("{name}_{what}"), format!("documents of bulk requests: {what}"));
            let [attempts, inserts, errors] = ["attempts", "inserts", "errors"].map(count);
            let counts = [attempts, inserts, errors].map(|(name, help)| counter(registry, &name, &help));
            let latency = ["latency_err", "latency_ok"]
                .map(|what| histogram(registry, &format!("{name}_{what}"), "seconds of a bulk request"));
            (counts, latency)
        };
        let (new, old) = (one(0), one(1));
        Bulk { counts: [new.0, old.0], latencies: [new.1, old.1] }
    }

    pub(super) fn count(&self, attempted: u64, inserted: u64, errors: u64, latency: Duration, ok: bool) {
        for [attempts, inserts, failures] in &self.counts {
            attempts.inc_by(attempted);
            inserts.inc_by(inserted);
            failures.inc_by(errors);
        }
        for [err, good] in &self.latencies {
            if ok { good } else { err }.observe(latency.as_secs_f64());
        }
    }
}

/// Bulk requests by how long the store took for them.
#[derive(Debug)]
pub(super) struct Answers([Counter; 2]);

impl Answers {
    pub(super) fn register(all: &mut Registry) -> Self {
        let help =
            "bulk requests by pace: in-time, slow (over --sampling.max-bulk-latency; none are counted without it)";
        let paces: Family<Labels, Counter> = family(all, "spaniel_store_answers", help);
        Answers(["in-time", "slow"].map(|pace| paces.get_or_create_owned(&vec![("pace", pace.to_string())])))
    }

    pub(super) fn count(&self, slow: bool) {
        self.0[usize::from(slow)].inc();
    }

    pub(super) fn counts(&self) -> [u64; 2] {
        let [in_time, slow] = &self.0;
        [in_time.get(), slow.get()]
    }
}

impl Metrics {
    /// A bulk request was answered: documents sent, stored, and refused or failed; `ok` if the
    /// request as a whole came through.
    pub fn bulk(&self, attempted: u64, inserted: u64, errors: u64, latency: Duration, ok: bool) {
        self.queue.save_latency.observe(latency.as_secs_f64());
        self.bulk.count(attempted, inserted, errors, latency, ok);
    }
}
