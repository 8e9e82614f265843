//! What a deployment decides by, put together from settings and rules: read-only, swapped as a
//! whole when the rules change.

use std::cmp::Ordering;

use super::concern::Concerns;
use super::expression::{KeyTable, Keys};
use super::hash::{Hash, Input};
use super::rules::{Predicate, Rate, Rules, own};
use crate::settings::{Annotate, Downsampling, Sampling};

/// One way of deciding.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) hash: Hash,
    pub(super) manner: Manner,
    pub(super) tags: KeyTable,
    pub(super) resources: KeyTable,
    /// The share of traces that the head of the mesh keeps.
    pub(super) head_rate: f64,
    pub(super) enforce: bool,
    pub(super) annotate: bool,
    /// Nothing is dropped, whatever comes, as long as no limit is reached, and nobody asks why.
    pub(super) keeps_all: bool,
}

#[derive(Debug)]
pub(super) enum Manner {
    /// One share of all traces, by their ids alone: another collector's own sampling.
    Share {
        rule: &'static str,
        share: f64,
        keeps_debug: bool,
    },
    Rules(Judging),
}

/// The rules of an operator.
#[derive(Debug, Default)]
pub(super) struct Judging {
    pub(super) absolute: Vec<Predicate>,
    pub(super) keep: Vec<Predicate>,
    pub(super) drop: Vec<Predicate>,
    pub(super) rates: Vec<Rate>,
    /// The places of the rates in the order in which they are asked.
    pub(super) largest_first: Vec<u32>,
    /// For any service, and whether they differ by it.
    pub(super) concerns: Concerns,
    pub(super) asks_for_service: bool,
}

impl Judging {
    fn new(absolute: Vec<Predicate>, keep: Vec<Predicate>, drop: Vec<Predicate>, rates: Vec<Rate>) -> Self {
        let mut largest_first: Vec<u32> = (0..).zip(&rates).map(|(place, _)| place).collect();
        let rate = |place: &u32| rates[*place as usize].rate;
        largest_first.sort_by(|one, other| rate(other).partial_cmp(&rate(one)).unwrap_or(Ordering::Equal));
        let (concerns, asks) = (Concerns::default(), false);
        let mut judging = Judging { absolute, keep, drop, rates, largest_first, concerns, asks_for_service: asks };
        judging.concerns = Concerns::new(&judging);
        judging.asks_for_service = !judging.concerns.are_anyones();
        judging
    }
}

impl Plan {
    /// From the settings alone; `rules` are those of the file, if there is one.
    pub(super) fn new(downsampling: &Downsampling, sampling: &Sampling, rules: Option<Rules>) -> Self {
        // As in Jaeger, what is no ratio is 1, which keeps all.
        if (0.0..1.0).contains(&downsampling.ratio) {
            let manner = Manner::Share { rule: own::DOWNSAMPLING, share: downsampling.ratio, keeps_debug: false };
            return Plan::sharing(Hash::fnv(&downsampling.hashsalt, Input::Full), manner, sampling);
        }
        if sampling.zipkin_rate < 1.0 {
            let share = f64::from(sampling.zipkin_rate);
            let manner = Manner::Share { rule: own::ZIPKIN, share, keeps_debug: true };
            return Plan::sharing(Hash::Zipkin, manner, sampling);
        }
        Plan::judging(sampling, rules.unwrap_or_default())
    }

    fn sharing(hash: Hash, manner: Manner, sampling: &Sampling) -> Self {
        let [tags, resources] = Keys::default().tables();
        let annotate = sampling.annotate == Annotate::All;
        Plan { hash, manner, tags, resources, head_rate: 1.0, enforce: false, annotate, keeps_all: false }
    }

    fn judging(sampling: &Sampling, rules: Rules) -> Self {
        let Rules { hash, absolute, keep, drop, rates, keys } = rules;
        let [tags, resources] = keys.tables();
        let annotate = sampling.annotate == Annotate::All;
        let speaks = !absolute.is_empty() || !keep.is_empty() || !drop.is_empty() || !rates.is_empty();
        Plan {
            hash,
            manner: Manner::Rules(Judging::new(absolute, keep, drop, rates)),
            tags,
            resources,
            head_rate: sampling.head_rate,
            enforce: sampling.enforce,
            annotate,
            keeps_all: !speaks && !sampling.enforce && !annotate,
        }
    }
}
