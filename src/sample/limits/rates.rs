//! What the limits leave of each service's spans, by the epoch in which a span began.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::HashMap;

/// Microseconds of an epoch.
pub const EPOCH: u64 = 5_000_000;

/// Epochs before and after the arrival from which a start is believed: two minutes.
pub(super) const BELIEVED: u64 = 24;

/// The rules of the books.
const QUOTA: &str = "quota";
const BUDGET: &str = "budget";
const PRESSURE: &str = "pressure";

/// What the limits leave of spans that the base would keep: each part from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factor {
    /// By the quota of the service, or by the rate limit that its strategy names.
    pub quota: f64,
    /// By the budget of the mesh: the same for every service.
    pub budget: f64,
    /// By the spool, while it is nearly full: the same for every service.
    pub pressure: f64,
}

impl Factor {
    /// No limit was reached.
    pub const ALL: Factor = Factor { quota: 1.0, budget: 1.0, pressure: 1.0 };

    /// All three together: the base keeps a span if `h < p × product`.
    #[inline]
    pub fn product(&self) -> f64 {
        self.quota * self.budget * self.pressure
    }

    /// The rule by which a span is dropped that the base alone would keep, by its place `h / p` from
    /// 0 to 1: the first of the limits that leaves it out. Each such span has exactly one.
    pub fn rule(&self, place: f64) -> &'static str {
        if place >= self.quota {
            QUOTA
        } else if place >= self.quota * self.budget {
            BUDGET
        } else {
            PRESSURE
        }
    }
}

/// The shares of one epoch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    pub(super) budget: f64,
    pub(super) pressure: f64,
    /// Of the services over their quota; of all that are known if `others` is not 1.
    pub(super) services: HashMap<Arc<str>, f64>,
    /// Of all other services.
    pub(super) others: f64,
}

impl Table {
    pub(super) fn all() -> Self {
        Table { budget: 1.0, pressure: 1.0, services: HashMap::default(), others: 1.0 }
    }

    fn factor(&self, service: &str) -> Factor {
        let own = if self.services.is_empty() { None } else { self.services.get(service) };
        Factor { quota: *own.unwrap_or(&self.others), budget: self.budget, pressure: self.pressure }
    }

    fn is_all(&self) -> bool {
        self.budget >= 1.0 && self.pressure >= 1.0 && self.others >= 1.0 && self.services.is_empty()
    }
}

/// Starts that no table fits.
#[derive(Debug, Default)]
pub(super) struct Misfits {
    /// More than two minutes from the arrival.
    pub(super) outside: AtomicU64,
    /// Of an epoch that has no table: from before the process began, or ahead of the clock.
    pub(super) untold: AtomicU64,
}

/// The tables of consecutive epochs.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    /// The epoch of the first.
    first: u64,
    tables: Vec<Arc<Table>>,
    misfits: Arc<Misfits>,
    /// No table takes anything away.
    is_all: bool,
}

impl Tables {
    pub(super) fn new(misfits: Arc<Misfits>) -> Self {
        Tables { first: 0, tables: vec![Arc::new(Table::all())], misfits, is_all: true }
    }

    /// The same, with `table` for the epochs from `from` to `last`, and for those before it that have
    /// none. What is older than anybody may ask for is forgotten.
    pub(super) fn with(&self, table: Table, from: u64, last: u64) -> Self {
        let oldest = last.saturating_sub(BELIEVED + 1);
        let (from, start) = (from.max(oldest), self.first.max(oldest));
        let mut tables: Vec<_> = (start..from.min(self.end())).map(|epoch| self.of(epoch).clone()).collect();
        let first = if tables.is_empty() { from } else { start };
        // Equal tables are one.
        let table = tables.last().filter(|last| ***last == table).cloned().unwrap_or_else(|| Arc::new(table));
        tables.resize((last + 1 - first) as usize, table);
        let is_all = tables.iter().all(|table| table.is_all());
        Tables { first, tables, misfits: self.misfits.clone(), is_all }
    }

    /// The same, with `change` made to the tables from an epoch on.
    pub(super) fn changed_from(&self, epoch: u64, change: impl Fn(&mut Table)) -> Self {
        let mut tables = self.clone();
        for (_, table) in (self.first..).zip(&mut tables.tables).filter(|(of, _)| *of >= epoch) {
            change(Arc::make_mut(table));
        }
        tables.is_all = tables.tables.iter().all(|table| table.is_all());
        tables
    }

