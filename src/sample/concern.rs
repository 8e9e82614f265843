//! Which rules can concern the spans of a service. It is worked out when the service of a request's
//! spans changes, so that nobody asks each span for its service again (`benches/verdict.rs`); only
//! rules that ask for the service are looked at then.

use super::plan::Judging;
use super::rules::Condition;
use crate::span::Text;

/// A rule that spans are held against, by its place in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Concern {
    pub(super) place: u32,
    /// It holds for every span of the service.
    pub(super) always: bool,
    /// The service has a say in it.
    asks: bool,
}

/// Those that are left for a service, in the order in which they are asked.
#[derive(Debug, Default, Clone)]
pub(super) struct Concerns {
    all: Vec<Concern>,
    /// Where each list ends: the absolute ones, those that keep, those that drop, the rates.
    ends: [usize; 4],
}

impl Concerns {
    /// For spans of any service.
    pub(super) fn new(judging: &Judging) -> Self {
        let mut concerns = Concerns::default();
        let lengths = [&judging.absolute, &judging.keep, &judging.drop].map(Vec::len);
        let rules = lengths.map(|length| (0..length as u32).collect::<Vec<_>>());
        for (list, places) in rules.iter().chain([&judging.largest_first]).enumerate() {
            let all = places.iter().filter_map(|&place| concern(place, condition(judging, list, place)));
            concerns.all.extend(all);
            concerns.ends[list] = concerns.all.len();
        }
        concerns
    }

    /// True if no rule asks for the service.
    pub(super) fn are_anyones(&self) -> bool {
        self.all.iter().all(|concern| !concern.asks)
    }

    /// For spans of this service; what was worked out for another is forgotten.
    pub(super) fn work_out(&mut self, judging: &Judging, service: Text<'_>) {
        self.all.clear();
        let any = &judging.concerns;
        for (list, concerns) in [any.absolute(), any.keep(), any.drop(), any.rates()].into_iter().enumerate() {
            let left = |one: &Concern| one.of(service, || condition(judging, list, one.place));
            self.all.extend(concerns.iter().filter_map(left));
            self.ends[list] = self.all.len();
        }
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

/// That of a rule, by its list and its place there; a rate may have none.
fn condition(judging: &Judging, list: usize, place: u32) -> Option<&Condition> {
    let rules = [&judging.absolute, &judging.keep, &judging.drop];
    match rules.get(list) {
        Some(rules) => Some(&rules[place as usize].when),
        None => judging.rates[place as usize].when.as_ref(),
    }
}

impl Concern {
    /// What it is to spans of this service; `None`: nothing.
    fn of<'c>(self, service: Text<'_>, when: impl FnOnce() -> Option<&'c Condition>) -> Option<Self> {
        if !self.asks {
            return Some(self);
        }
        let decided = when().map_or(Some(true), |when| when.expression.decided_by(service));
        (decided != Some(false)).then_some(Concern { always: decided == Some(true), ..self })
    }
}

/// `None`: it holds for no span. Without a condition it holds for all.
fn concern(place: u32, when: Option<&Condition>) -> Option<Concern> {
    let asks = when.is_some_and(|when| when.expression.asks_for_service());
    let always = Concern { place, always: true, asks };
    let Some(when) = when.filter(|_| !asks) else { return Some(always) };
    // A service that nobody asks for decides as any other.
    let decided = when.expression.decided_by(Text::default());
    (decided != Some(false)).then_some(Concern { always: decided == Some(true), ..always })
}
