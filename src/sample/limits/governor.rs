//! From what came to the shares of the next epochs.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::answers::Answers;
use super::counts::{MOST_SERVICES, Seen, Tally};
use super::estimate::Estimate;
use super::rates::Table;
use super::step::Step;
use crate::settings::SamplingLimits;

/// A service that sent nothing for so many periods is forgotten: five minutes.
const SILENT: u32 = 60;

/// The budget falls by this when the store pushes back, or is slow.
const PUSHED_BACK: f64 = 0.8;

/// Of the whole budget, how much comes back each calm second, and what always is left.
const BACK_A_SECOND: f64 = 0.01;
const LEAST_BUDGET: f64 = 0.05;

/// In one epoch the mesh's share falls to a sixteenth at most, and doubles at most.
const MOST_HALVINGS: u16 = 4;
const MOST_DOUBLINGS: u16 = 1;

/// What came in a period.
#[derive(Debug, Default)]
pub(super) struct Period {
    pub(super) seconds: f64,
    /// Epochs that ended with it, at least one.
    pub(super) epochs: u16,
    pub(super) tally: Tally,
    /// The store pushed items back.
    pub(super) pushed_back: bool,
    /// How long it took.
    pub(super) answers: Answers,
    /// What the spool leaves.
    pub(super) pressure: f64,
}

/// What is remembered of a service.
#[derive(Debug, Default)]
struct Service {
    demand: Estimate,
    roots: Estimate,
    /// Roots a second in the whole mesh, if its strategy is a rate limit.
    allowed_roots: Option<f64>,
    silent: u32,
    share: Step,
}

/// Learns what comes and sets shares. All rates in it are those of this replica, which sees an even
/// part of the mesh's spans.
#[derive(Debug)]
pub(super) struct Governor {
    /// Spans a second, of this replica's part; `None`: no budget.
    budget: Option<f64>,
    /// The part of the budget that the store bears, 0 to 1.
    pub(super) effective: f64,
    /// The latest answers of the store were slow.
    is_slow: bool,
    quota: Option<f64>,
    quotas: HashMap<Box<str>, f64>,
    replicas: f64,
    above: Estimate,
    demand: Estimate,
    share: Step,
    services: HashMap<Arc<str>, Service>,
    others: Service,
}

impl Governor {
    pub(super) fn new(settings: &SamplingLimits) -> Self {
        let replicas = f64::from(settings.replicas.max(1));
        let quotas = settings.spans_per_second_by_service.iter();
        Governor {
            budget: settings.spans_per_second.map(|budget| budget / replicas),
            effective: 1.0,
            is_slow: false,
            quota: settings.spans_per_second_per_service.map(|quota| quota / replicas),
            quotas: quotas.map(|(service, quota)| (service.as_str().into(), quota / replicas)).collect(),
            replicas,
            above: Estimate::default(),
            demand: Estimate::default(),
            share: Step::ALL,
            services: HashMap::new(),
            others: Service::default(),
        }
    }

    /// True if services are counted one by one.
    pub(super) fn has_quotas(&self) -> bool {
        self.quota.is_some() || !self.quotas.is_empty()
    }

    /// Spans a second of this replica that the store bears, and that the shares let through.
    pub(super) fn rates(&self) -> Option<[f64; 3]> {
        let budget = self.budget?;
        let used = self.above.per_second() + self.demand.per_second() * self.share.share();
        Some([budget, budget * self.effective, used])
    }

    /// Services over their quota.
    pub(super) fn over_quota(&self) -> usize {
        let services = self.services.values().chain([&self.others]);
        services.filter(|service| service.share > Step::ALL).count()
    }

