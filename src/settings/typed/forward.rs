//! Copies for a second collector.

use std::path::PathBuf;
use std::time::Duration;

/// `--forward.*`: copies for a second collector. Without a URL there are none.
#[derive(Debug, Clone)]
pub struct Forward {
    /// Base URLs, without a slash at the end.
    pub zipkin: Option<String>,
    pub jaeger_http: Option<String>,
    pub jaeger_grpc: Option<String>,
    pub otlp: Option<String>,
    /// PEM of authorities that are trusted beside those of the web.
    pub ca_file: Option<PathBuf>,
    /// Bytes of copies that may wait, over all URLs.
    pub max_bytes: usize,
    /// For one copy, all tries together.
    pub timeout: Duration,
}

impl Default for Forward {
    fn default() -> Self {
        Forward {
            zipkin: None,
            jaeger_http: None,
            jaeger_grpc: None,
            otlp: None,
            ca_file: None,
            max_bytes: 16 << 20,
            timeout: Duration::from_secs(10),
        }
    }
}
