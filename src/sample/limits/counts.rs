//! What came, counted between two looks: in stripes, so that threads do not wait for each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::HashMap;

/// Stripes; a thread keeps to one.
const STRIPES: usize = 16;

/// Services with a count of their own, and of each stripe; the rest are counted as one.
pub(super) const MOST_SERVICES: usize = 4000;

/// Bytes of a service's name; longer ones are counted with the rest.
const LONGEST_NAME: usize = 256;

/// What a request brought of one service, as the rules judged it.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Spans that are kept by rules above the base: `debug`, forced, kept by predicate.
    pub above: u64,
    /// Of the other spans, the sum of the probabilities of the base, before any factor: as many as
    /// the base would keep.
    pub demand: f64,
    /// Root spans among them, and how many of those a second the service's strategy allows, if its
    /// strategy is a rate limit.
    pub roots: u64,
    pub roots_per_second: Option<f64>,
}

impl Seen {
    pub(super) fn add(&mut self, more: &Seen) {
        self.above += more.above;
        self.demand += more.demand;
        self.roots += more.roots;
        self.roots_per_second = more.roots_per_second.or(self.roots_per_second);
    }
}

/// What one stripe has counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) total: Seen,
    pub(super) services: HashMap<Box<str>, Seen>,
    /// Of the services that have no entry.
    pub(super) others: Seen,
}

impl Tally {
    fn count(&mut self, service: &str, seen: &Seen) {
        let has_room = self.services.len() < MOST_SERVICES && service.len() <= LONGEST_NAME;
        match self.services.get_mut(service) {
            Some(known) => known.add(seen),
            None if has_room => _ = self.services.insert(service.into(), *seen),
            None => self.others.add(seen),
        }
    }

    fn merge(&mut self, other: Tally) {
        self.total.add(&other.total);
        self.others.add(&other.others);
        for (service, seen) in other.services {
            self.services.entry(service).or_default().add(&seen);
        }
    }
}

/// On a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(Mutex<Tally>);

#[derive(Debug, Default)]
pub(super) struct Counts {
    stripes: [Stripe; STRIPES],
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PLACE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
}

impl Counts {
    /// Counts for the mesh, and for the service if it is asked for.
    pub(super) fn count(&self, service: Option<&str>, seen: &Seen) {
        let mut tally = lock(&self.stripes[PLACE.with(|place| *place)]);
        tally.total.add(seen);
        if let Some(service) = service {
            tally.count(service, seen);
        }
    }

    /// Takes out everything that was counted.
    pub(super) fn take(&self) -> Tally {
        let mut all = Tally::default();
        for stripe in &self.stripes {
            let tally = std::mem::take(&mut *lock(stripe));
            all.merge(tally);
        }
        all
    }
}

/// A tally stays whole though a thread that held it died: numbers are added, nothing else.
fn lock(stripe: &Stripe) -> MutexGuard<'_, Tally> {
    stripe.0.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(demand: f64) -> Seen {
        Seen { demand, ..Seen::default() }
    }

    #[test]
    fn counts_of_many_threads_come_together() {
        let counts = Counts::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| counts.count(Some("a"), &spans(0.5)));
            }
        });
        counts.count(None, &spans(1.0));
        let taken = counts.take();
        assert_eq!((taken.total.demand, taken.services["a"].demand), (11.0, 10.0));
        assert_eq!(counts.take().total, Seen::default());
    }

    #[test]
    fn names_without_end_are_counted_as_one() {
        let counts = Counts::default();
        for service in 0..2 * MOST_SERVICES {
            counts.count(Some(&format!("service-{service}")), &spans(1.0));
        }
        counts.count(Some(&"x".repeat(LONGEST_NAME + 1)), &spans(1.0));
        let taken = counts.take();
        assert_eq!((taken.services.len(), taken.others.demand), (MOST_SERVICES, MOST_SERVICES as f64 + 1.0));
    }
}
