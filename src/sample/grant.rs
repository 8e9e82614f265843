//! What the rules grant a span.

use super::Verdict;
use super::client::{self, Client};
use super::concern::{Concern, Concerns};
use super::expression::Facts;
use super::hash::Hash;
use super::plan::Judging;
use super::rules::{Predicate, own};
use crate::span::Span;

/// What a rule grants a span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant {
    pub(super) rule: &'static str,
    pub(super) share: f64,
    /// Its strategy is so many traces a second.
    pub(super) per_second: Option<f64>,
}

impl Grant {
    pub(super) fn new(rule: &'static str, share: f64) -> Self {
        Grant { rule, share, per_second: None }
    }
}

/// The sender asked for the trace, in Jaeger's way or in Zipkin's.
pub(super) fn is_debug(span: &Span<'_>) -> bool {
    span.is_debug() || span.debug
}

/// The rules above the base, by their precedence: the first that speaks decides alone.
pub(super) fn above(judging: &Judging, concerns: &Concerns, facts: &Facts<'_, '_>) -> Option<Grant> {
    let first = |rules: &[Predicate], concerns: &[Concern]| {
        for concern in concerns {
            let rule = &rules[concern.place as usize];
            if concern.always || rule.when.holds(facts) {
                return Some(rule.name);
            }
        }
        None
    };
    if is_debug(facts.span) {
        return Some(Grant::new(own::DEBUG, 1.0));
    }
    if client::is_forced(facts) {
        return Some(Grant::new(own::FORCED, 1.0));
    }
    let priority = client::priority(facts);
    if priority == Some(true) {
        return Some(Grant::new(own::PRIORITY, 1.0));
    }
    if let Some(rule) = first(&judging.absolute, concerns.absolute()) {
        return Some(Grant::new(rule, 0.0));
    }
    if priority == Some(false) {
        return Some(Grant::new(own::PRIORITY, 0.0));
    }
    if let Some(rule) = first(&judging.keep, concerns.keep()) {
        return Some(Grant::new(rule, 1.0));
    }
    first(&judging.drop, concerns.drop()).map(|rule| Grant::new(rule, 0.0))
}

/// The largest rate that the span is granted.
pub(super) fn by_rates(judging: &Judging, concerns: &Concerns, facts: &Facts<'_, '_>) -> Option<Grant> {
    for concern in concerns.rates() {
        let rate = &judging.rates[concern.place as usize];
        if concern.always || rate.when.as_ref().is_none_or(|when| when.holds(facts)) {
            return Some(Grant::new(rate.name, rate.rate));
        }
    }
    None
}

/// What is left for us to sample of a trace that its client has sampled.
pub(super) fn after_client(hash: Hash, grant: Grant, client: Client) -> Grant {
    match client {
        // What is left lies below the client's share already, by the same number.
        Client::Consistent(_) if hash == Hash::Consistent => grant,
        Client::Sampled(probability) | Client::Consistent(probability) => {
            Grant { share: (grant.share / probability).min(1.0), ..grant }
        }
        Client::Unknown if grant.share < 1.0 => Grant { rule: own::CLIENT, share: 1.0, ..grant },
        Client::Silent | Client::Unknown => grant,
    }
}

impl Verdict {
    /// How many traces a kept one stands for, what its client did included; `None`: not known.
    pub fn weight(self) -> Option<f64> {
        let weight = self.before.map(|before| 1.0 / (before * self.probability));
        weight.filter(|weight| weight.is_finite())
    }

    #[inline]
    pub(super) fn of(grant: Grant, keep: bool, before: Option<f64>) -> Self {
        Verdict { keep, rule: grant.rule, probability: grant.share, before }
    }
}
