//! Verdicts on the spans of one request.
//!
//! A judge takes one view of all that may change (rules, strategies, limits) when its request comes,
//! and holds it to the end. A span costs a walk over its tags and no allocation.

use std::borrow::Cow;
use std::sync::Arc;

use super::client::{self, Client};
use super::expression::{Facts, slot};
use super::hash::Hash;
use super::limits::{Factor, Rates, Seen};
use super::operations::Operations;
use super::plan::{Judging, Manner, Plan};
use super::recent::{MOST_OF_REQUEST, Name, Record};
use super::rules::own;
use super::strategies::{Rate, Strategies};
use super::trace_state::TraceState;
use super::{Sampler, Verdict};
use crate::span::{Process, Span, Text, Value};
use crate::telemetry::books::Counts;
use crate::telemetry::metrics::Metrics;

/// Judges one request's spans, in their order.
#[derive(Debug)]
pub struct Judge<'s, 'a> {
    sampler: &'s Sampler,
    plan: Arc<Plan>,
    rates: Rates,
    strategies: Option<Arc<Strategies>>,
    /// Values of the tags that rules ask for: of the span, of its process.
    tags: Vec<Option<Value<'a>>>,
    resource: Vec<Option<Value<'a>>>,
    service: Text<'a>,
    /// The same as limits and the ring know it: made once, not for each span.
    decoded: Cow<'a, str>,
    name: Name,
    /// What the strategies say of the service's operations.
    operations: Operations<'a>,
    seen: Seen,
    /// Of the services before this one.
    seen_before: Vec<(Text<'a>, Seen)>,
    /// Spans by rule: kept, dropped.
    counts: Vec<(&'static str, [u64; 2])>,
    records: Vec<Record>,
}

/// What a rule grants a span.
#[derive(Debug, Clone, Copy)]
struct Grant {
    rule: &'static str,
    share: f64,
    /// Its strategy is so many traces a second.
    per_second: Option<f64>,
}

impl Grant {
    fn new(rule: &'static str, share: f64) -> Self {
        Grant { rule, share, per_second: None }
    }
}

impl<'s, 'a> Judge<'s, 'a> {
    pub(super) fn new(sampler: &'s Sampler, now: u64) -> Self {
        let plan = sampler.plan.load_full();
        Judge {
            rates: sampler.limits.rates(now),
            strategies: plan.enforce.then(|| sampler.strategies.current()),
            tags: plan.tags.slots(),
            resource: plan.resources.slots(),
            service: Text::default(),
            decoded: Cow::Borrowed(""),
            name: Name::new(b""),
            operations: Operations::default(),
            seen: Seen::default(),
            seen_before: Vec::new(),
            counts: Vec::new(),
            records: Vec::new(),
            sampler,
            plan,
        }
    }

    /// The spans that follow are of this process, whose service is written so.
    pub fn process(&mut self, service: Text<'a>, process: &Process<'a>) {
        if service.raw() != self.service.raw() {
            self.put_seen_by();
            self.operations = Operations::default();
            self.name = Name::new(service.raw());
            self.decoded = service.decoded();
        }
        self.service = service;
        if !self.resource.is_empty() {
            self.plan.resources.fill(&process.tags, &mut self.resource);
        }
    }

    /// Whether a span is kept. `span` is as it was sent.
    pub fn verdict(&mut self, span: &Span<'a>) -> Verdict {
        let factor = self.rates.factor(&self.decoded, span.start);
        let verdict = match &self.plan.manner {
            Manner::Rules(_) if self.plan.keeps_all && factor == Factor::ALL => {
                self.seen.demand += 1.0;
                self.seen.roots += u64::from(span.is_root());
                return Verdict::KEPT;
            }
            Manner::Rules(_) => self.by_rules(span, &factor),
            Manner::Share { rule, share, keeps_debug } => {
                let (grant, keeps_debug) = (Grant::new(rule, *share), *keeps_debug);
                self.by_share(span, grant, keeps_debug, &factor)
            }
        };
        self.count(&verdict);
        verdict
    }

    fn by_share(&mut self, span: &Span<'a>, grant: Grant, keeps_debug: bool, factor: &Factor) -> Verdict {
        if keeps_debug && is_debug(span) {
            self.seen.above += 1;
            return Verdict::of(Grant::new(own::DEBUG, 1.0), true, Some(1.0));
        }
        let number = self.plan.hash.number(span.trace_id, TraceState::default());
        self.weigh(span, number, grant, factor, Client::Silent)
    }

    fn by_rules(&mut self, span: &Span<'a>, factor: &Factor) -> Verdict {
        let plan = &*self.plan;
        let Manner::Rules(judging) = &plan.manner else { return Verdict::KEPT };
        plan.tags.fill(&span.tags, &mut self.tags);
        let facts = Facts { service: self.service, span, tags: &self.tags, resource: &self.resource };
        let state = match facts.tag(slot::TRACE_STATE) {
            Some(Value::Text(state)) => TraceState::read(state),
            _ => TraceState::default(),
        };
        let client = match Client::of(&facts, state, span.trace_id) {
            Client::Silent if plan.head_rate < 1.0 => Client::Sampled(plan.head_rate),
            client => client,
        };
        let above = above(judging, &facts);
        let by_rates = if above.is_none() { by_rates(judging, &facts) } else { None };
        let (hash, number) = (plan.hash, plan.hash.number(span.trace_id, state));
        let verdict = match above {
            Some(grant) => {
                self.seen.above += u64::from(grant.share >= 1.0);
                Verdict::of(grant, grant.share >= 1.0, client.probability())
            }
            None => {
                let grant = self.with_strategies(by_rates, span.operation);
                self.weigh(span, number, after_client(hash, grant, client), factor, client)
            }
        };
        self.record(span, &verdict);
        verdict
    }

    /// The larger of what the rates and what the strategies grant; without both, all.
    fn with_strategies(&mut self, by_rates: Option<Grant>, operation: Text<'a>) -> Grant {
        let rate = match &self.strategies {
            Some(strategies) => self.operations.rate(strategies, self.service, operation),
            None => None,
        };
        let by_strategies = rate.map(|rate| match rate {
            Rate::Probability(share) => Grant::new(own::STRATEGIES, share),
            // How many come is for the limits to see.
            Rate::PerSecond(traces) => Grant { per_second: Some(traces), ..Grant::new(own::STRATEGIES, 1.0) },
        });
        match (by_rates, by_strategies) {
            (Some(one), Some(other)) => {
                if other.share > one.share {
                    other
                } else {
                    one
                }
            }
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => Grant::new(own::BASE, 1.0),
        }
    }

    /// Holds the trace's number against the share of the base.
    fn weigh(&mut self, span: &Span<'a>, number: u64, grant: Grant, factor: &Factor, client: Client) -> Verdict {
        self.seen.demand += grant.share;
        self.seen.roots += u64::from(span.is_root());
        self.seen.roots_per_second = grant.per_second.or(self.seen.roots_per_second);
        let hash = self.plan.hash;
        let share = grant.share * factor.product();
        if hash.grants(number, share) {
            let before = match client {
                // Both were held against the same number: together the smaller of both is kept.
                Client::Consistent(probability) if hash == Hash::Consistent => Some(probability.min(share) / share),
                client => client.probability(),
            };
            return Verdict::of(Grant { share, ..grant }, true, before);
        }
        let limited = hash.grants(number, grant.share);
        let rule = if limited { factor.rule(hash.fraction(number) / grant.share) } else { grant.rule };
        Verdict::of(Grant { rule, share, ..grant }, false, client.probability())
    }

    fn record(&mut self, span: &Span<'a>, verdict: &Verdict) {
        if self.records.len() < MOST_OF_REQUEST {
            self.records.push(Record::new(span, self.name, verdict));
        }
    }

    fn count(&mut self, verdict: &Verdict) {
        let place = usize::from(!verdict.keep);
        // A name is there once: its place tells it.
        match self.counts.iter_mut().find(|(rule, _)| std::ptr::eq(*rule, verdict.rule)) {
            Some((_, counts)) => counts[place] += 1,
            None => {
                let mut counts = [0; 2];
                counts[place] = 1;
                self.counts.push((verdict.rule, counts));
            }
        }
    }

    fn put_seen_by(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        if seen != Seen::default() {
            self.seen_before.push((self.service, seen));
        }
    }

    /// Whether kept spans are to say why.
    pub fn annotates(&self) -> bool {
        self.plan.annotate
    }

    /// The request can be taken: tells the limits and the ring of it. Gives its spans by rule.
    pub fn end(mut self) -> Judged {
        self.put_seen_by();
        for (service, seen) in &self.seen_before {
            self.sampler.limits.observe(&service.decoded(), seen);
        }
        self.sampler.recent.remember(&self.records);
        Judged(self.counts)
    }
}

/// The spans of one request by the rule that decided: kept, dropped.
#[derive(Debug, Default)]
pub struct Judged(Vec<(&'static str, [u64; 2])>);

impl Judged {
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

/// The sender asked for the trace, in Jaeger's way or in Zipkin's.
fn is_debug(span: &Span<'_>) -> bool {
    span.is_debug() || span.debug
}

/// The rules above the base, by their precedence: the first that speaks decides alone.
fn above(judging: &Judging, facts: &Facts<'_, '_>) -> Option<Grant> {
    let first =
        |rules: &[super::rules::Predicate]| rules.iter().find(|rule| rule.when.holds(facts)).map(|rule| rule.name);
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
    if let Some(rule) = first(&judging.absolute) {
        return Some(Grant::new(rule, 0.0));
    }
    if priority == Some(false) {
        return Some(Grant::new(own::PRIORITY, 0.0));
    }
    if let Some(rule) = first(&judging.keep) {
        return Some(Grant::new(rule, 1.0));
    }
    first(&judging.drop).map(|rule| Grant::new(rule, 0.0))
}

/// The largest rate that the span is granted.
fn by_rates(judging: &Judging, facts: &Facts<'_, '_>) -> Option<Grant> {
    let mut most: Option<Grant> = None;
    for rate in &judging.rates {
        let is_more = most.is_none_or(|most| rate.rate > most.share);
        if is_more && rate.when.as_ref().is_none_or(|when| when.holds(facts)) {
            most = Some(Grant::new(rate.name, rate.rate));
        }
    }
    most
}

/// What is left for us to sample of a trace that its client has sampled.
fn after_client(hash: Hash, grant: Grant, client: Client) -> Grant {
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
    /// `before`: with what probability the trace came to us, if that is known.
    fn of(grant: Grant, keep: bool, before: Option<f64>) -> Self {
        let weight = before.map(|before| 1.0 / (before * grant.share));
        Verdict { keep, rule: grant.rule, probability: grant.share, weight: weight.filter(|weight| weight.is_finite()) }
    }
}
