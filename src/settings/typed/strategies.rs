//! `--sampling.strategies-*`: what SDKs are told.

use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

/// Jaeger's strategies.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategies {
    /// `None`: every service is told the default.
    pub source: Option<StrategiesSource>,
    /// Zero: only at start.
    pub reload_interval: Duration,
    pub default_probability: f64,
    /// The default is another than Jaeger's 0.001.
    pub default_is_written: bool,
}

/// Where they come from.
#[derive(Debug, Clone, PartialEq)]
pub enum StrategiesSource {
    File(PathBuf),
    /// There may be a password in it, or a token.
    Url(Secret),
}

impl Default for Strategies {
    fn default() -> Self {
        Strategies {
            source: None,
            reload_interval: Duration::ZERO,
            default_probability: 0.001,
            default_is_written: false,
        }
    }
}