    /// The shares that follow from a period.
    pub(super) fn close(&mut self, period: &Period) -> Table {
        let cut = self.close_services(period);
        let Period { seconds, epochs, tally, pressure, .. } = period;
        self.above.learn(tally.total.above as f64, *seconds);
        self.demand.learn((tally.total.demand - cut).max(0.0), *seconds);
        self.follow_store(period);
        if let Some(budget) = self.budget {
            let room = budget * self.effective - self.above.per_second();
            let share = if self.demand.per_second() <= room { 1.0 } else { room / self.demand.per_second() };
            let halvings = MOST_HALVINGS.saturating_mul(*epochs);
            self.share = Step::at_most(share).near(self.share, halvings, MOST_DOUBLINGS.saturating_mul(*epochs));
        }
        Table { budget: self.share.share(), pressure: *pressure, ..self.table() }
    }

    /// What the store bears. While it has not answered since it was slow, nobody knows that it is not.
    fn follow_store(&mut self, period: &Period) {
        let are_slow = period.answers.are_slow();
        self.is_slow = are_slow.unwrap_or(self.is_slow);
        if period.pushed_back || are_slow == Some(true) {
            self.effective = (self.effective * PUSHED_BACK).max(LEAST_BUDGET);
        } else if !self.is_slow {
            self.effective = (self.effective + BACK_A_SECOND * period.seconds).min(1.0);
        }
    }

    /// Learns what each service sent. Returns how much of what was wanted is over their quotas.
    fn close_services(&mut self, period: &Period) -> f64 {
        let mut cut = 0.0;
        let mut others = period.tally.others;
        self.services.retain(|name, service| {
            service.learn(period.tally.services.get(&**name), period.seconds);
            service.silent < SILENT
        });
        let crowded = self.services.len() + period.tally.services.len() > MOST_SERVICES;
        if crowded {
            self.services.retain(|_, service| service.silent == 0);
        }
        for (name, seen) in &period.tally.services {
            if self.services.contains_key(&**name) {
                continue;
            }
            if self.services.len() < MOST_SERVICES || self.quotas.contains_key(name) {
                self.services.entry((&**name).into()).or_default().learn(Some(seen), period.seconds);
            } else {
                others.add(seen);
            }
        }
        self.others.learn(Some(&others), period.seconds);
        for (name, service) in &mut self.services {
            let quota = self.quotas.get(&**name).copied().or(self.quota);
            let share = service.limit(quota, self.replicas, period.epochs);
            let demand = period.tally.services.get(&**name).map_or(0.0, |seen| seen.demand);
            cut += demand * (1.0 - share);
        }
        cut + others.demand * (1.0 - self.others.limit(self.quota, self.replicas, period.epochs))
    }

    fn table(&self) -> Table {
        let others = self.others.share.share();
        let shares = self.services.iter().map(|(name, service)| (name.clone(), service.share.share()));
        let services = shares.filter(|(_, share)| others < 1.0 || *share < 1.0).collect();
        Table { services, others, ..Table::all() }
    }
}

impl Service {
    /// A period brought this of it, or nothing.
    fn learn(&mut self, seen: Option<&Seen>, seconds: f64) {
        self.silent = if seen.is_some() { 0 } else { self.silent + 1 };
        self.demand.learn(seen.map_or(0.0, |seen| seen.demand), seconds);
        self.roots.learn(seen.map_or(0.0, |seen| seen.roots as f64), seconds);
        if let Some(seen) = seen {
            self.allowed_roots = seen.roots_per_second;
        }
    }

    /// Sets its share, under a quota of spans and, if its strategy is a rate limit, of roots.
    fn limit(&mut self, quota: Option<f64>, replicas: f64, epochs: u16) -> f64 {
        let of = |allowed: f64, rate: f64| if rate <= allowed { 1.0 } else { allowed / rate };
        let spans = quota.map_or(1.0, |quota| of(quota, self.demand.per_second()));
        let roots = self.allowed_roots.map_or(1.0, |allowed| of(allowed / replicas, self.roots.per_second()));
        let doublings = MOST_DOUBLINGS.saturating_mul(epochs);
        // Down at once: what one service sends too much must not cost the others.
        self.share = Step::at_most(spans.min(roots)).near(self.share, u16::MAX, doublings);
        self.share.share()
    }
}
