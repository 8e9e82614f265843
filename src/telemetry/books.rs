//! The books: what became of every span, per protocol and process life.
//!
//! `received = stored + already there + sampled out + refused + dead-lettered + dropped + held`,
//! exactly, at every moment. A request's outcome is entered in one step and a batch's settlement
//! in one step, so that a reader never sees a half-entered row. Nothing is found by subtraction:
//! `held` goes up when spans are made safe and down when they are settled.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Serialize;

/// Counts by a word: a reason, or a rule.
pub type Counts = BTreeMap<&'static str, u64>;

/// One page: a protocol's spans, or the service documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Page {
    /// Found in the spool at start.
    pub opening: u64,
    pub received: u64,
    pub stored: u64,
    pub already_there: u64,
    pub sampled_out: Counts,
    pub refused: Counts,
    pub dead_lettered: Counts,
    pub dropped: Counts,
    /// Safe, and not settled yet.
    pub held: u64,
}

impl Page {
    /// The two sides of the equation; equal unless the house has lost count.
    pub fn sides(&self) -> (u64, u64) {
        let sum = |counts: &Counts| counts.values().sum::<u64>();
        let words = [&self.sampled_out, &self.refused, &self.dead_lettered, &self.dropped];
        let right = self.stored + self.already_there + self.held;
        (self.opening + self.received, right + words.map(sum).iter().sum::<u64>())
    }

    pub fn balances(&self) -> bool {
        let (left, right) = self.sides();
        left == right
    }
}

/// What became of one request's spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub received: u64,
    pub sampled_out: Counts,
    pub refused: Counts,
    pub held: u64,
}

/// What became of held items, by the store's verdicts or by policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settlement {
    pub stored: u64,
    pub already_there: u64,
    pub refused: Counts,
    pub dead_lettered: Counts,
    pub dropped: Counts,
}

/// The page of labels that this release does not know: another one wrote them into the spool.
const UNKNOWN: &str = "unknown";

/// A page for each label, and one for service documents.
#[derive(Debug)]
pub struct Books {
    names: &'static [&'static str],
    pages: Vec<Mutex<Page>>,
    services: Mutex<Page>,
}

impl Books {
    /// Books with a page for each of `names`; a label is an index into them.
    pub fn new(names: &'static [&'static str]) -> Self {
        let pages = names.iter().chain([&UNKNOWN]).map(|_| Mutex::default()).collect();
        Books { names, pages, services: Mutex::default() }
    }

    /// Enters a request's outcome.
    pub fn enter(&self, label: u8, outcome: &Outcome) {
        self.on(label, |page| enter(page, outcome));
    }

    /// Enters spans that were found in the spool: they are held.
    pub fn open(&self, label: u8, spans: u64) {
        self.on(label, |page| open(page, spans));
    }

    /// Enters service documents that were found in the spool.
    pub fn open_services(&self, count: u64) {
        open(&mut lock(&self.services), count);
    }

    /// Settles held spans.
    pub fn settle(&self, label: u8, settlement: &Settlement) {
        self.on(label, |page| settle(page, settlement));
    }

    /// Enters service documents that were made.
    pub fn enter_services(&self, count: u64) {
        let outcome = Outcome { received: count, held: count, ..Outcome::default() };
        enter(&mut lock(&self.services), &outcome);
    }

    /// Settles held service documents.
    pub fn settle_services(&self, settlement: &Settlement) {
        settle(&mut lock(&self.services), settlement);
    }

    /// A copy of every page that was ever written on, by name.
    pub fn spans(&self) -> BTreeMap<&'static str, Page> {
        let pages = self.names.iter().chain([&UNKNOWN]).zip(&self.pages);
        pages.map(|(name, page)| (*name, lock(page).clone())).filter(|(_, page)| *page != Page::default()).collect()
    }

    /// A copy of the page of the service documents.
    pub fn services(&self) -> Page {
        lock(&self.services).clone()
    }

    fn on(&self, label: u8, change: impl FnOnce(&mut Page)) {
        if let Some(page) = self.pages.get(usize::from(label)).or(self.pages.last()) {
            change(&mut lock(page));
        }
    }
}

fn open(page: &mut Page, count: u64) {
    page.opening += count;
    page.held += count;
}

fn enter(page: &mut Page, outcome: &Outcome) {
    page.received += outcome.received;
    page.held += outcome.held;
    add(&mut page.sampled_out, &outcome.sampled_out);
    add(&mut page.refused, &outcome.refused);
}

fn settle(page: &mut Page, settlement: &Settlement) {
    let gone = [&settlement.refused, &settlement.dead_lettered, &settlement.dropped];
    let gone = gone.iter().flat_map(|counts| counts.values()).sum::<u64>();
    page.held = page.held.saturating_sub(settlement.stored + settlement.already_there + gone);
    page.stored += settlement.stored;
    page.already_there += settlement.already_there;
    add(&mut page.refused, &settlement.refused);
    add(&mut page.dead_lettered, &settlement.dead_lettered);
    add(&mut page.dropped, &settlement.dropped);
}

fn add(to: &mut Counts, from: &Counts) {
    for (word, count) in from.iter().filter(|(_, count)| **count > 0) {
        *to.entry(word).or_default() += count;
    }
}

/// A page stays readable though a thread that held it died: its numbers are entered in one step.
fn lock(page: &Mutex<Page>) -> std::sync::MutexGuard<'_, Page> {
    page.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_balance_through_a_life() {
        let books = Books::new(&["zipkin-json"]);
        let refused = Counts::from([("span-id", 1)]);
        let sampled_out = Counts::from([("downsampling", 4)]);
        books.enter(0, &Outcome { received: 10, sampled_out, refused, held: 5 });
        assert!(books.spans()["zipkin-json"].balances());
        let dropped = Counts::from([("shutdown", 1)]);
        let dead_lettered = Counts::from([("mapping", 1)]);
        books.settle(0, &Settlement { stored: 2, already_there: 1, dead_lettered, dropped, ..Settlement::default() });
        let page = &books.spans()["zipkin-json"];
        assert_eq!((page.held, page.sides()), (0, (10, 10)));
    }

    #[test]
    fn a_lost_span_unbalances_the_books() {
        let books = Books::new(&["zipkin-json"]);
        books.enter(0, &Outcome { received: 2, held: 1, ..Outcome::default() });
        assert!(!books.spans()["zipkin-json"].balances());
    }
}