    /// The first epoch that has no table.
    pub(super) fn end(&self) -> u64 {
        self.first + self.tables.len() as u64
    }

    /// The table of an epoch, or the nearest that there is.
    pub(super) fn of(&self, epoch: u64) -> &Arc<Table> {
        let place = epoch.saturating_sub(self.first).min(self.tables.len() as u64 - 1);
        &self.tables[place as usize]
    }

    fn find(&self, start: u64, arrival: u64) -> &Table {
        let mut epoch = start / EPOCH;
        if epoch.abs_diff(arrival) > BELIEVED {
            self.misfits.outside.fetch_add(1, Ordering::Relaxed);
            epoch = arrival;
        }
        if epoch < self.first || epoch >= self.end() {
            self.misfits.untold.fetch_add(1, Ordering::Relaxed);
        }
        self.of(epoch)
    }
}

/// The shares that hold for one request's spans.
#[derive(Debug, Clone)]
pub struct Rates {
    pub(super) tables: Arc<Tables>,
    /// The epoch of the request's arrival.
    pub(super) arrival: u64,
}

impl Rates {
    /// What is left of the spans of this service that began at this time, microseconds since 1970,
    /// as it was sent: that of the epoch of the start, or of the arrival if the start is more than
    /// two minutes from it. Without limits it costs one look at a flag.
    #[inline]
    pub fn factor(&self, service: &str, start: u64) -> Factor {
        if self.tables.is_all { Factor::ALL } else { self.tables.find(start, self.arrival).factor(service) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(budget: f64) -> Table {
        Table { budget, ..Table::all() }
    }

    fn rates(tables: Tables, arrival: u64) -> Rates {
        Rates { tables: Arc::new(tables), arrival }
    }

    #[test]
    fn a_span_is_judged_by_the_epoch_in_which_it_began() {
        let tables = Tables::new(Arc::default()).with(table(0.5), 1000, 1001).with(table(0.25), 1002, 1002);
        let misfits = tables.misfits.clone();
        let rates = rates(tables, 1001);
        let budget = |epoch: u64| rates.factor("any", epoch * EPOCH + 1).budget;
        assert_eq!([1000, 1001, 1002].map(budget), [0.5, 0.5, 0.25]);
        assert_eq!((misfits.outside.load(Ordering::Relaxed), misfits.untold.load(Ordering::Relaxed)), (0, 0));
        // Two minutes, and no more.
        assert_eq!((budget(1001 - 24), budget(1001 - 25), budget(1001 + 25)), (0.5, 0.5, 0.5));
        assert_eq!(budget(1001 + 24), 0.25);
        assert_eq!((misfits.outside.load(Ordering::Relaxed), misfits.untold.load(Ordering::Relaxed)), (2, 2));
    }

    #[test]
    fn old_tables_are_forgotten_and_gaps_are_filled() {
        let mut tables = Tables::new(Arc::default());
        for epoch in 1000..2000 {
            tables = tables.with(table(0.5), epoch, epoch);
        }
        assert_eq!((tables.first, tables.tables.len()), (1999 - BELIEVED - 1, BELIEVED as usize + 2));
        let later = tables.with(table(0.25), 9000, 9001);
        assert_eq!((later.first, later.tables.len(), later.of(9000).budget), (9000, 2, 0.25));
        // One table stands for all of the same shares.
        assert!(Arc::ptr_eq(tables.of(1998), tables.of(1999)));
    }

    #[test]
    fn a_dropped_span_has_one_rule() {
        let factor = Factor { quota: 0.5, budget: 0.5, pressure: 0.5 };
        assert_eq!(factor.product(), 0.125);
        assert_eq!(
            [0.9, 0.5, 0.4, 0.25, 0.2, 0.125].map(|place| factor.rule(place)),
            ["quota", "quota", "budget", "budget", "pressure", "pressure"]
        );
    }

    #[test]
    fn services_that_nobody_knows_share_one_quota() {
        let services = [("loud".into(), 0.1), ("quiet".into(), 1.0)].into_iter().collect();
        let tables = Tables::new(Arc::default()).with(Table { services, others: 0.3, ..Table::all() }, 7, 7);
        let rates = rates(tables, 7);
        assert_eq!(["loud", "quiet", "new"].map(|service| rates.factor(service, 7 * EPOCH).quota), [0.1, 1.0, 0.3]);
    }
}
