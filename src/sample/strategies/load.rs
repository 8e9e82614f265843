//! The loader: reads the document at start and again when it may have changed.
//!
//! At start a file must be there and good, as in Jaeger: it was written beside the settings, and
//! the error says what to mend. A URL need not answer yet; until it does, Jaeger's fallback is
//! served and nothing is enforced. Later nothing that goes wrong changes what is in force: Jaeger
//! takes a 503, and a document that is `null`, for an empty one, and has every service fall to one
//! trace in a thousand.
//!
//! After a failure the next look comes sooner than the interval, and without an interval a source
//! is asked until it has given its first document.

use std::sync::Arc;
use std::time::Duration;

use super::handle::StrategiesHandle;
use super::json::Fault;
use super::source::{Source, SourceError};
use super::table::{Fallback, Strategies};
use super::warning::Warning;
use crate::settings;
use crate::telemetry::metrics::Metrics;

/// The pause after a first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause while there is no interval.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Warnings of one document that are said.
const MOST_WARNINGS: usize = 20;

/// The strategies cannot be served from the start.
#[derive(Debug, thiserror::Error)]
pub enum StrategiesError {
    #[error("--sampling.strategies-file={place}: {problem}")]
    File { place: String, problem: String },
    #[error("--sampling.strategies-file is a URL that cannot be asked: {0}")]
    Url(String),
}

/// Why a look put nothing in force.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("it is empty, or `null`")]
    Empty,
    #[error("{0}")]
    Malformed(#[from] Fault),
}

impl Failure {
    /// The label of the counter.
    fn result(&self) -> &'static str {
        match self {
            Failure::Source(error) => error.result(),
            Failure::Empty => "empty",
            Failure::Malformed(_) => "malformed",
        }
    }
}

/// Looks at a source and keeps a handle up to date.
#[derive(Debug)]
pub struct Loader {
    source: Source,
    interval: Duration,
    fallback: Fallback,
    handle: StrategiesHandle,
    metrics: Arc<Metrics>,
    /// The bytes in force.
    in_force: Option<Vec<u8>>,
    /// Looks since the last good one.
    failures: u32,
    /// What was said of the last failure.
    said: String,
}

impl Loader {
    /// Takes the first look. `None`: no source is set.
    pub async fn open(
        settings: &settings::Strategies,
        handle: &StrategiesHandle,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Self>, StrategiesError> {
        let Some(source) = &settings.source else { return Ok(None) };
        let mut loader = Loader {
            source: Source::new(source).map_err(StrategiesError::Url)?,
            interval: settings.reload_interval,
            fallback: settings.into(),
            handle: handle.clone(),
            metrics: metrics.clone(),
            in_force: None,
            failures: 0,
            said: String::new(),
        };
        match (loader.take().await, &loader.source) {
            (Err(failure @ (Failure::Source(_) | Failure::Malformed(_))), Source::File(_)) => {
                Err(StrategiesError::File { place: loader.source.place(), problem: failure.to_string() })
            }
            (outcome, _) => {
                loader.note(outcome);
                Ok(Some(loader))
            }
        }
    }

    /// Looks again and again, as long as there is reason to.
    pub async fn keep_up(mut self) {
        while let Some(pause) = self.pause() {
            tokio::time::sleep(pause).await;
            self.look().await;
        }
    }

    /// Looks once.
    pub async fn look(&mut self) {
        let outcome = self.take().await;
        self.note(outcome);
    }

    /// How long until the next look; `None`: nobody asked for another.
    pub fn pause(&self) -> Option<Duration> {
        let longest = if self.interval.is_zero() { LONGEST_PAUSE } else { self.interval };
        match self.failures {
            0 => Some(self.interval).filter(|interval| !interval.is_zero()),
            _ if self.in_force.is_some() && self.interval.is_zero() => None,
            failures => Some(FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(16)).min(longest)),
        }
    }

    /// Reads the source and puts what it gives in force, if that is something else.
    async fn take(&mut self) -> Result<Option<Vec<Warning>>, Failure> {
        let bytes = self.source.read().await?;
        if self.in_force.as_ref() == Some(&bytes) {
            return Ok(None);
        }
        if matches!(bytes.trim_ascii(), b"" | b"null") {
            return Err(Failure::Empty);
        }
        let (strategies, warnings) = Strategies::parse(&bytes, self.fallback)?;
        tracing::info!(
            source = self.source.place(),
            services = strategies.services(),
            "sampling strategies are in force"
        );
        self.handle.store(strategies);
        self.in_force = Some(bytes);
        Ok(Some(warnings))
    }

    /// Counts a look and says what is new of it.
    fn note(&mut self, outcome: Result<Option<Vec<Warning>>, Failure>) {
        let place = self.source.place();
        let failure = match outcome {
            Ok(changed) => {
                if self.failures > 0 {
                    tracing::info!(source = place, "sampling strategies can be read again");
                }
                self.failures = 0;
                self.said.clear();
                self.metrics.strategies_looked_at(if changed.is_some() { "ok" } else { "unchanged" }, true);
                return warn(&changed.unwrap_or_default());
            }
            Err(failure) => failure,
        };
        self.failures = self.failures.saturating_add(1);
        self.metrics.strategies_looked_at(failure.result(), false);
        let text = failure.to_string();
        if text != self.said {
            let instead = match self.in_force {
                Some(_) => "those that were read before stay in force",
                None => "until there are some, every service is told --sampling.default-sampling-probability",
            };
            tracing::error!(source = place, "sampling strategies: {text}; {instead}");
            self.said = text;
        }
    }
}

fn warn(warnings: &[Warning]) {
    for warning in warnings.iter().take(MOST_WARNINGS) {
        tracing::warn!("--sampling.strategies-file, {warning}");
    }
    if let Some(more) = warnings.len().checked_sub(MOST_WARNINGS).filter(|more| *more > 0) {
        tracing::warn!("--sampling.strategies-file: and {more} more like these");
    }
}

impl From<&settings::Strategies> for Fallback {
    fn from(settings: &settings::Strategies) -> Self {
        Fallback { probability: settings.default_probability, is_written: settings.default_is_written }
    }
}
