//! Which rules can concern the spans of a service. It is worked out when the service of a request's
//! spans changes, so that nobody asks each span for its service again (`benches/verdict.rs`).

use super::plan::Judging;
use super::rules::Predicate;
use crate::span::Text;

/// A rule that spans are held against, by its place in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Concern {
    pub(super) place: u32,
    /// It holds for every span of the service.
    pub(super) always: bool,
}

/// Those that are left for a service, in the order in which they are asked.
#[derive(Debug, Default, Clone)]
pub(super) struct Concerns {
    all: Vec<Concern>,
    /// Where the absolute ones end, those that keep, those that drop.
    ends: [usize; 3],
}

impl Concerns {
    /// For spans of this service; what was worked out for another is forgotten.
    pub(super) fn work_out(&mut self, judging: &Judging, service: Text<'_>) {
        self.all.clear();
        for (end, rules) in [&judging.absolute, &judging.keep, &judging.drop].into_iter().enumerate() {
            let asked = (0..)
                .zip(rules)
                .map(|(place, rule): (u32, &Predicate)| (place, rule.when.expression.decided_by(service)));
            self.all.extend(asked.filter_map(concern));
            self.ends[end] = self.all.len();
        }
        let rates = judging.largest_first.iter().map(|&place| {
            let when = judging.rates[place as usize].when.as_ref();
            (place, when.map_or(Some(true), |when| when.expression.decided_by(service)))
        });
        self.all.extend(rates.filter_map(concern));
    }

    pub(super) fn absolute(&self) -> &[Concern] {
        &self.all[..self.ends[0]]
    }

    pub(super) fn keep(&self) -> &[Concern] {
        &self.all[self.ends[0]..self.ends[1]]
    }

    pub(super) fn drop(&self) -> &[Concern] {
        &self.all[self.ends[1]..self.ends[2]]
    }

    /// The largest first; of two that are equal the one that was written first.
    pub(super) fn rates(&self) -> &[Concern] {
        &self.all[self.ends[2]..]
    }
}

/// `None`: the service alone rules it out.
fn concern((place, decided): (u32, Option<bool>)) -> Option<Concern> {
    (decided != Some(false)).then_some(Concern { place, always: decided == Some(true) })
}
