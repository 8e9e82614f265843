//! Durations of requests on 14268 by method, path and status: labels that anybody on the network
//! chooses, so there are at most a thousand sets of them, as in Jaeger.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use foldhash::{HashMap, HashMapExt};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Labels;
use super::register::BUCKETS;

/// Sets of labels; what comes later is counted as `other` in all three.
const MOST_SETS: usize = 1000;

/// Bytes of a path or a method that becomes a label.
const LONGEST: usize = 128;

type Durations = Family<Labels, Histogram, fn() -> Histogram>;

/// `jaeger_collector_http_request_duration`.
#[derive(Debug)]
pub(super) struct HttpDurations {
    family: Durations,
    /// What nearly every request is: `POST /api/traces`, 202.
    usual: Histogram,
    known: RwLock<HashMap<Labels, Histogram>>,
}

impl HttpDurations {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let family: Durations = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register("jaeger_collector_http_request_duration", "seconds of a request on 14268", family.clone());
        let usual = family.get_or_create_owned(&labels("POST", "/api/traces", "202"));
        HttpDurations { family, usual, known: RwLock::new(HashMap::new()) }
    }

    pub(super) fn observe(&self, method: &str, path: &str, status: u16, latency: Duration) {
        let histogram = match (method, path, status) {
            ("POST", "/api/traces", 202) => &self.usual,
            _ => &self.find(method, path, status),
        };
        histogram.observe(latency.as_secs_f64());
    }

    fn find(&self, method: &str, path: &str, status: u16) -> Histogram {
        if method.len() > LONGEST || path.len() > LONGEST {
            return self.family.get_or_create_owned(&labels("other", "other", "other"));
        }
        let wanted = labels(method, path, &status.to_string());
        if let Some(histogram) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&wanted) {
            return histogram.clone();
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_SETS {
            return self.family.get_or_create_owned(&labels("other", "other", "other"));
        }
        known.entry(wanted).or_insert_with_key(|labels| self.family.get_or_create_owned(labels)).clone()
    }
}

fn labels(method: &str, path: &str, status: &str) -> Labels {
    vec![("method", method.into()), ("path", path.into()), ("status", status.into())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_of_paths_does_not_fill_the_memory() {
        let mut registry = Registry::default();
        let durations = HttpDurations::register(&mut registry);
        for path in 0..2 * MOST_SETS {
            durations.observe("GET", &format!("/{path}"), 404, Duration::from_millis(1));
        }
        durations.observe("GET", &"/".repeat(LONGEST + 1), 404, Duration::from_millis(1));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert_eq!(text.matches("_count{").count(), MOST_SETS + 2);
        let others = r#"_count{method="other",path="other",status="other"} 1001"#;
        assert!(text.contains(others));
    }
}
