//! Which traces are kept: verdicts on spans; and what SDKs are told to sample ([`strategies`]).
//!
//! **Kept ⇔ h < π.** Every trace has one number h, which follows from its id ([`hash`]), and every
//! span one share π, the largest that any rule grants it. Each span is judged alone, on any replica,
//! without a message to another: a trace is whole when all its spans are granted the same share, and
//! of two spans with different shares the kept traces of the one are among those of the other.
//!
//! The rules, in their order; the first that speaks decides, and the last three grant together:
//!
//! | rule | share |
//! |---|---|
//! | the sender's `debug`; Envoy's request id, if the trace was asked for; `sampling.priority` above 0 | 1 |
//! | `drop` with `absolute`; `sampling.priority` of 0 | 0 |
//! | `keep` | 1 |
//! | `drop` | 0 |
//! | `rates`, and the strategies if they are enforced: the largest; 1 if there is none | p |
//! | what the client has taken already, with probability c | min(1, p / c) |
//! | [`limits`]: quota, budget, pressure | times their factor |
//!
//! `--downsampling.ratio` and `COLLECTOR_SAMPLE_RATE` are one share for all, by the hash of Jaeger's
//! collector and of Zipkin's.

mod client;
mod concern;
pub mod explain;
pub mod expression;
mod grant;
pub mod hash;
mod holes;
mod judge;
mod judged;
pub mod limits;
mod operations;
mod plan;
mod recent;
pub mod rules;
pub mod strategies;
mod trace_state;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::settings::{Downsampling, Sampling, SamplingLimits};
use crate::span::{Span, Text, Value};
use plan::Plan;
use recent::Recent;
use rules::Rules;
use strategies::StrategiesHandle;

pub use judge::Judge;
pub use judged::Judged;
pub use limits::Limits;

/// What becomes of a span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    pub keep: bool,
    /// The rule that decided; of a dropped span a row of the books.
    pub rule: &'static str,
    /// The share that was granted: π.
    pub probability: f64,
    /// With what probability the trace came to us; `None`: not known.
    before: Option<f64>,
}

impl Verdict {
    /// Where nothing is sampled.
    const KEPT: Verdict = Verdict { keep: true, rule: rules::own::BASE, probability: 1.0, before: Some(1.0) };
}

/// Gives verdicts. Shared by all requests.
#[derive(Debug)]
pub struct Sampler {
    plan: ArcSwap<Plan>,
    settings: (Downsampling, Sampling),
    strategies: StrategiesHandle,
    limits: Arc<Limits>,
    recent: Recent,
    /// It was said that strategies are not applied to Envoy's spans.
    said_unenforced: AtomicBool,
}

impl Sampler {
    /// `rules`: the content of `--sampling.rules-file`, if there is one.
    pub fn new(
        downsampling: &Downsampling,
        sampling: &Sampling,
        rules: Option<Rules>,
        strategies: StrategiesHandle,
        limits: Arc<Limits>,
    ) -> Self {
        Sampler {
            plan: ArcSwap::from_pointee(Plan::new(downsampling, sampling, rules)),
            settings: (downsampling.clone(), sampling.clone()),
            strategies,
            limits,
            recent: Recent::default(),
            said_unenforced: AtomicBool::new(false),
        }
    }

    /// One without strategies and limits: for benches and tests.
    pub fn alone(downsampling: &Downsampling, sampling: &Sampling, rules: Option<Rules>) -> Self {
        let limits = Arc::new(Limits::new(&SamplingLimits::default(), Clock::System));
        Sampler::new(downsampling, sampling, rules, StrategiesHandle::default(), limits)
    }

    /// Judges by these rules from the next request on.
    pub fn reload(&self, rules: Rules) {
        let (downsampling, sampling) = &self.settings;
        self.plan.store(Arc::new(Plan::new(downsampling, sampling, Some(rules))));
    }

    /// The view of one request that comes now, microseconds since 1970.
    pub fn request<'a>(&self, now: u64) -> Judge<'_, 'a> {
        Judge::new(self, now)
    }

    /// Whether Envoy's spans are to be looked out for: a file of strategies was read and is not
    /// applied, and nobody was told yet.
    pub fn watches_envoy(&self) -> bool {
        !self.said_unenforced.load(Ordering::Relaxed) && !self.settings.1.enforce && self.strategies.version() > 0
    }

    /// Says once that the strategies have no effect on a mesh, if this span is Envoy's.
    pub fn notice(&self, span: &Span<'_>) {
        if is_envoys(span) && !self.said_unenforced.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "spans of Envoy arrive, which asks nobody for strategies: --sampling.strategies-file has no effect on them; \
                 set --sampling.enforce=true to apply its rates to what arrives"
            );
        }
    }

    /// The rules that can leave holes in traces, each with how.
    pub fn holes(&self) -> Vec<(&'static str, String)> {
        self.plan.load().holes()
    }
}

/// Envoy's tracer gives all its spans both tags.
fn is_envoys(span: &Span<'_>) -> bool {
    let has = |key: &[u8]| span.tags.iter().any(|tag| tag.key.raw() == key);
    let is_proxy = |value| matches!(value, Value::Text(Text::Clean(text) | Text::Plain(text)) if text == "proxy");
    span.tags.iter().any(|tag| tag.key.raw() == b"component" && is_proxy(tag.value)) && has(b"response_flags")
}

#[cfg(test)]
mod tests;
