//! What changes spans, or leaves them out.

use std::time::Duration;

/// `--downsampling.*`.
#[derive(Debug, Clone)]
pub struct Downsampling {
    pub ratio: f64,
    /// Empty: Jaeger's default salt.
    pub hashsalt: String,
}

impl Default for Downsampling {
    fn default() -> Self {
        Downsampling { ratio: 1.0, hashsalt: String::new() }
    }
}

/// `--span.max-age`, `--span.max-future`: spans that start outside start when they arrive.
/// `None`: off.
#[derive(Debug, Clone, Copy)]
pub struct SpanTimes {
    pub max_age: Option<Duration>,
    pub max_future: Option<Duration>,
}

impl SpanTimes {
    /// Every start is written as it was sent.
    pub const ANY: SpanTimes = SpanTimes { max_age: None, max_future: None };
}

impl Default for SpanTimes {
    fn default() -> Self {
        let hours = |count: u64| Some(Duration::from_secs(count * 3600));
        SpanTimes { max_age: hours(72), max_future: hours(1) }
    }
}

/// `--collector.*` that change spans.
#[derive(Debug, Clone, Default)]
pub struct Collector {
    /// `--collector.tags`, environment references resolved.
    pub tags: Vec<(String, String)>,
    pub envoy_ids: EnvoyIds,
}

/// `--collector.zipkin.envoy-ids`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EnvoyIds {
    /// Those of spans that Envoy sent as protobuf are turned round.
    #[default]
    Auto,
    AsSent,
}
