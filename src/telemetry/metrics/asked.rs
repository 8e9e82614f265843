//! What the query side asked its store: the names of jaeger-query, since its release 1.64
//! (`jaeger_storage_…`) and before, which Jaeger's dashboard and alerts still use (`jaeger_query_…`).

use std::borrow::Cow;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Labels;
use super::register::{BUCKETS, family};

/// A question, in Jaeger's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    FindTraces,
    FindTraceIds,
    GetTrace,
    GetServices,
    GetOperations,
}

impl Operation {
    const ALL: [Operation; 5] = [
        Operation::FindTraces,
        Operation::FindTraceIds,
        Operation::GetTrace,
        Operation::GetServices,
        Operation::GetOperations,
    ];

    fn label(self) -> &'static str {
        match self {
            Operation::FindTraces => "find_traces",
            Operation::FindTraceIds => "find_trace_ids",
            Operation::GetTrace => "get_trace",
            Operation::GetServices => "get_services",
            Operation::GetOperations => "get_operations",
        }
    }
}

/// Questions and how long their answers took, by operation and result; all from the start.
#[derive(Debug)]
pub(super) struct Asked {
    /// By name, operation, and err or ok.
    series: [[[(Counter, Histogram); 2]; Operation::ALL.len()]; 2],
}

impl Asked {
    pub(super) fn register(all: &mut Registry, store: &[(Cow<'static, str>, Cow<'static, str>)]) -> Self {
        let mut one = |name: &str, labels: &[(Cow<'static, str>, Cow<'static, str>)]| {
            let registry = all.sub_registry_with_labels(labels.iter().cloned());
            let requests = family(registry, &format!("jaeger_{name}_requests"), "questions to the store");
            let latency =
                Family::<Labels, Histogram, _>::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
            registry.register(format!("jaeger_{name}_latency"), "seconds until the store answered", latency.clone());
            Operation::ALL.map(|operation| {
                ["err", "ok"].map(|result| {
                    let labels = vec![("operation", operation.label().into()), ("result", result.into())];
                    (requests.get_or_create_owned(&labels), latency.get_or_create_owned(&labels))
                })
            })
        };
        Asked { series: [one("storage", store), one("query", &[])] }
    }

    pub(super) fn count(&self, operation: Operation, good: bool, latency: Duration) {
        for operations in &self.series {
            let (requests, seconds) = &operations[operation as usize][usize::from(good)];
            requests.inc();
            seconds.observe(latency.as_secs_f64());
        }
    }
}
