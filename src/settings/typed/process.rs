//! How the process stops, and what it tells.

use std::time::Duration;

/// How the process stops.
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// Accepts on for so long after readiness has failed.
    pub delay: Duration,
    /// Everything after that must be done within this.
    pub timeout: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Shutdown { delay: Duration::ZERO, timeout: Duration::from_secs(25) }
    }
}

/// `--log-level`, `--log-encoding`.
#[derive(Debug, Clone)]
pub struct Log {
    pub level: String,
    pub encoding: LogEncoding,
}

impl Default for Log {
    fn default() -> Self {
        Log { level: "info".into(), encoding: LogEncoding::Json }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogEncoding {
    #[default]
    Json,
    Console,
}

/// `--metrics-backend`, `--metrics-http-route`, `--metrics.spans.*`.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub enabled: bool,
    pub route: String,
    /// `--metrics.spans.max-series`: sets of labels of the series that are made of spans; 0: none are.
    pub span_series: usize,
    /// `--metrics.spans.expiration`; `None`: never.
    pub span_expiration: Option<Duration>,
}

impl Default for Metrics {
    fn default() -> Self {
        let span_expiration = Some(Duration::from_secs(32 * 24 * 3600));
        Metrics { enabled: true, route: "/metrics".into(), span_series: 1000, span_expiration }
    }
}
