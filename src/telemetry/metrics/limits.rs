//! How the limits of sampling stand, asked for at each scrape.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::watched::one;

/// The limits of sampling, in this replica.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LimitsState {
    /// Spans a second, of this replica's part of the budget: what is set, what of it the store
    /// bears, and what is let through. `None`: there is no budget.
    pub budget: Option<[f64; 3]>,
    /// What the budget leaves of spans that began now.
    pub budget_factor: f64,
    /// What the spool's pressure leaves.
    pub pressure_factor: f64,
    pub services_over_quota: u64,
    /// Spans that began more than two minutes from their arrival.
    pub outside: u64,
    /// Spans of an epoch that has no shares.
    pub untold: u64,
}

/// Asks for it.
pub(super) struct LimitsWatch(pub(super) Box<dyn Fn() -> LimitsState + Send + Sync>);

impl std::fmt::Debug for LimitsWatch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LimitsWatch")
    }
}

impl Collector for LimitsWatch {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let state = (self.0)();
        if let Some(budget) = state.budget {
            let name = "spaniel_sampling_budget_spans_per_second";
            let help = "this replica's part of --sampling.max-spans-per-second: as set, as the store bears it, as used";
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (state, rate) in ["target", "effective", "used"].into_iter().zip(budget) {
                let labels = vec![("state", state.to_string())];
                ConstGauge::new(rate).encode(metric.encode_family(&labels)?)?;
            }
            share(
                &mut encoder,
                "spaniel_sampling_g",
                "what the budget leaves of spans that begin now",
                state.budget_factor,
            )?;
        }
        let help = "what the spool's pressure leaves of spans that begin now";
        share(&mut encoder, "spaniel_sampling_pressure", help, state.pressure_factor)?;
        let help = "services of which a quota drops spans";
        one(&mut encoder, "spaniel_sampling_services_over_quota", help, state.services_over_quota)?;
        let help = "spans that began over two minutes from their arrival, judged by the shares of the arrival";
        total(&mut encoder, "spaniel_sampling_start_outside", help, state.outside)?;
        let help = "spans that began in an epoch without shares, judged by the nearest";
        total(&mut encoder, "spaniel_sampling_rate_table_stale", help, state.untold)
    }
}

fn total(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, count: u64) -> Result<(), Error> {
    ConstCounter::new(count).encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
}

fn share(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, share: f64) -> Result<(), Error> {
    ConstGauge::new(share).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}
