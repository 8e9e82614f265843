//! Which traces are kept, as the operator says.

use std::path::PathBuf;
use std::time::Duration;

/// `COLLECTOR_SAMPLE_RATE` and those `--sampling.*` that judge spans.
#[derive(Debug, Clone)]
pub struct Sampling {
    /// `COLLECTOR_SAMPLE_RATE`, in the precision in which Zipkin reads it.
    pub zipkin_rate: f32,
    /// The rates of the strategies are applied to what arrives.
    pub enforce: bool,
    pub rules_file: Option<PathBuf>,
    /// Zero: read at start only.
    pub rules_reload_interval: Duration,
    /// The share of traces that the head of the mesh keeps; above 0.
    pub head_rate: f64,
    pub annotate: Annotate,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling {
            zipkin_rate: 1.0,
            enforce: false,
            rules_file: None,
            rules_reload_interval: Duration::from_secs(10),
            head_rate: 1.0,
            annotate: Annotate::None,
        }
    }
}

/// `--sampling.annotate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Annotate {
    #[default]
    None,
    /// Every span that is kept says by which rule, and for how many it stands.
    All,
}
