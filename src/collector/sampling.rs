//! The file of rules: read at start, and looked at again and again.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::build::House;
use crate::sample::Sampler;
use crate::sample::rules::{self, Problem, Rules};
use crate::settings::{Sampling, SamplingLimits, Settings};
use crate::telemetry::metrics::Metrics;

/// Why a file of rules cannot be used. The text names each place and its mend.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("--sampling.rules-file={path}: the file cannot be read ({source}): write the path of one that can")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("--sampling.rules-file: {}", listed(path, problems))]
    Wrong { path: PathBuf, problems: Vec<Problem> },
}

fn listed(path: &Path, problems: &[Problem]) -> String {
    let plural = if problems.len() == 1 { "place needs" } else { "places need" };
    let mut text = format!("{} {plural} mending", problems.len());
    for Problem { line, column, what } in problems {
        // Writing into a string cannot fail.
        let _ = write!(text, "\n  {}:{line}:{column}: {what}", path.display());
    }
    text
}

/// The rules that the settings name, if they name any, and the text that they were read from.
pub(super) fn read(settings: &Sampling) -> Result<Option<(Rules, String)>, RulesError> {
    settings.rules_file.as_deref().map(read_file).transpose()
}

fn read_file(path: &Path) -> Result<(Rules, String), RulesError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| RulesError::Unreadable { path: path.to_path_buf(), source })?;
    match rules::read(&text) {
        Ok(rules) => Ok((rules, text)),
        Err(problems) => Err(RulesError::Wrong { path: path.to_path_buf(), problems }),
    }
}

/// Says which rules can leave holes in traces, the limits among them.
pub(super) fn tell_holes(sampler: &Sampler, limits: &SamplingLimits) {
    let quota = limits.spans_per_second_per_service.is_some() || !limits.spans_per_second_by_service.is_empty();
    let quota = quota.then_some(("quota", "drops spans of services over their quota out of traces that are kept"));
    let budget = limits.spans_per_second.is_some().then_some((
        "budget",
        "moves with what comes: a few traces in a hundred that begin near a step are kept in part",
    ));
    let of_limits = [quota, budget].into_iter().flatten().map(|(rule, how)| (rule, how.to_string()));
    for (rule, how) in sampler.holes().into_iter().chain(of_limits) {
        tracing::info!(rule, "this rule can leave holes in traces: {how}");
    }
}

/// Looks at the file until the process ends. What cannot be used changes nothing.
pub(super) fn keep_up(settings: &Settings, house: &House) {
    let Sampling { rules_file, rules_reload_interval: interval, .. } = &settings.sampling;
    let Some(path) = rules_file.clone().filter(|_| !interval.is_zero()) else { return };
    let (text, sampler, metrics) = (house.rules_text.clone(), house.sampler.clone(), house.metrics.clone());
    let limits = settings.sampling_limits.clone();
    let has_rules = !rules::is_blank(&text);
    let watched = Watched { path, text, has_rules, told: String::new(), sampler, metrics, limits };
    tokio::spawn(watched.look_every(*interval));
}

/// Where there were rules, an empty file is one that is being written.
fn half_written() -> Vec<Problem> {
    let what = "the file is empty: write `rates: []` if there are to be no rules".into();
    vec![Problem { line: 1, column: 1, what }]
}

struct Watched {
    path: PathBuf,
    /// What was read last, good or bad.
    text: String,
    /// The file in force says something.
    has_rules: bool,
    /// What was last said to be wrong with reading it.
    told: String,
    sampler: Arc<Sampler>,
    metrics: Arc<Metrics>,
    limits: SamplingLimits,
}

impl Watched {
    async fn look_every(mut self, interval: Duration) {
        let mut ticks = interval_at(Instant::now() + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // By content: files that are mounted change by a link above them.
            match tokio::fs::read_to_string(&self.path).await {
                Ok(text) => self.look_at(text),
                Err(error) => self.miss(&error),
            }
        }
    }

    fn look_at(&mut self, text: String) {
        if text == self.text {
            return;
        }
        let says = !rules::is_blank(&text);
        let read = if self.has_rules && !says { Err(half_written()) } else { rules::read(&text) };
        self.text = text;
        let is_good = read.is_ok();
        match read {
            Ok(rules) => {
                (self.has_rules, self.told) = (says, String::new());
                self.sampler.reload(rules);
                tracing::info!(path = %self.path.display(), "the rules of sampling have changed");
                tell_holes(&self.sampler, &self.limits);
            }
            Err(problems) => self.complain(&listed(&self.path, &problems)),
        }
        // Last: who reads the count finds that what it counts has happened.
        self.metrics.rules_reloaded(is_good);
    }

    /// The file is away. Counted once, however often it is looked for.
    fn miss(&mut self, error: &std::io::Error) {
        let what = format!("cannot be read ({error})");
        if self.told != what {
            self.metrics.rules_reloaded(false);
        }
        self.complain(&what);
    }

    /// The same is not said twice.
    fn complain(&mut self, what: &str) {
        if self.told != what {
            tracing::error!(path = %self.path.display(), "the rules of sampling stay as they were: the file {what}");
            self.told = what.into();
        }
    }
}
