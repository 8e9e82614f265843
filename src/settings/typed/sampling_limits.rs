//! How much is kept of what could be.

use std::time::Duration;

/// `--sampling.max-spans-per-second*`, `--sampling.max-bulk-latency`, `--sampling.replicas`, `--spool.pressure`.
#[derive(Debug, Clone)]
pub struct SamplingLimits {
    /// Of the whole mesh, over all replicas. `None`: no budget.
    pub spans_per_second: Option<f64>,
    /// Of each service, over all replicas. `None`: no quota.
    pub spans_per_second_per_service: Option<f64>,
    /// Of services by name, instead of that one.
    pub spans_per_second_by_service: Vec<(String, f64)>,
    /// A bulk request that takes the store longer is a slow one. `None`: none is.
    pub bulk_latency: Option<Duration>,
    pub replicas: u32,
    /// How full the spool may be before fewer traces are kept, 0 to 1. 1: off.
    pub pressure: f64,
}

impl Default for SamplingLimits {
    fn default() -> Self {
        SamplingLimits {
            spans_per_second: None,
            spans_per_second_per_service: None,
            spans_per_second_by_service: Vec::new(),
            bulk_latency: None,
            replicas: 1,
            pressure: 0.8,
        }
    }
}
