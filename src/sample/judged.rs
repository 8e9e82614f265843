//! The spans of a request, counted by the rules that decided on them.

use super::Verdict;
use crate::telemetry::books::Counts;
use crate::telemetry::metrics::Metrics;

/// The spans of one request by the rule that decided: kept, dropped.
#[derive(Debug, Default)]
pub struct Judged(Vec<(&'static str, [u64; 2])>);

impl Judged {
    pub(super) fn count(&mut self, verdict: &Verdict) {
        let place = usize::from(!verdict.keep);
        // A name is there once: its place tells it.
        match self.0.iter_mut().find(|(rule, _)| std::ptr::eq(*rule, verdict.rule)) {
            Some((_, counts)) => counts[place] += 1,
            None => {
                let mut counts = [0; 2];
                counts[place] = 1;
                self.0.push((verdict.rule, counts));
            }
        }
    }

    /// The dropped ones, for the books.
    pub fn dropped(&self) -> Counts {
        let mut dropped = Counts::new();
        for (rule, [_, gone]) in self.0.iter().filter(|(_, [_, gone])| *gone > 0) {
            *dropped.entry(rule).or_default() += gone;
        }
        dropped
    }

    /// Counts them when the request is safe: one that is sent again counts once.
    pub fn tell(&self, metrics: &Metrics) {
        for (rule, [kept, gone]) in &self.0 {
            metrics.judged(rule, *kept, *gone);
        }
    }
}
