//! How far the spans of a request lie from its arrival: whether the clocks of senders are right.
//!
//! What counts is the newest end of a request's spans. An honest sender sends a span when it has ended,
//! or a few seconds later: an end that lies ahead of the arrival is a clock that is ahead, and ends
//! that always lie far back are a clock that is behind, or spans that waited long.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use serde::Serialize;

use super::Metrics;

/// Seconds; below 0 the sender's clock is ahead.
const BUCKETS: [f64; 15] =
    [-3600.0, -300.0, -60.0, -10.0, -1.0, 0.0, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86_400.0, 604_800.0];
/// A clock that is ahead by more, or spans that are older, are remembered with their service.
const AHEAD: f64 = 1.0;
const BEHIND: f64 = 300.0;
/// Services that are remembered; senders choose their names.
const MOST: usize = 100;

/// A service whose spans lie strangely.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stray {
    /// Requests with such spans.
    pub requests: u64,
    /// The most that an end lay ahead of its arrival, and behind it, in seconds.
    pub ahead_seconds: f64,
    pub behind_seconds: f64,
    /// When the last of them arrived, seconds since 1970.
    pub last: u64,
}

/// The histogram, and the services.
#[derive(Debug)]
pub(super) struct Arrivals {
    ages: Histogram,
    strays: Mutex<BTreeMap<String, Stray>>,
}

impl Arrivals {
    pub(super) fn register(all: &mut Registry) -> Self {
        let ages = Histogram::new(BUCKETS);
        let help =
            "seconds from the newest end of a request's spans to its arrival; below 0: the sender's clock is ahead";
        all.register("spaniel_span_age_seconds", help, ages.clone());
        Arrivals { ages, strays: Mutex::default() }
    }
}

impl Metrics {
    /// A request arrived at `now`, whose newest span ended at `end`; microseconds since 1970. `service`
    /// is asked for its name only if that is strange.
    pub fn arrived<S: AsRef<str>>(&self, now: u64, end: u64, service: impl FnOnce() -> S) {
        let age = (now as f64 - end as f64) / 1e6;
        self.arrivals.ages.observe(age);
        if (-AHEAD..=BEHIND).contains(&age) {
            return;
        }
        let mut strays = self.arrivals.strays.lock().unwrap_or_else(PoisonError::into_inner);
        let service = service();
        if strays.len() >= MOST && !strays.contains_key(service.as_ref()) {
            return;
        }
        let stray = strays.entry(service.as_ref().to_string()).or_default();
        stray.requests += 1;
        stray.ahead_seconds = stray.ahead_seconds.max(-age);
        stray.behind_seconds = stray.behind_seconds.max(age);
        stray.last = now / 1_000_000;
    }

    /// Services whose clocks seem wrong, by name.
    pub fn strays(&self) -> BTreeMap<String, Stray> {
        self.arrivals.strays.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_clocks_are_remembered_with_their_service_and_honest_ones_are_not() {
        let metrics = Metrics::for_tests();
        let now = 1_795_269_600_000_000;
        metrics.arrived(now, now - 3_000_000, || -> &str { panic!("an honest one is not asked for") });
        metrics.arrived(now, now + 90_000_000, || "ahead");
        metrics.arrived(now, now + 30_000_000, || "ahead");
        metrics.arrived(now, now - 7_200_000_000, || "behind");
        let strays = metrics.strays();
        let seen = |name: &str| (strays[name].requests, strays[name].ahead_seconds, strays[name].behind_seconds);
        assert_eq!((strays.len(), seen("ahead"), seen("behind")), (2, (2, 90.0, 0.0), (1, 0.0, 7200.0)));
        let text = metrics.text();
        assert!(text.contains("spaniel_span_age_seconds_bucket{le=\"-60\"} 1"), "{text}");
        assert!(text.contains("spaniel_span_age_seconds_count 4"), "{text}");
    }

    #[test]
    fn names_that_senders_make_up_do_not_fill_memory() {
        let metrics = Metrics::for_tests();
        for number in 0..10_000 {
            metrics.arrived(0, 90_000_000, || format!("made-up-{number}"));
        }
        assert_eq!(metrics.strays().len(), MOST);
    }
}
