//! Verdicts on the spans of one request.
//!
//! A judge takes one view of all that may change (rules, strategies, limits) when its request comes,
//! and holds it to the end. A span costs a walk over its tags and no allocation.

use std::borrow::Cow;
use std::sync::Arc;

use super::client::Client;
use super::concern::Concerns;
use super::expression::{Facts, Places, slot};
use super::grant::{Grant, above, after_client, by_rates, is_debug};
use super::hash::Hash;
use super::judged::Judged;
use super::limits::{Factor, Rates, Seen};
use super::operations::Operations;
use super::plan::{Manner, Plan};
use super::recent::{MANY, MOST_OF_REQUEST, Name, Record, USUAL};
use super::rules::own;
use super::strategies::{Rate, Strategies};
use super::trace_state::TraceState;
use super::{Sampler, Verdict};
use crate::span::{Process, Span, Text, Value};

/// Judges one request's spans, in their order.
#[derive(Debug)]
pub struct Judge<'s, 'a> {
    sampler: &'s Sampler,
    plan: Arc<Plan>,
    rates: Rates,
    strategies: Option<Arc<Strategies>>,
    /// Where the span's tags are that rules ask for, and the values of those of its process.
    tags: Places,
    resource: Vec<Option<Value<'a>>>,
    service: Text<'a>,
    /// The rules that can concern the service, if some ask for it and they were worked out.
    concerns: Concerns,
    knows_concerns: bool,
    /// The same as limits know it: made once, not for each span.
    decoded: Cow<'a, str>,
    /// What the strategies say of the service's operations.
    operations: Operations<'a>,
    seen: Seen,
    /// Of the services before this one.
    seen_before: Vec<(Text<'a>, Seen)>,
    judged: Judged,
    records: Vec<Record>,
    /// The services of the records, and the place of the present one.
    names: Vec<Name>,
    named: Option<u32>,
}

impl<'s, 'a> Judge<'s, 'a> {
    pub(super) fn new(sampler: &'s Sampler, now: u64) -> Self {
        let plan = sampler.plan.load_full();
        Judge {
            rates: sampler.limits.rates(now),
            strategies: plan.enforce.then(|| sampler.strategies.current()),
            tags: plan.tags.places(),
            resource: plan.resources.slots(),
            service: Text::default(),
            concerns: Concerns::default(),
            knows_concerns: false,
            decoded: Cow::Borrowed(""),
            operations: Operations::default(),
            seen: Seen::default(),
            seen_before: Vec::new(),
            judged: Judged::default(),
            records: Vec::new(),
            names: Vec::new(),
            named: None,
            sampler,
            plan,
        }
    }

    /// The spans that follow are of this process, whose service is written so.
    pub fn process(&mut self, service: Text<'a>, process: &Process<'a>) {
        if service.raw() != self.service.raw() {
            self.put_seen_by();
            self.operations = Operations::default();
            self.named = None;
            self.knows_concerns = false;
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
        match &self.plan.manner {
            Manner::Rules(_) if self.plan.keeps_all && factor == Factor::ALL => {
                self.seen.demand += 1.0;
                self.seen.roots += u64::from(span.is_root());
                Verdict::KEPT
            }
            Manner::Rules(_) => self.by_rules(span, &factor),
            Manner::Share { rule, share, keeps_debug } => {
                let (grant, keeps_debug) = (Grant::new(rule, *share), *keeps_debug);
                let verdict = self.by_share(span, grant, keeps_debug, &factor);
                self.judged.count(&verdict);
                verdict
            }
        }
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
        if judging.asks_for_service && !std::mem::replace(&mut self.knows_concerns, true) {
            self.concerns.work_out(judging, self.service);
        }
        plan.tags.locate(&span.tags, &mut self.tags);
        let facts = Facts { service: self.service, span, tags: &self.tags, resource: &self.resource };
        let state = match facts.tag(slot::TRACE_STATE) {
            Some(Value::Text(state)) => TraceState::read(*state),
            _ => TraceState::default(),
        };
        let client = match Client::of(&facts, state, span.trace_id) {
            Client::Silent if plan.head_rate < 1.0 => Client::Sampled(plan.head_rate),
            client => client,
        };
        let concerns = if judging.asks_for_service { &self.concerns } else { &judging.concerns };
        let above = above(judging, concerns, &facts);
        let by_rates = if above.is_none() { by_rates(judging, concerns, &facts) } else { None };
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
        self.judged.count(&verdict);
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
        let limited = *factor != Factor::ALL && hash.grants(number, grant.share);
        let rule = if limited { factor.rule(hash.fraction(number) / grant.share) } else { grant.rule };
        Verdict::of(Grant { rule, share, ..grant }, false, client.probability())
    }

    fn record(&mut self, span: &Span<'a>, verdict: &Verdict) {
        if self.records.len() >= MOST_OF_REQUEST {
            return;
        }
        if self.records.len() == self.records.capacity() {
            self.records.reserve(if self.records.is_empty() { USUAL } else { MANY });
        }
        let service = *self.named.get_or_insert_with(|| {
            self.names.push(Name::new(self.service.raw()));
            self.names.len() as u32 - 1
        });
        self.records.push(Record::new(span, service, verdict));
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
        self.sampler.recent.remember(&self.records, &self.names);
        self.judged
    }
}
