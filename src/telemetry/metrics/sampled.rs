//! What sampling did with the spans, and what of the store its limits follow.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::bulk::Answers;
use super::register::{counter, family};
use super::{Labels, Metrics};

/// The series.
#[derive(Debug)]
pub(super) struct Sampled {
    downsampled: [Counter; 2],
    judged: Family<Labels, Counter>,
    rules_reloads: Family<Labels, Counter>,
    pushed_back: Counter,
    answers: Answers,
}

impl Sampled {
    /// `is_downsampling`: only then Jaeger has the series of it.
    pub(super) fn register(all: &mut Registry, is_downsampling: bool) -> Self {
        let judged = "spans that were judged, by verdict (kept, dropped) and the rule that decided; none where nothing is sampled";
        let reloads = "how often --sampling.rules-file had changed, by result: good, bad";
        let pushed_back = "items that the store did not take for having too much to do; they are sent again";
        Sampled {
            downsampled: downsampled(all, is_downsampling),
            judged: family(all, "spaniel_sampling_spans", judged),
            rules_reloads: family(all, "spaniel_sampling_rules_reloads", reloads),
            pushed_back: counter(all, "spaniel_store_pushed_back", pushed_back),
            answers: Answers::register(all),
        }
    }
}

/// Kept and dropped; shown only if spans are downsampled at all.
fn downsampled(all: &mut Registry, shown: bool) -> [Counter; 2] {
    let mut hidden = Registry::default();
    let registry = if shown { all } else { &mut hidden };
    ["accepted", "dropped"].map(|what| {
        counter(registry, &format!("jaeger_downsampling_writer_spans_{what}"), "spans that --downsampling.ratio judged")
    })
}

impl Metrics {
    /// `--downsampling.ratio` kept and dropped so many spans.
    pub fn downsampled(&self, accepted: u64, dropped: u64) {
        let [kept, gone] = &self.sampled.downsampled;
        kept.inc_by(accepted);
        gone.inc_by(dropped);
    }

    /// A rule kept and dropped so many spans of a request.
    pub fn judged(&self, rule: &'static str, kept: u64, dropped: u64) {
        for (verdict, count) in [("kept", kept), ("dropped", dropped)].into_iter().filter(|(_, count)| *count > 0) {
            let labels = vec![("rule", rule.to_string()), ("verdict", verdict.to_string())];
            self.sampled.judged.get_or_create(&labels).inc_by(count);
        }
    }

    /// The file of rules had changed, and could be used or not.
    pub fn rules_reloaded(&self, good: bool) {
        let result = if good { "good" } else { "bad" };
        self.sampled.rules_reloads.get_or_create(&vec![("result", result.to_string())]).inc();
    }

    /// The store did not take so many items for having too much to do.
    pub fn pushed_back(&self, items: u64) {
        self.sampled.pushed_back.inc_by(items);
    }

    /// Items that were not taken so far for that.
    pub fn pushed_back_items(&self) -> u64 {
        self.sampled.pushed_back.get()
    }

    /// The store took longer for a bulk request than `--sampling.max-bulk-latency`, or did not.
    pub fn answered(&self, slow: bool) {
        self.sampled.answers.count(slow);
    }

    /// Bulk requests so far that were answered in time, and slowly.
    pub fn answers(&self) -> [u64; 2] {
        self.sampled.answers.counts()
    }
}
