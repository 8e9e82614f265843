//! Why a trace is kept or dropped: its number, every rule with what it grants, and who wins.
//!
//! What is recomputed is exact for all that follows from the trace's id, its service, its operation
//! and the time. A condition on other parts of a span is told as *kept if …*; what really became of
//! the latest spans stands in a ring.

mod answer;
mod question;
mod text;

pub use answer::{Effect, Explanation, Given, HashOf, Outcome, Step};
pub use question::Question;

use super::Sampler;
use super::expression::{Expression, Known};
use super::plan::{Judging, Manner, Plan};
use super::rules::own;
use super::strategies::Rate;
use super::trace_state::TraceState;

impl Sampler {
    /// Explains what becomes, and became, of a trace. `now` in microseconds since 1970.
    pub fn explain(&self, question: &Question, now: u64) -> Explanation {
        let plan = self.plan.load_full();
        let number = plan.hash.number(question.trace_id, TraceState::default());
        let mut teller = Teller { sampler: self, plan: &plan, question, number, steps: Vec::new() };
        let granted = match &plan.manner {
            Manner::Share { rule, share, keeps_debug } => teller.of_share(rule, *share, *keeps_debug),
            Manner::Rules(judged) => teller.of_rules(judged),
        };
        let otherwise = teller.outcome(&granted, now);
        Explanation {
            trace_id: format!("{:016x}{:016x}", question.trace_id.high, question.trace_id.low),
            hash: HashOf { kind: plan.hash.name(), number: format!("{number:016x}"), h: plan.hash.fraction(number) },
            rules: teller.steps,
            otherwise,
            recent: self.given(question),
        }
    }

    fn given(&self, question: &Question) -> Vec<Given> {
        let records = self.recent.of(question.trace_id).into_iter();
        let asked = records.filter(|(_, name)| question.service.as_ref().is_none_or(|service| name.is_of(service)));
        let given = asked.map(|(record, name)| Given {
            span_id: format!("{:016x}", record.span_id),
            service: name.text(),
            start_time: record.start,
            kept: record.kept,
            rule: record.rule,
            probability: record.probability,
        });
        given.collect()
    }
}

/// What the base comes to.
struct Granted {
    rule: &'static str,
    /// `None`: not known.
    share: Option<f64>,
    /// A rule that speaks whatever the span is decides before the base.
    decided: Option<(&'static str, bool)>,
}

struct Teller<'t> {
    sampler: &'t Sampler,
    plan: &'t Plan,
    question: &'t Question,
    number: u64,
    steps: Vec<Step>,
}

