//! The series as Prometheus reads them.

use std::fmt::Error;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::{BOUNDS, Series, SpanSeries};
use crate::clock::Clock;

/// Asks for them at each scrape.
#[derive(Debug)]
pub(in crate::telemetry::metrics) struct Encoder {
    pub(in crate::telemetry::metrics) series: Arc<SpanSeries>,
    /// `--metrics.spans.expiration`; `None`: they stay.
    pub(in crate::telemetry::metrics) expiration: Option<Duration>,
    pub(in crate::telemetry::metrics) clock: Clock,
}

impl Collector for Encoder {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        if let Some(expiration) = self.expiration {
            let now = self.clock.micros();
            self.series.expire(now, now.saturating_sub(expiration.as_micros() as u64));
        }
        // Both families are made of one reading, so that they agree.
        let all = self.series.all();
        let read = |series: &Arc<Series>| (series.clone(), series.counts());
        let counted: Vec<_> =
            all.iter().map(read).filter(|(_, (buckets, _))| buckets.iter().any(|&it| it > 0)).collect();
        let help = "spans before any is sampled out, by service, operation, kind and status";
        let mut calls = encoder.encode_descriptor("traces_span_metrics_calls", help, None, MetricType::Counter)?;
        for (series, (buckets, _)) in &counted {
            let labels = series.labels();
            let mut calls = calls.encode_family(&labels)?;
            calls.encode_counter::<NoLabelSet, u64, f64>(&buckets.iter().sum(), None)?;
        }
        let help = "milliseconds of the same spans";
        let name = "traces_span_metrics_duration_milliseconds";
        let mut durations = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        let bounds: Vec<f64> = BOUNDS.iter().map(|&bound| bound as f64).chain([f64::INFINITY]).collect();
        for (series, (buckets, sum)) in &counted {
            let labels = series.labels();
            let mut durations = durations.encode_family(&labels)?;
            let of_bounds: Vec<_> = bounds.iter().copied().zip(buckets.iter().copied()).collect();
            durations.encode_histogram::<NoLabelSet>(*sum, buckets.iter().sum(), &of_bounds, None)?;
        }
        Ok(())
    }
}
