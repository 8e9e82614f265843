//! How much of what the base would keep is kept: quotas of services, the budget of the mesh, and
//! the pressure of a spool that fills up.
//!
//! Replicas exchange no messages, and yet a trace whose spans reach several of them should be kept
//! by all or by none. Three things bring that about but for a few per cent:
//!
//! - Each replica sees an even part of the mesh's spans (`--sampling.replicas`), learns its rates
//!   from what *would* be kept, which does not depend on chance as what *is* kept does, and averages
//!   over periods while a rate holds.
//! - Shares move in quantised steps.
//! - Time is cut into epochs of five seconds, and a span is judged by the shares of the epoch in
//!   which it *began*, which are set before that epoch begins: so neither its way to us nor a small
//!   difference of clocks matters.
//!
//! Nothing here waits or runs by itself: the first request of an epoch closes the one before.

mod answers;
mod counts;
mod estimate;
mod governor;
mod pressure;
mod rates;
mod step;

pub use counts::Seen;
pub use rates::{EPOCH, Factor, Rates};

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::settings::SamplingLimits;
use crate::telemetry::metrics::LimitsState;
use answers::Answered;
use counts::Counts;
use governor::{Governor, Period};
use pressure::Pressure;
use rates::{Misfits, Tables};

/// A process that has just begun sets its first shares after so long, microseconds, instead of
/// letting everything through for two epochs.
const FIRST_LOOK: u64 = 1_000_000;

/// The limits of this process; see the module.
#[derive(Debug)]
pub struct Limits {
    clock: Clock,
    /// There is a budget or a quota: what comes is counted, and by service for a quota.
    counts_all: bool,
    counts_services: bool,
    counts: Counts,
    pushed_back: AtomicU64,
    answered: Answered,
    tables: ArcSwap<Tables>,
    misfits: Arc<Misfits>,
    /// When the period that is counted began and when it is to be closed, microseconds.
    since: AtomicU64,
    due: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    governor: Governor,
    pressure: Pressure,
    /// The shares of a first look were set.
    is_settled: bool,
}

impl Limits {
    pub fn new(settings: &SamplingLimits, clock: Clock) -> Self {
        let governor = Governor::new(settings);
        let misfits = Arc::<Misfits>::default();
        Limits {
            clock,
            counts_all: settings.spans_per_second.is_some() || governor.has_quotas(),
            counts_services: governor.has_quotas(),
            counts: Counts::default(),
            pushed_back: AtomicU64::new(0),
            answered: Answered::default(),
            tables: ArcSwap::from_pointee(Tables::new(misfits.clone())),
            misfits,
            since: AtomicU64::new(0),
            due: AtomicU64::new(0),
            state: Mutex::new(State { governor, pressure: Pressure::new(settings.pressure), is_settled: false }),
        }
    }

    /// The shares for a request that arrives now, microseconds since 1970. Loaded once a request.
    pub fn rates(&self, now: u64) -> Rates {
        let (since, due) = (self.since.load(Ordering::Relaxed), self.due.load(Ordering::Relaxed));
        if now >= due || now + 2 * EPOCH < since {
            self.turn(now);
        }
        Rates { tables: self.tables.load_full(), arrival: now / EPOCH }
    }

    /// A request that was taken brought this of one service. To be called once a request and
    /// service, with what the rules granted before any factor of ours.
    pub fn observe(&self, service: &str, seen: &Seen) {
        let limited = seen.roots_per_second.is_some();
        if self.counts_all || limited {
            self.counts.count((self.counts_services || limited).then_some(service), seen);
        }
    }

    /// The store did not take so many items for having too much to do.
    pub fn pushed_back(&self, items: u64) {
        self.pushed_back.fetch_add(items, Ordering::Relaxed);
    }

    /// The store answered so many bulk requests in time, and so many slowly.
    pub fn answered(&self, in_time: u64, slow: u64) {
        self.answered.add(in_time, slow);
    }

    /// The spool is so full, from 0 to 1. To be called a few times a second: a rising pressure holds
    /// from the next epoch on.
    pub fn pressure(&self, full: f64) {
        let mut state = self.lock();
        let before = state.pressure;
        state.pressure.note(full);
        let (now, share) = (state.pressure, state.pressure.share());
        if share < before.share() {
            let next = self.clock.micros() / EPOCH + 1;
            let tables = self.tables.load().changed_from(next, |table| table.pressure = share);
            self.tables.store(Arc::new(tables));
        }
        drop(state);
        tell_pressure(before, now, full);
    }

    /// How it stands, for the metrics.
    pub fn state(&self) -> LimitsState {
        let state = self.lock();
        let tables = self.tables.load();
        let factor = tables.of(self.clock.micros() / EPOCH);
        LimitsState {
            budget: state.governor.rates(),
            budget_factor: factor.budget,
            pressure_factor: factor.pressure,
            services_over_quota: state.governor.over_quota() as u64,
            outside: self.misfits.outside.load(Ordering::Relaxed),
            untold: self.misfits.untold.load(Ordering::Relaxed),
        }
    }

    /// Closes the period if its time is over. One thread does it; the others go on with the shares
    /// that they have.
    fn turn(&self, now: u64) {
        let Ok(mut state) = self.state.try_lock() else { return };
        let since = self.since.load(Ordering::Relaxed);
        if since == 0 || now < since {
            // The beginning, or a clock that was set back: what was counted has no length.
            self.counts.take();
            return self.begin(now, if state.is_settled { (now / EPOCH + 1) * EPOCH } else { now + FIRST_LOOK });
        }
        if now < self.due.load(Ordering::Relaxed) {
            return;
        }
        let is_first = !std::mem::replace(&mut state.is_settled, true);
        let epoch = now / EPOCH;
        let period = Period {
            seconds: (now - since) as f64 / 1e6,
            epochs: u16::try_from(epoch - since / EPOCH).unwrap_or(u16::MAX).max(1),
            tally: self.counts.take(),
            pushed_back: self.pushed_back.swap(0, Ordering::Relaxed) > 0,
            answers: self.answered.take(),
            pressure: state.pressure.share(),
        };
        let table = state.governor.close(&period);
        // The table of the epoch that begins now was set when the one before it began.
        let tables = self.tables.load();
        let from = if is_first { epoch } else { tables.end().min(epoch + 1) };
        self.tables.store(Arc::new(tables.with(table, from, epoch + 1)));
        self.begin(now, (epoch + 1) * EPOCH);
    }

    fn begin(&self, now: u64, due: u64) {
        self.since.store(now, Ordering::Relaxed);
        self.due.store(due, Ordering::Relaxed);
    }

    /// The state stays whole though a thread that held it died: it is numbers.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell_pressure(before: Pressure, now: Pressure, full: f64) {
    let percent = (full * 100.0).round();
    match (before.is_any(), now.is_any()) {
        (false, true) => tracing::warn!(
            percent,
            "the spool fills up: fewer traces are kept until the store has taken some of it (--spool.pressure)"
        ),
        (true, false) => tracing::info!(percent, "the spool has room again: no trace is dropped for its sake"),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