impl Teller<'_> {
    fn of_share(&mut self, rule: &'static str, share: f64, keeps_debug: bool) -> Granted {
        if keeps_debug {
            self.tell(own::DEBUG, Effect::Keeps, Some(1.0), Some("the sender's `debug` is set".into()));
        }
        self.tell(rule, Effect::Grants, Some(share), None);
        Granted { rule, share: Some(share), decided: None }
    }

    fn of_rules(&mut self, judged: &Judging) -> Granted {
        let said = |text: &str| Some(text.to_string());
        self.tell(own::DEBUG, Effect::Keeps, Some(1.0), said("the sender's `debug` is set"));
        let forced = "tag('guid:x-request-id') has `a` or `b` as its 15th character";
        self.tell(own::FORCED, Effect::Keeps, Some(1.0), said(forced));
        self.tell(own::PRIORITY, Effect::Keeps, Some(1.0), said("tag('sampling.priority') > 0"));
        let mut decided = None;
        let drops = judged.absolute.iter().map(|rule| (rule, Effect::Drops));
        for (rule, effect) in drops {
            self.predicate(rule.name, effect, &rule.when.expression, &mut decided);
        }
        self.tell(own::PRIORITY, Effect::Drops, Some(0.0), said("tag('sampling.priority') == 0"));
        let rest = judged.keep.iter().map(|rule| (rule, Effect::Keeps));
        for (rule, effect) in rest.chain(judged.drop.iter().map(|rule| (rule, Effect::Drops))) {
            self.predicate(rule.name, effect, &rule.when.expression, &mut decided);
        }
        let most = self.rates(judged);
        Granted { decided, ..most }
    }

    fn predicate(
        &mut self,
        rule: &'static str,
        effect: Effect,
        when: &Expression,
        decided: &mut Option<(&'static str, bool)>,
    ) {
        let share = if effect == Effect::Keeps { 1.0 } else { 0.0 };
        match when.residual(self.known()) {
            Expression::Constant(false) => {}
            Expression::Constant(true) => {
                self.tell(rule, effect, Some(share), None);
                decided.get_or_insert((rule, effect == Effect::Keeps));
            }
            open => self.tell(rule, effect, Some(share), Some(open.to_string())),
        }
    }

    /// The largest of what rates and strategies grant.
    fn rates(&mut self, judged: &Judging) -> Granted {
        let mut most: Option<(&'static str, f64)> = None;
        let mut is_open = false;
        let mut grant = |rule, share: f64| {
            if most.is_none_or(|(_, most)| share > most) {
                most = Some((rule, share));
            }
        };
        for rate in &judged.rates {
            let when =
                rate.when.as_ref().map_or(Expression::Constant(true), |when| when.expression.residual(self.known()));
            match when {
                Expression::Constant(false) => {}
                Expression::Constant(true) => {
                    self.tell(rate.name, Effect::Grants, Some(rate.rate), None);
                    grant(rate.name, rate.rate);
                }
                open => {
                    is_open = true;
                    self.tell(rate.name, Effect::Grants, Some(rate.rate), Some(open.to_string()));
                }
            }
        }
        match self.strategy() {
            Strategy::None => {}
            Strategy::Unknown => {
                is_open = true;
                let condition = "its rate for the service and operation is larger than the others' and than h";
                self.tell(own::STRATEGIES, Effect::Grants, None, Some(condition.into()));
            }
            Strategy::Share(share) => {
                self.tell(own::STRATEGIES, Effect::Grants, Some(share), None);
                grant(own::STRATEGIES, share);
            }
        }
        if self.plan.enforce || !judged.rates.is_empty() {
            let condition = "its client says that it kept the trace with probability c: then p / c counts instead of p";
            self.tell(own::CLIENT, Effect::Grants, None, Some(condition.into()));
        }
        self.granted(most, is_open)
    }

    fn granted(&mut self, most: Option<(&'static str, f64)>, is_open: bool) -> Granted {
        let (rule, share) = most.unwrap_or((own::BASE, 1.0));
        if most.is_none() && !is_open {
            self.tell(own::BASE, Effect::Grants, Some(1.0), None);
        }
        // A rule with an open condition can only grant more, unless it is the only one.
        let known =
            !is_open || most.is_some_and(|(_, share)| self.plan.hash.grants(self.number, self.after_head(share)));
        let share = known.then(|| self.after_head(share));
        Granted { rule, share, decided: None }
    }

    fn after_head(&self, share: f64) -> f64 {
        if self.plan.head_rate < 1.0 { (share / self.plan.head_rate).min(1.0) } else { share }
    }

    fn strategy(&self) -> Strategy {
        if !self.plan.enforce {
            return Strategy::None;
        }
        let Some(service) = &self.question.service else { return Strategy::Unknown };
        let strategies = self.sampler.strategies.current();
        let Some(written) = strategies.written(service) else { return Strategy::None };
        let rate = match &self.question.operation {
            Some(operation) => written.rate(operation),
            None if written.has_operations() => return Strategy::Unknown,
            None => written.rate(""),
        };
        match rate {
            Some(Rate::Probability(share)) => Strategy::Share(share),
            // The limits below know how many come.
            Some(Rate::PerSecond(_)) => Strategy::Share(1.0),
            None => Strategy::None,
        }
    }

    /// With the limits of the time.
    fn outcome(&mut self, granted: &Granted, now: u64) -> Outcome {
        if let Some((rule, kept)) = granted.decided {
            let weight = kept.then_some(1.0 / self.plan.head_rate);
            return Outcome { kept: Some(kept), rule, probability: Some(f64::from(u8::from(kept))), weight };
        }
        let service = self.question.service.as_deref();
        let at = self.question.at.unwrap_or(now);
        let factor = self.sampler.limits.rates(now).factor(service.unwrap_or_default(), at);
        for (rule, share) in [("quota", factor.quota), ("budget", factor.budget), ("pressure", factor.pressure)] {
            // Without a service its quota is not known.
            if share < 1.0 && (rule != "quota" || service.is_some()) {
                self.tell(rule, Effect::Limits, Some(share), None);
            }
        }
        let Some(base) = granted.share else {
            return Outcome { kept: None, rule: granted.rule, probability: None, weight: None };
        };
        let (hash, share) = (self.plan.hash, base * factor.product());
        let kept = hash.grants(self.number, share);
        let limited = !kept && hash.grants(self.number, base);
        let rule = if limited { factor.rule(hash.fraction(self.number) / base) } else { granted.rule };
        let weight = Some(1.0 / (self.plan.head_rate * share)).filter(|weight| kept && weight.is_finite());
        Outcome { kept: Some(kept), rule, probability: Some(share), weight }
    }

    fn tell(&mut self, rule: &'static str, effect: Effect, share: Option<f64>, condition: Option<String>) {
        let granted = match effect {
            Effect::Grants => share.map(|share| self.after_head(share)),
            Effect::Keeps | Effect::Drops => share,
            Effect::Limits => None,
        };
        let keeps = granted.map(|share| share > 0.0 && self.plan.hash.grants(self.number, share));
        self.steps.push(Step { rule, effect, share, keeps, condition });
    }

    fn known(&self) -> Known<'_> {
        Known { service: self.question.service.as_deref(), operation: self.question.operation.as_deref() }
    }
}

/// What is enforced of the file of strategies.
enum Strategy {
    None,
    /// It depends on what was not asked for.
    Unknown,
    Share(f64),
}
